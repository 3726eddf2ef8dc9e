"""What concerns an organisation: its cases, open tasks, letters, running rights, and files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Select, and_, bindparam, func, or_, select
from sqlalchemy.orm import Session

from portal import audit, ledger
from portal.audit import Entry
from portal.audit.models import AuditEntry
from portal.cases.delivery import SERVED
from portal.cases.live import LiveCase
from portal.cases.models import Attachment, Case, Subscription, Task
from portal.cases.renewing import renewal_of, renewed_by
from portal.deadlines.models import Deadline
from portal.deadlines.rules import ENDS, LIVE
from portal.documents.models import Letter, Service
from portal.identity import PARTY

AT_A_TIME = 20


@dataclass(frozen=True)
class Running:
    """A right of the organisation whose period is running, and the case it belongs to."""

    deadline: Deadline
    case: Case


@dataclass(frozen=True)
class Sealed:
    """A case with an unopened letter, the case it is about, and the act that issued the letter.

    `word`: the act of a word that people sent it after all those letters, where it has ended since, as by a withdrawal:
    how it ended stands in none of them.
    """

    case_id: int
    about_id: int | None
    act_id: int
    word: int | None

    @property
    def hides(self) -> bool:
        """Whether it keeps from telling where the case stands: not when the party itself has ended it since."""
        return self.word is None

    def keeps(self, entry: Entry) -> bool:
        """Whether an entry of the history is not told yet."""
        if entry.kind == "letter.issued" or entry.act_id < self.act_id:
            return False
        return self.word is None or entry.act_id < self.word


TOLD = frozenset(
    {
        "case.filed", "case.started", "case.begun", "case.replaced", "case.ended", "task.completed", "timer.fired",
        "letter.issued", "letter.served", "letter.unserved", "message.received",
    }
)  # fmt: skip
"""The kinds of entries of a history that a party may read; the others are the authority's own business."""


def cases_of(tx: Session, organisation_id: int, before: int | None = None, size: int = AT_A_TIME) -> list[Case]:
    """Its cases, newest first, one more than a page shows when there are more."""
    mine = select(Case).where(Case.party_id == organisation_id)
    if before is not None:
        mine = mine.where(Case.id < before)
    return list(tx.scalars(mine.order_by(Case.id.desc()).limit(size + 1)))


def tasks_of(tx: Session, organisation_id: int) -> list[tuple[Task, Case]]:
    """What it is asked to do, in its own cases and in those of others, most urgent first."""
    own = and_(Task.role == PARTY, Case.party_id == organisation_id)
    return _todo(tx, or_(own, Task.assignee_id == organisation_id))


def assigned_open(tx: Session, organisation_id: int) -> list[tuple[Task, Case]]:
    """What is assigned to it alone, most urgent first."""
    return _todo(tx, Task.assignee_id == organisation_id)


def _todo(tx: Session, whose: ColumnElement[bool]) -> list[tuple[Task, Case]]:
    rows = tx.execute(
        select(Task, Case)
        .join(Case, Case.id == Task.case_id)
        .where(Task.state == "open", whose)
        .order_by(Task.due.nulls_last(), Task.id)
    )
    return [(task, case) for task, case in rows]


def assigned_over(tx: Session, organisation_id: int, before: int | None = None) -> list[tuple[Task, Case]]:
    """What was assigned to it and waits no more, newest first, one more than a page shows when there are more."""
    over = (Task.assignee_id == organisation_id, Task.state != "open")
    rows = select(Task, Case).join(Case, Case.id == Task.case_id).where(*over)
    if before is not None:
        rows = rows.where(Task.id < before)
    found = tx.execute(rows.order_by(Task.id.desc()).limit(AT_A_TIME + 1))
    return [(task, case) for task, case in found]


def open_tasks(tx: Session, case_id: int) -> list[Task]:
    """Where a case waits for people."""
    rows = select(Task).where(Task.case_id == case_id, Task.state == "open")
    return list(tx.scalars(rows.order_by(Task.id)))


def waits(tx: Session, case_id: int) -> list[Subscription]:
    """The messages that a case waits for, whoever sends them."""
    rows = select(Subscription).where(Subscription.case_id == case_id)
    return list(tx.scalars(rows.order_by(Subscription.engine_id)))


