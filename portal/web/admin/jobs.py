"""What the background service has to do, is doing and could not do, and which of its processes live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import flash, redirect
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import clock
from portal.cases import incidents, mending
from portal.edge.acting import act, reading
from portal.edge.machine import machine
from portal.identity import Permission
from portal.jobs import state
from portal.jobs.state import Job, State, Worker
from portal.web import dates
from portal.web.access import needs, permit
from portal.web.admin.blueprint import blueprint, frame
from portal.web.admin.words import job_text
from portal.web.health import HEARTBEAT_TOLERANCE
from portal.web.official.blueprint import count_text
from portal.web.pages import render

SIZE = 50
JOBS = "/admin/jobs"


@dataclass(frozen=True)
class JobView:
    """A job in words."""

    id: int
    text: str
    name: str
    about: str
    when: str
    note: str


@dataclass(frozen=True)
class Section:
    """The jobs of a state: those shown, how many there are, and whether there are more than are shown."""

    state: State
    title: str
    count: str
    rows: tuple[JobView, ...]
    more: bool


@blueprint.get("/jobs")
@needs(Permission.SYSTEM_READ)
def jobs_page() -> ResponseReturnValue:
    """Failed jobs first, then those that run and those that wait; the workers; what comes round by itself."""
    actor = permit()
    with reading() as tx:
        now, counts = clock.now(), state.counts(tx)
        titles: dict[State, str] = {"failed": _("失败"), "doing": _("正在进行"), "todo": _("等待")}
        workers = state.workers(tx)
        return render(
            "admin/jobs.html",
            sections=[_section(tx, one, title, count_text(counts[one]), now) for one, title in titles.items()],
            workers=[(worker, _lives(worker, now), _ago(worker, now)) for worker in workers],
            alive=any(_lives(worker, now) for worker in workers),
            periodic=[(job_text(one.name), dates.exact(one.last_due)) for one in state.periodic(tx)],
            size=SIZE,
            **frame(tx, actor, JOBS),
        )


@blueprint.post("/jobs/<int:job_id>/retry")
@needs(Permission.JOB_RETRY)
def retry_job(job_id: int) -> ResponseReturnValue:
    """Puts a new job in the place of a failed one, whose act may stand in its own way, and keeps who wanted it."""
    actor = permit()

    def do(tx: Session, now: datetime) -> bool:
        failed = state.withdraw(tx, job_id)
        if failed is None:
            return False
        machine().kernel.queue.defer_all(tx, failed.name, [failed.arguments], failed.priority)
        noted = incidents.note(tx, f"后台工作 {failed.name}（{job_id}）", "没有做成。", now)
        incidents.settle(noted, actor, mending.TRIED_AGAIN, now)
        return True

    if act(do, _("重试后台工作")):
        flash(_("已安排立即重试。"), "success")
    else:
        flash(_("这项工作不在失败之列：可能已经重试或者完成，没有再次安排。"), "warning")
    return redirect(JOBS, 303)


def _section(tx: Session, one: State, title: str, count: str, now: datetime) -> Section:
    found = state.jobs(tx, one, SIZE + 1)
    return Section(one, title, count, tuple(_view(job, now) for job in found[:SIZE]), more=len(found) > SIZE)


def _view(job: Job, now: datetime) -> JobView:
    about = "，".join(f"{name} {value}" for name, value in sorted(job.arguments.items()))
    note = ""
    if job.attempts:
        note = _("已失败 %(n)s 次", n=job.attempts)
        if job.scheduled_at is not None and job.scheduled_at > now and job.state == "todo":
            note = _("已失败 %(n)s 次，%(at)s 再试", n=job.attempts, at=dates.to_the_second(job.scheduled_at))
    when = dates.to_the_second(job.since) if job.since is not None else ""
    return JobView(job.id, job_text(job.name), job.name, about[:200], when, note)


def _lives(worker: Worker, now: datetime) -> bool:
    return now - worker.last_heartbeat <= HEARTBEAT_TOLERANCE


def _ago(worker: Worker, now: datetime) -> str:
    seconds = max(0, int((now - worker.last_heartbeat).total_seconds()))
    return _("%(at)s（%(n)s 秒前）", at=dates.to_the_second(worker.last_heartbeat), n=seconds)
