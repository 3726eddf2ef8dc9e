"""Which releases cases run on: every case keeps the release that it was begun by."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from portal.cases.models import Case

COUNTED = 100
"""How far cases are counted: what a page shows as 99+."""


def on_releases(tx: Session, release_ids: Sequence[int]) -> dict[int, int]:
    """How many open cases run on each of some releases, counted up to COUNTED."""
    counts = {}
    for release_id in release_ids:
        is_open = (Case.release_id == release_id, Case.ended_at.is_(None))
        some = select(literal(1)).where(*is_open).limit(COUNTED).subquery()
        counts[release_id] = tx.scalar(select(func.count()).select_from(some)) or 0
    return counts
