"""Letters: the file is rendered in a killable child and stored, then an act opens the letter for reading."""

from __future__ import annotations

import hashlib

from sqlalchemy.orm import Session

from portal.cases import delivery, incidents
from portal.cases.conduct import did
from portal.cases.delivery import StoredFile
from portal.cases.incidents import LETTER
from portal.documents import service as documents
from portal.documents.filters import ValueMissing, ValueUnfit
from portal.documents.models import Letter
from portal.documents.pdf import PdfFailed, converted
from portal.documents.render import TemplateFaulty, render
from portal.storage import new_key, whole
from portal.worker.tools import Tools

NO_PDF = "转换文书为 PDF："
PDF_TYPE = "application/pdf"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
# The same letter and template will fail the same way.
HOPELESS = (TemplateFaulty, ValueMissing, ValueUnfit)


def render_letter(tools: Tools, job: str, letter_id: int) -> None:
    """Makes a letter's file and opens the letter; does nothing when this job or another has done so before."""
    with tools.database.transaction() as tx:
        letter = documents.letter(tx, letter_id)
        if did(tx, job) or letter.state == "ready":
            return
        # The moment is that of the claim, for rendering takes a while.
        moment = tools.kernel.now(tx)
        template = tools.kernel.releases.get(tx, letter.release_id).content.files[letter.template]
    try:
        file = make_file(tools, letter, template)
    except HOPELESS as error:
        reason = error.text("zh")
        tools.database.attempt(lambda tx: give_up(tools, tx, job, reason, letter_id))
        return
    pdf = tools.office is not None
    tools.database.attempt(lambda tx: delivery.rendered(tools.kernel, tx, letter_id, file, moment, job=job, pdf=pdf))


def make_file(tools: Tools, letter: Letter, template: bytes) -> StoredFile:
    """Renders a letter and stores the file; RenderFailed or StoreUnavailable.

    The file comes before its row: without a row it is swept, while a row without a file would be a broken promise.
    """
    word = render(template, letter.data, f"{tools.public_url}/verify/{letter.verification_code}")
    file = StoredFile(new_key(), hashlib.sha256(word).hexdigest(), len(word))
    tools.store.put(file.key, word, file.size, WORD, f"{letter.title}.docx")
    return file


def make_pdf(tools: Tools, job: str, letter_id: int) -> None:
    """Makes a PDF of a letter's file; does nothing when this job or another has done so before."""
    with tools.database.transaction() as tx:
        letter = documents.letter(tx, letter_id)
        if did(tx, job) or letter.pdf_key is not None or letter.object_key is None or letter.sha256 is None:
            return
    if tools.office is None:
        raise PdfFailed(reason="LibreOffice is not installed here any more")
    with whole(tools.store, letter.object_key, letter.sha256) as word:
        made = converted(word.read(), tools.office)
    file = StoredFile(new_key(), hashlib.sha256(made).hexdigest(), len(made))
    tools.store.put(file.key, made, file.size, PDF_TYPE, f"{letter.title}.pdf")
    kernel = tools.kernel
    tools.database.attempt(lambda tx: delivery.pdf_made(kernel, tx, letter_id, file, kernel.now(tx), job=job))


def no_pdf(tools: Tools, tx: Session, job: str, reason: str, letter_id: int) -> None:
    """Writes an incident when no PDF could be made; the letter itself is as valid as before."""
    letter = documents.letter(tx, letter_id)
    if letter.pdf_key is None:
        again = incidents.Again(incidents.JOB, {"name": delivery.PDF, "arguments": {"letter_id": letter_id}})
        incidents.note(tx, f"{NO_PDF}{letter.number}", reason, tools.kernel.now(tx), letter.case_id, again)


def give_up(tools: Tools, tx: Session, job: str, reason: str, letter_id: int) -> None:
    """Marks a letter as failed and writes an incident, unless the job has come to an end before."""
    letter = documents.letter(tx, letter_id)
    if did(tx, job) or letter.state == "ready":
        return
    moment = tools.kernel.now(tx)
    delivery.failed(tools.kernel, tx, letter_id, reason, moment, job=job)
    again = incidents.Again(LETTER, {"letter_id": letter_id})
    incidents.note(tx, f"生成文书{letter.number}", reason, moment, letter.case_id, again)
