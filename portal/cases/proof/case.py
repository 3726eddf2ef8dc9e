"""Proves a case's own row: whose it is, what started it, what there may be only one of, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from portal.audit.rules import Break, Entry
from portal.cases.accepting import BOUND
from portal.cases.models import Case
from portal.cases.starting import begun
from portal.cases.values import digest

History = Sequence[Entry]


def altered(tx: Session, case_id: int, history: History) -> Iterator[Break]:
    """A case that is not any more what its first entry says, or did not end as the newest one about that says."""
    row = tx.get_one(Case, case_id)
    yield from _begun_otherwise(row, history)
    yield from _another_in_force(tx, row, history)
    yield from _another_text(row, history)
    yield from _ended_otherwise(row, history)


def _begun_otherwise(row: Case, history: History) -> Iterator[Break]:
    now = digest(begun(row))
    for entry in history:
        if entry.details.get("begun", now) != now:
            zh = "案件的编号、当事人、提出时间、来由或适用的版本被改动"
            yield Break(row.id, entry.seq, zh, "the case's number, party, filing, origin or release was changed")


def _another_in_force(tx: Session, row: Case, history: History) -> Iterator[Break]:
    for entry in history:
        changed = entry.details.get("once", row.once) != row.once
        if changed and not (row.once is None and taken_over(tx, row.id, history)):
            zh, en = "案件占有的唯一性标识被改动", "what there may be only one case of was changed"
            yield Break(row.id, entry.seq, zh, en)


def _another_text(row: Case, history: History) -> Iterator[Break]:
    now = digest(row.instrument) if row.instrument is not None else None
    vouching = [entry for entry in history if entry.kind in ("case.filed", "case.started", BOUND)]
    if vouching and vouching[-1].details.get("instrument") != now:
        zh, en = "案件受理时适用的文本被改动", "the text that the case was accepted under was changed"
        yield Break(row.id, vouching[-1].seq, zh, en)


def taken_over(tx: Session, case_id: int, history: History) -> bool:
    """Whether another case has taken a case's place, or was started by an answer to it in order to do so."""
    if any(entry.kind == "case.replaced" for entry in history):
        return True
    answer, new = aliased(Case), aliased(Case)
    started = select(new.id).join(answer, answer.id == new.started_by_id).where(answer.about_id == case_id)
    return tx.scalar(started.limit(1)) is not None


def _ended_otherwise(row: Case, history: History) -> Iterator[Break]:
    ended = next((entry for entry in reversed(history) if entry.kind == "case.ended"), None)
    named = next((entry for entry in reversed(history) if entry.kind in ("case.ended", "case.replaced")), None)
    seq = named.seq if named else 0
    if row.outcome != (named.details["outcome"] if named else None):
        yield Break(row.id, seq, "办理结果与所记的不符", f"not what entry {seq} tells: the outcome")
    if row.ended_at != (ended.moment if ended else None):
        yield Break(row.id, seq, "办结时间与所记的不符", f"not what entry {seq} tells: when the case ended")
