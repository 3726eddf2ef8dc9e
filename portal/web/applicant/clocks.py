"""A deadline as an applicant sees it: its last day, what is left, and the reason for that very day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import gettext as _

from portal.calendar.rules import Calendar
from portal.clock import day_of
from portal.deadlines.counting import days_so_far
from portal.deadlines.models import Deadline
from portal.deadlines.rules import ENDS, Explained
from portal.procedures.articles import citation
from portal.procedures.regulation import Regulation
from portal.web import dates
from portal.web.periods import period_text
from portal.web.reasons import reason, why


@dataclass(frozen=True)
class DayView:
    """One day of a period: `n` its number in the count, None when it does not count."""

    date: str
    n: int | None
    state: str
    note: str


@dataclass(frozen=True)
class DeadlineView:
    """What a page shows of one deadline; `over` when its last day is past, `progress` as 第 3 / 10 个工作日.

    While its clock stands nobody knows its end: `due` and `left` say so.
    """

    title: str
    kind: str
    due: str
    left: str
    tone: str
    over: bool
    late: bool
    provisional: bool
    reasons: tuple[str, ...]
    days: tuple[DayView, ...]
    basis: str
    period: str
    progress: str


def view(deadline: Deadline, moment: datetime, calendar: Calendar, regulation: Regulation) -> DeadlineView:
    """The deadline as it stands at a moment."""
    today, stands = day_of(moment), deadline.state == "paused"
    over = not stands and deadline.due <= moment
    ends = deadline.kind in ENDS
    lines = days_so_far(deadline, calendar, moment) if stands else deadline.explanation
    return DeadlineView(
        title=deadline.title,
        kind=deadline.kind,
        due=dates.due_text(deadline.ends) if deadline.ends else _("恢复计时后确定"),
        left=_left(deadline, moment, calendar, over=over),
        tone="n" if stands or (over and ends) else dates.tone(deadline, moment, calendar),
        over=over,
        late=over and not ends,
        provisional=deadline.provisional and not stands,
        reasons=_reasons(deadline),
        days=_days(deadline, lines, today),
        basis=citation(regulation, deadline.basis) or "",
        period=period_text(deadline.period),
        progress="" if stands else _progress(deadline, today),
    )


def _left(deadline: Deadline, moment: datetime, calendar: Calendar, *, over: bool) -> str:
    if deadline.state == "paused":
        return _("暂停计时")
    return _("已届满") if over and deadline.kind == "minimum" else dates.left_text(deadline, moment, calendar)


def _reasons(deadline: Deadline) -> tuple[str, ...]:
    reasons = [why(deadline)]
    if deadline.assumed:
        reasons.append(_("文本没有规定这一期限，现按惯例掌握：%(reason)s。", reason=deadline.assumed))
    return tuple(reasons)


def _days(deadline: Deadline, lines: Sequence[Explained], today: date) -> tuple[DayView, ...]:
    first = DayView(dates.day_text(deadline.event_day, today), None, "skip", _("当日不计"))
    days = [] if "-" in deadline.period else [first]
    for line in lines:
        day = date.fromisoformat(line["day"])
        if deadline.last is not None and day > deadline.last:
            break
        last = day == deadline.last
        state = "last" if last else "skip" if line["counted"] is None else ""
        note = _("末日，24:00 截止") if last else reason(line["reason"])
        days.append(DayView(dates.day_text(day, today), line["counted"], state, note))
    return tuple(days)


def _progress(deadline: Deadline, today: date) -> str:
    """第 3 个工作日 / 共 10 个工作日, while it runs."""
    if "working day" not in deadline.period or deadline.lengthened or today > deadline.last_day:
        return ""
    counted = [line["counted"] for line in deadline.explanation if date.fromisoformat(line["day"]) <= today]
    number = max((n for n in counted if n is not None), default=0)
    if number == 0:
        return ""
    return _("第 %(n)s 个工作日 / 共 %(total)s", n=number, total=period_text(deadline.period))
