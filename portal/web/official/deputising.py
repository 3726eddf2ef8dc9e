"""In whose name a deputy does a task: what he may choose where several have lent him the role, and what he chose."""

from __future__ import annotations

from portal.cases import tasks
from portal.cases.live import LiveCase
from portal.cases.models import Task
from portal.identity import Actor
from portal.web.acting import posted_id

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
