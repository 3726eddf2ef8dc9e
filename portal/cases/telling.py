"""What people learn of a case by messages in the portal, unasked: letters to sign for, tasks, outcomes.

Nothing here tells what a letter says before its addressee has opened it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal import notify
from portal.cases.live import LiveCase
from portal.cases.models import Case, Task
from portal.clock import day_of
from portal.documents.models import Letter, Service
from portal.identity import PARTY
from portal.identity import queries as identity


def letter_waits(tx: Session, case: LiveCase, letter: Letter, moment: datetime) -> None:
    """A letter can be opened and signed for, by the people of the party that agreed to that."""
    party = case.party
    if party is None or not party.electronic_service:
        return
    if any(one.organisation_id == party.id and one.state == "open" for one in letter.services):
        body = f"{letter.title}（{letter.number}）。打开并签收后才能看到内容，签收当日即为送达日。"
        _to_party(tx, case, "letter", moment, "有文书待签收", body, letter.id)


def tasks_wait(tx: Session, case: LiveCase, opened: Iterable[Task], moment: datetime) -> None:
    """The party is asked for something, such as a correction."""
    for task in opened:
        if task.role == PARTY:
            until = f"请在 {_last_day(task.due)} 24:00 前办理。" if task.due else "请尽快办理。"
            _to_party(tx, case, "task", moment, f"请办理：{task.name}", f"{_called(case)}。{until}", task.id)


def outcome_known(tx: Session, case: LiveCase, moment: datetime) -> None:
    """The case has ended; when a letter is still unopened, that is what the party hears of, not the outcome."""
    if case.party is not None and not _is_sealed(tx, case, case.party.id):
        title = f"已办结：{case.row.outcome}"
        _to_party(tx, case, "outcome", moment, title, f"{_called(case)}已办结，结果为“{case.row.outcome}”。")


def _is_sealed(tx: Session, case: LiveCase, organisation_id: int) -> bool:
    """Whether a letter of the case, or of one about it, is not opened yet."""
    here = select(Case.id).where(or_(Case.id == case.id, Case.about_id == case.id))
    unopened = (
        select(Service.id)
        .join(Letter, Letter.id == Service.letter_id)
        .where(Letter.case_id.in_(here), Service.organisation_id == organisation_id, Service.kind == "party")
        .where(Service.state != "served")
    )
    return tx.scalar(unopened.limit(1)) is not None


def _to_party(
    tx: Session, case: LiveCase, kind: notify.Kind, at: datetime, title: str, body: str, subject_id: int | None = None
) -> None:
    party = case.party
    people = identity.people_of(tx, party.id) if party else []
    notify.send(tx, people, case_id=case.id, kind=kind, at=at, title=title, body=body, subject_id=subject_id)


def _called(case: LiveCase) -> str:
    return f"{case.row.title} {case.row.number}"


def _last_day(due: datetime) -> str:
    return day_of(due - timedelta(microseconds=1)).isoformat()
