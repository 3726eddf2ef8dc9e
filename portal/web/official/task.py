"""The page of one task: its form on the left, the case's file on the right; handing it in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import inbox
from portal.cases import errors as cases
from portal.cases import tasks
from portal.cases.live import Cases, LiveCase
from portal.cases.models import Task
from portal.cases.names import scope_of
from portal.engine import Place
from portal.errors import PortalError
from portal.forms import REFRESH, FieldError, FormView, posted
from portal.identity import Actor, Permission, Subject
from portal.procedures.regulation import PARTY
from portal.web import choices, dates, tables
from portal.web.access import needs, permit, signed_in
from portal.web.acting import act, moment, reading
from portal.web.articles import citation
from portal.web.casefile import CaseFile, case_file
from portal.web.machine import machine
from portal.web.official.blueprint import blueprint, frame, place_of
from portal.web.pages import render
from portal.web.uploads import Taken, take

Answers = Mapping[str, object]


@dataclass(frozen=True)
class Obstacle:
    """Why the form cannot be handed in, in words; `over` when it never will be, so that it offers no button."""

    text: str
    over: bool


@dataclass(frozen=True)
class Sheet:
    """What the page shows of the task itself."""

    task: Task
    title: str
    role: str
    article: str | None
    assumed: str | None
    form: FormView
    obstacle: Obstacle | None
    mine: bool
    free: bool


@blueprint.get("/tasks/<int:task_id>")
@needs(Permission.TASK_COMPLETE)
def task_page(task_id: int) -> ResponseReturnValue:
    """The task, to be filled in by those of its role; a task that is over leads to its case."""
    with reading() as tx:
        actor, task, case = _opened(tx, task_id)
        if task.state != "open":
            flash(_("“%(task)s”已经办结，案件现状如下。", task=task.name), "success")
            return redirect(f"/cases/{case.id}")
        return _page(tx, actor, task, case, None, {}, _obstacle(tx, actor, task, case))


@blueprint.post("/tasks/<int:task_id>")
@needs(Permission.TASK_COMPLETE)
def hand_in(task_id: int) -> ResponseReturnValue:
    """Completes the task; what was typed stays on the page whenever that cannot be done."""
    answers: Answers = posted(request.form.items(multi=True))
    with reading() as tx:
        actor, task, case = _opened(tx, task_id)
        if _done_by(task, actor):
            return _politely_on(tx, actor, task, _same(case, task, answers))
        form = case.procedure.forms[task.form]
        asked = tables.asked(form)
        if asked is not None and asked.gives_out:
            known = choices.offered(tx, case.published.regulation, form, answers, actor.person_id, case.id)
            return tables.given_out(form, asked, answers, scope_of(case, task.scope), known)
        if REFRESH in request.form and asked is None:
            return _page(tx, actor, task, case, answers, {}, _obstacle(tx, actor, task, case))
    taken = take(case.procedure, form, answers, actor)
    if asked is not None:
        return _changed(task_id, asked, taken)
    if taken.errors:
        return _again(task_id, taken.answers, taken.errors), 422
    try:
        act(
            lambda tx, now: tasks.complete(machine().kernel, tx, actor, task_id, taken.answers, now),
            _("办理“%(task)s”", task=task.name),
            case.id,
        )
    except cases.FormRefused as refusal:
        return _again(task_id, taken.answers, refusal.fields), 422
    except (cases.TaskDone, cases.TaskGone, cases.TaskHeld, cases.UnknownParty) as refusal:
        return _too_slow(task_id, taken.answers, refusal)
    with reading() as tx:
        return _on(tx, actor, _("“%(task)s”已提交。", task=f"{case.row.number} {task.name}"))


def _changed(task_id: int, asked: tables.Asked, taken: Taken) -> ResponseReturnValue:
    """The form after a button of a table was pressed; nothing is stored but new files."""
    with reading() as tx:
        actor, task, case = _opened(tx, task_id)
        form = case.procedure.forms[task.form]
        changed = tables.change(tx, form, asked, taken.answers, scope_of(case, task.scope))
        errors, obstacle = {**taken.errors, **changed.errors}, _obstacle(tx, actor, task, case)
        page = _page(tx, actor, task, case, changed.answers, errors, obstacle, changed.said)
        return page, 422 if errors else 200


def _opened(tx: Session, task_id: int) -> tuple[Actor, Task, LiveCase]:
    """The task with its case, if the person's role does such tasks; a party's own tasks are not done here."""
    task = tx.get(Task, task_id)
    if task is None or task.role == PARTY:
        raise cases.UnknownCase
    case = Cases(tx, machine().kernel.releases).get(task.case_id)
    if not signed_in().has(task.regulation, task.role):
        raise cases.NotYourRole(role=case.published.regulation.role_title(task.role))
    # Who has claimed it is asked under the lock, and told by name.
    actor = permit(Subject(regulation=task.regulation, roles=frozenset({task.role})))
    return actor, task, case


def _obstacle(tx: Session, actor: Actor, task: Task, case: LiveCase) -> Obstacle | None:
    """What keeps this person from the task as things stand."""
    try:
        tasks.may_do(case, task, actor)
        tasks.check_free(tx, task, actor, moment(tx))
    except cases.Separated as separated:
        return Obstacle(separated.text("zh"), over=True)
    except cases.TaskHeld as held:
        return Obstacle(held.text("zh"), over=False)
    return None


def _page(
    tx: Session,
    actor: Actor,
    task: Task,
    case: LiveCase,
    answers: Answers | None,
    errors: Mapping[str, FieldError],
    obstacle: Obstacle | None,
    said: tables.Said = tables.NOTHING,
) -> str:
    file = case_file(tx, case, moment(tx), task.scope)
    return render(
        "official/task.html",
        sheet=_sheet(tx, actor, task, case, answers, errors, obstacle),
        file=file,
        deadline=_deadline(file, task),
        url=f"/tasks/{task.id}",
        tables=said,
        **frame(tx, actor, "/inbox"),
    )


def _sheet(
    tx: Session,
    actor: Actor,
    task: Task,
    case: LiveCase,
    answers: Answers | None,
    errors: Mapping[str, FieldError],
    obstacle: Obstacle | None,
) -> Sheet:
    form, regulation = case.procedure.forms[task.form], case.published.regulation
    offered = choices.offered(tx, regulation, form, answers or {}, actor.person_id, case.id)
    drawn = case.element(task.scope, task.element)
    return Sheet(
        task=task,
        title=f"{case.row.number} · {task.name}",
        role=regulation.role_title(task.role),
        article=citation(regulation, case.procedure.article(drawn)),
        assumed=drawn.assumed,
        form=form.view(answers, errors, scope_of(case, task.scope), offered),
        obstacle=obstacle,
        mine=task.holder_id == actor.person_id,
        free=obstacle is None and task.holder_id != actor.person_id,
    )


def _deadline(file: CaseFile, task: Task) -> object:
    """The newest deadline that the step names."""
    named = [deadline for deadline in file.deadlines if deadline.name == task.deadline]
    return named[-1] if named else None


def _again(task_id: int, answers: Answers, errors: Mapping[str, FieldError]) -> str:
    """The form with what was typed and what is wrong with it."""
    with reading() as tx:
        actor, task, case = _opened(tx, task_id)
        return _page(tx, actor, task, case, answers, errors, _obstacle(tx, actor, task, case))


def _too_slow(task_id: int, answers: Answers, refusal: PortalError) -> ResponseReturnValue:
    """Somebody was faster, or holds the task: says who, with everything typed still on the page."""
    with reading() as tx:
        actor, task, case = _opened(tx, task_id)
        if _done_by(task, actor):
            return _politely_on(tx, actor, task, _same(case, task, answers))
        over = isinstance(refusal, (cases.TaskDone, cases.TaskGone))
        said = refusal.text("zh") + (_("您填写的内容没有提交，仍保留在页面上。") if _is_typed(answers) else "")
        return _page(tx, actor, task, case, answers, {}, Obstacle(said, over)), 409


def _is_typed(answers: Answers) -> bool:
    """Whether anything was typed or chosen."""
    said = [text for texts in answers.values() for text in (texts if isinstance(texts, list) else [texts])]
    return any(str(text).strip() for text in said)


def _done_by(task: Task, actor: Actor) -> bool:
    return task.state == "done" and task.holder_id == actor.person_id


def _same(case: LiveCase, task: Task, answers: Answers) -> bool:
    """Whether answers are those with which a task was completed, as far as they can be compared: of a file that is
    sent again nobody knows here whether it is the same."""
    done = case.values.at(Place(task.scope, task.element, task.visit))
    checked = tasks.check_answers(case, task.scope, task.form, answers)
    files = {field.name for field in case.procedure.forms[task.form].fields if field.kind_name == "filepicker"}
    before = {name: value for name, value in (done.value if done else {}).items() if name not in files}
    now = {name: value for name, value in checked.values.items() if name not in files}
    return now == before and set(checked.errors) <= files


def _politely_on(tx: Session, actor: Actor, task: Task, same: bool) -> ResponseReturnValue:
    """It was handed in once; what a second post says otherwise is not taken, and the answer says so."""
    when = dates.short(task.closed_at) if task.closed_at else ""
    if not same:
        return _on(tx, actor, _("您已于 %(when)s 办结“%(task)s”；这次填写的内容没有保存。", when=when, task=task.name))
    return _on(tx, actor, _("您已于 %(when)s 办结“%(task)s”，无需重复提交。", when=when, task=task.name))


def _on(tx: Session, actor: Actor, said: str) -> ResponseReturnValue:
    """To the next task that this official has claimed, else to the inbox."""
    following = inbox.most_urgent(tx, place_of(actor))
    if following is None:
        flash(said, "success")
        return redirect("/inbox")
    flash(_("%(said)s下一件：%(next)s", said=said, next=f"{following.number} {following.name}"), "success")
    return redirect(f"/tasks/{following.task_id}")
