"""In whose name a deputy does a task: what he may choose where several have lent him the role, and what he chose."""

from __future__ import annotations

from sqlalchemy.orm import Session

from portal.cases import tasks
from portal.cases.errors import DeputyNoMore, NotYourRole
from portal.cases.live import LiveCase
from portal.cases.models import Task
from portal.clock import day_of
from portal.edge.acting import moment, posted_id
from portal.identity import Actor, delegating

IN_NAME_OF = "_for"
"""The input that holds the id of the one in whose name a task is done."""


def in_name_of() -> int | None:
    """Whom this request names; None when it leaves that open."""
    return posted_id(IN_NAME_OF)


def principals_to_choose(case: LiveCase, task: Task, actor: Actor) -> tuple[tuple[int, str], ...]:
    """Those whom a deputy may name, with their names; nobody where there is nothing to choose."""
    names = {one.person_id: one.name for one in actor.deputy_for}
    found = tuple((number, names[number]) for number in tasks.may_stand_in_for(case, task, actor))
    return found if len(found) > 1 else ()


def name_of(actor: Actor, principal_id: int | None) -> str:
    """The name of one for whom a person stands in; empty for nobody."""
    return next((one.name for one in actor.deputy_for if one.person_id == principal_id), "")


def role_missing(tx: Session, case: LiveCase, task: Task, actor: Actor) -> NotYourRole:
    """Why somebody without the task's role may not do it: he never had it, or stood in for one who lends it no more."""
    told = {"role": case.published.regulation.role_title(task.role), "case_id": case.id}
    for one in delegating.past(tx, actor.person_id, day_of(moment(tx))):
        lent = (one.row.regulation, one.row.role)
        if one.row.to_person_id == actor.person_id and lent == (task.regulation, task.role):
            return DeputyNoMore(principal=one.principal, **told)
    return NotYourRole(**told)
