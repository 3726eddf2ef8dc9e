"""What pages show of a deadline: its last day, what is left, the strip of days, and why it is that day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import gettext as _
from flask_babel import ngettext

from portal.calendar.rules import Calendar
from portal.clock import day_of
from portal.deadlines.models import Deadline
from portal.deadlines.rules import AMBER, Period, Until, left, parse_period, parse_until
from portal.procedures.regulation import Regulation
from portal.web import dates
from portal.web.articles import citation
from portal.web.reasons import reason, why

# A strip of more cells is no picture any more.
_MOST_CELLS = 31


@dataclass(frozen=True)
class DayCell:
    """One day: as `ui.clock` and `ui.why` take it."""

    date: str
    n: int | None
    state: str
    note: str


@dataclass(frozen=True)
class DeadlineView:
    """A deadline as `ui.deadline` takes it; `left` is in working days, None unless it runs.

    `expired`: a right that nobody used in time in a case that has ended; nobody is late with it.
    """

    name: str
    title: str
    state: str
    due_text: str
    left: int | None
    days: tuple[DayCell, ...]
    all_days: tuple[DayCell, ...]
    summary: str
    basis: str
    provisional: bool
    met_at: datetime | None
    due: datetime
    expired: bool


def deadline_view(
    deadline: Deadline, regulation: Regulation, moment: datetime, calendar: Calendar, *, ended: bool
) -> DeadlineView:
    """A deadline at a moment; `ended`: its case has ended."""
    expired = ended and deadline.kind == "right" and deadline.state == "running" and deadline.due <= moment
    today, running = day_of(moment), deadline.state == "running" and not expired
    cells = [_cell(line["day"], line["counted"], line["reason"], deadline.last_day) for line in deadline.explanation]
    remaining = left(deadline, moment, calendar).days if running else None
    counted = [
        _strip_cell(deadline, date.fromisoformat(line["day"]), line["counted"], today, remaining)
        for line in deadline.explanation
        if line["counted"] is not None
    ]
    basis = citation(regulation, deadline.basis) or _("推定：%(why)s", why=deadline.assumed or "")
    return DeadlineView(
        name=deadline.name,
        title=_("%(title)s：%(length)s", title=deadline.title, length=period_text(deadline.period)),
        state=deadline.state,
        due_text=dates.due_text(deadline.due),
        left=remaining,
        days=tuple(counted) if running and len(counted) <= _MOST_CELLS else (),
        all_days=tuple(cells),
        summary=why(deadline),
        basis=basis,
        provisional=deadline.provisional,
        met_at=deadline.met_at,
        due=deadline.due,
        expired=expired,
    )


def period_text(period: str) -> str:
    """10 个工作日 for "10 working days"; 4月30日 for "04-30"."""
    if "-" in period:
        until: Until = parse_until(period)
        return dates.day_of_the_year(until.month, until.day)
    length: Period = parse_period(period)
    units = {
        "working days": ngettext("%(num)s 个工作日", "%(num)s 个工作日", length.amount),
        "days": ngettext("%(num)s 日", "%(num)s 日", length.amount),
        "months": ngettext("%(num)s 个月", "%(num)s 个月", length.amount),
    }
    return units[length.unit]


def _cell(day: str, counted: int | None, stored: str, last: date) -> DayCell:
    found = date.fromisoformat(day)
    state = "last" if found == last else "" if counted is not None else "skip"
    return DayCell(f"{dates.short_day(found)} {dates.weekday(found)}", counted, state, reason(stored))


def _strip_cell(deadline: Deadline, day: date, n: int | None, today: date, remaining: int | None) -> DayCell:
    if day == deadline.last_day:
        state = "over" if today > day else "last" if (remaining or 0) <= AMBER else "last far"
        state, note = (f"{state} today" if today == day else state), _("末日")
    elif day == today:
        state, note = "today", _("今日")
    else:
        state, note = ("past" if day < today else "ahead"), ""
    return DayCell(dates.short_day(day), n, state, note)
