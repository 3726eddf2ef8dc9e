"""What a party answers in a running case: a task such as a correction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask import Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.cases import assigned, attachments, drafts, tasks
from portal.cases.attachments import NotYourFile, TooMany
from portal.cases.drafts import ChangedElsewhere
from portal.cases.drafts import tasks as task_drafts
from portal.cases.errors import FormRefused, Refused, TaskDone, UnknownCase
from portal.cases.live import LiveCase
from portal.cases.models import Attachment, Task
from portal.cases.names import scope_of
from portal.cases.rights import check_may_file
from portal.edge.acting import act, moment, reading
from portal.edge.machine import machine
from portal.edge.standing import calendar_in_force
from portal.edge.statuses import status_of
from portal.errors import PortalError
from portal.forms import REFRESH, FieldError, Form, FormView, posted
from portal.identity import PARTY, Actor, Permission, Subject
from portal.inbox import party
from portal.web import languages, tables, validity
from portal.web.access import needs, signed_in
from portal.web.applicant import clocks, keeping, uploads
from portal.web.applicant.assigned import over_page
from portal.web.applicant.frame import admit, blueprint, case_of, frame
from portal.web.applicant.keeping import Kept
from portal.web.asking import form_asked
from portal.web.keeping import is_by_script, not_kept
from portal.web.pages import render
from portal.web.uploads import pickers

_CORRECTIONS = "corrections"
"""The field of an official's form that applicants read: what is to be mended."""

UNCHANGED = "_unchanged"
"""Posted by the button that hands in what was not changed."""


class NothingChanged(PortalError):
    """What is handed in anew says what it said before: that is asked once more."""

    zh = "提交的内容与原来的完全相同，没有改动。请按要求修改后再提交；确实不作改动的，点“不作改动，仍然提交”。"
    en = "Nothing was changed. Make the changes asked for, or press “Hand in unchanged” if you mean to change nothing."


Answers = Mapping[str, object]
Errors = Mapping[str, FieldError]


@dataclass(frozen=True)
class Sheet:
    """A task of the party laid out: its form, and the files that its fields hold."""

    task: Task
    case: LiveCase
    actor: Actor
    form: Form
    held: Mapping[str, Sequence[Attachment]]

    def files_before(self, tx: Session, view: FormView) -> dict[str, Attachment]:
        """The files that were handed in before, in whose place others are asked for, by id."""
        ids = [id for item in view.items for change in item.changes for id in change.old_files]
        return {str(file.id): file for file in attachments.usable(tx, self.actor, ids, self.case.id)} if ids else {}

    def view(self, answers: Answers, errors: Errors) -> FormView:
        """The form with some answers."""
        known = uploads.choices(self.form, self.held)
        names = scope_of(self.case, self.task.inside)
        view = self.form.view(answers, errors, names, known, languages.language())
        return uploads.with_limits(view, self.case.procedure, self.form)


@blueprint.get("/my/tasks/<int:task_id>")
@needs(Permission.TASK_COMPLETE)
def my_task(task_id: int) -> ResponseReturnValue:
    """A task of the party, with what was kept of it; one that revises an earlier answer begins with that answer."""
    with reading() as tx:
        task, case, actor = _task(tx, task_id)
        if task.state != "open":
            if task.assignee_id is not None:
                return over_page(tx, task, case, actor)
            flash(_already(case, task), "warning")
            return redirect(url_for("applicant.my_case", case_id=case.id))
        kept = Kept.of(task_drafts.kept(tx, actor.person_id, task_id))
        answers = _begun_with(case, task) if kept.answers is None else kept.answers
        sheet = _sheet(tx, task, case, actor, _ids_in(form_asked(case, task), answers))
        return _task_page(tx, sheet, answers, {})


@blueprint.post("/my/tasks/<int:task_id>")
@needs(Permission.TASK_COMPLETE)
def answer_task(task_id: int) -> ResponseReturnValue:
    """Keeps the answers to a task and hands them in; what is wrong is shown with everything kept."""
    with reading() as tx:
        task, case, actor = _task(tx, task_id)
        form = form_asked(case, task)
        held = _sheet(tx, task, case, actor, uploads.posted_ids(form)).held
    typed = posted(request.form.items(multi=True))
    if task.state != "open":
        return _done_before(task_id, typed)
    changed = _changed(task_id, form, typed)
    if isinstance(changed, Response):
        return changed
    if changed is not None:
        typed = {name: list(cast(list[str], texts)) for name, texts in changed.answers.items()}
    errors, said = (changed.errors, changed.said) if changed else ({}, tables.NOTHING)
    ids = {name: [str(file.id) for file in files] for name, files in held.items()}
    if keeping.only_shown():
        return _task_again(task_id, {**typed, **ids}, errors, None, said)[0]
    room = uploads.making_room(case.procedure, form, held)
    taken = uploads.take(case.procedure, form, room)
    ids |= {new.field: [str(file.id) for file in room[new.field]] for new in taken.arrived}
    answers, elsewhere = _keep(task, case.id, typed, ids, form, taken)
    if is_by_script():
        with reading() as tx:
            kept = Kept.of(task_drafts.kept(tx, actor.person_id, task_id))
            return keeping.told(kept.mark, kept.at, elsewhere)
    errors = {**taken.errors, **errors}
    if elsewhere is not None or changed is not None:
        return _task_again(task_id, answers, errors, elsewhere, said)
    return _after_keeping(task, case, answers, errors)


