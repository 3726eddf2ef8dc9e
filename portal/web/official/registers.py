"""The registers of an official's regulations: each with its records, and each record with what made it so."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal import registers
from portal.cases.errors import UnknownCase
from portal.edge.acting import asked, reading
from portal.edge.machine import machine
from portal.edge.standing import in_force
from portal.identity import Actor, Permission, Subject
from portal.procedures import Published
from portal.registers import Register
from portal.web import records, validity
from portal.web.access import needs, permit
from portal.web.languages import listed
from portal.web.official.blueprint import blueprint, frame, place_of, starts
from portal.web.pages import render

SIZE = 50
_ENTERS = "register.record"


@dataclass(frozen=True)
class RegisterView:
    """A register in the list of all: by what it tells records apart, their states, and what enters them."""

    title: str
    regulation: str
    key: str
    states: str
    entered_by: str
    url: str


@dataclass(frozen=True)
class Recorder:
    """A procedure that puts records on a register; `url` where this official may start it."""

    title: str
    url: str | None


@dataclass(frozen=True)
class Filter:
    """What a page of a register is narrowed to."""

    q: str
    state: str | None
    year: int | None

    @property
    def used(self) -> bool:
        """Whether anything is left out."""
        return bool(self.q or self.state or self.year)

    def address(self, register_url: str, before: int | None = None) -> str:
        """Where the page, or the next one, is."""
        given = {"q": self.q, "state": self.state or "", "year": self.year or "", "before": before or ""}
        said = urlencode({key: value for key, value in given.items() if value})
        return f"{register_url}?{said}" if said else register_url


@blueprint.get("/registers")
@needs(Permission.TASK_LIST)
def registers_page() -> ResponseReturnValue:
    """Every register of the releases in force that are this official's."""
    actor = permit()
    place = place_of(actor)
    with reading() as tx:
        found = [
            _register_view(published, register, actor)
            for published in in_force(tx)
            if published.regulation.slug in place.regulations
            for register in published.regulation.registers.values()
        ]
        return render("official/registers.html", registers=found, **frame(tx, actor, "/registers"))


@blueprint.get("/registers/<regulation>/<register>")
@needs(Permission.REGISTER_READ)
def register_page(regulation: str, register: str) -> ResponseReturnValue:
    """One page of a register, the newest records first, or of what a search finds."""
    actor = _permitted(regulation)
    before = asked("before")
    with reading() as tx:
        published, shown = _register(tx, regulation, register)
        wanted, url = _filter(shown), _url(regulation, shown)
        rows = registers.find(
            tx, regulation, register, q=wanted.q, state=wanted.state, year=wanted.year, before=before, size=SIZE + 1
        )
        more = len(rows) > SIZE
        return render(
            "official/register.html",
            register=shown,
            url=url,
            columns=records.columns(shown),
            rows=records.record_views(tx, shown, map(records.as_it_is, rows[:SIZE])),
            wanted=wanted,
            recorders=[] if rows else _recorders(published, shown, actor),
            later=wanted.address(url, rows[SIZE - 1].id) if more else None,
            earlier=wanted.address(url) if before is not None else None,
            **frame(tx, actor, "/registers"),
        )


@blueprint.get("/registers/<regulation>/<register>/<int:record_id>")
@needs(Permission.REGISTER_READ)
def record_page(regulation: str, register: str, record_id: int) -> ResponseReturnValue:
    """A record with its history: who changed what, when, by which case, on which document and article."""
    actor = _permitted(regulation)
    with reading() as tx:
        published, shown = _register(tx, regulation, register)
        row = registers.get(tx, regulation, register, record_id)
        if row is None:
            raise UnknownCase
        [view] = records.record_views(tx, shown, [records.as_it_is(row)])
        entries = registers.entries(tx, [row.id])
        return render(
            "official/record.html",
            register=shown,
            url=_url(regulation, shown),
            record=view,
            entries=records.entry_views(tx, published.regulation, shown, entries),
            law=validity.of_case_id(tx, row.case_id),
            **frame(tx, actor, "/registers"),
        )


def _permitted(regulation: str) -> Actor:
    actor = permit(Subject(regulation=regulation))
    place_of(actor)
    return actor


def _register(tx: Session, regulation: str, name: str) -> tuple[Published, Register]:
    published = machine().kernel.releases.newest(tx, regulation)
    register = published.regulation.registers.get(name)
    if register is None:
        raise UnknownCase
    return published, register


def _url(regulation: str, register: Register) -> str:
    return f"/registers/{regulation}/{register.name}"


def _filter(register: Register) -> Filter:
    q = request.args.get("q", "").replace("\0", "").strip()
    state, year = request.args.get("state", ""), request.args.get("year", type=int)
    known = year if year is not None and 0 < year < 10_000 else None
    return Filter(q, state if state in register.states else None, known)


def _register_view(published: Published, register: Register, actor: Actor) -> RegisterView:
    return RegisterView(
        title=register.title,
        regulation=published.regulation.title,
        key=listed(register.title_of(name) for name in register.key),
        states=listed(register.states),
        entered_by=listed(recorder.title for recorder in _recorders(published, register, actor)),
        url=_url(published.regulation.slug, register),
    )


def _recorders(published: Published, register: Register, actor: Actor) -> list[Recorder]:
    """The procedures that put records on a register: what to do when there are none."""
    mine, slug = starts(published, actor), published.regulation.slug
    found = []
    for procedure in published.procedures.values():
        actions = [element.action for _drawn, element in procedure.elements() if element.action is not None]
        if any(action.name == _ENTERS and action.inputs.get("register") == register.name for action in actions):
            url = f"/start/{slug}/{procedure.slug}" if procedure.slug in mine else None
            found.append(Recorder(procedure.manifest.title, url))
    return found
