"""Which releases cases run on: every case keeps the release that it was begun by."""

from __future__ import annotations

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from portal.cases.models import Case

COUNTED = 100
"""How far cases are counted: what a page shows as 99+."""


def on_release(tx: Session, release_id: int) -> int:
    """How many open cases run on a release, counted up to COUNTED."""
    some = select(literal(1)).where(Case.release_id == release_id, Case.ended_at.is_(None)).limit(COUNTED).subquery()
    return tx.scalar(select(func.count()).select_from(some)) or 0
