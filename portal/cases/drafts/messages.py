"""What somebody has put into the form of a message to a case (a withdrawal, a waiver) but not sent: his alone."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.cases.drafts.answers import Answers, replace
from portal.cases.models import Case, MessageDraft


def kept(tx: Session, person_id: int, case_id: int, message: str) -> MessageDraft | None:
    """What a person has kept for a message to a case."""
    return tx.get(MessageDraft, (case_id, message, person_id))


def keep(
    tx: Session, person_id: int, case_id: int, message: str, answers: Answers, moment: datetime, seen: str
) -> MessageDraft:
    """Keeps answers in the place of those whose `mark` is `seen`; raises what `replace` raises."""
    row = {"case_id": case_id, "message": message, "person_id": person_id, "answers": {}, "saved_at": moment}
    # Of two first savings at once the second waits here for the first.
    tx.execute(insert(MessageDraft).values(row).on_conflict_do_nothing())
    own = select(MessageDraft).where(
        MessageDraft.case_id == case_id, MessageDraft.message == message, MessageDraft.person_id == person_id
    )
    draft = tx.scalars(own.with_for_update().execution_options(populate_existing=True)).one()
    replace(draft, answers, moment, seen)
    tx.flush()
    return draft


def discard(tx: Session, person_id: int, case_id: int, message: str) -> None:
    """Forgets what a person has kept for a message."""
    tx.execute(
        delete(MessageDraft).where(
            MessageDraft.case_id == case_id, MessageDraft.message == message, MessageDraft.person_id == person_id
        )
    )


def sweep(tx: Session) -> None:
    """Forgets what was kept for cases that have ended."""
    tx.execute(delete(MessageDraft).where(MessageDraft.case_id.in_(select(Case.id).where(Case.ended_at.is_not(None)))))
