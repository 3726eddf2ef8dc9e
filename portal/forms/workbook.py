"""What an uploaded workbook says: its sheets, and the cells of one of them as they are stored."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from zipfile import ZipFile

from lxml import etree

from portal.forms.answers import Refused
from portal.forms.packed import WIDEST, Weighed, streamed, too_complex, too_many_rows, too_wide, tree

_LAST_ROW = 1_048_576
_MOST_LINES = 100_000
_MOST_CELLS = 300_000
"""Of a sheet, also those that hold nothing but a format."""
_MOST_SHEETS = 100
_MOST_MERGED = 100
_MOST_STRINGS = 100_000
_MOST_FORMATS = 65_536
_MOST_CODES = 1_000
_LONGEST_CODE = 255
_LONGEST_TEXT = 32_767
"""Characters of a cell; Excel keeps no more."""
_MOST_TEXT = 3_000_000
"""Characters of all cells; no page could carry more."""
_NUMBER = re.compile(r"[0-9]{1,7}")
_CELL = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_RANGE = re.compile(r"[A-Z]{1,3}[0-9]{1,7}(:[A-Z]{1,3}[0-9]{1,7})?")
_RELATION = "{*}Relationship"
_KINDS = {"n": "n", "b": "b", "d": "d", "e": "e", "s": "s", "str": "s", "inlineStr": "s"}
FORMULA = "f"


@dataclass(frozen=True)
class Leaf:
    """A sheet of a workbook that holds cells, and in which part."""

    name: str
    hidden: bool
    part: str


@dataclass(frozen=True)
class Stored:
    """A cell that holds something: `n`umber, `b`oolean, `d`ate, `e`rror, `s`tring or `f`ormula, and its text.

    A number is shown by a format: the number of one that every workbook has, or a code of its own.
    """

    kind: str
    text: str
    format: int = 0
    code: str | None = None


@dataclass(frozen=True)
class Row:
    """A row in which something is stored; its cells by the number of their column, from 1."""

    number: int
    hidden: bool
    cells: Mapping[int, Stored]


@dataclass
class Contents:
    """What a sheet holds: its rows, the ranges of its merged cells, the numbers of its hidden columns."""

    rows: list[Row] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    hidden: set[int] = field(default_factory=set)


class Book:
    """A workbook of which no part is read before it is asked for, and none whole that is no short one."""

    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive
        main = self._targets("", "officeDocument")[0]
        self._parts = self._related(main)
        self._root = tree(archive, main)

    @property
    def from_1904(self) -> bool:
        """Whether days are counted from 1904, as on old Macintoshes."""
        return any(_is_on(told.get("date1904")) for told in self._root.iterchildren("{*}workbookPr"))

    @cached_property
    def leaves(self) -> list[Leaf]:
        """The sheets with cells, in their order."""
        listed = list(self._root.iterfind("{*}sheets/{*}sheet"))
        if len(listed) > _MOST_SHEETS:
            raise _too_many_sheets()
        found = []
        for one in listed:
            kind, part = self._parts[next((value for name, value in one.items() if name.endswith("}id")), "")]
            if kind == "worksheet":
                found.append(Leaf(one.get("name", ""), one.get("state", "visible") != "visible", part))
        return found

    def contents(self, leaf: Leaf, most: int, above: int) -> Contents:
        """What a sheet holds, of which `most` rows may hold anything, and some `above` them; else Refused."""
        with streamed(self._archive, leaf.part, "{*}row", "{*}mergeCell", "{*}col") as (source, elements):
            scan = _Scan(self, source, most, above)
            for element in elements:
                scan.take(element)
        return scan.contents

    @cached_property
    def strings(self) -> list[str]:
        """The texts that cells name by their number."""
        found: list[str] = []
        for part in self._of("sharedStrings")[:1]:
            with streamed(self._archive, part, "{*}si") as (source, elements):
                for element in elements:
                    # The underscore of what only looks like an escape is escaped itself.
                    found.append(_text(element).replace("x005F_", ""))
                    if len(found) > _MOST_STRINGS:
                        raise too_complex()
                    source.clear(element)
        return found

    @cached_property
    def formats(self) -> list[tuple[int, str | None]]:
        """How a cell of a style shows a number: the number of a format, and its code if it is the workbook's own."""
        for part in self._of("styles")[:1]:
            root = tree(self._archive, part)
            styles = list(root.iterfind("{*}cellXfs/{*}xf"))
            own = list(root.iterfind("{*}numFmts/{*}numFmt"))
            if len(styles) > _MOST_FORMATS or len(own) > _MOST_CODES:
                raise too_complex()
            codes = {_number(one.get("numFmtId", "")): one.get("formatCode", "")[:_LONGEST_CODE] for one in own}
            found = [(number := _number(style.get("numFmtId", "0")), codes.get(number)) for style in styles]
            if found:
                return found
        return [(0, None)]

    def _of(self, kind: str) -> list[str]:
        return [part for of, part in self._parts.values() if of == kind]

    def _targets(self, source: str, kind: str) -> list[str]:
        return [part for of, part in self._related(source).values() if of == kind]

    def _related(self, source: str) -> dict[str, tuple[str, str]]:
        """By its id what a part is to another one, and its name."""
        folder, name = posixpath.split(source)
        root = tree(self._archive, posixpath.join(folder, "_rels", f"{name}.rels"))
        return {
            one.get("Id", ""): (
                one.get("Type", "").rpartition("/")[2],
                posixpath.normpath(posixpath.join("/", folder, one.get("Target", ""))).lstrip("/"),
            )
            for one in root.iterchildren(_RELATION)
        }


