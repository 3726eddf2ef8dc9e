"""What has taken the place of a notice: the same notice made anew, or what was decided about it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.cases.models import Case
from portal.cases.renewing import REPLACED, renewed_by
from portal.inbox import party


@dataclass(frozen=True)
class Replacement:
    """What took the place, in a sentence, and where it is; `unread` while its letter waits to be signed for."""

    text: str
    url: str
    unread: bool


def replacement(tx: Session, case: Case) -> Replacement | None:
    """What took the place of a case; None when nothing did."""
    by = _successor(tx, case)
    if by is None or case.party_id is None:
        return None
    url = url_for("applicant.my_case", case_id=by.id)
    letters = party.letters_in(tx, by.id, case.party_id)
    if by.procedure != case.procedure or not letters:
        return Replacement(_("已由《%(title)s》（%(number)s）的结果取代", title=by.title, number=by.number), url, False)
    letter, service = letters[0]
    text = _("已由新的《%(title)s》（%(number)s）取代", title=letter.title, number=letter.number)
    return Replacement(text, url_for("applicant.my_letter", letter_id=letter.id), service.state != "served")


def _successor(tx: Session, case: Case) -> Case | None:
    """The notice made anew by the desk or by a review, else the review whose result stands in its place."""
    if case.outcome != REPLACED:
        return None
    renewed = renewed_by(tx, case.id)
    if renewed is not None:
        return renewed
    about = select(Case).where(Case.about_id == case.id, Case.ended_at.is_not(None)).order_by(Case.id.desc())
    decided = tx.scalars(about.limit(1)).first()
    if decided is None:
        return None
    anew = select(Case).where(Case.started_by_id == decided.id, Case.procedure == case.procedure)
    return tx.scalars(anew.order_by(Case.id.desc()).limit(1)).first() or decided
