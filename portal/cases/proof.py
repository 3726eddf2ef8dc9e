"""Proves that what was said and what letters hold is what the chained history vouches for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import audit
from portal.audit.rules import Break, Entry
from portal.cases.live import served_at
from portal.cases.models import Case, CaseValue
from portal.cases.values import digest
from portal.clock import TZ
from portal.documents import service as documents
from portal.documents.models import Letter


def altered(tx: Session) -> Iterator[Break]:
    """Every value and every letter's data whose digest is not the one that its case's history holds."""
    for case_id in tx.scalars(select(Case.id).order_by(Case.id)):
        yield from _altered_in(tx, case_id)


def _altered_in(tx: Session, case_id: int) -> Iterator[Break]:
    said: dict[tuple[int, str], set[str]] = defaultdict(set)
    for value in tx.scalars(select(CaseValue).where(CaseValue.case_id == case_id)):
        said[value.act_id, value.element].add(digest(value.value))
    issued = documents.letters_of(tx, case_id)
    letters = {letter.id: digest(letter.data) for letter in issued}
    yield from _other_than_told(tx, case_id, {letter.id: letter for letter in issued})
    for entry in audit.entries(tx, case_id):
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


def _other_than_told(tx: Session, case_id: int, letters: Mapping[int, Letter]) -> Iterator[Break]:
    """Rows that say otherwise than the newest entry about them: a file's hash, a service, the outcome."""
    told: dict[tuple[str, int], tuple[Entry, object]] = {}
    for entry in audit.entries(tx, case_id):
        letter = entry.details.get("letter")
        if entry.kind == "letter.rendered" and isinstance(letter, int):
            told["文书文件", letter] = entry, entry.details["sha256"]
        elif entry.kind == "letter.served" and isinstance(letter, int):
            told["送达时间", letter] = entry, entry.details["at"]
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
