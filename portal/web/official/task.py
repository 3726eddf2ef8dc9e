"""The page of one task: its form on the left, the case's file on the right; handing it in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import inbox
from portal.cases import errors as cases
from portal.cases import tasks
from portal.cases.drafts import NOTHING, ChangedElsewhere, mark
from portal.cases.drafts import tasks as task_drafts
from portal.cases.live import Cases, LiveCase
from portal.cases.models import Task
from portal.cases.names import scope_of
from portal.cases.rehearsal import may_issue
from portal.cases.scopes import opened_by, outward
from portal.deadlines.rules import LIVE
from portal.edge.acting import act, moment, reading
from portal.edge.machine import machine
from portal.errors import PortalError
from portal.forms import REFRESH, ChangeView, FieldError, FormView, posted
from portal.identity import Actor, Permission, Subject
from portal.procedures.articles import citation
from portal.procedures.regulation import PARTY
from portal.registers.lots import NotOdd, PoolTooSmall
from portal.web import choices, dates, tables, validity
from portal.web.access import needs, permit, signed_in
from portal.web.asking import form_asked
from portal.web.casefile import CaseFile, SaidView, case_file
from portal.web.keeping import is_by_script
from portal.web.languages import language
from portal.web.official.blueprint import blueprint, frame, place_of
from portal.web.official.deputising import in_name_of, name_of, principals_to_choose, role_missing
from portal.web.official.following import followed
from portal.web.official.noting import note_form
from portal.web.official.saving import SavingView, again, kept, not_kept, seen_here, shown, told
from portal.web.official.sendable import acts_of
from portal.web.pages import render
from portal.web.people import People
from portal.web.uploads import Taken, pickers, take, texts_of

Answers = Mapping[str, object]


@dataclass(frozen=True)
class Obstacle:
    """Why the form cannot be handed in, in words; `over` when it never will be, so that it offers no button."""

    text: str
    over: bool


LETTERS = "letters"
"""Ends the address to which a task's form is posted to look at the letters that it leads to."""


@dataclass(frozen=True)
class Sheet:
    """What the page shows of the task itself."""

    task: Task
    title: str
    role: str
    holder: str
    """Who has claimed it, when that is not the one who reads; empty while nobody has."""
    article: str | None
    assumed: str | None
    form: FormView
    obstacle: Obstacle | None
    mine: bool
    free: bool
    whom: str
    """For whom a deputy would do it."""
    his: bool
    """Whether that one has claimed it."""
    for_id: int | None
    principals: tuple[tuple[int, str], ...]
    """Those in whose name he may do it instead, himself to choose."""
    letters_url: str | None
    """Where its form is posted to look at the letters that the diagram issues from here on."""


@blueprint.get("/tasks/<int:task_id>")
@needs(Permission.TASK_COMPLETE)
def task_page(task_id: int) -> ResponseReturnValue:
    """The task, to be filled in by those of its role; a task that is over leads to its case."""
    with reading() as tx:
        actor, task, case = _opened(tx, task_id)
        if task.state != "open":
            flash(_("“%(task)s”已经办结，案件现状如下。", task=task.name), "success")
            return redirect(f"/cases/{case.id}")
        draft = task_drafts.kept(tx, actor.person_id, task.id)
        answers = draft.answers if draft is not None else {}
        saving = shown(_draft_url(task), answers, draft.saved_at if draft is not None else None)
        return _page(tx, actor, task, case, answers or None, {}, _obstacle(tx, actor, task, case), saving=saving)


