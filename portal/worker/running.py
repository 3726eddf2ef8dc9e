"""The worker's process: jobs in an event loop, timers in a thread, both ended cleanly within three seconds.

While its clock is wrong it does no job, nor is it registered as a worker, so that it is not taken for one.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading

import psycopg
from procrastinate.exceptions import ConnectorException

from portal.db.database import DatabaseBusy, DatabaseUnreachable
from portal.db.skew import TOLERANCE, skew
from portal.jobs import build_app
from portal.worker.jobs import register
from portal.worker.poison import Watch
from portal.worker.recovery import HEARTBEAT, SILENT_FOR, keep_recovering
from portal.worker.timers import Timers
from portal.worker.tools import Tools

JOBS_AT_ONCE = 2
LOOKS_FOR_JOBS = 1.0
"""Seconds between two looks for jobs that nobody announces: those tried again, and the next of those left behind."""
ENDS_WITHIN = 2.5
"""Seconds that running work is given at the end; what takes longer is done again by the next worker."""
LOOKS_AT_CLOCK = 1.0
"""Seconds between two looks: so long a clock may be wrong while a job is claimed."""
OUTAGES = (ConnectorException, psycopg.OperationalError, DatabaseUnreachable, DatabaseBusy)

log = logging.getLogger(__name__)


def run(tools: Tools) -> None:
    """Works until SIGTERM or SIGINT."""
    asyncio.run(_work(tools))


async def _work(tools: Tools) -> None:
    asked, stop, watch = asyncio.Event(), threading.Event(), Watch()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    ending, stuck = asyncio.create_task(asked.wait()), asyncio.create_task(watch.stuck.wait())
    timers = asyncio.create_task(asyncio.to_thread(Timers(tools, stop).run))
    jobs = asyncio.create_task(_do_jobs(tools, watch))
    log.info("worker started")
    await asyncio.wait({ending, stuck, timers, jobs}, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    _end_in_time(1 if stuck.done() else 0)
    for waiting in (ending, stuck, jobs):
        waiting.cancel()
    for result in await asyncio.gather(timers, jobs, return_exceptions=True):
        # What broke here breaks the process; its supervisor starts another.
        if isinstance(result, Exception):
            raise result
    log.info("worker ended")


def _end_in_time(status: int) -> None:
    """A job in a thread cannot be interrupted, so the process goes without it."""
    last = threading.Timer(ENDS_WITHIN, os._exit, (status,))
    last.daemon = True
    last.start()


async def _do_jobs(tools: Tools, watch: Watch) -> None:
    """Does jobs; when the database goes away, or the clock is wrong, begins anew until all is well again."""
    while True:
        try:
            if await asyncio.to_thread(_clock_is_right, tools):
                await _do_jobs_until_it_breaks(tools, watch)
        except OUTAGES as error:
            log.warning("jobs wait for the database: %s", error)
        await asyncio.sleep(1)


def _clock_is_right(tools: Tools) -> bool:
    with tools.database.transaction() as tx:
        return skew(tx) <= TOLERANCE


async def _until_the_clock_is_wrong(tools: Tools) -> None:
    """Looks in silence: it is the timers that say so."""
    while await asyncio.to_thread(_clock_is_right, tools):
        await asyncio.sleep(LOOKS_AT_CLOCK)


async def _do_jobs_until_it_breaks(tools: Tools, watch: Watch) -> None:
    app = build_app(tools.database.url, tools.heard)
    register(app, tools)
    async with app.open_async():
        recovering = asyncio.create_task(keep_recovering(app, tools))
        looking = asyncio.create_task(_until_the_clock_is_wrong(tools))
        working = asyncio.create_task(
            app.run_worker_async(
                concurrency=JOBS_AT_ONCE,
                delete_jobs="successful",
                install_signal_handlers=False,
                fetch_job_polling_interval=LOOKS_FOR_JOBS,
                update_heartbeat_interval=HEARTBEAT,
                stalled_worker_timeout=SILENT_FOR,
                worker_middleware=[watch],
            )
        )
        try:
            await asyncio.wait({recovering, looking, working}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (recovering, looking, working):
                task.cancel()
            results = await asyncio.gather(recovering, looking, working, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result
