"""The worker's process: it ends cleanly and soon, sees to jobs that were left behind, and answers new ones at once."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

from sqlalchemy import text

from portal.jobs import build_app, last_heartbeat
from portal.jobs.procrastinating import ATTEMPTS
from portal.worker.jobs import register
from portal.worker.poison import SUSPECTS
from portal.worker.recovery import UNKNOWN, recover
from tests.worker.conftest import incidents, jobs
from tests.worker.test_killed import wait_until


def looked_once(database, tools) -> None:
    """Recovery, as the worker does it every few seconds."""

    async def look() -> None:
        app = build_app(database.url)
        register(app, tools)
        async with app.open_async():
            await recover(app, tools)

    asyncio.run(look())


def left_behind(database, name: str, state: str) -> None:
    with database.transaction() as tx:
        tx.execute(
            text("INSERT INTO procrastinate_jobs (queue_name, task_name, status) VALUES ('default', :name, :state)"),
            {"name": name, "state": state},
        )


def test_a_dead_workers_job_counts_as_an_attempt_and_is_done_again(own_database, tools):
    left_behind(own_database, "objects.sweep", "doing")
    left_behind(own_database, "objects.sweep", "failed")
    looked_once(own_database, tools)
    assert jobs(own_database) == [("objects.sweep", "todo", 1)] * 2


def test_what_was_left_behind_is_set_apart_and_rests_from_its_second_time_on(own_database, tools):
    left_behind(own_database, "objects.sweep", "doing")
    for attempts in range(1, ATTEMPTS + 1):
        looked_once(own_database, tools)
        with own_database.transaction() as tx:
            [job] = tx.execute(text("SELECT status::text, attempts, lock, priority FROM procrastinate_jobs"))
            rests = tx.scalar(text("SELECT scheduled_at > now() + interval '50 s' FROM procrastinate_jobs"))
            tx.execute(text("UPDATE procrastinate_jobs SET status = 'doing'"))
        assert tuple(job) == ("todo", attempts, SUSPECTS, -attempts)
        assert rests is (1 < attempts < ATTEMPTS)


def test_a_worker_that_was_silent_for_long_is_heard_again(own_database, tools):
    registered = "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id"
    with own_database.transaction() as tx:
        worker = tx.execute(text(registered)).scalar_one()
        silent_since = last_heartbeat(tx)
    looked_once(own_database, tools)
    with own_database.transaction() as tx:
        tx.execute(text("SELECT procrastinate_update_heartbeat_v1(:worker)"), {"worker": worker})
        assert last_heartbeat(tx) > silent_since


def test_an_unknown_job_is_told_once(own_database, tools):
    left_behind(own_database, "nobody.knows", "failed")
    looked_once(own_database, tools)
    looked_once(own_database, tools)
    [incident] = incidents(own_database)
    assert incident.what == UNKNOWN.format(name="nobody.knows")


def test_it_ends_when_it_is_asked_to(own_database, tmp_path):
    environment = {
        **os.environ,
        "DATABASE_URL": own_database.url,
        "S3_ENDPOINT": "http://127.0.0.1:1",
        "S3_ACCESS_KEY": "key",
        "S3_SECRET_KEY": "secret",
        "PORTAL_HOME": str(tmp_path),
    }
    worker = subprocess.Popen(
        [sys.executable, "-m", "portal", "worker"], env=environment, stderr=subprocess.PIPE, text=True
    )
    wait_until(lambda: alive(own_database), 20)
    worker.send_signal(signal.SIGTERM)
    _, said = worker.communicate(timeout=10)
    assert worker.returncode == 0
    assert "Traceback" not in said
    assert not alive(own_database)


def alive(database) -> bool:
    with database.transaction() as tx:
        return bool(tx.scalar(text("SELECT count(*) FROM procrastinate_workers")))
