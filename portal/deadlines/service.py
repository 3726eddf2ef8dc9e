"""The deadlines of a case: started, met, moved and dropped by what happens to it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal.calendar.rules import Calendar
from portal.clock import day_of
from portal.deadlines.changes import Change, What
from portal.deadlines.models import Deadline
from portal.deadlines.rules import Computed, DeadlineRule, Explained, compute
from portal.deadlines.wording import event_text

Rules = Iterable[DeadlineRule]


def of_case(tx: Session, case_id: int) -> list[Deadline]:
    """All deadlines of a case, dropped ones too, in the order in which they started."""
    return list(tx.scalars(select(Deadline).where(Deadline.case_id == case_id).order_by(Deadline.id)))


def latest(tx: Session, case_id: int) -> dict[str, Deadline]:
    """The newest deadline of each name, whatever its state."""
    return {deadline.name: deadline for deadline in of_case(tx, case_id)}


def happened(tx: Session, case_id: int, rules: Rules, event: str, at: datetime, calendar: Calendar) -> list[Change]:
    """Note an event that happened to the case at a moment: it meets deadlines, then starts others.

    A repeated event starts its deadline anew; of several that may start one the latest counts.
    """
    newest = latest(tx, case_id)
    changes = []
    for rule in rules:
        deadline = newest.get(rule.name)
        if event in rule.met and deadline is not None and deadline.state == "running":
            deadline.state, deadline.met_at = "met", at
            changes.append(_change("met", deadline, deadline.due, event_text(event)))
        if event in rule.after and _starts(event, at, deadline):
            changes += _start(tx, case_id, rule, event, at, calendar, deadline)
    tx.flush()
    return changes


def recompute(tx: Session, case_id: int, rules: Rules, calendar: Calendar, moment: datetime) -> list[Change]:
    """Bring the running deadlines to a calendar; what is past, or would become so, stays and says why.

    Provisional ones are always computed again: a newer `holidays` library may know the notice too.
    """
    stale = or_(Deadline.calendar_version != calendar.version, Deadline.provisional)
    running = select(Deadline).where(Deadline.case_id == case_id, Deadline.state == "running", stale)
    by_name = {rule.name: rule for rule in rules}
    changes = []
    for deadline in tx.scalars(running.order_by(Deadline.id)).all():
        if rule := by_name.get(deadline.name):
            changes += _renew(deadline, compute(rule, deadline.event_day, calendar), calendar, moment)
    tx.flush()
    return changes


def move_start(tx: Session, case_id: int, rules: Rules, event: str, at: datetime, calendar: Calendar) -> list[Change]:
    """Correct when an event happened (a service date): the deadlines that run from it are counted anew.

    Met ones too, for it decides whether they were met in time; dropped ones stay. The new end may lie in
    the past: the caller gets the old and the new due moment and judges what a timer has already done.
    """
    newest = latest(tx, case_id)
    changes = []
    for rule in rules:
        deadline = newest.get(rule.name)
        if deadline is None or deadline.event != event or deadline.state == "dropped":
            continue
        old, old_day = deadline.due, deadline.event_day
        deadline.event_day, deadline.started_at = day_of(at), at
        if deadline.event_day != old_day:
            _set(deadline, compute(rule, deadline.event_day, calendar), calendar)
            reason = f"{event_text(event)}的日期由{old_day}更正为{deadline.event_day}"
            changes.append(_change("moved", deadline, old, reason))
    tx.flush()
    return changes


def drop_running(tx: Session, case_id: int, keep: Collection[str] = ()) -> list[Change]:
    """Drop the running deadlines of a case, as at its end, but for the names to keep."""
    running = [deadline for deadline in of_case(tx, case_id) if deadline.state == "running"]
    changes = [_drop(deadline, "案件已结束") for deadline in running if deadline.name not in keep]
    tx.flush()
    return changes


def _starts(event: str, at: datetime, newest: Deadline | None) -> bool:
    """Whether an event starts a deadline: not when another of its events, later than this one, did."""
    return newest is None or newest.event == event or at >= newest.started_at


def _start(
    tx: Session,
    case_id: int,
    rule: DeadlineRule,
    event: str,
    at: datetime,
    calendar: Calendar,
    previous: Deadline | None,
) -> list[Change]:
    changes = []
    if previous is not None and previous.state == "running":
        changes.append(_drop(previous, f"再次{event_text(event)}，重新起算"))
        # Before the new row: at most one of a name runs.
        tx.flush()
    deadline = Deadline(
        case_id=case_id,
        name=rule.name,
        title=rule.title,
        kind=rule.kind,
        basis=rule.basis,
        assumed=rule.assumed,
        period=str(rule.length),
        event=event,
        event_day=day_of(at),
        state="running",
        started_at=at,
    )
    _set(deadline, compute(rule, deadline.event_day, calendar), calendar)
    tx.add(deadline)
    tx.flush()
    return [*changes, _change("started", deadline, None, event_text(event))]


def _renew(deadline: Deadline, new: Computed, calendar: Calendar, moment: datetime) -> list[Change]:
    """Bring one running deadline to a newly computed end, or keep it and say why."""
    old = deadline.due
    refusal = _refusal(deadline, new, moment)
    if refusal:
        deadline.calendar_version = calendar.version
        # What is past will not move any more.
        deadline.provisional = new.provisional and deadline.due > moment
        if deadline.explanation[-1]["reason"] == refusal:
            return []
        remark: Explained = {"day": day_of(moment).isoformat(), "counted": None, "reason": refusal}
        deadline.explanation = [*deadline.explanation, remark]
        return [_change("kept", deadline, old, refusal)]
    confirmed = deadline.provisional and not new.provisional
    _set(deadline, new, calendar)
    if deadline.due != old:
        return [_change("moved", deadline, old, "放假安排更新")]
    return [_change("confirmed", deadline, old, "放假安排已公布，日期不变")] if confirmed else []


def _refusal(deadline: Deadline, new: Computed, moment: datetime) -> str | None:
    """Why a deadline must not move to a newly computed end; None when it may, or need not move."""
    if new.due == deadline.due:
        return None
    if deadline.due <= moment:
        return f"放假安排更新后应为{new.last_day}，但原期限{deadline.last_day}已届满，不再变动"
    if new.due <= moment:
        return f"放假安排更新后应为{new.last_day}，但该日已过，维持原期限{deadline.last_day}"
    return None


def _set(deadline: Deadline, computed: Computed, calendar: Calendar) -> None:
    deadline.last_day, deadline.due = computed.last_day, computed.due
    deadline.provisional, deadline.explanation = computed.provisional, computed.lines()
    deadline.calendar_version = calendar.version


def _drop(deadline: Deadline, reason: str) -> Change:
    deadline.state = "dropped"
    return _change("dropped", deadline, deadline.due, reason)


def _change(what: What, deadline: Deadline, old: datetime | None, reason: str) -> Change:
    """A change as plain data; what is met or dropped has no due moment any more."""
    new = None if what in ("met", "dropped") else deadline.due
    return Change(what, deadline.id, deadline.name, deadline.title, old, new, deadline.provisional, reason)
