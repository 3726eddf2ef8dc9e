"""What pages show of a deadline: its last day, what is left, the strip of days, and why it is that day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import gettext as _
from flask_babel import ngettext

from portal.calendar.rules import Calendar
from portal.clock import day_of
from portal.deadlines.counting import days_so_far
from portal.deadlines.models import Deadline, DeadlineExtension, DeadlinePause
from portal.deadlines.rules import AMBER, ENDS, DeadlineRule, Fixed, Until, left, parse_length
from portal.procedures import Procedure
from portal.procedures.articles import citation
from portal.procedures.regulation import Regulation
from portal.web import dates
from portal.web.languages import listed
from portal.web.people import People
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

    `expired`: a minimum that is over, or a right in a case that has ended; nobody is late with it. `late`: it was met
    after its last day. `course`: when its clock stood and why, and how it was extended, in sentences.
    """

    id: int
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
    late: bool
    course: tuple[str, ...] = ()


def deadline_view(
    deadline: Deadline,
    regulation: Regulation,
    moment: datetime,
    calendar: Calendar,
    *,
    ended: bool,
    people: People | None = None,
) -> DeadlineView:
    """A deadline at a moment; `ended`: its case has ended. `people` name those who extended it."""
    nobody_late = deadline.kind == "minimum" or (ended and deadline.kind in ENDS)
    expired = nobody_late and deadline.state == "running" and deadline.due <= moment
    today, running = day_of(moment), deadline.state == "running" and not expired
    lines = days_so_far(deadline, calendar, moment) if deadline.state == "paused" else deadline.explanation
    cells = [_cell(line["day"], line["counted"], line["reason"], deadline.last) for line in lines]
    remaining = left(deadline, moment, calendar).days if running else None
    counted = [
        _strip_cell(deadline, date.fromisoformat(line["day"]), line["counted"], today, remaining)
        for line in deadline.explanation
        if line["counted"] is not None
    ]
    basis = citation(regulation, deadline.basis) or _("假定：%(why)s", why=deadline.assumed or "")
    return DeadlineView(
        id=deadline.id,
        name=deadline.name,
        title=_("%(title)s：%(length)s", title=deadline.title, length=period_text(deadline.period)),
        state=deadline.state,
        due_text=dates.due_text(deadline.ends) if deadline.ends else _("恢复计时后确定"),
        left=remaining,
        days=tuple(counted) if running and len(counted) <= _MOST_CELLS else (),
        all_days=tuple(cells),
        summary=why(deadline),
        basis=basis,
        provisional=deadline.provisional,
        met_at=deadline.met_at,
        due=deadline.due,
        expired=expired,
        late=deadline.kind not in ENDS and deadline.met_at is not None and deadline.met_at >= deadline.due,
        course=course(deadline, people),
    )


def course(deadline: Deadline, people: People | None = None) -> tuple[str, ...]:
    """When the clock of a deadline stood and why, and how it was extended; `people` name who did that."""
    if not deadline.own_course:
        return ()
    return (*map(_pause, deadline.pauses), *(_extension(one, people) for one in deadline.extensions))


def _pause(pause: DeadlinePause) -> str:
    since, why = dates.exact(pause.since), pause.why
    if pause.until is None:
        return _("%(since)s 起暂停计时：%(why)s", since=since, why=why)
    return _("%(since)s 至 %(until)s 暂停计时：%(why)s", since=since, until=dates.exact(pause.until), why=why)


def _extension(extension: DeadlineExtension, people: People | None) -> str:
    who = extension.signer
    if people is not None and extension.person_id is not None:
        name = people.said(extension.person_id, extension.for_id)
        who = _("%(name)s（%(role)s）", name=name, role=extension.signer)
    return _(
        "%(at)s 经%(who)s批准延长 %(by)s：%(why)s",
        at=dates.exact(extension.at),
        who=who,
        by=period_text(extension.by),
        why=extension.reason,
    )


def period_text(period: str) -> str:
    """10 个工作日 for "10 working days"; 4月30日 for "04-30"; 2026年4月30日 for "2026-04-30"."""
    length = parse_length(period)
    if isinstance(length, Until):
        return dates.day_of_the_year(length.month, length.day)
    if isinstance(length, Fixed):
        return dates.plain_day(length.day)
    units = {
        "working days": ngettext("%(num)s 个工作日", "%(num)s 个工作日", length.amount),
        "days": ngettext("%(num)s 日", "%(num)s 日", length.amount),
        "months": ngettext("%(num)s 个月", "%(num)s 个月", length.amount),
    }
    return units[length.unit]


def beginning(procedure: Procedure, rule: DeadlineRule) -> str:
    """From when a deadline is counted: 自收到申请的次日起算; of several events the latest counts."""
    events = list(dict.fromkeys(_event(procedure, event) for event in rule.after))
    if len(events) > 1:
        return _("自%(events)s的次日起算，以最后发生的为准", events=listed(events))
    return _("自%(events)s的次日起算", events=events[0]) if events else ""


def _event(procedure: Procedure, event: str) -> str:
    """An event that starts a deadline, with what it happens to."""
    verb, _bracket, of = event.rstrip(")").partition("(")
    documents = procedure.manifest.documents
    title = documents[of].title if of in documents else of
    name = next((element.name for _drawing, element in procedure.elements() if of and element.id == of), of)
    said = {
        "filed": _("收到申请"),
        "started": _("程序启动"),
        "accepted": _("收到齐全材料（受理）"),
        "issued": _("《%(title)s》制发", title=title),
        "served": _("《%(title)s》送达", title=title),
        "entered": _("开始“%(name)s”", name=name),
        "done": _("办结“%(name)s”", name=name),
        "received": _("收到来件"),
        "opened": _("公示开始"),
        "closed": _("公示结束"),
    }
    return said.get(verb) or _("起算日")


def _cell(day: str, counted: int | None, stored: str, last: date | None) -> DayCell:
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
