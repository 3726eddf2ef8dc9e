"""The deadlines of a case: started, met, moved and dropped by what happens to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal.calendar.rules import Calendar
from portal.clock import day_of
from portal.deadlines.changes import Change, What
from portal.deadlines.models import Deadline, DeadlineExtension, DeadlinePause
from portal.deadlines.pausing import Stood, so_far
from portal.deadlines.rules import (
    LIVE,
    Computed,
    DeadlineRule,
    Explained,
    Length,
    Period,
    course,
    explained,
    parse_length,
)
from portal.deadlines.scopes import meant, preceding, reaches, seat
from portal.deadlines.warn import Said, following, moments, said_at
from portal.deadlines.weighing import weigh
from portal.deadlines.wording import event_text, extension_text, length_text

Rules = Iterable[DeadlineRule]
LengthOf = Callable[[DeadlineRule], Length]
"""How long a deadline that starts is: as its rule says, or as somebody has set it in the case."""


def by_rule(rule: DeadlineRule) -> Length:
    """The length that a rule says."""
    return rule.length


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


def live_of(tx: Session, case_id: int) -> list[Deadline]:
    """The deadlines of a case that are neither met nor dropped, in the order in which they started."""
    live = select(Deadline).where(Deadline.case_id == case_id, Deadline.state.in_(LIVE))
    return list(tx.scalars(live.order_by(Deadline.id)))


def latest(tx: Session, case_id: int) -> dict[str, Deadline]:
    """The newest deadline of each name, whatever its state."""
    return {deadline.name: deadline for deadline in of_case(tx, case_id)}


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
    changes = []
    for rule, deadline in _newest_of(tx, case_id, rules):
        if event in rule.met and deadline.state == "met":
            deadline.met_at = at
        if deadline.event != event or deadline.state == "dropped":
            continue
        old, old_day = deadline.due, deadline.event_day
        deadline.event_day, deadline.started_at = day_of(at), at
        if deadline.event_day != old_day:
            # Counted anew, it is warned of anew.
            deadline.warned = []
            _set(deadline, rule, calendar, at)
            reason = f"{event_text(event)}的日期由{old_day}更正为{deadline.event_day}"
            changes.append(_change("moved", deadline, old, reason))
    tx.flush()
    return changes


def take_back(tx: Session, case_id: int, rules: Rules, event: str, moment: datetime) -> list[Change]:
    """Take back that an event happened (a service struck out): nothing is over by it any more.

    Deadlines that run from it are dropped, those it met run again; what was met since stays met.
    """
    changes = []
    for rule, deadline in _newest_of(tx, case_id, rules):
        if deadline.event == event and deadline.live:
            changes.append(_drop(tx, deadline, f"{event_text(event)}的记录已作废", moment))
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
    every = list(rules)
    newest_rows = _newest_of(tx, case_id, every)
    met = [rule for rule, row in newest_rows if row.event == event and row.state == "met"]
    moved = move_start(tx, case_id, met, event, at, calendar)
    return [*moved, *happened(tx, case_id, [rule for rule in every if rule not in met], event, at, calendar)]


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
    change = _drop(tx, deadline, reason, moment)
    tx.flush()
    return change


def relength(
    tx: Session, deadline: Deadline, rule: DeadlineRule, length: Length, calendar: Calendar, moment: datetime
) -> list[Change]:
    """Give a deadline another length, as somebody has set it anew in the case; nothing when it is the same."""
    if str(length) == deadline.period:
        return []
    before, old = parse_length(deadline.period), deadline.due
    deadline.period = str(length)
    _set(deadline, rule, calendar, moment)
    _say_again(deadline, rule, calendar, moment)
    tx.flush()
    return [_change("moved", deadline, old, f"期限长度由{length_text(before)}改为{length_text(length)}")]


# The clock stands


def pause(
    tx: Session, deadline: Deadline, reason: Reason, since: datetime, rule: DeadlineRule, calendar: Calendar
) -> list[Change]:
    """Stop the clock of a deadline from a moment on, for a reason that does not hold it already.

    Where it stands already, it goes on standing until all its reasons have gone.
    """
    if reason.what in deadline.paused_by:
        return []
    deadline.own_course = True
    deadline.pauses.append(DeadlinePause(kind=reason.kind, what=reason.what, why=reason.why, since=since))
    if deadline.state == "running":
        deadline.state, deadline.warn_at = "paused", None
    _set(deadline, rule, calendar, since)
    tx.flush()
    return [_change("paused", deadline, deadline.due, reason.why)]


def resume(
    tx: Session, deadline: Deadline, what: str, at: datetime, rule: DeadlineRule, calendar: Calendar
) -> list[Change]:
    """Take one reason away for which a clock stands; the last one lets it run again, with what remains."""
    before = [one for one in deadline.open_pauses if one.what == what]
    if not before:
        return []
    _close(tx, before, at)
    why = before[0].why
    if deadline.open_pauses:
        _set(deadline, rule, calendar, at)
        tx.flush()
        return [_change("paused", deadline, deadline.due, f"{why}已结束，仍在暂停")]
    old = deadline.due
    deadline.state = "running"
    _set(deadline, rule, calendar, at)
    _say_again(deadline, rule, calendar, at)
    tx.flush()
    return [_change("resumed", deadline, old, f"{why}已结束")]


@dataclass(frozen=True)
class Reason:
    """For what a clock stands: its kind (`element`, `cases`, `action`), its name and what people read."""

    kind: str
    what: str
    why: str


@dataclass(frozen=True)
class Extending:
    """More time: how much, why, in which role (its title), by whom, for whom a deputy did it, and when."""

    by: Period
    reason: str
    signer: str
    person_id: int | None
    for_id: int | None
    at: datetime


def extend(
    tx: Session, deadline: Deadline, extending: Extending, rule: DeadlineRule, calendar: Calendar
) -> list[Change]:
    """Give a deadline more time; one whose clock stands gets it when it runs again."""
    old, deadline.own_course = deadline.due, True
    row = DeadlineExtension(
        by=str(extending.by),
        reason=extending.reason,
        signer=extending.signer,
        person_id=extending.person_id,
        for_id=extending.for_id,
        at=extending.at,
    )
    deadline.extensions.append(row)
    _set(deadline, rule, calendar, extending.at)
    _say_again(deadline, rule, calendar, extending.at)
    tx.flush()
    return [_change("extended", deadline, old, extension_text(row))]


def days_so_far(deadline: Deadline, calendar: Calendar, moment: datetime) -> list[Explained]:
    """Each day of a deadline whose clock stands, counted or not, up to a moment's day."""
    length = parse_length(deadline.period)
    days = so_far(length, deadline.event_day, calendar, deadline.kind, deadline.stood, deadline.lengthened, moment)
    return [explained(one) for one in days]


