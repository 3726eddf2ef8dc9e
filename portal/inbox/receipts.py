"""Letters whose service an official still has to enter, and those whose service is on record."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Select, or_, select, tuple_
from sqlalchemy.orm import Session

from portal.cases.matters import RENEWED
from portal.cases.models import Case, DeskMatter
from portal.documents.models import Letter, Service

Kind = tuple[str, str, str]
"""Regulation, procedure and name of a letter."""


def open_services(tx: Session, kinds: Collection[Kind], after: int, size: int) -> list[tuple[Service, Letter, Case]]:
    """Services not proved yet of some kinds of letters, the oldest first, behind the id `after`."""
    if not kinds:
        return []
    wanted = (
        _on_parties(kinds)
        .where(
            Service.state.in_(("awaiting file", "open")),
            Service.id > after,
            # A letter that was made anew is served no more.
            Case.id.not_in(select(DeskMatter.case_id).where(DeskMatter.decision == RENEWED)),
        )
        .order_by(Service.id)
        .limit(size)
    )
    return [(service, letter, case) for service, letter, case in tx.execute(wanted)]


def served_services(
    tx: Session, kinds: Collection[Kind], q: str, before: int | None, size: int
) -> list[tuple[Service, Letter, Case]]:
    """Services with a proof, of some kinds of letters, the newest letter first, below the id `before`.

    `q` is part of the number of the letter or case, or of the addressee's name; empty finds all.
    """
    if not kinds:
        return []
    wanted = _on_parties(kinds).where(Service.proofs.any()).order_by(Service.id.desc()).limit(size)
    if q:
        named = (Letter.number, Case.number, Service.name)
        wanted = wanted.where(or_(*(column.icontains(q, autoescape=True) for column in named)))
    if before is not None:
        wanted = wanted.where(Service.id < before)
    return [(service, letter, case) for service, letter, case in tx.execute(wanted)]


def _on_parties(kinds: Collection[Kind]) -> Select[Service, Letter, Case]:
    """The services of some kinds of letters on parties, each with its letter and case."""
    return (
        select(Service, Letter, Case)
        .join(Letter, Letter.id == Service.letter_id)
        .join(Case, Case.id == Letter.case_id)
        .where(Service.kind == "party", tuple_(Case.regulation, Case.procedure, Letter.name).in_(kinds))
    )
