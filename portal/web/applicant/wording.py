"""How applicants read days, moments, amounts and sizes, and in which language."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from flask_babel import get_locale
from flask_babel import gettext as _

from portal.calendar.rules import Calendar
from portal.clock import TZ, day_of
from portal.deadlines.rules import AMBER, Ending
from portal.errors import Language, PortalError


def language() -> Language:
    """The language of this page, as errors and forms know it."""
    locale = get_locale()
    return "zh" if locale is None or locale.language == "zh" else "en"


def said(error: PortalError) -> str:
    """An error in the language of this page."""
    return error.text(language())


def weekday(day: date) -> str:
    """周一 … 周日."""
    return (_("周一"), _("周二"), _("周三"), _("周四"), _("周五"), _("周六"), _("周日"))[day.weekday()]


def day_text(day: date, near: date | None = None) -> str:
    """10月12日（周一）; with its year when that is not the year of `near`."""
    plain = _("%(month)s月%(day)s日（%(weekday)s）", month=day.month, day=day.day, weekday=weekday(day))
    if near is None or near.year == day.year:
        return plain
    return _("%(year)s年%(day)s", year=day.year, day=plain)


def due_text(due: datetime, near: date | None = None) -> str:
    """10月12日（周一）24:00: the end of the last day, never the next day's 00:00."""
    return _("%(day)s24:00", day=day_text(last_day(due), near))


def last_day(due: datetime) -> date:
    """The day whose 24:00 a due moment is."""
    return day_of(due - timedelta(microseconds=1))


def second_text(moment: datetime) -> str:
    """2026-10-12 23:59:59."""
    return moment.astimezone(TZ).strftime("%Y-%m-%d %H:%M:%S")


def minute_text(moment: datetime) -> str:
    """2026-10-12 23:59."""
    return moment.astimezone(TZ).strftime("%Y-%m-%d %H:%M")


def left_text(deadline: Ending, moment: datetime, calendar: Calendar) -> str:
    """剩 9 个工作日; on the last day that it ends today, afterwards by how much it is over."""
    today, last = day_of(moment), deadline.last_day
    if today == last:
        return _("今日 24:00 到期")
    if today > last:
        over = calendar.working_days(last, today)
        return _("已超过 %(n)s 个工作日", n=over) if over else _("已届满")
    days = calendar.working_days(today, last)
    return _("剩 %(n)s 个工作日", n=days) if days else _("剩不足 1 个工作日")


def tone(deadline: Ending, moment: datetime, calendar: Calendar) -> str:
    """The colour that goes with `left_text`: g, a or r."""
    today, last = day_of(moment), deadline.last_day
    if today > last:
        return "r"
    return "a" if calendar.working_days(today, last) <= AMBER else "g"


def amount_text(amount: int) -> str:
    """1,204,905."""
    return f"{amount:,}"


def size_text(size: int) -> str:
    """1.2 MB; below a tenth of that in KB."""
    if size >= 100_000:
        return f"{size / 1_000_000:.1f} MB"
    return f"{max(1, round(size / 1000))} KB"


def sealed_text(answer: str = "") -> str:
    """Where a case stands whose letter the party has not opened yet, or whose `answer` has such a letter."""
    return _("《%(title)s》的文书等您签收", title=answer) if answer else _("文书已制发，等您签收")
