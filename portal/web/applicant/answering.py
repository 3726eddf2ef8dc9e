"""What a party answers in a running case: a task such as a correction, a message such as a withdrawal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import audit
from portal.calendar import service as calendars
from portal.cases import drafts, messages, tasks
from portal.cases.attachments import NotYourFile, TooMany
from portal.cases.errors import FormRefused, NobodyWaits, Refused, TaskDone, TaskGone, TooLate, UnknownCase
from portal.cases.live import LiveCase
from portal.cases.models import Attachment, Task
from portal.cases.names import scope_of
from portal.cases.rights import check_may_file
from portal.errors import PortalError
from portal.forms import REFRESH, FieldError, Form, FormView, posted
from portal.identity import PARTY, Actor, Permission, Subject
from portal.procedures.drawing import Element
from portal.web import tables
from portal.web.access import needs, signed_in
from portal.web.acting import act, moment, reading
from portal.web.applicant import clocks, queries, uploads, wording
from portal.web.applicant.cases import why_not
from portal.web.applicant.frame import admit, blueprint, case_of, frame
from portal.web.errors import status_of
from portal.web.machine import machine
from portal.web.pages import render

_CORRECTIONS = "corrections"
"""The field of an official's form that applicants read: what is to be mended."""

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

    def view(self, answers: Answers, errors: Errors) -> FormView:
        """The form with some answers."""
        known = uploads.choices(self.form, self.held)
        names = scope_of(self.case, self.task.scope)
        view = self.form.view(answers, errors, names, known, wording.language())
        return uploads.with_limits(view, self.case.procedure, self.form)


@blueprint.get("/my/tasks/<int:task_id>")
@needs(Permission.TASK_COMPLETE)
def my_task(task_id: int) -> ResponseReturnValue:
    """A task of the party; one that revises an earlier answer begins with that answer."""
    with reading() as tx:
        task, case, actor = _task(tx, task_id)
        if task.state != "open":
            flash(_already(task), "warning")
            return redirect(url_for("applicant.my_case", case_id=case.id))
        answers = _begun_with(case, task)
        sheet = _sheet(tx, task, case, actor, _ids_in(case.procedure.forms[task.form], answers))
        return _task_page(tx, sheet, answers, {})


@blueprint.post("/my/tasks/<int:task_id>")
@needs(Permission.TASK_COMPLETE)
def answer_task(task_id: int) -> ResponseReturnValue:
    """Hands in the answers to a task; what is wrong is shown with everything kept."""
    with reading() as tx:
        task, case, actor = _task(tx, task_id)
        form = case.procedure.forms[task.form]
        sheet = _sheet(tx, task, case, actor, uploads.posted_ids(form))
    if task.state != "open":
        return _done_before(task)
    asked, changed = tables.asked(form), None
    typed: Answers = posted(request.form.items(multi=True))
    if asked is not None:
        with reading() as tx:
            task, case, actor = _task(tx, task_id)
            names = scope_of(case, task.scope)
            if asked.gives_out:
                return tables.given_out(form, asked, typed, names, tasks.known_in_tables(tx, form, typed))
            changed = tables.change(tx, form, asked, typed, names)
    taken = uploads.take(case.procedure, form, sheet.held)
    new = act(lambda tx, now: uploads.write_rows(tx, actor, form, taken, now), _("上传补正材料"), case.id)
    held = {name: [str(file.id) for file in files] for name, files in sheet.held.items()}
    files = {name: [*ids, *new[name]] for name, ids in held.items()}
    if changed is not None:
        errors = {**taken.errors, **changed.errors}
        return _task_again(task_id, {**changed.answers, **files}, errors, None, changed.said)
    answers = {**typed, **files}
    if REFRESH in request.form or uploads.REMOVE in request.form:
        return _task_again(task_id, answers, taken.errors, None)
    if taken.errors:
        others = tasks.check_answers(case, task.scope, task.form, answers).errors
        return _task_again(task_id, answers, {**others, **taken.errors}, None)
    return _complete(task_id, case.id, answers)


