"""The calendar in force, and entering an official notice, which makes the next version of it."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from sqlalchemy import Function, ScalarSelect, func, select
from sqlalchemy.orm import Session

from portal.calendar import base
from portal.calendar.models import HolidayNotice
from portal.calendar.notice import Notice, check, with_notices
from portal.calendar.rules import Calendar
from portal.db import locks

UNENTERED = -1
LOCK = "calendar"
"""The lock that acts share, and that entering a notice takes for itself."""


def held() -> Function[None]:
    """SQL that has its transaction keep the calendar as it is until it ends: no notice is entered meanwhile.

    Select it before `current` is read, so that nothing is counted by a calendar that has been replaced since.
    """
    return locks.shared(LOCK)


def hold_alone(tx: Session) -> None:
    """Wait until nothing is counted by the present calendar any more, and keep it from others until the end."""
    locks.take(tx, LOCK)


def preview(tx: Session, notice: Notice) -> Calendar:
    """The calendar that a notice would make, nothing entered; its version is that of none."""
    check(notice, base.statutory)
    return _calendar(UNENTERED, (*map(_notice, entered(tx)), notice))


def current(tx: Session) -> Calendar:
    """The calendar with every notice entered so far; its version is the last notice's id, 0 without any."""
    rows = entered(tx)
    return _calendar(rows[-1].id if rows else 0, tuple(map(_notice, rows)))


def newest_version() -> ScalarSelect[int | None]:
    """SQL for the version of the calendar with every notice entered so far; null without any."""
    return select(func.max(HolidayNotice.id)).scalar_subquery()


class Calendars:
    """The calendar as one process has read it last; a version never changes, so it is read again only for another."""

    def __init__(self) -> None:
        self._read: Calendar | None = None

    def of_version(self, tx: Session, version: int) -> Calendar:
        """The calendar that is in force, whose version was read before."""
        if self._read is None or self._read.version != version:
            self._read = current(tx)
        return self._read


_ENTERED = select(HolidayNotice).order_by(HolidayNotice.id)


def entered(tx: Session) -> list[HolidayNotice]:
    """All notices entered, first to last."""
    return list(tx.scalars(_ENTERED))


def newest(tx: Session) -> HolidayNotice | None:
    """The notice entered last."""
    return tx.scalar(select(HolidayNotice).order_by(HolidayNotice.id.desc()).limit(1))


def same(row: HolidayNotice, notice: Notice) -> bool:
    """Whether a notice says what was entered as this row."""
    written = (row.year, row.number, row.source, row.days_off, row.days_worked)
    said = (notice.year, notice.number.strip(), notice.source.strip())
    return written == (*said, sorted(set(notice.days_off)), sorted(set(notice.days_worked)))


def enter(tx: Session, notice: Notice, by: int, at: datetime) -> Calendar:
    """Enter a notice (by a person's id) and return the calendar it makes; a FaultyNotice says what is wrong.

    A later notice for the same year takes the place of the earlier one.
    """
    check(notice, base.statutory)
    # Two at once must not commit in another order than that of their versions.
    hold_alone(tx)
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