def computed(deadline: Deadline, rule: DeadlineRule, calendar: Calendar) -> Computed:
    """When a deadline that runs is over, by a calendar, with its own length, extensions and pauses."""
    return course(
        parse_length(deadline.period),
        deadline.event_day,
        calendar,
        stays=rule.holiday == "stays",
        extensions=deadline.lengthened,
        aside=Stood(deadline.kind, deadline.stood),
    )


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
    _set(deadline, rule, calendar, at)
    tx.add(deadline)
    tx.flush()
    return [*changes, _change("started", deadline, None, event_text(event))]


def _renew(deadline: Deadline, rule: DeadlineRule, calendar: Calendar, moment: datetime) -> list[Change]:
    """Bring one running deadline to a newly computed end, or keep it and say why."""
    old, new = deadline.due, computed(deadline, rule, calendar)
    verdict = weigh(deadline, deadline.explanation, new, calendar, moment)
    if verdict.fate == "kept":
        deadline.calendar_version, deadline.provisional = calendar.version, verdict.provisional
        _watch(deadline, rule, calendar)
        if deadline.explanation[-1]["reason"] == verdict.reason:
            return []
        remark: Explained = {"day": day_of(moment).isoformat(), "counted": None, "reason": verdict.reason}
        deadline.explanation = [*deadline.explanation, remark]
    else:
        _set(deadline, rule, calendar, moment)
    if verdict.fate == "moved":
        _say_again(deadline, rule, calendar, moment)
    return [_change(verdict.fate, deadline, old, verdict.reason)] if verdict.fate else []


def _set(deadline: Deadline, rule: DeadlineRule, calendar: Calendar, moment: datetime) -> None:
    """Counts a deadline anew; of one whose clock stands only the days so far."""
    remarks = [_remark(one) for one in deadline.extensions] if deadline.own_course else []
    deadline.calendar_version = calendar.version
    if deadline.state == "paused":
        deadline.explanation = [*days_so_far(deadline, calendar, moment), *remarks]
        return
    new = computed(deadline, rule, calendar)
    deadline.last_day, deadline.due, deadline.provisional = new.last_day, new.due, new.provisional
    deadline.explanation = [*new.lines(), *remarks]
    _watch(deadline, rule, calendar)


def _remark(extension: DeadlineExtension) -> Explained:
    return {"day": day_of(extension.at).isoformat(), "counted": None, "reason": extension_text(extension)}


def _close(tx: Session, pauses: Iterable[DeadlinePause], at: datetime) -> None:
    """Ends pauses at a moment; one that had not begun by then was none."""
    for one in pauses:
        if one.since < at:
            one.until = at
        else:
            one.deadline.pauses.remove(one)
            tx.delete(one)


def _meet(tx: Session, deadline: Deadline, rule: DeadlineRule, event: str, at: datetime, calendar: Calendar) -> Change:
    """A deadline is met, before its clock runs again if it stands."""
    if deadline.state == "paused":
        _close(tx, deadline.open_pauses, at)
        deadline.state = "running"
        _set(deadline, rule, calendar, at)
    deadline.state, deadline.met_at, deadline.warn_at = "met", at, None
    return _change("met", deadline, deadline.due, event_text(event))


def _say_again(deadline: Deadline, rule: DeadlineRule, calendar: Calendar, moment: datetime) -> None:
    """Lets the warnings be said again whose days have moved to after a moment."""
    ahead = {str(warn) for at, warn in moments(rule.warn, deadline, calendar) if at > moment}
    deadline.warned = [warn for warn in deadline.warned if warn not in ahead]
    _watch(deadline, rule, calendar)


def _watch(deadline: Deadline, rule: DeadlineRule, calendar: Calendar) -> None:
    """Notes when the next warning comes."""
    running = deadline.state == "running"
    deadline.warn_at = following(rule.warn, deadline.warned, deadline, calendar) if running else None


def _drop(tx: Session, deadline: Deadline, reason: str, moment: datetime) -> Change:
    _close(tx, deadline.open_pauses, moment)
    deadline.state, deadline.warn_at = "dropped", None
    return _change("dropped", deadline, deadline.due, reason)


def _change(what: What, deadline: Deadline, old: datetime | None, reason: str) -> Change:
    """A change as plain data; what is met or dropped has no due moment any more."""
    new = None if what in ("met", "dropped") else deadline.ends
    return Change(
        what, deadline.id, deadline.name, deadline.title, old, new, deadline.provisional, reason, deadline.stands
    )
