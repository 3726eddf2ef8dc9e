"""What is held: accounts with their balances, and the whole chain of a block of units."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Response, jsonify
from pydantic import Field
from sqlalchemy.orm import Session

from portal import identity, ledger
from portal.api.access import needs
from portal.api.description import answers, calls
from portal.api.shapes import Moment, Shape
from portal.edge.access import permit, signed_in
from portal.edge.acting import reading
from portal.edge.errors import UnknownAccount
from portal.edge.machine import machine
from portal.identity import Forbidden, Permission, Subject
from portal.identity.tokens import Scope
from portal.inbox import party
from portal.ledger import Account, Line
from portal.ledger.rules import Dimensions, dimensions_key

blueprint = calls("ledger", "What is held, in double entry.")


class AccountPath(Shape):
    """Which account."""

    number: str = Field(max_length=100)


class BlockPath(Shape):
    """Which block."""

    serial: str = Field(max_length=100)


class BalanceTold(Shape):
    """What is held of one kind of units."""

    dimensions: dict[str, str | int] = Field(description="What distinguishes these units: year, kind, serial, …")
    balance: int = Field(description="Whole units.")


class AccountTold(Shape):
    """An account; an issuing one is below zero by what it has issued."""

    number: str
    kind: str = Field(description="holding or issue")
    regulation: str
    asset: str
    unit: str
    holder: str | None
    balances: list[BalanceTold]


class AccountList(Shape):
    """Some accounts."""

    items: list[AccountTold]


class LinkOfChain(Shape):
    """One entry of a block: so many of its units came to an account, or (negative) went from it."""

    at: Moment
    account: str
    amount: int
    kind: str
    basis: str
    case: int
    dimensions: dict[str, str | int]


class Chain(Shape):
    """Everything that has happened to a block, from its issue on."""

    serial: str
    entries: list[LinkOfChain]


@blueprint.get("/ledger/accounts", responses=answers(200, AccountList))
@needs(Permission.ACCOUNT_READ, Scope.READ)
def list_accounts() -> Response:
    """The accounts of the user's organisation."""
    organisation_id = signed_in().organisation_id
    permit(Subject(party_id=organisation_id))
    assert organisation_id is not None
    with reading() as tx:
        told = AccountList(items=[_account(tx, one) for one in ledger.accounts_of(tx, organisation_id)])
    return jsonify(told.model_dump(mode="json"))


@blueprint.get("/ledger/accounts/<number>", responses=answers(200, AccountTold, 404, 422))
@needs(Permission.ACCOUNT_READ, Scope.READ)
def read_account(path: AccountPath) -> Response:
    """An account with its balances: for its holder, and the officials of its regulation."""
    with reading() as tx:
        found = ledger.account_numbered(tx, path.number)
        if found is None:
            raise UnknownAccount()
        _admit(Subject(regulation=found.regulation, party_id=found.organisation_id))
        told = _account(tx, found)
    return jsonify(told.model_dump(mode="json"))


@blueprint.get("/ledger/blocks/<serial>", responses=answers(200, Chain, 404, 422))
@needs(Permission.ACCOUNT_READ, Scope.READ)
def read_block(path: BlockPath) -> Response:
    """The whole chain of a block: for the officials of its regulation, and whoever has held units of it."""
    with reading() as tx:
        lines = ledger.lines_of_block(tx, path.serial)
        if not lines:
            raise UnknownAccount()
        own = signed_in().organisation_id
        held = next((own for line in lines if own is not None and line.organisation_id == own), None)
        _admit(Subject(regulation=lines[0].asset.regulation, party_id=held))
        told = Chain(serial=path.serial, entries=[_link(line) for line in _known(tx, lines)])
    return jsonify(told.model_dump(mode="json"))


def _admit(subject: Subject) -> None:
    """Raises UnknownAccount for whoever it is not for, but Forbidden for an official."""
    try:
        permit(subject)
    except Forbidden as error:
        if signed_in().official:
            raise
        raise UnknownAccount() from error


def _account(tx: Session, row: Account) -> AccountTold:
    asset = machine().kernel.releases.newest(tx, row.regulation).regulation.assets.get(row.asset)
    holder = identity.organisation(tx, row.organisation_id) if row.organisation_id is not None else None
    return AccountTold(
        number=row.number,
        kind=row.kind,
        regulation=row.regulation,
        asset=row.asset,
        unit=asset.unit if asset else "",
        holder=holder.name if holder else None,
        balances=[BalanceTold(dimensions=dict(kind), balance=balance) for kind, balance in _balances(tx, row)],
    )


def _balances(tx: Session, row: Account) -> Iterable[tuple[Dimensions, int]]:
    """What it holds; to its holder without what came with letters that nobody has signed for."""
    if signed_in().official or row.organisation_id is None:
        return ledger.dimensions_held(tx, row.id)
    sums: dict[str, tuple[Dimensions, int]] = {}
    for line in party.statement(tx, row.organisation_id):
        if line.account == row.number:
            key = dimensions_key(line.dimensions)
            sums[key] = line.dimensions, sums.get(key, (line.dimensions, 0))[1] + line.amount
    return [sums[key] for key in sorted(sums)]


def _known(tx: Session, lines: Iterable[Line]) -> list[Line]:
    own = signed_in().organisation_id
    hidden = {seal.case_id for seal in party.sealed(tx, own)} if own is not None else set()
    return [line for line in lines if line.case_id not in hidden]


def _link(line: Line) -> LinkOfChain:
    return LinkOfChain(
        at=line.moment,
        account=line.account,
        amount=line.amount,
        kind=line.kind,
        basis=line.basis,
        case=line.case_id,
        dimensions=dict(line.dimensions),
    )
