"""Letters of which a body got a copy (抄送)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session

from portal.cases.models import Case
from portal.documents.models import Letter, Service


@dataclass(frozen=True)
class Body:
    """A body of a regulation that gets copies; of those there is one of per region, the one with this name."""

    regulation: str
    addressee: str
    """The body's key in the regulation."""
    name: str | None = None
    """As the copies call it, 万州区生态环境局; None for a body of which there is only one."""


def copies(tx: Session, bodies: Collection[Body], before: int | None, size: int) -> list[Service]:
    """The copies that some bodies got, the newest first, below the id `before`."""
    if not bodies:
        return []
    wanted = _copies(bodies).order_by(Service.id.desc()).limit(size)
    if before is not None:
        wanted = wanted.where(Service.id < before)
    return list(tx.scalars(wanted))


def _copies(bodies: Collection[Body]) -> Select[Service]:
    return (
        select(Service)
        .join(Letter, Letter.id == Service.letter_id)
        .join(Case, Case.id == Letter.case_id)
        .where(Service.kind == "copy", or_(*(_got(body) for body in bodies)))
    )


def _got(body: Body) -> ColumnElement[bool]:
    of_regulation = Case.regulation == body.regulation
    if body.name is None:
        return and_(of_regulation, Service.addressee == body.addressee)
    of_a_region = Service.addressee.startswith(f"{body.addressee}(", autoescape=True)
    return and_(of_regulation, of_a_region, Service.name == body.name)
