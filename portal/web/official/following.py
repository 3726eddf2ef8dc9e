"""What an official is told when a task was handed in: what he said, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.cases.live import LiveCase
from portal.cases.models import Task
from portal.cases.names import scope_of
from portal.documents import service as documents
from portal.web.languages import language, sentences


def followed(tx: Session, case: LiveCase, task: Task) -> str:
    """In a few sentences: the task and what was chosen in it, the letters being made, and who is next."""
    return sentences(_handed_in(case, task), *_letters(tx, case, task), *_next(tx, case, task))


def _handed_in(case: LiveCase, task: Task) -> str:
    name = f"{case.row.number} {task.name}"
    chosen = _chosen(case, task)
    if chosen:
        return _("“%(task)s”已提交：%(answer)s。", task=name, answer=chosen)
    return _("“%(task)s”已提交。", task=name)


def _chosen(case: LiveCase, task: Task) -> str:
    """What was chosen, where the form's first question lets one choose."""
    form, done = case.procedure.forms[task.form], case.values.at(task.place)
    if done is None or form.fields[0].kind_name != "radio":
        return ""
    return form.display(done.value, scope_of(case, task.inside), language=language())[0].text


def _letters(tx: Session, case: LiveCase, task: Task) -> Iterator[str]:
    for letter in documents.letters_of(tx, case.id):
        if letter.issued_at == task.closed_at and letter.state == "rendering":
            yield _("《%(title)s》%(number)s正在生成。", title=letter.title, number=letter.number)


def _next(tx: Session, case: LiveCase, task: Task) -> Iterator[str]:
    if case.ended:
        yield _("案件已办结：%(outcome)s。", outcome=case.row.outcome)
        return
    opened = select(Task).where(Task.case_id == case.id, Task.state == "open").order_by(Task.id)
    following = tx.scalars(opened).all()
    if not following:
        yield _("案件现状：%(status)s。", status=case.row.status)
    for one in (one for one in following if one.opened_at == task.closed_at):
        role = case.published.regulation.role_title(one.role)
        yield _("接下来由%(role)s办理“%(step)s”。", role=role, step=one.name)
