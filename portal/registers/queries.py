"""Reading registers: records by key, by unit and page by page, their entries, and whether all is as it was entered."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal.registers.models import Record, RecordEntry
from portal.registers.rules import Register

AT_A_TIME = 50


def current(tx: Session, regulation: str, register: Register, key: Mapping[str, str | None]) -> Record | None:
    """The record of a key (stored values), whatever its state."""
    wanted = select(Record).where(
        Record.regulation == regulation, Record.register == register.name, Record.key == register.key_of(key)
    )
    return tx.scalar(wanted)


def get(tx: Session, regulation: str, register: str, record_id: int) -> Record | None:
    """The record of an id, when it is one of that register."""
    row = tx.get(Record, record_id)
    return row if row is not None and (row.regulation, row.register) == (regulation, register) else None


def entries(tx: Session, record_ids: Iterable[int]) -> list[RecordEntry]:
    """The entries of records, from the oldest on."""
    wanted = select(RecordEntry).where(RecordEntry.record_id.in_(list(record_ids)))
    return list(tx.scalars(wanted.order_by(RecordEntry.record_id, RecordEntry.number)))


def find(
    tx: Session,
    regulation: str,
    register: str,
    *,
    q: str = "",
    state: str | None = None,
    year: int | None = None,
    before: int | None = None,
    size: int = AT_A_TIME + 1,
) -> list[Record]:
    """Records of a register that hold `q` in one of their fields, the newest first, below the id `before`."""
    wanted = select(Record).where(Record.regulation == regulation, Record.register == register)
    if q:
        said = {q, half_width(q)}
        wanted = wanted.where(or_(*(Record.words.icontains(words, autoescape=True) for words in said)))
    if state is not None:
        wanted = wanted.where(Record.state == state)
    if year is not None:
        wanted = wanted.where(Record.year == year)
    if before is not None:
        wanted = wanted.where(Record.id < before)
    return list(tx.scalars(wanted.order_by(Record.id.desc()).limit(size)))


def half_width(text: str) -> str:
    """Letters and digits as they are stored, however wide they were typed; marks stay as they are."""
    return "".join(unicodedata.normalize("NFKC", sign) if sign.isalnum() else sign for sign in text)


def of_unit(tx: Session, uscc: str) -> list[Record]:
    """The records of a unit in every register, the newest first."""
    return list(tx.scalars(select(Record).where(Record.uscc == uscc).order_by(Record.id.desc())))


def siblings(
    tx: Session, regulation: str, register: str, year: int | None, most: int
) -> list[tuple[str, str, dict[str, Any]]]:
    """Key, state and fields of at most so many records of a register and a year."""
    wanted = select(Record.key, Record.state, Record.fields).where(
        Record.regulation == regulation, Record.register == register, Record.year.is_not_distinct_from(year)
    )
    return [(key, state, fields) for key, state, fields in tx.execute(wanted.limit(most))]


def of_case(tx: Session, case_id: int, most: int) -> list[Record]:
    """The first records in which a case has entered anything, as they are now."""
    entered = select(RecordEntry.record_id).where(RecordEntry.case_id == case_id)
    return list(tx.scalars(select(Record).where(Record.id.in_(entered)).order_by(Record.id).limit(most)))


def entries_of_case(tx: Session, case_id: int) -> list[RecordEntry]:
    """What a case has entered, in that order."""
    return list(tx.scalars(select(RecordEntry).where(RecordEntry.case_id == case_id).order_by(RecordEntry.id)))


def newest_digests(tx: Session, record_ids: Collection[int]) -> dict[int, str]:
    """The digest of the newest entry of each record."""
    if not record_ids:
        return {}
    newest = (
        select(RecordEntry.record_id, RecordEntry.digest)
        .join(Record, (Record.id == RecordEntry.record_id) & (Record.entries == RecordEntry.number))
        .where(RecordEntry.record_id.in_(record_ids))
    )
    return {record_id: digest for record_id, digest in tx.execute(newest)}
