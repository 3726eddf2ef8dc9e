"""The worker's process: jobs in an event loop, timers in a thread, both ended cleanly within three seconds."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading

import psycopg
from procrastinate.exceptions import ConnectorException

from portal.db.database import DatabaseBusy, DatabaseUnreachable
from portal.jobs import build_app
from portal.worker.jobs import register
from portal.worker.recovery import HEARTBEAT, SILENT_FOR, keep_recovering
from portal.worker.timers import Timers
from portal.worker.tools import Tools

JOBS_AT_ONCE = 2
ENDS_WITHIN = 2.5
"""Seconds that running work is given at the end; what takes longer is done again by the next worker."""
OUTAGES = (ConnectorException, psycopg.OperationalError, DatabaseUnreachable, DatabaseBusy)

log = logging.getLogger(__name__)


def run(tools: Tools) -> None:
    """Works until SIGTERM or SIGINT."""
    asyncio.run(_work(tools))


async def _work(tools: Tools) -> None:
    asked, stop = asyncio.Event(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    ending = asyncio.create_task(asked.wait())
    timers = asyncio.create_task(asyncio.to_thread(Timers(tools, stop).run))
    jobs = asyncio.create_task(_do_jobs(tools))
    log.info("worker started")
    await asyncio.wait({ending, timers, jobs}, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    _end_in_time()
    ending.cancel()
    jobs.cancel()
    for result in await asyncio.gather(timers, jobs, return_exceptions=True):
        # What broke here breaks the process; its supervisor starts another.
        if isinstance(result, Exception):
            raise result
    log.info("worker ended")


def _end_in_time() -> None:
    """A job in a thread cannot be interrupted, so the process goes without it."""
    watch = threading.Timer(ENDS_WITHIN, os._exit, (0,))
    watch.daemon = True
    watch.start()


async def _do_jobs(tools: Tools) -> None:
    """Does jobs; when the database goes away, begins anew until it is back."""
    while True:
        try:
            await _do_jobs_until_it_breaks(tools)
        except OUTAGES as error:
            log.warning("jobs wait for the database: %s", error)
        await asyncio.sleep(1)


async def _do_jobs_until_it_breaks(tools: Tools) -> None:
    app = build_app(tools.database.url)
    register(app, tools)
    async with app.open_async():
        recovering = asyncio.create_task(keep_recovering(app, tools))
        working = asyncio.create_task(
            app.run_worker_async(
                concurrency=JOBS_AT_ONCE,
                delete_jobs="successful",
                install_signal_handlers=False,
                update_heartbeat_interval=HEARTBEAT,
                stalled_worker_timeout=SILENT_FOR,
            )
        )
        try:
            await asyncio.wait({recovering, working}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            recovering.cancel()
            working.cancel()
            results = await asyncio.gather(recovering, working, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result