def letters_of(
    tx: Session, organisation_id: int, before: int | None = None, size: int = AT_A_TIME
) -> list[tuple[Letter, Service]]:
    """The letters addressed to it, newest first."""
    mine = _addressed(organisation_id)
    if before is not None:
        mine = mine.where(Letter.id < before)
    return [(letter, service) for letter, service in tx.execute(mine.limit(size + 1))]


def unsigned(tx: Session, organisation_id: int) -> list[tuple[Letter, Service]]:
    """The letters that wait for 打开并签收, or for their file."""
    waiting = _addressed(organisation_id).where(Service.state != "served")
    return [(letter, service) for letter, service in tx.execute(waiting)]


def sealed(tx: Session, organisation_id: int) -> list[Sealed]:
    """The cases with a letter that the organisation has not opened yet.

    Until service a party sees that there is a letter, not its content; so neither status and outcome of the case
    and of the one it is about, nor what it posted to an account, are shown. That a notice was made anew is told at
    once, by a message to the party; what the new one says is not.
    """
    rows = tx.execute(_SEALED, {"organisation": organisation_id})
    return [
        Sealed(case_id, about_id, first, word if word is not None and word > last else None)
        for case_id, about_id, first, last, word in rows
    ]


def _last_word() -> ColumnElement[int | None]:
    """The act of the last message that people sent to a case which has ended; that a letter was opened is none."""
    said = select(func.max(AuditEntry.act_id)).where(
        AuditEntry.case_id == Case.id,
        Case.ended_at.is_not(None),
        AuditEntry.kind == "message.received",
        AuditEntry.details["message"].astext != SERVED,
        ~AuditEntry.details.has_key("from"),
    )
    return said.correlate(Case).scalar_subquery()


def seal_of(seals: Iterable[Sealed], case_id: int) -> Sealed | None:
    """The first that keeps something of a case from being told yet: its own, or that of one about it."""
    here = [seal for seal in seals if case_id == seal.case_id or (case_id == seal.about_id and seal.word is None)]
    return min(here, key=lambda seal: seal.act_id, default=None)


def told(case: LiveCase, seal: Sealed | None) -> list[Entry]:
    """The part of a case's history that its party may read."""
    return [
        entry
        for entry in audit.entries(case.tx, case.id)
        if entry.kind in TOLD
        and not (seal is not None and seal.keeps(entry))
        and (entry.kind != "message.received" or "from" in entry.details or sender(case, entry))
    ]


def sender(case: LiveCase, entry: Entry) -> str:
    """The role whose people send the message that an entry tells of; empty for what only the portal sends."""
    for _drawing, element in case.procedure.elements():
        if element.id == entry.element and element.message is not None and element.message.role is not None:
            return case.procedure.manifest.role(element.message.role)
    return ""


def deadlines_told(case: LiveCase) -> list[Deadline]:
    """The newest deadline of each name that runs or stands, as far as the case waits for it."""
    live = [one for one in case.deadlines.values() if one.live and not case.ended]
    return [one for one in live if one.kind not in ENDS or one.state == "paused" or is_awaited(one, case.row)]


def letters_in(tx: Session, case_id: int, organisation_id: int) -> list[tuple[Letter, Service]]:
    """The letters of one case that are addressed to the organisation, oldest first."""
    mine = _addressed(organisation_id).where(Letter.case_id == case_id).order_by(None).order_by(Letter.id)
    return [(letter, service) for letter, service in tx.execute(mine)]


def running_rights(tx: Session, organisation_id: int, moment: datetime) -> list[Running]:
    """Periods in which it may still do something and in which its cases wait for that, first to end first."""
    rows = tx.execute(
        select(Deadline, Case)
        .join(Case, Case.id == Deadline.case_id)
        .where(
            Case.party_id == organisation_id,
            Case.ended_at.is_(None),
            Case.ripe_at.is_not(None),
            Deadline.state == "running",
            Deadline.kind == "right",
            Deadline.due > moment,
        )
        .order_by(Deadline.due, Deadline.id)
    )
    return [Running(deadline, case) for deadline, case in rows if is_awaited(deadline, case)]


def is_awaited(deadline: Deadline, case: Case) -> bool:
    """Whether the case waits for the end of this deadline: in a pending review its right does not run out."""
    return case.ripe_at is not None and case.ripe_at == deadline.ripe


