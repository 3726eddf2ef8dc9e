"""What is held: accounts, transfers in double entry, and balances."""

from portal.ledger.models import Account
from portal.ledger.queries import Holding, Line, StatementLine, with_balances
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
    "balance",
    "entries_of_case",
    "holdings",
    "invariants",
    "issuing_account",
    "open_account",
    "post",
    "reverse",
    "statement",
    "with_balances",
]
