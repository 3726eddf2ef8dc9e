"""What lies on the desks of an official's roles, and what was decided there."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, ScalarSelect, Select, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session

from portal.cases.models import Case, DeskMatter
from portal.identity.models import Organisation
from portal.inbox.queries import COUNTED

Found = tuple[DeskMatter, Case, str | None]
"""A matter, its case, and the name of the case's party."""


def open_matters(tx: Session, roles: Collection[tuple[str, str]], after: int, size: int) -> list[Found]:
    """The open matters of some (regulation, role), those that have waited longest first, behind the id `after`."""
    wanted = _matters(roles).where(DeskMatter.decided_at.is_(None), DeskMatter.id > after)
    return _read(tx, wanted.order_by(DeskMatter.id).limit(size))


def decided_matters(
    tx: Session, roles: Collection[tuple[str, str]], q: str, before: int | None, size: int
) -> list[Found]:
    """The decided matters, the newest first, below the id `before`, whose case or party holds `q`."""
    wanted = _matters(roles).where(DeskMatter.decided_at.is_not(None))
    if q:
        wanted = wanted.where(
            or_(*(column.icontains(q, autoescape=True) for column in (Case.number, Organisation.name)))
        )
    if before is not None:
        wanted = wanted.where(DeskMatter.id < before)
    return _read(tx, wanted.order_by(DeskMatter.id.desc()).limit(size))


def count_matters(roles: Collection[tuple[str, str]]) -> ScalarSelect[int]:
    """SQL that counts the open matters, up to COUNTED."""
    limited = select(DeskMatter.id).where(DeskMatter.decided_at.is_(None), _of(roles)).limit(COUNTED).subquery()
    return select(func.count()).select_from(limited).scalar_subquery()


def _matters(roles: Collection[tuple[str, str]]) -> Select[DeskMatter, Case, str | None]:
    return (
        select(DeskMatter, Case, Organisation.name)
        .join(Case, Case.id == DeskMatter.case_id)
        .outerjoin(Organisation, Organisation.id == Case.party_id)
        .where(_of(roles))
    )


def _of(roles: Collection[tuple[str, str]]) -> ColumnElement[bool]:
    return tuple_(DeskMatter.regulation, DeskMatter.role).in_(roles) if roles else literal(False)


def _read(tx: Session, wanted: Select[DeskMatter, Case, str | None]) -> list[Found]:
    return [(matter, case, party) for matter, case, party in tx.execute(wanted)]
