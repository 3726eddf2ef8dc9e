"""Jobs whose worker died, or that broke in a way nobody foresaw: they are given to the next worker."""

from __future__ import annotations

import asyncio
import logging

from procrastinate import App
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status

from portal.worker.jobs import JOBS, give_up
from portal.worker.poison import SUSPECTS, less_urgent, next_try
from portal.worker.tools import Tools

HEARTBEAT = 5.0
SILENT_FOR = 15.0
"""Seconds after which a worker without heartbeat counts as dead."""
LOOKS_EVERY = 10.0
UNKNOWN = "没有名为“{name}”的后台工作。"

log = logging.getLogger(__name__)


async def keep_recovering(app: App, tools: Tools) -> None:
    """Looks for left-behind jobs until it is cancelled; another worker may be doing the same."""
    while True:
        await recover(app, tools)
        await asyncio.sleep(LOOKS_EVERY)


async def recover(app: App, tools: Tools) -> None:
    """Looks once: what nobody does any more is to be done again, as one more attempt.

    Silent workers stay registered until the next one starts: this very process may have been stopped for a while, and
    Procrastinate registers nobody anew, so that it would live and work on without being heard of.
    """
    stalled = await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=SILENT_FOR)
    failed = await app.job_manager.list_jobs_async(status=Status.FAILED.value)
    for job in (*stalled, *failed):
        if job.task_name in JOBS:
            await _again(app, job, suspect=job.status == Status.DOING.value)
        else:
            await asyncio.to_thread(give_up, tools, job, UNKNOWN.format(name=job.task_name))


async def _again(app: App, job: Job, *, suspect: bool) -> None:
    log.warning("job %s (%s) was left behind; it is done again", job.id, job.task_name)
    try:
        if suspect:
            await app.job_manager.retry_job(job, next_try(job), less_urgent(job), lock=SUSPECTS)
        else:
            await app.job_manager.retry_job(job)
    except ConnectorException as error:
        log.warning("job %s is taken care of already (%s)", job.id, error)
