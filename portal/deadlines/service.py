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
from portal.deadlines.warn import Said, following, moments, said_at
from portal.deadlines.weighing import weigh
from portal.deadlines.wording import event_text

Rules = Iterable[DeadlineRule]


def of_case(tx: Session, case_id: int) -> list[Deadline]:
    """All deadlines of a case, dropped ones too, in the order in which they started."""
    return list(tx.scalars(select(Deadline).where(Deadline.case_id == case_id).order_by(Deadline.id)))


def running_of(tx: Session, cases: Collection[int]) -> dict[int, list[Deadline]]:
    """The deadlines that run in some cases, by case, in the order in which they started."""
    found: dict[int, list[Deadline]] = {case_id: [] for case_id in cases}
    running = select(Deadline).where(Deadline.case_id.in_(found), Deadline.state == "running")
    for deadline in tx.scalars(running.order_by(Deadline.id)) if found else ():
        found[deadline.case_id].append(deadline)
    return found


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
            deadline.state, deadline.met_at, deadline.warn_at = "met", at, None
            changes.append(_change("met", deadline, deadline.due, event_text(event)))
        if event in rule.after and _starts(event, at, deadline):
            changes += _start(tx, case_id, rule, event, at, calendar, deadline)
    tx.flush()
    return changes


def recompute(
    tx: Session, case_id: int, rules: Rules, calendar: Calendar, moment: datetime, ended_at: datetime | None = None
) -> list[Change]:
    """Bring the running deadlines to a calendar; what is past, or would become so, stays and says why.

    Provisional ones are always computed again: a newer `holidays` library may know the notice too.
    Of a case that has ended, what is over is left alone.
    """
    stale = or_(Deadline.calendar_version != calendar.version, Deadline.provisional)
    running = select(Deadline).where(Deadline.case_id == case_id, Deadline.state == "running", stale)
    if ended_at is not None:
        running = running.where(Deadline.due > max(ended_at, moment))
    by_name = {rule.name: rule for rule in rules}
    changes = []
    for deadline in tx.scalars(running.order_by(Deadline.id)).all():
        if rule := by_name.get(deadline.name):
            changes += _renew(deadline, rule, calendar, moment)
    tx.flush()
    return changes


def move_start(tx: Session, case_id: int, rules: Rules, event: str, at: datetime, calendar: Calendar) -> list[Change]:
    """Correct when an event happened (a service date): the deadlines that run from it are counted anew.

    Met ones too, for it decides whether they were met in time; dropped ones stay. Those the event itself met
    are met at the corrected moment. The new end may lie in the past: the caller gets the old and the new due
    moment and judges what a timer has already done.
    """
    newest = latest(tx, case_id)
    changes = []
    for rule in rules:
        deadline = newest.get(rule.name)
        if deadline is not None and event in rule.met and deadline.state == "met":
            deadline.met_at = at
        if deadline is None or deadline.event != event or deadline.state == "dropped":
            continue
        old, old_day = deadline.due, deadline.event_day
        deadline.event_day, deadline.started_at = day_of(at), at
        if deadline.event_day != old_day:
            # Counted anew, it is warned of anew.
            deadline.warned = []
            _set(deadline, compute(rule, deadline.event_day, calendar), rule, calendar)
            reason = f"{event_text(event)}的日期由{old_day}更正为{deadline.event_day}"
            changes.append(_change("moved", deadline, old, reason))
    tx.flush()
    return changes


def take_back(tx: Session, case_id: int, rules: Rules, event: str) -> list[Change]:
    """Take back that an event happened (a service struck out): nothing is over by it any more.

    Deadlines that run from it are dropped, those it met run again; what was met since stays met.
    """
    newest = latest(tx, case_id)
    changes = []
    for rule in rules:
        deadline = newest.get(rule.name)
        if deadline is None:
            continue
        if deadline.event == event and deadline.state == "running":
            changes.append(_drop(deadline, f"{event_text(event)}的记录已作废"))
        elif event in rule.met and deadline.state == "met":
            deadline.state, deadline.met_at = "running", None
            # Whoever looks for warnings finds out which is next.
            deadline.warn_at = deadline.started_at if rule.warn else None
            changes.append(_change("started", deadline, None, f"{event_text(event)}的记录已作废，恢复计算"))
    tx.flush()
    return changes


