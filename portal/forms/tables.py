"""The rows of a table held against its columns: what is wrong with which cell, and how a page gathers them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from portal.feel import Scope
from portal.forms.answers import ROWS, Choices, FieldError, Refused
from portal.forms.expressions import Overlaid, value
from portal.forms.kinds.table import Cells, Rows, Table, listed
from portal.forms.tree import Field
from portal.forms.validation import checker, schema_of

_CELL = re.compile(r"(0|[1-9][0-9]{0,5})\.(.+)", re.DOTALL)
_MOST_TWINS = 5

Number = Callable[[int], int]
"""By its place (from 0), the number by which people call a row: on a page the next one, in a sheet that of its line."""


@dataclass(frozen=True)
class CellFault:
    """What is wrong with one cell: the place of its row, its column, and words that stand behind the column's label."""

    row: int
    column: Field
    error: FieldError

    def told(self, number: Number, label: str) -> FieldError:
        """The whole message: `第 3 行 年度配额（tCO₂e）：请填写`."""
        called = number(self.row)
        return FieldError(f"第 {called} 行 {label}：{self.error.zh}", f"Row {called}, {label}: {self.error.en}")


def kind_of(field: Field) -> Table:
    """The kind of a field that has columns."""
    return cast(Table, field.kind)


def column_choices(field: Field, choices: Choices) -> Choices:
    """Of all choices of a form those of a table's columns, by the column's own name."""
    return {
        column.name: choices[name] for column in field.columns if (name := f"{field.name}.{column.name}") in choices
    }


def gathered(pieces: Mapping[str, object]) -> tuple[object, list[str]]:
    """The rows that a page posted in pieces (`0.unit`, `rows`), and the names among them that are none.

    Rows in JSON come first; where a page also has cells, those follow in their order.
    """
    cells: dict[int, dict[str, object]] = {}
    strange = []
    for name, answer in pieces.items():
        found = _CELL.fullmatch(name)
        if found:
            cells.setdefault(int(found[1]), {})[found[2]] = answer
        elif name != ROWS:
            strange.append(name)
    rows = [cells[at] for at in sorted(cells)]
    if ROWS not in pieces:
        return rows, strange
    try:
        return [*listed(pieces[ROWS]), *rows], strange
    except Refused:
        return pieces[ROWS], strange


def faults_of(
    field: Field, rows: Rows, scope: Scope, choices: Choices, number: Number = lambda at: at + 1
) -> list[CellFault]:
    """What is wrong with the cells of a table, row by row; `choices` are those of its columns.

    A column's rule sees its row first, then `scope`, of which every name is read once for all rows.
    """
    order = {column.name: at for at, column in enumerate(field.columns)}
    by_name = {column.name: column for column in field.columns}
    found = [CellFault(at, by_name[name], error.alone()) for (at, name), error in rows.refused.items()]
    wrong = _Wrong(field, Scope(Remembered(scope.names), scope.functions), choices)
    for at, row in enumerate(rows.read):
        if rows.given[at]:
            refused = frozenset(name for name in by_name if (at, name) in rows.refused)
            found += [CellFault(at, column, error.alone()) for column, error in wrong.of(row, refused)]
    found += _twins(field, rows, number)
    first = {(fault.row, fault.column.name): fault for fault in reversed(found)}
    return sorted(first.values(), key=lambda fault: (fault.row, order[fault.column.name]))


