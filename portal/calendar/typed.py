"""Days as people type them: single days and ranges in plain text, with every slip of the pen told in words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

from portal.calendar.notice import FaultyNotice

# The longest days off so far were nine; a longer run is a mistyped end.
LONGEST = 15
MOST = 100
"""Days in one notice; real ones have about forty."""

_BETWEEN = re.compile(r"[、,;。\s]+")
_UNTIL = re.compile(r"至|到|~|—+|–")
_WHOLE = re.compile(r"(\d{4})(?:-|/|\.|年)(\d{1,2})(?:-|/|\.|月)(\d{1,2})日?")
_OF_THE_YEAR = re.compile(r"(\d{1,2})(?:-|/|月)(\d{1,2})日?")
_OF_THE_MONTH = re.compile(r"(\d{1,2})日?")


class UnreadableDay(FaultyNotice):
    """A piece of text that is no day."""

    zh = "“{text}”读不懂，请写成 2027-02-05，或一段日期 2027-02-05至2027-02-11，各项用顿号隔开。"
    en = "“{text}” is no day: write 2027-02-05, or a range 2027-02-05至2027-02-11, separated by 、."


class NoSuchDay(FaultyNotice):
    """A day that no calendar has."""

    zh = "“{text}”不是日历上的日期。"
    en = "“{text}” is not in the calendar."


class EndsBeforeItBegins(FaultyNotice):
    """A range whose end comes first."""

    zh = "“{text}”的结束日期早于开始日期。"
    en = "“{text}” ends before it begins."


class TooManyDays(FaultyNotice):
    """A range too long for days off."""

    zh = "“{text}”共 {count} 天，超过 {longest} 天，请核对起止日期。"
    en = "“{text}” has {count} days, more than {longest}: check its ends."


class DayTwice(FaultyNotice):
    """The same day typed twice in one list."""

    zh = "{day} 写了两次。"
    en = "{day} is there twice."


class FarTooMany(FaultyNotice):
    """More days than any notice has."""

    zh = "共 {count} 天，一年的安排不会超过 {most} 天，请核对。"
    en = "{count} days: no notice has more than {most}."


@dataclass(frozen=True)
class TypedDays:
    """The days read, in order, each once, and what is wrong with the text."""

    days: tuple[date, ...]
    faults: tuple[FaultyNotice, ...]


def read_days(text: str, year: int) -> TypedDays:
    """Read “2027-02-05至2027-02-11、2027-01-03”; “2月5日至11日” is of the notice's `year`."""
    plain = unicodedata.normalize("NFKC", text)
    days: list[date] = []
    faults: list[FaultyNotice] = []
    for piece in filter(None, _BETWEEN.split(plain)):
        try:
            days += _piece(piece, year)
        except FaultyNotice as fault:
            faults.append(fault)
    faults += [DayTwice(day=day) for day, count in sorted(Counter(days).items()) if count > 1]
    if len(days) > MOST:
        faults.append(FarTooMany(count=len(days), most=MOST))
    return TypedDays(tuple(sorted(set(days))), tuple(faults))


def _piece(piece: str, year: int) -> list[date]:
    ends = _UNTIL.split(piece)
    if len(ends) > 2:
        raise UnreadableDay(text=piece)
    first = _day(ends[0], piece, year, None)
    last = _day(ends[-1], piece, year, first.month) if len(ends) == 2 else first
    count = (last - first).days + 1
    if count < 1:
        raise EndsBeforeItBegins(text=piece)
    if count > LONGEST:
        raise TooManyDays(text=piece, count=count, longest=LONGEST)
    return [first + timedelta(days=i) for i in range(count)]


def _day(text: str, piece: str, year: int, month: int | None) -> date:
    """A day written whole, without its year, or, as the end of a range, without its month."""
    if found := _WHOLE.fullmatch(text):
        parts = tuple(map(int, found.groups()))
    elif found := _OF_THE_YEAR.fullmatch(text):
        parts = (year, int(found[1]), int(found[2]))
    elif month and (found := _OF_THE_MONTH.fullmatch(text)):
        parts = (year, month, int(found[1]))
    else:
        raise UnreadableDay(text=piece)
    try:
        return date(*parts)
    except ValueError:
        raise NoSuchDay(text=text) from None


def written(days: tuple[date, ...]) -> str:
    """Days as they are typed: runs as ranges, separated by 、."""
    runs: list[list[date]] = []
    for day in sorted(days):
        if runs and day - runs[-1][-1] == timedelta(days=1):
            runs[-1].append(day)
        else:
            runs.append([day])
    return "、".join(f"{run[0]}至{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)
