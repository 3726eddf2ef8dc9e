"""Letters and uploaded files, streamed from the object store to those who may read them."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from portal.documents.models import Letter
from portal.edge.acting import reading
from portal.edge.files import TYPES, Download, pdf_of, readable, readable_letter, stream, word_of
from portal.identity import Permission
from portal.web.access import needs

blueprint = Blueprint("files", __name__)


@blueprint.get("/letters/<int:letter_id>/file")
@needs(Permission.LETTER_READ)
def letter(letter_id: int) -> Response:
    """A letter's Word file; its addressee gets it from the moment he has signed for it."""
    return _letter(letter_id, word_of)


@blueprint.get("/letters/<int:letter_id>.pdf")
@needs(Permission.LETTER_READ)
def letter_pdf(letter_id: int) -> Response:
    """The same letter as PDF, where one was made of it."""
    return _letter(letter_id, pdf_of)


def _letter(letter_id: int, file_of: Callable[[Letter], Download]) -> Response:
    with reading() as tx:
        found, _actor = readable_letter(tx, letter_id)
        file = file_of(found)
    return stream(file)


@blueprint.get("/attachments/<int:attachment_id>")
@needs(Permission.ATTACHMENT_READ)
def attachment(attachment_id: int) -> Response:
    """An uploaded file: for its uploader, his organisation, and the officials of the case that uses it."""
    with reading() as tx:
        row, _actor = readable(tx, attachment_id)
    return stream(Download(row.key, row.sha256, row.name, TYPES.get(row.kind, "application/octet-stream")))
