"""How an expression's parts are evaluated: a budgeted walk over plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar

from portal.feel import syntax
from portal.feel.budget import Meter
from portal.feel.builtins import BUILTINS
from portal.feel.errors import FeelScope
from portal.feel.operators import apply, negated
from portal.feel.syntax import Node
from portal.feel.temporal import part
from portal.feel.values import (
    Range,
    conjunction,
    disjunction,
    elements,
    equal,
    integer,
    member,
    order,
    plain,
    whole,
)


@dataclass(frozen=True)
class Scope:
    """What an expression sees: names, read only when they are used, and the portal's functions."""

    names: Mapping[str, object]
    functions: Mapping[str, Callable[..., object]] = field(default_factory=dict)


class _Frame:
    """Names bound inside an expression, over those bound further out."""

    __slots__ = ("names", "outer")

    def __init__(self, names: Mapping[str, object], outer: _Frame | None) -> None:
        self.names = names
        self.outer = outer

    def find(self, name: str) -> object:
        """The value of the innermost such name; null where there is none."""
        frame: _Frame | None = self
        while frame is not None:
            try:
                return frame.names[name]
            except KeyError:
                frame = frame.outer
        return None


class _NothingToBindError(Exception):
    """A `for`, `some` or `every` has no list to go through, so that it is null."""


_ORDERED: Mapping[str, Callable[[int], bool]] = {
    "<": lambda compared: compared < 0,
    "<=": lambda compared: compared <= 0,
    ">": lambda compared: compared > 0,
    ">=": lambda compared: compared >= 0,
}


