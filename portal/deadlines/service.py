"""The deadlines of a case: started, met, moved and dropped by what happens to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from sqlalchemy import BindParameter, ColumnElement, bindparam, or_, select
from sqlalchemy.orm import Session

from portal.calendar.rules import Calendar
from portal.clock import day_of
from portal.deadlines.changes import Change
from portal.deadlines.counting import change, close, computed, count, say_again, watch
from portal.deadlines.models import Deadline
from portal.deadlines.rules import LIVE, DeadlineRule, Explained, Length
from portal.deadlines.scopes import meant, preceding, reaches, seat
from portal.deadlines.warn import Said, following, said_at
from portal.deadlines.weighing import weigh
from portal.deadlines.wording import event_text

Rules = Iterable[DeadlineRule]
LengthOf = Callable[[DeadlineRule], Length]
"""How long a deadline that starts is: as its rule says, or as somebody has set it in the case."""


def by_rule(rule: DeadlineRule) -> Length:
    """The length that a rule says."""
    return rule.length


_OF_CASE = select(Deadline).where(Deadline.case_id == bindparam("case")).order_by(Deadline.id)
_LIVE_OF_CASE = _OF_CASE.where(Deadline.state.in_(LIVE))


def of_case(tx: Session, case_id: int) -> list[Deadline]:
    """All deadlines of a case, dropped ones too, in the order in which they started."""
    return list(tx.scalars(_OF_CASE, {"case": case_id}))


def live_of(tx: Session, case_id: int) -> list[Deadline]:
    """The deadlines of a case that are neither met nor dropped, in the order in which they started."""
    return list(tx.scalars(_LIVE_OF_CASE, {"case": case_id}))


def latest(tx: Session, case_id: int) -> dict[str, Deadline]:
    """The newest deadline of each name, whatever its state."""
    return {deadline.name: deadline for deadline in of_case(tx, case_id)}


def of_task(rows: Iterable[Deadline], name: str | None, scope: str) -> Deadline | None:
    """The deadline by which an open task in a scope is to be done; None while it has not begun, or is settled.

    One that was met or dropped, such as that of an earlier round, says nothing of a task that waits now.
    """
    found = meant(rows, scope).get(name) if name else None
    return found if found is not None and found.live else None


def at_scope(tx: Session, case_id: int, scope: str) -> dict[str, Deadline]:
    """Which deadline each name means in a scope: that of the nearest scope around it, else the newest."""
    return meant(of_case(tx, case_id), scope)


def happened(
    tx: Session,
    case_id: int,
    rules: Rules,
    event: str,
    at: datetime,
    calendar: Calendar,
    scope: str = "",
    length: LengthOf = by_rule,
) -> list[Change]:
    """Note an event that happened in a scope of the case at a moment: it meets deadlines, then starts others.

    A repeated event starts its deadline anew; of several that may start one the latest counts, wherever the others
    happened around it. Deadlines of scopes beside that one, such as another expert's, are left alone.
    """
    rows = of_case(tx, case_id)
    changes = []
    for rule in rules:
        if event in rule.met:
            here = [row for row in rows if row.name == rule.name and row.live and reaches(scope, row.scope)]
            changes += [_meet(tx, row, rule, event, at, calendar) for row in here]
        if event in rule.after:
            before = preceding(rows, rule.name, scope)
            if _starts(event, at, before):
                changes += start(tx, case_id, rule, event, at, calendar, before, scope, length)
    tx.flush()
    return changes


def is_stale(version: int | BindParameter[int]) -> ColumnElement[bool]:
    """SQL for whether a deadline is to be counted anew by that calendar; provisional ones are each time."""
    return or_(Deadline.calendar_version != version, Deadline.provisional)


def recompute(
    tx: Session, case_id: int, rules: Rules, calendar: Calendar, moment: datetime, ended_at: datetime | None = None
) -> list[Change]:
    """Bring the running deadlines to a calendar; what is past, or would become so, stays and says why.

    Provisional ones are always computed again: a newer `holidays` library may know the notice too.
    Of a case that has ended, what is over is left alone.
    """
    running = select(Deadline).where(
        Deadline.case_id == case_id, Deadline.state == "running", is_stale(calendar.version)
    )
    if ended_at is not None:
        running = running.where(Deadline.due > max(ended_at, moment))
    by_name = {rule.name: rule for rule in rules}
    changes = []
    for deadline in tx.scalars(running.order_by(Deadline.id)).all():
        if rule := by_name.get(deadline.name):
            changes += _renew(deadline, rule, calendar, moment)
    tx.flush()
    return changes


def move_start(
    tx: Session, case_id: int, rules: Rules, event: str, before: datetime, at: datetime, calendar: Calendar
) -> list[Change]:
    """Correct when an event happened (a service date): the deadlines that run from it are counted anew.

    `before` is when it was on record: what runs from another event of its name, as the service of a newer letter,
    is left alone. Met ones too, for it decides whether they were met in time; dropped ones stay. Those the event
    itself met are met at the corrected moment. The new end may lie in the past: the caller gets the old and the new due
    moment and judges what a timer has already done.
    """
    changes = []
    for rule, deadline in _newest_of(tx, case_id, rules):
        if event in rule.met and deadline.met_at == before:
            deadline.met_at = at
        if (deadline.event, deadline.started_at) != (event, before) or deadline.state == "dropped":
            continue
        old, old_day = deadline.due, deadline.event_day
        deadline.event_day, deadline.started_at = day_of(at), at
        if deadline.event_day != old_day:
            # Counted anew, it is warned of anew.
            deadline.warned = []
            count(deadline, rule, calendar, at)
            reason = f"{event_text(event)}的日期由{old_day}更正为{deadline.event_day}"
            changes.append(change("moved", deadline, old, reason))
    tx.flush()
    return changes


def take_back(tx: Session, case_id: int, rules: Rules, event: str, before: datetime, moment: datetime) -> list[Change]:
    """Take back that an event happened, at the moment `before` (a service struck out): nothing is over by it any more.

    Deadlines that run from it are dropped, those it met run again; what was met since stays met.
    """
    changes = []
    for rule, deadline in _newest_of(tx, case_id, rules):
        if (deadline.event, deadline.started_at) == (event, before) and deadline.live:
            changes.append(_drop(tx, deadline, f"{event_text(event)}的记录已作废", moment))
        elif event in rule.met and deadline.met_at == before:
            deadline.state, deadline.met_at = "running", None
            # Whoever looks for warnings finds out which is next.
            deadline.warn_at = deadline.started_at if rule.warn else None
            changes.append(change("started", deadline, None, f"{event_text(event)}的记录已作废，恢复计算"))
    tx.flush()
    return changes


def happened_again(
    tx: Session, case_id: int, rules: Rules, event: str, at: datetime, calendar: Calendar
) -> list[Change]:
    """Note that an event happened whose first happening was taken back: what was met since is only counted anew."""
    every = list(rules)
    newest_rows = _newest_of(tx, case_id, every)
    met = [(rule, row.started_at) for rule, row in newest_rows if row.event == event and row.state == "met"]
    moved = [one for rule, before in met for one in move_start(tx, case_id, [rule], event, before, at, calendar)]
    others = [rule for rule in every if rule not in [one for one, _before in met]]
    return [*moved, *happened(tx, case_id, others, event, at, calendar)]


def drop_running(
    tx: Session,
    case_id: int,
    moment: datetime,
    keep: Callable[[Deadline], bool] = lambda _row: False,
    reason: str = "案件已结束",
) -> list[Change]:
    """Drop the deadlines of a case that run or stand still at a moment, as at its end, but for those to keep."""
    changes = [_drop(tx, row, reason, moment) for row in live_of(tx, case_id) if not keep(row)]
    tx.flush()
    return changes


def drop(tx: Session, deadline: Deadline, reason: str, moment: datetime) -> Change:
    """Drop one deadline that runs or stands still."""
    dropped = _drop(tx, deadline, reason, moment)
    tx.flush()
    return dropped


def to_warn(tx: Session, case_ids: Collection[int], moment: datetime) -> list[Deadline]:
    """The deadlines of some cases whose warnings are to be looked at by a moment, first to come first."""
    due = select(Deadline).where(Deadline.case_id.in_(case_ids), Deadline.warn_at <= moment)
    return list(tx.scalars(due.order_by(Deadline.warn_at, Deadline.id)))


def warn(deadline: Deadline, rule: DeadlineRule | None, calendar: Calendar, moment: datetime) -> Said | None:
    """What is to be said of a deadline at a moment, if anything; it will not be said again."""
    said = said_at(rule.warn, deadline.warned, deadline, calendar, moment) if rule else None
    if said is not None:
        deadline.warned = [*deadline.warned, *map(str, said.over)]
    deadline.warn_at = following(rule.warn, deadline.warned, deadline, calendar) if rule else None
    return said


def _starts(event: str, at: datetime, newest: Deadline | None) -> bool:
    """Whether an event starts a deadline: not when another of its events, later than this one, did."""
    return newest is None or newest.event == event or at >= newest.started_at


def _newest_of(tx: Session, case_id: int, rules: Rules) -> list[tuple[DeadlineRule, Deadline]]:
    """The newest deadline of each rule, of each seat where it started."""
    by_name = {rule.name: rule for rule in rules}
    found = {(row.name, seat(row.scope)): row for row in of_case(tx, case_id) if row.name in by_name}
    return [(by_name[name], row) for (name, _seat), row in found.items()]


def start(
    tx: Session,
    case_id: int,
    rule: DeadlineRule,
    event: str,
    at: datetime,
    calendar: Calendar,
    previous: Deadline | None,
    scope: str = "",
    length: LengthOf = by_rule,
) -> list[Change]:
    """Start a deadline from an event; the one that ran in its place before is dropped."""
    changes = []
    if previous is not None and previous.live:
        changes.append(_drop(tx, previous, f"再次{event_text(event)}，重新起算", at))
        # Before the new row: at most one of a name runs.
        tx.flush()
    deadline = Deadline(
        case_id=case_id,
        name=rule.name,
        title=rule.title,
        kind=rule.kind,
        basis=rule.basis,
        assumed=rule.assumed,
        period=str(length(rule)),
        event=event,
        scope=scope,
        event_day=day_of(at),
        state="running",
        started_at=at,
        warned=[],
        own_course=False,
    )
    count(deadline, rule, calendar, at)
    tx.add(deadline)
    tx.flush()
    return [*changes, change("started", deadline, None, event_text(event))]


def _renew(deadline: Deadline, rule: DeadlineRule, calendar: Calendar, moment: datetime) -> list[Change]:
    """Bring one running deadline to a newly computed end, or keep it and say why."""
    old, new = deadline.due, computed(deadline, rule, calendar)
    verdict = weigh(deadline, deadline.explanation, new, calendar, moment)
    if verdict.fate == "kept":
        deadline.calendar_version, deadline.provisional = calendar.version, verdict.provisional
        watch(deadline, rule, calendar)
        if deadline.explanation[-1]["reason"] == verdict.reason:
            return []
        remark: Explained = {"day": day_of(moment).isoformat(), "counted": None, "reason": verdict.reason}
        deadline.explanation = [*deadline.explanation, remark]
    else:
        count(deadline, rule, calendar, moment)
    if verdict.fate == "moved":
        say_again(deadline, rule, calendar, moment)
    return [change(verdict.fate, deadline, old, verdict.reason)] if verdict.fate else []


def _meet(tx: Session, deadline: Deadline, rule: DeadlineRule, event: str, at: datetime, calendar: Calendar) -> Change:
    """A deadline is met, before its clock runs again if it stands."""
    if deadline.state == "paused":
        close(tx, deadline.open_pauses, at)
        deadline.state = "running"
        count(deadline, rule, calendar, at)
    deadline.state, deadline.met_at, deadline.warn_at = "met", at, None
    return change("met", deadline, deadline.due, event_text(event))


def _drop(tx: Session, deadline: Deadline, reason: str, moment: datetime) -> Change:
    close(tx, deadline.open_pauses, moment)
    deadline.state, deadline.warn_at = "dropped", None
    return change("dropped", deadline, deadline.due, reason)
