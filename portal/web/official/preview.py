"""The letters that a step would issue, shown with the real data before anybody signs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy.orm import Session

from portal.cases import errors as cases
from portal.cases import rehearsal
from portal.cases.live import Cases, LiveCase
from portal.cases.models import Task
from portal.cases.names import scope_of
from portal.cases.rehearsal import Draft, Rehearsal
from portal.documents.filters import RenderFailed
from portal.documents.render import render as make
from portal.edge.acting import moment, reading
from portal.edge.machine import machine
from portal.edge.statuses import status_of
from portal.engine import EngineFault
from portal.errors import PortalError
from portal.forms import FieldError, FormView, posted
from portal.identity import Actor, Permission, Subject
from portal.procedures.regulation import PARTY
from portal.web import choices
from portal.web.access import needs, permit, signed_in
from portal.web.asking import form_asked
from portal.web.languages import language, listed, said
from portal.web.letters import paper
from portal.web.official.blueprint import blueprint, frame
from portal.web.official.deputising import in_name_of, role_missing
from portal.web.pages import render
from portal.web.uploads import look_at

NO_CODE_YET = "签发后生成"
"""What stands in a letter, whose text is Chinese, in place of the code that is drawn when it is issued."""
MOST_LETTERS = 6
"""Letters that are shown of a step and of the first row it starts."""


@dataclass(frozen=True)
class Drafted:
    """A letter as it would be issued: its paper, or why its file could not be made."""

    title: str
    number: str
    addressees: str
    copies: str
    paper: Markup
    trouble: str


@dataclass(frozen=True)
class Preview:
    """What the page shows: letters, the sample of a list, the form when its answers are wrong, or what went wrong."""

    task: str
    back: str
    letters: tuple[Drafted, ...] = ()
    unshown: int = 0
    rows: int = 0
    sample_title: str = ""
    sample: tuple[Drafted, ...] = ()
    sample_fault: str = ""
    form: FormView | None = None
    trouble: str = ""


@blueprint.post("/tasks/<int:task_id>/letters")
@needs(Permission.TASK_COMPLETE)
def preview_letters(task_id: int) -> ResponseReturnValue:
    """The letters that these answers would issue; nothing is kept, and no number is used up."""
    answers = posted(request.form.items(multi=True))
    with reading() as tx:
        task, case, actor = _opened(tx, task_id)
        files, errors = look_at(case.procedure, form_asked(case, task))
        plain = Preview(task.name, f"/tasks/{task.id}")
        now = moment(tx)
    if errors:
        return _answer(_wrong(task_id, plain, answers, errors), actor, 422)
    try:
        found = rehearsal.rehearse(
            machine().kernel, machine().database, actor, task_id, answers, files, now, in_name_of()
        )
    except cases.FormRefused as refusal:
        return _answer(_wrong(task_id, plain, answers, refusal.fields), actor, 422)
    except (EngineFault, cases.StepFailed):
        text = _("按现在填写的内容，这一步办不成：流程图或文书的内容有误。请联系管理员。")
        return _answer(replace(plain, trouble=text), actor, 409)
    except PortalError as refusal:
        if status_of(refusal) >= 500:
            raise
        return _answer(replace(plain, trouble=said(refusal)), actor, status_of(refusal))
    return _answer(_shown(plain, found), actor, 200)


def _opened(tx: Session, task_id: int) -> tuple[Task, LiveCase, Actor]:
    """The task with its case, if the person's role does such tasks."""
    task = tx.get(Task, task_id)
    if task is None or task.role == PARTY:
        raise cases.UnknownCase
    case = Cases(tx, machine().kernel.releases).get(task.case_id)
    if task.assignee_id is not None or not signed_in().has(task.regulation, task.role):
        raise role_missing(tx, case, task, signed_in())
    return task, case, permit(Subject(regulation=task.regulation, roles=frozenset({task.role})))


def _wrong(task_id: int, plain: Preview, answers: Mapping[str, object], errors: Mapping[str, FieldError]) -> Preview:
    """What is wrong with the answers, in the words and order of the form."""
    with reading() as tx:
        task, case, actor = _opened(tx, task_id)
        form = form_asked(case, task)
        offered = choices.offered(tx, case.published.regulation, form, answers, actor.person_id, case.id)
        return replace(plain, form=form.view(answers, errors, scope_of(case, task.inside), offered, language()))


def _shown(plain: Preview, found: Rehearsal) -> Preview:
    own, sample = found.letters, found.sample
    of_row = sample.letters if sample else ()
    return replace(
        plain,
        letters=_drafted(own[:MOST_LETTERS]),
        unshown=max(0, len(own) - MOST_LETTERS),
        rows=sample.rows if sample else 0,
        sample_title=sample.title if sample else "",
        sample=_drafted(of_row[:MOST_LETTERS]),
        sample_fault=(sample.fault or "") if sample else "",
    )


def _drafted(drafts: Sequence[Draft]) -> tuple[Drafted, ...]:
    return tuple(_one(draft) for draft in drafts)


def _one(draft: Draft) -> Drafted:
    # Its code is drawn anew when it is issued: this one would lead nowhere.
    data = {**draft.data, "verification": {"code": NO_CODE_YET}}
    shown, trouble = Markup(), ""
    try:
        shown = paper(make(draft.template, data, f"{machine().settings.public_url}/verify"))
    except RenderFailed as failure:
        trouble = said(failure)
    return Drafted(draft.title, draft.number, listed(draft.addressees), listed(draft.copies), shown, trouble)


def _answer(preview: Preview, actor: Actor, status: int) -> ResponseReturnValue:
    """The page; or, for htmx, the part of it that goes beside the form, with a status that htmx takes in."""
    if request.headers.get("HX-Request") == "true":
        return render("preview/drafts_part.html", preview=preview), 422 if preview.form else 200
    with reading() as tx:
        around = frame(tx, actor, "/inbox")
    return render("preview/drafts.html", preview=preview, **around), status
