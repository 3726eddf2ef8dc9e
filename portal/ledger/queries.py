"""Reading the ledger: transfers, balances, statements, and whether everything still adds up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import ColumnElement, Select, func, select, text
from sqlalchemy.orm import Session

from portal.ledger.models import Account, BalanceRow, EntryRow, TransferRow
from portal.ledger.rules import Asset, Dimensions, Leg, Transfer, account_id_of, dimensions_key


@dataclass(frozen=True)
class Holding:
    """What an organisation holds of an asset with these dimensions, in whole units."""

    account: str
    asset: Asset
    dimensions: Dimensions
    balance: int


@dataclass(frozen=True)
class Line:
    """One entry as a page shows it; `organisation_id` is none on an issuing account."""

    account: str
    organisation_id: int | None
    asset: Asset
    amount: int
    dimensions: Dimensions
    moment: datetime
    case_id: int
    act_id: int
    kind: str
    basis: str
    reverses: bool

    @property
    def place(self) -> tuple[str, str]:
        """What its balance is of: the account, and the key of the dimensions."""
        return self.account, dimensions_key(self.dimensions)


@dataclass(frozen=True)
class StatementLine(Line):
    """An entry and what its account holds of these dimensions after the act that made it."""

    balance: int


def account_of(tx: Session, organisation_id: int | None, asset: Asset) -> Account | None:
    """The account of an organisation (none: the issuing one) and asset."""
    return tx.scalar(
        select(Account).where(
            Account.organisation_id.is_not_distinct_from(organisation_id),
            Account.regulation == asset.regulation,
            Account.asset == asset.code,
        )
    )


def lock_holdings(tx: Session, account_ids: Iterable[int]) -> list[int]:
    """Lock those of the accounts that hold (issuing ones have no balance), in the same order everywhere."""
    holding = select(Account.id).where(Account.id.in_(account_ids), Account.organisation_id.is_not(None))
    return list(tx.scalars(holding.order_by(Account.id).with_for_update(key_share=True)))


def balances_of(tx: Session, account_ids: Iterable[int]) -> dict[tuple[int, str], int]:
    """The balances of these accounts by account and key of the dimensions."""
    columns = select(BalanceRow.account_id, BalanceRow.dimensions, BalanceRow.balance)
    rows = tx.execute(columns.where(BalanceRow.account_id.in_(account_ids)))
    return {(account_id, dimensions_key(dimensions)): balance for account_id, dimensions, balance in rows}


def balance_of(tx: Session, account_id: int) -> int:
    """What an account holds of all dimensions together; an issuing account has no rows but its entries."""
    held = select(func.sum(BalanceRow.balance)).where(BalanceRow.account_id == account_id)
    issued = select(func.sum(EntryRow.amount)).where(EntryRow.account_id == account_id)
    total = tx.scalar(select(func.coalesce(held.scalar_subquery(), issued.scalar_subquery(), 0)))
    return int(total or 0)


def transfers_where(tx: Session, *conditions: ColumnElement[bool]) -> list[Transfer]:
    """The transfers that meet the conditions, with their legs, from the oldest on."""
    rows = list(tx.scalars(select(TransferRow).where(*conditions).order_by(TransferRow.id)))
    legs: defaultdict[int, list[Leg]] = defaultdict(list)
    of_them = EntryRow.transfer_id.in_([row.id for row in rows])
    for entry in tx.scalars(select(EntryRow).where(of_them).order_by(EntryRow.id)):
        legs[entry.transfer_id].append(Leg(entry.account_id, entry.amount, entry.dimensions))
    return [
        Transfer(
            id=row.id,
            key=row.key,
            case_id=row.case_id,
            act_id=row.act_id,
            moment=row.moment,
            kind=row.kind,
            basis=row.basis,
            legs=tuple(legs[row.id]),
            reverses=row.reverses,
        )
        for row in rows
    ]


def accounts_touched_by(tx: Session, case_id: int) -> list[int]:
    """The accounts on which a case has posted."""
    touched = select(EntryRow.account_id).join(TransferRow, TransferRow.id == EntryRow.transfer_id)
    return list(tx.scalars(touched.where(TransferRow.case_id == case_id).distinct()))


def holdings_of(tx: Session, organisation_id: int) -> list[Holding]:
    """What an organisation holds, by account and dimensions; what has come to zero stays visible."""
    rows = tx.execute(
        select(Account, BalanceRow.dimensions, BalanceRow.balance)
        .join(BalanceRow, BalanceRow.account_id == Account.id)
        .where(Account.organisation_id == organisation_id)
        .order_by(Account.id, BalanceRow.dimensions)
    )
    return [Holding(account.number, account.of, dimensions, balance) for account, dimensions, balance in rows]


def statement_of(tx: Session, organisation_id: int) -> list[StatementLine]:
    """Every entry on the accounts of an organisation, from the oldest act on; see `with_balances`."""
    rows = tx.execute(_lines().where(Account.organisation_id == organisation_id))
    return with_balances(_line(*row) for row in rows)


def with_balances(lines: Iterable[Line]) -> list[StatementLine]:
    """Lines in the order of `by_act`, each with the balance after its act.

    Within an act the ledger posts anew before it takes back, so that no balance is ever below zero; what an account
    holds halfway through an act was never held.
    """
    balances: defaultdict[tuple[str, str], int] = defaultdict(int)
    found: list[StatementLine] = []
    for _act, made in groupby(by_act(lines), key=lambda line: line.act_id):
        together = list(made)
        for line in together:
            balances[line.place] += line.amount
        found += [StatementLine(**{**vars(line), "balance": balances[line.place]}) for line in together]
    return found


def by_act(lines: Iterable[Line]) -> list[Line]:
    """Lines with those of one act together, where the first of them stood; of each place what was taken back first."""
    acts: dict[int, list[Line]] = {}
    for line in lines:
        acts.setdefault(line.act_id, []).append(line)
    return [line for made in acts.values() for line in sorted(made, key=lambda one: (one.place, not one.reverses))]


def lines_of_case(tx: Session, case_id: int) -> list[Line]:
    """Every entry that a case has posted, on both sides, from the oldest on."""
    return [_line(*row) for row in tx.execute(_lines().where(TransferRow.case_id == case_id))]


def lines_of_block(tx: Session, serial: str) -> list[Line]:
    """Every entry of units of one block, on both sides, from its issue on."""
    return [_line(*row) for row in tx.execute(_lines().where(EntryRow.dimensions["serial"].astext == serial))]


def account_numbered(tx: Session, number: str) -> Account | None:
    """The account that people call by a number."""
    account_id = account_id_of(number)
    return tx.get(Account, account_id) if account_id is not None else None


def accounts_of(tx: Session, organisation_id: int) -> list[Account]:
    """The accounts of an organisation."""
    return list(tx.scalars(select(Account).where(Account.organisation_id == organisation_id).order_by(Account.id)))


def dimensions_held(tx: Session, account_id: int) -> list[tuple[Dimensions, int]]:
    """What an account holds of each kind; of an issuing one, below zero, what has been issued of each."""
    entries = select(EntryRow.dimensions, func.sum(EntryRow.amount)).where(EntryRow.account_id == account_id)
    rows = tx.execute(entries.group_by(EntryRow.dimensions).order_by(EntryRow.dimensions))
    return [(dimensions, int(total)) for dimensions, total in rows]


def lines_of_units(tx: Session, regulation: str) -> list[Line]:
    """Every entry on an organisation's account for an asset of a regulation, from the oldest on."""
    units = Account.organisation_id.is_not(None), Account.regulation == regulation
    return [_line(*row) for row in tx.execute(_lines().where(*units))]


