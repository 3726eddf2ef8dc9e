"""Every case and every register, one proof after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import audit
from portal.audit.rules import Break
from portal.cases.models import Case
from portal.cases.proof import (
    acts,
    archives,
    case,
    desk,
    draws,
    letters,
    lists,
    periods,
    publications,
    records,
    values,
)

_PROOFS = (
    case.altered,
    acts.altered,
    values.altered,
    letters.altered,
    records.altered,
    periods.altered,
    lists.altered,
    desk.altered,
    publications.altered,
    draws.altered,
    archives.altered,
)


def altered(tx: Session, passed: Callable[[int], None] | None = None) -> Iterator[Break]:
    """Every row of a case and every entry in a register that is not what its case's history vouches for.

    `passed` is told how many cases are done, after each.
    """
    for count, case_id in enumerate(tx.scalars(select(Case.id).order_by(Case.id)), 1):
        yield from altered_in_case(tx, case_id)
        if passed is not None:
            passed(count)
    yield from records.altered_in_registers(tx)


def altered_in_case(tx: Session, case_id: int) -> Iterator[Break]:
    """The same of one case."""
    history = audit.entries(tx, case_id)
    for proof in _PROOFS:
        yield from proof(tx, case_id, history)
