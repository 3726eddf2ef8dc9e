"""What the `holidays` library knows of China: official years in full, of others the statutory days."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache

from holidays import country_holidays
from holidays.holiday_base import HolidayBase

from portal.calendar.notice import name_of
from portal.calendar.rules import Year

# Beyond the library's reach the lunar days are unknown; these stand in the law (全国年节及纪念日放假办法 2).
SOLAR = {
    (1, 1): "元旦",
    (5, 1): "劳动节",
    (5, 2): "劳动节",
    (10, 1): "国庆节",
    (10, 2): "国庆节",
    (10, 3): "国庆节",
}


@cache
def official_years() -> frozenset[int]:
    """The years whose official notice the library holds: those with days off exchanged for days worked."""
    return frozenset(_library(None).special_public_holidays)


@cache
def statutory(year: int) -> Mapping[date, str]:
    """The statutory holidays of a year with their Chinese names, without the days that a notice adds."""
    days = _library(year, observed=False)
    if not days.start_year <= year <= days.end_year:
        return {date(year, month, day): name for (month, day), name in SOLAR.items()}
    return {
        day: name.replace("农历", "").replace("; ", "、")
        for day, name in sorted(days.items())
        if not name.startswith("休息日")
    }


@cache
def year_of(year: int) -> Year:
    """What is known of a year without the notices entered in the portal."""
    festivals = statutory(year)
    if year not in official_years():
        return Year(False, festivals)
    days = _library(year)
    return Year(
        True,
        {day: name_of(day, festivals) for day in days},
        frozenset(day for day in days.weekend_workdays if day.year == year),
    )


def _library(year: int | None, *, observed: bool = True) -> HolidayBase:
    """The library's days off; `observed` are guesses where no notice is known, exchanged are named 休息日."""
    return country_holidays("CN", years=year, observed=observed, language="zh_CN")
