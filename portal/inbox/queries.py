"""Reads lists of tasks with a fixed number of statements, each bounded by the page and not by what is open.

Whatever a list is narrowed to, an index gives its tasks in the order of the list: of the one that narrows most, each
of its branches (a role, a procedure, a unit …) yields at most one page, and these are merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    FromClause,
    ScalarSelect,
    Select,
    Subquery,
    Text,
    and_,
    bindparam,
    case,
    cast,
    column,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB, array
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from portal.cases.models import ActRecord, Case, CaseValue, Task
from portal.forms import uscc as codes
from portal.identity.models import Organisation, Person
from portal.inbox.rules import (
    LIGHTS,
    MYSELF,
    NOBODY,
    UNFILTERED,
    Bounds,
    Cursor,
    Filter,
    Light,
    Lights,
    Place,
    View,
)

SIZE = 50
PUBLIC = "public"
"""Stands for the party of a case that somebody filed without an account."""
COUNTED = 100
"""A count stops here and is shown as 99+."""
UNITS = 100
"""At most so many units are taken for what was typed."""


@dataclass(frozen=True)
class Before:
    """The texts of an answer, by field, with the place and visit of its step."""

    scope: str
    element: str
    visit: int
    texts: dict[str, str]


@dataclass(frozen=True)
class Did:
    """A step that a person did, or somebody for him; `own`: in the very case, not in one it comes from."""

    own: bool
    procedure: str
    element: str


@dataclass(frozen=True)
class Row:
    """One task with what a list shows of its case."""

    task_id: int
    name: str
    role: str
    due: datetime | None
    opened_at: datetime
    closed_at: datetime | None
    holder_id: int | None
    holder: str | None
    principal: str | None
    """For whom the holder, a deputy, has claimed or done it."""
    case_id: int
    number: str
    title: str
    status: str
    release_id: int
    regulation: str
    procedure: str
    party: str | None
    """The name of its party; `PUBLIC` of a case that was filed without an account."""
    searchable: dict[str, str]
    visit: int
    """How often the step has been come to."""
    before: Before | None
    """What was answered last before a step was come to again."""
    element: str
    assignee: str | None
    """The party to whom alone it is assigned."""
    form: str
    did: tuple[Did, ...] = ()
    """Of a task that nobody holds: what the place's person did in its case and in those it comes from."""


_NAMES = tuple(field.name for field in fields(Row))


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


@dataclass(frozen=True)
class Wanted:
    """A list of open tasks: whose, which view, narrowed to what; `limits` part the lights.

    What the person of `besides` holds in its roles, or may claim, is left out: it stands in a list of its own.
    """

    place: Place
    view: View
    limits: Bounds | None = None
    only: Filter = UNFILTERED
    besides: Place | None = None


def tasks_page(
    tx: Session,
    place: Place,
    view: View,
    *,
    only: Filter = UNFILTERED,
    limits: Bounds | None = None,
    besides: Place | None = None,
    after: Cursor | None = None,
    size: int = SIZE,
) -> Page:
    """One page of a view, those due first at the top, those without deadline last."""
    ids = _first(Wanted(place, view, limits, only, besides), size + 1, after=after)
    if ids is None:
        return Page((), None)
    wanted = _OPEN.join(ids, ids.c.id == Task.id).order_by(*_ORDER).limit(size + 1)
    found = tx.execute(wanted, {"person": place.person_id}).all()
    rows = tuple(_row(*one) for one in found[:size])
    more = len(found) > size
    return Page(rows, Cursor(rows[-1].due, rows[-1].task_id) if more else None)


def done_page(tx: Session, person_id: int, after: Cursor | None, size: int = SIZE) -> Page:
    """The tasks that a person has done, the newest first; the cursor holds when the last of a page was done."""
    wanted = _ROWS.where(Task.holder_id == person_id, Task.state == "done")
    if after is not None:
        wanted = wanted.where(tuple_(Task.closed_at, Task.id) < (after.due, after.id))
    found = tx.execute(wanted.order_by(Task.closed_at.desc(), Task.id.desc()).limit(size + 1)).all()
    rows = tuple(_row(*one) for one in found[:size])
    return Page(rows, Cursor(rows[-1].closed_at, rows[-1].task_id) if len(found) > size else None)


