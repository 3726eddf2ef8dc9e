"""Writes where a case stands into its row, tasks and subscriptions, so that lists need no engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from portal.cases.live import LiveCase
from portal.cases.models import Subscription, Task
from portal.cases.names import Names
from portal.deadlines import service as deadlines
from portal.deadlines.models import Deadline
from portal.engine import OpenTask, Place

if TYPE_CHECKING:
    from portal.cases.act import Act


def end_if_over(act: Act, case: LiveCase) -> None:
    """Ends a case whose engine has reached an end event: outcome, deadlines, and the case it replaces."""
    position = act.family.positions.get(case.id)
    if position is None or case.ended or not position.ended or position.end is None:
        return
    end = case.element("", position.end)
    case.row.outcome, case.row.ended_at, case.row.status = end.name, act.moment, end.name
    act.note(case, "case.ended", end.id, outcome=end.name)
    newest = case.deadlines
    keep = {name for name, deadline in newest.items() if deadline.due <= act.moment}
    keep |= {name for name in newest if _met_by_service(case, name)}
    act.note_changes(case, deadlines.drop_running(act.tx, case.id, keep))
    if end.replaces == "about" and case.about is not None:
        _replace(act, case, case.about, end.replaced_as or end.name)


def _met_by_service(case: LiveCase, name: str) -> bool:
    """Whether the service of a letter already issued may still meet a deadline of the ended case."""
    rule = case.procedure.manifest.deadlines.get(name)
    return rule is not None and any(f"served({letter})" in rule.met for letter in case.letters)


def _replace(act: Act, case: LiveCase, replaced: LiveCase, outcome: str) -> None:
    if replaced.ended and replaced.row.outcome != outcome:
        act.note(replaced, "case.replaced", was=replaced.row.outcome, outcome=outcome, by=case.row.number)
        replaced.row.outcome = replaced.row.status = outcome


def project(act: Act, case: LiveCase) -> None:
    """Brings row, tasks and subscriptions to where the engine stands."""
    position = act.family.positions.get(case.id)
    if position is None:
        return
    waiting = position.waiting()
    newest = case.deadlines
    tasks = () if case.ended else waiting.tasks
    _tasks(act, case, {task.id: task for task in tasks}, newest)
    _subscriptions(act, case)
    case.row.state = position.dump()
    case.row.searchable = _searchable(case)
    timers = () if case.ended else waiting.timers
    running = [newest[t.deadline] for t in timers if t.deadline in newest]
    case.row.ripe_at = min((d.ripe for d in running if d.state == "running"), default=None)
    if not case.ended:
        case.row.status = _status(case, tasks, [m.place for m in waiting.messages])
    act.tx.flush()


def _tasks(act: Act, case: LiveCase, waiting: dict[str, OpenTask], newest: dict[str, Deadline]) -> None:
    rows = act.tx.scalars(select(Task).where(Task.case_id == case.id, Task.state == "open")).all()
    for row in rows:
        if row.engine_id not in waiting:
            row.state = "done" if (case.id, row.engine_id) in act.done_tasks else "gone"
            row.closed_at = act.moment
        elif row.deadline in newest:
            row.due = newest[row.deadline].due
    known = {row.engine_id for row in rows}
    for task in waiting.values():
        if task.id not in known:
            _open(act, case, task, newest)


def _open(act: Act, case: LiveCase, task: OpenTask, newest: dict[str, Deadline]) -> None:
    drawn = case.element(task.place.scope, task.place.element)
    if drawn.task is None:
        return
    deadline = newest.get(drawn.task.deadline) if drawn.task.deadline else None
    act.tx.add(
        Task(
            case_id=case.id,
            engine_id=task.id,
            scope=task.place.scope,
            element=task.place.element,
            visit=task.place.visit,
            name=drawn.name,
            regulation=case.row.regulation,
            role=case.procedure.manifest.role(drawn.task.role),
            form=drawn.task.form,
            deadline=drawn.task.deadline,
            due=deadline.due if deadline else None,
            opened_at=act.moment,
        )
    )


def _subscriptions(act: Act, case: LiveCase) -> None:
    act.tx.execute(delete(Subscription).where(Subscription.case_id == case.id))
    if case.ended:
        return
    for message in act.family.positions[case.id].waiting().messages:
        drawn = case.element(message.place.scope, message.place.element).message
        role = drawn.role if drawn else None
        act.tx.add(
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


def _searchable(case: LiveCase) -> dict[str, str]:
    """The values that lists show and search finds, by path."""
    found = {}
    for path in case.procedure.manifest.searchable:
        value: object = Names(case)
        for part in path.split("."):
            value = value.get(part) if hasattr(value, "get") else None
        if value is not None:
            found[path] = str(value)
    return found
