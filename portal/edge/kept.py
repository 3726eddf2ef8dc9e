"""Answers that are kept for whoever asks for the same again: one act, however often and at once it is asked for."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from portal.db import locks
from portal.edge.models import KeptAnswer


def before(tx: Session, person_id: int, key: str) -> KeptAnswer | None:
    """The answer that a person got to a key; two who ask at once wait for each other here, to the end of the first."""
    locks.take(tx, f"answer/{person_id}/{key}")
    wanted = select(KeptAnswer).where(KeptAnswer.person_id == person_id, KeptAnswer.key == key)
    return tx.scalar(wanted)


def sweep(tx: Session, kept_before: datetime) -> None:
    """Forgets the answers that were kept before a moment of real time."""
    tx.execute(delete(KeptAnswer).where(KeptAnswer.kept_at < kept_before))
