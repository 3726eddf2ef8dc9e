"""Whether a letter is genuine: what the address in its QR code leads to, open to whoever holds the paper or a file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import clock
from portal.cases.standing import letter_standing
from portal.documents import service as documents
from portal.documents.models import Letter
from portal.edge.acting import act, reading
from portal.edge.machine import machine
from portal.errors import PortalError
from portal.identity import TooManyAttempts, throttle
from portal.identity.entry import VERIFY_FILE
from portal.web import validity
from portal.web.access import network, open_to_all, visitor
from portal.web.languages import said
from portal.web.pages import render
from portal.web.public import around
from portal.web.tracking import unlisted

blueprint = Blueprint("verifying", __name__)

LIMIT = 20_000_000
"""Bytes of a file that is compared here; no letter comes near it."""
_PIECE = 65536
_LONGEST = 100

SAME, DIFFERENT = "same", "different"


class NoFile(PortalError):
    """The form came without a file."""

    zh = "请选择要核验的文件。"
    en = "Please choose the file to be checked."


class NothingInIt(PortalError):
    """A file without content."""

    zh = "这个文件是空的（0 字节），没有比对。请重新选择。"
    en = "This file is empty (0 bytes), so it was not compared. Please choose another one."


class FileTooLarge(PortalError):
    """A file that cannot be a letter."""

    zh = "文件超过 {most} MB，本机关签发的文书没有这么大，没有比对。"
    en = "The file is larger than {most} MB, which no letter of the authority is; it was not compared."


class TooManyFiles(TooManyAttempts):
    """Too many files from one address within a quarter of an hour."""

    zh = "从您的网络地址核验的次数过多，请 15 分钟后再试。"
    en = "Too many files were checked from your address: try again in 15 minutes."


@dataclass(frozen=True)
class LetterView:
    """What everybody may know of a letter: nothing of whom it is for, nor of what it says."""

    title: str
    number: str
    issued_at: datetime
    issuer: str
    code: str
    state: str
    by: str
    since: datetime | None
    digests: tuple[str, ...]
    """SHA-256 of the files of the letter; none while they are being made."""


@blueprint.get("/verify")
@open_to_all
def ask() -> ResponseReturnValue:
    """Asks for the code on a letter."""
    visitor()
    code = request.args.get("code", "").strip()[:_LONGEST]
    plain = "".join(sign for sign in code if sign.isalnum() or sign == "-")
    if plain:
        return redirect(url_for("verifying.letter_by_code", code=plain), 303)
    with reading() as tx:
        return render("public/verify.html", code="", **around(tx, "/verify"))


@blueprint.get("/verify/<code>")
@open_to_all
def letter_by_code(code: str) -> ResponseReturnValue:
    """Number, title, date, issuer and standing of the letter with this code; that there is none, the same for all."""
    visitor()
    with reading() as tx:
        return _page(tx, code)


@blueprint.post("/verify/<code>")
@open_to_all
def compare(code: str) -> ResponseReturnValue:
    """Whether a file is that of the letter: for browsers that do not compare themselves. The file is not kept."""
    visitor()
    try:
        digest = _digest_of_file()
    except (NoFile, NothingInIt, FileTooLarge) as error:
        with reading() as tx:
            return _page(tx, code, fault=said(error), status=422)
    address = network()
    may_try = act(lambda tx, _moment: throttle.counted(tx, VERIFY_FILE, address, clock.now()), _("核验文书"))
    with reading() as tx:
        if not may_try:
            return _page(tx, code, fault=said(TooManyFiles()), status=429)
        return _page(tx, code, digest=digest)


def _page(tx: Session, code: str, *, digest: str = "", fault: str = "", status: int = 200) -> ResponseReturnValue:
    """The page of a letter; with a `digest`, whether a file with it is the letter's."""
    letter = documents.by_verification_code(tx, code)
    surroundings = around(tx, "/verify")
    if letter is None:
        return unlisted(render("public/unverified.html", code=code[:_LONGEST], **surroundings), 404)
    view = _view(tx, letter)
    answer = (SAME if digest in view.digests else DIFFERENT) if digest and view.digests else ""
    page = render(
        "public/verified.html",
        letter=view,
        answer=answer,
        digest=digest,
        fault=fault,
        limit=LIMIT,
        law=validity.of_case_id(tx, letter.case_id),
        **surroundings,
    )
    return unlisted(page, status)


def _view(tx: Session, letter: Letter) -> LetterView:
    standing = letter_standing(tx, machine().kernel.releases, letter)
    return LetterView(
        title=letter.title,
        number=letter.number,
        issued_at=letter.issued_at,
        issuer=standing.issuer,
        code=documents.spoken(letter.verification_code),
        state=standing.state,
        by=standing.by or "",
        since=standing.at,
        digests=tuple(digest for digest in (letter.sha256, letter.pdf_sha256) if digest is not None),
    )


def _digest_of_file() -> str:
    """The SHA-256 of the posted file, read piece by piece and then closed, which removes it; NoFile, NothingInIt,
    FileTooLarge."""
    posted = request.files.get("file")
    if posted is None or not posted.filename:
        raise NoFile
    with posted.stream as stream:
        size = stream.seek(0, 2)
        if size == 0:
            raise NothingInIt
        if size > LIMIT:
            raise FileTooLarge(most=LIMIT // 1_000_000)
        stream.seek(0)
        digest = hashlib.sha256()
        while piece := stream.read(_PIECE):
            digest.update(piece)
        return digest.hexdigest()
