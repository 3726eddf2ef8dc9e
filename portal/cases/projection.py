"""Writes where a case stands into its row, tasks and subscriptions, so that lists need no engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete
from sqlalchemy.orm import Session

from portal.cases import assigned, finding
from portal.cases.errors import StandsStill
from portal.cases.live import LiveCase
from portal.cases.models import Subscription, Task
from portal.cases.names import Names
from portal.deadlines import service as deadlines
from portal.deadlines.models import Deadline
from portal.deadlines.scopes import meant
from portal.engine import OpenMessage, OpenTask, OpenTimer, Place, Position, Waiting

_FROM_OUTSIDE = ("served(", "date(")
"""The events from which a period may begin while its case is at rest."""


class Moved(NamedTuple):
    """The tasks of a case that an act opened, with their ids, and those that it closed before anybody did them."""

    opened: Sequence[Task]
    gone: Sequence[Task]


def project(tx: Session, case: LiveCase, position: Position, moment: datetime) -> Moved:
    """Brings row, tasks and subscriptions to where the engine stands.

    Raises StandsStill when nothing could ever move the case on.
    """
    waiting = position.waiting()
    tasks = () if case.ended else waiting.tasks
    # New deadlines are written when they start: what else the act has changed is written below, all at once.
    with tx.no_autoflush:
        rows = deadlines.of_case(tx, case.id) if case.procedure.manifest.deadlines else []
        moved = _tasks(tx, case, {task.id: task for task in tasks}, rows, moment)
    is_new, searchable = not case.row.state, _searchable(case)
    is_said_anew = is_new or searchable != case.row.searchable
    case.row.state = position.dump()
    case.row.searchable = searchable
    timers = () if case.ended else waiting.timers
    timed = [row for timer in timers if (row := meant(rows, timer.place.scope).get(timer.deadline)) is not None]
    if not case.ended:
        _check_moves(case, waiting, rows)
    case.row.rests_until = None
    case.row.ripe_at = min((d.ripe for d in timed if d.state == "running"), default=None)
    if not case.ended:
        messages = [message.place for message in waiting.messages]
        unserved = _unserved(case, timed)
        case.row.status = unserved if unserved and not tasks else _status(case, tasks, messages)
    _subscriptions(tx, case, () if case.ended else waiting.messages)
    tx.flush()
    if is_said_anew:
        finding.case_changed(tx, case)
    return moved


def _check_moves(case: LiveCase, waiting: Waiting, rows: Sequence[Deadline]) -> None:
    """Raises StandsStill when no task is open, no message awaited, and no period of a timer will ever be over.

    What waits at the edge of an activity, or for an event subprocess, does not count: it stands beside something else.
    """
    on_the_way = [one.place for one in waiting.messages if _is_on_the_way(case, one.place)]
    timers = [timer for timer in waiting.timers if _is_on_the_way(case, timer.place)]
    if not waiting.tasks and not on_the_way and not any(_may_be_over(case, timer, rows) for timer in timers):
        raise StandsStill(waiting="、".join(case.element(one.place.scope, one.place.element).name for one in timers))


def _is_on_the_way(case: LiveCase, place: Place) -> bool:
    return case.element(place.scope, place.element).kind == "intermediateCatchEvent"


def _may_be_over(case: LiveCase, timer: OpenTimer, rows: Sequence[Deadline]) -> bool:
    """Whether the period of a timer is under way, or may yet begin without a step of the case."""
    row = meant(rows, timer.place.scope).get(timer.deadline)
    rule = case.procedure.manifest.deadlines.get(timer.deadline)
    from_outside = rule is not None and any(event.startswith(_FROM_OUTSIDE) for event in rule.after)
    return from_outside or (row is not None and row.live)


def _tasks(
    tx: Session,
    case: LiveCase,
    waiting: Mapping[str, OpenTask],
    rows_of: Sequence[Deadline],
    moment: datetime,
) -> Moved:
    """Closes the tasks that wait no more though nobody has done them, and opens the new ones."""
    rows = [row for row in case.open_tasks if row.state == "open"]
    for row in rows:
        if row.engine_id not in waiting:
            row.state, row.closed_at = "gone", moment
        else:
            row.due = _due(rows_of, row.deadline, row.scope)
    known = {row.engine_id for row in rows}
    opened = [_opened(case, task, rows_of, moment) for task in waiting.values() if task.id not in known]
    tx.add_all(opened)
    case.open_tasks = [row for row in (*rows, *opened) if row.state == "open"]
    return Moved(opened, [row for row in rows if row.state == "gone"])


def _due(rows: Sequence[Deadline], name: str | None, scope: str) -> datetime | None:
    """By when a task is to be done; None while that is not known, or its deadline has not begun."""
    found = deadlines.of_task(rows, name, scope)
    return found.ends if found is not None else None


def _opened(case: LiveCase, task: OpenTask, rows: Sequence[Deadline], moment: datetime) -> Task:
    element = case.element(task.place.scope, task.place.element)
    drawn = element.task
    if drawn is None:
        raise ValueError(f"the user task {element.id} names no role")  # `portal check` refuses it
    return Task(
        case_id=case.id,
        engine_id=task.id,
        scope=task.place.scope,
        element=task.place.element,
        visit=task.place.visit,
        item=task.place.item,
        name=element.name,
        regulation=case.row.regulation,
        procedure=case.row.procedure,
        party_id=case.row.party_id,
        role=case.procedure.manifest.role(drawn.role),
        assignee_id=assigned.assignee_id(case, task.place, element),
        form=drawn.form,
        deadline=drawn.deadline,
        due=_due(rows, drawn.deadline, task.place.scope),
        opened_at=moment,
        state="open",
    )


def _subscriptions(tx: Session, case: LiveCase, waiting: tuple[OpenMessage, ...]) -> None:
    if waiting == case.awaited:
        return
    case.awaited = waiting
    tx.execute(delete(Subscription).where(Subscription.case_id == case.id))
    for message in waiting:
        drawn = case.element(message.place.scope, message.place.element).message
        role = drawn.role if drawn else None
        tx.add(
            Subscription(
                case_id=case.id,
                engine_id=message.id,
                scope=message.place.scope,
                element=message.place.element,
                visit=message.place.visit,
                item=message.place.item,
                message=message.name,
                role=case.procedure.manifest.role(role) if role else None,
            )
        )


def _status(case: LiveCase, tasks: tuple[OpenTask, ...], messages: list[Place]) -> str:
    """What an applicant reads: of the first waiting element that says it, else the first one's name."""
    places = [task.place for task in tasks] + messages
    said = [case.element(place.scope, place.element) for place in places]
    gateways = [
        gateway
        for place in messages
        for flow in case.procedure.drawing_at(place.scope).into(place.element)
        if (gateway := case.element(place.scope, flow.source)).kind == "eventBasedGateway"
    ]
    waiting = [*said[: len(tasks)], *gateways, *said[len(tasks) :]]
    texts = [element.status for element in waiting if element.status]
    return next(iter(texts), waiting[0].name if waiting else "")


def _unserved(case: LiveCase, timed: Iterable[Deadline]) -> str | None:
    """What is awaited while a timer stands still because the service that its deadline ran from was struck out."""
    events = {deadline.event for deadline in timed if deadline.state == "dropped"}
    waits = (element for _drawing, element in case.procedure.elements() if element.message and events)
    found = (one for one in waits if one.message and f"served({one.message.document})" in events)
    return next((one.status or one.name for one in found), None)


def _searchable(case: LiveCase) -> dict[str, str]:
    """The values that lists show and search finds, by path."""
    found = {}
    for path in case.procedure.manifest.searchable:
        value: object = Names(case)
        for part in path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None:
            found[path] = str(value)
    return found
