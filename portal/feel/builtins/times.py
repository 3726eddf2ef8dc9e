"""FEEL's constructors of dates, times and durations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from portal.feel import temporal
from portal.feel.budget import Meter
from portal.feel.values import Months, whole


def _from_parts(make: Callable[..., object], parts: tuple[object, ...]) -> object:
    numbers = [whole(part) for part in parts]
    if None in numbers:
        return None
    try:
        return make(*numbers)
    except (ValueError, OverflowError):
        return None


def make_date(meter: Meter, *source: object) -> object:
    """date(text), date(moment), date(year, month, day)."""
    match source:
        case (str() as text,):
            return temporal.read_date(text)
        case (datetime() as moment,):
            return moment.date()
        case (date() as day,):
            return day
        case (_, _, _):
            return _from_parts(date, source)
        case _:
            return None


def make_time(meter: Meter, *source: object) -> object:
    """time(text), time(moment), time(hour, minute, second)."""
    match source:
        case (str() as text,):
            return temporal.read_time(text)
        case (datetime() as moment,):
            # A time of day has no date from which a zone's offset follows, so the offset is fixed now.
            return temporal.read_time(moment.isoformat()[11:])
        case (time() as at,):
            return at
        case (_, _, _):
            return _from_parts(time, source)
        case _:
            return None


def make_moment(meter: Meter, *source: object) -> object:
    """date and time(text), date and time(date, time)."""
    match source:
        case (str() as text,):
            return temporal.read_moment(text)
        case (datetime() as moment,):
            return moment
        case (date() as day,):
            return datetime.combine(day, time.min)
        case (datetime() as moment, time() as at):
            return datetime.combine(moment.date(), at)
        case (date() as day, time() as at):
            return datetime.combine(day, at)
        case _:
            return None


def make_duration(meter: Meter, source: object) -> object:
    """duration(text)."""
    match source:
        case str():
            return temporal.read_duration(source)
        case timedelta() | Months():
            return source
        case _:
            return None


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def on_day(decide: Callable[[date], object]) -> Callable[[Meter, object], object]:
    """A function of a date or moment, null for anything else."""

    def run(meter: Meter, day: object) -> object:
        return decide(day) if isinstance(day, date) else None

    return run


def day_of_year(day: date) -> Decimal:
    """day of year(date): from 1."""
    return Decimal(day.timetuple().tm_yday)


def day_of_week(day: date) -> str:
    """day of week(date): its English name."""
    return _DAYS[day.weekday()]


def month_of_year(day: date) -> str:
    """month of year(date): its English name."""
    return _MONTHS[day.month - 1]


def week_of_year(day: date) -> Decimal:
    """week of year(date): after ISO 8601."""
    return Decimal(day.isocalendar().week)


def months_between(meter: Meter, start: object, end: object) -> object:
    """years and months duration(from, to): the whole months between two dates."""
    if not isinstance(start, date) or not isinstance(end, date):
        return None
    first, last = (start, end) if temporal.between(end, start) >= timedelta(0) else (end, start)
    count = (last.year - first.year) * 12 + last.month - first.month
    if (last.day, _clock(last)) < (first.day, _clock(first)):
        count -= 1
    return Months(count if first is start else -count)


def _clock(day: date) -> time:
    return day.time() if isinstance(day, datetime) else time.min