def _changed(task_id: int, form: Form, typed: drafts.Answers) -> tables.Changed | Response | None:
    """What a pressed button of a table makes of the answers, or the file that it gives out; None without one."""
    asked = tables.asked(form)
    if asked is None:
        return None
    with reading() as tx:
        task, case, _actor = _task(tx, task_id)
        names = scope_of(case, task.inside)
        if asked.gives_out:
            return tables.given_out(form, asked, typed, names, tasks.known_in_tables(tx, form, typed))
        return tables.change(tx, form, asked, typed, names)


def _keep(
    task: Task, case_id: int, typed: drafts.Answers, ids: Mapping[str, list[str]], form: Form, taken: uploads.Taken
) -> tuple[drafts.Answers, ChangedElsewhere | None]:
    """Keeps what was typed and uploaded; the answers with the new files, and whether others were kept meanwhile."""
    actor = signed_in()

    def keep(tx: Session, now: datetime) -> tuple[drafts.Answers, ChangedElsewhere | None]:
        new = uploads.write_rows(tx, actor, form, taken, now)
        answers = {**typed, **{name: [*before, *new[name]] for name, before in ids.items()}}
        seen = keeping.seen(lambda sent: {**sent, **ids})
        seen = seen or Kept.of(task_drafts.kept(tx, actor.person_id, task.id)).mark
        try:
            task_drafts.keep(tx, actor.person_id, task.id, answers, now, seen)
        except ChangedElsewhere as elsewhere:
            return answers, elsewhere
        return answers, None

    return act(keep, _("保存填写的内容"), case_id)


def _after_keeping(task: Task, case: LiveCase, answers: Answers, errors: Errors) -> ResponseReturnValue:
    """The page again with what was kept or is wrong, or what was handed in."""
    if REFRESH in request.form or uploads.REMOVE in request.form:
        return _task_again(task.id, answers, errors, None)
    if errors:
        others = tasks.check_answers(case, task.inside, task.form, answers).errors
        return _task_again(task.id, answers, {**others, **errors}, None)
    if keeping.only_keeps():
        flash(_("草稿已保存，可以随时回来继续填写。"), "success")
        return redirect(url_for("applicant.my_task", task_id=task.id), 303)
    if UNCHANGED not in request.form and _is_unchanged(task, case, form_asked(case, task), answers):
        return _task_again(task.id, answers, {}, NothingChanged(task=task.name))
    return _complete(task.id, case.id, answers)


def _is_unchanged(task: Task, case: LiveCase, form: Form, answers: Answers) -> bool:
    """Whether what replaces an earlier answer as a whole says the same."""
    before = tasks.revised_by(case, task) if form.corrections is None else None
    checked = tasks.check_answers(case, task.inside, task.form, answers)
    if before is None or checked.errors:
        return False
    return not form.changes(before, checked.values, scope_of(case, task.inside))


def _task(tx: Session, task_id: int) -> tuple[Task, LiveCase, Actor]:
    """A task of the person's own organisation: its case's, or one that is assigned to it alone; UnknownCase."""
    task = tx.get(Task, task_id)
    if task is None or (task.role != PARTY and task.assignee_id is None):
        raise UnknownCase()
    case = case_of(tx, task.case_id)
    subject = Subject(regulation=case.row.regulation, party_id=case.row.party_id, roles=frozenset({PARTY}))
    if task.assignee_id is not None:
        subject = Subject(regulation=case.row.regulation, assigned_id=task.assignee_id)
    actor = admit(subject)
    check_may_file(actor)
    return task, case, actor


def _sheet(tx: Session, task: Task, case: LiveCase, actor: Actor, ids: Mapping[str, Sequence[str]]) -> Sheet:
    form = form_asked(case, task)
    held = {field.name: attachments.usable(tx, actor, ids.get(field.name, ()), case.id) for field in pickers(form)}
    return Sheet(task, case, actor, form, held)


def _begun_with(case: LiveCase, task: Task) -> Mapping[str, object]:
    """The answers a task begins with: those it revises."""
    form = form_asked(case, task)
    if form.corrections is not None:
        return form.prefill(scope_of(case, task.inside))
    drawn = case.element(task.scope, task.element).task
    revised = case.values.latest(task.scope, drawn.revises) if drawn and drawn.revises else None
    if revised is not None:
        return dict(revised.value)
    return form.prefill(scope_of(case, task.inside))


def _ids_in(form: Form, answers: Mapping[str, object]) -> dict[str, list[str]]:
    found = {field.name: answers.get(field.name) for field in pickers(form)}
    return {name: [str(item) for item in ids] for name, ids in found.items() if isinstance(ids, list)}


