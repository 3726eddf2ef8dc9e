"""Writing a case's history in the act's own transaction, reading it as a timeline, and proving it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.orm import Session

from portal.audit import queries, rules
from portal.audit.models import AUDIT_ENTRIES
from portal.audit.rules import Break, Chain, Entry, Event

# With RETURNING, SQLAlchemy sends all rows as one statement, compiled once.
_WRITE = insert(AUDIT_ENTRIES).returning(AUDIT_ENTRIES.c.seq)


def append(
    tx: Session,
    case_id: int,
    chain: Chain,
    moment: datetime,
    act_id: int,
    kind: str,
    actor_id: int | None = None,
    element: str | None = None,
    details: Mapping[str, object] | None = None,
    on_behalf: int | None = None,
) -> Chain:
    """Write one entry and return the chain that the case row keeps from now on."""
    event = Event(moment, act_id, kind, actor_id, on_behalf, element, details or {})
    return append_all(tx, case_id, chain, [event])


def append_all(tx: Session, case_id: int, chain: Chain, events: Sequence[Event]) -> Chain:
    """Write several entries in one statement and return the chain after them.

    The caller holds the case's lock and hands in the chain of its row; an outdated one violates the key.
    """
    after, entries = rules.extend(chain, case_id, events)
    if entries:
        tx.execute(_WRITE, [_row(entry) for entry in entries])
    return after


def entries(tx: Session, case_id: int) -> list[Entry]:
    """What happened in a case, from the first entry to the last: its timeline."""
    return queries.entries_of(tx, case_id)


def verify(tx: Session, chains: Iterable[tuple[int, Chain]]) -> list[Break]:
    """Every break in the histories of all cases; `chains` are all case rows', ascending by case.

    Nothing but the breaks is kept in memory. Read the chains in the same transaction, and that as REPEATABLE
    READ, or an act that commits in between looks like a break.
    """
    return list(rules.breaks(chains, queries.all_entries(tx)))


def verify_case(tx: Session, case_id: int, chain: Chain) -> list[Break]:
    """Every break in the history of one case."""
    return list(rules.breaks_of(case_id, chain, queries.entries_of(tx, case_id)))


def _row(entry: Entry) -> dict[str, object]:
    row = {name: getattr(entry, name) for name in Entry.__dataclass_fields__}
    return row | {"previous": bytes.fromhex(entry.previous), "hash": bytes.fromhex(entry.hash)}