@blueprint.get("/my/cases/<int:case_id>/messages/<name>")
@needs(Permission.MESSAGE_SEND)
def my_message(case_id: int, name: str) -> ResponseReturnValue:
    """Asks once more before a message is sent: what follows from it, and its form."""
    with reading() as tx:
        case, element, actor = _message(tx, case_id, name)
        return _message_page(tx, case, element, actor, None, {}, _refusal(tx, case, element))


@blueprint.post("/my/cases/<int:case_id>/messages/<name>")
@needs(Permission.MESSAGE_SEND)
def send_message(case_id: int, name: str) -> ResponseReturnValue:
    """Sends a message; one that is not taken any more says why, in the diagram's words."""
    with reading() as tx:
        case, element, actor = _message(tx, case_id, name)
    answers: Answers = posted(request.form.items(multi=True))
    errors: Errors = {}
    refused = None
    asked = tables.asked(_message_form(case, element))
    if asked is not None:
        return _message_changed(case_id, name, asked, answers)
    try:
        act(
            lambda tx, now: messages.send(machine().kernel, tx, actor, case_id, name, answers, now),
            element.name,
            case_id,
        )
    except FormRefused as error:
        errors = error.fields
    except (TooLate, NobodyWaits) as error:
        refused = error
    else:
        flash(_("“%(what)s”已收到。", what=element.name), "success")
        return redirect(url_for("applicant.my_case", case_id=case_id), 303)
    with reading() as tx:
        case, element, actor = _message(tx, case_id, name)
        if refused is not None and _was_taken(tx, case, element):
            flash(_("“%(what)s”先前已经收到，不需要重复提交。", what=element.name), "warning")
            return redirect(url_for("applicant.my_case", case_id=case_id), 303)
        said = wording.said(refused) if refused else ""
        page = _message_page(tx, case, element, actor, answers, errors, said)
    return page, status_of(refused) if refused else 422


def _message_changed(case_id: int, name: str, asked: tables.Asked, answers: Answers) -> ResponseReturnValue:
    """A message's form after a button of a table was pressed."""
    with reading() as tx:
        case, element, actor = _message(tx, case_id, name)
        form = _message_form(case, element)
        if form is None:
            raise UnknownCase
        if asked.gives_out:
            known = tasks.known_in_tables(tx, form, answers)
            return tables.given_out(form, asked, answers, scope_of(case), known)
        changed = tables.change(tx, form, asked, answers, scope_of(case))
        refusal = _refusal(tx, case, element)
        page = _message_page(tx, case, element, actor, changed.answers, changed.errors, refusal, changed.said)
        return page, 422 if changed.errors else 200


def _message_form(case: LiveCase, element: Element) -> Form | None:
    name = element.message.form if element.message else None
    return case.procedure.forms[name] if name is not None else None


def _task(tx: Session, task_id: int) -> tuple[Task, LiveCase, Actor]:
    """A task of the person's own organisation; UnknownCase."""
    task = tx.get(Task, task_id)
    if task is None or task.role != PARTY:
        raise UnknownCase()
    case = case_of(tx, task.case_id)
    actor = admit(Subject(regulation=case.row.regulation, party_id=case.row.party_id, roles=frozenset({PARTY})))
    check_may_file(actor)
    return task, case, actor


def _sheet(tx: Session, task: Task, case: LiveCase, actor: Actor, ids: Mapping[str, Sequence[str]]) -> Sheet:
    form = case.procedure.forms[task.form]
    held = {field.name: drafts.usable(tx, actor, ids.get(field.name, ()), case.id) for field in uploads.pickers(form)}
    return Sheet(task, case, actor, form, held)


def _begun_with(case: LiveCase, task: Task) -> Mapping[str, object]:
    """The answers a task begins with: those it revises."""
    drawn = case.element(task.scope, task.element).task
    revised = case.values.latest(task.scope, drawn.revises) if drawn and drawn.revises else None
    if revised is not None:
        return dict(revised.value)
    return case.procedure.forms[task.form].prefill(scope_of(case, task.scope))


def _ids_in(form: Form, answers: Mapping[str, object]) -> dict[str, list[str]]:
    found = {field.name: answers.get(field.name) for field in uploads.pickers(form)}
    return {name: [str(item) for item in ids] for name, ids in found.items() if isinstance(ids, list)}


