"""Publications for their public pages: a list that is never counted whole, one with its changes, those of a case."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, not_, or_, select
from sqlalchemy.orm import Session

from portal.cases.models import Case, Publication, PublicationChange
from portal.cases.objected import filed_during
from portal.deadlines.models import Deadline

OPEN, OVER = "open", "over"
STATES = (OPEN, OVER)
"""By which a list may be narrowed."""


@dataclass(frozen=True)
class Wanted:
    """What a list shows: of which region and kind, open at `moment` or over; empty: whatever."""

    moment: datetime
    region: str = ""
    kind: str = ""
    state: str = ""


@dataclass(frozen=True)
class Objections:
    """How many objections came during a publication, and how many of them are being looked into."""

    count: int
    pending: int


def listed(tx: Session, wanted: Wanted, before: int | None, size: int) -> list[Publication]:
    """The newest publications below the id `before`, at most `size`."""
    rows = select(Publication).order_by(Publication.id.desc()).limit(size)
    if before is not None:
        rows = rows.where(Publication.id < before)
    if wanted.region:
        rows = rows.where(Publication.region == wanted.region)
    if wanted.kind:
        rows = rows.where(Publication.kind == wanted.kind)
    if wanted.state:
        is_open = _open_at(wanted.moment)
        rows = rows.where(is_open if wanted.state == OPEN else not_(is_open))
    return list(tx.scalars(rows))


def _open_at(moment: datetime) -> ColumnElement[bool]:
    """As `publishing.is_open`."""
    return and_(Publication.closed_at.is_(None), or_(Publication.paused, Publication.due > moment))


def changes_of(tx: Session, publication_id: int) -> list[PublicationChange]:
    """What became of a publication, oldest first."""
    mine = select(PublicationChange).where(PublicationChange.publication_id == publication_id)
    return list(tx.scalars(mine.order_by(PublicationChange.id)))


def cases_of(tx: Session, publications: Iterable[Publication]) -> list[Case]:
    """The cases that have shown them."""
    shown = {one.case_id for one in publications}
    return list(tx.scalars(select(Case).where(Case.id.in_(shown)).order_by(Case.id)))


def of_case(tx: Session, case_id: int) -> list[Publication]:
    """What a case has shown, oldest first."""
    return list(tx.scalars(select(Publication).where(Publication.case_id == case_id).order_by(Publication.id)))


def provisional(tx: Session, publications: Iterable[Publication]) -> frozenset[int]:
    """Those, by id, whose period may still move, because the holidays of a year are not known."""
    periods = {one.deadline_id: one.id for one in publications if one.closed_at is None}
    moving = select(Deadline.id).where(Deadline.id.in_(periods), Deadline.provisional)
    return frozenset(periods[deadline] for deadline in tx.scalars(moving)) if periods else frozenset()


def objections_to(tx: Session, publication: Publication, procedure: str) -> Objections:
    """How many objections of a procedure came while a publication was open."""
    theirs = (filed_during(publication), Case.procedure == procedure)
    count, ended = tx.execute(select(func.count(), func.count(Case.ended_at)).where(*theirs)).one()
    return Objections(count, count - ended)
