"""One pass over an expression: what it comes to, and what it asks of values that these cannot answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from portal.feel import FeelError, parser, syntax
from portal.feel.builtins import BUILTINS
from portal.feel.syntax import Node
from portal.feel.values import kind
from portal.procedures.checks import comparisons, kinds
from portal.procedures.checks.values import (
    ANY,
    FLAG,
    KIND_OF,
    LIST,
    NUMBER,
    RANGE,
    RECORD,
    Columns,
    Found,
    Path,
    Unknown,
    Value,
    common,
    either,
    nearest,
    step,
    table_of,
)
from portal.procedures.functions import FUNCTIONS
from portal.procedures.spelling import meant

_CALLABLE: Mapping[str, bool] = {
    **dict.fromkeys(BUILTINS, False),
    **{name: signature.by_name for name, signature in FUNCTIONS.items()},
}

# The functions that look for their second argument among the elements of the first.
_SEARCHING = frozenset({"list contains", "index of"})


class Readable(Protocol):
    """The names that may be used at a place, the tables among them, and what the portal's functions give there."""

    def value(self, path: Path) -> Found:
        """What stands behind a path."""

    def columns(self, path: Path) -> Columns | None:
        """The columns of the table that stands behind a path; None where that cannot be told."""

    def answer(self, function: str, first: str | None) -> Value:
        """What one of the portal's functions gives, asked with a first argument (None: not a constant)."""


@dataclass(frozen=True)
class _Read:
    """What is known of a node's value, and the table that it comes from."""

    value: Value = ANY
    table: str = ""


@dataclass(frozen=True)
class _Inside:
    """What is bound at a place of an expression.

    `rows` is the element of the filter around it, where it is a table's row. Inside a filter over other elements
    (`loose`) every name may be one of their keys.
    """

    bound: Mapping[str, _Read] = field(default_factory=dict)
    rows: _Read | None = None
    loose: bool = False

    def binding(self, name: str, read: _Read) -> _Inside:
        return replace(self, bound={**self.bound, name: read})

    def filtering(self, element: _Read) -> _Inside:
        columns = element.value.parts
        if columns is None or not element.table:
            return _Inside({**dict.fromkeys(self.bound, _Read()), "item": element}, loose=True)
        cells = {key: _Read(cell, element.table) for key, cell in columns.items()}
        return _Inside({**self.bound, "item": element, **cells}, element, self.loose)


def faults(node: Node, names: Readable) -> Iterator[Unknown]:
    """What an expression asks for that is not there or cannot be, each once."""
    reader = _Reader(names)
    reader.read(node, _Inside())
    yield from dict.fromkeys(reader.found)


def value_of(node: Node, names: Readable) -> Value:
    """What is known of the value that an expression gives."""
    return _Reader(names).read(node, _Inside()).value


def given(text: str, names: Readable) -> Value:
    """What is known of the value that an expression (without its `=`) gives; nothing of a faulty one."""
    try:
        return value_of(parser.parse(text, _CALLABLE), names)
    except FeelError:
        return ANY


