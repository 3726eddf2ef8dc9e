"""Notes beside the procedure: what officials write for each other, and what they tell the party."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.cases import telling
from portal.cases.act import Act
from portal.cases.conduct import conduct
from portal.cases.errors import NotYourRegulation, Refused
from portal.cases.kernel import Kernel
from portal.cases.live import LiveCase
from portal.cases.models import CaseNote
from portal.cases.values import digest
from portal.errors import PortalError
from portal.identity import Actor

LONGEST = 1000
"""Characters of a note."""


class NoteRefused(PortalError):
    """A note that cannot be kept as it was typed."""


class EmptyNote(NoteRefused):
    """Nothing was typed."""

    zh = "请填写备注内容"
    en = "Write the note"


class LongNote(NoteRefused):
    """More was typed than a note holds."""

    zh = "备注最多 {most} 字，现在有 {count} 字，请删减或分几条填写"
    en = "A note holds at most {most} characters; this one has {count}. Shorten it or write several"


class NoParty(NoteRefused):
    """A note for the party of a case that has none."""

    zh = "本案没有申请人，备注只能仅内部可见"
    en = "This case has no party; its notes can only be internal"


class CaseOver(Refused):
    """The case has ended; notes are added while it is open."""

    zh = "案件已办结，不能再添加备注。"
    en = "The case has ended; no more notes can be added."


def add(
    kernel: Kernel, tx: Session, actor: Actor, case_id: int, text: str, visible: bool, moment: datetime
) -> CaseNote:
    """Adds a note to an open case; the people of its party hear of a visible one by a message.

    Raises EmptyNote, LongNote, NoParty, CaseOver or NotYourRegulation. The history tells that there was a note and the
    digest of its text, not an internal one's words.
    """
    said = checked(text)

    def verb(act: Act) -> CaseNote:
        case = act.family.cases.get(case_id)
        if not may_add(case, actor):
            raise NotYourRegulation()
        if case.ended:
            raise CaseOver()
        if visible and case.party is None:
            raise NoParty()
        act.done_for(actor.acts_for_one_of([role for role in actor.roles if role[0] == case.row.regulation]))
        note = CaseNote(
            case_id=case.id, at=moment, person_id=actor.person_id, for_id=act.for_id, visible=visible, text=said
        )
        tx.add(note)
        tx.flush()
        act.note(case, "note.added", note=note.id, visible=visible, said=digest(said))
        if visible:
            telling.note_added(act.post, case, said, moment, note.id)
        return note

    return conduct(kernel, tx, case_id, moment, "note", verb, actor)


def checked(text: str) -> str:
    """A note's text as it is kept; EmptyNote, LongNote."""
    # Browsers post line ends as CRLF and count them as one; PostgreSQL holds no NUL.
    said = text.replace("\r\n", "\n").replace("\0", "").strip()
    if not said:
        raise EmptyNote()
    if len(said) > LONGEST:
        raise LongNote(most=LONGEST, count=len(said))
    return said


def may_add(case: LiveCase, actor: Actor) -> bool:
    """Whether a person is an official of the case's regulation."""
    return actor.official and any(regulation == case.row.regulation for regulation, _role in actor.roles)


def of_case(tx: Session, case_id: int) -> list[CaseNote]:
    """All notes of a case, the newest first; for officials."""
    return list(tx.scalars(select(CaseNote).where(CaseNote.case_id == case_id).order_by(CaseNote.id.desc())))


def visible(tx: Session, case_id: int) -> list[CaseNote]:
    """The notes that the party of a case may read, the newest first."""
    shown = select(CaseNote).where(CaseNote.case_id == case_id, CaseNote.visible)
    return list(tx.scalars(shown.order_by(CaseNote.id.desc())))
