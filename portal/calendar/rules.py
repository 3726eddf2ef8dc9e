"""How periods are counted over working days, holidays and make-up days (民法典 201-203)."""

from __future__ import annotations

import calendar as gregorian
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Protocol

from portal.errors import PortalError

WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
SATURDAY = 5
LONGEST = 3660
LAST_YEAR = 9900
DAY = timedelta(days=1)


class NotCountable(PortalError):
    """A period is empty, too long, or leaves the calendar."""

    zh = "期间须为 1 至 {longest} 个单位，且不晚于 {last_year} 年。"
    en = "A period has 1 to {longest} units and ends no later than the year {last_year}."

    def __init__(self) -> None:
        super().__init__(longest=LONGEST, last_year=LAST_YEAR)


@dataclass(frozen=True)
class Year:
    """What is known of one year: days off by name, weekend days worked, whether by official notice, and its 文号."""

    official: bool
    off: Mapping[date, str]
    worked: frozenset[date] = frozenset()
    number: str = ""


@dataclass(frozen=True)
class CountedDay:
    """One day of a period: its number in the count (None: skipped) and, in Chinese, why."""

    day: date
    counted: int | None
    reason: str


@dataclass(frozen=True)
class Count:
    """A counted period: its last day, the days that led there, whether a later notice may still move it."""

    last_day: date
    days: tuple[CountedDay, ...]
    provisional: bool


class Aside(Protocol):
    """The days on which the clock of a period stands."""

    def skips(self, day: date) -> str | None:
        """Why a day is not counted, in Chinese; None when the clock lets it count."""

    def holds(self, day: date) -> bool:
        """Whether the clock stands at 24:00 of a day, so that no period is over with it."""


class _Never:
    """The clock never stands."""

    def skips(self, day: date) -> str | None:
        return None

    def holds(self, day: date) -> bool:
        return False


NEVER: Aside = _Never()
RESUMED = "恢复计时后的最后一日"


