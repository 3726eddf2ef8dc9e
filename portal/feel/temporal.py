"""How dates, times and durations are written, taken apart, and added to one another."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal

from portal.clock import TZ
from portal.feel.values import DECIMAL, Months, instant

_DATE = r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
_TIME = r"(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?"
_ZONE = r"(?P<zone>Z|[+-]\d\d:\d\d|@Asia/Shanghai)?"
_IS_DATE = re.compile(_DATE, re.ASCII)
_IS_TIME = re.compile(_TIME + _ZONE, re.ASCII)
_IS_MOMENT = re.compile(f"{_DATE}T{_TIME}{_ZONE}", re.ASCII)
_IS_MONTHS = re.compile(r"(-?)P(?=\d)(?:(\d{1,6})Y)?(?:(\d{1,6})M)?", re.ASCII)
_IS_SPAN = re.compile(
    r"(-?)P(?=\d|T\d)(?:(\d{1,9})D)?(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:\.(\d{1,9}))?S)?)?",
    re.ASCII,
)
_MICROSECOND = timedelta(microseconds=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_MOST_MONTHS = 12 * 1_000_000


def read_date(text: str) -> date | None:
    """A date written 2026-01-31; None if there is no such day."""
    found = _IS_DATE.fullmatch(text)
    return _date(found) if found else None


def read_time(text: str) -> time | None:
    """A time of day written 09:30:00, with or without an offset; None if it is none."""
    found = _IS_TIME.fullmatch(text)
    return _time(found) if found else None


def read_moment(text: str) -> datetime | None:
    """A date and time written 2026-01-31T09:30:00, or a date alone for its 00:00; None if it is none."""
    found = _IS_MOMENT.fullmatch(text)
    if not found:
        day = read_date(text)
        return datetime.combine(day, time.min) if day else None
    day, at = _date(found), _time(found)
    return datetime.combine(day, at) if day and at else None


def read_duration(text: str) -> timedelta | Months | None:
    """A duration written P3DT4H or P1Y2M; None if it is none."""
    if found := _IS_MONTHS.fullmatch(text):
        sign, years, months = found.groups()
        return Months((-1 if sign else 1) * (12 * int(years or 0) + int(months or 0)))
    if not (found := _IS_SPAN.fullmatch(text)):
        return None
    sign, days, hours, minutes, seconds, fraction = found.groups()
    span = timedelta(
        days=int(days or 0),
        hours=int(hours or 0),
        minutes=int(minutes or 0),
        seconds=int(seconds or 0),
        microseconds=_microseconds(fraction),
    )
    return -span if sign else span


def _date(found: re.Match[str]) -> date | None:
    try:
        return date(int(found["year"]), int(found["month"]), int(found["day"]))
    except ValueError:
        return None


def _time(found: re.Match[str]) -> time | None:
    try:
        return time(
            int(found["hour"]),
            int(found["minute"]),
            int(found["second"] or 0),
            _microseconds(found["fraction"]),
            _zone(found["zone"]),
        )
    except ValueError:
        return None


def _microseconds(fraction: str | None) -> int:
    return int((fraction or "")[:6].ljust(6, "0"))


def _zone(text: str | None) -> tzinfo | None:
    if text is None:
        return None
    if text == "Z":
        return UTC
    if text.startswith("@"):
        return TZ
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(-offset if text[0] == "-" else offset)


def written(value: date | time | timedelta | Months) -> str:
    """The text of a date, time or duration, as its constructor reads it."""
    match value:
        case Months():
            return _written_months(value.count)
        case timedelta():
            return _written_span(value)
        case _:
            return value.isoformat()


def _written_months(count: int) -> str:
    years, months = divmod(abs(count), 12)
    parts = (f"{years}Y" if years else "") + (f"{months}M" if months or not years else "")
    return ("-P" if count < 0 else "P") + parts


def _written_span(span: timedelta) -> str:
    size = abs(span)
    hours, rest = divmod(size.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    fraction = f".{size.microseconds:06}".rstrip("0") if size.microseconds else ""
    clock = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    clock += f"{seconds}{fraction}S" if seconds or fraction else ""
    days = f"{size.days}D" if size.days else ""
    sign = "-P" if span < timedelta(0) else "P"
    return sign + (days + ("T" + clock if clock else "") or "T0S")


def _of_span(divide_by: timedelta, modulo: timedelta | None) -> Callable[[timedelta], int]:
    def part(span: timedelta) -> int:
        size = abs(span) if modulo is None else abs(span) % modulo
        return (size // divide_by) * (-1 if span < timedelta(0) else 1)

    return part


def _of_months(years: bool) -> Callable[[Months], int]:
    def part(months: Months) -> int:
        found = divmod(abs(months.count), 12)[0 if years else 1]
        return -found if months.count < 0 else found

    return part


_DATE_PARTS: Mapping[str, Callable[..., int]] = {
    "year": lambda day: day.year,
    "month": lambda day: day.month,
    "day": lambda day: day.day,
    "weekday": lambda day: day.isoweekday(),
}
_TIME_PARTS: Mapping[str, Callable[..., int]] = {
    "hour": lambda at: at.hour,
    "minute": lambda at: at.minute,
    "second": lambda at: at.second,
}
_PARTS: Mapping[type, Mapping[str, Callable[..., int]]] = {
    date: _DATE_PARTS,
    datetime: {**_DATE_PARTS, **_TIME_PARTS},
    time: _TIME_PARTS,
    timedelta: {
        "days": _of_span(_DAY, None),
        "hours": _of_span(_HOUR, _DAY),
        "minutes": _of_span(timedelta(minutes=1), _HOUR),
        "seconds": _of_span(timedelta(seconds=1), timedelta(minutes=1)),
    },
    Months: {"years": _of_months(True), "months": _of_months(False)},
}


def part(value: object, name: str) -> Decimal | None:
    """What `value.name` is for a date, time or duration (year, hour, days …); None where there is none."""
    parts = _PARTS.get(type(value))
    if parts is None or name not in parts:
        return None
    return Decimal(parts[name](value))


def moved(moment: date, by: Months) -> date | None:
    """A date or moment so many months later; the month's last day where it has no such day (民法典 202)."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + by.count, 12)
    if not date.min.year <= year <= date.max.year:
        return None
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))