@blueprint.post("/tasks/<int:task_id>/draft")
@needs(Permission.TASK_COMPLETE)
def keep_draft(task_id: int) -> ResponseReturnValue:
    """Keeps what was typed so far; a script gets the answer as JSON, a person the form again."""
    answers = posted(request.form.items(multi=True))
    with reading() as tx:
        actor, task, case = _opened(tx, task_id)
        form = form_asked(case, task)
    if task.state != "open":
        gone = tasks.gone(case, task)
        return not_kept(gone) if is_by_script() else _too_slow(task_id, answers, gone)
    errors: Mapping[str, FieldError] = {}
    if not is_by_script():
        taken = take(case.procedure, form, answers, actor)
        answers, errors = texts_of(taken.answers), taken.errors
    try:
        draft = act(
            lambda tx, now: task_drafts.keep(tx, actor.person_id, task_id, answers, now, seen_here()),
            _("暂存“%(task)s”", task=task.name),
            case.id,
        )
    except ChangedElsewhere as refusal:
        return _kept_elsewhere(task_id, answers, refusal)
    if is_by_script():
        return kept(draft.saved_at, draft.answers)
    if errors:
        return _again(task_id, answers, errors, mark(draft.answers)), 422
    flash(_("已暂存 %(at)s。", at=dates.short(draft.saved_at)), "success")
    return redirect(f"/tasks/{task_id}", 303)


@blueprint.post("/tasks/<int:task_id>/draft/discard")
@needs(Permission.TASK_COMPLETE)
def discard_draft(task_id: int) -> ResponseReturnValue:
    """Forgets what was kept; the form begins anew."""
    with reading() as tx:
        actor, task, case = _opened(tx, task_id)
    act(lambda tx, _now: task_drafts.discard(tx, actor.person_id, task_id), _("清除暂存"), case.id)
    flash(_("已清除暂存的内容。"), "success")
    return redirect(f"/tasks/{task.id}", 303)


def _draft_url(task: Task) -> str:
    return f"/tasks/{task.id}/draft"


def _kept_elsewhere(task_id: int, answers: Answers, refusal: ChangedElsewhere) -> ResponseReturnValue:
    """Another window was faster: nothing of it is overwritten unless the person asks for that."""
    with reading() as tx:
        actor, task, case = _opened(tx, task_id)
        other = task_drafts.kept(tx, actor.person_id, task_id)
        seen = mark(other.answers) if other is not None else NOTHING
        if is_by_script():
            return not_kept(refusal, seen)
        saving = again(_draft_url(task), told(refusal, elsewhere=True), seen)
        return _page(tx, actor, task, case, answers, {}, _obstacle(tx, actor, task, case), saving=saving), 409


@blueprint.post("/tasks/<int:task_id>")
@needs(Permission.TASK_COMPLETE)
def hand_in(task_id: int) -> ResponseReturnValue:
    """Completes the task; what was typed stays on the page whenever that cannot be done."""
    answers: Answers = posted(request.form.items(multi=True))
    with reading() as tx:
        actor, task, case = _opened(tx, task_id)
        form = form_asked(case, task)
        asked = tables.asked(form)
        if _done_by(task, actor) and REFRESH not in request.form and asked is None:
            return _politely_on(tx, actor, task, _same(case, task, answers))
        if asked is not None and asked.gives_out:
            known = choices.offered(tx, case.published.regulation, form, answers, actor.person_id, case.id)
            return tables.given_out(form, asked, answers, scope_of(case, task.inside), known)
        if REFRESH in request.form and asked is None:
            return _page(tx, actor, task, case, answers, {}, _obstacle(tx, actor, task, case))
    taken = take(case.procedure, form, answers, actor)
    if asked is not None:
        return _changed(task_id, asked, taken)
    if taken.errors:
        return _again(task_id, taken.answers, taken.errors), 422
    try:
        act(
            lambda tx, now: _complete(tx, actor, task_id, taken.answers, now, in_name_of()),
            _("办理“%(task)s”", task=task.name),
            case.id,
        )
    except cases.FormRefused as refusal:
        return _again(task_id, taken.answers, refusal.fields), 422
    except (NotOdd, PoolTooSmall) as refusal:
        why = _("%(why)s您填写的内容没有提交，仍保留在页面上。", why=refusal.text(language()))
        return _again(task_id, taken.answers, {}, refused=why), 422
    except (cases.TaskDone, cases.TaskGone, cases.TaskHeld, cases.NotTheirDeputy, cases.UnknownParty) as refusal:
        return _too_slow(task_id, taken.answers, refusal)
    with reading() as tx:
        _actor, task, case = _opened(tx, task_id)
        return _on(tx, actor, followed(tx, case, task))