def heading(live: Sequence[Deadline], case: Case, now: datetime) -> Deadline | None:
    """Of the deadlines of a case that are not settled the one that matters: a right that is running, else the
    authority's duty that ends first; where every clock stands, what it stands before."""
    running = [deadline for deadline in live if deadline.state == "running"]
    rights = [d for d in running if d.kind in ENDS and d.due > now and is_awaited(d, case)]
    duties = [d for d in running if d.kind not in ENDS]
    standing = sorted(live, key=lambda d: d.kind not in ENDS) if not running else []
    return min(rights or duties, key=lambda d: d.due, default=next(iter(standing), None))


@dataclass(frozen=True)
class UnderWay:
    """What is under way in a case: the first open task of its party, and the deadlines that are not settled."""

    task: Task | None
    live: Sequence[Deadline]


def under_way(tx: Session, cases: Sequence[int]) -> dict[int, UnderWay]:
    """What is under way in some cases."""
    own = and_(Task.case_id == Case.id, Task.state == "open", Task.role == PARTY)
    live = and_(Deadline.case_id == Case.id, Deadline.state.in_(LIVE))
    found = select(Case.id, Task, Deadline).outerjoin(Task, own).outerjoin(Deadline, live).where(Case.id.in_(cases))
    rows = tx.execute(found.order_by(Case.id, Task.id, Deadline.id)).all() if cases else []
    tasks: dict[int, Task | None] = {}
    deadlines: dict[int, dict[int, Deadline]] = {}
    for case_id, task, deadline in rows:
        tasks.setdefault(case_id, task)
        deadlines.setdefault(case_id, {}).update({deadline.id: deadline} if deadline is not None else {})
    return {case_id: UnderWay(task, [*deadlines[case_id].values()]) for case_id, task in tasks.items()}


def linked(tx: Session, case: Case) -> list[Case]:
    """The cases this one is about or was started by, those about it or started by it, and the one whose place it
    took or that took its place; of the same party."""
    renewed = [other.id for other in (renewed_by(tx, case.id), renewal_of(tx, case.id)) if other is not None]
    near = [*renewed, *(found for found in (case.about_id, case.started_by_id) if found is not None)]
    rows = select(Case).where(
        Case.party_id == case.party_id,
        or_(Case.id.in_(near), Case.about_id == case.id, Case.started_by_id == case.id),
    )
    return list(tx.scalars(rows.order_by(Case.id)))


def files_of(tx: Session, case_id: int, organisation_id: int) -> list[Attachment]:
    """The files of a case that people of the organisation handed in."""
    rows = select(Attachment).where(Attachment.case_id == case_id, Attachment.organisation_id == organisation_id)
    return list(tx.scalars(rows.order_by(Attachment.id)))


def cases_by_id(tx: Session, ids: Iterable[int], organisation_id: int) -> dict[int, Case]:
    """Those of the cases that are the organisation's."""
    rows = select(Case).where(Case.id.in_(set(ids)), Case.party_id == organisation_id)
    return {case.id: case for case in tx.scalars(rows)}


def _addressed(organisation_id: int | BindParameter[int]) -> Select[Letter, Service]:
    return (
        select(Letter, Service)
        .join(Service, Service.letter_id == Letter.id)
        .where(Service.organisation_id == organisation_id, Service.kind == "party")
        .order_by(Letter.id.desc())
    )


def _sealed() -> Select[*tuple[Any, ...]]:
    unread = _addressed(bindparam("organisation")).where(Service.state != "served").subquery()
    acts = func.min(unread.c.act_id), func.max(unread.c.act_id)
    told = select(Case.id, Case.about_id, *acts, _last_word()).join(unread, unread.c.case_id == Case.id)
    return told.group_by(Case.id)


# Put together once, for almost every page of an applicant asks it.
_SEALED = _sealed()


def statement(tx: Session, organisation_id: int) -> list[ledger.StatementLine]:
    """The statement of its accounts without what came with letters that nobody has opened yet, and the balances
    reckoned without it."""
    hidden = {seal.case_id for seal in sealed(tx, organisation_id)}
    return ledger.with_balances(line for line in ledger.statement(tx, organisation_id) if line.case_id not in hidden)
