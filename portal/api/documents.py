"""Letters: those to the user's organisation, signing for one, and its file."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from flask import Response, jsonify
from pydantic import Field
from sqlalchemy.orm import Session

from portal.api.access import admit, needs
from portal.api.casefile import DocumentTold, own_document
from portal.api.description import answers, calls, files, written
from portal.api.once import Done, once
from portal.api.shapes import Listed, Paged, Query, Reference, Shape, Write, id_after
from portal.cases import delivery
from portal.cases.errors import UnknownCase
from portal.cases.models import Case
from portal.documents import pdf
from portal.documents import service as documents
from portal.documents.models import Letter
from portal.edge.access import permit, signed_in
from portal.edge.acting import reading
from portal.edge.errors import NoPdfHere, NotRendered, NotSignedFor, PdfNotYet
from portal.edge.files import PDF, WORD, Download, may_read, pdf_of, stream, word_of
from portal.edge.machine import machine
from portal.identity import Permission, Subject
from portal.identity.tokens import Scope
from portal.inbox import party
from portal.storage import whole

blueprint = calls("documents", "Letters: listed, signed for, read.")


class DocumentPath(Shape):
    """Which letter."""

    document_id: Reference


class Kind(StrEnum):
    """As which file: the letter itself, or its PDF."""

    DOCX = "docx"
    PDF = "pdf"


class Format(Query):
    """As which file."""

    kind: Kind = Field(Kind.DOCX, alias="as")


class DocumentList(Listed[DocumentTold]):
    """Some letters, the newest first."""


@blueprint.get("/documents", responses=answers(200, DocumentList, 404, 422))
@needs(Permission.LETTER_READ, Scope.READ)
def list_documents(query: Paged) -> Response:
    """The letters to the user's organisation; before one is signed for, only that there is one."""
    organisation_id, before = signed_in().organisation_id, id_after(query.after)
    permit(Subject(party_id=organisation_id))
    assert organisation_id is not None
    with reading() as tx:
        found = party.letters_of(tx, organisation_id, before, query.limit)
        items = [own_document(*one) for one in found[: query.limit]]
    told = DocumentList(items=items, next=str(items[-1].id) if len(found) > query.limit else None)
    return jsonify(told.model_dump(mode="json"))


@blueprint.get("/documents/<int:document_id>", responses=files([WORD, PDF], 404, 409, 422, 501))
@needs(Permission.LETTER_READ, Scope.READ)
def read_document(path: DocumentPath, query: Format) -> Response:
    """The file of a letter. 409 while it is rendered or not signed for; 501 for a PDF where none are made."""
    with reading() as tx:
        letter = _letter(tx, path.document_id)
        file = _file(_readable(tx, letter), query.kind)
    return stream(file)


@blueprint.post("/documents/<int:document_id>/sign", responses=written(200, DocumentTold, 404))
@needs(Permission.LETTER_SIGN_FOR, Scope.FILE)
def sign_document(path: DocumentPath, header: Write) -> Response:
    """Opens and signs for a letter (打开并签收): it is served at this moment, and can then be read."""

    _check_openable(path.document_id)

    def sign(tx: Session, moment: datetime) -> Done:
        letter = _letter(tx, path.document_id)
        service = delivery.addressed_to(letter, signed_in())
        actor = admit(Subject(party_id=service.organisation_id))
        delivery.sign_for(machine().kernel, tx, actor, letter.id, moment)
        tx.flush()
        return Done(own_document(letter, service))

    return once(sign, "签收文书")


def _letter(tx: Session, document_id: int) -> Letter:
    """A letter; one that is not there and one of others are told alike (UnknownCase)."""
    try:
        return documents.letter(tx, document_id)
    except documents.UnknownLetter as error:
        raise UnknownCase() from error


def _check_openable(document_id: int) -> None:
    """Raises ObjectMissing, ObjectAltered or StoreUnavailable: what cannot be read is not served."""
    with reading() as tx:
        letter = _letter(tx, document_id)
        service = delivery.addressed_to(letter, signed_in())
        key, sha256 = letter.object_key, letter.sha256
    if service.state != "served" and key is not None and sha256 is not None:
        whole(machine().store, key, sha256).close()


def _readable(tx: Session, letter: Letter) -> Letter:
    """The letter, if the user may read what it says; NotSignedFor to an addressee who has yet to sign for it."""
    case = tx.get_one(Case, letter.case_id)
    actor = admit(Subject(regulation=case.regulation, party_id=case.party_id))
    if may_read(letter, actor):
        return letter
    delivery.addressed_to(letter, actor)
    if letter.object_key is None:
        raise NotRendered()
    raise NotSignedFor(title=letter.title, number=letter.number)


def _file(letter: Letter, kind: Kind) -> Download:
    if letter.object_key is None:
        raise NotRendered()
    if kind is Kind.DOCX:
        return word_of(letter)
    if letter.pdf_key is None:
        raise PdfNotYet() if machine().settings.letter_pdf and pdf.office() else NoPdfHere()
    return pdf_of(letter)