@dataclass(frozen=True)
class Calendar:
    """The working days in one version of the official notices; `year_of` tells what is known of a year."""

    version: int
    year_of: Callable[[int], Year]

    def is_working(self, day: date) -> bool:
        """Whether offices work on a day: weekdays that are not off, and weekend days worked in exchange."""
        year = self.year_of(day.year)
        return day not in year.off and (day.weekday() < SATURDAY or day in year.worked)

    def is_official(self, year: int) -> bool:
        """Whether the official notice for a year is known; without it, days of that year are provisional."""
        return self.year_of(year).official

    def reason(self, day: date) -> str:
        """What a day is, in Chinese: the holiday, the weekend day, the make-up day or the weekday."""
        year = self.year_of(day.year)
        if day in year.off:
            return year.off[day]
        return "调休上班（计入）" if day in year.worked else WEEKDAYS[day.weekday()]

    def next_working(self, day: date) -> date:
        """The day itself when it is a working day, else the first working day after it."""
        while not self.is_working(day):
            day += DAY
        return day

    def working_days(self, after: date, until: date) -> int:
        """How many working days lie after one day, up to and including another; 0 when it is not later."""
        return sum(map(self.is_working, _days(after, until)))

    def after(self, day: date, n: int) -> date:
        """The n-th working day after a day; the day itself for 0."""
        while n:
            day += DAY
            n -= self.is_working(day)
        return day

    def before(self, day: date, n: int) -> date:
        """The n-th working day before a day; the day itself for 0."""
        while n:
            day -= DAY
            n -= self.is_working(day)
        return day

    def count(self, start: date, n: int, aside: Aside = NEVER) -> Count:
        """The period of n working days after the day `start`, which is not counted (民法典 201)."""
        _check(start, n)
        days: list[CountedDay] = []
        day, counted, over = start, 0, False
        while not over:
            day += DAY
            stands = aside.skips(day)
            if stands is not None or not self.is_working(day):
                days.append(CountedDay(day, None, stands or self.reason(day)))
                continue
            if counted < n:
                counted += 1
                made_up = day.weekday() >= SATURDAY
                days.append(CountedDay(day, counted, self.reason(day) if made_up else f"第{counted}个工作日"))
            else:
                days.append(CountedDay(day, None, RESUMED))
            over = counted == n and not aside.holds(day)
        return Count(day, tuple(days), self._provisional(days))

    def count_days(self, start: date, n: int, *, stays: bool = False, aside: Aside = NEVER) -> Count:
        """The n calendar days after `start`; a last day off moves on unless `stays` (民法典 201, 203)."""
        _check(start, n)
        *before, last = _walk(start, n, aside)
        return self._settle(before, last, stays, aside)

    def count_months(self, start: date, n: int, *, stays: bool = False, aside: Aside = NEVER) -> Count:
        """The n months after `start`, up to the corresponding day, else the month's last (民法典 202).

        Where the clock stood, it is as many days as there are up to that day, counted one by one.
        """
        _check(start, n)
        months = start.month - 1 + n
        year, month = start.year + months // 12, months % 12 + 1
        last = date(year, month, min(start.day, gregorian.monthrange(year, month)[1]))
        *before, final = _walk(start, (last - start).days, aside)
        if final.day == last:
            final = replace(final, reason="对应日" if last.day == start.day else "当月无对应日，取月末日")
        return self._settle(before, final, stays, aside)

    def fixed(self, last: date, *, stays: bool = False, start: date | None = None, aside: Aside = NEVER) -> Count:
        """The period that ends on a given date, moved on when that is a day off unless `stays`.

        Each day after `start` on which the clock stood puts that date off by a day.
        """
        _check(last, 1)
        nominal = CountedDay(last, None, "固定期限日")
        if start is None or last <= start:
            return self._settle([], nominal, stays, aside)
        days = _walk(start, (last - start).days, aside)
        stood = [day for day in days if day.counted is None]
        if stood:
            nominal = CountedDay(days[-1].day, None, f"固定期限日{last}顺延{len(stood)}日")
        return self._settle(stood, nominal, stays, aside)

    def _settle(self, before: list[CountedDay], last: CountedDay, stays: bool, aside: Aside) -> Count:
        """A period with its nominal last day: a day off moves to the next working day (民法典 203), and so does one
        at whose end the clock stands, to a day at whose end it does not."""
        held = aside.holds(last.day)
        if self.is_working(last.day) and not held:
            return Count(last.day, (*before, last), not stays and self._provisional([last]))
        if stays and not held:
            last = replace(last, reason=f"{last.reason}（{self.reason(last.day)}，不顺延）")
            return Count(last.day, (*before, last), provisional=False)
        final = last.day + DAY
        while (not stays and not self.is_working(final)) or aside.skips(final) is not None or aside.holds(final):
            final += DAY
        why = "暂停计时日，最后一日顺延至恢复之后" if held else f"{self.reason(last.day)}，最后一日遇休息日顺延"
        tail = [
            CountedDay(last.day, last.counted, why),
            *(CountedDay(day, None, aside.skips(day) or self.reason(day)) for day in _days(last.day, final - DAY)),
            CountedDay(final, None, "顺延后的最后一日"),
        ]
        return Count(final, (*before, *tail), self._provisional(tail))

    def _provisional(self, days: list[CountedDay]) -> bool:
        return not all(map(self.is_official, {entry.day.year for entry in days}))


def _walk(start: date, n: int, aside: Aside) -> list[CountedDay]:
    """The days after `start` up to the n-th on which the clock runs."""
    days: list[CountedDay] = []
    day, counted = start, 0
    while counted < n:
        day += DAY
        stands = aside.skips(day)
        counted += stands is None
        days.append(CountedDay(day, None if stands else counted, stands or f"第{counted}日"))
    return days


def _days(after: date, until: date) -> Iterator[date]:
    return (after + i * DAY for i in range(1, (until - after).days + 1))


def _check(start: date, n: int) -> None:
    # Months are the longest unit; what ends by 9900 leaves room for moving on before `date` ends in 9999.
    if not 1 <= n <= LONGEST or start.year + n // 12 > LAST_YEAR:
        raise NotCountable