class _Wrong:
    """Finds what is wrong with a row by itself."""

    def __init__(self, field: Field, scope: Scope, choices: Choices) -> None:
        self._field, self._scope = field, scope
        # A list of all organisations would be gone through for every row.
        self._parties = {
            column.name: frozenset(option.value for option in choices[column.name])
            for column in field.columns
            if column.kind_name == "party" and column.name in choices
        }
        others = {name: options for name, options in choices.items() if name not in self._parties}
        self._breaches = checker(schema_of(field.columns, others), field.columns)

    def of(self, row: Cells, refused: frozenset[str]) -> Iterator[tuple[Field, FieldError]]:
        """Column and message; nothing of the columns in `refused`, which are told already."""
        bad = set(refused)
        hidden = self._hidden(row)
        for column, keyword in self._breaches(row):
            if column.name not in bad and column.name not in hidden:
                bad.add(column.name)
                missing = keyword == "required"
                yield column, column.kind.missing() if missing else column.kind.complaint(keyword, row[column.name])
        for column in self._field.columns:
            if column.name in hidden and column.name in row and column.name not in bad:
                bad.add(column.name)
                yield column, FieldError("这一行不填此列，请清空这一格", "is not asked for in this row; clear the cell")
        for column in self._field.columns:
            known = self._parties.get(column.name)
            if known is not None and column.name in row and column.name not in bad and row[column.name] not in known:
                bad.add(column.name)
                yield column, _unknown_party(row[column.name])
        yield from self._by_rule(row, bad)

    def _by_rule(self, row: Cells, bad: set[str]) -> Iterator[tuple[Field, FieldError]]:
        ruled = [c for c in self._field.columns if c.refuse is not None and c.name in row and c.name not in bad]
        if not ruled:
            return
        scope = self._scope_in({name: cell for name, cell in row.items() if name not in bad})
        for column in ruled:
            if column.refuse is not None and value(column.refuse, scope) is True:
                yield column, refused_by(column, scope)

    def _hidden(self, row: Cells) -> frozenset[str]:
        """The columns that this row does not ask for."""
        conditional = [column for column in self._field.columns if column.hidden_when]
        if not conditional:
            return frozenset()
        scope = self._scope_in(row)
        return frozenset(column.name for column in conditional if not column.visible(scope))

    def _scope_in(self, row: Cells) -> Scope:
        own = {
            column.name: column.kind.typed(row[column.name]) if column.name in row else None
            for column in self._field.columns
        }
        return Scope(Overlaid(own, self._scope.names), self._scope.functions)


class Remembered(Mapping[str, object]):
    """Names of which each is read once, however often it is asked for."""

    def __init__(self, below: Mapping[str, object]) -> None:
        self._below = below
        self._read: dict[str, object] = {}

    def __getitem__(self, name: str) -> object:
        if name not in self._read:
            self._read[name] = self._below[name]
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._below)

    def __len__(self) -> int:
        return len(self._below)


def _twins(field: Field, rows: Rows, number: Number) -> Iterator[CellFault]:
    """Every row that says the same as another in the columns that may say it once."""
    unique = kind_of(field).unique
    if not unique:
        return
    places: dict[tuple[object, ...], list[int]] = {}
    for at, row in enumerate(rows.read):
        if all(name in row for name in unique):
            places.setdefault(tuple(row[name] for name in unique), []).append(at)
    column = next(column for column in field.columns if column.name == unique[0])
    for same in places.values():
        for at in same if len(same) > 1 else ():
            others = [str(number(other)) for other in same[: _MOST_TWINS + 1] if other != at][:_MOST_TWINS]
            more, rest = ("等", ", …") if len(same) - 1 > _MOST_TWINS else ("", "")
            zh = f"与第 {'、'.join(others)} {more}行重复，请只留一行"
            yield CellFault(at, column, FieldError(zh, f"the same as row {', '.join(others)}{rest}; keep one of them"))


def refused_by(field: Field, scope: Scope) -> FieldError:
    """What is said when a field's own rule refuses an answer."""
    said = field.refusal.render(scope) if field.refusal else ""
    return FieldError(said, said)


def _unknown_party(code: object) -> FieldError:
    return FieldError(
        f"{code} 没有在本门户登记，请核对代码；代码无误的，请该单位先在本门户注册，"
        "或请管理员登记该单位（不需要账号），然后再填写",
        f"{code} is not registered in this portal; check the code, or have the organisation register first, "
        "or an administrator add it (without an account)",
    )


def labelled(fault: CellFault, labels: Mapping[str, str], number: Number = lambda at: at + 1) -> FieldError:
    """The whole message of a fault, the column called by its label."""
    return fault.told(number, labels[fault.column.name])


def without_rows(field: Field, answers: Mapping[str, object]) -> dict[str, object]:
    """Answers as posted, without what they hold of a table."""
    return {
        name: answer for name, answer in answers.items() if name != field.name and not name.startswith(f"{field.name}.")
    }
