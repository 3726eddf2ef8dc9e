"""PostgreSQL's advisory locks by names of ours, held until the transaction ends.

Such locks are those of the whole database. With the schema in its key a trial, which holds one for long in a schema of
its own, keeps nobody waiting who works in another.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Function, func, select
from sqlalchemy.orm import Session


def key(name: str) -> ColumnElement[int]:
    """SQL for the key of a name in the present schema."""
    return func.hashtextextended(func.concat(func.current_schema(), "/", name), 0)


def take(tx: Session, *names: str) -> None:
    """Waits until nobody else has, or shares, any of these; always in one order, so that two never wait in a ring."""
    for name in sorted(set(names)):
        tx.execute(select(func.pg_advisory_xact_lock(key(name))))


def shared(name: str) -> Function[None]:
    """SQL that shares a name with others who share it, and keeps out whoever takes it."""
    return func.pg_advisory_xact_lock_shared(key(name))
