"""How often a token may ask: so many times in a minute, counted for all processes in one row for each token."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import case, delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.edge.models import TokenRate

WINDOW = timedelta(minutes=1)


def wait(tx: Session, token_id: int, now: datetime, most: int) -> int | None:
    """Counts one more request at `now` (real time); the seconds to wait when it is one too many, else None."""
    begins_anew = TokenRate.since <= now - WINDOW
    counted = insert(TokenRate).values(token_id=token_id, since=now, asked=1)
    again = {
        "since": case((begins_anew, now), else_=TokenRate.since),
        "asked": case((begins_anew, 1), else_=TokenRate.asked + 1),
    }
    told = counted.on_conflict_do_update(index_elements=[TokenRate.token_id], set_=again)
    since, asked = tx.execute(told.returning(TokenRate.since, TokenRate.asked)).one()
    return max(1, ceil((since + WINDOW - now).total_seconds())) if asked > most else None


def sweep(tx: Session, now: datetime) -> None:
    """Forgets the tokens that have not asked lately."""
    tx.execute(delete(TokenRate).where(TokenRate.since < now - WINDOW))
