"""How pages write days, moments (Asia/Shanghai, 24:00 on the day that ends), what is left, amounts and sizes."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from flask_babel import gettext as _
from flask_babel import ngettext

from portal.calendar.rules import Calendar
from portal.clock import TZ, day_of
from portal.deadlines.rules import AMBER, Ending
from portal.forms.characters import narrow
from portal.web.languages import language

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def typed_day(text: str) -> date | None:
    """The day of a text like 2026-10-12, full width and with slashes too; None for any other."""
    try:
        return date.fromisoformat(narrow(text).replace("/", "-"))
    except ValueError:
        return None


def weekday(day: date) -> str:
    """周一 … 周日; Mon … Sun."""
    return (_("周一"), _("周二"), _("周三"), _("周四"), _("周五"), _("周六"), _("周日"))[day.weekday()]


def short_day(day: date) -> str:
    """11-23; 23 Nov. In dense tables only."""
    return _either(day.strftime("%m-%d"), f"{day.day} {_month(day)}")


def plain_day(day: date) -> str:
    """2026年11月23日; 23 Nov 2026."""
    return _either(f"{day.year}年{day.month}月{day.day}日", f"{day.day} {_month(day)} {day.year}")


def long_day(day: date) -> str:
    """2026年11月23日（周一）; Mon 23 Nov 2026."""
    return _either(f"{plain_day(day)}（{weekday(day)}）", f"{weekday(day)} {plain_day(day)}")


def day_text(day: date, near: date | None = None) -> str:
    """11月23日（周一）; Mon 23 Nov. With its year where that is not the year of `near`: for lists of days."""
    if near is not None and near.year != day.year:
        return long_day(day)
    return _either(f"{day.month}月{day.day}日（{weekday(day)}）", f"{weekday(day)} {short_day(day)}")


def day_of_the_year(month: int, day: int) -> str:
    """4月30日; 30 Apr, of every year."""
    return _either(f"{month}月{day}日", f"{day} {_MONTHS[month - 1]}")


def due_text(due: datetime) -> str:
    """2026年10月12日（周一）24:00; Mon 12 Oct 2026, 24:00: the end of the last day, never the next day's 00:00."""
    day = long_day(last_day(due))
    return _either(f"{day}24:00", f"{day}, 24:00")


def short(moment: datetime) -> str:
    """11-23 15:40; 23 Nov 15:40. In dense tables only."""
    return f"{short_day(day_of(moment))} {clock_time(moment)}"


def clock_time(moment: datetime) -> str:
    """15:40."""
    return moment.astimezone(TZ).strftime("%H:%M")


def exact(moment: datetime) -> str:
    """2026年11月23日 15:40; 23 Nov 2026 15:40."""
    return f"{plain_day(day_of(moment))} {clock_time(moment)}"


def to_the_second(moment: datetime) -> str:
    """2026年11月23日 15:40:08; 23 Nov 2026 15:40:08."""
    return f"{plain_day(day_of(moment))} {moment.astimezone(TZ).strftime('%H:%M:%S')}"


def full(moment: datetime) -> str:
    """2026年11月23日（周一）15:40; Mon 23 Nov 2026, 15:40."""
    day, time = long_day(day_of(moment)), clock_time(moment)
    return _either(f"{day}{time}", f"{day}, {time}")


def last_day(due: datetime) -> date:
    """The day whose 24:00 a due moment is."""
    return day_of(due - timedelta(microseconds=1))


def left_text(deadline: Ending, moment: datetime, calendar: Calendar) -> str:
    """剩 9 个工作日; on the last day that it ends today, afterwards by how much it is over."""
    today, last = day_of(moment), deadline.last_day
    if today == last:
        return _("今日 24:00 到期")
    if today > last:
        over = calendar.working_days(last, today)
        return ngettext("超期 %(num)s 个工作日", "超期 %(num)s 个工作日", over) if over else _("已届满")
    days = calendar.working_days(today, last)
    return ngettext("剩 %(num)s 个工作日", "剩 %(num)s 个工作日", days) if days else _("剩不足 1 个工作日")


def tone(deadline: Ending, moment: datetime, calendar: Calendar) -> str:
    """The colour that goes with `left_text`: g, a or r."""
    today, last = day_of(moment), deadline.last_day
    if today > last:
        return "r"
    return "a" if calendar.working_days(today, last) <= AMBER else "g"


def amount_text(amount: int) -> str:
    """1,204,905."""
    return f"{amount:,}"


def size(count: int) -> str:
    """412 KB, 6.3 MB."""
    if count < 1_000_000:
        return f"{max(1, round(count / 1000))} KB"
    return f"{count / 1_000_000:.1f} MB"


def _month(day: date) -> str:
    return _MONTHS[day.month - 1]


def _either(chinese: str, english: str) -> str:
    return chinese if language() == "zh" else english


FILTERS = {
    "weekday": weekday,
    "short_day": short_day,
    "long_day": long_day,
    "plain_day": plain_day,
    "due_text": due_text,
    "short": short,
    "clock_time": clock_time,
    "exact": exact,
    "full": full,
    "last_day": last_day,
    "day_of": day_of,
    "size": size,
}
