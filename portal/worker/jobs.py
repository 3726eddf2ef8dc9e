"""The jobs by name: what does each, what follows when it failed for good, and when it comes round by itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from procrastinate import App, JobContext
from procrastinate.jobs import Job
from sqlalchemy.orm import Session

from portal import notify
from portal.cases import checking, deferred, delivery, incidents, verdicts
from portal.cases.quarantine import SCAN
from portal.jobs import is_last_attempt, retry
from portal.jobs.procrastinating import ATTEMPTS
from portal.worker import checks, letters, mail, scanning, sweeping
from portal.worker.faults import FAULTS, said
from portal.worker.tools import Tools

DIED = "执行这项工作的进程多次中途退出、超时或出错，详见日志。"
HOUR = 3600.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Work:
    """A job: `run` gets the tools, the job's id, under which its act is done at most once, and its arguments.

    `give_up` gets the transaction and a reason as well, once the last attempt has failed. `every` is a cron line.
    `within` are the seconds after which it hangs, and ends its process.
    """

    run: Callable[..., None]
    give_up: Callable[..., None] | None = None
    every: str | None = None
    within: float = 300.0


def _of_cases(name: str) -> Work:
    """A job that the acts of cases defer: done in one transaction, its moment that of the claim."""

    def run(tools: Tools, job: str, **arguments: Any) -> None:  # noqa: ANN401 - JSON
        with tools.database.transaction() as tx:
            moment = tools.kernel.now(tx)
        tools.database.attempt(lambda tx: deferred.do(tools.kernel, tx, moment, name, arguments, job))

    def give_up(tools: Tools, tx: Session, job: str, reason: str, **arguments: Any) -> None:  # noqa: ANN401 - JSON
        deferred.GIVEN_UP[name](tools.kernel, tx, tools.kernel.now(tx), job, reason, **arguments)

    return Work(run, give_up if name in deferred.GIVEN_UP else None)


JOBS: Mapping[str, Work] = {
    delivery.RENDER: Work(letters.render_letter, letters.give_up),
    delivery.PDF: Work(letters.make_pdf, letters.no_pdf),
    notify.SEND: Work(mail.send_message, mail.give_up_message),
    notify.SEND_CODE: Work(mail.send_code, mail.give_up_code),
    mail.OUTSTANDING: Work(mail.send_outstanding, within=HOUR),
    checking.CHECK: Work(checks.check_history, checks.give_up, within=12 * HOUR),
    SCAN: Work(scanning.scan, scanning.give_up),
    verdicts.SCAN_WAITING: Work(scanning.scan_waiting),
    "tasks.free": Work(sweeping.free_tasks, every="*/5 * * * *", within=HOUR),
    "objects.sweep": Work(sweeping.sweep, every="20 * * * *", within=HOUR),
    **{name: _of_cases(name) for name in deferred.WORK},
}


def register(app: App, tools: Tools) -> None:
    """Has a Procrastinate app do these jobs."""
    for name, work in JOBS.items():
        task = app.task(name=name, pass_context=True, retry=retry())(_task(tools, work))
        if work.every is not None:
            app.periodic(cron=work.every)(task)


def _task(tools: Tools, work: Work) -> Callable[..., None]:
    def run(context: JobContext, timestamp: int | None = None, **arguments: Any) -> None:  # noqa: ANN401 - JSON
        job = context.job
        # One that ends its workers is counted when it is found left behind, and so comes to an end too.
        if job.attempts >= ATTEMPTS:
            give_up(tools, job, DIED)
            return
        try:
            work.run(tools, str(job.id), **arguments)
        except FAULTS as error:
            log.warning("job %s (%s) failed: %s", job.id, job.task_name, error)
            if not is_last_attempt(job):
                raise
            give_up(tools, job, said(error))

    return run


def give_up(tools: Tools, job: Job, reason: str) -> None:
    """Does what follows when a job has failed for good; a second time it does nothing, unless the job was tried again
    meanwhile and has failed anew."""
    work = JOBS.get(job.task_name)

    def act(tx: Session) -> None:
        if work is not None and work.give_up is not None:
            work.give_up(tools, tx, str(job.id), reason, **job.task_kwargs)
        else:
            again = incidents.Again(incidents.JOB, {"name": job.task_name, "arguments": dict(job.task_kwargs)})
            told = again if work is not None else None  # a job that nobody knows cannot be done
            during = f"后台工作 {job.task_name}（{job.id}）"
            incidents.note_unless_open(tx, during, reason, tools.kernel.now(tx), again=told)

    tools.database.attempt(act)
