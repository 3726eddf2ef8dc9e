"""Poison jobs, which end their worker or never end themselves: what they do to the jobs beside them is bounded.

A thread cannot be interrupted, so a job that goes on too long ends its process, as one does that kills it. Either
way it is left behind, counts as attempted, and is given to the next worker until its attempts are used up. From its
first time on it is a suspect: of those one at a time is done, the least often left behind first, so that a job which
merely ran beside a poison one is soon done and not given up with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from procrastinate import JobContext
from procrastinate.jobs import Job
from procrastinate.worker import Worker

from portal import clock
from portal.jobs.procrastinating import ATTEMPTS
from portal.worker.jobs import JOBS, Work

SUSPECTS = "left behind"
"""The lock that suspects share: Procrastinate does one job of a lock at a time, by priority."""
REST = timedelta(minutes=1)
"""How long one rests that was left behind before: `portal run` gives up a worker that keeps ending soon after its
start."""

log = logging.getLogger(__name__)


def next_try(job: Job) -> datetime | None:
    """When a job is done again that was left behind once more; None: at once, as the last time, which gives it up."""
    return clock.now() + REST if 0 < job.attempts < ATTEMPTS - 1 else None


def less_urgent(job: Job) -> int:
    """The priority of a job that was left behind once more."""
    return job.priority - 1


class Watch:
    """Stands beside the jobs of one process: sets `stuck` when one has gone on for longer than it may."""

    def __init__(self) -> None:
        self.stuck = asyncio.Event()

    async def __call__(self, process: Callable[[], Awaitable[Any]], context: JobContext, worker: Worker) -> Any:  # noqa: ANN401 - what a job returns
        """Lets one job be done, as Procrastinate's middleware."""
        job = context.job
        late = asyncio.get_running_loop().call_later(_within(job), self._too_long, job)
        try:
            return await process()
        finally:
            late.cancel()

    def _too_long(self, job: Job) -> None:
        log.error("job %s (%s) has not ended within %.0f s; the process ends", job.id, job.task_name, _within(job))
        self.stuck.set()


def _within(job: Job) -> float:
    return JOBS[job.task_name].within if job.task_name in JOBS else Work.within
