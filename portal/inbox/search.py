"""All cases of some regulations, found by number, unit or number of a letter."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal.cases.models import Case
from portal.documents.models import Letter
from portal.identity.models import Organisation


def find_cases(
    tx: Session, regulations: Collection[str], q: str, before: int | None, size: int
) -> list[tuple[Case, str | None]]:
    """Cases with the name of their party, the newest first, below the id `before`; an empty `q` finds all."""
    wanted = (
        select(Case, Organisation.name)
        .outerjoin(Organisation, Organisation.id == Case.party_id)
        .where(Case.regulation.in_(regulations))
        .order_by(Case.id.desc())
        .limit(size)
    )
    if q:
        of_letters = select(Letter.case_id).where(Letter.number.icontains(q, autoescape=True))
        named = [column.icontains(q, autoescape=True) for column in (Case.number, Organisation.name)]
        wanted = wanted.where(or_(*named, Case.id.in_(of_letters)))
    if before is not None:
        wanted = wanted.where(Case.id < before)
    return [(case, party) for case, party in tx.execute(wanted)]
