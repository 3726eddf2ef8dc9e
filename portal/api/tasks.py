"""Tasks: the lists of the inbox, claiming, giving back and completing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum

from flask import Response, jsonify
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema
from sqlalchemy.orm import Session

from portal import inbox
from portal.api.access import admit, needs
from portal.api.bodies import JSON, takes
from portal.api.description import BODIES, answers, calls, written
from portal.api.forms import Question, questions
from portal.api.once import Done, once
from portal.api.problems import language
from portal.api.shapes import (
    Answers,
    Body,
    Listed,
    Moment,
    Paged,
    Reference,
    Shape,
    Write,
    wrong_cursor,
)
from portal.cases import tasks
from portal.cases.drafts import tasks as task_drafts
from portal.cases.errors import NotYourRole, UnknownCase
from portal.cases.kernel import Kernel
from portal.cases.live import Cases, LiveCase
from portal.cases.models import Case, Task
from portal.cases.names import form_at, scope_of
from portal.edge.access import permit, signed_in
from portal.edge.acting import moment, reading
from portal.edge.errors import NotInTheirName
from portal.edge.machine import machine
from portal.edge.standing import calendar_in_force
from portal.identity import PARTY, Actor, Permission, Subject
from portal.identity import queries as people
from portal.identity.tokens import Scope
from portal.inbox import Bounds, Cursor, Filter, Light, Place, Row, View, light_of, party
from portal.inbox.rules import ANYBODY, MYSELF, NOBODY
from portal.procedures import Published

blueprint = calls("tasks", "Tasks: listed as in the inbox, claimed, given back, completed.")
_NAME = "[A-Za-z0-9_-]{1,80}"


class Shown(StrEnum):
    """A list of the inbox: what one has claimed, what one's roles may claim, everything that is open."""

    MINE = "mine"
    GROUP = "group"
    ALL = "all"


_VIEWS = {Shown.MINE: View.MINE, Shown.GROUP: View.ROLE, Shown.ALL: View.ALL}


class TaskPath(Shape):
    """Which task."""

    task_id: Reference


class Wanted(Paged):
    """Which tasks. An applicant's list holds what his organisation is asked to do, whatever is asked for."""

    view: Shown = Shown.MINE
    procedure: str = Field("", description="`regulation/slug`", pattern=f"^({_NAME}/{_NAME})?$")
    step: str = Field("", max_length=200, description="The name of a step.")
    unit: str = Field("", max_length=100, description="Part of the name, or the code, of the party.")
    light: Light | SkipJsonSchema[None] = Field(None, description="How urgent.")
    holder: str = Field(ANYBODY, pattern=f"^({MYSELF}|{NOBODY}|[0-9]{{1,18}})?$", description="With view=all: by whom.")


class Completion(Body):
    """A task to be completed."""

    answers: Answers
    for_id: Reference | SkipJsonSchema[None] = Field(
        None,
        description="In whose name a deputy does it (代办): one of the task's `principals`. Without it in that of the "
        "task's own `for_id`.",
    )


class Principal(Shape):
    """Somebody for whom the user stands in."""

    id: int
    name: str


class TaskLine(Shape):
    """A task in a list."""

    id: int
    case: int
    number: str = Field(description="The number of its case.")
    procedure: str
    name: str
    form: str
    role: str
    due: Moment | None
    light: Light
    holder: str | None = Field(description="Who has claimed it.")


class TaskAsked(TaskLine):
    """A task with what it asks."""

    state: str = Field(description="open, done or gone")
    for_id: int | None = Field(
        description="For whom it was done, or the user would do it as a deputy; null for nobody but himself."
    )
    principals: list[Principal] = Field(
        description="Those in whose name the user may do it as a deputy, himself to choose. Empty where he has no "
        "choice: he holds the role himself, or does what one of them has claimed."
    )
    fields: list[Question] = Field(description="What is asked as long as nothing is answered.")


class TaskList(Listed[TaskLine]):
    """Some tasks, the most urgent first."""


