"""Tables as Excel workbooks: a sheet to fill in, the rows of an uploaded one, and what is wrong with its cells."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import BinaryIO, cast

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.styles.numbers import builtin_format_code, is_date_format, is_timedelta_format
from openpyxl.utils import get_column_letter
from openpyxl.utils.cell import range_boundaries
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel, from_ISO8601
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from portal.forms.answers import FieldError, Option, Refused
from portal.forms.characters import narrow, printable
from portal.forms.kinds.number import Number
from portal.forms.kinds.table import Cells
from portal.forms.kinds.uscc import Uscc
from portal.forms.kinds.year import Year
from portal.forms.packed import BROKEN, opened, too_many_rows, unreadable
from portal.forms.tables import CellFault, kind_of
from portal.forms.tree import Field
from portal.forms.workbook import FORMULA, Book, Contents, Stored

NAME_HEADING = "单位名称（核对用）"
"""A column that may stand beside an organisation's code: its name, which is compared and not kept."""
NOTES_TITLE = "填写说明"
_HEADING_WITHIN = 10
"""The headings stand in one of the first rows; above them there may be a title."""
_LONGEST_SAID = 40
_DIGITS = 15  # of a number that Excel keeps
_TEXT = "@"
_WHOLE = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_MOST_NAMED = 5


@dataclass(frozen=True)
class Heading:
    """A column as a sheet has it: its field, its label, what may be chosen, and how it is explained."""

    field: Field
    label: str
    hint: str
    options: tuple[Option, ...] = ()


@dataclass(frozen=True)
class SheetFault:
    """What is wrong at a place of a sheet: the number of the row (None: the sheet as a whole), and the column."""

    row: int | None
    column: str
    error: FieldError


@dataclass(frozen=True)
class Sheet:
    """What an uploaded workbook holds for a table."""

    title: str
    ignored: tuple[str, ...]
    """Names of the other sheets, which nobody has read; of a hidden one it is said."""
    numbers: tuple[int, ...]
    """Of each row the number by which Excel calls it."""
    rows: tuple[Cells, ...]
    names: tuple[Mapping[str, str], ...]
    """Of each row the organisations' names that stand beside their codes, by the code's column."""
    faults: tuple[SheetFault, ...]

    def told(self, faults: Iterable[CellFault], labels: Mapping[str, str]) -> list[SheetFault]:
        """Faults of the rows with the rows' numbers, beside those of the sheet, in the order of rows and columns.

        Of a cell whose content could not even be taken nothing else is told.
        """
        found = list(self.faults)
        seen = {(fault.row, fault.column) for fault in found}
        for fault in faults:
            place = (self.numbers[fault.row], labels[fault.column.name])
            if place not in seen:
                found.append(SheetFault(*place, fault.error))
        order = {label: at for at, label in enumerate(labels.values())}
        return sorted(found, key=lambda fault: (fault.row or 0, order.get(fault.column, len(order))))


def read(stream: BinaryIO, headings: Sequence[Heading], most: int) -> Sheet:
    """The rows of the first sheet that shows, as they were typed; Refused when nothing can be read at all."""
    archive = opened(stream)
    try:
        book = Book(archive)
        first = next((leaf for leaf in book.leaves if not leaf.hidden), None)
        if first is None:
            raise unreadable()
        contents = book.contents(first, most, _HEADING_WITHIN)
        lines = _lines(contents, MAC_EPOCH if book.from_1904 else WINDOWS_EPOCH)
    except BROKEN as error:
        raise unreadable() from error
    others = [leaf for leaf in book.leaves if leaf is not first and leaf.name != NOTES_TITLE]
    ignored = tuple(_cut(leaf.name) + ("（隐藏）" if leaf.hidden else "") for leaf in others)
    return _Reading(headings, most, contents).sheet(_cut(first.name), ignored, lines)


@dataclass(frozen=True)
class _Cell:
    """A cell that holds something: its value, and the letter of what it is."""

    value: object
    kind: str


Names = Mapping[str, str]
NO_NAMES: Names = {}
Line = Mapping[int, _Cell]
"""The cells of a row that hold something, by the number of their column, from 1."""


