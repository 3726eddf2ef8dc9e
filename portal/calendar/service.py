"""The calendar in force, and entering an official notice, which makes the next version of it."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.calendar import base
from portal.calendar.models import HolidayNotice
from portal.calendar.notice import Notice, check, with_notices
from portal.calendar.rules import Calendar


def current(tx: Session) -> Calendar:
    """The calendar with every notice entered so far; its version is the last notice's id, 0 without any."""
    rows = entered(tx)
    return _calendar(rows[-1].id if rows else 0, tuple(map(_notice, rows)))


def entered(tx: Session) -> list[HolidayNotice]:
    """All notices entered, first to last."""
    return list(tx.scalars(select(HolidayNotice).order_by(HolidayNotice.id)))


def enter(tx: Session, notice: Notice, by: int, at: datetime) -> Calendar:
    """Enter a notice (by a person's id) and return the calendar it makes; a FaultyNotice says what is wrong.

    A later notice for the same year takes the place of the earlier one.
    """
    check(notice, base.statutory)
    # Two at once must not commit in another order than that of their versions.
    tx.execute(text("LOCK TABLE holiday_notices IN SHARE ROW EXCLUSIVE MODE"))
    tx.add(
        HolidayNotice(
            year=notice.year,
            number=notice.number.strip(),
            source=notice.source.strip(),
            days_off=sorted(set(notice.days_off)),
            days_worked=sorted(set(notice.days_worked)),
            entered_by=by,
            entered_at=at,
        )
    )
    tx.flush()
    return current(tx)


def _notice(row: HolidayNotice) -> Notice:
    return Notice(row.year, row.number, row.source, tuple(row.days_off), tuple(row.days_worked))


# The notices are part of the key: another database's (a trial's) version 1 may say something else.
@lru_cache(maxsize=16)
def _calendar(version: int, notices: tuple[Notice, ...]) -> Calendar:
    return Calendar(version, with_notices(base.year_of, base.statutory, notices))
