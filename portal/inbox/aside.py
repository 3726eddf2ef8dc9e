"""What stands beside the lists of an official, counted in one statement, whatever page it is for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import ColumnElement, ScalarSelect, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from portal import notify
from portal.identity import registering
from portal.identity.models import Grant, Person
from portal.inbox.desk import count_matters
from portal.inbox.queries import COUNTED, Counts, Wanted, count_lights, count_of, newest_task
from portal.inbox.rules import LIGHTS, Lights, Place, View

PEOPLE = 200
"""At most so many colleagues are offered to choose from."""


@dataclass(frozen=True)
class Aside:
    """The counts (100 stands for a hundred or more), and who may hold a task."""

    counts: Counts
    saved: tuple[int, ...]
    """Of each saved filter."""
    lent: tuple[int, ...]
    """Of each principal."""
    matters: int
    registrations: int
    """Those of units and people that wait for a decision."""
    unread: int
    newest: int
    """The id of the task that was opened last, of whomever."""
    lights: Lights | None
    """Of the list shown."""
    people: tuple[tuple[int, str], ...]
    """Id and name of those who hold a role in the regulations, by name."""


def aside(
    tx: Session,
    place: Place,
    desks: Collection[tuple[str, str]],
    saved: Sequence[Wanted] = (),
    principals: Sequence[Place] = (),
    shown: Wanted | None = None,
) -> Aside:
    """What stands beside a list, or beside another page, which shows no list."""
    wanted: list[ColumnElement[int]] = [
        *(count_of(Wanted(place, view)) for view in View),
        *(count_of(one) for one in saved),
        *(count_of(Wanted(principal, View.MINE)) for principal in principals),
        count_matters(desks),
        registering.count_waiting(COUNTED),
        notify.count_unread(place.person_id),
        func.coalesce(newest_task(), 0),
        *(count_lights(shown) if shown else ()),
    ]
    people = _people(place.regulations) if shown and shown.view is View.ALL else literal(None)
    *numbers, colleagues = tx.execute(select(*(one.label(f"n{at}") for at, one in enumerate(wanted)), people)).one()
    each = iter(numbers)
    return Aside(
        counts=Counts(*islice(each, len(View))),
        saved=tuple(islice(each, len(saved))),
        lent=tuple(islice(each, len(principals))),
        matters=next(each),
        registrations=next(each),
        unread=next(each),
        newest=next(each),
        lights=Lights(*islice(each, len(LIGHTS))) if shown else None,
        people=tuple((number, name) for number, name in colleagues or ()),
    )


def _people(regulations: Collection[str]) -> ScalarSelect[list[tuple[int, str]] | None]:
    """SQL for those who hold a role, as JSON."""
    held = select(Grant.person_id).where(Grant.regulation.in_(regulations), Grant.body.is_(None))
    some = (
        select(Person.id, Person.name)
        .where(Person.id.in_(held), Person.active, Person.organisation_id.is_(None))
        .order_by(Person.name, Person.id)
        .limit(PEOPLE)
        .subquery()
    )
    each = func.json_build_array(some.c.id, some.c.name)
    return select(func.json_agg(aggregate_order_by(each, some.c.name, some.c.id))).scalar_subquery()
