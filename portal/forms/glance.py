"""A look into an uploaded workbook: the first rows of its first sheets, as Excel last showed them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import BinaryIO
from zipfile import ZipFile

from lxml import etree
from openpyxl.styles.numbers import builtin_format_code, is_date_format, is_timedelta_format
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel

from portal.forms.packed import opened, streamed
from portal.forms.workbook import Book, Leaf

MOST_ROWS, MOST_COLUMNS, MOST_SHEETS = 200, 50, 10
LONGEST_CELL = 500
"""Characters of a cell that are shown."""


@dataclass(frozen=True)
class Glance:
    """The first rows of a sheet: each with its number and texts; whether there are `more`, or more columns (`wide`)."""

    name: str
    rows: list[tuple[int, list[str]]]
    width: int
    more: bool
    wide: bool


@dataclass(frozen=True)
class Glances:
    """The first sheets of a workbook; how many visible ones there are `more`, and how many `hidden`."""

    sheets: list[Glance]
    more: int
    hidden: int


def glance(stream: BinaryIO) -> Glances:
    """The beginning of a workbook; Refused, or one of `packed.BROKEN` where it is damaged or forged."""
    with opened(stream) as archive:
        book = Book(archive)
        seen = [leaf for leaf in book.leaves if not leaf.hidden]
        shown = [_sheet(archive, book, leaf) for leaf in seen[:MOST_SHEETS]]
        return Glances(shown, len(seen) - len(shown), len(book.leaves) - len(seen))


def _sheet(archive: ZipFile, book: Book, leaf: Leaf) -> Glance:
    rows: list[tuple[int, dict[int, str]]] = []
    more = wide = False
    with streamed(archive, leaf.part, "{*}row") as (source, elements):
        for row in elements:
            cells = dict(_cells(book, row))
            number = int(row.get("r") or (rows[-1][0] + 1 if rows else 1))
            source.clear(row)
            if not any(cells.values()):
                continue
            if len(rows) == MOST_ROWS:
                more = True
                break
            wide = wide or max(cells) > MOST_COLUMNS
            rows.append((number, cells))
    width = min(MOST_COLUMNS, max((max(cells) for _, cells in rows), default=0))
    lines = [(number, [cells.get(column, "") for column in range(1, width + 1)]) for number, cells in rows]
    return Glance(leaf.name, lines, width, more, wide)


def _cells(book: Book, row: etree._Element) -> Iterator[tuple[int, str]]:
    """The cells of a row by the number of their column, as Excel last showed them."""
    last = 0
    for cell in islice(row.iterchildren("{*}c"), 20_000):
        last = _column(cell.get("r"), last)
        text = _shown(book, cell)
        if text:
            yield last, text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}…"


def _column(place: str | None, last: int) -> int:
    letters = (place or "").rstrip("0123456789")
    if not letters:
        return last + 1
    if len(letters) > 3 or not letters.isascii() or not letters.isupper():
        raise ValueError(letters)
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _shown(book: Book, cell: etree._Element) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return "".join(part.text or "" for part in cell.iter("{*}t"))
    value = next((found.text for found in cell.iterchildren("{*}v")), None) or ""
    if not value:
        formula = next(cell.iterchildren("{*}f"), None)
        return f"={formula.text or ''}" if formula is not None else ""
    if kind == "s":
        return book.strings[int(value)]
    if kind == "b":
        return {"1": "TRUE", "0": "FALSE"}.get(value, value)
    return _counted(book, value, int(cell.get("s", "0"))) if kind == "n" else value


def _counted(book: Book, value: str, style: int) -> str:
    """A number as its format shows it: days, times and shares; else with its digits."""
    number = float(value)
    form, own = book.formats[style]
    code = own if own is not None else builtin_format_code(form) or ""
    if is_date_format(code):
        return _moment(book, number, lasts=is_timedelta_format(code))
    if "%" in code:
        return f"{number * 100:.{code.partition('.')[2].count('0')}f}%"
    plain = f"{number:.15g}"
    return f"{number:,.15g}" if "#,##" in code and "e" not in plain else plain


def _moment(book: Book, number: float, *, lasts: bool) -> str:
    epoch = CALENDAR_MAC_1904 if book.from_1904 else CALENDAR_WINDOWS_1900
    try:
        told = from_excel(number, epoch, timedelta=lasts)
    except (OverflowError, ValueError):
        return "#VALUE!"
    if isinstance(told, datetime):
        return told.strftime("%Y-%m-%d" if number == int(number) else "%Y-%m-%d %H:%M")
    return str(told) if not isinstance(told, timedelta) else str(told).split(".")[0]