@blueprint.get("/tasks", responses=answers(200, TaskList, 422))
@needs(Permission.TASK_LIST, Scope.READ)
def list_tasks(query: Wanted) -> Response:
    """Open tasks, the most urgent first."""
    actor, after = permit(), Cursor.read(query.after)
    if query.after is not None and after is None:
        raise wrong_cursor()
    with reading() as tx:
        limits = inbox.bounds(moment(tx), calendar_in_force(tx))
        read = _of_official if actor.official else _of_party
        lines, following = read(tx, actor, query, limits, after)
    told = TaskList(items=lines, next=str(following) if following is not None else None)
    return jsonify(told.model_dump(mode="json"))


@blueprint.get("/tasks/<int:task_id>", responses=answers(200, TaskAsked, 404))
@needs(Permission.TASK_COMPLETE, Scope.READ)
def read_task(path: TaskPath) -> Response:
    """A task with what it asks."""
    with reading() as tx:
        _actor, task = opened(tx, path.task_id)
        told = _told(tx, task, _case_of(tx, task), moment(tx))
    return jsonify(told.model_dump(mode="json"))


@blueprint.post("/tasks/<int:task_id>/claim", responses=written(200, TaskAsked, 404))
@needs(Permission.TASK_COMPLETE, Scope.WORK)
def claim_task(path: TaskPath, header: Write) -> Response:
    """Takes a task for oneself. 409 when somebody was faster."""
    return _handled(path.task_id, tasks.claim, "领取任务")


@blueprint.post("/tasks/<int:task_id>/release", responses=written(200, TaskAsked, 404))
@needs(Permission.TASK_COMPLETE, Scope.WORK)
def release_task(path: TaskPath, header: Write) -> Response:
    """Gives a claimed task back to its role."""
    return _handled(path.task_id, tasks.release, "退回任务")


def _handled(
    task_id: int, handle: Callable[[Kernel, Session, Actor, int, datetime], LiveCase], during: str
) -> Response:
    """Claims a task, or gives it back, and tells how it is then."""

    def act(tx: Session, now: datetime) -> Done:
        actor, task = opened(tx, task_id)
        case = handle(machine().kernel, tx, actor, task.id, now)
        return Done(_told(tx, task, case, now))

    return once(act, during)


@blueprint.post("/tasks/<int:task_id>/complete", responses=written(200, TaskAsked, 404, *BODIES))
@takes(JSON)
@needs(Permission.TASK_COMPLETE, Scope.WORK)
def complete_task(path: TaskPath, header: Write, body: Completion) -> Response:
    """Completes a task; an unclaimed one is claimed thereby. 409 when somebody was faster, or a deputy may not do it in
    the name that he has chosen."""

    def complete(tx: Session, now: datetime) -> Done:
        actor, task = opened(tx, path.task_id)
        case = tasks.complete(machine().kernel, tx, actor, task.id, body.answers, now, body.for_id)
        # Whom he need not have named is not passed over: what he said would not be what is recorded.
        if body.for_id not in (None, task.for_id):
            raise NotInTheirName()
        task_drafts.discard(tx, actor.person_id, task.id)
        return Done(_told(tx, task, case, now))

    return once(complete, "办理任务")


def opened(tx: Session, task_id: int) -> tuple[Actor, Task]:
    """A task that this user's role does, or his organisation; UnknownCase, NotYourRole.

    A party's own tasks are no official's, and who is no official does not learn of those of the authority.
    """
    task, actor = tx.get(Task, task_id), signed_in()
    if task is None or (actor.official and task.role == PARTY):
        raise UnknownCase()
    if actor.official and (task.assignee_id is not None or not actor.has(task.regulation, task.role)):
        regulation = _case_of(tx, task).published.regulation
        raise NotYourRole(role=regulation.role_title(task.role), case_id=task.case_id)
    if task.assignee_id is not None:
        subject = Subject(regulation=task.regulation, assigned_id=task.assignee_id)
    elif task.role == PARTY:
        subject = Subject(regulation=task.regulation, party_id=task.party_id, roles=frozenset({PARTY}))
    else:
        # Who has claimed it is asked under the lock, and told by name.
        subject = Subject(regulation=task.regulation, roles=frozenset({task.role}))
    return admit(subject), task


def _case_of(tx: Session, task: Task) -> LiveCase:
    return Cases(tx, machine().kernel.releases).get(task.case_id)


