"""Which tasks a list shows, how urgent a task is, and where a page of a list goes on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from portal.calendar.rules import Calendar
from portal.clock import day_of, end_of
from portal.deadlines.rules import AMBER
from portal.identity import Actor, Deputy


class View(StrEnum):
    """The lists of an official: what he has claimed, what his roles may claim, all open tasks of his regulations."""

    MINE = "mine"
    ROLE = "role"
    ALL = "all"


class Light(StrEnum):
    """How urgent a task is; `week` is due by the end of the working week (see `bounds`), `none` has no deadline."""

    RED = "red"
    AMBER = "amber"
    GREEN = "green"
    NONE = "none"
    WEEK = "week"


LIGHTS = (Light.RED, Light.AMBER, Light.GREEN, Light.NONE)
"""Those of which a task has one."""

ANYBODY, MYSELF, NOBODY = "", "me", "nobody"
"""Who may hold a task, beside a person's id."""


@dataclass(frozen=True)
class Place:
    """Whose tasks: a person's id, the (regulation, role) he holds, and the regulations he holds any role in.

    With `only_roles` what he holds counts only in these roles, as for somebody who stands in for him.
    """

    person_id: int
    roles: tuple[tuple[str, str], ...]
    regulations: tuple[str, ...]
    only_roles: bool = False

    @classmethod
    def of(cls, actor: Actor) -> Place:
        """The place of an official."""
        return cls._of(actor.person_id, actor.roles)

    @classmethod
    def within(cls, person_id: int, roles: Iterable[tuple[str, str]]) -> Place:
        """The place of an official, with some of his roles alone."""
        return cls._of(person_id, roles, within=True)

    @classmethod
    def lent(cls, deputies: Iterable[Deputy]) -> Place:
        """The place of one principal: what he holds in the roles that he lends."""
        deputies = list(deputies)
        roles = {(one.regulation, one.role) for one in deputies}
        return cls._of(deputies[0].person_id, roles, within=True)

    @classmethod
    def _of(cls, person_id: int, roles: Iterable[tuple[str, str]], *, within: bool = False) -> Place:
        held = tuple(sorted(roles))
        return cls(person_id, held, tuple(sorted({regulation for regulation, _role in held})), within)


@dataclass(frozen=True)
class Filter:
    """What a list is narrowed to; what is empty narrows nothing.

    `procedures` are the (regulation, procedure) that are asked for, or those that have the step; None for all.
    """

    procedures: tuple[tuple[str, str], ...] | None = None
    step: str = ""
    unit: str = ""
    light: Light | None = None
    holder: str = ANYBODY

    @property
    def holder_id(self) -> int | None:
        """The person who is asked for by his id."""
        return int(self.holder) if self.holder.isdecimal() else None


UNFILTERED = Filter()


@dataclass(frozen=True)
class Bounds:
    """The due moments that part the lights: over at `red` or before, amber up to and with `amber`; and the end of
    the working week."""

    red: datetime
    amber: datetime
    week: datetime


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
            found = cls(None if due == "-" else datetime.fromtimestamp(float(due), tz=UTC), int(number))
        except (ValueError, OverflowError, OSError):
            return None
        return found if 0 <= found.id < 2**63 else None


def light_of(due: datetime | None, limits: Bounds) -> Light:
    """How urgent what is due then is."""
    if due is None:
        return Light.NONE
    return Light.RED if due <= limits.red else Light.AMBER if due <= limits.amber else Light.GREEN


def bounds(moment: datetime, calendar: Calendar) -> Bounds:
    """Amber are those due within two working days after today, by the calendar; the week ends with the Sunday behind
    the next day that is worked, today counted: on a free weekend it is the week to come."""
    today = day_of(moment)
    worked = today if calendar.is_working(today) else calendar.next_working(today)
    sunday = worked + timedelta(days=6 - worked.weekday())
    return Bounds(moment, end_of(_workdays_on(today, calendar)), end_of(sunday))


def _workdays_on(today: date, calendar: Calendar) -> date:
    """The last day on which no more than AMBER working days lie ahead of today."""
    day, ahead = today, 0
    while True:
        following = day + timedelta(days=1)
        ahead += calendar.is_working(following)
        if ahead > AMBER:
            return day
        day = following
