"""What is held: accounts, transfers in double entry, and balances."""

from portal.ledger.models import Account
from portal.ledger.queries import (
    Holding,
    Line,
    StatementLine,
    account_numbered,
    accounts_of,
    dimensions_held,
    lines_of_block,
    with_balances,
)
from portal.ledger.rules import Asset, InsufficientBalance, KeyReused, Leg, Transfer
from portal.ledger.service import (
    balance,
    entries_of_case,
    holdings,
    invariants,
    issuing_account,
    open_account,
    post,
    reverse,
    statement,
)

__all__ = [
    "Account",
    "Asset",
    "Holding",
    "InsufficientBalance",
    "KeyReused",
    "Leg",
    "Line",
    "StatementLine",
    "Transfer",
    "account_numbered",
    "accounts_of",
    "balance",
    "dimensions_held",
    "entries_of_case",
    "holdings",
    "invariants",
    "issuing_account",
    "lines_of_block",
    "open_account",
    "post",
    "reverse",
    "statement",
    "with_balances",
]
