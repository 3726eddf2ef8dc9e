"""What is asked of an uploaded workbook before anything in it is kept: that it is one, and no bomb."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO
from zipfile import BadZipFile, ZipFile

from lxml import etree

from portal import zipped
from portal.forms.answers import Refused

LARGEST = 5_000_000
"""Bytes of an uploaded sheet; two thousand rows take a tenth of that."""
_LIMITS = zipped.Limits(parts=500, unpacked=40_000_000)
_LARGEST_TREE = 2_000_000
"""Bytes of a part that is kept in memory as a whole: which sheets there are, and how numbers are shown."""
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_DOCTYPE = b"<!DOCTYPE"
_HEAVIEST = 2_000_000
"""Tags and attributes of a part."""
_HEAVIEST_AT_ONCE = 250_000
"""Tags and attributes between two that are cleared away; some sixty megabytes."""

BROKEN = (
    BadZipFile,
    struct.error,
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

WIDEST = 26
"""Columns of a sheet, A to Z."""


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
    if stream.read(len(zipped.OLE)) == zipped.OLE:
        encrypted = _ENCRYPTED in stream.read()
        stream.seek(0)
        raise _encrypted() if encrypted else unreadable()
    try:
        return zipped.opened(stream, _LIMITS)
    except zipped.ZipLocked as refusal:
        raise _encrypted() from refusal
    except zipped.TooHeavy as refusal:
        raise _too_large() from refusal
    except (zipped.ZipRefused, *BROKEN) as error:
        raise unreadable() from error


class Weighed:
    """A part that is read as a stream, and left with Refused as soon as it weighs too much.

    Every tag and every attribute weighs one, whether it means anything or not; nobody else counts those.
    """

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._end = b""
        self._all = self._held = 0
        self._cleared: etree._Element | None = None

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        chunk = self._source.read(size)
        # What a document type declares (entities, attributes of every element) is in no byte of the rest.
        if _DOCTYPE in self._end + chunk:
            raise unreadable()
        self._end = chunk[-len(_DOCTYPE) :]
        weight = chunk.count(b"<") + chunk.count(b"=")
        self._all, self._held = self._all + weight, self._held + weight
        if self._all > _HEAVIEST or self._held > _HEAVIEST_AT_ONCE:
            raise too_complex()
        return chunk

    def clear(self, element: etree._Element) -> None:
        """Takes an element and those before it out of memory; all have to stand in one place."""
        parent = element.getparent()
        self._cleared = parent if self._cleared is None else self._cleared
        # What stands before an earlier place would stay.
        if self._cleared is not parent:
            raise unreadable()
        element.clear()
        while element.getprevious() is not None:
            del parent[0]
        self._held = 0


@contextmanager
def streamed(archive: ZipFile, name: str, *tags: str) -> Iterator[tuple[Weighed, Iterator[etree._Element]]]:
    """The elements of a part that have one of the tags, as they end."""
    with archive.open(name) as part:
        source = Weighed(part)
        # Weighing by bytes holds for one encoding, which is the one that workbooks are written in.
        events = etree.iterparse(
            source, tag=tags, encoding="utf-8", remove_comments=True, remove_pis=True,
            resolve_entities=False, no_network=True, huge_tree=False,
        )  # fmt: skip
        yield source, (element for _event, element in events)


def tree(archive: ZipFile, name: str) -> etree._Element:
    """A part as a whole."""
    if archive.getinfo(name).file_size > _LARGEST_TREE:
        raise too_complex()
    with archive.open(name) as part:
        content = Weighed(part).read()
    safe = etree.XMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True,
        resolve_entities=False, no_network=True, huge_tree=False,
    )  # fmt: skip
    return etree.fromstring(content, safe)


def too_many_rows(most: int) -> Refused:
    """A sheet longer than the table."""
    return Refused(
        f"表中的行数超过 {most:,} 行的上限，没有读入；请拆成几个文件，分几次办理",
        f"The sheet has more than {most:,} rows, which is the limit; split it",
    )


def too_wide() -> Refused:
    """Something beyond the last column that a table may have."""
    return Refused(
        f"第 {WIDEST} 列（Z 列）以后还有内容，没有读入；请使用样表，只保留样表中的列",
        f"There is something beyond column {WIDEST} (Z); use the sample's columns only",
    )


def _too_large() -> Refused:
    return Refused(
        f"文件过大（上限 {LARGEST // 1_000_000} MB），没有读入；请删去图片和多余的工作表，或拆成几个文件",
        f"The file is too large (at most {LARGEST // 1_000_000} MB); remove pictures and other sheets, or split it",
    )


def too_complex() -> Refused:
    """More of what is no content than anybody needs."""
    return Refused(
        "文件过大：其中的样式、名称、文字或带格式的空行过多，没有读入；请新下载样表，把各行内容“选择性粘贴”为数值后再导入",
        "The file holds too many styles, names, texts or blank rows with formats; "
        "paste the rows as values into a new sample",
    )


def _encrypted() -> Refused:
    return Refused(
        "文件加了密码，没有读入；请取消密码后另存，再导入",
        "The file is protected by a password; save it without one and import it again",
    )
