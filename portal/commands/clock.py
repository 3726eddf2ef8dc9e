"""`portal clock`: shows the legal clock and, in a demo, moves it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from portal import clock
from portal.calendar import service as calendars
from portal.commands.servers import database_of, serving
from portal.db import moved_clock
from portal.errors import PortalError
from portal.settings import Settings

UNITS = ("days", "working days", "hours", "minutes")


class NotInProduction(PortalError):
    """The clock is the law's; only a demo may move it."""

    zh = "只有演示环境（PORTAL_DEMO=1）可以调整时钟。"
    en = "Only a demo (PORTAL_DEMO=1) may move the clock."


class NotAUnit(PortalError):
    """A unit that the clock cannot be moved by."""

    zh = "不能按“{unit}”调整时钟；可用：{units}。"
    en = "The clock cannot be moved by {unit!r}; use one of: {units}."


class NotAMoment(PortalError):
    """Text that is no moment."""

    zh = "“{text}”不是时间；写法：2026-10-12 或 2026-10-12T09:30。"
    en = "{text!r} is no moment; write 2026-10-12 or 2026-10-12T09:30."


def show(settings: Settings, *, as_json: bool) -> None:
    """Says what time it is, and how far the clock was moved."""
    with serving(settings, objects=False) as served, database_of(served) as database, database.transaction() as tx:
        _say(moved_clock.offset(tx) if settings.demo else timedelta(0), as_json=as_json)


def advance(settings: Settings, amount: int, unit: str, *, as_json: bool) -> None:
    """Moves the clock on by so many days, working days, hours or minutes."""

    def by(tx: Session, now: datetime) -> timedelta:
        if unit != "working days":
            return timedelta(**{unit: amount})
        today = clock.day_of(now)
        return calendars.current(tx).count(today, amount).last_day - today

    _move(settings, by, as_json=as_json)


def set_to(settings: Settings, moment: str, *, as_json: bool) -> None:
    """Moves the clock to a moment (Asia/Shanghai unless it names its zone)."""
    try:
        read = datetime.fromisoformat(moment)
    except ValueError as error:
        raise NotAMoment(text=moment) from error
    there = read if read.tzinfo else read.replace(tzinfo=clock.TZ)
    _move(settings, lambda tx, now: there - now, as_json=as_json)


def reset(settings: Settings, *, as_json: bool) -> None:
    """Sets the clock right again."""
    _move(settings, lambda tx, now: -moved_clock.offset(tx), as_json=as_json)


def _move(settings: Settings, by: Callable[[Session, datetime], timedelta], *, as_json: bool) -> None:
    if not settings.demo:
        raise NotInProduction
    with serving(settings, objects=False) as served, database_of(served) as database, database.transaction() as tx:
        now = clock.now(moved_clock.offset(tx))
        offset = moved_clock.move(tx, by(tx, now))
    _say(offset, as_json=as_json)


def _say(offset: timedelta, *, as_json: bool) -> None:
    now = clock.now(offset)
    if as_json:
        print(json.dumps({"now": now.isoformat(), "ahead_seconds": offset.total_seconds()}))
    else:
        moved = f" (moved by {offset})" if offset else ""
        print(f"{now:%Y-%m-%d %H:%M:%S %Z}{moved}")
