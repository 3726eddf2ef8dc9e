"""A deadline taken off its usual course: its clock stands and runs again, it gets more time, or another length."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.calendar.rules import Calendar
from portal.deadlines.changes import Change
from portal.deadlines.counting import change, close, count, say_again
from portal.deadlines.models import Deadline, DeadlineExtension, DeadlinePause
from portal.deadlines.rules import DeadlineRule, Length, Period, parse_length
from portal.deadlines.wording import extension_text, length_text


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


def relength(
    tx: Session, deadline: Deadline, rule: DeadlineRule, length: Length, calendar: Calendar, moment: datetime
) -> list[Change]:
    """Give a deadline another length, as somebody has set it anew in the case; nothing when it is the same."""
    if str(length) == deadline.period:
        return []
    before, old = parse_length(deadline.period), deadline.due
    deadline.period = str(length)
    count(deadline, rule, calendar, moment)
    say_again(deadline, rule, calendar, moment)
    tx.flush()
    return [change("moved", deadline, old, f"期限长度由{length_text(before)}改为{length_text(length)}")]


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
    count(deadline, rule, calendar, since)
    tx.flush()
    return [change("paused", deadline, deadline.due, reason.why)]


def resume(
    tx: Session, deadline: Deadline, what: str, at: datetime, rule: DeadlineRule, calendar: Calendar
) -> list[Change]:
    """Take one reason away for which a clock stands; the last one lets it run again, with what remains."""
    before = [one for one in deadline.open_pauses if one.what == what]
    if not before:
        return []
    close(tx, before, at)
    why = before[0].why
    if deadline.open_pauses:
        count(deadline, rule, calendar, at)
        tx.flush()
        return [change("paused", deadline, deadline.due, f"{why}已结束，仍在暂停")]
    old = deadline.due
    deadline.state = "running"
    count(deadline, rule, calendar, at)
    say_again(deadline, rule, calendar, at)
    tx.flush()
    return [change("resumed", deadline, old, f"{why}已结束")]


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
    count(deadline, rule, calendar, extending.at)
    say_again(deadline, rule, calendar, extending.at)
    tx.flush()
    return [change("extended", deadline, old, extension_text(row))]
