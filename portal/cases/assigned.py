"""Tasks that one party alone does, such as an expert's opinion: whose they are, what he is shown, why one is gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.cases import scopes
from portal.cases.errors import StepFailed
from portal.cases.live import LiveCase
from portal.cases.models import Attachment, Case, Task
from portal.cases.names import evaluate, form_of, scope_of, seen_from
from portal.deadlines.scopes import seat
from portal.engine import Place
from portal.errors import Language
from portal.forms import Field, Form, Shown, TableShown
from portal.identity import service as identity
from portal.procedures.drawing import Element


class Over(StrEnum):
    """Why a task is not its assignee's any more: he did it, another was put in his place, the case has ended, or the
    step is over without it."""

    DONE = "done"
    REPLACED = "replaced"
    ENDED = "ended"
    CLOSED = "closed"


@dataclass(frozen=True)
class Excerpt:
    """What of a case is shown beside a task: answers read back, tables, and files, each in the manifest's order."""

    lines: tuple[Shown, ...]
    tables: tuple[TableShown, ...]
    files: tuple[Attachment, ...]


NOTHING = Excerpt((), (), ())
"""What is shown where the manifest says nothing."""


@dataclass(frozen=True)
class _Said:
    """A field with the answers it stands among, and their scope."""

    form: Form
    field: Field
    answers: Mapping[str, Any]
    scope: str

    @property
    def only(self) -> frozenset[str]:
        """Its name alone."""
        return frozenset({self.field.name})

    @property
    def file_ids(self) -> list[int]:
        """The files it names; none where it asks for something else."""
        value: Any = self.answers
        for part in self.field.path:
            value = value.get(part) if isinstance(value, Mapping) else None
        if self.field.kind_name != "filepicker" or not isinstance(value, list):
            return []
        return [int(one) for one in value if str(one).isdecimal()]


def assignee_id(case: LiveCase, place: Place, element: Element) -> int | None:
    """Whose a task is to be, by its `assignee`; none where it is whoever's who has the role. StepFailed when the
    expression names nobody, or one who cannot have the role."""
    expression = element.task.assignee if element.task else None
    if element.task is None or expression is None:
        return None
    code = evaluate(case, expression.removeprefix("="), scopes.seen_from(place))
    party = identity.organisation_by_uscc(case.tx, code) if isinstance(code, str) else None
    if party is None:
        said = f"“{code}”" if isinstance(code, str) and code else "空值"
        raise StepFailed(reason=f"“{element.name}”应由一位登记的当事人办理，得到的代码{said}没有登记。")
    name = case.procedure.manifest.role(element.task.role)
    role = case.published.regulation.roles.get(name)
    if role is None or not set(role.applicant) & set(party.kinds):
        title = role.title if role else name
        raise StepFailed(reason=f"“{element.name}”由{title}办理，{party.name}（{party.uscc}）不能担任。")
    return party.id


def shown(case: LiveCase, task: Task, language: Language = "zh") -> Excerpt:
    """What the manifest shows to whoever does a task of its role (`[shown]`), as it stands now; nothing else is."""
    lines: list[Shown] = []
    tables: list[TableShown] = []
    files: list[Attachment] = []
    for said in _fields(case, task):
        files += _attachments(case, said)
        if said.field.columns:
            tables += said.form.display_tables(said.answers, scope_of(case, said.scope), {}, language, only=said.only)
        elif said.field.kind_name != "filepicker":
            lines += said.form.display(said.answers, scope_of(case, said.scope), {}, language, only=said.only)
    return Excerpt(tuple(lines), tuple(tables), tuple(files))


def may_open(case: LiveCase, attachment_id: int, organisation_id: int) -> bool:
    """Whether a party may open a file because it is shown beside a task that it has, or has done, in the case."""
    mine = select(Task).where(
        Task.case_id == case.id, Task.assignee_id == organisation_id, Task.state.in_(("open", "done"))
    )
    return any(attachment_id in said.file_ids for task in case.tx.scalars(mine) for said in _fields(case, task))


def over(tx: Session, task: Task) -> Over | None:
    """Why a task waits no more; None while it is open."""
    if task.state == "open":
        return None
    if task.state == "done":
        return Over.DONE
    if _replaced(tx, task):
        return Over.REPLACED
    ended_at = tx.get_one(Case, task.case_id).ended_at
    return Over.ENDED if ended_at is not None and ended_at == task.closed_at else Over.CLOSED


def _replaced(tx: Session, task: Task) -> bool:
    """Whether in the act that closed a task another party was asked in its place: at the same seat, where each of many
    has a scope of his own, else at the same step."""
    opened = select(Task).where(
        Task.case_id == task.case_id,
        Task.opened_at == task.closed_at,
        Task.id > task.id,
        Task.assignee_id.is_not(None),
        Task.assignee_id != task.assignee_id,
    )
    here = seat(task.inside)
    one_of_many = "." in here.rpartition("/")[2]
    others = (other for other in tx.scalars(opened) if seat(other.inside) == here)
    return any(one_of_many or other.element == task.element for other in others)


def _fields(case: LiveCase, task: Task) -> Iterable[_Said]:
    """Each field that is shown beside a task and was answered."""
    drawn = case.element(task.scope, task.element).task
    for path in case.procedure.manifest.shown.get(drawn.role, ()) if drawn else ():
        key, *rest = path.split(".")
        place = seen_from(case, task.inside, key)
        if place is None:
            continue
        scope, element = place
        said = case.values.latest(scope, key)
        form = case.procedure.forms.get(form_of(element) or "")
        field = next((field for field in form.fields if field.path == tuple(rest)), None) if form else None
        if said is not None and form is not None and field is not None and isinstance(said.value, dict):
            yield _Said(form, field, said.value, scope)


def _attachments(case: LiveCase, said: _Said) -> list[Attachment]:
    here = (Attachment.case_id == case.id, Attachment.id.in_(said.file_ids))
    return list(case.tx.scalars(select(Attachment).where(*here).order_by(Attachment.id))) if said.file_ids else []
