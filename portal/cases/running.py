"""Which releases cases run on: every case keeps the release that it was begun by."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ARRAY, BigInteger, func, literal, select, true
from sqlalchemy.orm import Session

from portal.cases.models import Case

COUNTED = 100
"""How far cases are counted: what a page shows as 99+."""


def on_releases(tx: Session, ids: Collection[int]) -> dict[int, int]:
    """How many open cases run on each of some releases, counted up to COUNTED; in one statement."""
    each = func.unnest(literal(list(ids), ARRAY(BigInteger))).table_valued("id", name="release").render_derived()
    some = select(literal(1)).where(Case.release_id == each.c.id, Case.ended_at.is_(None)).limit(COUNTED).lateral()
    counted = select(each.c.id, func.count(some.c[0])).select_from(each.outerjoin(some, true())).group_by(each.c.id)
    return {release_id: number for release_id, number in tx.execute(counted)}
