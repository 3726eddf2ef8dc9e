"""Proves what a case has entered in registers, and the registers themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import registers
from portal.audit.rules import Break, Entry
from portal.cases.models import Case
from portal.cases.recording import ENTERED
from portal.procedures.content import unpack
from portal.procedures.models import Release
from portal.procedures.releases import regulation_in
from portal.registers import Record, Register
from portal.registers import proof as records
from portal.registers.rules import digest_of


def altered(tx: Session, case_id: int, history: Sequence[Entry]) -> Iterator[Break]:
    """Steps whose entries in registers are not those that the history vouches for, and entries it knows nothing of."""
    entered: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for row in registers.entries_of_case(tx, case_id):
        entered[row.act_id, row.scope, row.element, row.visit].append(row.digest)
    for entry in history:
        if entry.kind == ENTERED:
            said = entry.details
            found = entered.pop((entry.act_id, said["scope"], entry.element, said["visit"]), [])
            if digest_of(found) != said["entries"]:
                zh = f"“{entry.element}”在名册《{said['title']}》中的登记被改动"
                yield Break(case_id, entry.seq, zh, f"what “{entry.element}” entered in a register was changed")
    for _act, _scope, element, _visit in entered:
        zh, en = f"名册中有一条登记并非“{element}”所记", f"an entry in a register was not made at “{element}”"
        yield Break(case_id, 0, zh, en)


def altered_in_registers(tx: Session) -> Iterator[Break]:
    """Every record that is not what its own chained entries say."""
    for found in records.altered(tx, _Registers(tx).of):
        yield Break(found.case_id or 0, 0, found.zh, found.en)


class _Registers:
    """The registers as the releases declare them, each release opened once."""

    def __init__(self, tx: Session) -> None:
        self._tx = tx
        self._opened: dict[int, Mapping[str, Register]] = {}

    def of(self, record: Record) -> Register | None:
        """By which declaration a record's newest entry was made: its case's, or the newest when it has none."""
        if record.case_id is not None:
            release_id = self._tx.scalar(select(Case.release_id).where(Case.id == record.case_id))
        else:
            release_id = self._tx.scalar(select(func.max(Release.id)).where(Release.regulation == record.regulation))
        return self._declared(release_id).get(record.register) if release_id is not None else None

    def _declared(self, release_id: int) -> Mapping[str, Register]:
        if release_id not in self._opened:
            release = self._tx.get_one(Release, release_id)
            self._opened[release_id] = regulation_in(unpack(release.regulation, release.content)).registers
        return self._opened[release_id]
