"""What people do with tasks: claim, release, complete."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from portal.cases import attachments, delivery, lengths, telling
from portal.cases.act import Act
from portal.cases.conduct import conduct
from portal.cases.errors import (
    AnsweredBefore,
    FormRefused,
    NotTheirDeputy,
    NotYourRole,
    PrincipalSeparated,
    Separated,
    TaskDone,
    TaskDoneFor,
    TaskGone,
    TaskHeld,
    TaskTooLate,
    UnknownCase,
)
from portal.cases.kernel import Kernel
from portal.cases.live import LiveCase
from portal.cases.models import Task
from portal.cases.names import evaluate, form_at, scope_of
from portal.cases.rights import check_may_file
from portal.cases.separation import Doers, Done, conflict
from portal.clock import TZ, day_of
from portal.forms import Checked, Choices, Form, Option, parties
from portal.identity import Actor, queries
from portal.identity import service as identity
from portal.procedures.regulation import PARTY
from portal.procedures.validity import in_words


def claim(
    kernel: Kernel, tx: Session, actor: Actor, task_id: int, moment: datetime, for_id: int | None = None
) -> LiveCase:
    """Takes a task for oneself, and tells of which case it is; the others of the role see who holds it.

    What somebody holds for whom the actor stands in he need not claim, and cannot: he may do it as it is. `for_id`
    is for whom he does it when several have lent him the role. Raises what `complete` raises but FormRefused.
    """

    case_id = _case_of(tx, task_id)

    def verb(act: Act) -> LiveCase:
        task, case = _open_task(act, actor, case_id, task_id, for_id)
        other = _other_holder(tx, task, actor, moment)
        if other is not None:
            raise TaskHeld(who=other)
        task.holder_id, task.for_id, task.held_at = actor.person_id, act.for_id, moment
        act.note(case, "task.claimed", task.element, task=task.name)
        return case

    return conduct(kernel, tx, case_id, moment, "claim", verb, actor)


def release(kernel: Kernel, tx: Session, actor: Actor, task_id: int, moment: datetime) -> LiveCase:
    """Gives a claimed task back to its role, and tells of which case it is."""
    case_id = _case_of(tx, task_id)

    def verb(act: Act) -> LiveCase:
        task, case = _open_task(act, actor, case_id, task_id)
        task.holder_id = task.for_id = task.held_at = None
        act.note(case, "task.released", task.element, task=task.name)
        return case

    return conduct(kernel, tx, case_id, moment, "release", verb, actor)


def left_behind(tx: Session, moment: datetime) -> list[int]:
    """The open tasks whose holders have left their roles, or the portal, and cannot do them any more."""
    held = (Task.state == "open", Task.holder_id.is_not(None), Task.role != PARTY, Task.assignee_id.is_(None))
    place = (Task.holder_id, Task.regulation, Task.role)
    places = tx.execute(select(*place).where(*held).distinct()).all()
    holders = {row.holder_id: identity.actor_of(tx, row.holder_id, day_of(moment)) for row in places}
    left = [tuple(row) for row in places if not _holds(holders[row.holder_id], row.regulation, row.role)]
    return list(tx.scalars(select(Task.id).where(*held, tuple_(*place).in_(left)).order_by(Task.id)))


def free(kernel: Kernel, tx: Session, task_id: int, moment: datetime) -> None:
    """Gives a task that was left behind back to its role, so that the others find it in their lists; nothing when it
    is so no longer."""

    def verb(act: Act) -> None:
        task = act.tx.get_one(Task, task_id)
        if task.state != "open" or task.holder_id is None:
            return
        if _holds(identity.actor_of(act.tx, task.holder_id, day_of(moment)), task.regulation, task.role):
            return
        who = queries.person_name(act.tx, task.holder_id)
        task.holder_id = task.for_id = task.held_at = None
        act.note(act.family.cases.get(task.case_id), "task.freed", task.element, task=task.name, who=who)

    conduct(kernel, tx, _case_of(tx, task_id), moment, "release", verb)


def _holds(holder: Actor | None, regulation: str, role: str) -> bool:
    return holder is not None and holder.has(regulation, role)


def complete(
    kernel: Kernel,
    tx: Session,
    actor: Actor,
    task_id: int,
    answers: Mapping[str, object],
    moment: datetime,
    for_id: int | None = None,
) -> LiveCase:
    """Completes a task with the answers to its form, and tells of which case; an unclaimed one is claimed thereby.

    A deputy does what the one for whom he stands in has claimed, or what is free for the role that is lent to him;
    `for_id` chooses for whom when several have. Raises TaskDone (with who was faster), TaskGone, TaskHeld,
    NotYourRole, NotTheirDeputy, Separated or FormRefused.
    """

    case_id = _case_of(tx, task_id)

    def verb(act: Act) -> LiveCase:
        task, case = _open_task(act, actor, case_id, task_id, for_id)
        values = check_answers(case, task.inside, task.form, answers)
        if values.errors:
            raise FormRefused(values.errors)
        drawn, running = case.element(task.scope, task.element), lengths.running(case)
        lengths.check(case.procedure, drawn, values.values, day_of(moment), act.calendar, running)
        attachments.bind(act.tx, case, form_at(case, task.inside, task.form), values.answered, actor)
        delivery.prove_by_acting(act, case, actor)
        act.complete(case, task, values.values, values.revised)
        task.holder_id, task.for_id = actor.person_id, act.for_id
        telling.done_in_name(act.post, case, act.for_id, f"{actor.name}代您办理了：{task.name}", moment)
        return case

    return conduct(kernel, tx, case_id, moment, "complete", verb, actor)


def asked_for(case: LiveCase, task: Task) -> str:
    """The text by which an office asked for a task, as the diagram says; empty where it says nothing."""
    drawn = case.element(task.scope, task.element).task
    said = evaluate(case, drawn.asks.removeprefix("="), task.inside) if drawn is not None and drawn.asks else None
    return said if isinstance(said, str) else ""


def revised_by(case: LiveCase, task: Task) -> Mapping[str, Any] | None:
    """The answers that the party would replace by a task, as they stand; None where it replaces none."""
    drawn = case.element(task.scope, task.element).task
    said = case.values.latest(task.scope, drawn.revises) if drawn is not None and drawn.revises else None
    return said.value if said is not None else None


def check_answers(case: LiveCase, scope: str, form: str, answers: Mapping[str, object]) -> Checked:
    """The answers to a form at a place of a case, checked; an organisation named in them must exist."""
    read = form_at(case, scope, form)
    answers = read.spread(answers)
    return read.check(answers, scope_of(case, scope), known_parties(case.tx, read, answers))


def known_parties(tx: Session, form: Form, answers: Mapping[str, object]) -> Choices:
    """For each field that names an organisation, the one it names if there is such a one; for a column of a table
    all those that its rows name."""
    choices = known_in_tables(tx, form, answers)
    for field in form.fields:
        if field.kind_name == "party":
            answer = answers.get(field.name)
            text = answer[0] if isinstance(answer, list) and answer else answer
            named = identity.organisation_by_uscc(tx, text) if isinstance(text, str) else None
            choices[field.name] = [Option(named.uscc, named.name)] if named else []
    return choices


def known_in_tables(tx: Session, form: Form, answers: Mapping[str, object]) -> dict[str, list[Option]]:
    """For each column that names organisations, those that the rows of its table name, asked for at once."""
    choices = {}
    for field in form.fields:
        for column in field.columns:
            if column.kind_name == "party":
                typed = (row.get(column.name) for row in form.rows(field, answers))
                codes = {parties.normal(text) for text in typed if isinstance(text, str)}
                names = queries.organisation_names(tx, filter(parties.is_valid, codes))
                choices[f"{field.name}.{column.name}"] = [Option(code, name) for code, name in names.items()]
    return choices


def done_for(case: LiveCase, task: Task, actor: Actor, chosen: int | None = None) -> int | None:
    """For whom a deputy does a task: whoever holds it, else the one he has chosen, now or as he claimed it; without
    choice the first for whom he may."""
    if chosen is None:
        kept = task.for_id if task.holder_id == actor.person_id else None
        offered = may_stand_in_for(case, task, actor)
        chosen = kept if kept in offered else next(iter(offered), kept)
    return actor.acts_for(task.regulation, task.role, task.holder_id, chosen)


def may_stand_in_for(case: LiveCase, task: Task, actor: Actor) -> tuple[int, ...]:
    """Those in whose name a deputy may do a task, who lent the role first at the front; nobody where that is no choice
    of his: because he holds the role himself, or one of them holds the task."""
    principals = actor.principals(task.regulation, task.role)
    if task.holder_id in principals or (task.regulation, task.role) not in actor.lent:
        return ()
    return tuple(one for one in principals if _barred_by(case, task, one) is None)


def may_do(case: LiveCase, task: Task, actor: Actor, chosen: int | None = None) -> None:
    """Raises NotYourRole, NotTheirDeputy, MayOnlyRead or Separated when a person may not do a task.

    `chosen` is for whom he would do it. What keeps the one from it keeps the other too. A task that is assigned to one
    party its people do and nobody in their place; to anybody else of an organisation it does not exist (UnknownCase).
    """
    if task.assignee_id is not None:
        _may_do_assigned(case, task, actor, chosen)
        return
    if task.role == PARTY:
        if actor.organisation_id is None or actor.organisation_id != case.row.party_id:
            raise UnknownCase()
        check_may_file(actor)
        return
    own_case = actor.organisation_id is not None and actor.organisation_id == case.row.party_id
    if own_case or not actor.has(case.row.regulation, task.role):
        raise NotYourRole(role=case.published.regulation.role_title(task.role))
    check_may_file(actor)
    if chosen is not None and chosen not in actor.principals(task.regulation, task.role):
        raise NotTheirDeputy()
    _check_separated(case, task, actor.person_id, Separated)
    principal = done_for(case, task, actor, chosen)
    if principal is not None:
        _check_separated(case, task, principal, PrincipalSeparated)


def _may_do_assigned(case: LiveCase, task: Task, actor: Actor, chosen: int | None) -> None:
    if actor.organisation_id != task.assignee_id:
        raise NotYourRole(role=case.published.regulation.role_title(task.role)) if actor.official else UnknownCase()
    check_may_file(actor)
    if chosen is not None:
        raise NotTheirDeputy()
    _check_separated(case, task, actor.person_id, Separated)


def _check_separated(case: LiveCase, task: Task, person_id: int, refusal: type[Separated]) -> None:
    other = _barred_by(case, task, person_id)
    if other is not None:
        raise refusal(step=task.name, other=_name_of(case, other))


def _barred_by(case: LiveCase, task: Task, person_id: int) -> Done | None:
    """The step that a person did, or somebody for him, which keeps him from this task."""
    family = [Doers(other.row.procedure, other.persons) for other in case.ancestors()]
    own = Doers(case.row.procedure, case.persons)
    return conflict(case.procedure.manifest.separation, task.element, person_id, own, family)


def check_free(tx: Session, task: Task, actor: Actor, moment: datetime) -> None:
    """Raises TaskHeld when somebody else has claimed a task who can still do it.

    Within a party, also one to whom the task is assigned, one person's claim must not let another miss the day, so
    there it keeps nobody out. Nor does it keep out who stands in for the holder, or for whom the holder has claimed it.
    """
    if task.for_id == actor.person_id or task.holder_id in actor.principals(task.regulation, task.role):
        return
    other = _other_holder(tx, task, actor, moment)
    if other is not None:
        raise TaskHeld(who=other)


def _other_holder(tx: Session, task: Task, actor: Actor, moment: datetime) -> str | None:
    """The name of whoever else has claimed a task and can still do it."""
    if task.role == PARTY or task.assignee_id is not None:
        return None
    if task.holder_id is None or task.holder_id == actor.person_id:
        return None
    holder = identity.actor_of(tx, task.holder_id, day_of(moment))
    return holder.name if holder is not None and _holds(holder, task.regulation, task.role) else None


def _name_of(case: LiveCase, step: Done) -> str:
    """How people call a step of the case or of one it comes from."""
    places = (case, *case.ancestors())
    own = (place.procedure for place in places if place.row.procedure == step.procedure)
    return next((procedure.name_of(step.element) for procedure in own), step.element)


def _case_of(tx: Session, task_id: int) -> int:
    found = tx.get(Task, task_id)
    if found is None:
        raise UnknownCase()
    return found.case_id


def gone(case: LiveCase, task: Task) -> TaskGone:
    """What is said to whoever comes to a task that waits no more: that its period was over, where a timer ended it."""
    if task.due is None or task.closed_at is None or task.closed_at < task.due:
        return TaskGone()
    drawn = case.procedure.drawing_at(task.scope).elements.values()
    if not any(one.attached_to == task.element and one.deadline == task.deadline for one in drawn):
        return TaskGone()
    title = case.procedure.manifest.deadlines[task.deadline or ""].title
    # A period is over at 24:00, the next day's beginning.
    last_day = in_words(day_of(task.due - timedelta(seconds=1)))
    return TaskTooLate(title=title, last_day=last_day, task=task.name)


def _open_task(act: Act, actor: Actor, case_id: int, task_id: int, chosen: int | None = None) -> tuple[Task, LiveCase]:
    """The task as it is under the lock, with its case, if the actor may do it now; says for whom he does it."""
    case = act.family.cases.get(case_id)
    task = next((one for one in case.open_tasks if one.id == task_id), None) or act.tx.get_one(Task, task_id)
    may_do(case, task, actor, chosen)
    if task.state == "done" and task.holder_id is not None and task.closed_at is not None:
        raise _done(act.tx, task, task.closed_at)
    if task.state != "open":
        raise gone(case, task)
    check_free(act.tx, task, actor, act.moment)
    act.done_for(done_for(case, task, actor, chosen))
    return task, case


def answered_before(tx: Session, case: LiveCase, task: Task, answers: Mapping[str, object]) -> AnsweredBefore | None:
    """What is said to the party who hands in a task that it has done already; nothing to a second click.

    That says the same once more; its files were taken the first time.
    """
    handed_in = case.values.at(task.place)
    if task.state != "done" or task.closed_at is None or handed_in is None:
        return None
    files = {field.name for field in form_at(case, task.inside, task.form).fields if field.kind_name == "filepicker"}
    again = {**answers, **{name: handed_in.value.get(name) for name in files}}
    checked = check_answers(case, task.inside, task.form, again)
    if not checked.errors and checked.values == handed_in.value:
        return None
    who, when = queries.person_name(tx, task.holder_id), task.closed_at.astimezone(TZ).strftime("%m-%d %H:%M")
    return AnsweredBefore(task=task.name, who=who, when=when, case_id=case.id)


def _done(tx: Session, task: Task, closed_at: datetime) -> TaskDone:
    said = {
        "who": queries.person_name(tx, task.holder_id),
        "when": closed_at.astimezone(TZ).strftime("%m-%d %H:%M"),
        "case_id": task.case_id,
    }
    if task.for_id is None:
        return TaskDone(**said)
    return TaskDoneFor(principal=queries.person_name(tx, task.for_id), **said)
