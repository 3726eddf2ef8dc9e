"""Letters whose service an official still has to enter."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from portal.cases.models import Case
from portal.documents.models import Letter, Service

Kind = tuple[str, str, str]
"""Regulation, procedure and name of a letter."""


def open_services(tx: Session, kinds: Collection[Kind], after: int, size: int) -> list[tuple[Service, Letter, Case]]:
    """Services not proved yet of some kinds of letters, the oldest first, behind the id `after`."""
    if not kinds:
        return []
    wanted = (
        select(Service, Letter, Case)
        .join(Letter, Letter.id == Service.letter_id)
        .join(Case, Case.id == Letter.case_id)
        .where(
            Service.kind == "party",
            Service.state.in_(("awaiting file", "open")),
            tuple_(Case.regulation, Case.procedure, Letter.name).in_(kinds),
            Service.id > after,
        )
        .order_by(Service.id)
        .limit(size)
    )
    return [(service, letter, case) for service, letter, case in tx.execute(wanted)]
