"""Counts one deadline anew: its end, its days, which warning comes next, and what the change is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from portal.calendar.rules import Calendar
from portal.clock import day_of
from portal.deadlines.changes import Change, What
from portal.deadlines.models import Deadline, DeadlineExtension, DeadlinePause
from portal.deadlines.pausing import Stood, so_far
from portal.deadlines.rules import Computed, DeadlineRule, Explained, course, explained, parse_length
from portal.deadlines.warn import following, moments
from portal.deadlines.wording import extension_text


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


def count(deadline: Deadline, rule: DeadlineRule, calendar: Calendar, moment: datetime) -> None:
    """Counts a deadline anew; of one whose clock stands only the days so far."""
    remarks = [_remark(one) for one in deadline.extensions] if deadline.own_course else []
    deadline.calendar_version = calendar.version
    if deadline.state == "paused":
        deadline.explanation = [*days_so_far(deadline, calendar, moment), *remarks]
        return
    new = computed(deadline, rule, calendar)
    deadline.last_day, deadline.due, deadline.provisional = new.last_day, new.due, new.provisional
    deadline.explanation = [*new.lines(), *remarks]
    watch(deadline, rule, calendar)


def _remark(extension: DeadlineExtension) -> Explained:
    return {"day": day_of(extension.at).isoformat(), "counted": None, "reason": extension_text(extension)}


def close(tx: Session, pauses: Iterable[DeadlinePause], at: datetime) -> None:
    """Ends pauses at a moment; one that had not begun by then was none."""
    for one in pauses:
        if one.since < at:
            one.until = at
        else:
            one.deadline.pauses.remove(one)
            tx.delete(one)


def say_again(deadline: Deadline, rule: DeadlineRule, calendar: Calendar, moment: datetime) -> None:
    """Lets the warnings be said again whose days have moved to after a moment."""
    ahead = {str(warn) for at, warn in moments(rule.warn, deadline, calendar) if at > moment}
    deadline.warned = [warn for warn in deadline.warned if warn not in ahead]
    watch(deadline, rule, calendar)


def watch(deadline: Deadline, rule: DeadlineRule, calendar: Calendar) -> None:
    """Notes when the next warning comes."""
    running = deadline.state == "running"
    deadline.warn_at = following(rule.warn, deadline.warned, deadline, calendar) if running else None


def change(what: What, deadline: Deadline, old: datetime | None, reason: str) -> Change:
    """A change as plain data; what is met or dropped has no due moment any more."""
    new = None if what in ("met", "dropped") else deadline.ends
    return Change(
        what, deadline.id, deadline.name, deadline.title, old, new, deadline.provisional, reason, deadline.stands
    )
