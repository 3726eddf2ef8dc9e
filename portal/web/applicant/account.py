"""The accounts of an organisation: what it holds, what is on record of it, and every entry that made it so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal import identity, inbox, ledger, registers
from portal.cases.models import Case
from portal.edge.acting import reading
from portal.edge.standing import in_force
from portal.identity import Permission, Subject
from portal.inbox import party
from portal.ledger.rules import dimensions_text
from portal.procedures.articles import citation
from portal.procedures.regulation import Asset, Regulation
from portal.registers import RecordEntry, Register
from portal.web import dates
from portal.web.access import needs, signed_in
from portal.web.applicant.frame import admit, blueprint, frame, organisation_of
from portal.web.pages import render
from portal.web.records import EntryView, FieldView, RecordView, as_of, entry_views, record_views


@dataclass(frozen=True)
class HoldingView:
    """What is held of one asset and its dimensions."""

    title: str
    kind: str
    balance: str
    unit: str
    account: str


@dataclass(frozen=True)
class LineView:
    """One entry of the statement."""

    what: str
    basis: str
    amount: str
    case: str
    case_url: str | None


@dataclass(frozen=True)
class PostingView:
    """The entries of one act on one balance, what was taken back first, and the balance after all of them."""

    at: str
    asset: str
    kind: str
    lines: tuple[LineView, ...]
    balance: str
    unit: str


@dataclass(frozen=True)
class OnRecord:
    """A record of the organisation in a register, with the entries it may know of, the newest first."""

    title: str
    record: RecordView
    fields: tuple[FieldView, ...]
    """Those that tell it something: neither its own code nor what the title says."""
    entries: tuple[EntryView, ...]


@blueprint.get("/account")
@needs(Permission.ACCOUNT_READ)
def my_account() -> ResponseReturnValue:
    """Balances and the statement, newest act first."""
    actor = signed_in()
    organisation_id = organisation_of(actor)
    admit(Subject(party_id=organisation_id))
    with reading() as tx:
        context = {
            "holdings": holdings(tx, organisation_id),
            "postings": _postings(tx, organisation_id),
            "on_record": on_record(tx, organisation_id),
            **frame(tx, actor, "my_account"),
        }
    return render("applicant/account.html", **context)


def holdings(tx: Session, organisation_id: int) -> list[HoldingView]:
    """What the organisation holds, by asset and dimensions, the latest year first, as far as it may know by now."""
    sums: dict[tuple[str, ledger.Asset, str], int] = {}
    for line in party.statement(tx, organisation_id):
        place = (line.account, line.asset, dimensions_text(line.dimensions))
        sums[place] = sums.get(place, 0) + line.amount
    found = []
    for (account, code, kind), balance in sums.items():
        asset = _asset(tx, code)
        found.append(HoldingView(asset.title, kind, dates.amount_text(balance), asset.unit, account))
    return sorted(sorted(found, key=lambda one: one.kind, reverse=True), key=lambda one: one.title)


def _postings(tx: Session, organisation_id: int) -> list[PostingView]:
    """What each act did to each balance, the newest act first."""
    statement = party.statement(tx, organisation_id)
    cases = party.cases_by_id(tx, (line.case_id for line in statement), organisation_id)
    made = [list(lines) for _key, lines in groupby(statement, key=lambda line: (line.act_id, line.place))]
    return [_posting(tx, lines, cases) for lines in reversed(made)]


def _posting(tx: Session, lines: Sequence[ledger.StatementLine], cases: Mapping[int, Case]) -> PostingView:
    first = lines[0]
    asset = _asset(tx, first.asset)
    regulation = _regulation(tx, first.asset.regulation)
    return PostingView(
        at=dates.exact(first.moment),
        asset=asset.title,
        kind=dimensions_text(first.dimensions),
        lines=tuple(_line_view(line, regulation, cases.get(line.case_id)) for line in lines),
        balance=dates.amount_text(first.balance),
        unit=asset.unit,
    )


def _line_view(line: ledger.StatementLine, regulation: Regulation, case: Case | None) -> LineView:
    return LineView(
        what=line.kind,
        basis=citation(regulation, line.basis) or "",
        amount=f"{line.amount:+,}",
        case=case.number if case else "",
        case_url=url_for("applicant.my_case", case_id=case.id) if case else None,
    )


def on_record(tx: Session, organisation_id: int) -> list[OnRecord]:
    """What is on record of the organisation, as far as it may know by now: not what came with unopened letters."""
    company = identity.organisation(tx, organisation_id)
    rows = registers.of_unit(tx, company.uscc) if company is not None else []
    seals = party.sealed(tx, organisation_id) if rows else []
    hidden, acts = {seal.case_id for seal in seals}, {seal.act_id for seal in seals}
    # What the act that made a notice anew has withdrawn before is told with the new entry, not without it.
    entries = registers.entries(tx, [row.id for row in rows])
    told = [one for one in entries if one.case_id not in hidden and one.act_id not in acts]
    own = party.cases_by_id(tx, {one.case_id for one in told if one.case_id}, organisation_id)
    places = {row.id: (row.regulation, row.register) for row in rows}
    found = []
    for regulation, name in dict.fromkeys(places.values()):
        released = _regulation(tx, regulation)
        register = released.registers.get(name)
        if register is not None:
            here = [one for one in told if places[one.record_id] == (regulation, name)]
            found += _on_record(tx, released, register, here, set(own), hidden)
    return found


def _on_record(
    tx: Session, regulation: Regulation, register: Register, entries: list[RecordEntry], own: set[int], hidden: set[int]
) -> list[OnRecord]:
    """The records of one register; of cases that are not the organisation's it is told no more than the document,
    of the cases `hidden` nothing but that there is a decision."""
    lines: dict[int, list[EntryView]] = {}
    for line in entry_views(tx, regulation, register, entries):
        shown = line if line.case_id in own else replace(line, case_id=None, letter_id=None)
        lines.setdefault(shown.record_id, []).append(shown)
    newest = {entry.record_id: as_of(entry) for entry in entries}
    views = record_views(tx, register, sorted(newest.values(), key=lambda shown: -shown.id))
    known = [inbox.Recorded(shown.id, shown.case_id, shown.fields) for shown in newest.values()]
    unread = inbox.decided_unread(tx, register, known, hidden)
    code, year = register.owner, register.field_of("year")
    return [
        OnRecord(
            title=" · ".join([register.title, *(field.text for field in view.fields if field.name == year)]),
            record=view,
            fields=tuple(
                replace(field, unread=field.name in unread.get(view.id, ()))
                for field in view.fields
                if field.name not in (code, year)
            ),
            entries=tuple(lines[view.id]),
        )
        for view in views
    ]


def _asset(tx: Session, asset: ledger.Asset) -> Asset:
    return _regulation(tx, asset.regulation).assets[asset.code]


def _regulation(tx: Session, slug: str) -> Regulation:
    return next(one.regulation for one in in_force(tx) if one.regulation.slug == slug)
