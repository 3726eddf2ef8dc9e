"""The cases that belong together with one, and how: what it answers or comes from, what answers it or comes from it."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.cases.models import Case
from portal.cases.renewing import renewal_of, renewed_by


class Relation(StrEnum):
    """What another case is to one."""

    ABOUT = "about"
    STARTED_BY = "started by"
    ANSWER = "answer"
    STARTED = "started"
    SUCCESSOR = "successor"
    PREDECESSOR = "predecessor"


def related(tx: Session, row: Case) -> list[tuple[Relation, Case]]:
    """The cases joined to one, without those that it started for the rows of a list: there may be thousands."""
    joined = select(Case).where(
        (Case.about_id == row.id)
        | ((Case.started_by_id == row.id) & (Case.started_by_item == 0))
        | (Case.id == row.about_id)
        | (Case.id == row.started_by_id)
    )
    found = [(relation(row, one), one) for one in tx.scalars(joined.order_by(Case.id))]
    found += [(Relation.SUCCESSOR, one) for one in [renewed_by(tx, row.id)] if one is not None]
    return found + [(Relation.PREDECESSOR, one) for one in [renewal_of(tx, row.id)] if one is not None]


def relation(row: Case, other: Case) -> Relation:
    """What another case is to one by their rows."""
    if other.id == row.about_id:
        return Relation.ABOUT
    if other.id == row.started_by_id:
        return Relation.STARTED_BY
    return Relation.ANSWER if other.about_id == row.id else Relation.STARTED
