"""Brings the clocks of a case in line with where it stands: dates and lengths set in it, and what they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.calendar.rules import Calendar
from portal.cases import scopes
from portal.cases.lengths import length_from_now_on, length_of
from portal.cases.live import LiveCase
from portal.cases.models import Case, Task
from portal.cases.names import evaluate
from portal.cases.objected import filed_during, of_period
from portal.clock import day_of, start_of
from portal.deadlines import adjusting
from portal.deadlines import service as deadlines
from portal.deadlines.changes import Change
from portal.deadlines.models import Deadline
from portal.deadlines.rules import DeadlineRule, Length, While
from portal.deadlines.scopes import instance, manys, newest, reaches, within
from portal.engine import Place, Position

Spot = tuple[str, str]
"""A scope and an element in it."""


class Clocks(Protocol):
    """The part of an act that clocks need."""

    tx: Session
    moment: datetime

    @property
    def calendar(self) -> Calendar:
        """The calendar at its present version."""


def follow(act: Clocks, case: LiveCase, position: Position) -> list[Change]:
    """What becomes of the deadlines of a case that has come to rest, by what it says and where it waits now."""
    rules = case.procedure.manifest.deadlines
    changes = [change for rule in rules.values() if rule.dates for change in _dated(act, case, rule)]
    live = deadlines.live_of(act.tx, case.id)
    standing = _Standing(act.tx, case, position)
    for row in live:
        if (rule := rules.get(row.name)) is None:
            continue
        over = row.ends is not None and row.ends <= act.moment
        if _given_up(case, row, standing) if over else _left_behind(row, standing):
            changes.append(deadlines.drop(act.tx, row, "相关环节已经结束", act.moment))
        elif not over and rule.set_by:
            length = length_from_now_on(case, rule, row, act.calendar)
            changes += adjusting.relength(act.tx, row, rule, length, act.calendar, act.moment)
        if rule.pauses and row.live:
            changes += _paused(act, row, rule, standing)
    return changes


def is_followed(case: LiveCase) -> bool:
    """Whether anything but its events bears on the deadlines of a case."""
    rules = case.procedure.manifest.deadlines.values()
    if any(rule.dates or rule.set_by or rule.pauses for rule in rules):
        return True
    return bool(rules) and any(element.each for _drawing, element in case.procedure.elements())


def _dated(act: Clocks, case: LiveCase, rule: DeadlineRule) -> Iterator[Change]:
    """A deadline runs from a date that was said, and moves with it."""
    for path in rule.dates:
        value, event = evaluate(case, path), f"date({path})"
        day = day_of(value) if isinstance(value, datetime) else value
        if not isinstance(day, date):
            continue
        before = newest(deadlines.of_case(act.tx, case.id), rule.name, "")
        if before is not None and before.event == event:
            if before.event_day != day:
                since, at = before.started_at, start_of(day)
                yield from deadlines.move_start(act.tx, case.id, [rule], event, since, at, act.calendar)
            continue

        def length(rule: DeadlineRule, day: date = day) -> Length:
            return length_of(case, rule, "", day, act.calendar)

        at = start_of(day)
        yield from deadlines.happened(act.tx, case.id, [rule], event, at, act.calendar, length=length)


def _left_behind(row: Deadline, standing: _Standing) -> bool:
    """Whether the many in which a deadline started has been left as a whole."""
    return any(not standing.is_open(beginning) for beginning in manys(row.scope))


def _given_up(case: LiveCase, row: Deadline, standing: _Standing) -> bool:
    """Whether one of many has ended because the period that started in it was over, as the timer on it has it.

    What is over for want of anybody who would do it, such as an invitation to a seat that stays vacant, is late no
    more. Who is to be reminded of that hears it first.
    """
    one = instance(row.scope)
    timed = any(element.deadline == row.name for _drawing, element in case.procedure.elements())
    return bool(one) and timed and row.warn_at is None and not standing.is_open(one)


def _paused(act: Clocks, row: Deadline, rule: DeadlineRule, standing: _Standing) -> Iterator[Change]:
    """The clock stops for what has begun, and runs again when nothing of it is left; what is over stays over."""
    reasons = {str(one): one for one in rule.pauses}
    holding = {what: found for what, one in reasons.items() if (found := standing.holds(one, row))}
    for one in row.open_pauses:
        if one.kind != "action" and one.what not in holding:
            yield from adjusting.resume(act.tx, row, one.what, act.moment, rule, act.calendar)
    for what, found in holding.items():
        if what not in row.paused_by and (row.state == "paused" or row.due > act.moment):
            since = max(found.since or act.moment, min(row.started_at, act.moment))
            kind = reasons[what].kind
            why = reasons[what].title or found.why
            yield from adjusting.pause(act.tx, row, adjusting.Reason(kind, what, why), since, rule, act.calendar)


@dataclass(frozen=True)
class _Holding:
    """Something for which a clock stands: as people call it, and since when, if that is known."""

    why: str
    since: datetime | None


class _Standing:
    """Where a case waits: which of its elements are open, and which cases about it."""

    def __init__(self, tx: Session, case: LiveCase, position: Position) -> None:
        self._tx, self._case = tx, case
        waiting = position.waiting()
        self._tasks = {(task.place.scope, task.place.element): task.id for task in waiting.tasks}
        self._places = [one.place for each in (waiting.tasks, waiting.messages, waiting.timers) for one in each]
        self._open = set(self._open_spots(self._places))

    def is_open(self, beginning: str) -> bool:
        """Whether the case waits in a scope that begins so: in one of many, or, where it ends in a dot, in any."""
        if beginning.endswith("."):
            return any(place.scope.startswith(beginning) for place in self._places)
        return any(within(place.scope, beginning) for place in self._places)

    def holds(self, reason: While, row: Deadline) -> _Holding | None:
        """Whether a reason holds for a deadline; None when it does not."""
        return self._cases(reason.what, row) if reason.kind == "cases" else self._element(reason.what, row.scope)

    def _element(self, element: str, scope: str) -> _Holding | None:
        here = sorted(spot for spot in self._open if spot[1] == element and reaches(spot[0], scope))
        if not here:
            return None
        ids = [self._tasks[spot] for spot in here if spot in self._tasks]
        opened = select(func.min(Task.opened_at)).where(Task.case_id == self._case.id, Task.engine_id.in_(ids))
        return _Holding(self._case.element(*here[0]).name, self._tx.scalar(opened) if ids else None)

    def _cases(self, procedure: str, row: Deadline) -> _Holding | None:
        asked = select(Case.title, func.min(Case.filed_at)).where(
            Case.about_id == self._case.id, Case.procedure == procedure, Case.ended_at.is_(None)
        )
        shown = of_period(self._tx, row.id)
        if shown is not None:
            # What was filed while something else was shown does not keep this from running.
            asked = asked.where(filed_during(shown))
        found = self._tx.execute(asked.group_by(Case.title).order_by(func.min(Case.filed_at))).first()
        return _Holding(*found) if found else None

    def _open_spots(self, places: Iterable[Place]) -> Iterator[Spot]:
        for place in places:
            drawn = self._case.element(place.scope, place.element)
            if drawn.kind == "startEvent":
                continue  # an event subprocess that has not begun
            yield from self._around(place.scope, drawn.attached_to or drawn.id)
            for scope in scopes.outward(place.scope):
                if scope:
                    opener = scopes.opened_by(scope)
                    yield from self._around(opener.scope, opener.element)

    def _around(self, scope: str, key: str | None) -> Iterator[Spot]:
        """An element and the subprocesses that it stands in."""
        while key is not None:
            yield scope, key
            key = self._case.element(scope, key).parent
