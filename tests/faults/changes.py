"""What these tests change in the portal's processes (tests/builders/launcher.py).

The first two make a worker quicker and leave what it does as it is. The others are mutants: each takes one guard away,
and the test that relies on it must notice.
"""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.cases import filing
from portal.cases.family import Family
from portal.cases.models import Case
from portal.db import locks
from portal.storage import S3Store, s3
from portal.worker import letters, poison, recovery, running


def impatient() -> None:
    """A worker that is silent for a second counts as dead, and what it left behind does not rest for long."""
    running.HEARTBEAT = running.LOOKS_FOR_JOBS = 0.2
    recovery.SILENT_FOR = running.SILENT_FOR = 1.0
    recovery.LOOKS_EVERY = 0.2
    poison.REST = timedelta(seconds=0.2)


def letters_at_once() -> None:
    """A letter is its data: rendering needs a process that is loaded anew after each kill, for a second."""
    letters.render = lambda template, data, url: repr(sorted(data)).encode()


QUICK = f"{__name__}:impatient", f"{__name__}:letters_at_once"


def no_lock() -> None:
    """An act reads its family without locking it."""

    def look(cls, kernel, tx, case_id):
        root = tx.scalar(select(Case.root_id).where(Case.id == case_id))
        tx.expire_all()
        return cls(kernel, tx, root)

    Family.lock = classmethod(look)


def no_once() -> None:
    """A form that is posted again is taken for another one."""
    locks.take = lambda tx, *names: None
    filing.filed = lambda tx, actor, once: None
    filing._job = lambda actor, once: None


def keeps_later() -> None:
    """The object store is believed to have kept a file that it is still to be sent."""
    put = S3Store.put

    def later(self, key, data, size, content_type, name=""):
        content = data if isinstance(data, bytes) else data.read()

        def send():
            time.sleep(0.3)
            put(self, key, content, size, content_type, name)

        threading.Thread(target=send, daemon=True).start()

    S3Store.put = later


def recovers_nothing() -> None:
    """Nobody looks for jobs that were left behind."""

    async def idle(app, tools):
        await asyncio.Event().wait()

    running.keep_recovering = idle


def answers_before_commit() -> None:
    """A signature is committed only some time after it was acknowledged."""
    commit = Session.commit
    mine = "SELECT count(*) FROM case_values WHERE element = 'sign' AND xmin = pg_current_xact_id_if_assigned()::xid"

    def later(tx):
        tx.flush()
        if tx.scalar(text(mine)):
            tx.close = lambda: None
            threading.Timer(10, commit, [tx]).start()
        else:
            commit(tx)

    Session.commit = later


def waits_for_ever() -> None:
    """A store that does not answer is waited for."""
    s3.CONNECT_SECONDS = s3.READ_SECONDS = s3.SIGN_OF_LIFE_SECONDS = 3600