def _lines(contents: Contents, epoch: datetime) -> list[tuple[int, Line]]:
    """The rows that hold something, with their numbers."""
    found: list[tuple[int, Line]] = []
    for row in contents.rows:
        line = {at: _typed(cell, epoch) for at, cell in row.cells.items() if narrow(cell.text)}
        if line:
            found.append((row.number, line))
    return found


def _typed(cell: Stored, epoch: datetime) -> _Cell:
    """A stored cell as Excel shows it: a number may be a day."""
    if cell.kind == "b":
        return _Cell(bool(int(cell.text)), cell.kind)
    if cell.kind == "d":
        return _Cell(from_ISO8601(cell.text), cell.kind)  # type: ignore[no-untyped-call] # of openpyxl
    if cell.kind != "n":
        return _Cell(cell.text, cell.kind)
    number = _counted(cell.text)
    is_day, is_length = _shown(cell.format, cell.code)
    if not is_day:
        return _Cell(number, cell.kind)
    try:
        return _Cell(from_excel(number, epoch, timedelta=is_length), "d")
    except (OverflowError, ValueError):
        return _Cell("#VALUE!", "e")


def _counted(text: str) -> int | float:
    """A number as it is stored; one that is too large for any number is infinite."""
    if not _NUMBER.fullmatch(text.strip()):
        raise ValueError(text)
    number = float(text)
    return int(text) if _WHOLE.fullmatch(text.strip()) and math.isfinite(number) else number


@lru_cache(maxsize=1_000)
def _shown(number: int, code: str | None) -> tuple[bool, bool]:
    """Whether a number format shows a day or a time, and whether it shows how long something lasts."""
    known = builtin_format_code(number) if code is None else code
    return is_date_format(known), is_timedelta_format(known)