def happened_again(
    tx: Session, case_id: int, rules: Rules, event: str, at: datetime, calendar: Calendar
) -> list[Change]:
    """Note that an event happened whose first happening was taken back: what was met since is only counted anew."""
    every, newest = list(rules), latest(tx, case_id)
    met = [
        rule
        for rule in every
        if (deadline := newest.get(rule.name)) and deadline.event == event and deadline.state == "met"
    ]
    moved = move_start(tx, case_id, met, event, at, calendar)
    return [*moved, *happened(tx, case_id, [rule for rule in every if rule not in met], event, at, calendar)]


def drop_running(tx: Session, case_id: int, keep: Collection[str] = (), reason: str = "案件已结束") -> list[Change]:
    """Drop the running deadlines of a case, as at its end, but for the names to keep."""
    running = [deadline for deadline in of_case(tx, case_id) if deadline.state == "running"]
    changes = [_drop(deadline, reason) for deadline in running if deadline.name not in keep]
    tx.flush()
    return changes


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
        warned=[],
    )
    _set(deadline, compute(rule, deadline.event_day, calendar), rule, calendar)
    tx.add(deadline)
    tx.flush()
    return [*changes, _change("started", deadline, None, event_text(event))]


def _renew(deadline: Deadline, rule: DeadlineRule, calendar: Calendar, moment: datetime) -> list[Change]:
    """Bring one running deadline to a newly computed end, or keep it and say why."""
    old, new = deadline.due, compute(rule, deadline.event_day, calendar)
    verdict = weigh(deadline, deadline.explanation, new, calendar, moment)
    if verdict.fate == "kept":
        deadline.calendar_version, deadline.provisional = calendar.version, verdict.provisional
        _watch(deadline, rule, calendar)
        if deadline.explanation[-1]["reason"] == verdict.reason:
            return []
        remark: Explained = {"day": day_of(moment).isoformat(), "counted": None, "reason": verdict.reason}
        deadline.explanation = [*deadline.explanation, remark]
    else:
        _set(deadline, new, rule, calendar)
    if verdict.fate == "moved":
        _say_again(deadline, rule, calendar, moment)
    return [_change(verdict.fate, deadline, old, verdict.reason)] if verdict.fate else []


def _set(deadline: Deadline, computed: Computed, rule: DeadlineRule, calendar: Calendar) -> None:
    deadline.last_day, deadline.due = computed.last_day, computed.due
    deadline.provisional, deadline.explanation = computed.provisional, computed.lines()
    deadline.calendar_version = calendar.version
    _watch(deadline, rule, calendar)


def _say_again(deadline: Deadline, rule: DeadlineRule, calendar: Calendar, moment: datetime) -> None:
    """Lets the warnings be said again whose days have moved to after a moment."""
    ahead = {str(warn) for at, warn in moments(rule.warn, deadline, calendar) if at > moment}
    deadline.warned = [warn for warn in deadline.warned if warn not in ahead]
    _watch(deadline, rule, calendar)


def _watch(deadline: Deadline, rule: DeadlineRule, calendar: Calendar) -> None:
    """Notes when the next warning comes."""
    running = deadline.state == "running"
    deadline.warn_at = following(rule.warn, deadline.warned, deadline, calendar) if running else None


def _drop(deadline: Deadline, reason: str) -> Change:
    deadline.state, deadline.warn_at = "dropped", None
    return _change("dropped", deadline, deadline.due, reason)


def _change(what: What, deadline: Deadline, old: datetime | None, reason: str) -> Change:
    """A change as plain data; what is met or dropped has no due moment any more."""
    new = None if what in ("met", "dropped") else deadline.due
    return Change(
        what, deadline.id, deadline.name, deadline.title, old, new, deadline.provisional, reason, deadline.stands
    )
