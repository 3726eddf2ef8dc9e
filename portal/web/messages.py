"""A person's messages: the newest first, each leading to its case, task or letter; read when opened or marked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, redirect
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import false, or_, select
from sqlalchemy.orm import Session

from portal import notify
from portal.cases.errors import UnknownCase
from portal.cases.models import Task
from portal.edge.acting import act, asked, posted_id, reading
from portal.edge.machine import machine
from portal.identity import PARTY, Actor, Permission
from portal.notify import PortalMessage
from portal.web.access import needs, permit
from portal.web.auth import first_page
from portal.web.frames import frame
from portal.web.pages import render

blueprint = Blueprint("messages", __name__)
SIZE = 20


@dataclass(frozen=True)
class MessageView:
    """One message; `action` says where opening it leads."""

    id: int
    title: str
    body: str
    at: datetime
    unread: bool
    action: str


@blueprint.get("/messages")
@needs(Permission.TASK_LIST)
def messages_page() -> ResponseReturnValue:
    """The messages of whoever asks; an applicant of no organisation has none to see."""
    actor = permit()
    if actor.adrift:
        return redirect(first_page(actor))
    before = asked("before")
    with reading() as tx:
        found = notify.of_person(tx, actor.person_id, SIZE + 1, before)
        shown = found[:SIZE]
        tasks = _tasks(tx, actor, {one.case_id for one in shown})
        targets = _targets(actor, shown, tasks)
        waiting = {task.id for task in tasks if task.state == "open"}
        return render(
            "messages.html",
            # What is new comes first, whatever was read meanwhile.
            messages=[
                _view(one, targets[one.id], waiting) for one in sorted(shown, key=lambda one: one.read_at is not None)
            ],
            newest=found[0].id if found and before is None else None,
            portal_mails=machine().kernel.mails,
            later=f"/messages?before={shown[-1].id}" if len(found) > SIZE else None,
            earlier="/messages" if before is not None else None,
            **frame(tx, actor, "/messages"),
        )


@blueprint.post("/messages/read")
@needs(Permission.TASK_LIST)
def mark_all() -> ResponseReturnValue:
    """Marks the messages as read that the person has seen, up to the newest on his page."""
    actor = permit()
    until = posted_id("until") or 0
    act(lambda tx, now: notify.mark_read(tx, actor.person_id, now, until=until), _("标记消息"))
    return redirect("/messages", 303)


@blueprint.get("/messages/<int:message_id>")
@needs(Permission.TASK_LIST)
def message_target(message_id: int) -> ResponseReturnValue:
    """Leads to what a message is about, from the mail that told of it; it stays unread until it is opened here."""
    actor = permit()
    with reading() as tx:
        return redirect(_target(tx, actor, message_id), 303)


@blueprint.post("/messages/<int:message_id>")
@needs(Permission.TASK_LIST)
def open_message(message_id: int) -> ResponseReturnValue:
    """Marks a message as read and leads to what it is about; UnknownCase when it is somebody else's."""
    actor = permit()
    with reading() as tx:
        target = _target(tx, actor, message_id)
    act(lambda tx, now: notify.mark_read(tx, actor.person_id, now, only=message_id), _("打开消息"))
    return redirect(target, 303)


def _target(tx: Session, actor: Actor, message_id: int) -> str:
    """Where a message of the person leads; UnknownCase when it is somebody else's."""
    message = notify.one_of(tx, actor.person_id, message_id)
    if message is None:
        raise UnknownCase
    [target] = _targets(actor, [message], _tasks(tx, actor, {message.case_id})).values()
    return target


def _view(message: PortalMessage, target: str, waiting: Collection[int]) -> MessageView:
    """What is read of a message that leads to a target; `waiting` are the tasks that can still be done."""
    if "/tasks/" in target:
        action = _("去办理") if int(target.rpartition("/")[2]) in waiting else _("看任务")
    elif "/letters/" in target:
        action = _("看文书")
    elif target.startswith("/desk"):
        action = _("到督办台决定")
    else:
        action = _("看办件") if target.startswith("/my/") else _("看案件")
    return MessageView(message.id, message.title, message.body, message.at, message.read_at is None, action)


def _targets(actor: Actor, messages: Iterable[PortalMessage], tasks: Sequence[Task]) -> dict[int, str]:
    """Where each message leads: to the task that the person may do now, else to the letter or the case."""
    todo, elsewhere = _todo(actor, tasks), _elsewhere(actor, tasks)
    found = {}
    for one in messages:
        home = "" if actor.official else "/my"
        found[one.id] = f"{home}/cases/{one.case_id}"
        if not actor.official and one.kind == "task" and one.case_id in elsewhere:
            found[one.id] = f"{home}/tasks/{one.subject_id}"
        if one.kind == "letter" and not actor.official:
            found[one.id] = f"/my/letters/{one.subject_id}"
        elif one.kind == "warning" and one.subject_id is not None and actor.official:
            found[one.id] = f"/desk#matter-{one.subject_id}"
        elif one.case_id in todo and one.kind in ("task", "warning"):
            found[one.id] = f"{home}/tasks/{todo[one.case_id]}"
    return found


def _tasks(tx: Session, actor: Actor, cases: set[int]) -> Sequence[Task]:
    """The open tasks of some cases, and those that are or were assigned to the person's own party; newest first."""
    own = Task.assignee_id == actor.organisation_id if actor.organisation_id is not None else false()
    wanted = select(Task).where(Task.case_id.in_(cases), or_(Task.state == "open", own))
    return tx.scalars(wanted.order_by(Task.id.desc())).all()


def _todo(actor: Actor, rows: Iterable[Task]) -> dict[int, int]:
    """The open task of each case that the person, or somebody for whom he stands in, holds, or that he may take."""
    mine = [row for row in rows if row.state == "open" and _is_his(actor, row) and _may_do(actor, row)]
    return {row.case_id: row.id for row in sorted(mine, key=lambda row: row.holder_id == actor.person_id)}


def _elsewhere(actor: Actor, rows: Iterable[Task]) -> set[int]:
    """Those of the cases that are another party's, where the person's own party has or had tasks of its own."""
    return {row.case_id for row in rows if row.assignee_id is not None and _is_anothers(actor, row)}


def _is_anothers(actor: Actor, task: Task) -> bool:
    return task.assignee_id == actor.organisation_id and task.party_id != actor.organisation_id


def _is_his(actor: Actor, task: Task) -> bool:
    holders = {None, actor.person_id, *actor.principals(task.regulation, task.role)}
    return task.holder_id in holders or task.for_id == actor.person_id


def _may_do(actor: Actor, task: Task) -> bool:
    if task.assignee_id is not None:
        return actor.may_file and actor.organisation_id == task.assignee_id
    return actor.may_file if task.role == PARTY else actor.has(task.regulation, task.role)