class _Reading:
    """One pass over the rows of a sheet, noting every fault."""

    def __init__(self, headings: Sequence[Heading], most: int, contents: Contents) -> None:
        self._headings, self._most, self._contents = headings, most, contents
        self._faults: list[SheetFault] = []
        self._of_names = name_headings(headings)

    def sheet(self, title: str, ignored: tuple[str, ...], lines: list[tuple[int, Line]]) -> Sheet:
        """What the sheet holds; no rows while its columns are not right."""
        heading = next((at for at, (_, line) in enumerate(lines[:_HEADING_WITHIN]) if self._is_heading(line)), None)
        numbers, rows, names = [], [], []
        if heading is None:
            self._no_heading(bool(lines))
        else:
            places = self._places(lines[heading][1], lines[heading + 1 :])
            self._unmerged(lines[heading][0], places)
            self._unhidden(lines[heading:])
            if len(lines) - heading - 1 > self._most:
                raise too_many_rows(self._most)
            for number, line in lines[heading + 1 :] if not self._faults else ():
                numbers.append(number)
                rows.append(self._row(number, line, places))
                names.append(self._names(number, line, places))
            if not rows and not self._faults:
                self._whole("列名以下没有内容，请逐行填写后再导入", "there is nothing below the headings")
        return Sheet(title, ignored, tuple(numbers), tuple(rows), tuple(names), tuple(self._faults))

    def _whole(self, zh: str, en: str, column: str = "") -> None:
        self._faults.append(SheetFault(None, column, FieldError(zh, en)))

    def _is_heading(self, line: Line) -> bool:
        labels = {_plain(heading.label) for heading in self._headings}
        return any(_plain(cell.value) in labels for cell in line.values())

    def _no_heading(self, something: bool) -> None:
        labels = "、".join(heading.label for heading in self._headings)
        if something:
            zh = f"前 {_HEADING_WITHIN} 行里没有找到列名，请使用样表，列名为：{labels}"
            self._whole(zh, f"no headings were found; they are: {labels}")
        else:
            self._whole(f"第一张工作表是空的，请按样表填写，列名为：{labels}", "the first sheet is empty")

    def _places(self, line: Line, below: Sequence[tuple[int, Line]]) -> dict[str, int]:
        """Where each column stands, that of names too; what is missing, twice or too much is noted."""
        known = {_plain(label): name for name, label in self._of_names.items()}
        known |= {_plain(heading.label): heading.field.name for heading in self._headings}
        places: dict[str, int] = {}
        for at, cell in line.items():
            text, letter = _plain(cell.value), get_column_letter(at)
            name = known.get(text)
            said = _cut(cell.value)
            if name is None:
                zh = f"{letter} 列“{said}”不是样表中的列，请删去整列（列名要与样表完全一致）"
                self._whole(zh, f"column {letter} “{said}” is not asked for; remove it", said)
            elif name in places:
                first = get_column_letter(places[name])
                zh = f"列名“{said}”出现两次（{first} 列和 {letter} 列），请删去一列"
                self._whole(zh, f"the heading “{said}” stands twice (columns {first} and {letter})", said)
            else:
                places[name] = at
        for heading in self._headings:
            if heading.field.name not in places:
                zh = f"缺少列“{heading.label}”，请按样表补上"
                self._whole(zh, f"the column “{heading.label}” is missing", heading.label)
        beyond = sorted({at for _, row in below for at in row} - set(line))
        for at in beyond[:3]:
            letter = get_column_letter(at)
            self._whole(f"{letter} 列没有列名，但有内容，请删去整列", f"column {letter} has no heading; remove it")
        return places

    def _unmerged(self, heading: int, places: Mapping[str, int]) -> None:
        last = max(places.values(), default=0)
        for reference in self._contents.merged:
            left, _top, _right, bottom = range_boundaries(reference)
            if bottom is not None and left is not None and bottom >= heading and left <= last:
                zh = f"{reference} 是合并的单元格，请取消合并，每一格分别填写"
                self._whole(zh, f"{reference} are merged cells; unmerge them and fill in each")

    def _unhidden(self, lines: Sequence[tuple[int, Line]]) -> None:
        """Nobody sees what is hidden: taken it would be decided on unseen, left out it would be missing unseen."""
        hidden = {row.number for row in self._contents.rows if row.hidden}
        rows = [str(number) for number, _ in lines if number in hidden]
        if rows:
            named = "、".join(rows[:_MOST_NAMED]) + (f" 等 {len(rows):,} " if len(rows) > _MOST_NAMED else " ")
            zh = f"第 {named}行被隐藏或筛选掉了；请清除筛选、取消隐藏，核对这些行，不需要的整行删去，再导入"
            en = f"{len(rows):,} rows are hidden or filtered out ({', '.join(rows[:_MOST_NAMED])}); show or delete them"
            self._whole(zh, en)
        for at in sorted(self._contents.hidden & {at for _, line in lines for at in line}):
            letter = get_column_letter(at)
            zh = f"{letter} 列被隐藏了，但有内容；请取消隐藏，核对这一列，不需要的整列删去，再导入"
            self._whole(zh, f"column {letter} is hidden and holds something; show it or delete it")

    def _row(self, number: int, line: Line, places: Mapping[str, int]) -> Cells:
        cells: dict[str, object] = {}
        for heading in self._headings:
            at = places[heading.field.name]
            cell = line.get(at)
            if cell is None:
                continue
            try:
                answer = _answer(cell, heading.field, f"{get_column_letter(at)}{number}")
                cells[heading.field.name] = _chosen(answer, heading)
            except Refused as refusal:
                self._faults.append(SheetFault(number, heading.label, refusal.error))
                cells[heading.field.name] = _cut(cell.value)
        return cells

    def _names(self, number: int, line: Line, places: Mapping[str, int]) -> dict[str, str]:
        found = {}
        for name, label in self._of_names.items():
            cell = line.get(places[name]) if name in places else None
            if cell is None:
                continue
            try:
                _said(cell, f"{get_column_letter(places[name])}{number}")
            except Refused as refusal:
                self._faults.append(SheetFault(number, label, refusal.error))
            else:
                found[name.removesuffix(_NAME_OF)] = _plain(cell.value)
        return found


