"""Files that are not what they say: extension, first bytes and structure agree, or the file is refused in words."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest

from portal.cases import attachments, kinds
from portal.cases.attachments import WrongKind, examine
from portal.procedures.manifest import Material
from tests.builders.letters import plain
from tests.builders.proving import Proof
from tests.builders.sheets import workbook
from tests.rules.test_forms_table_sheet import A
from tests.web.test_registration import PNG

ANY = Material("file", "材料", ("pdf", "docx", "xlsx", "jpg", "jpeg", "png"), 1, 5_000_000)
PDF = b"%PDF-1.7\n1 0 obj\n<</Type/Catalog>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n"
_FRAME = b"\xff\xc0\x00\x0b\x08\x00\x08\x00\x08\x01\x01\x11\x00"
JPG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + _FRAME + b"\xff\xda\x00\x08\xff\xd9"
WORD, BOOK = plain("{{ number }}"), workbook([(A, 1)])
GOOD = {"x.pdf": PDF, "x.docx": WORD, "x.xlsx": BOOK, "x.jpg": JPG, "x.jpeg": JPG, "x.png": PNG, "X.PDF": PDF}
GIF = b"GIF89a\x01\0\x01\0\x80\0\0" + bytes(30) + b";"
EXE = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00" + bytes(200)
ELF = b"\x7fELF\x02\x01\x01" + bytes(200)
HTML = b"<!DOCTYPE html><html><body><script>alert(1)</script></body></html>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
STRANGERS = {
    "exe": EXE, "elf": ELF, "html": HTML, "svg": SVG, "gif": GIF, "ole": OLE, "eicar": EICAR, "text": b"hello",
    "php": b"<?php system('id'); ?>", "shell": b"#!/bin/sh\nid\n", "rtf": b"{\\rtf1 x}", 
    "class": b"\xca\xfe\xba\xbe" + bytes(50),
    "gzip": b"\x1f\x8b\x08" + bytes(50), "rar": b"Rar!\x1a\x07\x00" + bytes(50), 
    "7z": b"7z\xbc\xaf\x27\x1c" + bytes(50),
    "mht": b"MIME-Version: 1.0\nContent-Type: multipart/related\n", "ps": b"%!PS-Adobe-3.0\n", 
    "lnk": b"L\0\0\0\x01\x14\x02\0",
    "nothing but zeros": bytes(100),
}  # fmt: skip


def packed(*parts: tuple[str, bytes], of: bytes = b"") -> bytes:
    """A zip of these parts, in a good one when it is given."""
    whole = io.BytesIO(of)
    with zipfile.ZipFile(whole, "a") as archive:
        for name, content in parts:
            archive.writestr(name, content)
    return whole.getvalue()


def renamed() -> dict[str, bytes]:
    """Each stranger under each accepted ending, and each good file under another's."""
    found = {
        f"{what}.{kind}": data for what, data in STRANGERS.items() for kind in ("pdf", "docx", "xlsx", "jpg", "png")
    }
    alike = {frozenset({"jpg", "jpeg"})}
    for name, data in GOOD.items():
        kind = name.lower().rpartition(".")[2]
        for other in ANY.accept:
            if other != kind and frozenset({other, kind}) not in alike:
                found[f"{kind} as.{other}"] = data
    return found


