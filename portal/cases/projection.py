"""Writes where a case stands into its row, tasks and subscriptions, so that lists need no engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from portal.cases import finding
from portal.cases.live import LiveCase
from portal.cases.models import Subscription, Task
from portal.cases.names import Names
from portal.deadlines.models import Deadline
from portal.engine import OpenMessage, OpenTask, Place, Position


def project(tx: Session, case: LiveCase, position: Position, moment: datetime, done: Set[str]) -> list[Task]:
    """Brings row, tasks and subscriptions to where the engine stands; `done` are the tasks just completed.

    The tasks that are new, with their ids.
    """
    waiting = position.waiting()
    newest = case.deadlines
    tasks = () if case.ended else waiting.tasks
    opened = _tasks(tx, case, {task.id: task for task in tasks}, newest, moment, done)
    _subscriptions(tx, case, () if case.ended else waiting.messages)
    is_new, searchable = not case.row.state, _searchable(case)
    is_said_anew = is_new or searchable != case.row.searchable
    case.row.state = position.dump()
    case.row.searchable = searchable
    timers = () if case.ended else waiting.timers
    running = [newest[t.deadline] for t in timers if t.deadline in newest]
    case.row.rests_until = None
    case.row.ripe_at = min((d.ripe for d in running if d.state == "running"), default=None)
    if not case.ended:
        messages = [message.place for message in waiting.messages]
        unserved = _unserved(case, [newest[t.deadline] for t in timers if t.deadline in newest])
        case.row.status = unserved if unserved and not tasks else _status(case, tasks, messages)
    tx.flush()
    if is_said_anew:
        finding.case_changed(tx, case)
    return opened


def _tasks(
    tx: Session,
    case: LiveCase,
    waiting: Mapping[str, OpenTask],
    newest: Mapping[str, Deadline],
    moment: datetime,
    done: Set[str],
) -> list[Task]:
    """Closes the tasks that wait no more and opens the new ones, which it returns."""
    rows = tx.scalars(select(Task).where(Task.case_id == case.id, Task.state == "open")).all()
    for row in rows:
        if row.engine_id not in waiting:
            row.state = "done" if row.engine_id in done else "gone"
            row.closed_at = moment
        elif row.deadline is not None and row.deadline in newest:
            row.due = newest[row.deadline].due
    known = {row.engine_id for row in rows}
    opened = [_opened(case, task, newest, moment) for task in waiting.values() if task.id not in known]
    tx.add_all(opened)
    return opened


def _opened(case: LiveCase, task: OpenTask, newest: Mapping[str, Deadline], moment: datetime) -> Task:
    element = case.element(task.place.scope, task.place.element)
    drawn = element.task
    if drawn is None:
        raise ValueError(f"the user task {element.id} names no role")  # `portal check` refuses it
    deadline = newest.get(drawn.deadline) if drawn.deadline else None
    return Task(
        case_id=case.id,
        engine_id=task.id,
        scope=task.place.scope,
        element=task.place.element,
        visit=task.place.visit,
        name=element.name,
        regulation=case.row.regulation,
        procedure=case.row.procedure,
        party_id=case.row.party_id,
        role=case.procedure.manifest.role(drawn.role),
        form=drawn.form,
        deadline=drawn.deadline,
        due=deadline.due if deadline else None,
        opened_at=moment,
    )


def _subscriptions(tx: Session, case: LiveCase, waiting: Iterable[OpenMessage]) -> None:
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
