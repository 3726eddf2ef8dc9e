"""The tables of the ledger: accounts, transfers and entries that only grow, and the balances they make."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CheckConstraint, Connection, ForeignKey, Index, Table, UniqueConstraint, event, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, Id
from portal.db.append_only import append_only
from portal.ledger.rules import Asset, account_number

SERIAL = "(dimensions ->> 'serial')"
"""SQL for the serial of the block that an entry is of."""


class Account(Base):
    """What one organisation holds of one asset; without organisation, the account from which it is issued.

    An issuing account is below zero by what has been issued; it has no balance row, so that allocating to
    many units at once does not queue at one row.
    """

    __tablename__ = "ledger_accounts"
    __table_args__ = (
        UniqueConstraint(
            "organisation_id",
            "regulation",
            "asset",
            name="uq_ledger_accounts",
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[Id]
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    regulation: Mapped[str]
    asset: Mapped[str]

    @property
    def number(self) -> str:
        """The number by which people speak of it."""
        return account_number(self.id)

    @property
    def kind(self) -> str:
        """`holding`, or `issue`: the authority's counter account."""
        return "issue" if self.organisation_id is None else "holding"

    @property
    def of(self) -> Asset:
        """What it holds."""
        return Asset(self.regulation, self.asset)


class TransferRow(Base):
    """A transfer as it is stored."""

    __tablename__ = "ledger_transfers"

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(unique=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    act_id: Mapped[int]
    moment: Mapped[datetime]
    kind: Mapped[str]
    basis: Mapped[str]
    reverses: Mapped[int | None] = mapped_column(ForeignKey("ledger_transfers.id"), unique=True)


class EntryRow(Base):
    """A leg of a transfer as it is stored."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="amount_not_zero"),
        # Units that are issued in blocks have the block's serial among their dimensions.
        Index("ix_ledger_entries_serial", text(SERIAL), postgresql_where=text(f"{SERIAL} IS NOT NULL")),
    )

    id: Mapped[Id]
    transfer_id: Mapped[int] = mapped_column(ForeignKey("ledger_transfers.id"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("ledger_accounts.id"), index=True)
    amount: Mapped[int]
    dimensions: Mapped[dict[str, Any]]


class BalanceRow(Base):
    """What a holding account holds of units with these dimensions: the sum of its entries."""

    __tablename__ = "ledger_balances"
    __table_args__ = (CheckConstraint("balance >= 0", name="not_negative"),)

    account_id: Mapped[int] = mapped_column(ForeignKey("ledger_accounts.id"), primary_key=True)
    dimensions: Mapped[dict[str, Any]] = mapped_column(primary_key=True)
    balance: Mapped[int]


DOUBLE_ENTRY_SQL = (
    """CREATE OR REPLACE FUNCTION refuse_unbalanced() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
      IF EXISTS (SELECT 1 FROM ledger_entries e JOIN ledger_accounts a ON a.id = e.account_id
                 WHERE e.transfer_id = NEW.transfer_id
                 GROUP BY a.regulation, a.asset, e.dimensions HAVING sum(e.amount) <> 0)
      THEN RAISE EXCEPTION USING ERRCODE = 'check_violation',
                 MESSAGE = 'ledger transfer ' || NEW.transfer_id || ' is not balanced';
      END IF;
      RETURN NULL;
    END $$""",
    # At the end of the transaction: the legs of a transfer are written one after the other.
    "CREATE CONSTRAINT TRIGGER double_entry AFTER INSERT ON ledger_entries DEFERRABLE INITIALLY DEFERRED "
    "FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced()",
)
"""The statements that make the tables of the ledger refuse single entries, for a migration too."""


def _require_double_entry(table: Table, connection: Connection, **_: object) -> None:
    for statement in DOUBLE_ENTRY_SQL:
        connection.exec_driver_sql(statement)


ENTRIES = cast(Table, EntryRow.__table__)
append_only(cast(Table, TransferRow.__table__))
append_only(ENTRIES)
event.listen(ENTRIES, "after_create", _require_double_entry)
