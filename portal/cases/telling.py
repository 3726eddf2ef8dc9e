"""What people learn of a case by messages in the portal, unasked: letters to sign for, tasks, outcomes, what was done
in their name.

Nothing here tells what a letter says before its addressee has opened it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal import notify
from portal.cases import assigned
from portal.cases.assigned import Over
from portal.cases.live import LiveCase
from portal.cases.models import Case, Task
from portal.clock import TZ, day_of
from portal.deadlines.changes import Change
from portal.deadlines.wording import due_text
from portal.documents.models import Letter, Service
from portal.documents.service import Served
from portal.identity import PARTY
from portal.identity import queries as identity
from portal.notify import Post

_WHY_GONE = {
    Over.REPLACED: "已改由他人办理。",
    Over.ENDED: "案件已办结。",
    Over.CLOSED: "这一环节已经结束。",
}


def letter_waits(post: Post, case: LiveCase, letter: Letter, moment: datetime) -> None:
    """A letter can be opened and signed for, by the people of the party that agreed to that."""
    party = case.party
    if party is None or not party.electronic_service:
        return
    if any(one.organisation_id == party.id and one.state == "open" for one in letter.services):
        body = f"{letter.title}（{letter.number}）。打开并签收后才能看到内容，签收当日即为送达日。"
        _to_party(post, case, "letter", moment, "有文书待签收", body, letter.id)


def tasks_wait(post: Post, case: LiveCase, opened: Iterable[Task], moment: datetime) -> None:
    """The party is asked for something, such as a correction, or another party to whom a task is assigned."""
    for task in opened:
        until = f"请在 {_due(task.due)} 前办理。" if task.due else "请尽快办理。"
        title, body = f"请办理：{task.name}", f"{_called(case)}。{until}"
        if task.assignee_id is not None:
            people = identity.people_of(post.tx, task.assignee_id)
            notify.send(
                post, people, case_id=case.id, kind="task", at=moment, title=title, body=body, subject_id=task.id
            )
        elif task.role == PARTY:
            _to_party(post, case, "task", moment, title, body, task.id)


def tasks_gone(post: Post, case: LiveCase, gone: Iterable[Task], moment: datetime) -> None:
    """A party to whom a task was assigned has nothing to do there any more, though nobody did it."""
    for task in gone:
        why = assigned.over(post.tx, task) if task.assignee_id is not None else None
        if task.assignee_id is not None and why in _WHY_GONE:
            people = identity.people_of(post.tx, task.assignee_id)
            title, body = f"不再需要办理：{task.name}", f"{_called(case)}。{_WHY_GONE[why]}"
            notify.send(
                post, people, case_id=case.id, kind="task", at=moment, title=title, body=body, subject_id=task.id
            )


def outcome_known(post: Post, case: LiveCase, moment: datetime, replaced: LiveCase | None = None) -> None:
    """The case has ended, and the outcome of another may have changed by it; when a letter is still unopened, that
    is what the party hears of, not the outcome."""
    if case.party is not None and not _is_sealed(post.tx, case, case.party.id):
        title = f"已办结：{case.row.outcome}"
        body = f"{_called(case)}已办结，结果为“{case.row.outcome}”。"
        if replaced is not None:
            body += f"{_called(replaced)}的结果变更为“{replaced.row.outcome}”。"
        _to_party(post, case, "outcome", moment, title, body)


def service_changed(post: Post, case: LiveCase, served: Served, changes: Iterable[Change], moment: datetime) -> None:
    """A service on the party that was on record was corrected, struck out, or preceded by an earlier one."""
    service = served.service
    again = any(proof.struck for proof in service.proofs)
    if service.kind != "party" or (served.before is None and not again):
        return
    letter = f"{service.letter.title}（{service.letter.number}）"
    if served.at is None:
        title, body = "送达记录已作废", f"{letter}的送达记录已作废，自该次送达起算的期限不再计算。"
    else:
        old = _minute(served.before) if served.before else "没有送达"
        title = "送达时间已更正"
        body = f"{letter}的送达时间由 {old} 更正为 {_minute(served.at)}。{_moved(changes)}"
    _to_party(post, case, "letter", moment, title, body, service.letter.id)


def calendar_moved(post: Post, case: LiveCase, changes: Iterable[Change], moment: datetime) -> None:
    """A holiday notice moved deadlines of the party's case; nothing of what an unopened letter brought about."""
    moved = _moved(changes)
    if moved and case.party is not None and not _is_sealed(post.tx, case, case.party.id):
        _to_party(post, case, "warning", moment, "期限因放假安排调整", f"{_called(case)}：{moved}")


def deadline_extended(post: Post, case: LiveCase, change: Change, moment: datetime) -> None:
    """The office has given a deadline of the party's case more time, and says why."""
    until = f"延长至 {_due(change.new_due)}" if change.new_due else "延长；现暂停计时，恢复后顺延"
    body = f"{_called(case)}：“{change.title}”{until}。{change.reason}。"
    _to_party(post, case, "warning", moment, f"期限延长：{change.title}", body)


def outcome_kept(post: Post, case: LiveCase, moment: datetime) -> None:
    """The desk has decided that a corrected service changes nothing in the outcome."""
    body = f"{_called(case)}：送达更正后，经决定维持原结果。"
    _to_party(post, case, "outcome", moment, "送达更正后维持原结果", body)


def notice_renewed(post: Post, case: LiveCase, new: LiveCase, moment: datetime) -> None:
    """The desk had a notice made anew; what the new one says its addressee reads when it is served."""
    body = f"{_called(case)}：送达更正后，经决定重新作出通知，由 {new.row.number} 取代，期限自新通知送达次日起算。"
    _to_party(post, case, "outcome", moment, "通知已重新作出", body)


def note_added(post: Post, case: LiveCase, text: str, moment: datetime, note_id: int) -> None:
    """The office has written something for the party beside the procedure."""
    _to_party(post, case, "note", moment, "办理机关说明", f"{_called(case)}：{text}", note_id)


def told(post: Post, case: LiveCase, people: Iterable[int], title: str, text: str, moment: datetime) -> None:
    """The diagram has something told to people beside the procedure."""
    notify.send(post, people, case_id=case.id, kind="note", at=moment, title=title, body=f"{_called(case)}：{text}")


def done_in_name(post: Post, case: LiveCase, principal_id: int | None, title: str, moment: datetime) -> None:
    """A deputy, if it was one, has done something of a case in his principal's name, which the title says."""
    if principal_id is not None:
        body = f"{_called(case)}。填写的内容和后续办理情况见案件页。"
        notify.send(post, [principal_id], case_id=case.id, kind="note", at=moment, title=title, body=body)


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
    post: Post, case: LiveCase, kind: notify.Kind, at: datetime, title: str, body: str, subject_id: int | None = None
) -> None:
    party = case.party
    people = identity.people_of(post.tx, party.id) if party else []
    notify.send(post, people, case_id=case.id, kind=kind, at=at, title=title, body=body, subject_id=subject_id)


def _called(case: LiveCase) -> str:
    return f"{case.row.title} {case.row.number}"


def _moved(changes: Iterable[Change]) -> str:
    """“提出异议”由 2026年10月10日（周六）24:00 改为 2026年10月12日（周一）24:00。"""
    return "".join(
        f"“{one.title}”由 {_due(one.old_due)} 改为 {_due(one.new_due)}。"
        for one in changes
        if one.what == "moved" and one.old_due and one.new_due
    )


def _minute(moment: datetime) -> str:
    local = moment.astimezone(TZ)
    return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"


def _due(due: datetime) -> str:
    return due_text(day_of(due - timedelta(microseconds=1)))
