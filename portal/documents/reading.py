"""Reads Word files and workbooks from outside for showing; only ever in a process that can be killed."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import asdict
from typing import Any

import mammoth
from mammoth import html as mammoth_html

from portal import zipped
from portal.documents.cleaning import cleaned
from portal.documents.render import FileLocked, FileTooComplex, FileUnreadable
from portal.forms.answers import Refused
from portal.forms.glance import glance
from portal.forms.packed import BROKEN, unreadable

_LIMITS = zipped.Limits(parts=2000, unpacked=80_000_000, ratio=200)
_LARGEST_PICTURE, _LARGEST_PICTURES = 3_000_000, 8_000_000
"""Bytes of one picture of a Word file that is shown, and of all of them."""
_PICTURES = {"image/png": b"\x89PNG\r\n", "image/jpeg": b"\xff\xd8\xff"}


def word(file: bytes) -> bytes:
    """The text of a Word file as harmless HTML (UTF-8), its tables and pictures kept; RenderFailed."""
    _check_package(file, "word/document.xml")
    pictures = _Pictures()
    try:
        converted = mammoth.convert_to_html(  # type: ignore[no-untyped-call] # mammoth has no types
            io.BytesIO(file), convert_image=pictures.shown, include_embedded_style_map=False
        )
    except (*BROKEN, AssertionError) as error:
        raise FileUnreadable from error
    return cleaned(converted.value).encode()


class _Pictures:
    """Puts the pictures of a Word file into the page, as long as they are bearable ones."""

    def __init__(self) -> None:
        self._left = _LARGEST_PICTURES

    def shown(self, image: Any) -> list[object]:  # noqa: ANN401 - mammoth has no types
        """The picture, or a word in its place; nothing outside of the file is ever asked for it."""
        words = [mammoth_html.text("〔图片未显示〕")]  # type: ignore[no-untyped-call] # mammoth has no types
        try:
            with image.open() as source:
                content = source.read(min(_LARGEST_PICTURE, self._left) + 1)
        except (*BROKEN, AssertionError):
            return words
        known = _PICTURES.get(image.content_type)
        if known is None or not content.startswith(known) or len(content) > min(_LARGEST_PICTURE, self._left):
            return words
        self._left -= len(content)
        source = f"data:{image.content_type};base64,{base64.b64encode(content).decode()}"
        said = {"alt": str(image.alt_text or "")[:200], "src": source}
        return [mammoth_html.element("img", said)]  # type: ignore[no-untyped-call] # mammoth has no types


def _check_package(file: bytes, main: str) -> None:
    """Raises FileLocked, FileUnreadable or FileTooComplex for a file that is no bearable package of plain XML."""
    if file.startswith(zipped.OLE):
        raise FileLocked
    try:
        with zipped.opened(io.BytesIO(file), _LIMITS) as archive:
            names = archive.namelist()
            if main not in names:
                raise FileUnreadable
            for name in names:
                if name.endswith((".xml", ".rels")) and b"<!DOCTYPE" in archive.read(name):
                    raise FileUnreadable
    except zipped.ZipLocked as refusal:
        raise FileLocked from refusal
    except zipped.TooHeavy as refusal:
        raise FileTooComplex from refusal
    except (zipped.ZipRefused, *BROKEN) as error:
        raise FileUnreadable from error


def sheets(file: bytes) -> bytes:
    """The first rows of a workbook's first sheets, as JSON (see `showing.Workbook`); RenderFailed."""
    _check_package(file, "xl/workbook.xml")
    try:
        return json.dumps(asdict(glance(io.BytesIO(file)))).encode()
    except Refused as refusal:
        raise (FileUnreadable if refusal.error == unreadable().error else FileTooComplex) from refusal
    except BROKEN as error:
        raise FileUnreadable from error