def most_urgent(tx: Session, place: Place) -> Row | None:
    """The task that an official has claimed and that is due first."""
    return next(iter(tasks_page(tx, place, View.MINE, size=1).rows), None)


def counts(tx: Session, place: Place) -> Counts:
    """How many tasks each view holds, in one statement."""
    mine, role, every = (count_of(Wanted(place, view)) for view in View)
    return Counts(*tx.execute(select(mine, role, every)).one())


def lights(tx: Session, place: Place, view: View, limits: Bounds) -> Lights:
    """How many tasks of a view have each light, in one statement."""
    red, amber, green, none = count_lights(Wanted(place, view, limits))
    return Lights(*tx.execute(select(red, amber, green, none)).one())


def count_each(tx: Session, lists: Sequence[Wanted]) -> list[int]:
    """How many tasks each list holds, in one statement."""
    return list(tx.execute(select(*(count_of(one).label(f"n{at}") for at, one in enumerate(lists)))).one())


def urgency(row: Row) -> tuple[bool, float, int]:
    """By what the tasks of several pages are merged into one order: those due first, those never due last."""
    return row.due is None, row.due.timestamp() if row.due else 0.0, row.task_id


def count_of(wanted: Wanted) -> ColumnElement[int]:
    """SQL that counts the tasks of a list, up to COUNTED."""
    return _counted(wanted)


def count_lights(wanted: Wanted) -> list[ColumnElement[int]]:
    """SQL that counts those of each light, whatever light the list is narrowed to."""
    return [_counted(wanted, light) for light in LIGHTS]


def newest_task() -> ScalarSelect[int | None]:
    """SQL for the id of the task that was opened last, of whomever."""
    return select(func.max(Task.id)).scalar_subquery()


def arrived_since(tx: Session, place: Place, view: View, since: int) -> int:
    """How many tasks were opened after the one with this id, up to COUNTED: those that the place's roles may claim,
    or of all its regulations."""
    if view is View.ALL:
        own: ColumnElement[bool] = Task.regulation.in_(place.regulations)
    else:
        own = and_(tuple_(Task.regulation, Task.role).in_(place.roles), Task.holder_id.is_(None))
    few = select(Task.id).where(Task.state == "open", Task.id > since, own).limit(COUNTED).subquery()
    return tx.scalar(select(func.count()).select_from(few)) or 0


