"""Proves that every record is what its entries say, and that none of them was changed, added or taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.registers import rules
from portal.registers.models import Record, RecordEntry
from portal.registers.rules import Register
from portal.registers.service import content_of, searched

_COLUMNS = tuple(column.name for column in RecordEntry.__table__.columns)
_AT_A_TIME = 500


@dataclass(frozen=True)
class Altered:
    """A record or an entry that is not what was entered; `case_id` is that of the entry."""

    case_id: int | None
    zh: str
    en: str


def altered(tx: Session, register_of: Callable[[Record], Register | None]) -> Iterator[Altered]:
    """Every entry whose digest is not what it says, and every record that is not what its newest entry says.

    `register_of` tells by which declaration a record's newest entry was made.
    """
    together = (
        select(Record, RecordEntry)
        .outerjoin(RecordEntry, RecordEntry.record_id == Record.id)
        .order_by(Record.id, RecordEntry.number)
        .execution_options(yield_per=_AT_A_TIME)
    )
    for record, rows in groupby(tx.execute(together), key=lambda row: row[0]):
        yield from _altered(record, [entry for _, entry in rows if entry is not None])
        yield from _found_otherwise(record, register_of(record))


def _altered(record: Record, entries: list[RecordEntry]) -> Iterator[Altered]:
    previous = ""
    for number, entry in enumerate(entries, 1):
        said = content_of({name: getattr(entry, name) for name in _COLUMNS})
        if entry.number != number or rules.chained(previous, said) != entry.digest:
            zh = f"名册“{record.register}”记录 {record.key} 的第{entry.number}条登记被改动"
            yield Altered(entry.case_id, zh, f"entry {entry.number} of record {record.id} was changed")
            return
        if entry.case_id is None and number > 1:
            # Only what was on record before there were cases is of no case.
            zh = f"名册“{record.register}”记录 {record.key} 的第{entry.number}条登记不属于任何案件"
            yield Altered(record.case_id, zh, f"entry {entry.number} of record {record.id} is of no case")
        previous = entry.digest
    newest = entries[-1] if entries else None
    if newest is None or _now(record) != (newest.number, newest.state, newest.fields, newest.case_id, newest.moment):
        zh = f"名册“{record.register}”的记录 {record.key} 与其最后一条登记不符"
        yield Altered(record.case_id, zh, f"record {record.id} is not what its newest entry says")


def _now(record: Record) -> tuple[object, ...]:
    return record.entries, record.state, record.fields, record.case_id, record.changed_at


def _found_otherwise(record: Record, register: Register | None) -> Iterator[Altered]:
    """A record that stands under another key, unit or year, or is searched by other words, than its fields say."""
    if register is None:
        return
    wanted = searched(register, record.fields)
    said = register.key_of(record.fields), wanted["uscc"], wanted["year"], sorted(wanted["words"].split(" "))
    if (record.key, record.uscc, record.year, sorted(record.words.split(" "))) != said:
        zh = f"名册“{record.register}”的记录 {record.key} 的检索项与其内容不符"
        yield Altered(record.case_id, zh, f"record {record.id} is not found by what its fields say")