def _of_official(
    tx: Session, actor: Actor, query: Wanted, limits: Bounds, after: Cursor | None
) -> tuple[list[TaskLine], Cursor | None]:
    only = Filter(
        procedures=(_named(query.procedure),) if query.procedure else _with_step(tx, actor, query.step),
        step=query.step,
        unit=query.unit,
        light=query.light,
        holder=query.holder if query.view is Shown.ALL else ANYBODY,
    )
    place, view = Place.of(actor), _VIEWS[query.view]
    page = inbox.tasks_page(tx, place, view, only=only, limits=limits, after=after, size=query.limit)
    return [_line(tx, row, limits) for row in page.rows], page.following


def _of_party(
    tx: Session, actor: Actor, query: Wanted, limits: Bounds, after: Cursor | None
) -> tuple[list[TaskLine], Cursor | None]:
    if actor.organisation_id is None:
        return [], None
    found = party.tasks_of(tx, actor.organisation_id)
    ahead = [one for one in found if after is None or _place(one[0].due, one[0].id) > _place(after.due, after.id)]
    page = ahead[: query.limit]
    following = Cursor(page[-1][0].due, page[-1][0].id) if len(ahead) > len(page) else None
    return [_own(tx, task, case, limits) for task, case in page], following


def _place(due: datetime | None, task_id: int) -> tuple[bool, float, int]:
    """Where a task stands in a list: those due first, those never due last."""
    return due is None, due.timestamp() if due else 0.0, task_id


def _named(procedure: str) -> tuple[str, str]:
    regulation, _slash, slug = procedure.partition("/")
    return regulation, slug


def _with_step(tx: Session, actor: Actor, step: str) -> tuple[tuple[str, str], ...] | None:
    """The procedures of the official's regulations that have a step of that name; None where none is asked for."""
    if not step:
        return None
    mine = {regulation for regulation, _role in actor.roles}
    in_force: Iterable[Published] = machine().kernel.releases.in_force(tx)
    return tuple(
        (published.regulation.slug, procedure.slug)
        for published in in_force
        for procedure in published.procedures.values()
        if published.regulation.slug in mine
        and any(element.task and element.name == step for _drawing, element in procedure.elements())
    )


def _line(tx: Session, row: Row, limits: Bounds) -> TaskLine:
    published = machine().kernel.releases.get(tx, row.release_id)
    return TaskLine(
        id=row.task_id,
        case=row.case_id,
        number=row.number,
        procedure=f"{row.regulation}/{row.procedure}",
        name=row.name,
        form=row.form,
        role=published.regulation.role_title(row.role),
        due=row.due,
        light=light_of(row.due, limits),
        holder=row.holder,
    )


def _own(tx: Session, task: Task, case: Case, limits: Bounds) -> TaskLine:
    """A task as somebody reads it whose organisation does it."""
    published = machine().kernel.releases.get(tx, case.release_id)
    return TaskLine(
        id=task.id,
        case=case.id,
        number=case.number,
        procedure=f"{case.regulation}/{case.procedure}",
        name=task.name,
        form=task.form,
        role=published.regulation.role_title(task.role),
        due=task.due,
        light=light_of(task.due, limits),
        holder=_holder(tx, task),
    )


def _holder(tx: Session, task: Task) -> str | None:
    actor = signed_in()
    return actor.name if task.holder_id == actor.person_id else people.person_name(tx, task.holder_id) or None


def _told(tx: Session, task: Task, case: LiveCase, now: datetime) -> TaskAsked:
    tx.flush()
    limits = inbox.bounds(now, calendar_in_force(tx))
    is_open, actor = task.state == "open", signed_in()
    form = form_at(case, task.inside, task.form, language()) if is_open else None
    return TaskAsked(
        **_own(tx, task, case.row, limits).model_dump(),
        state=task.state,
        for_id=tasks.done_for(case, task, actor) if is_open else task.for_id,
        principals=_principals(case, task, actor) if is_open else [],
        fields=questions(form, scope_of(case, task.inside)),
    )


def _principals(case: LiveCase, task: Task, actor: Actor) -> list[Principal]:
    names = {one.person_id: one.name for one in actor.deputy_for}
    return [Principal(id=one, name=names[one]) for one in tasks.may_stand_in_for(case, task, actor)]
