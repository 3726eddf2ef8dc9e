"""Files shown in place: uploaded ones and letters, as a page of their own or as a part that a page takes in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup

from portal.cases.errors import UnknownCase
from portal.cases.models import Attachment
from portal.documents import pictures, showing
from portal.documents.filters import RenderFailed
from portal.documents.render import FileUnreadable
from portal.documents.rules import FileNotReady
from portal.edge.acting import reading
from portal.edge.files import PICTURES, TYPES, Download, readable, readable_letter, stream
from portal.edge.machine import machine
from portal.identity import Actor, Permission
from portal.storage import ObjectAltered, ObjectMissing, StoreUnavailable, whole
from portal.web import dates
from portal.web.access import needs
from portal.web.frames import frame
from portal.web.languages import said
from portal.web.letters import read
from portal.web.pages import render

blueprint = Blueprint("previews", __name__)

LARGEST_PICTURE = 20_000_000
"""Bytes of a picture that is shown."""
MOST_PIXELS = 60_000_000
"""Beyond them a browser stands still, or shows nothing."""
_FRAMED = {
    # Not every browser shows a PDF in a sandbox; its own viewer keeps the scripts of a PDF away from the page.
    "pdf": "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'",
    **dict.fromkeys(PICTURES, "default-src 'none'; sandbox; frame-ancestors 'none'"),
}
"""Of each kind that a browser shows by itself, the policy it is sent with."""


@dataclass(frozen=True)
class Shown:
    """What can be shown of a file: `look` names the part of the template; `trouble` says why it cannot be shown."""

    name: str
    size: str
    url: str
    download_url: str
    look: str
    html: Markup | None = None
    text: showing.Text | None = None
    book: showing.Workbook | None = None
    trouble: str = ""


@blueprint.get("/attachments/<int:attachment_id>/preview")
@needs(Permission.ATTACHMENT_READ)
def attachment(attachment_id: int) -> ResponseReturnValue:
    """An uploaded file to look at, for whoever may download it; htmx gets the part without the page around it."""
    with reading() as tx:
        row, actor = readable(tx, attachment_id)
        around = {} if _is_part() else frame(tx, actor)
    shown = _shown(row)
    if _is_part():
        return render("preview/attachment_part.html", shown=shown)
    return render("preview/attachment.html", shown=shown, **around)


@blueprint.get("/attachments/<int:attachment_id>/shown")
@needs(Permission.ATTACHMENT_READ)
def shown_file(attachment_id: int) -> Response:
    """A PDF or picture for the browser to show, with nothing allowed beyond that; other kinds are downloaded only."""
    with reading() as tx:
        row, _actor = readable(tx, attachment_id)
    if row.kind not in _FRAMED:
        raise UnknownCase
    response = stream(Download(row.key, row.sha256, row.name, TYPES[row.kind]), inline=True)
    response.headers["Content-Security-Policy"] = _FRAMED[row.kind]
    if row.kind == "pdf":
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


@blueprint.get("/letters/<int:letter_id>/preview")
@needs(Permission.LETTER_READ)
def letter(letter_id: int) -> ResponseReturnValue:
    """An issued letter to look at, for whoever may download it."""
    with reading() as tx:
        found, actor = readable_letter(tx, letter_id)
        if found.object_key is None:
            raise FileNotReady
        more = {"letter_id": letter_id, "title": found.title, "number": found.number, "pdf": found.pdf_key is not None}
        around = {} if _is_part() else frame(tx, actor)
    body, trouble = read(found)
    template = "preview/letter_part.html" if _is_part() else "preview/letter.html"
    return render(template, body=body, trouble=trouble, own=_own_page(actor, letter_id), **more, **around)


def _own_page(actor: Actor, letter_id: int) -> str:
    return f"/letters/{letter_id}" if actor.official else f"/my/letters/{letter_id}"


def _is_part() -> bool:
    """Whether a page of ours takes the answer in."""
    return request.headers.get("HX-Request") == "true"


def _shown(row: Attachment) -> Shown:
    look = _looks(row)
    plain = Shown(
        name=row.name,
        size=dates.size(row.size),
        url=f"/attachments/{row.id}/shown",
        download_url=f"/attachments/{row.id}",
        look=look,
    )
    most = _MOST.get(look)
    if look == "none":
        return _not(plain, _("这种文件不能在线预览，请下载后查看。"))
    if most is not None and row.size > most:
        limit = dates.size(most)
        return _not(
            plain, _("文件大小 %(size)s，超过在线预览的上限 %(most)s，请下载后查看。", size=plain.size, most=limit)
        )
    try:
        return _READ[look](plain, row)
    except RenderFailed as error:
        return _not(plain, _("%(why)s请下载后查看。", why=said(error)))
    except (StoreUnavailable, ObjectAltered, ObjectMissing) as error:
        return _not(plain, said(error))


def _not(shown: Shown, trouble: str) -> Shown:
    return replace(shown, look="none", trouble=trouble)


def _looks(row: Attachment) -> str:
    """How a file is shown, by its kind, which was compared with its content when it came."""
    if row.kind in PICTURES:
        return "picture"
    return {"pdf": "pdf", "docx": "word", "xlsx": "sheets", "txt": "text", "csv": "table"}.get(row.kind, "none")


def _by_the_browser(shown: Shown, row: Attachment) -> Shown:
    """A broken picture would not say why."""
    _content(row, 0)
    return shown


def _picture(shown: Shown, row: Attachment) -> Shown:
    """One of so many pixels that a browser would choke on it is not shown, however small its file is."""
    count = pictures.pixels(_content(row, pictures.HEAD)) if row.kind in _MEASURED else 0
    if count > MOST_PIXELS:
        size, most = round(count / 10_000), MOST_PIXELS // 10_000
        return _not(
            shown,
            _(
                "图片有 %(size)s 万像素，超过在线预览的上限 %(most)s 万像素，请下载后查看。",
                size=f"{size:,}",
                most=f"{most:,}",
            ),
        )
    return shown


def _word(shown: Shown, row: Attachment) -> Shown:
    return replace(shown, html=Markup(showing.word(_content(row))))  # nosec B704 # 2026-11-22: cleaned before


def _sheets(shown: Shown, row: Attachment) -> Shown:
    return replace(shown, book=showing.workbook(_content(row)))


def _text(shown: Shown, row: Attachment) -> Shown:
    return replace(shown, text=_head(row))


def _table(shown: Shown, row: Attachment) -> Shown:
    return replace(shown, book=showing.Workbook((showing.table(_head(row)),), 0, 0))


def _head(row: Attachment) -> showing.Text:
    """The beginning of a plain text."""
    head = _content(row, showing.LARGEST_TEXT + 1)
    if b"\0" in head:
        raise FileUnreadable
    return showing.text(head[: showing.LARGEST_TEXT], whole=len(head) <= showing.LARGEST_TEXT)


def _content(row: Attachment, most: int = -1) -> bytes:
    """The first `most` bytes of a file, or all; ObjectAltered, ObjectMissing, StoreUnavailable."""
    with whole(machine().store, row.key, row.sha256) as file:
        return file.read(most)


_MEASURED = ("jpg", "jpeg", "png")
"""Pictures whose size is known before they are shown."""
_READ: dict[str, Callable[[Shown, Attachment], Shown]] = {
    "pdf": _by_the_browser,
    "picture": _picture,
    "word": _word,
    "sheets": _sheets,
    "text": _text,
    "table": _table,
}
_MOST = {"word": showing.LARGEST_FILE, "sheets": showing.LARGEST_SHEETS, "picture": LARGEST_PICTURE}
