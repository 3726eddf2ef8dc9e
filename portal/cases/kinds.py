"""Whether an uploaded file is what its name says and nothing else beside: by its first bytes, its end and its parts."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from typing import BinaryIO
from zipfile import BadZipFile, ZipFile, is_zipfile

import puremagic

from portal import zipped
from portal.documents import pictures
from portal.documents.filters import RenderFailed
from portal.errors import ContentFaults
from portal.xml import safe_xml

# A name alone proves nothing: what the first bytes must be.
SIGNATURES: Mapping[str, frozenset[str]] = {
    "pdf": frozenset({".pdf"}),
    "docx": frozenset({".docx", ".zip", ".xlsx", ".pptx", ".jar"}),
    "xlsx": frozenset({".xlsx", ".zip", ".docx", ".pptx", ".jar"}),
    "jpg": frozenset({".jpg", ".jpeg", ".jfif"}),
    "jpeg": frozenset({".jpg", ".jpeg", ".jfif"}),
    "png": frozenset({".png", ".apng"}),
}
OFFICE = {"docx": "word/document.xml", "xlsx": "xl/workbook.xml"}
_HEAD = 8192
_PDF, _PDF_END, _END_WITHIN = b"%PDF-", b"%%EOF", 1024
_IMAGE_END = {"png": b"IEND\xaeB`\x82", "jpg": b"\xff\xd9", "jpeg": b"\xff\xd9"}
_PAGE = (b"<!doctype", b"<html", b"<head", b"<body", b"<script", b"<svg", b"<?php")
_PAGE_WITHIN = 1024
"""Where programs look that guess what a file is."""
_PROGRAMS = (b"MZ", b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"#!/")
_ZIP_PARTS = (b"PK\x03\x04", b"PK\x01\x02")
_TYPES = "[Content_Types].xml"
_LIMITS = zipped.Limits(parts=5000, unpacked=200_000_000, ratio=200)
_PIECE = 1 << 20
_BROKEN = (BadZipFile, struct.error, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)


def agrees(kind: str, stream: BinaryIO) -> bool:
    """Whether a file may be one of this kind; ZipRefused where it is a zip that nobody should unpack."""
    stream.seek(0)
    head = stream.read(_HEAD)
    try:
        found = {match.extension.lower() for match in puremagic.magic_string(head)}
    except puremagic.PureError:
        return False
    if not found & SIGNATURES.get(kind, frozenset()):
        return False
    if kind in OFFICE:
        return _is_office(kind, stream)
    return not _is_another(head, stream) and _WHOLE[kind](kind, stream)


def _is_another(head: bytes, stream: BinaryIO) -> bool:
    """Whether other programs would take the same bytes for a web page or a zip."""
    beginning = head[:_PAGE_WITHIN].lower()
    return any(mark in beginning for mark in _PAGE) or _is_zip(stream)


def _is_zip(stream: BinaryIO) -> bool:
    """Whether programs that unpack would find something in it. The four bytes of a zip's end alone come by chance, in
    one of 65,000 files; together with those of a part they do not."""
    if not is_zipfile(stream):
        return False
    stream.seek(0)
    content = stream.read()
    return any(mark in content for mark in _ZIP_PARTS)


def _is_pdf(kind: str, stream: BinaryIO) -> bool:
    stream.seek(0)
    begins = stream.read(len(_PDF)) == _PDF
    size = stream.seek(0, 2)
    stream.seek(max(0, size - _END_WITHIN))
    return begins and _PDF_END in stream.read()


def _is_picture(kind: str, stream: BinaryIO) -> bool:
    stream.seek(0)
    content = stream.read()
    try:
        pictures.pixels(content[: pictures.HEAD])
    except RenderFailed:
        return False
    # Cameras put things behind a picture; a page or a document is none of them.
    _, end, rest = content.rpartition(_IMAGE_END[kind])
    rest = rest.lower()
    return bool(end) and _PDF.lower() not in rest and not any(mark in rest for mark in _PAGE)


_WHOLE: Mapping[str, Callable[[str, BinaryIO], bool]] = {
    "pdf": _is_pdf,
    "png": _is_picture,
    "jpg": _is_picture,
    "jpeg": _is_picture,
}


def _is_office(kind: str, stream: BinaryIO) -> bool:
    try:
        with zipped.opened(stream, _LIMITS) as archive:
            names = {part.filename for part in archive.infolist()}
            return {_TYPES, OFFICE[kind]} <= names and _is_plain(archive) and _unpacks(archive)
    except zipped.ZipRefused:
        raise
    except (ContentFaults, *_BROKEN):
        return False


def _is_plain(archive: ZipFile) -> bool:
    """Whether it has no macros: programs are what other endings are for."""
    macros = any("vbaproject" in part.filename.lower() for part in archive.infolist())
    types = archive.read(_TYPES)
    safe_xml(types)
    return not macros and b"macroEnabled" not in types


def _unpacks(archive: ZipFile) -> bool:
    """Whether every part is as long, and has the checksum, that the zip says; and none is a program."""
    for part in archive.infolist():
        length = 0
        with archive.open(part) as opened:
            while piece := opened.read(_PIECE):
                if length == 0 and piece.startswith(_PROGRAMS):
                    return False
                length += len(piece)
        if length != part.file_size:
            return False
    return True
