"""A compiled expression: what it uses, and how it is evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from portal.feel import names, parser, syntax
from portal.feel.budget import DEFAULT, MAX_TEXT, Budget
from portal.feel.builtins import BUILTINS
from portal.feel.errors import FeelLimit, FeelTooLarge, Position
from portal.feel.names import Call, Path
from portal.feel.values import Value, delivered
from portal.feel.walker import Scope, Walker


@dataclass(frozen=True)
class Signature:
    """How a function handed in by the portal is called.

    It takes `least` to `most` arguments (`most` of None: exactly `least`), values or, `by_name`, dotted
    names. Each call costs so many steps.
    """

    least: int
    most: int | None = None
    by_name: bool = False
    cost: int = 20

    @property
    def counts(self) -> range:
        """The numbers of arguments it takes."""
        return range(self.least, (self.least if self.most is None else self.most) + 1)


@dataclass(frozen=True)
class Expression:
    """An expression of the subset; equal to another of the same text and functions.

    `paths` are the free names it reads with their keys; `loose` those inside a filter, which may as well be
    keys of the filtered elements; `calls` the calls of the portal's functions.
    """

    text: str
    functions: frozenset[tuple[str, Signature]]
    paths: frozenset[Path] = field(compare=False)
    loose: frozenset[Path] = field(compare=False)
    calls: frozenset[Call] = field(compare=False)
    _node: syntax.Node = field(compare=False, repr=False)
    _depth: int = field(compare=False, repr=False)
    _costs: Mapping[str, int] = field(compare=False, repr=False)

    def evaluate(self, scope: Scope, budget: Budget = DEFAULT) -> Value:
        """Its value over a scope. FeelLimit beyond the budget, FeelScope for anything but plain data."""
        if self._depth > budget.depth:
            raise FeelLimit("表达式嵌套过深")
        walker = Walker(scope, budget, self._costs)
        try:
            return delivered(walker.value(self._node), walker.meter)
        except RecursionError as error:
            # Reached only where the caller itself stands deep, or where a lazily read name leads back here.
            raise FeelLimit("表达式嵌套过深") from error


NO_FUNCTIONS: Mapping[str, Signature] = {}


def compile(text: str, functions: Mapping[str, Signature] = NO_FUNCTIONS) -> Expression:
    """The expression a text (without a leading "=") says, given the portal's functions it may call; cached.

    FeelError for a text outside the subset, FeelTooLarge among them; ValueError for a function that FEEL has
    itself.
    """
    if len(text) > MAX_TEXT:
        what = f"表达式超过{MAX_TEXT}个字符"
        raise FeelTooLarge(Position.of(text, MAX_TEXT), what, "拆成几个表达式")
    return _compile(text, frozenset(functions.items()))


@lru_cache(maxsize=4096)
def _compile(text: str, functions: frozenset[tuple[str, Signature]]) -> Expression:
    node = parser.parse(text, _callable(functions))
    used = names.uses(node, text, {name: signature.counts for name, signature in functions})
    return Expression(
        text=text,
        functions=functions,
        paths=frozenset(used.paths),
        loose=frozenset(used.loose),
        calls=frozenset(used.calls),
        _node=node,
        _depth=syntax.depth(node),
        _costs={name: signature.cost for name, signature in functions},
    )


@lru_cache(maxsize=64)
def _callable(functions: frozenset[tuple[str, Signature]]) -> Mapping[str, bool]:
    declared = {name: signature.by_name for name, signature in functions}
    if twice := declared.keys() & BUILTINS.keys():
        raise ValueError(f"FEEL has its own {', '.join(sorted(twice))}")
    return {**dict.fromkeys(BUILTINS, False), **declared}


def condition(expression: Expression, scope: Scope, budget: Budget = DEFAULT) -> bool:
    """Whether a condition holds: its value is true, not merely something or null."""
    return expression.evaluate(scope, budget) is True
