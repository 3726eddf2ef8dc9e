"""Whether expressions ask the rows of a table, in filters, loops and quantifiers, for what their columns can hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from portal.feel import syntax
from portal.feel.syntax import Node
from portal.procedures.checks import comparisons
from portal.procedures.checks.names import Columns, Found, Path, Unknown, nearest
from portal.procedures.spelling import meant

# The functions whose answer has the rows of their first argument.
_KEEPING = frozenset({"sublist", "reverse", "distinct values"})


class Tables(Protocol):
    """The names that may be used at a place, and the tables among them."""

    def value(self, path: Path) -> Found:
        """What stands behind a path."""

    def columns(self, path: Path) -> Columns | None:
        """The columns of the table that stands behind a path; None where that cannot be told."""


@dataclass(frozen=True)
class _Rows:
    """The rows of a table, or one of them."""

    table: str
    columns: Columns


@dataclass(frozen=True)
class _Inside:
    """What is bound at a place of an expression.

    `bound` has what is known of each name; `filtered` are the rows of the filter around it, `cells` the columns of rows
    whose names stand alone there. Inside a filter over
    elements that are not known (`loose`) every name may be one of their keys.
    """

    bound: Mapping[str, _Rows | None]
    filtered: _Rows | None = None
    cells: Columns = field(default_factory=dict)
    loose: bool = False

    def binding(self, name: str, rows: _Rows | None) -> _Inside:
        cells = {key: texts for key, texts in self.cells.items() if key != name}
        return _Inside({**self.bound, name: rows}, self.filtered, cells, self.loose)

    def filtering(self, rows: _Rows | None) -> _Inside:
        if rows is None:
            return _Inside(dict.fromkeys([*self.bound, "item"]), loose=True)
        bound = {**self.bound, "item": rows, **dict.fromkeys(rows.columns)}
        return _Inside(bound, rows, {**self.cells, **rows.columns}, self.loose)


def faults(node: Node, names: Tables) -> Iterator[Unknown]:
    """The columns that an expression reads and that are not there, each once."""
    reader = _Reader(names)
    reader.read(node, _Inside({}))
    yield from dict.fromkeys(reader.found)


def columns_of(node: Node, names: Tables) -> Columns | None:
    """The columns of the rows that an expression gives; None where it gives none, or that cannot be told."""
    rows = _Reader(names).read(node, _Inside({}))
    return rows.columns if rows is not None else None


class _Reader:
    """One pass over an expression."""

    def __init__(self, names: Tables) -> None:
        self.names = names
        self.found: list[Unknown] = []

    def read(self, node: Node, inside: _Inside) -> _Rows | None:
        """Notes the faults of a node; the rows that are its value, where it is rows of a table."""
        self._compared(node, inside)
        match node:
            case syntax.Name() | syntax.Step():
                return self._path(node, inside)
            case syntax.Filter(base, test):
                rows = self.read(base, inside)
                self.read(test, inside.filtering(rows))
                return rows
            case syntax.Loop(bindings, result):
                return self.read(result, self._bindings(bindings, inside))
            case syntax.Quantified(_, bindings, test):
                self.read(test, self._bindings(bindings, inside))
                return None
            case syntax.Entries(entries):
                for key, value in entries:
                    inside = inside.binding(key, self.read(value, inside))
                return None
        found = [self.read(part, inside) for part in syntax.parts(node)]
        match node:
            case syntax.Conditional():
                return found[1] if found[1] == found[2] else None
            case syntax.Invocation(function) if function in _KEEPING:
                return found[0]
        return None

    def _compared(self, node: Node, inside: _Inside) -> None:
        """Cells of rows that are compared with what nobody can choose there."""
        for path, text in sorted(comparisons.of(node)):
            rows = inside.bound.get(path[0])
            columns, key = (rows.columns, path[1:]) if rows is not None else (inside.cells, path)
            options = columns.get(key[0]) if len(key) == 1 else None
            if options is not None and text not in options:
                mend = f"可能的值：{'、'.join(sorted(options))}"
                self.found.append(Unknown(f"“{'.'.join(path)}”不会是“{text}”", mend))

    def _bindings(self, bindings: tuple[syntax.Binding, ...], inside: _Inside) -> _Inside:
        for binding in bindings:
            rows = self.read(binding.source, inside)
            if binding.until is not None:
                self.read(binding.until, inside)
                rows = None
            inside = inside.binding(binding.name, rows)
        return inside

    def _path(self, node: syntax.Name | syntax.Step, inside: _Inside) -> _Rows | None:
        keys: list[str] = []
        base: Node = node
        while isinstance(base, syntax.Step):
            keys.insert(0, base.key)
            base = base.base
        if not isinstance(base, syntax.Name):
            return self._keys(self.read(base, inside), keys)
        if base.name in inside.bound:
            return self._keys(inside.bound[base.name], keys)
        return None if inside.loose else self._free((base.name, *keys), inside)

    def _keys(self, rows: _Rows | None, keys: list[str]) -> _Rows | None:
        if rows is not None and keys and keys[0] not in rows.columns:
            self.found.append(Unknown(f"“{rows.table}”没有“{keys[0]}”这一列", nearest(keys[0], rows.columns)))
        return None if keys else rows

    def _free(self, path: Path, inside: _Inside) -> _Rows | None:
        """A name that nothing here binds; those outside all filters are told with the names of the expression."""
        found = self.names.value(path) if inside.filtered else None
        if isinstance(found, Unknown) and inside.filtered:
            self.found.append(self._neither(path, found, inside.filtered, inside))
        columns = self.names.columns(path)
        return None if columns is None else _Rows(".".join(path), columns)

    def _neither(self, path: Path, found: Unknown, rows: _Rows, inside: _Inside) -> Unknown:
        if not isinstance(self.names.value(path[:1]), Unknown):
            return found
        what = f"“{path[0]}”不是“{rows.table}”的列，此处也没有这个名称"
        if meant(path[0], inside.bound):
            return Unknown(what, nearest(path[0], inside.bound))
        return Unknown(what, f"{found.mend}；“{rows.table}”的列：{'、'.join(sorted(rows.columns))}")
