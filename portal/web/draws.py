"""The drawings by lot that are public: who could be drawn, who was, and how anybody draws again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.cases import drawn
from portal.cases.drawn import Drawn
from portal.cases.lots import NUMBER
from portal.edge.acting import asked, reading
from portal.edge.machine import machine
from portal.edge.standing import in_force
from portal.registers import Record, public
from portal.web import validity
from portal.web.access import open_to_all, visitor
from portal.web.pages import render
from portal.web.public import around
from portal.web.registry import heading_of, kept, url_of
from portal.web.registry_files import finished

blueprint = Blueprint("draws", __name__)

HOME = "/registry/draws"
AT_A_TIME = 20
_REGISTRY = "/registry"


@dataclass(frozen=True)
class Person:
    """One of those on the register: his number, and his name and record where these are public."""

    number: str
    name: str = ""
    url: str = ""


@dataclass(frozen=True)
class SeatView:
    """A seat of the committee: who was drawn for it, and why and by whom he was replaced, in order."""

    person: Person
    changes: tuple[ChangeView, ...]


@dataclass(frozen=True)
class ChangeView:
    """Who came in somebody's place (None: nobody was left), when, and why that one does not take part; who was passed
    over before him, and why."""

    by: Person | None
    at: datetime
    reason: str
    passed: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class OverView:
    """What is shown of a drawing once nothing of its committee is open."""

    seed: str
    seats: tuple[SeatView, ...]
    pool: tuple[str, ...]
    excluded: tuple[tuple[str, tuple[str, ...]], ...]
    """For each reason the numbers of those whom it left out."""


@dataclass(frozen=True)
class DrawLine:
    """A drawing in the list of all."""

    title: str
    number: str
    count: int
    moment: datetime
    url: str


@blueprint.get(HOME)
@open_to_all
def draws_page() -> ResponseReturnValue:
    """Every drawing, the newest first; how lots are drawn, and how anybody draws again."""
    visitor()
    before = asked("before")
    with reading() as tx:
        found = drawn.listed(tx, before, AT_A_TIME + 1)
        shown = found[:AT_A_TIME]
        page = render(
            "public/drawing.html",
            lines=[
                DrawLine(case.title, case.number, row.count, row.moment, url_of_draw(row.id)) for row, case in shown
            ],
            newest=HOME if before is not None else None,
            later=f"{HOME}?before={shown[-1][0].id}" if len(found) > AT_A_TIME else None,
            law=validity.of_rows(tx, (case for _row, case in shown)),
            **around(tx, _REGISTRY),
        )
    return kept(page)


def url_of_draw(draw_id: int) -> str:
    """The address of a drawing's page."""
    return f"{HOME}/{draw_id}"


@blueprint.get(f"{HOME}/<int:draw_id>")
@open_to_all
def draw_page(draw_id: int) -> ResponseReturnValue:
    """One drawing."""
    visitor()
    with reading() as tx:
        found = drawn.published(machine().kernel, tx, draw_id)
        page = render(
            "public/draw.html",
            draw=found.row,
            number=found.case.row.number,
            title=found.case.row.title,
            register=found.register.title,
            regulation=found.case.published.regulation,
            pool=found.pool,
            over=_over(tx, found) if found.over else None,
            proven=found.proven,
            law=validity.of_case(tx, found.case),
            **around(tx, _REGISTRY),
        )
    return kept(page)


@blueprint.get(f"{HOME}/<int:draw_id>.json")
@open_to_all
def draw_json(draw_id: int) -> ResponseReturnValue:
    """The same for a program: what `draw_again.py` reads."""
    with reading() as tx:
        return finished(drawn.published(machine().kernel, tx, draw_id).as_json())


def _over(tx: Session, found: Drawn) -> OverView:
    row = found.row
    came = [one.by for one in found.replacements if one.by is not None]
    people = _people(tx, found, {*row.drawn, *came})
    changes = {
        one.number: ChangeView(
            people[one.by] if one.by is not None else None,
            one.moment,
            one.reason,
            tuple((passed["number"], passed["reason"]) for passed in found.passed.get(one.id, ())),
        )
        for one in found.replacements
    }
    excluded: dict[str, list[str]] = defaultdict(list)
    for one in row.snapshot["excluded"]:
        excluded[one["reason"]].append(one["number"])
    return OverView(
        seed=row.seed,
        seats=tuple(SeatView(people[number], _changes(number, changes)) for number in row.drawn),
        pool=tuple(row.snapshot["pool"]),
        excluded=tuple((reason, tuple(numbers)) for reason, numbers in sorted(excluded.items())),
    )


def _changes(number: str, changes: Mapping[str, ChangeView]) -> tuple[ChangeView, ...]:
    """What became of a seat for which somebody was drawn."""
    found: list[ChangeView] = []
    while number in changes:
        found.append(changes[number])
        by = changes[number].by
        if by is None:
            break
        number = by.number
    return tuple(found)


def _people(tx: Session, found: Drawn, numbers: Collection[str]) -> dict[str, Person]:
    """People by their numbers, with name and address as far as the register in force makes them public."""
    known = {number: Person(number) for number in numbers}
    regulation, name = found.row.regulation, found.row.register
    newest = next((one.regulation for one in in_force(tx) if one.regulation.slug == regulation), None)
    register = newest.registers.get(name) if newest is not None else None
    if register is None or not register.public:
        return known
    keys = [register.key_of({NUMBER: number}) for number in numbers]
    here = (Record.regulation == regulation, Record.register == name, Record.key.in_(keys))
    heading = next((name for name in register.public if name != NUMBER), heading_of(register))
    for row, told in public.published(tx, register, list(tx.scalars(select(Record).where(*here)))):
        number = str(row.fields[NUMBER])
        known[number] = Person(number, str(told.fields.get(heading) or ""), f"{url_of(regulation, register)}/{row.id}")
    return known
