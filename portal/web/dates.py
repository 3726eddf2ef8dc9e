"""How pages write days, moments (Asia/Shanghai, 24:00 on the day that ends) and sizes of files."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from flask_babel import gettext as _

from portal.clock import TZ, day_of


def weekday(day: date) -> str:
    """星期一 … 星期日."""
    names = (_("星期一"), _("星期二"), _("星期三"), _("星期四"), _("星期五"), _("星期六"), _("星期日"))
    return names[day.weekday()]


def short_day(day: date) -> str:
    """11-23."""
    return day.strftime("%m-%d")


def long_day(day: date) -> str:
    """11 月 23 日."""
    return _("%(month)s 月 %(day)s 日", month=day.month, day=day.day)


def short(moment: datetime) -> str:
    """11-23 15:40."""
    return moment.astimezone(TZ).strftime("%m-%d %H:%M")


def clock_time(moment: datetime) -> str:
    """15:40."""
    return moment.astimezone(TZ).strftime("%H:%M")


def exact(moment: datetime) -> str:
    """2026-11-23 15:40."""
    return moment.astimezone(TZ).strftime("%Y-%m-%d %H:%M")


def full(moment: datetime) -> str:
    """2026 年 11 月 23 日（星期一）15:40."""
    day = day_of(moment)
    return _(
        "%(year)s 年 %(day)s（%(weekday)s）%(time)s",
        year=day.year,
        day=long_day(day),
        weekday=weekday(day),
        time=clock_time(moment),
    )


def last_day(due: datetime) -> date:
    """The day whose 24:00 a due moment is."""
    return day_of(due - timedelta(microseconds=1))


def size(count: int) -> str:
    """412 KB, 6.3 MB."""
    if count < 1_000_000:
        return f"{max(1, round(count / 1000))} KB"
    return f"{count / 1_000_000:.1f} MB"


FILTERS = {
    "weekday": weekday,
    "short_day": short_day,
    "long_day": long_day,
    "short": short,
    "clock_time": clock_time,
    "exact": exact,
    "full": full,
    "last_day": last_day,
    "day_of": day_of,
    "size": size,
}
