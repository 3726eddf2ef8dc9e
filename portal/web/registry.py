"""What is on record, for everybody: the public registers, their records page by page, and each with what changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, request, session
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal import registers
from portal.cases.errors import UnknownCase
from portal.documents import service as documents
from portal.edge.acting import asked, reading
from portal.edge.machine import machine
from portal.edge.standing import in_force
from portal.procedures import Published
from portal.procedures.articles import citation
from portal.procedures.regulation import Regulation
from portal.registers import Publication, Record, Register, public
from portal.registers.public import Wanted
from portal.registers.publication import Change
from portal.web import validity
from portal.web.access import open_to_all, visitor
from portal.web.pages import render
from portal.web.public import around
from portal.web.records import ChangeView, change_views, is_digest, tone_of, value_text, wraps
from portal.web.validity import LawLine

blueprint = Blueprint("registry", __name__)

SIZE = 50
_HERE = "/registry"
_LONGEST = 100
_KEPT = "public, max-age=0, s-maxage=60"
"""A shared cache answers visitors for a minute, a browser asks whether anything has changed."""


@dataclass(frozen=True)
class RegisterView:
    """A public register in the list of all."""

    title: str
    count: int
    url: str


@dataclass(frozen=True)
class Group:
    """The public registers of a regulation."""

    region: str
    title: str
    number: str
    registers: tuple[RegisterView, ...]
    law: tuple[LawLine, ...]
    """What is to be known of its validity."""


@dataclass(frozen=True)
class Field:
    """A public field in words; `digest`: a SHA-256, too long for a cell of a list; `wraps`: on several lines."""

    title: str
    text: str
    digest: bool
    wraps: bool


@dataclass(frozen=True)
class RecordView:
    """A record as everybody sees it; `counts` unless its state is a closed one, whose chip has a `tone`."""

    heading: str
    fields: tuple[Field, ...]
    state: str
    tone: str
    counts: bool
    first_shown: datetime
    changed_at: datetime
    url: str


@dataclass(frozen=True)
class EntryView:
    """What changed in public: when, by which letter (where it is verified), on which article."""

    at: datetime
    changes: tuple[ChangeView, ...]
    document: str | None
    verify_url: str | None
    basis: str | None
    hidden_since: datetime | None


@blueprint.get(_HERE)
@open_to_all
def registers_page() -> ResponseReturnValue:
    """Every public register of the releases in force."""
    visitor()
    with reading() as tx:
        return kept(render("public/registry.html", groups=_groups(tx), **around(tx, _HERE)))


@blueprint.get(f"{_HERE}/<regulation>/<register>")
@open_to_all
def register_page(regulation: str, register: str) -> ResponseReturnValue:
    """One page of a public register, or of what a search finds."""
    visitor()
    after = asked("after")
    with reading() as tx:
        published, shown = public_register(tx, regulation, register)
        wanted, overview = wanted_of(shown), public.overview(tx, regulation, shown)
        rows = public.page(tx, regulation, shown, wanted, after=after, size=SIZE + 1)
        url = url_of(regulation, shown)
        found = public.published(tx, shown, rows[:SIZE])
        page = render(
            "public/register.html",
            regulation=published.regulation,
            register=shown,
            url=url,
            overview=overview,
            year_title=_year_title(shown),
            heading=shown.title_of(heading_of(shown)),
            columns=[shown.title_of(name) for name in beside(shown)],
            rows=[record_view(shown, row, told, url) for row, told in found],
            wanted=wanted,
            files={kind: _address(f"{url}.{kind}", wanted) for kind in ("csv", "json")},
            later=_address(url, wanted, rows[SIZE - 1].id) if len(rows) > SIZE else None,
            earlier=_address(url, wanted) if after is not None else None,
            law=validity.of_regulations(tx, [published.regulation]),
            **around(tx, _HERE),
        )
    return kept(page)


@blueprint.get(f"{_HERE}/<regulation>/<register>/<int:record_id>")
@open_to_all
def record_page(regulation: str, register: str, record_id: int) -> ResponseReturnValue:
    """A record at its lasting address; of one that is shown no more, since when."""
    visitor()
    with reading() as tx:
        found = record_of(tx, regulation, register, record_id)
        shown, told, url = found.register, found.told, url_of(regulation, found.register)
        common = {"regulation": found.regulation, "register": shown, "url": url, **around(tx, _HERE)}
        if told is None:
            page = render("public/hidden.html", since=found.hidden_since, listed=found.listed, **common)
            return kept(page, HTTPStatus.GONE)
        codes = documents.verification_codes(tx, {one.letter_id for one in told.changes if one.letter_id})
        page = render(
            "public/record.html",
            record=record_view(shown, found.row, told, url),
            entries=[_entry(found.regulation, shown, change, codes) for change in reversed(told.changes)],
            address=f"{machine().settings.public_url}{url}/{record_id}",
            law=validity.of_case_id(tx, found.row.case_id),
            **common,
        )
    return kept(page)


@dataclass(frozen=True)
class Found:
    """A record that is shown (`told`), or that was (`hidden_since`), with the declaration by which it is shown or was
    last; `listed`: whether the register is still public."""

    regulation: Regulation
    register: Register
    row: Record
    told: Publication | None
    hidden_since: datetime | None
    listed: bool


def record_of(tx: Session, regulation: str, register: str, record_id: int) -> Found:
    """A record that is shown or once was; UnknownCase for any other, whether it exists or not."""
    newest = machine().kernel.releases.newest(tx, regulation).regulation
    declared = newest.registers.get(register)
    row = registers.get(tx, regulation, register, record_id)
    if row is None:
        raise UnknownCase
    entries = registers.entries(tx, [row.id])
    told = registers.publication(declared, entries) if declared is not None else None
    if declared is not None and told is not None:
        return Found(newest, declared, row, told, None, listed=True)
    releases = machine().kernel.releases.regulations(tx, regulation)
    said = [(moment, earlier.registers.get(register)) for moment, earlier in releases]
    since = registers.hidden_since(said, entries)
    shown_by = next((one for _moment, one in reversed(said) if one is not None and one.public), None)
    if since is None or shown_by is None:
        raise UnknownCase
    return Found(newest, shown_by, row, None, since, listed=bool(declared and declared.public))


def public_register(tx: Session, regulation: str, name: str) -> tuple[Published, Register]:
    """A public register of the release in force; UnknownProcedure, UnknownCase."""
    published = machine().kernel.releases.newest(tx, regulation)
    register = published.regulation.registers.get(name)
    if register is None or not register.public:
        raise UnknownCase
    return published, register


def wanted_of(register: Register) -> Wanted:
    """What the query of the address narrows a register to; what it cannot be is left out."""
    q = request.args.get("q", "").replace("\0", "").strip()[:_LONGEST]
    state, year = request.args.get("state", ""), request.args.get("year", type=int)
    known = year is not None and 0 < year < 10_000 and public.public_year(register) is not None
    return Wanted(q, state if state in register.shown_states else None, year if known else None)


def url_of(regulation: str, register: Register) -> str:
    """Where a register is."""
    return f"{_HERE}/{regulation}/{register.name}"


def heading_of(register: Register) -> str:
    """The field by which people know a record: its first public text, else its first public field."""
    return next((name for name in register.public if register.fields[name] == "text"), register.public[0])


def beside(register: Register) -> list[str]:
    """The public fields beside the heading, in their order."""
    return [name for name in register.public if name != heading_of(register)]


def record_view(register: Register, row: Record, told: Publication, url: str) -> RecordView:
    """A record in words."""
    heading = heading_of(register)
    return RecordView(
        heading=value_text(register, heading, told.fields.get(heading)),
        fields=tuple(_field(register, name, told.fields.get(name)) for name in beside(register)),
        state=told.state,
        tone=tone_of(register, told.state),
        counts=told.state not in register.closed,
        first_shown=told.first_shown,
        changed_at=told.changed_at,
        url=f"{url}/{row.id}",
    )


def _field(register: Register, name: str, value: str | None) -> Field:
    digest = is_digest(register, name) and value is not None
    return Field(register.title_of(name), value_text(register, name, value), digest, wraps(register, name))


def _entry(regulation: Regulation, register: Register, change: Change, codes: Mapping[int, str]) -> EntryView:
    code = codes.get(change.letter_id or 0)
    return EntryView(
        at=change.moment,
        changes=tuple(change_views(register, change.changed)),
        document=change.document,
        verify_url=f"/verify/{documents.spoken(code)}" if code else None,
        basis=citation(regulation, change.basis),
        hidden_since=change.hidden_since,
    )


def _groups(tx: Session) -> list[Group]:
    shown = [
        (published.regulation, register)
        for published in in_force(tx)
        for register in published.regulation.registers.values()
        if register.public
    ]
    counted = public.counts(tx, [(regulation.slug, register) for regulation, register in shown])
    stands = validity.standings(tx, list({regulation.slug: regulation for regulation, _register in shown}.values()))
    found = []
    for regulation in stands:
        here = [(said, register) for said, register in shown if said.slug == regulation]
        said = here[0][0]
        views = tuple(
            RegisterView(register.title, counted[regulation, register.name], url_of(regulation, register))
            for _said, register in here
        )
        law = tuple(validity.of_regulation(said, stands[regulation]))
        found.append(Group(said.region, said.title, said.number, views, law))
    return sorted(found, key=lambda group: (group.region, group.number))


def _year_title(register: Register) -> str | None:
    year = public.public_year(register)
    return register.title_of(year) if year else None


def _address(url: str, wanted: Wanted, after: int | None = None) -> str:
    """Where the page narrowed so, or the next one, is."""
    given = {"q": wanted.q, "state": wanted.state or "", "year": wanted.year or "", "after": after or ""}
    said = urlencode({key: value for key, value in given.items() if value})
    return f"{url}?{said}" if said else url


def kept(page: str, status: int = 200) -> Response:
    """A page that caches may keep for whoever is not signed in: it depends on the language he has chosen."""
    response = make_response(page, status)
    response.vary.add("Cookie")
    if visitor() is None and not session.modified:
        response.headers["Cache-Control"] = _KEPT
        response.add_etag(weak=True)
        response.make_conditional(request)
    return response
