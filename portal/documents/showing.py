"""Files from outside as they are shown in the portal: Word files as harmless HTML, workbooks as tables."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from itertools import islice

from portal.documents.render import (
    FileTooComplex,
    FileUnreadable,
    RenderBroke,
    RenderTooLarge,
    RenderTooLong,
    work,
)
from portal.forms.packed import LARGEST

LARGEST_FILE = 20_000_000
"""Bytes of a Word file that is read for showing."""
LARGEST_SHEETS = LARGEST
"""Bytes of a workbook, of which less is read."""
LARGEST_TEXT = 500_000
"""Bytes of a plain text that are shown."""
MOST_ROWS = 200
_LARGEST_HTML = 15_000_000
_SECONDS = 10.0
_WIDEST = 50
_LONGEST_CELL = 500


@dataclass(frozen=True)
class Sheet:
    """The first rows of a table: each with its number and texts; whether there are `more`, or more columns (`wide`)."""

    name: str
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    width: int
    more: bool
    wide: bool


@dataclass(frozen=True)
class Workbook:
    """The first sheets of a workbook; how many visible ones there are `more`, and how many `hidden`."""

    sheets: tuple[Sheet, ...]
    more: int
    hidden: int


@dataclass(frozen=True)
class Text:
    """A plain text, or its beginning where there is `more`."""

    text: str
    more: bool


def word(file: bytes) -> str:
    """A Word file as harmless HTML; FileUnreadable, FileLocked, FileTooComplex."""
    html = _work("word", file).decode()
    if len(html) > _LARGEST_HTML:
        raise FileTooComplex
    return html


def workbook(file: bytes) -> Workbook:
    """The first rows of a workbook's first sheets; FileUnreadable, FileLocked, FileTooComplex."""
    told = json.loads(_work("sheets", file))
    sheets = tuple(
        Sheet(
            one["name"],
            tuple((number, tuple(texts)) for number, texts in one["rows"]),
            one["width"],
            one["more"],
            one["wide"],
        )
        for one in told["sheets"]
    )
    return Workbook(sheets, told["more"], told["hidden"])


def _work(name: str, file: bytes) -> bytes:
    if len(file) > LARGEST_FILE:
        raise FileTooComplex
    try:
        return work(name, file, seconds=_SECONDS)
    except (RenderTooLong, RenderTooLarge) as error:
        raise FileTooComplex from error
    except RenderBroke as error:
        raise FileUnreadable from error


def text(head: bytes, *, whole: bool) -> Text:
    """A plain text from its first bytes (at most LARGEST_TEXT): in UTF-8 or, as old programs write, GB 18030."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            said = head.decode(encoding) if whole else _decoded_start(head, encoding)
        except UnicodeDecodeError:
            continue
        return Text("".join(sign for sign in said if sign.isprintable() or sign in "\t\n"), not whole)
    raise FileUnreadable


def _decoded_start(head: bytes, encoding: str) -> str:
    """The text of bytes that may end in the middle of a character."""
    for cut in range(4):
        try:
            return head[: len(head) - cut].decode(encoding)
        except UnicodeDecodeError as error:
            last = error
    raise last


def table(said: Text) -> Sheet:
    """A text of comma-separated values as a table; FileUnreadable."""
    try:
        lines = list(islice(csv.reader(io.StringIO(said.text)), MOST_ROWS + 1))
    except csv.Error as error:
        raise FileUnreadable from error
    width = min(_WIDEST, max(map(len, lines), default=0))
    rows = tuple(
        (number, tuple(cell[:_LONGEST_CELL] for cell in [*line, *[""] * width][:width]))
        for number, line in enumerate(lines[:MOST_ROWS], 1)
    )
    return Sheet("", rows, width, said.more or len(lines) > MOST_ROWS, any(len(line) > width for line in lines))