def _complete(task_id: int, case_id: int, answers: Answers) -> ResponseReturnValue:
    try:
        act(
            lambda tx, now: _hand_in(tx, task_id, answers, now),
            _("办理任务"),
            case_id,
        )
    except FormRefused as error:
        return _task_again(task_id, answers, error.fields, None)
    except TaskDone:
        return _done_before(task_id, answers)
    except (Refused, NotYourFile, TooMany) as error:
        return _task_again(task_id, answers, {}, error)
    flash(_("已提交。"), "success")
    with reading() as tx:
        return redirect(_back(tx.get_one(Task, task_id)), 303)


def _back(task: Task) -> str:
    """Where one comes from and goes on to: the party's case; the list of tasks where the case is another's."""
    if task.assignee_id is not None:
        return url_for("applicant.my_tasks")
    return url_for("applicant.my_case", case_id=task.case_id)


def _hand_in(tx: Session, task_id: int, answers: Answers, now: datetime) -> None:
    actor = signed_in()
    tasks.complete(machine().kernel, tx, actor, task_id, answers, now)
    task_drafts.discard(tx, actor.person_id, task_id)


def _done_before(task_id: int, answers: Answers) -> ResponseReturnValue:
    """A task answered before, by a double click or otherwise than now, or withdrawn while its page was open."""
    with reading() as tx:
        task, case, _actor = _task(tx, task_id)
        if is_by_script():
            return not_kept(_already(case, task))
        refusal = _over(tx, case, task, answers)
    if refusal is None:
        return redirect(url_for("applicant.my_task", task_id=task_id), 303)
    return _task_again(task_id, answers, {}, refusal)


def _over(tx: Session, case: LiveCase, task: Task, answers: Answers) -> Refused | None:
    """Why a task that waits no more takes no answers; None where it has taken these."""
    return tasks.answered_before(tx, case, task, answers) if task.state == "done" else tasks.gone(case, task)


def _already(case: LiveCase, task: Task) -> str:
    if task.state == "done":
        return _("“%(task)s”已经提交，不需要再办理。", task=task.name)
    return languages.said(tasks.gone(case, task))


def _task_again(
    task_id: int, answers: Answers, errors: Errors, error: PortalError | None, said: tables.Said = tables.NOTHING
) -> tuple[str, int]:
    """The page once more, with everything that was typed and uploaded."""
    with reading() as tx:
        task, case, actor = _task(tx, task_id)
        if isinstance(error, ChangedElsewhere) and task.state != "open":
            error = _over(tx, case, task, answers) or error  # the other window has handed it in
        sheet = _sheet(tx, task, case, actor, _ids_in(form_asked(case, task), answers))
        page = _task_page(tx, sheet, answers, errors, error, said)
    if error is not None:
        return page, status_of(error)
    return page, 422 if errors else 200


def _task_page(
    tx: Session,
    sheet: Sheet,
    answers: Answers,
    errors: Errors,
    error: PortalError | None = None,
    said: tables.Said = tables.NOTHING,
) -> str:
    task, case = sheet.task, sheet.case
    elsewhere = error if isinstance(error, ChangedElsewhere) else None
    kept = Kept.of(task_drafts.kept(tx, sheet.actor.person_id, task.id))
    view = sheet.view(answers, errors)
    return render(
        "applicant/task.html",
        task=task,
        gone=task.state != "open",
        case=case.row,
        law=validity.of_case(tx, case),
        form=view,
        held=sheet.held,
        item_files=sheet.files_before(tx, view),
        corrections=_corrections(tx, case, task) if task.assignee_id is None else "",
        revises=tasks.revised_by(case, task) is not None and not view.items,
        excerpt=_excerpt(case, task),
        assigned=task.assignee_id is not None,
        deadline=clocks.of_task(case, task, moment(tx), calendar_in_force(tx)),
        error=languages.said(error) if error and not elsewhere else "",
        unchanged=UNCHANGED if isinstance(error, NothingChanged) else "",
        **kept.shown(elsewhere),
        here=url_for("applicant.my_task", task_id=task.id),
        tables=said,
        back=_back(task),
        **frame(tx, sheet.actor),
    )


def _excerpt(case: LiveCase, task: Task) -> assigned.Excerpt:
    """What of another's case is shown beside a task, as long as it waits."""
    if task.assignee_id is None or task.state != "open":
        return assigned.NOTHING
    return assigned.shown(case, task, languages.language())


def _corrections(tx: Session, case: LiveCase, task: Task) -> str:
    """What is to be mended, in the words of the official who asked for it last; of what a letter tells, once that is
    opened."""
    asks = tasks.asked_for(case, task)
    if asks:
        addressed = party.letters_in(tx, case.id, case.row.party_id) if case.row.party_id is not None else []
        opened = not addressed or addressed[-1][1].state == "served"
        return asks if opened else _("要求写在文书中，请先打开并签收文书。")
    for said in reversed(case.values.all):
        if said.scope == task.scope and isinstance(said.value, dict) and said.value.get(_CORRECTIONS):
            return str(said.value[_CORRECTIONS])
    return ""