def _lines() -> Select[Account, EntryRow, TransferRow]:
    return (
        select(Account, EntryRow, TransferRow)
        .join(EntryRow, EntryRow.account_id == Account.id)
        .join(TransferRow, TransferRow.id == EntryRow.transfer_id)
        .order_by(EntryRow.id)
    )


def _line(account: Account, entry: EntryRow, transfer: TransferRow) -> Line:
    return Line(
        account=account.number,
        organisation_id=account.organisation_id,
        asset=account.of,
        amount=entry.amount,
        dimensions=entry.dimensions,
        moment=transfer.moment,
        case_id=transfer.case_id,
        act_id=transfer.act_id,
        kind=transfer.kind,
        basis=transfer.basis,
        reverses=transfer.reverses is not None,
    )


_SUMS = """SELECT e.account_id, e.dimensions, sum(e.amount) AS total FROM ledger_entries e
    JOIN ledger_accounts a ON a.id = e.account_id WHERE a.organisation_id IS NOT NULL GROUP BY 1, 2"""

INVARIANTS = {
    "transfer {0} takes and gives different amounts of {1}": """
        SELECT e.transfer_id, e.dimensions FROM ledger_entries e
        JOIN ledger_accounts a ON a.id = e.account_id
        GROUP BY e.transfer_id, a.regulation, a.asset, e.dimensions HAVING sum(e.amount) <> 0
        ORDER BY 1, 2""",
    "transfer {0} has no entries": """
        SELECT t.id FROM ledger_transfers t WHERE NOT EXISTS
        (SELECT 1 FROM ledger_entries e WHERE e.transfer_id = t.id) ORDER BY 1""",
    "transfer {0} does not undo transfer {1}": """
        SELECT DISTINCT t.id, t.reverses FROM ledger_transfers t
        JOIN ledger_entries e ON e.transfer_id IN (t.id, t.reverses) WHERE t.reverses IS NOT NULL
        GROUP BY t.id, t.reverses, e.account_id, e.dimensions HAVING sum(e.amount) <> 0 ORDER BY 1""",
    "account {0} holds {2} of {1} by its row, {3} by its entries": f"""
        SELECT account_id, dimensions, coalesce(b.balance, 0), coalesce(s.total, 0) FROM ledger_balances b
        FULL JOIN ({_SUMS}) s USING (account_id, dimensions)
        WHERE coalesce(b.balance, 0) <> coalesce(s.total, 0) ORDER BY 1, 2""",  # nosec B608 # 2026-11-22: fixed words only
    "account {0} is overspent: {2} of {1}": f"""
        SELECT account_id, dimensions, total FROM ({_SUMS}) s WHERE total < 0 ORDER BY 1, 2""",  # nosec B608 # 2026-11-22: fixed words only
}
"""What must hold at every moment: the words for a breach, and the query that finds the breaches."""


def broken_invariants(tx: Session) -> list[str]:
    """Every breach of an invariant, in words; none in a ledger that is right."""
    return [words.format(*row) for words, query in INVARIANTS.items() for row in tx.execute(text(query))]
