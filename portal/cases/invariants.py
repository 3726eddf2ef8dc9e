"""What must hold in a portal that is whole: histories, ledger, numbers and files, each with its figures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import ledger
from portal.audit import Break
from portal.cases import checking, files
from portal.cases.files import File
from portal.cases.models import Case
from portal.documents.models import Letter, NumberSequence
from portal.documents.rules import numbered
from portal.ledger.models import BalanceRow, EntryRow, TransferRow
from portal.storage import ObjectMissing, ObjectStore

_AT_ONCE = 4


@dataclass(frozen=True)
class Invariant:
    """One thing that must hold, what it was proved on, and where it does not hold, in words."""

    name: str
    holds: str
    """What is so when there are no faults."""
    figures: dict[str, int]
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Proved:
    """What a proof of everything came to; `breaks` are the faults of the histories, place by place."""

    breaks: tuple[Break, ...]
    invariants: tuple[Invariant, ...]

    @property
    def holds(self) -> bool:
        """Whether there is no fault at all."""
        return not any(one.faults for one in self.invariants)


def prove(tx: Session, store: ObjectStore | None = None) -> Proved:
    """Proves all of them in one snapshot; `tx` is new and only reads. With a store every object is read and hashed."""
    verified = checking.verify(tx)
    histories = Invariant(
        "histories",
        "every history is complete and unchanged, and every row is what it vouches for",
        {"cases": verified.cases, "entries": verified.entries},
        tuple(f"case {one.case_id}, entry {one.seq}: {one.en}" for one in verified.breaks),
    )
    return Proved(verified.breaks, (histories, _ledger(tx), _numbers(tx), _files(tx, store)))


def _ledger(tx: Session) -> Invariant:
    counted = {"transfers": TransferRow, "entries": EntryRow, "balances": BalanceRow}
    figures = {name: tx.scalar(select(func.count()).select_from(model)) or 0 for name, model in counted.items()}
    holds = "every transfer comes to zero, every balance is the sum of its entries"
    return Invariant("ledger", holds, figures, tuple(ledger.invariants(tx)))


def _numbers(tx: Session) -> Invariant:
    drawn = [(row.pattern, row.year, row.last) for row in tx.scalars(select(NumberSequence))]
    used = [*tx.scalars(select(Case.number)), *tx.scalars(select(Letter.number))]
    figures = {"sequences": len(drawn), "numbers": len(used)}
    faults = tuple(misnumbered(drawn, used))
    return Invariant("numbers", "none is missing, none is used twice", figures, faults)


def misnumbered(drawn: Iterable[tuple[str, int, int]], used: Iterable[str]) -> Iterator[str]:
    """The numbers that are missing of sequences (pattern, year, last), used twice, or used without being drawn."""
    wanted = {numbered(pattern, year, seq) for pattern, year, last in drawn for seq in range(1, last + 1)}
    seen: set[str] = set()
    for number in used:
        if number in seen:
            yield f"the number {number} is used twice"
        elif number not in wanted:
            yield f"the number {number} was never drawn"
        seen.add(number)
    for number in sorted(wanted - seen):
        yield f"the number {number} was drawn, and nothing has it"


def _files(tx: Session, store: ObjectStore | None) -> Invariant:
    rows = list(files.referred(tx))
    figures = {"files": len(rows), "bytes": sum(row.size for row in rows)}
    if store is None:
        return Invariant("files", "not compared with their objects (--objects does)", figures, ())
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        found = threads.map(lambda row: _unlike(store, row), rows)
    faults = tuple(fault for fault in found if fault)
    return Invariant("files", "every one is in the object store, with the hash it was kept with", figures, faults)


def _unlike(store: ObjectStore, row: File) -> str | None:
    """In what way the object of a row is not what the row says."""
    digest, size = hashlib.sha256(), 0
    try:
        with store.open(row.key) as pieces:
            for piece in pieces:
                digest.update(piece)
                size += len(piece)
    except ObjectMissing:
        return f"{row.table} {row.row}: the object {row.key} is missing"
    if (digest.hexdigest(), size) != (row.sha256, row.size):
        return f"{row.table} {row.row}: the object {row.key} was altered"
    return None
