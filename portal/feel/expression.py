"""A compiled expression: what it uses, and how it is evaluated."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from portal.feel import names, parser, syntax
from portal.feel.budget import DEFAULT, MAX_TEXT, Budget, Meter
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
    """An expression of the subset; equal to another of the same text, functions and declared names.

    Of unary tests (`unary`), the condition that they put to the name `?`.
    `paths` are the free names it reads with their keys; `loose` those inside a filter, which may as well be
    keys of the filtered elements; `calls` the calls of the portal's functions.
    """

    text: str
    functions: frozenset[tuple[str, Signature]]
    names: frozenset[str]
    unary: bool
    paths: frozenset[Path] = field(compare=False)
    loose: frozenset[Path] = field(compare=False)
    calls: frozenset[Call] = field(compare=False)
    node: syntax.Node = field(compare=False, repr=False)
    _depth: int = field(compare=False, repr=False)
    _costs: Mapping[str, int] = field(compare=False, repr=False)

    def evaluate(self, scope: Scope, budget: Budget = DEFAULT) -> Value:
        """Its value over a scope. FeelLimit beyond the budget, FeelScope for anything but plain data."""
        if self._depth > budget.depth:
            raise FeelLimit("表达式嵌套过深")
        walker = Walker(scope, Meter(budget), self._costs)
        try:
            return delivered(walker.value(self.node), walker.meter)
        except RecursionError as error:
            # Reached only where the caller itself stands deep, or where a lazily read name leads back here.
            raise FeelLimit("表达式嵌套过深") from error


NO_FUNCTIONS: Mapping[str, Signature] = {}
NO_NAMES: frozenset[str] = frozenset()


def compile(
    text: str, functions: Mapping[str, Signature] = NO_FUNCTIONS, names: Collection[str] = NO_NAMES
) -> Expression:
    """The expression a text (without a leading "=") says, given the portal's functions it may call; cached.

    `names` are declared names, which may hold blanks and signs. FeelError for a text outside the subset,
    FeelTooLarge among them; ValueError for a function that FEEL has itself.
    """
    return _compiled(text, functions, names, unary=False)


def compile_tests(
    text: str, functions: Mapping[str, Signature] = NO_FUNCTIONS, names: Collection[str] = NO_NAMES
) -> Expression:
    """The unary tests of a decision table's cell, as a condition on the name `?`; see `compile`."""
    return _compiled(text, functions, names, unary=True)


def _compiled(text: str, functions: Mapping[str, Signature], names: Collection[str], *, unary: bool) -> Expression:
    if len(text) > MAX_TEXT:
        what = f"表达式超过{MAX_TEXT}个字符"
        raise FeelTooLarge(Position.of(text, MAX_TEXT), what, "拆成几个表达式")
    return _compile(text, frozenset(functions.items()), frozenset(names), unary)


@lru_cache(maxsize=8192)
def _compile(
    text: str, functions: frozenset[tuple[str, Signature]], declared: frozenset[str], unary: bool
) -> Expression:
    node = parser.parse(text, _callable(functions), declared, unary=unary)
    bound = frozenset({syntax.QUESTION}) if unary else NO_NAMES
    used = names.uses(node, text, {name: signature.counts for name, signature in functions}, bound)
    return Expression(
        text=text,
        functions=functions,
        names=declared,
        unary=unary,
        paths=frozenset(used.paths),
        loose=frozenset(used.loose),
        calls=frozenset(used.calls),
        node=node,
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
