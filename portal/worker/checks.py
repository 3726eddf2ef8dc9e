"""Proving every history, as a job: it takes as long as it takes, and says how far it is."""

from __future__ import annotations

from sqlalchemy.orm import Session

from portal.cases import checking
from portal.worker.tools import Tools

SAYS_EVERY = 100
"""Cases after which it says how far it is."""


def check_history(tools: Tools, job: str, check_id: int) -> None:
    """Proves everything and keeps what was found; does nothing when this check has come to an end before."""

    def passed(checked: int) -> None:
        if checked % SAYS_EVERY == 0:
            tools.database.attempt(lambda tx: checking.goes_on(tx, check_id, checked))

    with tools.database.transaction() as tx:
        if checking.ended(tx, check_id):
            return
    with tools.database.transaction() as tx:
        verified = checking.verify(tx, passed)
    tools.database.attempt(lambda tx: checking.end(tx, check_id, verified, tools.kernel.now(tx)))


def give_up(tools: Tools, tx: Session, job: str, reason: str, check_id: int) -> None:
    """Notes why a check has not come to its end."""
    checking.give_up(tx, check_id, reason, tools.kernel.now(tx))
