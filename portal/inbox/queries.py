"""Reads lists of tasks with a fixed number of statements, each bounded by the page and not by what is open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, Subquery, and_, func, literal, or_, select, union_all
from sqlalchemy.orm import Session, aliased

from portal.cases.models import Case, Task
from portal.identity.models import Organisation, Person
from portal.inbox.rules import Bounds, Cursor, Light, Lights, Place, View

SIZE = 50
COUNTED = 100
"""A count stops here and is shown as 99+."""


@dataclass(frozen=True)
class Row:
    """One open task with what a list shows of its case."""

    task_id: int
    name: str
    role: str
    due: datetime | None
    opened_at: datetime
    holder_id: int | None
    holder: str | None
    case_id: int
    number: str
    title: str
    release_id: int
    procedure: str
    party: str | None
    searchable: dict[str, str]


@dataclass(frozen=True)
class Page:
    """Some rows, most urgent first, and where the list goes on."""

    rows: tuple[Row, ...]
    following: Cursor | None


@dataclass(frozen=True)
class Counts:
    """How many tasks each view holds; 100 stands for a hundred or more."""

    mine: int
    role: int
    all: int


def tasks_page(
    tx: Session,
    place: Place,
    view: View,
    *,
    light: Light | None = None,
    limits: Bounds | None = None,
    after: Cursor | None = None,
    size: int = SIZE,
) -> Page:
    """One page of a view, those due first at the top, those without deadline last."""
    narrowed = [*_of_light(light, limits), *_behind(after)]
    ids = _branches(place, view, lambda branch: branch.where(*narrowed), size + 1)
    if ids is None:
        return Page((), None)
    holder = aliased(Person)
    found = tx.execute(
        select(Task, Case, Organisation.name, holder.name)
        .join(ids, ids.c.id == Task.id)
        .join(Case, Case.id == Task.case_id)
        .outerjoin(Organisation, Organisation.id == Case.party_id)
        .outerjoin(holder, holder.id == Task.holder_id)
        .order_by(*_ORDER)
        .limit(size + 1)
    ).all()
    rows = tuple(_row(task, case, party, held_by) for task, case, party, held_by in found[:size])
    more = len(found) > size
    return Page(rows, Cursor(rows[-1].due, rows[-1].task_id) if more else None)


def most_urgent(tx: Session, place: Place) -> Row | None:
    """The task that an official has claimed and that is due first."""
    return next(iter(tasks_page(tx, place, View.MINE, size=1).rows), None)


def counts(tx: Session, place: Place) -> Counts:
    """How many tasks each view holds, in one statement."""
    mine, role, everything = (_count(place, view) for view in View)
    return Counts(*tx.execute(select(mine, role, everything)).one())


def lights(tx: Session, place: Place, view: View, limits: Bounds) -> Lights:
    """How many tasks of a view have each light, in one statement."""
    red, amber, green, none = (_count(place, view, *_of_light(light, limits)) for light in Light)
    return Lights(*tx.execute(select(red, amber, green, none)).one())


# NULLS LAST is PostgreSQL's own order, so the indexes of the table give it.
Narrowing = Callable[[Select[int]], Select[int]]
_ORDER = (Task.due.asc(), Task.id.asc())


def _count(place: Place, view: View, *narrowed: ColumnElement[bool]) -> ColumnElement[int]:
    ids = _branches(place, view, lambda branch: branch.where(*narrowed), COUNTED)
    if ids is None:
        return select(literal(0)).scalar_subquery()
    limited = select(ids.c.id).limit(COUNTED).subquery()
    return select(func.count()).select_from(limited).scalar_subquery()


def _branches(place: Place, view: View, narrow: Narrowing, size: int) -> Subquery | None:
    """The ids of a view's first tasks: of each role at most `size`, in order from an index, then merged."""
    branches = [
        narrow(select(Task.id).where(Task.state == "open", condition)) for condition in _conditions(place, view)
    ]
    if not branches:
        return None
    limited = [branch.order_by(*_ORDER).limit(size).subquery() for branch in branches]
    return union_all(*(select(branch.c.id) for branch in limited)).subquery()


def _conditions(place: Place, view: View) -> list[ColumnElement[bool]]:
    match view:
        case View.MINE:
            return [Task.holder_id == place.person_id]
        case View.ROLE:
            return [
                and_(Task.regulation == regulation, Task.role == role, Task.holder_id.is_(None))
                for regulation, role in place.roles
            ]
        case View.ALL:
            return [Task.regulation == regulation for regulation in place.regulations]


def _of_light(light: Light | None, limits: Bounds | None) -> list[ColumnElement[bool]]:
    if light is None or limits is None:
        return []
    match light:
        case Light.RED:
            return [Task.due <= limits.red]
        case Light.AMBER:
            return [Task.due > limits.red, Task.due <= limits.amber]
        case Light.GREEN:
            return [Task.due > limits.amber]
        case Light.NONE:
            return [Task.due.is_(None)]


def _behind(after: Cursor | None) -> list[ColumnElement[bool]]:
    if after is None:
        return []
    if after.due is None:
        return [Task.due.is_(None), Task.id > after.id]
    same = and_(Task.due == after.due, Task.id > after.id)
    return [or_(Task.due > after.due, same, Task.due.is_(None))]


def _row(task: Task, case: Case, party: str | None, holder: str | None) -> Row:
    return Row(
        task_id=task.id,
        name=task.name,
        role=task.role,
        due=task.due,
        opened_at=task.opened_at,
        holder_id=task.holder_id,
        holder=holder,
        case_id=case.id,
        number=case.number,
        title=case.title,
        release_id=case.release_id,
        procedure=case.procedure,
        party=party,
        searchable=case.searchable,
    )
