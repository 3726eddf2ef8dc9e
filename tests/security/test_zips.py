"""Zips made to harm whoever unpacks them, as Word files and workbooks at every door: refused in words, and quickly."""

from __future__ import annotations

import io
import struct
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import BinaryIO

import pytest

from portal import zipped
from portal.cases import attachments
from portal.cases.attachments import examine
from portal.documents.template import placeholders
from portal.errors import PortalError
from portal.forms.answers import Refused
from portal.procedures.manifest import Material
from tests.builders.letters import plain
from tests.builders.mutants import mutate
from tests.builders.proving import Proof
from tests.builders.sheets import workbook
from tests.rules.test_forms_table_sheet import A, read

MB = 1024 * 1024
WORD, BOOK = plain("{{ number }}"), workbook([(A, 1)])
UPLOAD = Material("file", "材料", ("docx", "xlsx"), 1, 50_000_000)
DOORS: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
    "an uploaded Word file": (WORD, lambda data: examine("x.docx", io.BytesIO(data), UPLOAD)),
    "an uploaded workbook": (BOOK, lambda data: examine("x.xlsx", io.BytesIO(data), UPLOAD)),
    "a letter's template": (WORD, placeholders),
    "a table": (BOOK, read),
}


def with_parts(good: bytes, *parts: tuple[str | zipfile.ZipInfo, bytes], way: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A good zip with more parts in it."""
    whole = io.BytesIO(good)
    with zipfile.ZipFile(whole, "a", way) as archive:
        for name, content in parts:
            archive.writestr(name, content, way)
    return whole.getvalue()


def linked() -> zipfile.ZipInfo:
    link = zipfile.ZipInfo("word/link")
    link.external_attr = 0o120777 << 16
    return link


def listed(data: bytes, field: int, value: bytes) -> bytes:
    """The zip with something else in the list's entry of its first part, `field` bytes behind its beginning."""
    at = data.index(b"PK\x01\x02") + field
    return data[:at] + value + data[at + len(value) :]


def overlapping(good: bytes, count: int = 100) -> bytes:
    """Many parts of the list that are all one and the same part of the file."""
    whole = io.BytesIO(with_parts(good, ("word/big.bin", bytes(900_000))))
    with zipfile.ZipFile(whole, "a") as archive:
        [big] = [part for part in archive.filelist if part.filename == "word/big.bin"]
        for number in range(count):
            copy = zipfile.ZipInfo(f"word/{number:06}.bin")
            for name in ("header_offset", "CRC", "compress_size", "file_size", "compress_type"):
                setattr(copy, name, getattr(big, name))
            archive.filelist.append(copy)
        archive._didModify = True  # type: ignore[attr-defined] # the list is written anew
    return whole.getvalue()


def nested(depth: int = 6) -> bytes:
    inner = bytes(MB)
    for level in range(depth):
        inner = with_parts(_empty(), *((f"{level}{n}.zip", inner) for n in range(8)))
    return inner


def _empty() -> bytes:
    whole = io.BytesIO()
    zipfile.ZipFile(whole, "w").close()
    return whole.getvalue()


def harmful(good: bytes) -> Iterator[tuple[str, bytes]]:
    """Each way of harm by its name."""
    yield "ratio", with_parts(good, ("word/a.bin", bytes(100 * MB)))
    yield "beyond all measure", with_parts(good, *((f"word/{n}.bin", bytes(60 * MB)) for n in range(4)))
    yield "many parts", with_parts(good, *((f"word/{n}", b"") for n in range(6_000)))
    yield "overlap", overlapping(good)
    yield "link", with_parts(good, (linked(), b"/etc/passwd"))
    for name in (
        "../../etc/cron.d/x",
        "word/../../x",
        "/etc/passwd",
        "..\\..\\x",
        "C:\\x",
        "C:/x",
        "\\\\host\\x",
        "..",
    ):
        yield f"name {name}", with_parts(good, (name, b"x"))
    first = zipfile.ZipFile(io.BytesIO(good)).namelist()[0]
    with pytest.warns(UserWarning, match="Duplicate name"):
        yield "a name twice", with_parts(good, (first, b"<other/>"))
    yield "LZMA", with_parts(good, ("word/a", b"x" * 99), way=zipfile.ZIP_LZMA)
    yield "BZIP2", with_parts(good, ("word/a", b"x" * 99), way=zipfile.ZIP_BZIP2)
    yield "no known packing", listed(good, 10, struct.pack("<H", 99))
    yield "locked", listed(good, 8, b"\x01")
    yield "a size that is too small", listed(good, 24, struct.pack("<I", 3))
    yield "a size that is too large", listed(good, 24, struct.pack("<I", 9_000_000))
    yield "a size beyond measure", listed(good, 24, struct.pack("<I", 0xFFFFFFFE))
    yield "zip64 sizes that are not there", listed(good, 20, b"\xff" * 8)
    yield "a checksum of another", listed(good, 16, b"\0\0\0\1")
    yield "a beginning elsewhere", listed(good, 42, struct.pack("<I", 1 << 30))
    yield "a beginning in the middle", listed(good, 42, struct.pack("<I", 5))
    yield "something before", b"MZ" + bytes(510) + good
    yield "a page before", b"<html><script>alert(1)</script></html>" + good
    yield "another zip before", with_parts(_empty(), ("x", b"y")) + good
    yield "something behind", good + b"<script>alert(1)</script>"
    yield "a long comment", good[:-2] + struct.pack("<H", 5_000) + b"x" * 5_000
    yield "cut off", good[: len(good) // 2]
    yield "only an end", _empty()
    yield "no zip", b"PK\x03\x04" + bytes(400)


NEVER_UNPACKED = {"a table": {"a size that is too small", "a size that is too large", "a checksum of another"}}
"""Lies about the first part, which a table does not need."""


def outcome(open_it: Callable[[bytes], object], data: bytes) -> str:
    try:
        open_it(data)
    except (PortalError, Refused) as refusal:
        return refusal.text("zh") if isinstance(refusal, PortalError) else refusal.error.zh
    return ""


@pytest.mark.parametrize("door", DOORS)
def test_a_harmful_zip_is_refused_in_words(door: str, proof: Proof) -> None:
    good, open_it = DOORS[door]
    assert outcome(open_it, good) == ""
    took: dict[str, float] = {}
    let_in = []
    for name, data in harmful(good):
        began = time.perf_counter()
        said = outcome(open_it, data)
        took[name] = time.perf_counter() - began
        if not said:
            let_in.append(name)
    assert set(let_in) == NEVER_UNPACKED.get(door, set())
    proof.says("S6", f"zips as {door}", "refused < 100 ms", files=len(took), slowest=round(max(took.values()), 3))


def test_a_zip_in_a_zip_in_a_zip_is_never_unpacked_further(proof: Proof, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, opened = with_parts(WORD, ("word/embeddings/a.zip", nested()), way=zipfile.ZIP_STORED), []
    begin = zipfile.ZipFile.__init__

    def noted(self: zipfile.ZipFile, file: BinaryIO) -> None:
        begin(self, file)
        opened.append(self.namelist())

    monkeypatch.setattr(zipfile.ZipFile, "__init__", noted)
    said = outcome(DOORS["an uploaded Word file"][1], whole)
    assert said == ""
    assert ["word/embeddings/a.zip" in names for names in opened] == [True]
    proof.says("S6", "zips within zips", "never unpacked further", depth=6, opened=len(opened))


def test_the_person_is_told_what_is_wrong() -> None:
    bomb = with_parts(WORD, ("word/a.bin", bytes(100 * MB)))
    with pytest.raises(attachments.UnsafeFile) as refusal:
        examine("报告.docx", io.BytesIO(bomb), UPLOAD)
    assert refusal.value.text("zh") == (
        "“报告.docx”没有通过安全检查：部件“word/a.bin”的压缩比异常。请用 Word、Excel 或 WPS 打开，另存后重新上传。"
    )
    with pytest.raises(attachments.LockedFile):
        examine("报告.docx", io.BytesIO(listed(WORD, 8, b"\x01")), UPLOAD)


OFF = [
    ("        if steep and part.file_size > _MEGABYTE:", "        if False:", "ratio"),
    ("    if sum(part.file_size for part in parts) > limits.unpacked:", "    if False:", "beyond all measure"),
    ("        if _leads_outside(part):", "        if False:", "name ../../etc/cron.d/x"),
    ("    _check_apart(parts)\n", "", "overlap"),
]


@pytest.mark.thorough
@pytest.mark.parametrize(("old", "new", "name"), OFF, ids=[name for *_, name in OFF])
def test_a_limit_that_is_off_is_noticed(
    old: str, new: str, name: str, monkeypatch: pytest.MonkeyPatch, proof: Proof
) -> None:
    [data] = [data for kind, data in harmful(WORD) if kind == name]
    with pytest.raises(zipped.ZipRefused):
        zipped.opened(io.BytesIO(data), zipped.Limits(5000, 200_000_000, 200))
    mutate(monkeypatch, zipped, (old, new))
    more = [(o, n) for o, n, other in OFF if name == "beyond all measure" and other == "ratio"]
    if more:
        monkeypatch.undo()
        mutate(monkeypatch, zipped, (old, new), *more)
    zipped.opened(io.BytesIO(data), zipped.Limits(5000, 200_000_000, 200)).close()
    proof.catches("S6", f"not looked at: {name}")
