"""Fills the tables with many cases: copies of rows that the portal itself has written, made by the database.

The copies of a history have the hashes of the original: lists, boards and searches read none of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.db import Base

ONCE = 50_000
"""Cases copied in one statement."""
_SPREAD = "interval '1 minute' * g"


def copied(tx: Session, case_id: int, count: int) -> None:
    """Copies a case with its tasks, values, texts and history so many times; the copies are a minute apart."""
    first = tx.scalar(text("SELECT max(id) FROM cases")) or 0
    for begun in range(0, count, ONCE):
        _copy(tx, case_id, first, begun + 1, min(begun + ONCE, count))
    for table in ("cases", "tasks"):
        tx.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"))


def _copy(tx: Session, case_id: int, first: int, since: int, until: int) -> None:
    here = {"case_id": f"{first} + g"}
    _rows(tx, "cases", f"id = {case_id}", since, until, {
        "id": f"{first} + g", "root_id": f"{first} + g", "number": f"number || '-' || ({first} + g)", "once": "NULL",
        "filed_at": f"filed_at + {_SPREAD}",
    })  # fmt: skip
    last = tx.scalar(text("SELECT max(id) FROM tasks")) or 0
    many = tx.scalar(text(f"SELECT count(*) FROM tasks WHERE case_id = {case_id}")) or 0
    place = f"row_number() OVER () + {last}"
    if many:
        _rows(tx, "tasks", f"case_id = {case_id}", since, until, {
            **here, "id": place, "due": f"due + {_SPREAD}", "opened_at": f"opened_at + {_SPREAD}",
            "closed_at": f"closed_at + {_SPREAD}",
        })  # fmt: skip
    for table in ("case_values", "case_texts", "audit_entries", "subscriptions"):
        changes = {**here, "id": "nextval(pg_get_serial_sequence('subscriptions', 'id'))"}
        known = {column.name for column in Base.metadata.tables[table].columns}
        kept = {name: sql for name, sql in changes.items() if name in known}
        _rows(tx, table, f"case_id = {case_id}", since, until, kept)


def _rows(tx: Session, table: str, where: str, since: int, until: int, changes: Mapping[str, str]) -> None:
    names = [column.name for column in Base.metadata.tables[table].columns if column.computed is None]
    listed, taken = ", ".join(names), ", ".join(changes.get(name, name) for name in names)
    source = f"{table}, generate_series({since}, {until}) AS g"
    tx.execute(
        text(f"INSERT INTO {table} ({listed}) OVERRIDING SYSTEM VALUE SELECT {taken} FROM {source} WHERE {where}")
    )