class _Reader:
    def __init__(self, names: Readable) -> None:
        self.names = names
        self.found: list[Unknown] = []

    def read(self, node: Node, inside: _Inside) -> _Read:
        """Notes the faults of a node; what its value is."""
        match node:
            case syntax.Name() | syntax.Step():
                return self._path(node, inside)
            case syntax.Filter(base, test):
                return self._filter(base, test, inside)
            case syntax.Loop(bindings, result):
                made = self.read(result, self._bindings(bindings, inside))
                return _Read(Value(LIST, of=made.value), made.table)
            case syntax.Quantified(_, bindings, test):
                inner = self._bindings(bindings, inside)
                self._told(kinds.truth(self.read(test, inner).value, _shown(test)))
                return _Read(Value(FLAG))
            case syntax.Entries(entries):
                return self._entries(entries, inside)
            case syntax.Literal(value):
                return _Read(Value(KIND_OF.get(kind(value))))
        return self._operation(node, inside)

    def _operation(self, node: Node, inside: _Inside) -> _Read:
        """The value of a node whose parts all see the same names."""
        parts = syntax.parts(node)
        read = [self.read(part, inside) for part in parts]
        values, written = [one.value for one in read], [_shown(part) for part in parts]
        match node:
            case syntax.Chain(first, rest):
                return _Read(self._chain(_shown(first), rest, values))
            case syntax.Conditional():
                self._told(kinds.truth(values[0], written[0]))
                return read[1] if read[1] == read[2] else _Read(common(values[1], values[2]))
            case syntax.Elements():
                same = values and all(value == values[0] and value.kind != RECORD for value in values)
                return _Read(Value(LIST, of=values[0] if same else None))
            case syntax.Negate():
                self._told(kinds.negated(values[0], written[0]))
                return read[0]
            case syntax.Interval():
                return _Read(Value(RANGE))
            case syntax.Against():
                return read[0]
            case syntax.Invocation(function, arguments):
                return self._called(function, arguments, read, written)
        self._judged(node, parts, values)
        return _Read(Value(FLAG))

    def _judged(self, node: Node, parts: Sequence[Node], values: Sequence[Value]) -> None:
        """A node that is true or false."""
        match node:
            case syntax.Both() | syntax.Either():
                for part, value in zip(parts, values, strict=True):
                    self._told(kinds.truth(value, _shown(part)))
            case syntax.Compare(sign):
                self._compared(sign, parts, values)
            case syntax.Between():
                self._compared(">=", parts[:2], values[:2])
                self._compared("<=", (parts[0], parts[2]), [values[0], values[2]])
            case syntax.In(_, tests):
                for test, value in zip(tests, values[1:], strict=True):
                    self._tested(parts[0], values[0], test, value)

    def _told(self, unknown: Unknown | None) -> bool:
        self.found += [unknown] if unknown is not None else []
        return unknown is not None

    # Operators

    def _chain(self, name: str, rest: Sequence[tuple[str, Node]], values: Sequence[Value]) -> Value:
        value = values[0]
        for (sign, operand), right in zip(rest, values[1:], strict=True):
            made = kinds.arithmetic(sign, value, right, (name, _shown(operand)))
            if isinstance(made, Unknown):
                self._told(made)
                return ANY
            value, name = made, f"{name} {sign} {_shown(operand)}"
        return value

    def _compared(self, sign: str, nodes: Sequence[Node], values: Sequence[Value]) -> None:
        wrong = kinds.compared(sign, values[0], values[1], (_shown(nodes[0]), _shown(nodes[1])))
        if not self._told(wrong) and sign in ("=", "!="):
            self._chosen(nodes[0], values[0], comparisons.texts(nodes[1]))
            self._chosen(nodes[1], values[1], comparisons.texts(nodes[0]))

    def _tested(self, asked: Node, value: Value, test: Node, against: Value) -> None:
        """One of the tests after `in`: a range or a list is asked whether it holds the value."""
        if isinstance(test, syntax.Against):
            self._compared(test.sign, (asked, test.operand), (value, against))
        elif isinstance(test, syntax.Elements):
            for element in (one for one in test.elements if isinstance(one, syntax.Literal)):
                self._compared("=", (asked, element), (value, Value(KIND_OF.get(kind(element.value)))))
        elif against.kind not in (RANGE, LIST) and not isinstance(test, syntax.Invocation):
            self._compared("=", (asked, test), (value, against))
        else:
            self._chosen(asked, value, comparisons.texts(test))

    def _chosen(self, node: Node, value: Value, texts: Iterator[str]) -> None:
        """Choices and outcomes that are compared with what nobody can choose."""
        if value.options is not None:
            mend = f"可能的值：{'、'.join(sorted(value.options))}"
            self.found += [
                Unknown(f"“{_shown(node)}”不会是“{text}”", mend) for text in texts if text not in value.options
            ]

    def _called(self, function: str, arguments: Sequence[Node], read: Sequence[_Read], written: Sequence[str]) -> _Read:
        if function in FUNCTIONS:
            first = arguments[0] if arguments else None
            constant = first.value if isinstance(first, syntax.Literal) and isinstance(first.value, str) else None
            value = self.names.answer(function, constant)
            return _Read(value, f"{function}(…)" if value.kind == LIST else "")
        if function not in BUILTINS:
            return _Read()
        values = [one.value for one in read]
        if self._told(kinds.taken(function, values, written)):
            return _Read()
        if function in _SEARCHING:
            self._chosen(arguments[0], _element(read[0]).value, comparisons.texts(arguments[1]))
        return _Read(kinds.given(function, values), read[0].table if read else "")

    # Names

    def _filter(self, base: Node, test: Node, inside: _Inside) -> _Read:
        read = self.read(base, inside)
        element = _element(read)
        tested = self.read(test, inside.filtering(element)).value
        if tested.kind == NUMBER:
            return element
        if tested.kind == FLAG:
            return _Read(Value(LIST, of=element.value), read.table)
        self._told(kinds.truth(tested, _shown(test)))
        return _Read(either(element.value), read.table)

    def _entries(self, entries: Sequence[tuple[str, Node]], inside: _Inside) -> _Read:
        parts: dict[str, Value] = {}
        for key, node in entries:
            read = self.read(node, inside)
            parts[key], inside = read.value, inside.binding(key, read)
        return _Read(Value(RECORD, parts=parts))

    def _bindings(self, bindings: Sequence[syntax.Binding], inside: _Inside) -> _Inside:
        for binding in bindings:
            read = self.read(binding.source, inside)
            if binding.until is None:
                wrong = self._told(kinds.walked(read.value, _shown(binding.source)))
                one = _Read() if wrong else _element(read)
            else:
                self.read(binding.until, inside)
                one = _Read(Value(NUMBER))
            inside = inside.binding(binding.name, one)
        return inside

    def _path(self, node: syntax.Name | syntax.Step, inside: _Inside) -> _Read:
        keys: list[str] = []
        base: Node = node
        while isinstance(base, syntax.Step):
            keys.insert(0, base.key)
            base = base.base
        if not isinstance(base, syntax.Name):
            return self._keys(self.read(base, inside), keys, _shown(base))
        if base.name in inside.bound:
            return self._keys(inside.bound[base.name], keys, base.name)
        return _Read() if inside.loose else self._free((base.name, *keys), inside)

    def _keys(self, read: _Read, keys: Sequence[str], name: str) -> _Read:
        """What stands under keys of something; of rows the first one is a column."""
        value, table = read.value, read.table
        for place, key in enumerate(keys):
            found = step(value, key, name)
            if isinstance(found, Unknown):
                columns = (value.of or value).parts
                if place == 0 and table and columns is not None:
                    found = Unknown(f"“{table}”没有“{key}”这一列", nearest(key, columns))
                self._told(found)
                return _Read()
            value, name = found, f"{name}.{key}"
        return _Read(value, f"{table}.{'.'.join(keys)}" if table and keys else table)

    def _free(self, path: Path, inside: _Inside) -> _Read:
        """A name that nothing here binds; those outside all filters are told with the names of the expression."""
        found = self.names.value(path)
        if isinstance(found, Unknown):
            if inside.rows is not None:
                self.found.append(self._neither(path, found, inside.rows, inside))
            return _Read()
        value = found or ANY
        columns = self.names.columns(path) if value.columns is None and value.kind in (LIST, None) else None
        return _Read(value if columns is None else table_of(columns), ".".join(path))

    def _neither(self, path: Path, found: Unknown, rows: _Read, inside: _Inside) -> Unknown:
        if not isinstance(self.names.value(path[:1]), Unknown):
            return found
        what = f"“{path[0]}”不是“{rows.table}”的列，此处也没有这个名称"
        if meant(path[0], inside.bound):
            return Unknown(what, nearest(path[0], inside.bound))
        return Unknown(what, f"{found.mend}；“{rows.table}”的列：{'、'.join(sorted(rows.value.parts or ()))}")


def _element(read: _Read) -> _Read:
    """An element of a list; anything else stands for a list of itself."""
    value = read.value
    return replace(read, value=(value.of or ANY) if value.kind == LIST else value)


def _shown(node: Node) -> str:
    """A part of an expression as it is named to people."""
    match node:
        case syntax.Name(name):
            return name
        case syntax.Step(base, key):
            return f"{_shown(base)}.{key}"
        case syntax.Filter(base):
            return f"{_shown(base)}[…]"
        case syntax.Invocation(function):
            return f"{function}(…)"
        case syntax.Literal(value):
            return str(value)
        case syntax.Chain(first, rest):
            return " ".join((_shown(first), *(f"{sign} {_shown(operand)}" for sign, operand in rest)))
        case syntax.Against(_, operand):
            return _shown(operand)
    return "…"
