"""The only source of now, and what a day means in law: Asia/Shanghai, ending at 24:00."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

TZ = ZoneInfo("Asia/Shanghai")


def now(offset: timedelta = timedelta(0)) -> datetime:
    """The present moment, moved by the demo offset; aware, Asia/Shanghai."""
    return (datetime.now(UTC) + offset).astimezone(TZ)


def day_of(moment: datetime) -> date:
    """The calendar day on which a moment falls in Asia/Shanghai."""
    return moment.astimezone(TZ).date()


def start_of(day: date) -> datetime:
    """00:00 of a day."""
    return datetime.combine(day, time.min, TZ)


def end_of(day: date) -> datetime:
    """24:00 of a day, that is the next day's 00:00 (民法典 203: the last day ends at 24:00)."""
    return start_of(day + timedelta(days=1))