class _Scan:
    """One pass over a sheet's part; whoever reads on relies on numbers that ascend."""

    def __init__(self, book: Book, source: Weighed, most: int, above: int) -> None:
        self.contents = Contents()
        self._book, self._source, self._most, self._above = book, source, most, above
        self._last = self._lines = self._cells = self._text = 0

    def take(self, element: etree._Element) -> None:
        """A row, a range of merged cells or a group of columns."""
        if element.tag.endswith("}row"):
            self._row(element)
        elif element.tag.endswith("}col"):
            self._columns(element)
        else:
            self._merge(element.get("ref", ""))

    def _merge(self, reference: str) -> None:
        if not _RANGE.fullmatch(reference):
            raise ValueError(reference)
        self.contents.merged.append(reference)
        if len(self.contents.merged) > _MOST_MERGED:
            raise _too_many_merged()

    def _columns(self, element: etree._Element) -> None:
        if _is_hidden(element, "width"):
            first, last = _number(element.get("min", "")), _number(element.get("max", ""))
            self.contents.hidden.update(range(first, min(last, WIDEST) + 1))

    def _row(self, element: etree._Element) -> None:
        self._last = number = _after(self._last, element.get("r"), _LAST_ROW)
        self._lines, self._cells = self._lines + 1, self._cells + len(element)
        if self._lines > _MOST_LINES or self._cells > _MOST_CELLS:
            raise too_complex()
        cells = self._stored(element, number)
        if cells is not None:
            self.contents.rows.append(Row(number, _is_hidden(element, "ht"), cells))
        if len(self.contents.rows) > self._most + self._above:
            raise too_many_rows(self._most)
        self._source.clear(element)

    def _stored(self, row: etree._Element, number: int) -> dict[int, Stored] | None:
        """The cells that hold something; None where none even looks like it."""
        if not any(len(cell) for cell in row):
            return None
        found: dict[int, Stored] = {}
        last = 0
        for cell in row.iterchildren("{*}c"):
            last = _place(last, cell.get("r"), number)
            if not len(cell):
                continue
            if last > WIDEST:
                raise too_wide()
            stored = self._cell(cell)
            if stored is not None:
                found[last] = stored
        return found

    def _cell(self, cell: etree._Element) -> Stored | None:
        formula = next(cell.iterchildren("{*}f"), None)
        if formula is not None:
            return self._measured(Stored(FORMULA, f"={formula.text or ''}"))
        name = cell.get("t", "n")
        kind = _KINDS[name]
        if name == "inlineStr":
            text = "".join(_text(inline) for inline in cell.iterchildren("{*}is"))
        else:
            text = next((value.text for value in cell.iterchildren("{*}v")), None) or ""
        if not text:
            return None
        if name == "s":
            text = self._book.strings[_number(text)]
        form, code = self._book.formats[_number(cell.get("s", "0"))]
        return self._measured(Stored(kind, text, form, code))

    def _measured(self, cell: Stored) -> Stored:
        self._text += len(cell.text)
        if len(cell.text) > _LONGEST_TEXT:
            raise ValueError(len(cell.text))
        if self._text > _MOST_TEXT:
            raise _too_much_text()
        return cell


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return int(text)


def _after(last: int, named: str | None, most: int) -> int:
    """The number of what comes after another one; it need not be named, but may not go back."""
    number = last + 1 if named is None else _number(named)
    if not last < number <= most:
        raise ValueError(number)
    return number


def _place(last: int, named: str | None, row: int) -> int:
    """The number of a cell's column after that of the last one in its row."""
    if named is None:
        return last + 1
    place = _CELL.fullmatch(named)
    if not place or int(place[2]) != row or _column(place[1]) <= last:
        raise ValueError(named)
    return _column(place[1])


@cache
def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _is_on(told: str | None) -> bool:
    return told in ("1", "true")


def _is_hidden(element: etree._Element, size: str) -> bool:
    """Whether a row or a column does not show: hidden, filtered out, or drawn so small that it is gone."""
    return _is_on(element.get("hidden")) or float(element.get(size, "1")) == 0


def _text(item: etree._Element) -> str:
    """A text without its looks, and without what only says how to pronounce it."""
    pieces = []
    for piece in item.iterchildren("{*}t", "{*}r"):
        plain = [piece] if piece.tag.endswith("}t") else piece.iterchildren("{*}t")
        pieces += [one.text or "" for one in plain]
    return "".join(pieces)


def _too_many_sheets() -> Refused:
    return Refused(
        f"工作簿里的工作表超过 {_MOST_SHEETS} 张，没有读入；请只留下要导入的那一张，另存后再导入",
        f"The workbook has more than {_MOST_SHEETS} sheets; keep only the one to import",
    )


def _too_many_merged() -> Refused:
    return Refused(
        f"合并的单元格超过 {_MOST_MERGED} 处，没有读入；请选中整张工作表，取消合并，每一格分别填写后再导入",
        f"More than {_MOST_MERGED} ranges are merged cells; unmerge the whole sheet and fill in each cell",
    )


def _too_much_text() -> Refused:
    return Refused(
        "表中的文字太多，没有读入；请拆成几个文件，分几次办理",
        "The sheet holds too much text; split it",
    )
