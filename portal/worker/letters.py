"""Letters: the file is rendered in a killable child and stored, then an act opens the letter for reading."""

from __future__ import annotations

import hashlib

from sqlalchemy.orm import Session

from portal.cases import delivery, incidents
from portal.cases.conduct import did
from portal.cases.delivery import StoredFile
from portal.documents import service as documents
from portal.documents.filters import ValueMissing, ValueUnfit
from portal.documents.models import Letter
from portal.documents.render import TemplateFaulty, render
from portal.storage import new_key
from portal.worker.tools import Tools

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
    tools.database.attempt(lambda tx: delivery.rendered(tools.kernel, tx, letter_id, file, moment, job=job))


def make_file(tools: Tools, letter: Letter, template: bytes) -> StoredFile:
    """Renders a letter and stores the file; RenderFailed or StoreUnavailable.

    The file comes before its row: without a row it is swept, while a row without a file would be a broken promise.
    """
    word = render(template, letter.data, f"{tools.public_url}/verify/{letter.verification_code}")
    file = StoredFile(new_key(), hashlib.sha256(word).hexdigest(), len(word))
    tools.store.put(file.key, word, file.size, WORD, f"{letter.title}.docx")
    return file


def give_up(tools: Tools, tx: Session, job: str, reason: str, letter_id: int) -> None:
    """Marks a letter as failed and writes an incident, unless the job has come to an end before."""
    letter = documents.letter(tx, letter_id)
    if did(tx, job) or letter.state == "ready":
        return
    moment = tools.kernel.now(tx)
    delivery.failed(tools.kernel, tx, letter_id, reason, moment, job=job)
    incidents.note(tx, f"生成文书{letter.number}", reason, moment, letter.case_id)
