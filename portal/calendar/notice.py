"""What an official holiday notice (国务院办公厅关于部分节假日安排的通知) says, and what makes one faulty."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from portal.calendar.rules import SATURDAY, Year
from portal.errors import PortalError

# Notices reach back over the turn of the year: those for 2007, 2012 and 2019 settled days in December.
NEW_YEAR_LEAD = (12, 25)
# The present law on statutory holidays (全国年节及纪念日放假办法) is of 2008; far years are slips of the pen.
YEARS = range(2008, 2101)
# No festival's days off lie further from it than this; a day off farther away belongs to none.
NEAR = timedelta(days=9)


class FaultyNotice(PortalError):
    """A notice cannot be entered as it stands."""

    zh = "放假安排通知有误。"
    en = "The holiday notice is faulty."


class BlankNotice(FaultyNotice):
    """The notice has no document number or no source."""

    zh = "请填写通知的文号和来源。"
    en = "Give the notice's document number and its source."


class YearOutOfRange(FaultyNotice):
    """A notice for a year so far away is a slip of the pen."""

    zh = "年份 {year} 不在 2008 至 2100 年之间。"
    en = "The year {year} is not between 2008 and 2100."


class DayOfAnotherYear(FaultyNotice):
    """A day lies outside the notice's year (its last week of December before is allowed)."""

    zh = "{day} 不属于 {year} 年的放假安排。"
    en = "{day} does not belong to the notice for {year}."


class OffAndWorked(FaultyNotice):
    """The same day is both off and worked."""

    zh = "{day} 同时列为放假日和上班日。"
    en = "{day} is both off and worked."


class WorkedWeekday(FaultyNotice):
    """A make-up day is no weekend day."""

    zh = "{day} 是{weekday}，本来就上班；调休上班日只能是周六或周日。"
    en = "{day} is a weekday; only a Saturday or Sunday can be a make-up day."


class StatutoryDayMissing(FaultyNotice):
    """A statutory holiday is not among the days off, so the notice was not entered in full."""

    zh = "放假日缺少法定节假日：{day}（{name}）。"
    en = "The days off lack the statutory holiday {day}."


@dataclass(frozen=True)
class Notice:
    """An official notice: year, 文号, source, every day off (weekend days too), weekend days worked."""

    year: int
    number: str
    source: str
    days_off: tuple[date, ...]
    days_worked: tuple[date, ...]


def check(notice: Notice, statutory: Callable[[int], Mapping[date, str]]) -> None:
    """Raise the first FaultyNotice of a notice, if it has any."""
    for fault in faults(notice, statutory):
        raise fault


def faults(notice: Notice, statutory: Callable[[int], Mapping[date, str]]) -> Iterator[FaultyNotice]:
    """Where a notice contradicts itself, the week or the statutory days of its year."""
    if not (notice.number.strip() and notice.source.strip()):
        yield BlankNotice()
    if notice.year not in YEARS:
        yield YearOutOfRange(year=notice.year)
        return
    for day in sorted({*notice.days_off, *notice.days_worked}):
        lead = day.year == notice.year - 1 and (day.month, day.day) >= NEW_YEAR_LEAD
        if day.year != notice.year and not lead:
            yield DayOfAnotherYear(day=day, year=notice.year)
    for day in sorted(set(notice.days_worked)):
        if day in notice.days_off:
            yield OffAndWorked(day=day)
        if day.weekday() < SATURDAY:
            yield WorkedWeekday(day=day, weekday="周" + "一二三四五"[day.weekday()])
    for day, name in statutory(notice.year).items():
        if day not in notice.days_off:
            yield StatutoryDayMissing(day=day, name=name)


def name_of(day: date, statutory: Mapping[date, str]) -> str:
    """The name of a day off: the statutory holiday, else the nearest one's 假期 (国庆节假期), else 放假."""
    nearest = min(statutory, key=lambda other: abs(other - day), default=None)
    if nearest is None or abs(nearest - day) > NEAR:
        return "放假"
    return statutory[day] if nearest == day else f"{statutory[nearest]}假期"


def with_notices(
    base: Callable[[int], Year], statutory: Callable[[int], Mapping[date, str]], notices: Iterable[Notice]
) -> Callable[[int], Year]:
    """What is known of a year where the last notice for each year takes the place of the base."""
    by_year = {notice.year: notice for notice in notices}

    def named(notice: Notice, year: int) -> dict[date, str]:
        festivals = statutory(notice.year)
        return {day: name_of(day, festivals) for day in notice.days_off if day.year == year}

    def worked(notice: Notice, year: int) -> frozenset[date]:
        return frozenset(day for day in notice.days_worked if day.year == year)

    @cache
    def year_of(year: int) -> Year:
        known = base(year)
        if own := by_year.get(year):
            known = Year(True, named(own, year), worked(own, year), own.number)
        if following := by_year.get(year + 1):
            off, on = named(following, year), worked(following, year)
            kept = {day: name for day, name in known.off.items() if day not in on}
            known = Year(known.official, kept | off, known.worked - off.keys() | on, known.number)
        return known

    return year_of
