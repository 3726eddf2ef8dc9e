"""Which tasks a view shows, how urgent a task is, and where a page of a list goes on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from portal.calendar.rules import Calendar
from portal.clock import day_of, end_of
from portal.deadlines.rules import AMBER
from portal.identity import Actor


class View(StrEnum):
    """The lists of an official: what he has claimed, what his roles may claim, all open tasks of his regulations."""

    MINE = "mine"
    ROLE = "role"
    ALL = "all"


class Light(StrEnum):
    """How urgent a task is; `none` has no deadline."""

    RED = "red"
    AMBER = "amber"
    GREEN = "green"
    NONE = "none"


@dataclass(frozen=True)
class Place:
    """Whose tasks: a person's id, the (regulation, role) he holds, and the regulations he holds any role in."""

    person_id: int
    roles: tuple[tuple[str, str], ...]
    regulations: tuple[str, ...]

    @classmethod
    def of(cls, actor: Actor) -> Place:
        """The place of an official."""
        regulations = sorted({regulation for regulation, _role in actor.roles})
        return cls(actor.person_id, tuple(sorted(actor.roles)), tuple(regulations))


@dataclass(frozen=True)
class Bounds:
    """The due moments that part the lights: over at `red` or before, amber up to and with `amber`."""

    red: datetime
    amber: datetime


@dataclass(frozen=True)
class Lights:
    """How many tasks of each light there are; 100 stands for a hundred or more."""

    red: int
    amber: int
    green: int
    none: int


@dataclass(frozen=True)
class Cursor:
    """The last task of a page: its due moment and id; the next page goes on behind it."""

    due: datetime | None
    id: int

    def __str__(self) -> str:
        return f"{self.due.timestamp():.6f}_{self.id}" if self.due else f"-_{self.id}"

    @classmethod
    def read(cls, text: str | None) -> Cursor | None:
        """The cursor that a page's address holds; None for none or one that nobody made."""
        due, _, number = (text or "").rpartition("_")
        try:
            return cls(None if due == "-" else datetime.fromtimestamp(float(due), tz=UTC), int(number))
        except (ValueError, OverflowError, OSError):
            return None


def bounds(moment: datetime, calendar: Calendar) -> Bounds:
    """Amber are those due within two working days after today, by the calendar."""
    return Bounds(moment, end_of(_workdays_on(day_of(moment), calendar)))


def _workdays_on(today: date, calendar: Calendar) -> date:
    """The last day on which no more than AMBER working days lie ahead of today."""
    day, ahead = today, 0
    while True:
        following = day + timedelta(days=1)
        ahead += calendar.is_working(following)
        if ahead > AMBER:
            return day
        day = following
