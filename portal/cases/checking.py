"""Proving every history and what rests on it: how it is done, and the checks that administrators have asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal import audit
from portal.audit import Break, Chain
from portal.audit.models import AuditCheck
from portal.cases import proof
from portal.cases.kernel import Kernel
from portal.cases.models import Case
from portal.errors import PortalError
from portal.identity import Actor, Person

CHECK = "history.check"
"""The job that does a check."""
KEPT = 200
"""Findings that are kept of one check; a history that was tampered with at large has more."""
LISTED = 20


class CheckRunning(PortalError):
    """A check is under way, and another one would find the same."""

    zh = "历史校验正在进行，完成后在这里显示结果，不必再次发起。"
    en = "A check is under way; its result will be shown here."


@dataclass(frozen=True)
class Verified:
    """What a proof of everything came to."""

    cases: int
    entries: int
    breaks: tuple[Break, ...]


@dataclass(frozen=True)
class Line:
    """A check with the name of who asked for it."""

    check: AuditCheck
    by: str


def verify(tx: Session, passed: Callable[[int], None] | None = None) -> Verified:
    """Proves the history of every case, and every row that it vouches for; `tx` is new and only reads.

    `passed` is told how many cases are done, after each.
    """
    # One snapshot: an act that commits in between must not look like a break.
    tx.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    rows = tx.execute(select(Case.id, Case.audit_length, Case.audit_head).order_by(Case.id)).all()
    breaks = audit.verify(tx, ((case_id, Chain(length, head)) for case_id, length, head in rows))
    breaks += proof.altered(tx, passed)
    return Verified(len(rows), sum(length for _, length, _ in rows), tuple(breaks))


def begin(kernel: Kernel, tx: Session, actor: Actor, moment: datetime) -> None:
    """Has everything proved by a job; CheckRunning."""
    cases = select(func.count()).select_from(Case).scalar_subquery()
    new = insert(AuditCheck).values(at=moment, by_id=actor.person_id, cases=cases).on_conflict_do_nothing()
    number = tx.scalar(new.returning(AuditCheck.id))
    if number is None:
        raise CheckRunning()
    kernel.queue.defer(tx, CHECK, check_id=number)


def goes_on(tx: Session, check_id: int, checked: int) -> None:
    """Notes how far a check is."""
    tx.get_one(AuditCheck, check_id).checked = checked


def ended(tx: Session, check_id: int) -> bool:
    """Whether a check has come to an end."""
    return tx.get_one(AuditCheck, check_id, populate_existing=True).ended_at is not None


def end(tx: Session, check_id: int, verified: Verified, moment: datetime) -> None:
    """Keeps what a check has found, unless it has ended before."""
    row = tx.get_one(AuditCheck, check_id, with_for_update=True, populate_existing=True)
    if row.ended_at is None:
        row.cases = row.checked = verified.cases
        row.entries, row.found = verified.entries, len(verified.breaks)
        row.findings = [asdict(found) for found in verified.breaks[:KEPT]]
        row.ended_at = moment


def give_up(tx: Session, check_id: int, reason: str, moment: datetime) -> None:
    """Notes that a check could not be carried to its end, unless it has ended before."""
    row = tx.get_one(AuditCheck, check_id, with_for_update=True, populate_existing=True)
    if row.ended_at is None:
        row.ended_at, row.fault = moment, reason


def listed(tx: Session) -> list[Line]:
    """The last checks, newest first."""
    found = select(AuditCheck, Person.name).join(Person, Person.id == AuditCheck.by_id)
    return [Line(row, by) for row, by in tx.execute(found.order_by(AuditCheck.id.desc()).limit(LISTED))]


def last(tx: Session) -> AuditCheck | None:
    """The check asked for last."""
    return tx.scalar(select(AuditCheck).order_by(AuditCheck.id.desc()).limit(1))


def numbers(tx: Session, check: AuditCheck) -> dict[int, str]:
    """The numbers of the cases in a check's findings, by id."""
    ids = {finding["case_id"] for finding in check.findings}
    return {case_id: number for case_id, number in tx.execute(select(Case.id, Case.number).where(Case.id.in_(ids)))}
