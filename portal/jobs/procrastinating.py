"""Jobs in Procrastinate's tables: its schema, its app, and deferring on a SQLAlchemy session's connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import procrastinate
import psycopg
from procrastinate.connector import BaseConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from procrastinate.manager import JobManager
from procrastinate.schema import SchemaManager
from procrastinate.types import JSONValue
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

ATTEMPTS = 5
PAUSE = 5
"""Seconds before the first new attempt; each further pause is five times as long."""


class ProcrastinateQueue:
    """Defers to workers; the job is a row of the caller's own transaction."""

    def __init__(self) -> None:
        # Never opened: it writes on the caller's connection. A worker's own app, asynchronous, could not.
        self._app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())

    def defer(self, tx: Session, name: str, **arguments: object) -> None:
        """Write the job on the connection of `tx`; a failure is the driver's own error."""
        self.defer_all(tx, name, [arguments])

    def defer_all(self, tx: Session, name: str, each: Sequence[Mapping[str, object]], priority: int = 0) -> None:
        """Write the jobs in one statement on the connection of `tx`; a failure is the driver's own error."""
        connection = tx.connection().connection.driver_connection
        job = self._app.configure_task(name, connection=connection, priority=priority)
        try:
            job.batch_defer(*(cast(dict[str, JSONValue], arguments) for arguments in each))
        except ConnectorException as error:
            raise (error.__cause__ or error) from None


class _Heard(JobManager):
    """Tells of each heartbeat that the database has taken."""

    def __init__(self, connector: BaseConnector, heard: Callable[[], None]) -> None:
        super().__init__(connector)
        self._heard = heard

    async def update_heartbeat(self, worker_id: int) -> None:
        """Writes it, then tells of it."""
        await super().update_heartbeat(worker_id)
        self._heard()


def build_app(url: str, heard: Callable[[], None] | None = None) -> procrastinate.App:
    """An app on this database, for the worker to register its tasks with and to open; `heard` is called after each
    heartbeat of its own."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url))
    if heard is not None:
        app.job_manager = _Heard(app.connector, heard)
    return app


class _Retry(procrastinate.RetryStrategy):
    """Lets a job that failed pause without holding up others."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> procrastinate.RetryDecision | None:
        """When it is tried again. A lock that it shares with others is left: those behind it would wait as long."""
        decision = super().get_retry_decision(exception=exception, job=job)
        if decision is not None and job.lock is not None:
            decision.lock = f"{job.task_name} {job.id}"
        return decision


def retry() -> procrastinate.RetryStrategy:
    """Five attempts in all, after pauses of 5, 25, 125 and 625 seconds."""
    # Procrastinate counts the attempts after the first.
    return _Retry(max_attempts=ATTEMPTS - 1, exponential_wait=PAUSE)


def is_last_attempt(job: Job) -> bool:
    """Whether a failure of this running job is final; the worker then writes an incident."""
    return job.attempts >= ATTEMPTS - 1


def last_heartbeat(tx: Session) -> datetime | None:
    """When a worker last said that it lives (real time); None when none is registered."""
    seen: datetime | None = tx.execute(text("SELECT max(last_heartbeat) FROM procrastinate_workers")).scalar_one()
    return seen


def schema(url: str) -> None:
    """Create Procrastinate's tables unless they are there."""
    with psycopg.connect(url) as connection:
        _create(connection)


def make_tables(connection: Connection) -> None:
    """The same within a transaction that is under way."""
    _create(cast("psycopg.Connection[Any]", connection.connection.driver_connection))


def _create(connection: psycopg.Connection[Any]) -> None:
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('procrastinate schema'))")
    found = connection.execute("SELECT to_regclass('procrastinate_jobs')").fetchone()
    if found == (None,):
        connection.execute(SchemaManager.get_schema())
