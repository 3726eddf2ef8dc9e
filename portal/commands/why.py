"""`portal why CASE`: what a case waits for, until when and by which article, and what in the machine stands in its way.

It says nothing of what the case is about and names nobody: who operates the portal may not read cases.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import app
from portal.cases.models import Case, Incident, KeptMessage, StartItem, Subscription, Task
from portal.clock import TZ
from portal.commands.servers import database_of, serving
from portal.deadlines import service as deadlines
from portal.documents import service as documents
from portal.errors import PortalError
from portal.jobs import state
from portal.settings import Settings

JOBS = 1000
"""So many jobs of each state are looked through."""


class NoSuchCase(PortalError):
    """No case has this number or id."""

    zh = "没有案号或编号为“{asked}”的案件；案号要写全，括号也照原样，例如 渝环配分〔2026〕1号。"
    en = "No case has the number or id {asked}; a number is written as it stands on the case, brackets too."


@dataclass(frozen=True)
class Reason:
    """One thing that the case waits for, or that keeps it: `until` and `basis` are empty where there is none."""

    kind: str
    what: str
    since: str = ""
    until: str = ""
    basis: str = ""
    see: str = ""
    """The page on which somebody sees to it."""


def why_command(settings: Settings, asked: str, *, as_json: bool) -> None:
    """Says it of a case, by its number or its id; NoSuchCase."""
    with serving(settings, objects=False) as served, database_of(served) as database, database.transaction() as tx:
        case = find(tx, asked)
        now = app.kernel(served).now(tx)
        found = list(reasons(tx, case, now))
        says = {
            "id": case.id, "number": case.number, "procedure": case.procedure, "status": case.status,
            "outcome": case.outcome, "ended": _at(case.ended_at),
        }  # fmt: skip
    if as_json:
        print(json.dumps({**says, "reasons": [asdict(one) for one in found]}, ensure_ascii=False))
        return
    print(f"{case.number} (id {case.id}, {case.procedure}): {case.outcome or case.status or 'under way'}")
    if case.ended_at is not None:
        print(f"  it has ended: {_at(case.ended_at)}")
    for one in found:
        print(_line(one))


def find(tx: Session, asked: str) -> Case:
    """The case with this number or id; NoSuchCase."""
    by_id = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 19 else None
    wanted = Case.number == asked if by_id is None else Case.id == by_id
    case = tx.scalar(select(Case).where(wanted))
    if case is None:
        raise NoSuchCase(asked=asked)
    return case


def reasons(tx: Session, case: Case, now: datetime) -> Iterator[Reason]:
    """What it waits for, what has failed, then what it lives by."""
    found = [
        *_faults(tx, case),
        *_work(tx, case),
        *_tasks(tx, case),
        *_messages(tx, case),
        *_timers(case, now),
        *_started(tx, case),
        *_clocks(tx, case),
    ]
    if not found and case.ended_at is None:
        found = [
            Reason("nothing", "nothing is known that it waits for: run portal audit verify", see="/admin/incidents")
        ]
    yield from found


def _faults(tx: Session, case: Case) -> Iterator[Reason]:
    rows = tx.scalars(
        select(Incident)
        .join(Case, Case.id == Incident.case_id)
        .where(Case.root_id == case.root_id, Incident.closed_at.is_(None))
        .order_by(Incident.id)
    )
    for row in rows:
        said = "" if row.case_id == case.id else f" (in case {row.case_id} of its family)"
        yield Reason("incident", f"{row.during}{said}: {row.what}", _at(row.at), see=f"/admin/incidents/{row.id}")


def _work(tx: Session, case: Case) -> Iterator[Reason]:
    """Letters without a file or not served, and the jobs that have to do with the case."""
    letters = {letter.id: letter for letter in documents.letters_of(tx, case.id)}
    for letter in letters.values():
        if letter.state != "ready":
            said = f"letter {letter.number}: its file is {'being made' if letter.state == 'rendering' else 'not made'}"
            yield Reason("letter", said, _at(letter.issued_at), see="/admin/jobs")
        elif any(one.state == "open" for one in letter.services):
            said = f"letter {letter.number}: its file is there, and it is not served yet"
            yield Reason("letter", said, _at(letter.rendered_at), see="/receipts")
    for one in ("failed", "doing", "todo"):
        for job in state.jobs(tx, one, JOBS):
            about = job.arguments.get("case_id") in (case.id, case.root_id) or job.arguments.get("letter_id") in letters
            if about:
                again = f", tried {job.attempts} times" if job.attempts else ""
                words = {"failed": "failed", "doing": "being done", "todo": "waiting"}[one]
                said = f"job {job.id} ({job.name}): {words}{again}"
                yield Reason("job", said, _at(job.since), _at(job.scheduled_at), see="/admin/jobs")


def _tasks(tx: Session, case: Case) -> Iterator[Reason]:
    rows = tx.scalars(select(Task).where(Task.case_id == case.id, Task.state == "open").order_by(Task.id))
    live = deadlines.live_of(tx, case.id)
    for task in rows:
        by = deadlines.of_task(live, task.deadline, task.scope)
        held = f"claimed {_at(task.held_at)}" if task.held_at else "claimed by nobody"
        basis = (by.basis or by.assumed or "") if by else ""
        said = f"task “{task.name}” of the role {task.role}, {held}"
        yield Reason("task", said, _at(task.opened_at), _end(task.due), basis, "/inbox")


def _messages(tx: Session, case: Case) -> Iterator[Reason]:
    waiting = tx.scalars(select(Subscription).where(Subscription.case_id == case.id).order_by(Subscription.message))
    for name, role in dict.fromkeys((one.message, one.role) for one in waiting):
        yield Reason("message", f"message “{name}” may come{f' from the role {role}' if role else ''}")
    kept = select(KeptMessage).where(KeptMessage.case_id == case.id, KeptMessage.delivered_at.is_(None))
    for message in tx.scalars(kept.order_by(KeptMessage.id)):
        yield Reason("kept", f"message “{message.name}” has come and waits until the case does", _at(message.sent_at))


def _timers(case: Case, now: datetime) -> Iterator[Reason]:
    if case.ripe_at is None:
        return
    if case.rests_until is not None and case.rests_until > now:
        said = "its timers failed, and are tried again then"
        yield Reason("timer", said, _at(case.ripe_at), _at(case.rests_until), see="/admin/incidents")
    elif case.ripe_at <= now:
        said = "a timer is due and has not fired: is a worker running?"
        yield Reason("timer", said, _at(case.ripe_at), see="/admin/jobs")
    else:
        yield Reason("timer", "the next timer fires then", until=_at(case.ripe_at))


def _started(tx: Session, case: Case) -> Iterator[Reason]:
    """Cases that it has started and waits for, and rows for which none could be started."""
    rows: Sequence[StartItem] = tx.scalars(
        select(StartItem).where(StartItem.starter_id == case.id, StartItem.state.not_in(("ended", "dropped")))
    ).all()
    for one in ("failed", "waiting", "started"):
        such = [row for row in rows if row.state == one]
        words = {
            "failed": f"cases that could not be started: {len(such)}",
            "waiting": f"cases that jobs are to start: {len(such)}",
            "started": f"cases that it has started and that have not ended: {len(such)}{_first(such)}",
        }
        if such:
            yield Reason("started", words[one], see=f"/cases/{case.id}/items")


def _first(rows: Sequence[StartItem]) -> str:
    """Which case to ask about next."""
    ids = [row.case_id for row in rows if row.case_id is not None]
    return f", the first of them id {min(ids)}" if ids else ""


def _clocks(tx: Session, case: Case) -> Iterator[Reason]:
    for one in deadlines.live_of(tx, case.id):
        stands = f", stands for {', '.join(one.paused_by)}" if one.state == "paused" else ""
        sure = ", provisional: the holiday notice of a year is missing" if one.provisional else ""
        said = f"deadline “{one.title}” ({one.kind}, {one.period}{stands}{sure})"
        yield Reason("deadline", said, one.event_day.isoformat(), _end(one.ends), one.basis or one.assumed or "")


def _at(moment: datetime | None) -> str:
    return moment.astimezone(TZ).strftime("%Y-%m-%d %H:%M:%S") if moment else ""


def _end(moment: datetime | None) -> str:
    """The end of something; 0:00 as 24:00 of the day before, lest the day that it names be taken for the last."""
    if moment is None or moment.astimezone(TZ).time() != time():
        return _at(moment)
    return f"{moment.astimezone(TZ).date() - timedelta(days=1)} 24:00:00"


def _line(one: Reason) -> str:
    parts = [("since", one.since), ("until", one.until), ("by", one.basis), ("see", one.see)]
    return f"  {one.what}" + "".join(f"; {name} {said}" for name, said in parts if said)
