"""Posting in an act's transaction: once per key, in double entry, under a lock, never below zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from portal.ledger import queries, rules
from portal.ledger.models import ENTRIES, Account, BalanceRow, TransferRow
from portal.ledger.queries import Holding, Line, StatementLine
from portal.ledger.rules import Asset, KeyReused, Leg, Posting, Transfer


def open_account(tx: Session, organisation_id: int, asset: Asset) -> Account:
    """The account of an organisation for an asset, opened now if there is none; it never goes below zero."""
    return _open(tx, organisation_id, asset)


def issuing_account(tx: Session, asset: Asset) -> Account:
    """The authority's counter account, from which all units of an asset come."""
    return _open(tx, None, asset)


def _open(tx: Session, organisation_id: int | None, asset: Asset) -> Account:
    found = queries.account_of(tx, organisation_id, asset)
    while found is None:
        facts = {"organisation_id": organisation_id, "regulation": asset.regulation, "asset": asset.code}
        # Somebody else may open it at this moment: then this waits for his commit and finds his.
        tx.execute(postgresql.insert(Account).values(facts).on_conflict_do_nothing())
        found = queries.account_of(tx, organisation_id, asset)
    return found


def post(
    tx: Session,
    *,
    key: str,
    case_id: int,
    act_id: int,
    moment: datetime,
    organisation_id: int,
    asset: Asset,
    amount: object,
    dimensions: Mapping[str, object],
    kind: str,
    basis: str,
) -> Transfer:
    """Issue units to an organisation, or take back a negative amount; opens its account if it has none.

    The same key again returns the first transfer and changes nothing. Raises InvalidAmount,
    InvalidDimensions, InsufficientBalance, BalanceTooLarge or KeyReused (same key, other content); the
    caller then rolls back.
    """
    legs = rules.pair(
        issuing_account(tx, asset).id,
        open_account(tx, organisation_id, asset).id,
        rules.amount_of(amount),
        rules.dimensions_of(dimensions),
    )
    posting = Posting(key=key, case_id=case_id, act_id=act_id, moment=moment, kind=kind, basis=basis, legs=legs)
    return _record(tx, [posting])[0]


def reverse(
    tx: Session,
    *,
    key: str,
    of_case: int,
    case_id: int,
    act_id: int,
    moment: datetime,
    kind: str,
    basis: str,
) -> tuple[Transfer, ...]:
    """Undo whatever `of_case` has posted and nobody has undone yet, one mirrored transfer for each.

    `case_id` is the case that does it. Reversals are not undone themselves. The same key again returns the
    first reversals and changes nothing. Raises InsufficientBalance when the units are no longer there.
    """
    queries.lock_holdings(tx, queries.accounts_touched_by(tx, of_case))
    posted = queries.transfers_where(tx, TransferRow.case_id == of_case, TransferRow.reverses.is_(None))
    undone = queries.transfers_where(tx, TransferRow.reverses.in_([original.id for original in posted]))
    before = {reversal.reverses for reversal in undone}
    now = {reversal.reverses for reversal in undone if reversal.key == f"{key}:{reversal.reverses}"}
    chosen = [original for original in posted if (original.id in now if now else original.id not in before)]
    return _record(
        tx,
        [
            Posting(
                key=f"{key}:{original.id}",
                case_id=case_id,
                act_id=act_id,
                moment=moment,
                kind=kind,
                basis=basis,
                legs=rules.mirror(original.legs),
                reverses=original.id,
            )
            for original in chosen
        ],
    )


def balance(tx: Session, account_id: int) -> int:
    """What an account holds, in whole units; an issuing account is below zero by what has been issued."""
    return queries.balance_of(tx, account_id)


def holdings(tx: Session, organisation_id: int) -> list[Holding]:
    """What an organisation holds, by account and dimensions."""
    return queries.holdings_of(tx, organisation_id)


def statement(tx: Session, organisation_id: int) -> list[StatementLine]:
    """Every entry on the accounts of an organisation, act by act from the oldest on, with the balance after its act."""
    return queries.statement_of(tx, organisation_id)


def entries_of_case(tx: Session, case_id: int) -> list[Line]:
    """Every entry that a case has posted, on the holders' and the issuing side, from the oldest on."""
    return queries.lines_of_case(tx, case_id)


def units_entries(tx: Session, regulation: str) -> list[Line]:
    """Every entry on any organisation's account for an asset of a regulation, from the oldest on."""
    return queries.lines_of_units(tx, regulation)


def invariants(tx: Session) -> list[str]:
    """What is wrong with the ledger as a whole, in words; empty when all is well."""
    return queries.broken_invariants(tx)


def _record(tx: Session, postings: Sequence[Posting]) -> tuple[Transfer, ...]:
    """Write those whose key is new, with one change of each balance; return all as the ledger has them."""
    transfers, written = [], []
    for posting in postings:
        transfer_id = _claim(tx, posting)
        if transfer_id is None:
            transfers.append(_first_of(tx, posting))
        else:
            transfers.append(Transfer(id=transfer_id, **vars(posting)))
            written.append(transfers[-1])
    if written:
        _change_balances(tx, rules.net(leg for transfer in written for leg in transfer.legs))
        rows = [vars(leg) | {"transfer_id": transfer.id} for transfer in written for leg in transfer.legs]
        tx.execute(insert(ENTRIES).returning(ENTRIES.c.id), rows)
    return tuple(transfers)


def _claim(tx: Session, posting: Posting) -> int | None:
    """Write the transfer's row; none when its key is taken (waits for another who is just writing it)."""
    row = {name: value for name, value in vars(posting).items() if name != "legs"}
    claim = postgresql.insert(TransferRow).values(row).on_conflict_do_nothing(index_elements=["key"])
    return tx.scalar(claim.returning(TransferRow.id))


def _first_of(tx: Session, posting: Posting) -> Transfer:
    first = queries.transfers_where(tx, TransferRow.key == posting.key)[0]
    if not first.says_the_same_as(posting):
        raise KeyReused(key=posting.key)
    return first


def _change_balances(tx: Session, changes: Sequence[Leg]) -> None:
    holding = queries.lock_holdings(tx, [leg.account_id for leg in changes])
    held = queries.balances_of(tx, holding)
    rows = [
        {
            "account_id": leg.account_id,
            "dimensions": leg.dimensions,
            "balance": rules.after(held.get(leg.place, 0), leg),
        }
        for leg in changes
        if leg.account_id in holding
    ]
    if rows:
        write = postgresql.insert(BalanceRow).values(rows)
        write = write.on_conflict_do_update(
            index_elements=[BalanceRow.account_id, BalanceRow.dimensions],
            set_={"balance": write.excluded.balance},
        )
        tx.execute(write)