def _answer(cell: _Cell, field: Field, place: str) -> object:
    """A cell as somebody would type it into the page; Refused for what no text or number stands for."""
    value = _said(cell, place)
    if isinstance(value, str):
        return value
    if isinstance(value, datetime | date) and isinstance(field.kind, Number):
        raise Refused(
            f"{place} 是日期格式，请把单元格格式改为“常规”后重新填写",
            f"{place} is a date; make it a number",
        )
    if isinstance(value, datetime | date):
        return (value.date() if isinstance(value, datetime) else value).isoformat()
    if isinstance(value, int | float) and not isinstance(value, bool) and isinstance(field.kind, Uscc):
        raise Refused(
            f"{place} 被存成了数字，长代码的末几位会丢失；请把这一列设为“文本”格式后重新填写",
            f"{place} is a number, of which Excel keeps 15 digits; format the column as text and type the code again",
        )
    number = _number(value)
    return number if number is None or isinstance(field.kind, Number) else str(number)


def _said(cell: _Cell, place: str) -> object:
    """The value of a cell that says something itself; Refused for a formula or an error."""
    if cell.kind == FORMULA:
        raise Refused(
            f"{place} 是公式，请复制后“选择性粘贴”为数值，再导入",
            f"{place} is a formula; paste its value instead",
        )
    if cell.kind == "e":
        said = _cut(cell.value)
        raise Refused(f"{place} 是错误值 {said}，请改为正确的内容", f"{place} is the error {said}; mend it")
    if isinstance(cell.value, float) and not math.isfinite(cell.value):
        raise Refused(
            f"{place} 的数字过大，最多 {_DIGITS} 位整数，请核对后重新填写",
            f"{place} is too large a number; at most {_DIGITS} digits",
        )
    return cell.value


def _chosen(answer: object, heading: Heading) -> object:
    """The value of the option that somebody wrote by its label."""
    if heading.field.kind_name == "select" and isinstance(answer, str):
        return next((option.value for option in heading.options if option.label == narrow(answer)), answer)
    return answer


def _number(value: object) -> object:
    """A number with the digits that Excel keeps; anything else as it is read."""
    if isinstance(value, float):
        number = Decimal(f"{value:.{_DIGITS}g}")
        # Whole ones are written without a point.
        return int(number) if number == number.to_integral_value() and number.adjusted() < _DIGITS else number
    return value if isinstance(value, int) else str(value)


def _plain(text: object) -> str:
    """A heading or a name without what may differ: width of characters, blanks, a lowered digit, the mark of a
    required column."""
    return "".join(narrow(str(text)).split()).replace("₂", "2").rstrip("*")


def _cut(value: object) -> str:
    return printable(str(value), _LONGEST_SAID)


_NAME_OF = "/name"


def name_headings(headings: Sequence[Heading]) -> dict[str, str]:
    """The headings of the columns that hold organisations' names, by the code's column."""
    parties = [heading for heading in headings if heading.field.kind_name == "party"]
    if len(parties) == 1:
        return {parties[0].field.name + _NAME_OF: NAME_HEADING}
    return {heading.field.name + _NAME_OF: f"{heading.label}的{NAME_HEADING}" for heading in parties}


def name_faults(sheet: Sheet, headings: Sequence[Heading], table: Field, known: Mapping[str, str]) -> list[CellFault]:
    """Where the name beside a code is not that of the organisation in `known` (code to name)."""
    columns = {heading.field.name: heading.field for heading in headings}
    readable = {column.name: column.kind for column in kind_of(table).columns}
    found = []
    for at, (row, names) in enumerate(zip(sheet.rows, sheet.names, strict=True)):
        for column, said in names.items():
            code = readable[column].read(row.get(column)) if column in row else None
            name = known.get(str(code))
            if name is not None and _plain(name) != said:
                zh = f"{code} 登记的名称是“{name}”，表中写的是“{said}”，请核对代码和名称"
                found.append(
                    CellFault(at, columns[column], FieldError(zh, f"{code} is “{name}”; the sheet says “{said}”"))
                )
    return found


def written(
    title: str, headings: Sequence[Heading], rows: Iterable[Sequence[object]] = (), known: Names = NO_NAMES
) -> bytes:
    """A workbook of rows (FEEL values by column), with a second sheet that says what goes where; without rows a
    sample to fill in. `known` are the names of organisations by their codes, which stand beside these."""
    beside = [at for at, heading in enumerate(headings) if heading.field.kind_name == "party"]
    labels = [
        {option.value: option.label for option in heading.options} if heading.field.kind_name == "select" else {}
        for heading in headings
    ]
    lines = (
        [
            *(of.get(str(value), value) for of, value in zip(labels, row, strict=True)),
            *(known.get(str(row[at])) for at in beside),
        ]
        for row in rows
    )
    return _workbook(title, headings, lines)


