"""How far this machine's clock is off the database's, and how far it may be."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import clock

TOLERANCE = timedelta(seconds=2)
"""A clock that differs more from the database's is wrong: whoever has it is not ready, and claims nothing."""


def skew(tx: Session) -> timedelta:
    """How far this machine's clock is off the database's; what the question itself took is not counted."""
    before = clock.now()
    at_database: datetime = tx.execute(select(func.clock_timestamp())).scalar_one()
    return max(before - at_database, at_database - clock.now())
