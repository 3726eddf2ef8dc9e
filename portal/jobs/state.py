"""What Procrastinate's tables say of jobs and workers; and taking a failed job off the list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

State = Literal["todo", "doing", "failed"]
COUNTED = 100
"""How far jobs are counted: what a page shows as 99+."""


@dataclass(frozen=True)
class Job:
    """A job that is not done; real time.

    `attempts` have failed; one that waits to be tried again is due at `scheduled_at`. `since`: deferred, or for one
    that runs, begun.
    """

    id: int
    name: str
    arguments: Mapping[str, Any]
    state: State
    attempts: int
    scheduled_at: datetime | None
    since: datetime | None


@dataclass(frozen=True)
class Failed:
    """What a failed job was to do."""

    name: str
    arguments: Mapping[str, Any]
    priority: int


@dataclass(frozen=True)
class Worker:
    """A worker's process: when it last said that it lives, and how many jobs it is doing."""

    id: int
    last_heartbeat: datetime
    doing: int


@dataclass(frozen=True)
class Periodic:
    """A job that comes round by itself, and when it was last due."""

    name: str
    last_due: datetime


def counts(tx: Session, most: int = COUNTED) -> dict[State, int]:
    """How many jobs wait, run and failed, each counted up to so many."""
    counted = text(
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM procrastinate_jobs WHERE status = 'todo' LIMIT :most) a),"
        " (SELECT count(*) FROM (SELECT 1 FROM procrastinate_jobs WHERE status = 'doing' LIMIT :most) b),"
        " (SELECT count(*) FROM (SELECT 1 FROM procrastinate_jobs WHERE status = 'failed' LIMIT :most) c)"
    )
    todo, doing, failed = tx.execute(counted, {"most": most}).one()
    return {"todo": todo, "doing": doing, "failed": failed}


def count_of(tx: Session, name: str, most: int) -> int:
    """How many jobs of a name are not done, counted up to so many."""
    counted = text("SELECT count(*) FROM (SELECT 1 FROM procrastinate_jobs WHERE task_name = :name LIMIT :most) a")
    return int(tx.execute(counted, {"name": name, "most": most}).scalar_one())


def oldest(tx: Session) -> dict[State, datetime | None]:
    """Since when the oldest job that could be done waits, and the oldest that is being done runs; real time."""
    found = text(
        "SELECT (SELECT coalesce(j.scheduled_at, (SELECT max(e.at) FROM procrastinate_events e WHERE e.job_id = j.id))"
        " FROM procrastinate_jobs j WHERE j.status = 'todo' AND (j.scheduled_at IS NULL OR j.scheduled_at <= now())"
        " ORDER BY j.id LIMIT 1),"
        " (SELECT min(e.at) FROM procrastinate_jobs j, LATERAL (SELECT max(at) AS at FROM procrastinate_events"
        " WHERE job_id = j.id AND type = 'started') e WHERE j.status = 'doing')"
    )
    todo, doing = tx.execute(found).one()
    return {"todo": todo, "doing": doing}


def jobs(tx: Session, state: State, limit: int) -> list[Job]:
    """The jobs of a state, the longest known first."""
    begun = "started" if state == "doing" else "deferred"
    found = text(
        "SELECT j.id, j.task_name, j.args, j.status::text, j.attempts, j.scheduled_at,"
        " (SELECT max(e.at) FROM procrastinate_events e WHERE e.job_id = j.id AND e.type::text = :begun)"
        " FROM procrastinate_jobs j WHERE j.status = CAST(:state AS procrastinate_job_status)"
        " ORDER BY j.id LIMIT :most"
    )
    return [Job(*row) for row in tx.execute(found, {"state": state, "begun": begun, "most": limit})]


def workers(tx: Session) -> list[Worker]:
    """The workers that are registered, the one heard of last first."""
    found = text(
        "SELECT w.id, w.last_heartbeat,"
        " (SELECT count(*) FROM procrastinate_jobs j WHERE j.worker_id = w.id AND j.status = 'doing')"
        " FROM procrastinate_workers w ORDER BY w.last_heartbeat DESC, w.id LIMIT :most"
    )
    return [Worker(*row) for row in tx.execute(found, {"most": COUNTED})]


def periodic(tx: Session) -> list[Periodic]:
    """The jobs that have come round by themselves, by name."""
    found = text(
        "SELECT task_name, max(defer_timestamp) FROM procrastinate_periodic_defers"
        " GROUP BY task_name ORDER BY task_name"
    )
    return [Periodic(name, datetime.fromtimestamp(due, UTC)) for name, due in tx.execute(found)]


def withdraw(tx: Session, job_id: int) -> Failed | None:
    """Takes a failed job off the list, to be deferred anew; None when it is not failed (any more)."""
    wanted = text(
        "DELETE FROM procrastinate_jobs WHERE id = :id AND status = 'failed' RETURNING task_name, args, priority"
    )
    row = tx.execute(wanted, {"id": job_id}).one_or_none()
    return Failed(*row) if row is not None else None
