"""A deadline as an applicant sees it: its last day, what is left, and the reason for that very day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from flask_babel import gettext as _

from portal.calendar.rules import Calendar
from portal.cases.live import LiveCase
from portal.cases.models import Task
from portal.clock import day_of
from portal.deadlines.counting import days_so_far
from portal.deadlines.models import Deadline
from portal.deadlines.rules import ENDS, DeadlineRule, Explained
from portal.procedures.articles import citation
from portal.procedures.drawing import Drawing, Element
from portal.procedures.regulation import Regulation
from portal.web import dates
from portal.web.languages import sentences
from portal.web.periods import beginning, period_text
from portal.web.reasons import reason, why

_WAITS = frozenset({"userTask", "intermediateCatchEvent", "eventBasedGateway"})
"""Where a case waits for somebody, or for something to happen."""


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

    While its clock stands, or has not begun, nobody knows its end: `due` and `left` say so. `said` stands openly
    beside the date: from when it is counted, or what follows when nothing is done by then.
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
    said: str = ""
    dated: bool = True


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
        dated=not stands,
    )


def of_task(case: LiveCase, task: Task, moment: datetime, calendar: Calendar) -> DeadlineView | None:
    """The deadline of a task as it stands at a moment, and what follows when the task is not done by then."""
    deadline, lapse = case.deadline_of(task), lapse_of(case, task)
    if deadline is not None:
        shown = view(deadline, moment, calendar, case.published.regulation)
        return replace(shown, said="" if shown.over else lapse)
    rule = case.procedure.manifest.deadlines.get(task.deadline or "")
    if rule is None or task.state != "open" or not any(event.startswith("served(") for event in rule.after):
        return None
    shown = not_begun(case, rule)
    return replace(shown, said=sentences(shown.said, lapse))


def not_begun(case: LiveCase, rule: DeadlineRule) -> DeadlineView:
    """A deadline that will run in a case, but that nothing has started yet."""
    return DeadlineView(
        title=rule.title,
        kind=rule.kind,
        due=_("尚未起算"),
        left="",
        tone="n",
        over=False,
        late=False,
        provisional=False,
        reasons=(),
        days=(),
        basis="",
        period=period_text(str(rule.length)),
        progress="",
        said=_("%(begins)s。", begins=beginning(case.procedure, rule)),
        dated=False,
    )


def lapse_of(case: LiveCase, task: Task) -> str:
    """How a case ends when a task is not done in time, by its diagram; empty where it goes on all the same."""
    drawing = case.procedure.drawing_at(task.scope)
    for event in drawing.elements.values():
        if event.attached_to == task.element and event.deadline is not None and event.deadline == task.deadline:
            end = _inevitable(drawing, event)
            return _("到期没有办理的：%(outcome)s。", outcome=end.name) if end is not None else ""
    return ""


def _inevitable(drawing: Drawing, event: Element) -> Element | None:
    """The end event to which nothing but one way leads from an element, and on which nobody does anything."""
    here = event
    while len(flows := drawing.out(here.id)) == 1:
        here = drawing.elements[flows[0].target]
        if here.kind in _WAITS:
            return None
    return here if here.kind == "endEvent" else None


def _left(deadline: Deadline, moment: datetime, calendar: Calendar, *, over: bool) -> str:
    if deadline.state == "paused":
        return _("暂停计时")
    return _("已届满") if over and deadline.kind == "minimum" else dates.left_text(deadline, moment, calendar)


def _reasons(deadline: Deadline) -> tuple[str, ...]:
    reasons = [why(deadline)]
    if deadline.assumed:
        reasons.append(_("现按惯例掌握（假定）：%(reason)s。", reason=deadline.assumed))
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
