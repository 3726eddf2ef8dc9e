"""How a letter stands towards whoever holds it: valid, replaced by another letter, or withdrawn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import audit
from portal.cases.live import Cases, LiveCase, served_at
from portal.cases.models import Case
from portal.cases.renewing import renewed_by
from portal.documents import service as documents
from portal.documents.models import Letter
from portal.procedures import Releases

REVOKED = "letter.revoked"
"""The line of a case's history that says which of its letters another letter has withdrawn."""

State = Literal["valid", "replaced", "withdrawn"]


@dataclass(frozen=True)
class LetterStanding:
    """Who issued a letter and whether it is in force; `by` is the number of what took its place or withdrew it.

    `at` is since when: from the service of that other letter, for no letter takes effect before it is served.
    """

    issuer: str
    state: State
    by: str | None = None
    at: datetime | None = None


def letter_standing(tx: Session, releases: Releases, letter: Letter) -> LetterStanding:
    """How a letter stands now; whoever asks has to have checked that it may be told."""
    cases = Cases(tx, releases)
    case = cases.get(letter.case_id)
    issuer = issuer_of(case)
    other = _taken_by(cases, case, letter)
    served = served_at(other) if other is not None else None
    if other is not None and served is not None:
        return LetterStanding(issuer, "replaced", other.number, served)
    other = _revoked_by(tx, case, letter)
    served = served_at(other) if other is not None else None
    if other is not None and served is not None:
        return LetterStanding(issuer, "withdrawn", other.number, served)
    return LetterStanding(issuer, "valid")


def issuer_of(case: LiveCase) -> str:
    """The authority that issues the letters of a case: a regulation names the one that carries it out first."""
    return next(iter(case.published.regulation.bodies.values()), "")


def _taken_by(cases: Cases, case: LiveCase, letter: Letter) -> Letter | None:
    """The letter that has taken the place of another: of the same notice made anew, else of the case that decided."""
    renewed = renewed_by(cases.tx, case.id)
    if renewed is not None:
        return _last_issued(cases.tx, renewed, letter.name)
    decided = next((answer for answer in case.answers if _replaces(answer)), None)
    if decided is None:
        return None
    mine = select(Case).where(Case.started_by_id == decided.id, Case.procedure == case.row.procedure)
    anew = cases.tx.scalars(mine.order_by(Case.id.desc()).limit(1)).first()
    return _last_issued(cases.tx, anew, letter.name) if anew else _last_issued(cases.tx, decided.row, None)


def _replaces(answer: LiveCase) -> bool:
    """Whether a case has ended in an end event that takes the place of the case it is about."""
    ends = answer.procedure.drawing.of_kind("endEvent")
    return answer.ended and any(end.replaces == "about" and end.name == answer.row.outcome for end in ends)


def _last_issued(tx: Session, case: Case, name: str | None) -> Letter | None:
    """The newest letter of a case, of that name if one is given."""
    letters = [letter for letter in documents.letters_of(tx, case.id) if name in (None, letter.name)]
    return letters[-1] if letters else None


def _revoked_by(tx: Session, case: LiveCase, letter: Letter) -> Letter | None:
    """The letter that has withdrawn another one, by the history of the case."""
    lines = [line.details for line in audit.entries(tx, case.id) if line.kind == REVOKED]
    by = next((line["by"] for line in reversed(lines) if line["letter"] == letter.id), None)
    return documents.letter(tx, by) if isinstance(by, int) else None