def task_names(tx: Session, place: Place, ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    """The number of the case and the name of the step of some tasks of a place's regulations."""
    named = select(Task.id, Case.number, Task.name).join(Case, Case.id == Task.case_id)
    wanted = named.where(Task.id.in_(set(ids)), Task.regulation.in_(place.regulations))
    return {task_id: (number, step) for task_id, number, step in tx.execute(wanted)}


# NULLS LAST is PostgreSQL's own order, so the indexes of the table give it.
_ORDER = (Task.due.asc(), Task.id.asc())
_HOLDER = aliased(Person, name="holder")
_PRINCIPAL = aliased(Person, name="principal")
_ASSIGNEE = aliased(Organisation, name="assignee")


def _before() -> ScalarSelect[dict[str, Any]]:
    """SQL for the last answer that a person gave before a task was opened, as JSON; of its values only the texts."""
    value = func.jsonb_each(CaseValue.value).table_valued(column("key", Text), column("value", JSONB), name="value")
    texts = select(func.jsonb_object_agg(value.c.key, value.c.value)).where(
        func.jsonb_typeof(value.c.value) == "string"
    )
    return (
        select(
            func.jsonb_build_object(
                "scope", CaseValue.scope, "element", CaseValue.element, "visit", CaseValue.visit,
                "texts", func.coalesce(texts.scalar_subquery(), cast({}, JSONB)),
            )
        )
        .join(ActRecord, ActRecord.id == CaseValue.act_id)
        .where(
            CaseValue.case_id == Task.case_id,
            CaseValue.person_id.is_not(None),
            ActRecord.moment <= Task.opened_at,
            func.jsonb_typeof(CaseValue.value) == "object",
        )
        .order_by(CaseValue.act_id.desc())
        .limit(1)
        .correlate(Task)
        .scalar_subquery()
    )  # fmt: skip


def _did() -> ScalarSelect[list[list[Any]]]:
    """SQL for the steps that the person did, or somebody for him, in the case of a task and in those it is about or was
    started by: the fields of Did, as JSON."""
    person_id = bindparam("person", type_=CaseValue.person_id.type)
    line = select(Task.case_id.label("id")).correlate(Task).cte("line", recursive=True, nesting=True)
    before = func.unnest(array([Case.about_id, Case.started_by_id]))
    line = line.union(select(before).join(line, line.c.id == Case.id))
    told = func.jsonb_build_array(Case.id == Task.case_id, Case.procedure, CaseValue.element)
    return (
        select(func.jsonb_agg(told.distinct()))
        .select_from(line)
        .join(Case, Case.id == line.c.id)
        .join(CaseValue, CaseValue.case_id == Case.id)
        .join(ActRecord, ActRecord.id == CaseValue.act_id)
        .where(or_(CaseValue.person_id == person_id, ActRecord.for_id == person_id))
        .correlate(Task)
        .scalar_subquery()
    )


# In the order of Row's fields.
_COLUMNS = (
    Task.id,
    Task.name,
    Task.role,
    Task.due,
    Task.opened_at,
    Task.closed_at,
    Task.holder_id,
    _HOLDER.name,
    _PRINCIPAL.name,
    Case.id,
    Case.number,
    Case.title,
    Case.status,
    Case.release_id,
    Case.regulation,
    Case.procedure,
    case((Case.party_id.is_not(None), Organisation.name), (Case.query_code.is_not(None), PUBLIC)),
    Case.searchable,
    Task.visit,
    case((Task.visit > 1, _before())),
    Task.element,
    _ASSIGNEE.name,
    Task.form,
)


def _row(*told: Any) -> Row:  # noqa: ANN401 - a row of the database
    named = dict(zip(_NAMES, told, strict=False))
    before, did = named.pop("before"), named.pop("did", None)
    return Row(**named, before=Before(**before) if before else None, did=tuple(Did(*one) for one in did or ()))


# Put together once: that takes longer than to ask.
_ROWS: Select[*tuple[Any, ...]] = (
    select(*_COLUMNS)
    .select_from(Task)
    .join(Case, Case.id == Task.case_id)
    .outerjoin(Organisation, Organisation.id == Case.party_id)
    .outerjoin(_HOLDER, _HOLDER.id == Task.holder_id)
    .outerjoin(_PRINCIPAL, _PRINCIPAL.id == Task.for_id)
    .outerjoin(_ASSIGNEE, _ASSIGNEE.id == Task.assignee_id)
)
_OPEN = _ROWS.add_columns(case((Task.holder_id.is_(None), _did())))


def _counted(wanted: Wanted, light: Light | None = None) -> ColumnElement[int]:
    ids = _first(wanted, COUNTED, light=light)
    if ids is None:
        return literal(0)
    limited = select(ids.c.id).limit(COUNTED).subquery()
    return select(func.count()).select_from(limited).scalar_subquery()


def _first(wanted: Wanted, size: int, *, light: Light | None = None, after: Cursor | None = None) -> Subquery | None:
    """The ids of a list's first tasks: of each branch at most `size`, in order from an index. None: there are none."""
    drive = _drive(wanted)
    if drive is None:
        return None
    rest = [condition for about, condition in _conditions(wanted).items() if about not in drive.about]
    narrowed = [Task.state == "open", *drive.on, *rest, *_of_light(light or wanted.only.light, wanted.limits)]
    each = [select(Task.id).where(*narrowed, *behind).order_by(*_ORDER).limit(size) for behind in _behind(after)]
    found = [_through(drive.branches, one) for one in each]
    return (union_all(*found) if len(found) > 1 else found[0]).subquery()


def _through(branches: FromClause | None, one: Select[int]) -> Select[int]:
    """The tasks of every branch, or of the only one."""
    if branches is None:
        return select(one.subquery().c.id)
    of_branch = one.lateral()
    return select(of_branch.c.id).select_from(branches).join(of_branch, true())


@dataclass(frozen=True)
class _Drive:
    """What the tasks are read by: rows each of which is a branch (None: there is one), how a task belongs to one,
    and which conditions that answers already."""

    branches: FromClause | None
    on: Sequence[ColumnElement[bool]]
    about: frozenset[str]


def _drive(wanted: Wanted) -> _Drive | None:
    """The index that narrows a list most; None when nothing can be found."""
    place, only = wanted.place, wanted.only
    if only.unit:
        units = _units(only.unit)
        return _Drive(units, [Task.party_id == units.c.id], frozenset({"unit"}))
    if _holder_id(wanted) is not None:
        return _Drive(None, [Task.holder_id == _holder_id(wanted)], frozenset({"holder"}))
    if only.procedures is None:
        if wanted.view is View.ROLE:
            return _by((Task.regulation, Task.role), place.roles, "role")
        return _by((Task.regulation,), [(regulation,) for regulation in place.regulations], "regulation")
    if only.step:
        found = _by((Task.regulation, Task.procedure), only.procedures, "procedure")
        return replace(found, on=[*found.on, Task.name == only.step], about=found.about | {"step"}) if found else None
    if wanted.view is View.ROLE:
        keys = [(*held, slug) for held in place.roles for regulation, slug in only.procedures if regulation == held[0]]
        return _by((Task.regulation, Task.role, Task.procedure), keys, "role", "procedure")
    return _by((Task.regulation, Task.procedure), only.procedures, "procedure")


def _by(columns: Sequence[InstrumentedAttribute[str]], keys: Sequence[tuple[str, ...]], *about: str) -> _Drive | None:
    """A branch for each of some keys."""
    if not keys:
        return None
    arrays = (literal(list(each), ARRAY(Text)) for each in zip(*keys, strict=True))
    # Not VALUES, whose statements are put together anew each time.
    branches = func.unnest(*arrays).table_valued(*(one.key for one in columns), name="branch").render_derived()
    return _Drive(branches, [one == branches.c[one.key] for one in columns], frozenset(about))


@lru_cache(maxsize=64)
def _units(text: str) -> CTE:
    """The units whose name or code holds what was typed; the same object for the same text, so that a statement
    which counts several times looks for them once."""
    named = Organisation.name.icontains(text, autoescape=True)
    code = Organisation.uscc.startswith(codes.normal(text), autoescape=True)
    return select(Organisation.id).where(or_(named, code)).order_by(Organisation.id).limit(UNITS).cte()


def _conditions(wanted: Wanted) -> dict[str, ColumnElement[bool]]:
    """All that a task must be to stand in a list, by what it is about."""
    place, only = wanted.place, wanted.only
    found: dict[str, ColumnElement[bool]] = {}
    if wanted.view is View.ALL:
        found["regulation"] = Task.regulation.in_(place.regulations)
    if wanted.view is View.ROLE or place.only_roles:
        found["role"] = tuple_(Task.regulation, Task.role).in_(place.roles)
    if wanted.view is View.ROLE:
        found["holder"] = Task.holder_id.is_(None)
    elif wanted.view is View.ALL and only.holder == NOBODY:
        found["holder"] = and_(Task.holder_id.is_(None), Task.assignee_id.is_(None))
    elif _holder_id(wanted) is not None:
        found["holder"] = Task.holder_id == _holder_id(wanted)
    if only.procedures is not None:
        found["procedure"] = tuple_(Task.regulation, Task.procedure).in_(only.procedures)
    if only.step:
        found["step"] = Task.name == only.step
    if wanted.besides is not None:
        own = tuple_(Task.regulation, Task.role).in_(wanted.besides.roles)
        found["besides"] = not_(own & or_(Task.holder_id.is_(None), Task.holder_id == wanted.besides.person_id))
    return found


def _holder_id(wanted: Wanted) -> int | None:
    """Whose tasks alone are asked for."""
    if wanted.view is View.MINE or (wanted.view is View.ALL and wanted.only.holder == MYSELF):
        return wanted.place.person_id
    return wanted.only.holder_id if wanted.view is View.ALL else None


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
        case Light.WEEK:
            return [Task.due > limits.red, Task.due <= limits.week]


def _behind(after: Cursor | None) -> list[list[ColumnElement[bool]]]:
    """The stretches of the order behind a task, each of which an index gives: those due, then those never due."""
    if after is None:
        return [[]]
    if after.due is None:
        return [[Task.due.is_(None), Task.id > after.id]]
    return [[tuple_(Task.due, Task.id) > (after.due, after.id)], [Task.due.is_(None)]]
