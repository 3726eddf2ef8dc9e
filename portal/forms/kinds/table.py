"""A table: rows of the same few questions, stored as a list of objects, one for each row that is not blank."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from portal.errors import Language
from portal.forms import exact
from portal.forms.answers import FieldError, Option, Refused
from portal.forms.characters import narrow, printable
from portal.forms.component import Component
from portal.forms.kinds.base import LAID_OUT, Answered

MOST_ROWS = 2000
MOST_COLUMNS = 20
COLUMN_KINDS = ("textfield", "number", "select", "datetime", "uscc", "party", "year", "amount")
"""The kinds that a column can be: those whose answer is one short text."""

Cells = Mapping[str, object]
"""One row by the names of its columns."""

# What form-js's editor writes into a dynamic list, and this table does by itself.
_EDITOR = frozenset(
    {"showOutline", "isRepeating", "allowAddRemove", "defaultRepetitions", "disableCollapse", "nonCollapsedItems"}
)
_LONGEST_NAME = 60


@dataclass(frozen=True)
class Column:
    """One question of each row."""

    name: str
    kind: Answered


@dataclass(frozen=True)
class Rows:
    """A table as somebody gave it; the rows of `given` and `read` stand at the same places, blank ones among them."""

    given: tuple[Cells, ...]
    read: tuple[Cells, ...]
    """Of each row the cells that could be read, JSON-safe; none of a table that has too many rows."""
    refused: Mapping[tuple[int, str], FieldError]
    """By place and column, why a cell could not be read."""
    unknown: tuple[str, ...]
    """Names in the rows for which there is no column."""

    @property
    def stored(self) -> list[dict[str, object]]:
        """The rows to keep."""
        return [dict(row) for row in self.read if row]


@dataclass(frozen=True, kw_only=True)
class Table(Answered):
    """Rows of at most 20 columns; `most` rows at the most."""

    ON: ClassVar[str | None] = "dynamiclist"
    TEMPLATE: ClassVar[str] = "table"
    ATTRIBUTES: ClassVar[frozenset[str]] = (
        LAID_OUT | _EDITOR | {"path", "label", "description", "components", "validate", "properties"}
    )
    PROPERTIES: ClassVar[frozenset[str]] = Answered.PROPERTIES | {"kind", "most", "unique", "sum"}

    most: int
    columns: tuple[Column, ...] = ()
    unique: tuple[str, ...] = ()
    """Columns that, taken together, may not say the same in two rows."""
    sum: tuple[str, ...] = ()
    """Columns whose sum is shown."""
    imports: bool = True
    """Whether its rows can also come from a sheet."""

    @classmethod
    def of(cls, component: Component) -> Self:
        """Reads how many rows there may be; the columns are put in when they have been read."""
        most = component.whole(component.properties, "most", 1, MOST_ROWS)
        return cls(required=component.flag(component.validate, "required"), most=most or MOST_ROWS)

    def schema(self, choices: Sequence[Option] | None) -> dict[str, object]:
        """An array of objects; each of them is held against the schema of the columns."""
        return {
            "type": "array",
            "items": {"type": "object"},
            "minItems": int(self.required),
            "maxItems": self.most,
        }

    def read(self, raw: object) -> list[dict[str, object]] | None:
        """The rows that are not blank; Refused if one of their cells cannot be read."""
        if raw is None:
            return None
        rows = self.rows(raw)
        if rows.refused or rows.unknown or self.is_too_many(rows):
            raise _unreadable()
        return rows.stored or None

    def rows(self, raw: object) -> Rows:
        """A list of objects, or its JSON text, with what cannot be read told by cell; Refused if it is neither."""
        given = tuple(self._row(row) for row in listed(raw))
        unknown = tuple(
            f"{at}.{printable(name, _LONGEST_NAME)}"
            for at, row in enumerate(given)
            for name in row
            if name not in self._names
        )
        if sum(1 for row in given if row) > self.most:
            return Rows(given, (), {}, unknown)
        read, refused = [], {}
        for at, row in enumerate(given):
            cells: dict[str, object] = {}
            for column in self.columns:
                try:
                    value = column.kind.read(row.get(column.name))
                except Refused as refusal:
                    refused[at, column.name] = refusal.error
                else:
                    if value is not None:
                        cells[column.name] = value
            read.append(cells)
        return Rows(given, tuple(read), refused, unknown)

    def is_too_many(self, rows: Rows) -> bool:
        """Whether there are more rows than the table takes, not counting blank ones."""
        return len(rows.given) != len(rows.read)

    @property
    def _names(self) -> frozenset[str]:
        return frozenset(column.name for column in self.columns)

    def _row(self, row: Cells) -> Cells:
        """A row without its blank cells; a browser's post holds each text in a list."""
        cells: dict[str, object] = {}
        for name, cell in row.items():
            answer = cell[0] if isinstance(cell, list | tuple) and len(cell) == 1 else cell
            blank = answer is None or answer == [] or (isinstance(answer, str) and not narrow(answer))
            if not blank:
                cells[name] = answer
        return cells

    def missing(self) -> FieldError:
        """One fills in a row."""
        return FieldError("请填写{label}，至少一行", "Fill in “{label}”: at least one row")

    def too_many(self, count: int) -> FieldError:
        """What to say to more rows than the table takes."""
        return FieldError(
            f"{{label}}最多 {self.most:,} 行，现有 {count:,} 行，请分几次办理",
            f"“{{label}}” takes at most {self.most:,} rows; there are {count:,}",
        )

    def complaint(self, keyword: str, value: object) -> FieldError:
        """No row, or too many."""
        if keyword == "minItems":
            return self.missing()
        return self.too_many(len(value) if isinstance(value, list) else 0)

    def typed(self, value: object) -> list[dict[str, object]]:
        """The rows with their cells as FEEL values."""
        kinds = {column.name: column.kind for column in self.columns}
        rows = value if isinstance(value, list) else []
        return [{name: kinds[name].typed(cell) for name, cell in row.items() if name in kinds} for row in rows]

    def shown(self, value: object, choices: Sequence[Option] | None, language: Language = "zh") -> str:
        """How many rows there are."""
        count = len(value) if isinstance(value, list) else 0
        return f"{count:,} 行" if language == "zh" else f"{count:,} row{'s' if count != 1 else ''}"

    def entered(self, value: object) -> tuple[str, ...]:
        """All rows as the one JSON text that a page carries."""
        return (carried(value),) if isinstance(value, list | tuple) else ()

    def sums(self, rows: Sequence[Cells]) -> dict[str, str]:
        """The sums to show by column, in plain digits; cells that hold no number do not count."""
        return {
            name: f"{sum((Decimal(str(row[name])) for row in rows if name in row), Decimal(0)):f}" for name in self.sum
        }


def carried(rows: Sequence[Cells]) -> str:
    """Rows as JSON text."""
    return json.dumps(list(rows), ensure_ascii=False, separators=(",", ":"), default=str)


def listed(raw: object) -> list[Cells]:
    """The rows in a list or in JSON text, as a page posts it; Refused if there are none."""
    if isinstance(raw, list | tuple) and len(raw) == 1 and isinstance(raw[0], str):
        raw = raw[0]
    if isinstance(raw, str):
        try:
            raw = exact.loads(raw) if raw.strip() else []
        except (ValueError, RecursionError) as error:
            raise _unreadable() from error
    if not isinstance(raw, list | tuple) or not all(isinstance(row, Mapping) for row in raw):
        raise _unreadable()
    return list(raw)


def _unreadable() -> Refused:
    return Refused(
        "{label}的各行没有读懂，请重新填写或重新导入", "The rows of “{label}” cannot be read; import them again"
    )
