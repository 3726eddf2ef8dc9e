"""Reading the entries of one case, or of all, in the order in which they are chained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from portal.audit.models import AUDIT_ENTRIES
from portal.audit.rules import Entry

ROWS_AT_A_TIME = 2000


def entries_of(tx: Session, case_id: int) -> list[Entry]:
    """What happened in a case, from the first entry to the last."""
    return [_entry(row) for row in tx.execute(_all().where(AUDIT_ENTRIES.c.case_id == case_id))]


def all_entries(tx: Session) -> Iterator[Entry]:
    """The entries of all cases, ascending by case and seq, read from the server in portions."""
    rows = tx.execute(_all(), execution_options={"yield_per": ROWS_AT_A_TIME})
    return (_entry(row) for row in rows)


def _all() -> Select[*tuple[Any, ...]]:
    columns = (AUDIT_ENTRIES.c[name] for name in Entry.__dataclass_fields__)
    return select(*columns).order_by(AUDIT_ENTRIES.c.case_id, AUDIT_ENTRIES.c.seq)


def _entry(row: Row[*tuple[Any, ...]]) -> Entry:
    *facts, previous, own = row
    return Entry(*(*facts, previous.hex(), own.hex()))
