"""Which names of the scope an expression reads, which functions it calls, and whether it calls them right."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from portal.feel import syntax
from portal.feel.budget import MAX_TEXT
from portal.feel.builtins import BUILTINS
from portal.feel.errors import FeelError, Position
from portal.feel.syntax import Node

Path = tuple[str, ...]


class Call(NamedTuple):
    """A call of a function handed in by the portal.

    Of each argument: the dotted name for a function by name, the text where it is a constant one, else None.
    """

    function: str
    arguments: tuple[str | None, ...]


@dataclass
class Uses:
    """What an expression uses; `loose` are paths in filters, which may also be keys of the elements."""

    paths: set[Path] = field(default_factory=set)
    loose: set[Path] = field(default_factory=set)
    calls: set[Call] = field(default_factory=set)


def uses(node: Node, text: str, declared: Mapping[str, Collection[int]], bound: frozenset[str] = frozenset()) -> Uses:
    """The free names and the calls of an expression; FeelError for a call with the wrong number of arguments.

    `declared` holds the numbers of arguments that each function handed in by the portal takes; the names in
    `bound` are not free.
    """
    reader = _Reader(text, declared)
    reader.read(node, bound, False)
    return reader.uses


class _Reader:
    """One pass over an expression."""

    def __init__(self, text: str, declared: Mapping[str, Collection[int]]) -> None:
        self.text = text
        self.declared = declared
        self.uses = Uses()

    def read(self, node: Node, bound: frozenset[str], filtered: bool) -> None:
        """Notes what a node uses where the names in `bound` are bound, inside a filter or not."""
        match node:
            case syntax.Name() | syntax.Step():
                self.path(node, bound, filtered)
            case syntax.Filter(base, test):
                self.read(base, bound, filtered)
                self.read(test, bound | {"item"}, True)
            case syntax.Loop(bindings, last) | syntax.Quantified(_, bindings, last):
                self.read(last, self.bindings(bindings, bound, filtered), filtered)
            case syntax.Entries(entries):
                for key, value in entries:
                    self.read(value, bound, filtered)
                    bound |= {key}
            case syntax.Invocation():
                self.call(node, bound)
                self.parts(node, bound, filtered)
            case _:
                self.parts(node, bound, filtered)

    def parts(self, node: Node, bound: frozenset[str], filtered: bool) -> None:
        for part in syntax.parts(node):
            self.read(part, bound, filtered)

    def bindings(self, bindings: tuple[syntax.Binding, ...], bound: frozenset[str], filtered: bool) -> frozenset[str]:
        for binding in bindings:
            self.read(binding.source, bound, filtered)
            if binding.until is not None:
                self.read(binding.until, bound, filtered)
            bound |= {binding.name}
        return bound

    def path(self, node: syntax.Name | syntax.Step, bound: frozenset[str], filtered: bool) -> None:
        keys: list[str] = []
        base: Node = node
        while isinstance(base, syntax.Step):
            keys.insert(0, base.key)
            base = base.base
        if not isinstance(base, syntax.Name):
            self.read(base, bound, filtered)
        elif base.name not in bound:
            (self.uses.loose if filtered else self.uses.paths).add((base.name, *keys))

    def call(self, node: syntax.Invocation, bound: frozenset[str]) -> None:
        taken = self.declared.get(node.function)
        counts = BUILTINS[node.function].counts if taken is None else taken
        if len(node.arguments) not in counts:
            what = f"函数“{node.function}”有{len(node.arguments)}个参数"
            raise FeelError(Position.of(self.text, node.at), what, f"它要{_numbers(counts)}个参数")
        if taken is None:
            return
        given = tuple(_constant(argument) for argument in node.arguments)
        if node.by_name and any(name and name.partition(".")[0] in bound for name in given):
            what = f"“{node.function}”要元素的名称，而给出的是循环变量"
            raise FeelError(Position.of(self.text, node.at), what, "直接写元素的名称")
        self.uses.calls.add(Call(node.function, given))


def _constant(node: Node) -> str | None:
    return node.value if isinstance(node, syntax.Literal) and isinstance(node.value, str) else None


def _numbers(counts: Collection[int]) -> str:
    if max(counts) == MAX_TEXT - 1:
        return f"至少{min(counts)}"
    return "或".join(str(count) for count in counts)