def _complete(tx: Session, actor: Actor, task_id: int, answers: Answers, now: datetime, for_id: int | None) -> None:
    """Completes the task; what its doer had kept for it is not needed any more."""
    tasks.complete(machine().kernel, tx, actor, task_id, answers, now, for_id)
    task_drafts.discard(tx, actor.person_id, task_id)


def _changed(task_id: int, asked: tables.Asked, taken: Taken) -> ResponseReturnValue:
    """The form after a button of a table was pressed; nothing is stored but new files."""
    with reading() as tx:
        actor, task, case = _opened(tx, task_id)
        form = form_asked(case, task)
        changed = tables.change(tx, form, asked, taken.answers, scope_of(case, task.inside))
        errors, obstacle = {**taken.errors, **changed.errors}, _obstacle(tx, actor, task, case)
        page = _page(tx, actor, task, case, changed.answers, errors, obstacle, changed.said)
        return page, 422 if errors else 200


def _opened(tx: Session, task_id: int) -> tuple[Actor, Task, LiveCase]:
    """The task with its case, if the person's role does such tasks; a party's own tasks are not done here, and who is
    no official does not learn that there is one."""
    task = tx.get(Task, task_id)
    if task is None or task.role == PARTY or not signed_in().official:
        raise cases.UnknownCase
    case = Cases(tx, machine().kernel.releases).get(task.case_id)
    if task.assignee_id is not None or not signed_in().has(task.regulation, task.role):
        raise role_missing(tx, case, task, signed_in())
    # Who has claimed it is asked under the lock, and told by name.
    actor = permit(Subject(regulation=task.regulation, roles=frozenset({task.role})))
    return actor, task, case


