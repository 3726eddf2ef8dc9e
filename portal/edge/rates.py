"""How often a token may ask: so many times in a minute, counted for all processes in one row for each token."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil
from typing import cast

from sqlalchemy import Executable, Table, bindparam, case, delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.edge.models import TokenRate

WINDOW = timedelta(minutes=1)


def _count() -> Executable:
    """SQL that counts one more request of a token, or the first of another minute."""
    table = cast(Table, TokenRate.__table__)
    rates = table.c
    now, begins_anew = bindparam("now", type_=rates.since.type), rates.since <= bindparam("past")
    first = insert(table).values(token_id=bindparam("token"), since=now, asked=1)
    again = {
        "since": case((begins_anew, now), else_=rates.since),
        "asked": case((begins_anew, 1), else_=rates.asked + 1),
    }
    return first.on_conflict_do_update(index_elements=[rates.token_id], set_=again).returning(rates.since, rates.asked)


_COUNT = _count()


def wait(tx: Session, token_id: int, now: datetime, most: int) -> int | None:
    """Counts one more request at `now` (real time); the seconds to wait when it is one too many, else None."""
    since, asked = tx.execute(_COUNT, {"token": token_id, "now": now, "past": now - WINDOW}).one()
    return max(1, ceil((since + WINDOW - now).total_seconds())) if asked > most else None


def sweep(tx: Session, now: datetime) -> None:
    """Forgets the tokens that have not asked lately."""
    tx.execute(delete(TokenRate).where(TokenRate.since < now - WINDOW))
