"""Entering what is on record, in an act's transaction: new records, and changes by a new entry."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from portal.clock import TZ
from portal.registers import rules
from portal.registers.models import Record, RecordEntry
from portal.registers.queries import current, entries, find, get, newest_digests, of_unit, siblings
from portal.registers.rules import RecordExists, RecordMissing, Register, Values

__all__ = ["Cause", "Written", "current", "entries", "find", "get", "of_unit", "record", "siblings", "update"]


@dataclass(frozen=True, kw_only=True)
class Cause:
    """By whom, in which act of which case, at which step, on which document and article something is entered.

    Without case: what was on record before there were cases.
    """

    moment: datetime
    reason: str
    case_id: int | None = None
    act_id: int | None = None
    person_id: int | None = None
    scope: str = ""
    element: str = ""
    visit: int = 0
    document: str | None = None
    letter_id: int | None = None
    basis: str | None = None


@dataclass(frozen=True)
class Written:
    """What was entered: the record, the number of the entry, the key in words, and the entry's digest."""

    record_id: int
    number: int
    key: str
    digest: str


@dataclass(frozen=True)
class _Row:
    """What a record is to be: its id, what it was before (None: it is new), the number of the entry, and its reason."""

    id: int
    before: Record | None
    number: int
    state: str
    fields: Values
    reason: str


Row = Mapping[str, object]
"""The fields of one record under their names; `reason` takes the place of the cause's."""

Stored = tuple[Values, str]
"""A row's values as they are stored, and its own reason."""


def record(
    tx: Session, regulation: str, register: Register, rows: Sequence[Row], state: object, cause: Cause
) -> list[Written]:
    """Puts records on the register, in the first state unless another is said; all of them or none.

    Raises RecordExists for a key whose record counts already (or that stands twice in the rows), WrongField for
    what a field cannot hold. A record in a closed state is recorded anew by its next entry.
    """
    wanted = register.state(state)
    stored = _by_key(register, rows, {name: None for name in register.fields}, wanted)
    fresh = _claim(tx, regulation, register, stored, wanted, cause)
    found = _locked(tx, regulation, register, stored.keys() - fresh.keys())
    written = []
    for key, (values, reason) in stored.items():
        before = found.get(key)
        if before is not None and before.state not in register.closed:
            raise RecordExists(register=register.title, key=register.key_text(values), state=before.state)
        record_id, number = (before.id, before.entries + 1) if before is not None else (fresh[key], 1)
        written.append(_Row(record_id, before, number, wanted, values, reason or cause.reason))
    return _write(tx, register, written, cause)


def update(
    tx: Session, regulation: str, register: Register, rows: Sequence[Row], state: object, cause: Cause
) -> list[Written]:
    """Changes records by a new entry each: the state when one is said, and those fields that a row names.

    Raises RecordMissing for a key without a record that counts, WrongField for what a field cannot hold.
    """
    wanted = None if state is None else register.state(state)
    stored = _by_key(register, rows, {}, "")
    found = _locked(tx, regulation, register, stored.keys())
    written = []
    for key, (values, reason) in stored.items():
        before = found.get(key)
        if before is None or before.state in register.closed:
            raise RecordMissing(register=register.title, key=register.key_text(values))
        after = {**before.fields, **values}
        number, then = before.entries + 1, wanted or before.state
        written.append(_Row(before.id, before, number, then, after, reason or cause.reason))
    return _write(tx, register, written, cause)


def _by_key(register: Register, rows: Sequence[Row], absent: Values, state: str) -> dict[str, Stored]:
    """The rows' stored values by key, in the order in which everybody locks, with the reason that a row gives."""
    stored: dict[str, Stored] = {}
    for row in rows:
        named = {name: row[name] for name in register.fields if name in row}
        keys = {name: row.get(name) for name in register.key}
        values = {**absent, **{name: register.stored(name, value) for name, value in {**named, **keys}.items()}}
        key = register.key_of(values)
        if key in stored:
            raise RecordExists(register=register.title, key=register.key_text(values), state=state or "重复")
        stored[key] = values, str(row.get("reason") or "")
    return dict(sorted(stored.items()))


def _claim(
    tx: Session, regulation: str, register: Register, stored: Mapping[str, Stored], state: str, cause: Cause
) -> dict[str, int]:
    """Makes the rows of keys that nobody has recorded yet; waits for another who is just recording one of them."""
    facts = [
        {"regulation": regulation, "register": register.name, "key": key, **_now(register, state, values, 1, cause)}
        for key, (values, _reason) in stored.items()
    ]
    if not facts:
        return {}
    claim = postgresql.insert(Record).on_conflict_do_nothing().returning(Record.key, Record.id)
    return {key: number for key, number in tx.execute(claim, facts)}


def _locked(tx: Session, regulation: str, register: Register, keys: Collection[str]) -> dict[str, Record]:
    """The records of these keys under a lock, as they are now."""
    if not keys:
        return {}
    wanted = (
        select(Record)
        .where(Record.regulation == regulation, Record.register == register.name, Record.key.in_(keys))
        .order_by(Record.key.collate("C"))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {row.key: row for row in tx.scalars(wanted)}


def _write(tx: Session, register: Register, rows: Sequence[_Row], cause: Cause) -> list[Written]:
    if not rows:
        return []
    previous = newest_digests(tx, [row.id for row in rows if row.before is not None])
    facts = [_entry(row, cause, previous.get(row.id, "")) for row in rows]
    tx.execute(insert(RecordEntry).returning(RecordEntry.id), facts)
    for row in rows:
        for name, value in _now(register, row.state, row.fields, row.number, cause).items() if row.before else ():
            setattr(row.before, name, value)
    tx.flush()
    return [
        Written(row.id, row.number, register.key_text(row.fields), str(fact["digest"]))
        for row, fact in zip(rows, facts, strict=True)
    ]


def _now(register: Register, state: str, fields: Values, number: int, cause: Cause) -> dict[str, Any]:
    """The columns by which a record's row says what its newest entry says."""
    return {
        **searched(register, fields),
        "state": state,
        "fields": dict(fields),
        "entries": number,
        "case_id": cause.case_id,
        "changed_at": cause.moment,
    }


def searched(register: Register, fields: Values) -> dict[str, Any]:
    """The columns by which records are found, filtered and searched, as their fields have them."""
    code, year = register.owner, register.field_of("year")
    held = fields.get(year) if year else None
    return {
        "uscc": fields.get(code) if code else None,
        "year": int(held) if held else None,
        "words": " ".join(value for value in fields.values() if value),
    }


def _entry(row: _Row, cause: Cause, previous: str) -> dict[str, Any]:
    before = (row.before.state, row.before.fields) if row.before else None
    fact = {
        "record_id": row.id,
        "number": row.number,
        "moment": cause.moment,
        "case_id": cause.case_id,
        "act_id": cause.act_id,
        "person_id": cause.person_id,
        "scope": cause.scope,
        "element": cause.element,
        "visit": cause.visit,
        "document": cause.document,
        "letter_id": cause.letter_id,
        "basis": cause.basis,
        "reason": row.reason,
        "state": row.state,
        "fields": dict(row.fields),
        "changed": rules.changes(before, (row.state, row.fields)),
    }
    return {**fact, "digest": rules.chained(previous, content_of(fact))}


def content_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What the digest of an entry is made of: everything it says."""
    said = {name: value for name, value in entry.items() if name not in ("id", "digest")}
    return {**said, "moment": entry["moment"].astimezone(TZ).isoformat(timespec="microseconds")}