def _complete(task_id: int, case_id: int, answers: Answers) -> ResponseReturnValue:
    try:
        act(
            lambda tx, now: tasks.complete(machine().kernel, tx, signed_in(), task_id, answers, now),
            _("办理任务"),
            case_id,
        )
    except FormRefused as error:
        return _task_again(task_id, answers, error.fields, None)
    except TaskDone:
        return redirect(url_for("applicant.my_task", task_id=task_id), 303)
    except (Refused, NotYourFile, TooMany) as error:
        return _task_again(task_id, answers, {}, error)
    flash(_("已提交。"), "success")
    return redirect(url_for("applicant.my_case", case_id=case_id), 303)


def _done_before(task: Task) -> ResponseReturnValue:
    """A task answered before, as by a double click."""
    if task.state == "done":
        return redirect(url_for("applicant.my_task", task_id=task.id), 303)
    return _task_again(task.id, posted(request.form.items(multi=True)), {}, TaskGone())


def _already(task: Task) -> str:
    if task.state == "done":
        return _("“%(task)s”已经提交，不需要再办理。", task=task.name)
    return wording.said(TaskGone())


def _task_again(
    task_id: int, answers: Answers, errors: Errors, error: PortalError | None, said: tables.Said = tables.NOTHING
) -> ResponseReturnValue:
    """The page once more, with everything that was typed and uploaded."""
    with reading() as tx:
        task, case, actor = _task(tx, task_id)
        sheet = _sheet(tx, task, case, actor, _ids_in(case.procedure.forms[task.form], answers))
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
    deadline = case.deadlines.get(task.deadline or "")
    regulation = case.published.regulation
    return render(
        "applicant/task.html",
        task=task,
        gone=task.state != "open",
        case=case.row,
        form=sheet.view(answers, errors),
        held=sheet.held,
        corrections=_corrections(case, task),
        deadline=clocks.view(deadline, moment(tx), calendars.current(tx), regulation) if deadline else None,
        error=wording.said(error) if error else "",
        here=url_for("applicant.my_task", task_id=task.id),
        tables=said,
        back=url_for("applicant.my_case", case_id=case.id),
        **frame(tx, sheet.actor),
    )


def _corrections(case: LiveCase, task: Task) -> str:
    """What is to be mended, in the words of the official who asked for it last."""
    for said in reversed(case.values.all):
        if said.scope == task.scope and isinstance(said.value, dict) and said.value.get(_CORRECTIONS):
            return str(said.value[_CORRECTIONS])
    return ""


def _message(tx: Session, case_id: int, name: str) -> tuple[LiveCase, Element, Actor]:
    """What takes a message from the party of a case; UnknownCase."""
    case = case_of(tx, case_id)
    actor = admit(Subject(regulation=case.row.regulation, party_id=case.row.party_id, roles=frozenset({PARTY})))
    try:
        return case, messages.sendable(case, name, actor), actor
    except NobodyWaits as error:
        raise UnknownCase() from error


def _refusal(tx: Session, case: LiveCase, element: Element) -> str:
    """Why the message cannot be sent now; empty when it can."""
    for wait in queries.waits(tx, case.id):
        if wait.element == element.id:
            return why_not(case, wait)
    said = element.message.otherwise if element.message else ""
    return said or NobodyWaits(message=element.name).text(wording.language())


def _was_taken(tx: Session, case: LiveCase, element: Element) -> bool:
    """Whether the case has taken this very message before, so that a second click is no refusal."""
    entries = audit.entries(tx, case.id)
    return any(entry.kind == "message.received" and entry.element == element.id for entry in entries)


def _message_page(
    tx: Session,
    case: LiveCase,
    element: Element,
    actor: Actor,
    answers: Answers | None,
    errors: Errors,
    refused: str,
    said: tables.Said = tables.NOTHING,
) -> str:
    asked = _message_form(case, element)
    form = None
    if asked is not None:
        form = asked.view(answers, errors, scope_of(case), language=wording.language())
    return render(
        "applicant/message.html",
        title=element.name,
        case=case.row,
        form=form,
        refused=refused,
        tables=said,
        here=url_for("applicant.my_message", case_id=case.id, name=element.message.name if element.message else ""),
        back=url_for("applicant.my_case", case_id=case.id),
        **frame(tx, actor),
    )
