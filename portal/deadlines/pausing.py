"""Pauses of a deadline: the days on which its clock stood, whatever reasons overlap, and what has counted so far."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from portal.calendar.rules import Calendar, CountedDay
from portal.clock import day_of, end_of, start_of
from portal.deadlines.rules import ENDS, Length, Period, course

STOOD = "暂停计时"
"""How the reason begins of a day that is not counted because the clock stood."""


@dataclass(frozen=True)
class Pause:
    """Why a clock stood, from a moment until (exclusively) another; `until` None: it still stands."""

    why: str
    since: datetime
    until: datetime | None = None


class Stood:
    """The days on which the clock of a deadline stood: `portal.calendar.rules.Aside`.

    Pauses unite. A day that a pause touches is not counted for what simply ends (a right, a minimum); for a duty
    or obligation it is, unless a pause covers the whole of it.
    """

    def __init__(self, kind: str, pauses: Iterable[Pause]) -> None:
        self._touched = kind in ENDS
        closed = [(one.since, one.until, one.why) for one in pauses if one.until is not None]
        self._pauses = [(since, until, why) for since, until, why in closed if since < until]
        self._united = _united([(since, until) for since, until, _why in self._pauses])

    def skips(self, day: date) -> str | None:
        """Why a day is not counted; None when it is."""
        first, last = start_of(day), end_of(day)
        if self._touched:
            stood = any(since < last and until > first for since, until in self._united)
        else:
            stood = any(since <= first and until >= last for since, until in self._united)
        return self._reason(first, last) if stood else None

    def holds(self, day: date) -> bool:
        """Whether the clock stood when a day ended."""
        last = end_of(day)
        return any(since < last <= until for since, until in self._united)

    def _reason(self, first: datetime, last: datetime) -> str:
        why = dict.fromkeys(why for since, until, why in self._pauses if since < last and until > first)
        return f"{STOOD}（{'、'.join(why)}）"


def _united(pauses: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Pauses that overlap or meet stand as one, from the first's beginning to the last's end."""
    united: list[tuple[datetime, datetime]] = []
    for since, until in sorted(pauses):
        if united and since <= united[-1][1]:
            united[-1] = (united[-1][0], max(united[-1][1], until))
        else:
            united.append((since, until))
    return united


def so_far(
    length: Length,
    event_day: date,
    calendar: Calendar,
    kind: str,
    pauses: Sequence[Pause],
    extensions: Sequence[Period],
    moment: datetime,
) -> tuple[CountedDay, ...]:
    """The days of a deadline whose clock stands, up to a moment's day."""
    today = day_of(moment)
    ended = [Pause(one.why, one.since, one.until or end_of(today)) for one in pauses]
    days = course(length, event_day, calendar, extensions=extensions, aside=Stood(kind, ended)).explanation
    return tuple(one for one in days if one.day <= today)
