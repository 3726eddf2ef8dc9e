"""Whether a letter is genuine: what the address in its QR code leads to, open to whoever holds the paper."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from portal.documents import service as documents
from portal.web.access import open_to_all, visitor
from portal.web.acting import reading
from portal.web.pages import render

blueprint = Blueprint("verifying", __name__)


@blueprint.get("/verify/<code>")
@open_to_all
def letter_by_code(code: str) -> ResponseReturnValue:
    """Number, title, date and hash of the letter with this code; that there is none, said the same way for all."""
    visitor()
    with reading() as tx:
        letter = documents.by_verification_code(tx, code)
    return render("public/verify.html", letter=letter), 200 if letter else 404
