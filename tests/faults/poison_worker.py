"""A worker with poison jobs beside harmless ones, started again whenever it ends, as an installation would do.

Run as `python tests/faults/poison_worker.py DATABASE_URL [uncounted] [together]`.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from procrastinate.manager import JobManager
from sqlalchemy import text

from portal import clock
from portal.cases.actions import ACTIONS
from portal.cases.kernel import Kernel
from portal.db import Database
from portal.jobs import ProcrastinateQueue, procrastinating
from portal.procedures import Releases
from portal.storage import MemoryStore
from portal.worker import Tools, jobs, poison, recovery, run, running
from portal.worker.jobs import Work

MEMORY = 1 << 30
"""Bytes that the process may have: what a container's limit would be, but told by MemoryError."""
RAN = """
CREATE TABLE ran (name text, which int, what text);
CREATE FUNCTION note_taken() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO ran VALUES (NEW.args->>'how', 0, 'taken'); RETURN NEW; END $$;
CREATE TRIGGER taken AFTER UPDATE OF status ON procrastinate_jobs FOR EACH ROW
    WHEN (NEW.task_name = 'test.harm' AND NEW.status = 'doing') EXECUTE FUNCTION note_taken();
"""
"""What jobs have told, and each time a worker took a poison one: it may end before that has told anything."""
_WHOLE = 256


class Unforeseen(Exception):
    """Nothing that a job is expected to raise."""


def harm(tools: Tools, job: str, how: str) -> None:
    """Does harm, shortly after it has said that it begins."""
    note(tools, how, 0, "begun")
    time.sleep(0.1)
    HARM[how]()


def work(tools: Tools, job: str, which: int, seconds: float) -> None:
    """Does what is asked, and says so."""
    note(tools, "work", which, "begun")
    time.sleep(seconds)
    note(tools, "work", which, "done")


def note(tools: Tools, name: str, which: int, what: str) -> None:
    with tools.database.transaction() as tx:
        tx.execute(text("INSERT INTO ran VALUES (:name, :which, :what)"), {"name": name, "which": which, "what": what})


def raises() -> None:
    raise ValueError("never right")


def raises_what_nobody_foresaw() -> None:
    raise Unforeseen


def hangs() -> None:
    threading.Event().wait()


def crashes() -> None:
    ctypes.string_at(0)


def leaves() -> None:
    os._exit(3)


def eats() -> None:
    eaten = []
    while True:
        eaten.append(bytearray(_WHOLE << 20))


HARM = {
    "raises": raises, "unforeseen": raises_what_nobody_foresaw, "hangs": hangs, "crashes": crashes, "leaves": leaves,
    "eats": eats,
}  # fmt: skip


def uncounted() -> None:
    """A job that was left behind is done again as if it had never been tried."""
    again = JobManager.retry_job

    async def retry_job(self, job, *more, **named):
        await again(self, job, *more, **named)
        count = "UPDATE procrastinate_jobs SET attempts = attempts - 1 WHERE id = %(id)s"
        await self.connector.execute_query_async(query=count, id=job.id)

    JobManager.retry_job = retry_job


def together() -> None:
    """What was left behind is done beside everything else."""
    recovery.SUSPECTS = None


def main(url: str, *broken: str) -> None:
    jobs.JOBS |= {"test.harm": Work(harm, within=1.0), "test.work": Work(work)}
    recovery.LOOKS_EVERY, running.HEARTBEAT = 0.2, 0.1
    recovery.SILENT_FOR = running.SILENT_FOR = 0.6
    procrastinating.PAUSE = 1
    poison.REST *= 0
    running.ENDS_WITHIN = 0.3
    for name in broken:
        {"uncounted": uncounted, "together": together}[name]()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    going = True

    def end(*_: object) -> None:
        nonlocal going
        going = False
        os.kill(child, signal.SIGKILL)

    signal.signal(signal.SIGTERM, end)
    while going:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            kernel = Kernel(Releases(), ProcrastinateQueue(), lambda _tx: clock.now(), ACTIONS)
            run(Tools(Database(url), MemoryStore(), kernel, "http://x"))
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
