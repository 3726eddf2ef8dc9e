"""Proves that what was said and what letters hold is what the chained history vouches for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import audit, registers
from portal.audit.rules import Break, Entry
from portal.cases.live import served_at
from portal.cases.models import Case, CaseValue
from portal.cases.recording import ENTERED
from portal.cases.values import digest
from portal.clock import TZ
from portal.documents import service as documents
from portal.documents.models import Letter
from portal.registers import proof as records
from portal.registers.rules import digest_of


def altered(tx: Session) -> Iterator[Break]:
    """Every value, letter and entry in a register that is not what its case's history vouches for."""
    for case_id in tx.scalars(select(Case.id).order_by(Case.id)):
        history = audit.entries(tx, case_id)
        yield from _altered_in(tx, case_id, history)
        yield from _recorded_otherwise(tx, case_id, history)
    for found in records.altered(tx):
        yield Break(found.case_id or 0, 0, found.zh, found.en)


def _altered_in(tx: Session, case_id: int, history: Sequence[Entry]) -> Iterator[Break]:
    said: dict[tuple[int, str], set[str]] = defaultdict(set)
    for value in tx.scalars(select(CaseValue).where(CaseValue.case_id == case_id)):
        said[value.act_id, value.element].add(digest(value.value))
    issued = documents.letters_of(tx, case_id)
    letters = {letter.id: digest(letter.data) for letter in issued}
    yield from _other_than_told(tx, case_id, history, {letter.id: letter for letter in issued})
    for entry in history:
        vouched = entry.details.get("said")
        # An empty answer (a message without form) leaves no value.
        found = said.get((entry.act_id, entry.element or ""), {digest({})})
        if vouched is not None and vouched not in found:
            zh, en = f"“{entry.element}”处所填的内容被改动", f"what was said at “{entry.element}” was changed"
            yield Break(case_id, entry.seq, zh, en)
        letter = entry.details.get("letter")
        if "data" in entry.details and isinstance(letter, int) and letters.get(letter) != entry.details["data"]:
            number = entry.details.get("number")
            zh, en = f"文书{number}的数据被改动", f"the data of letter {number} were changed"
            yield Break(case_id, entry.seq, zh, en)


def _recorded_otherwise(tx: Session, case_id: int, history: Sequence[Entry]) -> Iterator[Break]:
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


def _other_than_told(
    tx: Session, case_id: int, history: Sequence[Entry], letters: Mapping[int, Letter]
) -> Iterator[Break]:
    """Rows that say otherwise than the newest entry about them: a file's hash, a service, the outcome."""
    told: dict[tuple[str, int], tuple[Entry, object]] = {}
    for entry in history:
        letter = entry.details.get("letter")
        if entry.kind == "letter.rendered" and isinstance(letter, int):
            told["文书文件", letter] = entry, entry.details["sha256"]
        elif entry.kind == "letter.served" and isinstance(letter, int):
            told["送达时间", letter] = entry, entry.details["at"]
        elif entry.kind == "letter.unserved" and isinstance(letter, int):
            told["送达时间", letter] = entry, None
        elif entry.kind in ("case.ended", "case.replaced"):
            told["办理结果", case_id] = entry, entry.details["outcome"]
    for (what, key), (entry, said) in told.items():
        if said != _now(tx, what, key, letters):
            yield Break(case_id, entry.seq, f"{what}与所记的不符", f"not what entry {entry.seq} tells: {what}")


def _now(tx: Session, what: str, key: int, letters: Mapping[int, Letter]) -> object:
    if what == "办理结果":
        return tx.get_one(Case, key).outcome
    letter = letters.get(key)
    if letter is None:
        return None
    if what == "文书文件":
        return letter.sha256
    at = served_at(letter)
    return at.astimezone(TZ).isoformat() if at else None
