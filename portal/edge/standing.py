"""What a request goes by, read in one statement: the moved clock, the releases in force and the calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from flask import g
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.calendar import service as calendars
from portal.calendar.rules import Calendar
from portal.db import moved_clock
from portal.edge.machine import machine
from portal.procedures import Published
from portal.procedures.releases import ids_in_force


@dataclass(frozen=True)
class Standing:
    """How far the demo clock is ahead, and which releases and which version of the calendar are in force."""

    ahead: timedelta
    releases: tuple[int, ...]
    calendar: int


_STANDING = select(moved_clock.ahead(), ids_in_force(), calendars.newest_version())


def standing(tx: Session) -> Standing:
    """What this request goes by: read once, and the same to its end."""
    if "standing" not in g:
        ahead, releases, calendar = tx.execute(_STANDING).one()
        g.standing = Standing(ahead or timedelta(0), tuple(releases), calendar or 0)
    found: Standing = g.standing
    return found


def in_force(tx: Session) -> list[Published]:
    """The newest release of every regulation."""
    return [machine().kernel.releases.get(tx, release_id) for release_id in standing(tx).releases]


def calendar_in_force(tx: Session) -> Calendar:
    """The calendar with every notice entered so far."""
    return machine().calendars.of_version(tx, standing(tx).calendar)