def _obstacle(tx: Session, actor: Actor, task: Task, case: LiveCase) -> Obstacle | None:
    """What keeps this person from the task as things stand."""
    if task.state != "open":
        return Obstacle(tasks.gone(case, task).text(language()), over=True)
    try:
        tasks.may_do(case, task, actor)
        tasks.check_free(tx, task, actor, moment(tx))
    except cases.Separated as separated:
        role = case.published.regulation.role_title(task.role)
        return Obstacle(
            _("%(why)s这一环节由%(role)s中的其他人办理。", why=separated.text(language()), role=role), over=True
        )
    except cases.TaskHeld as held:
        why = _("%(why)s要由您办理，须由对方先“退回岗位”。", why=held.text(language()))
        return Obstacle(why, over=False)
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
    saving: SavingView | None = None,
) -> str:
    file = case_file(tx, case, moment(tx), task.scope)
    return render(
        "official/task.html",
        sheet=_sheet(tx, actor, task, case, answers, errors, obstacle),
        file=file,
        deadline=_deadline(file, task),
        put=_put_forward(file, task),
        asks=tasks.asked_for(case, task),
        revision=_revision(tx, case, task),
        url=f"/tasks/{task.id}",
        tables=said,
        saving=saving or again(_draft_url(task)),
        note=note_form(case, actor, task.id),
        acts=acts_of(case, file.waits, actor),
        law=validity.of_case(tx, case),
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
    form, regulation = form_asked(case, task), case.published.regulation
    given = form.prefill(scope_of(case, task.inside)) if answers is None and form.corrections else answers or {}
    offered = choices.offered(tx, regulation, form, given, actor.person_id, case.id)
    drawn = case.element(task.scope, task.element)
    his = task.holder_id in actor.principals(task.regulation, task.role)
    for_id = tasks.done_for(case, task, actor, in_name_of())
    return Sheet(
        task=task,
        title=f"{case.row.number} · {task.name}",
        role=regulation.role_title(task.role),
        holder=_holder(tx, task, actor),
        article=citation(regulation, case.procedure.article(drawn)),
        assumed=drawn.assumed,
        form=form.view(answers, errors, scope_of(case, task.inside), offered, language()),
        obstacle=obstacle,
        mine=task.state == "open" and task.holder_id == actor.person_id,
        free=obstacle is None and task.holder_id != actor.person_id and not his,
        whom=name_of(actor, for_id),
        his=his,
        for_id=for_id,
        principals=principals_to_choose(case, task, actor),
        letters_url=f"/tasks/{task.id}/{LETTERS}" if may_issue(case, task.scope, task.element) else None,
    )


def _holder(tx: Session, task: Task, actor: Actor) -> str:
    if task.holder_id is None or task.holder_id == actor.person_id:
        return ""
    return People(tx, [(task.holder_id, task.for_id)]).said(task.holder_id, task.for_id)


def _put_forward(file: CaseFile, task: Task) -> list[SaidView]:
    """What was said last before the diagram of this task was called, the nearest around it first: what it is about.
    After it what came of the diagrams called since, such as what was found when a publicity was over."""
    own, *around = outward(task.scope)
    last = {one.scope: place for place, one in enumerate(file.said)}
    about = next((last[scope] for scope in around if scope in last), None)
    if about is None:
        return []
    here = opened_by(own).element
    since = (one for one in file.said[about + 1 :] if one.scope and opened_by(one.scope).element != here)
    return [file.said[about], *{one.scope: one for one in since}.values()]


def _revision(tx: Session, case: LiveCase, task: Task) -> tuple[ChangeView, ...] | None:
    """What was changed in the filing last, for a task about that; None for any other."""
    drawn, form = case.element(task.scope, task.element).task, case.procedure.start_form
    start = case.procedure.drawing.start()
    filed = [one.value for one in case.values.all if (one.scope, one.element) == ("", start.id)]
    if drawn is None or drawn.asks is None or form is None or len(filed) < 2:
        return None
    before, after = filed[-2:]
    names = choices.named(tx, [(form, before), (form, after)])
    return form.changes(before, after, scope_of(case), names, language())


def _deadline(file: CaseFile, task: Task) -> object:
    """The newest deadline that the step names; of an open one none that was met before it was come to."""
    told = [deadline for deadline in file.deadlines if deadline.state in LIVE or task.state != "open"]
    named = [deadline for deadline in told if deadline.name == task.deadline]
    return named[-1] if named else None


def _again(task_id: int, answers: Answers, errors: Mapping[str, FieldError], seen: str = "", refused: str = "") -> str:
    """The form with what was typed and what is wrong with it; `seen` where it has been kept just now, `refused` where
    what follows from it as a whole cannot be done."""
    with reading() as tx:
        actor, task, case = _opened(tx, task_id)
        saving = again(_draft_url(task), refused, seen)
        return _page(tx, actor, task, case, answers, errors, _obstacle(tx, actor, task, case), saving=saving)


def _too_slow(task_id: int, answers: Answers, refusal: PortalError) -> ResponseReturnValue:
    """Somebody was faster, or holds the task: says who, with everything typed still on the page."""
    with reading() as tx:
        actor, task, case = _opened(tx, task_id)
        if _done_by(task, actor):
            return _politely_on(tx, actor, task, _same(case, task, answers))
        over = isinstance(refusal, (cases.TaskDone, cases.TaskGone))
        why = refusal.text(language())
        if _is_typed(answers):
            why = _("%(why)s您填写的内容没有提交，仍保留在页面上。", why=why)
        return _page(tx, actor, task, case, answers, {}, Obstacle(why, over)), 409


def _is_typed(answers: Answers) -> bool:
    """Whether anything was typed or chosen."""
    said = [text for texts in answers.values() for text in (texts if isinstance(texts, list) else [texts])]
    return any(str(text).strip() for text in said)


def _done_by(task: Task, actor: Actor) -> bool:
    return task.state == "done" and task.holder_id == actor.person_id


def _same(case: LiveCase, task: Task, answers: Answers) -> bool:
    """Whether answers are those with which a task was completed, as far as they can be compared: of a file that is
    sent again nobody knows here whether it is the same."""
    done = case.values.at(task.place)
    checked = tasks.check_answers(case, task.inside, task.form, answers)
    files = {field.name for field in pickers(form_asked(case, task))}
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
