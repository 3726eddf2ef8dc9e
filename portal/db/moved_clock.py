"""How far the demo's clock has been moved: one row, read by the edges, in demo and trials only."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import CheckConstraint, Interval, ScalarSelect, SmallInteger, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.db.base import Base


class MovedClock(Base):
    """The one row; none means that the clock is right."""

    __tablename__ = "moved_clock"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    ahead: Mapped[timedelta] = mapped_column(Interval)


def ahead() -> ScalarSelect[timedelta]:
    """SQL for how far the clock is ahead; null when it is right."""
    return select(MovedClock.ahead).scalar_subquery()


def offset(tx: Session) -> timedelta:
    """How far the clock is ahead; pass it to `clock.now`."""
    return tx.scalar(select(MovedClock.ahead)) or timedelta(0)


def move(tx: Session, by: timedelta) -> timedelta:
    """Move the clock further and return the new offset; only the demo and trials call it."""
    row = insert(MovedClock).values(id=1, ahead=by)
    moved = row.on_conflict_do_update(index_elements=[MovedClock.id], set_={"ahead": MovedClock.ahead + by}).returning(
        MovedClock.ahead
    )
    return tx.execute(moved).scalar_one()


def reset(tx: Session) -> None:
    """Set the clock right again."""
    tx.execute(delete(MovedClock))
