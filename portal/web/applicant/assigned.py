"""Tasks that are assigned to the person's own party alone: the list, and what is left of one that waits no more."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.cases import assigned
from portal.cases.assigned import Over
from portal.cases.live import Cases, LiveCase
from portal.cases.models import Case, Task
from portal.cases.names import scope_of
from portal.edge.acting import asked, moment, reading
from portal.edge.machine import machine
from portal.edge.standing import calendar_in_force
from portal.identity import Actor, Permission
from portal.inbox import party
from portal.web import dates, languages
from portal.web.access import needs, permit, signed_in
from portal.web.applicant import clocks
from portal.web.applicant.clocks import DeadlineView
from portal.web.applicant.frame import blueprint, frame, organisation_of, own
from portal.web.figures import shown_figure
from portal.web.pages import render


@dataclass(frozen=True)
class AssignedLine:
    """One task in the list, its case with what it is about; `why` and `chip` say what became of it."""

    name: str
    case: str
    url: str
    deadline: DeadlineView | None = None
    chip: str = ""
    why: str = ""
    done: bool = False


@blueprint.get("/my/tasks")
@needs(Permission.PEOPLE_READ)
def my_tasks() -> ResponseReturnValue:
    """What is assigned to the person's party, the most urgent first, and what was."""
    actor = permit(own(signed_in()))
    organisation_id, before = organisation_of(actor), asked("before")
    with reading() as tx:
        rows = party.assigned_over(tx, organisation_id, before)
        shown, more = rows[: party.AT_A_TIME], len(rows) > party.AT_A_TIME
        waiting = party.assigned_open(tx, organisation_id) if before is None else []
        return render(
            "applicant/tasks.html",
            open=[_open(tx, task, case) for task, case in waiting],
            over=[_over(tx, task, case) for task, case in shown],
            later=url_for("applicant.my_tasks", before=shown[-1][0].id) if more else None,
            earlier=url_for("applicant.my_tasks") if before is not None else None,
            **frame(tx, actor, "my_tasks"),
        )


def over_page(tx: Session, task: Task, case: LiveCase, actor: Actor) -> str:
    """What became of a task that waits no more: what was handed in, or why nobody is asked any more."""
    chip, why = over_text(tx, task)
    done = task.state == "done"
    form = case.procedure.forms[task.form]
    said = case.values.at(task.place) if done else None
    value, names = said.value if said else {}, scope_of(case, task.inside)
    return render(
        "applicant/task_over.html",
        task=task,
        case=case.row,
        chip=chip,
        why=why,
        done=done,
        said=form.display(value, names, language=languages.language()) if said else [],
        tables=form.display_tables(value, names, language=languages.language()) if said else [],
        excerpt=assigned.shown(case, task, languages.language()) if done else assigned.NOTHING,
        **frame(tx, actor, "my_tasks"),
    )


def over_text(tx: Session, task: Task) -> tuple[str, str]:
    """What became of a task that waits no more: in a word, and why."""
    at = dates.exact(task.closed_at) if task.closed_at else ""
    words = {
        Over.DONE: (_("已提交"), _("%(at)s 提交。", at=at)),
        Over.REPLACED: (_("已更换"), _("%(at)s 起改由他人办理，不再需要您办理。", at=at)),
        Over.ENDED: (_("已取消"), _("案件已于 %(at)s 办结，不再需要您办理。", at=at)),
        Over.CLOSED: (_("已取消"), _("这一环节已于 %(at)s 结束，不再需要您办理。", at=at)),
    }
    return words[assigned.over(tx, task) or Over.CLOSED]


def _open(tx: Session, task: Task, case: Case) -> AssignedLine:
    live = Cases(tx, machine().kernel.releases).open(case)
    shown = clocks.of_task(live, task, moment(tx), calendar_in_force(tx))
    url = url_for("applicant.my_task", task_id=task.id)
    return AssignedLine(task.name, _case(case, shown_figure(live.published, case, task)), url, shown)


def _over(tx: Session, task: Task, case: Case) -> AssignedLine:
    chip, why = over_text(tx, task)
    url, done = url_for("applicant.my_task", task_id=task.id), task.state == "done"
    # As on its page: who has done it still reads what it was about, nobody else does.
    about = shown_figure(machine().kernel.releases.get(tx, case.release_id), case, task) if done else ""
    return AssignedLine(task.name, _case(case, about), url, None, chip, why, done)


def _case(case: Case, about: str) -> str:
    return " · ".join(part for part in (f"{case.title} {case.number}", about) if part)
