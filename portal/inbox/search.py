"""All cases of some regulations, found by number, unit, title, number of a letter and searchable values."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ARRAY, Select, Text, cast, select
from sqlalchemy.orm import Session

from portal.cases import finding
from portal.cases.models import Case, CaseText
from portal.identity.models import Organisation

LONGEST = 100
"""So many characters of what is searched for are looked at."""


def is_too_short(q: str) -> bool:
    """Whether something was typed that no case can be found by."""
    return bool(q) and not finding.pairs(finding.plain(q[:LONGEST]))


def find_cases(
    tx: Session, regulations: Collection[str], q: str, before: int | None, size: int
) -> list[tuple[Case, str | None]]:
    """Cases with the name of their party, the newest first, below the id `before`; an empty `q` finds all.

    Every word of `q` must stand in the same text: in what is said of the case, or in the number of one of its letters.
    """
    wanted = (
        select(Case, Organisation.name)
        .outerjoin(Organisation, Organisation.id == Case.party_id)
        .order_by(Case.id.desc())
        .limit(size)
    )
    if is_too_short(q):
        return []
    if q:
        found = _found(regulations, finding.plain(q[:LONGEST]), before, size).subquery()
        wanted = wanted.join(found, found.c.case_id == Case.id)
    else:
        wanted = wanted.where(Case.regulation.in_(regulations))
        if before is not None:
            wanted = wanted.where(Case.id < before)
    return [(case, party) for case, party in tx.execute(wanted)]


def _found(regulations: Collection[str], said: str, before: int | None, size: int) -> Select[int]:
    """The newest cases whose text has all pairs of characters, and among those every word, that was asked for."""
    held = cast(finding.pairs(said), ARRAY(Text))
    words = [CaseText.text.contains(word, autoescape=True) for word in said.split()]
    found = select(CaseText.case_id).where(CaseText.pairs.contains(held), CaseText.regulation.in_(regulations), *words)
    if before is not None:
        found = found.where(CaseText.case_id < before)
    return found.distinct().order_by(CaseText.case_id.desc()).limit(size)