class Walker:
    """One evaluation: a scope, and what is left of the budget."""

    def __init__(self, scope: Scope, meter: Meter, costs: Mapping[str, int]) -> None:
        self._scope = scope
        self._costs = costs
        self.meter = meter

    def value(self, node: Node, bound: Mapping[str, object] | None = None) -> object:
        """The value of a whole expression; the names in `bound` come before those of the scope."""
        frame = _Frame(self._scope.names, None)
        return self._walk(node, frame if bound is None else _Frame(bound, frame))

    def _walk(self, node: Node, frame: _Frame) -> object:
        self.meter.charge(1)
        return self._EVALUATE[type(node)](self, node, frame)

    def _literal(self, node: syntax.Literal, frame: _Frame) -> object:
        return node.value

    def _name(self, node: syntax.Name, frame: _Frame) -> object:
        return plain(frame.find(node.name))

    def _step(self, node: syntax.Step, frame: _Frame) -> object:
        return self._entry(self._walk(node.base, frame), node.key)

    def _entry(self, base: object, key: str, depth: int = 0) -> object:
        if isinstance(base, Mapping):
            return member(base, key)
        if isinstance(base, list | tuple):
            down = self.meter.deeper(depth)
            return [self._entry(element, key, down) for element in elements(base, self.meter)]
        return part(base, key)

    def _filter(self, node: syntax.Filter, frame: _Frame) -> object:
        base = self._walk(node.base, frame)
        if isinstance(node.test, syntax.Literal) and isinstance(node.test.value, Decimal):
            return self._at(base, node.test.value)
        values = elements(base, self.meter)
        if not values:
            # Only by its value can a test be told from a position.
            return None if isinstance(self._walk(node.test, frame), Decimal) else []
        chosen: list[object] = []
        for position, element in enumerate(values):
            found = self._walk(node.test, _inside(element, frame))
            if position == 0 and isinstance(found, Decimal):
                return self._at(base, found)
            if found is True:
                chosen.append(element)
        return chosen

    def _at(self, base: object, position: Decimal) -> object:
        values = base if isinstance(base, list | tuple) else [base]
        at = whole(position)
        if not at or abs(at) > len(values):
            return None
        return plain(values[at - 1 if at > 0 else at])

    def _negate(self, node: syntax.Negate, frame: _Frame) -> object:
        return negated(self._walk(node.operand, frame))

    def _chain(self, node: syntax.Chain, frame: _Frame) -> object:
        value = self._walk(node.first, frame)
        for sign, operand in node.rest:
            value = apply(sign, value, self._walk(operand, frame), self.meter)
        return value

    def _compare(self, node: syntax.Compare, frame: _Frame) -> object:
        return self._compared(node.sign, self._walk(node.left, frame), self._walk(node.right, frame))

    def _compared(self, sign: str, left: object, right: object) -> bool | None:
        if sign in _ORDERED:
            compared = order(left, right)
            return None if compared is None else _ORDERED[sign](compared)
        same = equal(left, right, self.meter)
        return same if sign == "=" or same is None else not same

    def _between(self, node: syntax.Between, frame: _Frame) -> object:
        value = self._walk(node.operand, frame)
        low, high = self._walk(node.low, frame), self._walk(node.high, frame)
        return self._inside_range(value, Range(low, high, True, True))

    def _inside_range(self, value: object, bounds: Range) -> bool | None:
        above = self._compared(">=" if bounds.low_included else ">", value, bounds.low)
        below = self._compared("<=" if bounds.high_included else "<", value, bounds.high)
        return conjunction((above, below))

    def _in(self, node: syntax.In, frame: _Frame) -> object:
        value = self._walk(node.operand, frame)
        return disjunction(self._passes(value, test, frame) for test in node.tests)

    def _passes(self, value: object, test: Node, frame: _Frame) -> bool | None:
        if isinstance(test, syntax.Against):
            return self._compared(test.sign, value, self._walk(test.operand, frame))
        wanted = self._walk(test, frame)
        if isinstance(wanted, list | tuple):
            same = isinstance(value, list | tuple) and equal(value, wanted, self.meter) is True
            return same or any(self._matches(value, one) is True for one in elements(wanted, self.meter))
        return self._matches(value, wanted)

    def _matches(self, value: object, wanted: object) -> bool | None:
        if isinstance(wanted, Range) and not isinstance(value, Range):
            return self._inside_range(value, wanted)
        return equal(value, wanted, self.meter)

    def _both(self, node: syntax.Both, frame: _Frame) -> object:
        return conjunction(self._walk(operand, frame) for operand in node.operands)

    def _either(self, node: syntax.Either, frame: _Frame) -> object:
        return disjunction(self._walk(operand, frame) for operand in node.operands)

    def _conditional(self, node: syntax.Conditional, frame: _Frame) -> object:
        return self._walk(node.yes if self._walk(node.test, frame) is True else node.no, frame)

    def _loop(self, node: syntax.Loop, frame: _Frame) -> object:
        results: list[object] = []
        try:
            for inner in self._frames(node.bindings, frame):
                results.append(self._walk(node.result, inner))
                self.meter.room(len(results))
        except _NothingToBindError:
            return None
        return results

    def _quantified(self, node: syntax.Quantified, frame: _Frame) -> object:
        found = (self._walk(node.test, inner) for inner in self._frames(node.bindings, frame))
        try:
            return conjunction(found) if node.every else disjunction(found)
        except _NothingToBindError:
            return None

    def _frames(self, bindings: tuple[syntax.Binding, ...], frame: _Frame) -> Iterator[_Frame]:
        """One frame per combination of the bound values, the last name changing fastest."""
        if not bindings:
            yield frame
            return
        for value in self._bound(bindings[0], frame):
            yield from self._frames(bindings[1:], _Frame({bindings[0].name: value}, frame))

    def _bound(self, binding: syntax.Binding, frame: _Frame) -> Iterable[object]:
        source = self._walk(binding.source, frame)
        if binding.until is None:
            if source is None or isinstance(source, Range):
                raise _NothingToBindError
            return elements(source, self.meter)
        first, last = whole(source), whole(self._walk(binding.until, frame))
        if first is None or last is None:
            raise _NothingToBindError
        step = 1 if first <= last else -1
        return (integer(at) for at in range(first, last + step, step))

    def _interval(self, node: syntax.Interval, frame: _Frame) -> object:
        low, high = self._walk(node.low, frame), self._walk(node.high, frame)
        return Range(low, high, node.low_included, node.high_included)

    def _elements(self, node: syntax.Elements, frame: _Frame) -> object:
        return [self._walk(element, frame) for element in node.elements]

    def _entries(self, node: syntax.Entries, frame: _Frame) -> object:
        made: dict[str, object] = {}
        inner = _Frame(made, frame)
        for key, value in node.entries:
            made[key] = self._walk(value, inner)
        return made

    def _invocation(self, node: syntax.Invocation, frame: _Frame) -> object:
        arguments = [self._walk(argument, frame) for argument in node.arguments]
        if node.function in self._costs:
            return self._handed_in(node.function, arguments)
        return BUILTINS[node.function].run(self.meter, *arguments)

    def _handed_in(self, name: str, arguments: list[object]) -> object:
        self.meter.charge(self._costs[name])
        if name not in self._scope.functions:
            raise FeelScope(f"没有交给表达式函数“{name}”")
        return plain(self._scope.functions[name](*arguments))

    _EVALUATE: ClassVar[Mapping[type, Callable[[Walker, Any, _Frame], object]]] = {
        syntax.Literal: _literal,
        syntax.Name: _name,
        syntax.Step: _step,
        syntax.Filter: _filter,
        syntax.Negate: _negate,
        syntax.Chain: _chain,
        syntax.Compare: _compare,
        syntax.Between: _between,
        syntax.In: _in,
        syntax.Both: _both,
        syntax.Either: _either,
        syntax.Conditional: _conditional,
        syntax.Loop: _loop,
        syntax.Quantified: _quantified,
        syntax.Interval: _interval,
        syntax.Elements: _elements,
        syntax.Entries: _entries,
        syntax.Invocation: _invocation,
    }


def _inside(element: object, frame: _Frame) -> _Frame:
    """The names a filter's condition sees: `item`, and the keys of an element that is a context."""
    item = _Frame({"item": element}, frame)
    return _Frame(element, item) if isinstance(element, Mapping) else item
