"""R9: a process whose clock is a day or more wrong, either way, is not ready, and such a worker claims nothing."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from bench import timers
from portal import clock
from portal.db import Database
from tests.worker.test_killed import wait_until

ALTERED = str(Path(__file__).with_name("altered.py"))
OFF = 36 * 60 * 60
WRONG = {"a day and a half ahead": OFF, "a day and a half behind": -OFF}
ROUNDS = 3.0
"""Seconds in which a worker looks for timers several times."""
DUE = 2
OURS = 1
"""The job that waits before any worker is there."""


@contextmanager
def started(database: Database, log: Path, *arguments: str, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """An altered process over a database, ended at last."""
    environment = {
        **os.environ, "DATABASE_URL": database.url, "PORTAL_HOME": str(log.parent), "LETTER_PDF": "0",
        "S3_ENDPOINT": "http://127.0.0.1:1", "S3_ACCESS_KEY": "key", "S3_SECRET_KEY": "secret", **settings,
    }  # fmt: skip
    with log.open("wb") as said:
        process = subprocess.Popen([sys.executable, ALTERED, *arguments], env=environment, stderr=said)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def number(database: Database, query: str) -> int:
    with database.transaction() as tx:
        return tx.scalar(text(query)) or 0


def due_tonight(database: Database) -> None:
    """A case whose timer is due in 1 to 25 hours, at the end of a day, and a job that waits."""
    moment = clock.now() - timedelta(days=3) + timedelta(hours=1)
    timers.waiting(database, timers.settle(database, moment), DUE, moment)
    with database.transaction() as tx:
        timers.kernel().queue.defer(tx, "tasks.free")


def fired(database: Database) -> int:
    return number(database, "SELECT count(*) FROM audit_entries WHERE kind = 'timer.fired'")


def claimed(database: Database) -> dict[str, int]:
    """What workers have done in a database, or say to be."""
    return {
        "timers": fired(database),
        # The worker itself defers some too; those done are deleted.
        "jobs": 1 - number(database, f"SELECT count(*) FROM procrastinate_jobs WHERE id = {OURS} AND status = 'todo'"),
        "workers": number(database, "SELECT count(*) FROM procrastinate_workers"),
    }


def test_a_worker_whose_clock_is_wrong_claims_nothing(fresh_database, tmp_path, proof):
    due_tonight(fresh_database)
    ahead, behind = tmp_path / "ahead.log", tmp_path / "behind.log"
    with (
        started(fresh_database, ahead, f"ahead={OFF}", "worker"),
        started(fresh_database, behind, f"ahead={-OFF}", "worker"),
    ):
        for log in (ahead, behind):
            wait_until(lambda log=log: "the clock differs" in log.read_text(), 60)
        time.sleep(ROUNDS)
        found = claimed(fresh_database)
    proof.says(
        "R9",
        "a worker whose clock is a day and a half ahead or behind is not registered and claims no timer and no job",
        "0 early fires, 0 double",
        **found,
    )
    assert found == {"timers": 0, "jobs": 0, "workers": 0}


@pytest.mark.thorough
def test_unless_nobody_compares_the_clocks(fresh_database, tmp_path, proof):
    due_tonight(fresh_database)
    with started(fresh_database, tmp_path / "log", f"ahead={OFF}", "unchecked", "worker"):
        wait_until(lambda: fired(fresh_database) == DUE and claimed(fresh_database)["jobs"], 60)
        found = claimed(fresh_database)
    proof.catches("R9", "the clocks are not compared", **found)
    assert found["timers"] == DUE


def answered(port: int, path: str) -> dict[str, str]:
    """What a page says in JSON, whatever its status; empty while nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        return json.load(refused) | {"code": refused.code}
    except OSError:
        return {}


@pytest.mark.parametrize("way", WRONG)
@pytest.mark.thorough
def test_pages_whose_clock_is_wrong_are_not_ready(fresh_database, tmp_path, proof, way):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"PORT": str(port), "SECRET_KEY": "for tests alone", "WEB_WORKERS": "1"}
    with started(fresh_database, tmp_path / "log", f"ahead={WRONG[way]}", "web", **settings):
        wait_until(lambda: answered(port, "/healthz") == {"status": "ok"}, 60)
        said = answered(port, "/readyz")
    proof.says("R9", f"pages whose clock is {way} are not ready", "503", status=said["code"], clock=said["clock"])
    assert (said["code"], said["status"], said["clock"], said["database"]) == (503, "not ready", "late", "ok")
