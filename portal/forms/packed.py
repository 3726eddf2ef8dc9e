"""What is asked of an uploaded workbook before anything in it is read: that it is one, and no bomb."""

from __future__ import annotations

import re
import zlib
from typing import BinaryIO
from zipfile import BadZipFile, ZipFile

from lxml import etree

from portal.forms.answers import Refused

LARGEST = 5_000_000
"""Bytes of an uploaded sheet; two thousand rows take a tenth of that."""
_LARGEST_UNPACKED = 40_000_000
_LARGEST_PART = 8_000_000
"""Bytes of any unpacked part that is no sheet: those are read whole."""
_MOST_PARTS = 500
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_SHEET_PART = re.compile(r"/?xl/worksheets/[^/]+\.xml", re.IGNORECASE)
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LAST_ROW = 1_048_576
_CELL = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")
WIDEST = 26
"""Columns of a sheet, A to Z."""
_MOST_LINES = 100_000
_MOST_CELLS = 600_000
"""Of a sheet, also those that hold nothing but a format."""

BROKEN = (
    BadZipFile,
    zlib.error,
    etree.XMLSyntaxError,
    ArithmeticError,
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    NotImplementedError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)
"""What reading a damaged or forged workbook may raise."""


def unreadable() -> Refused:
    """Nothing can be made of the file."""
    return Refused(
        "这个文件不是 Excel 工作簿（.xlsx），或已经损坏；请用 Excel 或 WPS 打开后另存为“Excel 工作簿（.xlsx）”再导入",
        "This file is no Excel workbook (.xlsx), or it is damaged; save it as an Excel workbook and import it again",
    )


def opened(stream: BinaryIO) -> ZipFile:
    """The workbook's parts, when it is a workbook of bearable size; Refused with what is wrong and how to mend it."""
    size = stream.seek(0, 2)
    stream.seek(0)
    if size == 0:
        raise Refused("这个文件是空的（0 字节），请重新选择", "This file is empty (0 bytes); choose another one")
    if size > LARGEST:
        raise _too_large()
    head = stream.read(len(_OLE))
    if head == _OLE:
        encrypted = _ENCRYPTED in stream.read()
        stream.seek(0)
        raise _encrypted() if encrypted else unreadable()
    stream.seek(0)
    try:
        archive = ZipFile(stream)
    except BROKEN as error:
        raise unreadable() from error
    parts = archive.infolist()
    if any(part.flag_bits & 1 for part in parts):
        raise _encrypted()
    bombs = any(part.file_size > _LARGEST_PART and not _SHEET_PART.fullmatch(part.filename) for part in parts)
    if bombs or len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > _LARGEST_UNPACKED:
        raise _too_large()
    return archive


def scanned(source: BinaryIO, most: int, above: int) -> list[str]:
    """The ranges of merged cells of a sheet's part, of which `most` rows may hold anything, and some `above` them.

    It is read as a stream and left as soon as there is too much of anything: Refused.
    """
    filled, lines, cells, merged = 0, 0, 0, []
    events = etree.iterparse(
        source, tag=(f"{_MAIN}row", f"{_MAIN}mergeCell"), resolve_entities=False, no_network=True, huge_tree=False
    )
    for _event, element in events:
        if element.tag == f"{_MAIN}mergeCell":
            merged.append(str(element.get("ref", "")))
            continue
        filled += _holds_something(element)
        lines, cells = lines + 1, cells + len(element)
        if filled > most + above:
            raise too_many_rows(most)
        if lines > _MOST_LINES or cells > _MOST_CELLS:
            raise _too_large()
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]
    return merged


def too_many_rows(most: int) -> Refused:
    """A sheet longer than the table."""
    return Refused(
        f"表中的行数超过 {most:,} 行的上限，没有读入；请拆成几个文件，分几次办理",
        f"The sheet has more than {most:,} rows, which is the limit; split it",
    )


def _holds_something(row: etree._Element) -> bool:
    """Whether a cell of the row holds anything; whoever reads on counts up to the numbers that rows and cells claim."""
    number = row.get("r", "1")
    if not number.isdecimal() or int(number) > _LAST_ROW:
        raise unreadable()
    something = False
    for at, cell in enumerate(row, start=1):
        place = _CELL.fullmatch(cell.get("r", "A1"))
        if not place:
            raise unreadable()
        if len(cell):
            something = True
            if at > WIDEST or len(place[1]) > 1:
                raise _too_wide()
    return something


def _too_wide() -> Refused:
    return Refused(
        f"第 {WIDEST} 列（Z 列）以后还有内容，没有读入；请使用样表，只保留样表中的列",
        f"There is something beyond column {WIDEST} (Z); use the sample's columns only",
    )


def _too_large() -> Refused:
    return Refused(
        f"文件过大（上限 {LARGEST // 1_000_000} MB），没有读入；请删去图片和多余的工作表，或拆成几个文件",
        f"The file is too large (at most {LARGEST // 1_000_000} MB); remove pictures and other sheets, or split it",
    )


def _encrypted() -> Refused:
    return Refused(
        "文件加了密码，没有读入；请取消密码后另存，再导入",
        "The file is protected by a password; save it without one and import it again",
    )
