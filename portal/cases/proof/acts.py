"""Proves who did what in a case: whoever an act, an answer or a receipt names, and for whom he did it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.audit.rules import Break, Entry
from portal.cases.delivery import RECEIPTS
from portal.cases.models import ActRecord, CaseValue
from portal.clock import TZ
from portal.documents.models import Letter, Service, ServiceProof, StruckProof

_People = tuple[int | None, int | None]
"""Who did something, and for whom if he stood in for somebody."""
_PEOPLE = (ActRecord.person_id, ActRecord.for_id)


def altered(tx: Session, case_id: int, history: Sequence[Entry]) -> Iterator[Break]:
    """Acts, answers and receipts that name others than the entries about them do."""
    yield from _done_by_others(tx, case_id, history)
    yield from _said_by_others(tx, case_id)
    yield from _entered_by_others(tx, case_id, history)


def _done_by_others(tx: Session, case_id: int, history: Sequence[Entry]) -> Iterator[Break]:
    ids = {entry.act_id for entry in history}
    found = tx.execute(select(ActRecord.id, *_PEOPLE).where(ActRecord.id.in_(ids)))
    acts: dict[int, _People] = {act_id: (person, principal) for act_id, person, principal in found}
    seen: set[int] = set()
    for entry in history:
        if entry.act_id not in seen and acts.get(entry.act_id) != (entry.actor_id, entry.on_behalf):
            seen.add(entry.act_id)
            zh = f"第{entry.seq}条所记的办理人或被代理人被改动"
            yield Break(case_id, entry.seq, zh, f"who did what entry {entry.seq} tells, or for whom, was changed")


def _said_by_others(tx: Session, case_id: int) -> Iterator[Break]:
    """Answers that name another than the act in which they were given."""
    others = (
        select(CaseValue.element)
        .join(ActRecord, ActRecord.id == CaseValue.act_id)
        .where(CaseValue.case_id == case_id, CaseValue.person_id.is_distinct_from(ActRecord.person_id))
    )
    for element in tx.scalars(others.order_by(CaseValue.act_id, CaseValue.element)):
        yield Break(case_id, 0, f"“{element}”处的填写人被改动", f"who answered at “{element}” was changed")


def _entered_by_others(tx: Session, case_id: int, history: Sequence[Entry]) -> Iterator[Break]:
    """Receipts, and what struck them out, that name others than the entries of their acts."""
    receipts = [entry for entry in history if entry.kind.startswith("receipt.")]
    entered = {
        (entry.details["letter"], entry.moment, str(entry.details["at"]), entry.actor_id, entry.on_behalf)
        for entry in receipts
        if "at" in entry.details
    }
    struck = {(entry.details.get("proof"), entry.actor_id, entry.on_behalf) for entry in receipts}
    rows = tx.execute(
        select(Letter.id, Letter.number, ServiceProof, StruckProof)
        .join(Service, Service.letter_id == Letter.id)
        .join(ServiceProof, ServiceProof.service_id == Service.id)
        .outerjoin(StruckProof, StruckProof.proof_id == ServiceProof.id)
        .where(Letter.case_id == case_id, ServiceProof.how.in_(RECEIPTS))
        .order_by(ServiceProof.id)
    )
    for letter_id, number, proof, ended in rows:
        at = proof.received_at.astimezone(TZ).isoformat()
        told = (letter_id, proof.entered_at, at, proof.entered_by, proof.entered_for) in entered
        if not told or (ended and (proof.id, ended.entered_by, ended.entered_for) not in struck):
            zh = f"文书{number}的送达回执的登记人与所记的不符"
            yield Break(case_id, 0, zh, f"not what is told of who entered a receipt of the letter {number}")