def _workbook(title: str, headings: Sequence[Heading], rows: Iterable[Sequence[object]]) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_sheet_title(title))
    labels = [*(heading.label for heading in headings), *name_headings(headings).values()]
    formats = [*map(_format, headings), *[_TEXT] * len(name_headings(headings))]
    sheet.freeze_panes = "A2"
    for at, (label, form) in enumerate(zip(labels, formats, strict=True), start=1):
        column = sheet.column_dimensions[get_column_letter(at)]
        column.width = max(14.0, 2.2 * len(label), 24.0 if form == _TEXT else 0.0)
        column.number_format = form
    sheet.append([_heading_cell(sheet, label) for label in labels])
    for row in rows:
        sheet.append([_cell(sheet, value, form) for value, form in zip(row, formats, strict=True)])
    _notes(book, headings)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _notes(book: Workbook, headings: Sequence[Heading]) -> None:
    """The sheet that says what goes where; it is not read again."""
    notes = book.create_sheet(NOTES_TITLE)
    for letter, width in (("A", 32.0), ("B", 10.0), ("C", 90.0)):
        notes.column_dimensions[letter].width = width
    notes.append([_heading_cell(notes, text) for text in ("列名", "必填", "说明")])
    for heading in headings:
        line = (heading.label, "是" if heading.field.kind.required else "否", "；".join(_explained(heading)))
        notes.append([_cell(notes, text, _TEXT) for text in line])
    for label in name_headings(headings).values():
        line = (label, "否", "可以不填；填写的，与代码所登记的名称核对，不一致的不能导入")
        notes.append([_cell(notes, text, _TEXT) for text in line])
    general = (
        "从第 2 行起逐行填写，列名不要改动；不要合并单元格，不要使用公式，不要隐藏或筛选行和列；只读取第一张工作表"
    )
    notes.append([_cell(notes, text, _TEXT) for text in ("全表", "", general)])


def _explained(heading: Heading) -> Iterator[str]:
    kind = heading.field.kind
    if heading.hint:
        yield heading.hint
    if isinstance(kind, Uscc):
        yield "18 位统一社会信用代码，单元格为文本格式，不要改成数字"
    elif isinstance(kind, Year):
        yield "四位年份，例如 2026"
    elif isinstance(kind, Number):
        yield f"{'数字' if kind.decimals else '整数'}{f'，单位 {kind.unit}' if kind.unit else ''}"
    elif heading.field.kind_name == "datetime":
        yield "日期，例如 2026-10-12"
    elif heading.options:
        yield f"只能填：{'、'.join(option.label for option in heading.options)}"


def _format(heading: Heading) -> str:
    """The number format of a column: codes as text, so that Excel keeps all their characters."""
    kind = heading.field.kind
    if isinstance(kind, Year):
        return "0"
    if isinstance(kind, Number):
        return "#,##0" if not kind.decimals else "General"
    return "yyyy-mm-dd" if heading.field.kind_name == "datetime" else _TEXT


def _cell(sheet: WriteOnlyWorksheet, value: object, form: str) -> Cell:
    long = isinstance(value, Decimal) and len(value.as_tuple().digits) > _DIGITS
    cell = WriteOnlyCell(sheet, value=cast(str, f"{value:f}" if long else value))
    cell.number_format = _TEXT if long else form
    if isinstance(value, str):
        cell.data_type = "s"  # also what begins with an equals sign
        cell.number_format = _TEXT
    return cell


def _heading_cell(sheet: WriteOnlyWorksheet, text: str) -> Cell:
    cell = WriteOnlyCell(sheet, value=text)
    cell.data_type = "s"
    cell.font = Font(bold=True)
    cell.fill = PatternFill("solid", fgColor="E6F1EE")
    cell.alignment = Alignment(wrap_text=True, vertical="center")
    return cell


def _sheet_title(title: str) -> str:
    """A name that Excel takes for a sheet."""
    return re.sub(r"[\[\]:*?/\\']", " ", printable(title))[:31].strip() or "Sheet1"
