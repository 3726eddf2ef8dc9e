"""Warnings: whoever is to be reminded of a deadline gets a message in time, an overdue duty comes onto a desk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Select, bindparam, func, select, update
from sqlalchemy.orm import Session, aliased

from portal import notify
from portal.cases import matters
from portal.cases.act import Act
from portal.cases.conduct import catch_up, locked_first
from portal.cases.family import Family
from portal.cases.kernel import Kernel
from portal.cases.live import LiveCase
from portal.cases.models import ActRecord, Case, Task
from portal.cases.renewing import REPLACED
from portal.clock import TZ, day_of
from portal.deadlines import service as deadlines
from portal.deadlines.models import Deadline
from portal.deadlines.rules import left
from portal.deadlines.warn import Said
from portal.deadlines.wording import due_text
from portal.identity import PARTY
from portal.identity import queries as identity

WARNING = "warning"


def claim(tx: Session, now: datetime) -> int | None:
    """Locks the family whose warning has waited longest; its root, or None."""
    return locked_first(tx, _LONGEST_DUE, _STILL_DUE, now)


def _longest_due() -> Select[int]:
    """SQL for the root of the family whose warning has waited longest, locked."""
    root = aliased(Case)
    return (
        select(root.id)
        .select_from(Deadline)
        .join(Case, Case.id == Deadline.case_id)
        .join(root, root.id == Case.root_id)
        .where(_due())
        .order_by(Deadline.warn_at)
        .limit(1)
        .with_for_update(key_share=True, skip_locked=True, of=root)
    )


def _still_due() -> Select[int]:
    still = select(Deadline.id).join(Case, Case.id == Deadline.case_id)
    return still.where(Case.root_id == bindparam("root"), _due()).limit(1)


def _due() -> ColumnElement[bool]:
    return Deadline.warn_at <= bindparam("now", type_=Deadline.warn_at.type)


# Put together once: at nine in the morning reminders come by thousands.
_LONGEST_DUE, _STILL_DUE = _longest_due(), _still_due()


def warn(kernel: Kernel, tx: Session, root_id: int, now: datetime) -> None:
    """Says in a claimed family what is to be said by now, each deadline in an act at the moment of its warning."""
    family = Family.lock(kernel, tx, root_id)
    catch_up(family, now, None)
    ids = tx.scalars(select(Case.id).where(Case.root_id == root_id)).all()
    reached = tx.scalar(select(func.max(ActRecord.moment)).where(ActRecord.root_id == root_id))
    for deadline in deadlines.to_warn(tx, ids, now):
        case = family.cases.get(deadline.case_id)
        said = deadlines.warn(deadline, case.procedure.manifest.deadlines.get(deadline.name), family.calendar, now)
        if said is not None and said.warns:
            reached = max(said.at, reached or said.at)
            act = Act(family, reached, WARNING)
            _say(act, case, deadline, said)
            act.settle()
    tx.flush()


def warn_one(kernel: Kernel, tx: Session, now: datetime) -> int | None:
    """Claims the family whose warning has waited longest and says what is to be said; its root, or None."""
    root_id = claim(tx, now)
    if root_id is not None:
        warn(kernel, tx, root_id, now)
    return root_id


def first(tx: Session, now: datetime) -> datetime | None:
    """The moment of the warning that has waited longest by now; None when none waits."""
    return tx.scalar(select(func.min(Deadline.warn_at)).where(Deadline.warn_at <= now))


def put_off(tx: Session, root_id: int, now: datetime, until: datetime) -> None:
    """Leaves the warnings of a family that broke alone for a while; they are not lost."""
    cases = select(Case.id).where(Case.root_id == root_id)
    tx.execute(update(Deadline).where(Deadline.case_id.in_(cases), Deadline.warn_at <= now).values(warn_at=until))


def _say(act: Act, case: LiveCase, deadline: Deadline, said: Said) -> None:
    """Reminds people, each once however many warnings reach them, and lays an overdue duty on its desk."""
    named = dict.fromkeys(case.procedure.manifest.role(role) for warn in said.warns for role in warn.remind)
    tasks = _assigned(act, case, deadline, named)
    doing = {task.role for task in tasks}
    others = [role for role in named if not _is_of_applicants(case, role)]
    if PARTY in others and not _may_still_act(act, case, deadline):
        others.remove(PARTY)
    roles = [role for role in named if role in doing or role in others]
    if not roles and all(warn.raises is None for warn in said.warns):
        # Who is named has nothing to do any more: nothing is said, and the history tells of no reminder.
        return
    title = _title(act, deadline, said)
    people = _people(act, case, others)
    body = _body(act, case, deadline, f"（{case.party.name}）" if case.party else "")
    notify.send(act.post, people, case_id=case.id, kind="warning", at=act.moment, title=title, body=body)
    people = sorted(_remind_assignees(act, case, deadline, tasks, title).union(people))
    regulation = case.published.regulation
    due = deadline.due.astimezone(TZ).isoformat()
    act.note(
        case, "deadline.warned", deadline=deadline.name, title=deadline.title, due=due,
        warnings=[str(warn) for warn in said.warns], late=[str(warn) for warn in said.over if warn not in said.warns],
        roles=[regulation.role_title(role) for role in roles], people=people,
    )  # fmt: skip
    for warn in said.warns:
        if warn.raises is not None:
            details = {"deadline": deadline.name, "title": deadline.title, "old_due": due, "new_due": due}
            matters.raise_matter(act, case, warn.raises, matters.OVERDUE, str(deadline.id), details)


def _is_of_applicants(case: LiveCase, role: str) -> bool:
    return role != PARTY and bool(case.published.regulation.roles[role].applicant)


def _assigned(act: Act, case: LiveCase, deadline: Deadline, roles: Collection[str]) -> list[Task]:
    """The open tasks of a deadline, each of one party alone, in roles of applicants."""
    wanted = [role for role in roles if _is_of_applicants(case, role)]
    if not wanted:
        return []
    named = (Task.deadline == deadline.name, Task.role.in_(wanted), Task.assignee_id.is_not(None))
    waiting = select(Task).where(Task.case_id == case.id, Task.state == "open", *named).order_by(Task.id)
    return [one for one in act.tx.scalars(waiting) if case.deadlines_at(one.scope)[deadline.name].id == deadline.id]


def _remind_assignees(act: Act, case: LiveCase, deadline: Deadline, tasks: Iterable[Task], title: str) -> set[int]:
    """Reminds whoever has some tasks, without saying whose case it is: he reads what the manifest shows him."""
    body, reminded = _body(act, case, deadline), set[int]()
    for task in tasks:
        own = identity.people_of(act.tx, task.assignee_id) if task.assignee_id else []
        notify.send(
            act.post, own, case_id=case.id, kind="task", at=act.moment, title=title, body=body, subject_id=task.id
        )
        reminded.update(own)
    return reminded


def _may_still_act(act: Act, case: LiveCase, deadline: Deadline) -> bool:
    """Whether a party may still do what the deadline is for: not when a timer of it is drawn that waits no more."""
    if case.ended:
        return _reopened(case, deadline)
    drawn = any(element.deadline == deadline.name for _drawing, element in case.procedure.elements())
    return not drawn or any(
        timer.deadline == deadline.name and case.deadlines_at(timer.place.scope)[deadline.name].id == deadline.id
        for timer in act.family.position(case).waiting().timers
    )


def _reopened(case: LiveCase, deadline: Deadline) -> bool:
    """Whether a right of an ended case runs again by a corrected service, and was neither answered nor replaced."""
    ended_at = case.row.ended_at
    if deadline.kind != "right" or ended_at is None or deadline.due <= ended_at or case.row.outcome == REPLACED:
        return False
    return all(answer.ended and not answer.decided for answer in case.answers)


def _people(act: Act, case: LiveCase, roles: Collection[str]) -> list[int]:
    """Those whose role counts on the day; who has claimed a task of the role in this case stands for all of it, and
    with him whoever stands in for him and the one for whom he has claimed it."""
    offices = [role for role in roles if role != PARTY]
    granted: dict[str, set[int]] = defaultdict(set)
    for role, person_id in identity.people_in_roles(act.tx, case.row.regulation, offices, day_of(act.moment)):
        granted[role].add(person_id)
    holders = _holders(act, case, offices)
    found = {person for role in offices for person in (granted[role] & holders[role] or granted[role])}
    if PARTY in roles and case.party is not None:
        found.update(identity.people_of(act.tx, case.party.id))
    return sorted(found)


def _holders(act: Act, case: LiveCase, offices: Collection[str]) -> dict[str, set[int]]:
    """Who has claimed tasks of some roles in a case, for whom, and who stands in for them, by role."""
    holders: dict[str, set[int]] = defaultdict(set)
    held = select(Task.role, Task.holder_id, Task.for_id).where(
        Task.case_id == case.id, Task.state == "open", Task.role.in_(offices), Task.holder_id.is_not(None)
    )
    for role, *people in act.tx.execute(held):
        holders[role].update(person for person in people if person is not None)
    everybody = {person for people in holders.values() for person in people}
    if everybody:
        stand_in = identity.deputies_of(act.tx, everybody, case.row.regulation, day_of(act.moment))
        for role, deputy in [(role, deputy) for role, principal, deputy in stand_in if principal in holders[role]]:
            holders[role].add(deputy)
    return holders


def _title(act: Act, deadline: Deadline, said: Said) -> str:
    if act.moment >= deadline.due:
        return f"已逾期：{deadline.title}"
    last = said.warns[-1]
    counted = "working day" in deadline.period
    which = f"第 {last.days} 个工作日" if counted else f"第 {last.days} 日"
    return f"{deadline.title}：{which}" if last.kind == "day" else f"{deadline.title}：期限将满"


def _body(act: Act, case: LiveCase, deadline: Deadline, party: str = "") -> str:
    until = f"期限至 {due_text(deadline.last_day)}"
    if act.moment < deadline.due:
        said = f"{until}，{left(deadline, act.moment, act.family.calendar).text}。"
    else:
        said = f"{until}，尚未完成。"
    return f"{case.row.title} {case.row.number}{party}：{deadline.title}，{said}"
