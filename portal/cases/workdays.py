"""What expressions ask of the calendar: the day that lies so many working days from another."""

from __future__ import annotations

from datetime import date, datetime
from functools import cached_property

from sqlalchemy.orm import Session

from portal.calendar import service as calendars
from portal.calendar.rules import LAST_YEAR, LONGEST, Calendar
from portal.clock import day_of
from portal.feel.values import whole

# Before it, nothing that the portal keeps has happened.
_FIRST_YEAR = 1900


class WorkingDays:
    """The function `working days` of one evaluation, by the calendar in force."""

    def __init__(self, tx: Session) -> None:
        self._tx = tx

    @cached_property
    def _calendar(self) -> Calendar:
        return calendars.current(self._tx)

    def __call__(self, start: object, number: object) -> date | None:
        """The n-th working day after a day, or before it; None for what is no day, no whole number, or too far."""
        day, count = _day(start), whole(number)
        if day is None or count is None or abs(count) > LONGEST or not _FIRST_YEAR <= day.year <= LAST_YEAR:
            return None
        return self._calendar.before(day, -count) if count < 0 else self._calendar.after(day, count)


def _day(value: object) -> date | None:
    if isinstance(value, datetime):
        return day_of(value) if value.tzinfo else value.date()
    return value if isinstance(value, date) else None
