"""Who may read letters and uploaded files, and how they are streamed from the object store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO
from urllib.parse import quote

from flask import Response
from sqlalchemy.orm import Session

from portal.cases import assigned, quarantine
from portal.cases.errors import UnknownCase
from portal.cases.live import Cases
from portal.cases.models import Attachment, Case
from portal.documents import service as documents
from portal.documents.models import Letter
from portal.documents.rules import FileNotReady, NoPdf
from portal.edge.access import permit, signed_in
from portal.edge.machine import machine
from portal.identity import Actor, Subject
from portal.storage import whole

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
TYPES = {
    "pdf": "application/pdf",
    "docx": WORD,
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
}
"""What may be uploaded."""
PICTURES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp"}
PDF = "application/pdf"
_PIECE = 64 * 1024


@dataclass(frozen=True)
class Download:
    """A file to be sent: where it lies, the hash (hexadecimal SHA-256) it was kept with, as what it is saved."""

    key: str
    sha256: str
    name: str
    content_type: str


def word_of(letter: Letter) -> Download:
    """The Word file of a letter; FileNotReady."""
    if letter.object_key is None or letter.sha256 is None:
        raise FileNotReady
    return Download(letter.object_key, letter.sha256, f"{letter.title} {letter.number}.docx", WORD)


def pdf_of(letter: Letter) -> Download:
    """The PDF of a letter; NoPdf."""
    if letter.pdf_key is None or letter.pdf_sha256 is None:
        raise NoPdf
    return Download(letter.pdf_key, letter.pdf_sha256, f"{letter.title} {letter.number}.pdf", PDF)


def readable(tx: Session, attachment_id: int) -> tuple[Attachment, Actor]:
    """An uploaded file that the person may read, and who he is; UnknownCase, Forbidden, NotScanned, Infected."""
    row = tx.get(Attachment, attachment_id)
    if row is None:
        raise UnknownCase
    case = tx.get(Case, row.case_id) if row.case_id else None
    # Whoever has left the organisation has left its files, his own uploads too.
    stays = row.organisation_id == signed_in().organisation_id
    actor = permit(
        Subject(
            regulation=case.regulation if case else None,
            party_id=row.organisation_id,
            uploader_id=row.uploaded_by_id if stays else None,
            shown=not stays and case is not None and _is_shown(tx, case, row, signed_in()),
        )
    )
    quarantine.require_released(row)
    return row, actor


def _is_shown(tx: Session, case: Case, row: Attachment, actor: Actor) -> bool:
    """Whether a file lies beside a task that was given to the person's organisation alone."""
    if actor.organisation_id is None:
        return False
    return assigned.may_open(Cases(tx, machine().kernel.releases).open(case), row.id, actor.organisation_id)


def readable_letter(tx: Session, letter_id: int) -> tuple[Letter, Actor]:
    """A letter that the person may read, and who he is; UnknownLetter, UnknownCase, Forbidden."""
    found = documents.letter(tx, letter_id)
    case = tx.get_one(Case, found.case_id)
    actor = permit(Subject(regulation=case.regulation, party_id=case.party_id))
    if not may_read(found, actor):
        raise UnknownCase
    return found, actor


def may_read(found: Letter, actor: Actor) -> bool:
    """Whether a person who belongs to an organisation may see a letter's content: it signed for it."""
    if actor.official:
        return True
    own = [service for service in found.services if service.organisation_id == actor.organisation_id]
    return any(service.kind == "copy" or service.state == "served" for service in own)


def stream(file: Download, *, inline: bool = False) -> Response:
    """A file piece by piece, to be saved and not shown, so that no file acts as a page; `inline` only where the
    answer's own policy keeps it from doing so.

    The first piece is sent when the last one has come and all are what was kept; else ObjectAltered, ObjectMissing or
    StoreUnavailable, each with a page of its own.
    """
    opened = whole(machine().store, file.key, file.sha256)
    size = opened.seek(0, 2)
    opened.seek(0)
    response = Response(pieces(opened), content_type=file.content_type)
    response.call_on_close(opened.close)
    response.content_length = size
    return sent(response, file.name, inline=inline)


def sent(response: Response, name: str, *, inline: bool = False) -> Response:
    """An answer to be saved under a name, and kept by nobody on its way."""
    response.headers["Content-Disposition"] = disposition(name, inline=inline)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def pieces(opened: IO[bytes]) -> Iterator[bytes]:
    """An open file piece by piece; it is closed after the last."""
    with opened:
        while piece := opened.read(_PIECE):
            yield piece


def disposition(name: str, *, inline: bool = False) -> str:
    """The header by which a file is saved under its own name (RFC 6266, RFC 8187), with a plain one beside it."""
    ending = name.rpartition(".")[2]
    plain = f"file.{ending}" if ending.isascii() and ending.isalnum() else "file"
    return f"{'inline' if inline else 'attachment'}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
