"""A job exists from its act's commit on, and never without it; a worker finds it."""

from __future__ import annotations

import asyncio
import threading

import psycopg
import pytest
from procrastinate.jobs import Job
from procrastinate.utils import utcnow
from sqlalchemy.orm import Session

from portal.db import Database
from portal.jobs import Collected, Deferred, ProcrastinateQueue, build_app, is_last_attempt, retry, schema


def jobs(database: Database) -> list[tuple[str, dict[str, object]]]:
    with psycopg.connect(database.url) as connection:
        return connection.execute("SELECT task_name, args FROM procrastinate_jobs ORDER BY id").fetchall()


def test_a_commit_leaves_the_job_with_its_arguments(fresh_database):
    with fresh_database.transaction() as tx:
        ProcrastinateQueue().defer(tx, "letters.render", letter=7, title="决定书")
        assert jobs(fresh_database) == []
    assert jobs(fresh_database) == [("letters.render", {"letter": 7, "title": "决定书"})]


def test_a_rollback_leaves_none(fresh_database):
    def act(tx: Session) -> None:
        ProcrastinateQueue().defer(tx, "letters.render", letter=7)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fresh_database.attempt(act)
    assert jobs(fresh_database) == []


def test_an_undone_savepoint_takes_its_job_along(tx):
    with tx.begin_nested() as inner:
        ProcrastinateQueue().defer(tx, "letters.render", letter=7)
        inner.rollback()
    ProcrastinateQueue().defer(tx, "letters.render", letter=8)
    args = tx.connection().exec_driver_sql("SELECT args FROM procrastinate_jobs").scalars().all()
    assert args == [{"letter": 8}]


def test_a_failure_of_the_database_is_the_drivers(fresh_database):
    with psycopg.connect(fresh_database.url) as connection:
        connection.execute("ALTER TABLE procrastinate_jobs ADD CHECK (task_name <> 'forbidden')")

    def act(tx: Session) -> None:
        ProcrastinateQueue().defer(tx, "forbidden")

    with pytest.raises(psycopg.errors.CheckViolation):
        fresh_database.attempt(act)


def test_a_worker_runs_jobs_that_defer_further_jobs(fresh_database):
    app = build_app(fresh_database.url)
    done: list[tuple[str, int]] = []
    queue = ProcrastinateQueue()

    @app.task(name="first", retry=retry())
    def first(number: int) -> None:
        with fresh_database.transaction() as tx:
            queue.defer(tx, "second", number=number + 1)
        done.append(("first", number))

    @app.task(name="second", retry=retry())
    def second(number: int) -> None:
        done.append(("second", number))

    with fresh_database.transaction() as tx:
        queue.defer(tx, "first", number=1)

    async def work() -> None:
        async with app.open_async():
            await app.run_worker_async(wait=False, install_signal_handlers=False)

    # In a thread without an event loop, as the worker has it.
    worker = threading.Thread(target=lambda: asyncio.run(work()))
    worker.start()
    worker.join(30)
    assert done == [("first", 1), ("second", 2)]


def test_a_job_that_fails_is_tried_again_later_and_later():
    pauses = []
    for failures in range(5):
        job = Job(id=1, queue="default", lock=None, queueing_lock=None, task_name="x", attempts=failures)
        decision = retry().get_retry_decision(exception=ZeroDivisionError(), job=job)
        assert (decision is None) == is_last_attempt(job)
        pauses.append(decision and round((decision.retry_at - utcnow()).total_seconds()))
    assert pauses == [5, 25, 125, 625, None]


def test_the_schema_is_applied_once(fresh_database):
    schema(fresh_database.url)
    schema(fresh_database.url)


def test_collected_jobs_are_only_remembered(tx):
    queue = Collected()
    queue.defer(tx, "letters.render", letter=7)
    queue.defer_all(None, "cases.start_item", [{"item_id": 1}, {"item_id": 2}])
    assert queue.jobs == [
        Deferred("letters.render", {"letter": 7}),
        Deferred("cases.start_item", {"item_id": 1}),
        Deferred("cases.start_item", {"item_id": 2}),
    ]