_TYPES = b"http://schemas.openxmlformats.org/package/2006/content-types"
_MAIN = b"application/vnd.ms-word.document.macroEnabled.main+xml"
_MACRO = b'<Types xmlns="%s"><Override PartName="/word/document.xml" ContentType="%s"/></Types>' % (_TYPES, _MAIN)
TWO_AT_ONCE = {
    "gif and pdf.pdf": GIF + PDF,
    "pdf not at its beginning.pdf": b"\0" * 20 + PDF,
    "pdf and page.pdf": b"%PDF-1.4\n<html><script>alert(1)</script></html>\n%%EOF",
    "pdf and svg.pdf": b"%PDF-1.4\n<svg onload=alert(1)>\n%%EOF",
    "pdf and php.pdf": b"%PDF-1.4\n<?php system('id'); ?>\n%%EOF",
    "pdf and zip.pdf": PDF + packed(("x", b"y")),
    "pdf and jar.pdf": PDF + packed(("META-INF/MANIFEST.MF", b"x"), ("A.class", b"y")),
    "pdf without end.pdf": PDF[:20],
    "pdf of a head.pdf": b"%PDF-",
    "png and page.png": PNG + HTML,
    "png and pdf.png": PNG + PDF,
    "png and zip.png": PNG + packed(("x", b"y")),
    "png and script.png": PNG + b"<script>alert(1)</script>",
    "png of a head.png": PNG[:12],
    "png without end.png": PNG[:40],
    "png without size.png": PNG[:16] + struct.pack(">II", 0, 0) + PNG[24:],
    "jpg and page.jpg": JPG + HTML,
    "jpg with a page in front.jpg": JPG[:20]
    + b"\xff\xfe\x00\x40<html><script>alert(1)</script></html>"
    + bytes(20)
    + JPG[20:],
    "jpg and pdf.jpg": JPG + PDF,
    "jpg and zip.jpg": JPG + packed(("x", b"y")),
    "jpg of a head.jpg": JPG[:6],
    "docx without its part.docx": packed(("[Content_Types].xml", b"<Types/>"), ("word/other.xml", b"x")),
    "docx without types.docx": packed(("word/document.xml", b"<x/>")),
    "docx in a comment only.docx": packed(("x", b"word/document.xml [Content_Types].xml")),
    "xlsx as.docx": BOOK,
    "docx as.xlsx": WORD,
    "jar as.docx": packed(("META-INF/MANIFEST.MF", b"x"), ("A.class", b"y")),
    "macros.docx": packed(("word/vbaProject.bin", OLE), of=WORD),
    "macros elsewhere.xlsx": packed(("xl/VBAPROJECT.BIN", OLE), of=BOOK),
    "docm as.docx": packed(("[Content_Types].xml", _MACRO), ("word/document.xml", b"<x/>")),
    "exe within.docx": packed(("word/embeddings/setup.bin", EXE), of=WORD),
    "exe called a picture.docx": packed(("word/media/image9.png", EXE), of=WORD),
    "elf within.xlsx": packed(("xl/media/x.emf", ELF), of=BOOK),
    "script within.docx": packed(("word/media/x.sh", b"#!/bin/sh\nid\n"), of=WORD),
    "exe before.docx": EXE + WORD,
    "page before.docx": HTML + WORD,
    "page behind.docx": WORD + HTML,
    "entities in types.docx": packed(("[Content_Types].xml", b"<!DOCTYPE x><x/>"), ("word/document.xml", b"<x/>")),
}
ENDINGS = [
    "exe",
    "svg",
    "html",
    "htm",
    "xml",
    "js",
    "gif",
    "docm",
    "xlsm",
    "doc",
    "xls",
    "zip",
    "pdf.exe",
    "pdf ",
    "pdf.",
    "php",
    "",
]


def refusal(name: str, data: bytes) -> str:
    """Why a file is refused, in words; empty when it is taken in."""
    try:
        examine(name, io.BytesIO(data), ANY)
    except WrongKind as refused:
        return refused.text("zh")
    return ""


def test_the_bytes_of_a_zips_end_that_come_by_chance_refuse_no_one() -> None:
    """Any stream of a PDF may hold them; one of a zip beside it shows by its parts."""
    chance = b"%PDF-1.7\nstream\n" + b"PK\x05\x06" + bytes(range(1, 19)) + b"\nendstream\n%%EOF"
    assert zipfile.is_zipfile(io.BytesIO(chance))
    assert refusal("x.pdf", chance) == ""
    assert refusal("x.pdf", chance + b"PK\x03\x04") != ""


@pytest.mark.parametrize("name", GOOD)
def test_what_is_what_it_says_is_taken_in(name: str) -> None:
    assert refusal(name, GOOD[name]) == ""


def let_in() -> list[str]:
    return [name for name, data in {**renamed(), **TWO_AT_ONCE}.items() if not refusal(name, data)]


def test_what_is_something_else_or_two_things_at_once_is_refused(proof: Proof) -> None:
    assert let_in() == []
    for ending in ENDINGS:
        dressed = refusal(f"x.{ending}", PDF)
        assert dressed or attachments.clean_name(f"x.{ending}") == "x.pdf", ending
    for name in ("x.pdf\0.exe", "x.exe\u202efdp.", "x.pdf/.exe", "x.pdf\\y.exe"):
        assert refusal(name, EXE), name
    count = len(renamed()) + len(TWO_AT_ONCE) + len(ENDINGS) + 4
    proof.says("S7", "files of another kind, or of two", "agree or refused", files=count, let_in=0)


@pytest.mark.parametrize("blind", ["_is_another", "_is_plain", "_unpacks", "_is_pdf"])
def test_a_look_that_is_left_out_is_noticed(blind: str, monkeypatch: pytest.MonkeyPatch, proof: Proof) -> None:
    monkeypatch.setattr(kinds, blind, lambda *_: blind != "_is_another")
    if blind == "_is_pdf":
        monkeypatch.setitem(kinds._WHOLE, "pdf", lambda *_: True)  # type: ignore[arg-type] # a dict behind it
    found = let_in()
    assert found
    proof.catches("S7", f"without {blind.lstrip('_')}", let_in=len(found))