def shifted(at: time, by: timedelta) -> time:
    """A time of day so much later, past midnight if need be."""
    return (datetime.combine(date(2000, 1, 1), at) + by % _DAY).timetz()


def between(later: date, earlier: date) -> timedelta:
    """The time from one date or moment to another; a date counts as its 00:00."""
    return instant(_moment(later)) - instant(_moment(earlier))


def _moment(day: date) -> datetime:
    return day if isinstance(day, datetime) else datetime.combine(day, time.min)


def times(duration: timedelta | Months, factor: Decimal) -> timedelta | Months | None:
    """A duration multiplied; None beyond what a duration can hold."""
    return _resized(duration, DECIMAL.multiply(_count(duration), factor))


def divided(duration: timedelta | Months, by: Decimal) -> timedelta | Months | None:
    """A duration divided by a number; None beyond what a duration can hold."""
    return _resized(duration, DECIMAL.divide(_count(duration), by))


def _resized(duration: timedelta | Months, count: Decimal) -> timedelta | Months | None:
    if isinstance(duration, Months):
        return bounded(count)
    return timedelta(microseconds=int(count)) if count.adjusted() < 21 else None


def bounded(months: Decimal) -> Months | None:
    """A number of months, cut to whole ones; None beyond a million years."""
    return Months(int(months)) if abs(months) <= _MOST_MONTHS else None


def ratio(left: timedelta | Months, right: timedelta | Months) -> Decimal:
    """How often one duration goes into another of its kind."""
    return DECIMAL.divide(_count(left), _count(right))


def _count(duration: timedelta | Months) -> Decimal:
    return Decimal(duration.count if isinstance(duration, Months) else duration // _MICROSECOND)
