"""How the portal stands, as numbers for whoever watches it: read when they are asked for, nothing that grows counted
to its end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import ColumnElement, Float, ScalarSelect, column, func, literal, or_, select, table
from sqlalchemy.orm import Session

from portal import clock
from portal.cases import delivery, incidents
from portal.cases.models import Case, Incident, Task
from portal.clock import day_of
from portal.db.skew import skew
from portal.edge.acting import moment, reading
from portal.edge.machine import machine
from portal.edge.standing import calendar_in_force
from portal.jobs import state
from portal.storage import StoreUnavailable
from portal.web.health import HEARTBEAT_TOLERANCE

COUNTED = 10_000
"""How far is counted; of more open tasks PostgreSQL's own estimate is told, of the rest that there are so many."""


def of_objects() -> Iterator[GaugeMetricFamily]:
    """Whether the object store answers."""
    try:
        machine().store.check()
    except StoreUnavailable:
        yield _one("objects_up", "1 when the object store answers, else 0", 0)
    else:
        yield _one("objects_up", "1 when the object store answers, else 0", 1)


def of_database() -> Iterator[GaugeMetricFamily]:
    """Everything that the database knows; DatabaseUnreachable, DatabaseBusy."""
    with reading() as tx:
        now = moment(tx)
        yield _one("clock_difference_seconds", "How far this clock is off the database's", _seconds(skew(tx)))
        yield from _counted(tx, now)
        yield from _jobs(tx)
        yield from _workers(tx)
        yield _notices(tx, now)
    yield up(1)


def up(value: int) -> GaugeMetricFamily:
    """Whether the database answers."""
    return _one("database_up", "1 when the database answers, else 0", value)


def _counted(tx: Session, now: datetime) -> Iterator[GaugeMetricFamily]:
    """Tasks, incidents, timers and the size, in one statement."""
    ripe = or_(Case.rests_until.is_(None), Case.rests_until <= now)
    oldest = select(Case.ripe_at).where(Case.ripe_at <= now, ripe).order_by(Case.ripe_at).limit(1)
    of_letters = Incident.again["how"].astext == incidents.LETTER
    tasks, estimate, opened, failed, due, size = tx.execute(
        select(
            _bounded(Task.state == "open"),
            _estimate("ix_tasks_open"),
            _bounded(Incident.closed_at.is_(None)),
            _bounded(Incident.closed_at.is_(None), of_letters),
            oldest.scalar_subquery(),
            func.pg_database_size(func.current_database()),
        )
    ).one()
    many = f"counted up to {COUNTED}"
    yield _one(
        "open_tasks", f"Open tasks, {many}, estimated beyond", max(tasks, estimate or 0) if tasks == COUNTED else tasks
    )
    yield _one("open_incidents", f"Incidents that nobody has dealt with, {many}", opened)
    rendering = state.count_of(tx, delivery.RENDER, COUNTED)
    yield _one("unrendered_letters", f"Letters issued whose file is not made yet or failed, {many}", rendering + failed)
    late = max(timedelta(0), now - due) if due else timedelta(0)
    yield _one("timer_lateness_seconds", "For how long the oldest timer that is due has not fired", _seconds(late))
    yield _one("database_bytes", "Size of the database", size)


def _jobs(tx: Session) -> Iterator[GaugeMetricFamily]:
    counts = GaugeMetricFamily("portal_jobs", f"Jobs by state, counted up to {COUNTED}", labels=["state"])
    for one, number in state.counts(tx, COUNTED).items():
        counts.add_metric([one], number)
    yield counts
    ages = GaugeMetricFamily(
        "portal_oldest_job_seconds", "For how long the oldest job is due, or done", labels=["state"]
    )
    for one, since in state.oldest(tx).items():
        ages.add_metric([one], _seconds(max(timedelta(0), clock.now() - since)) if since else 0)
    yield ages


def _workers(tx: Session) -> Iterator[GaugeMetricFamily]:
    ages = [clock.now() - one.last_heartbeat for one in state.workers(tx)]
    alive = [age for age in ages if age <= HEARTBEAT_TOLERANCE]
    yield _one("workers", "Workers heard of within a minute", len(alive))
    if ages:
        last = _seconds(max(timedelta(0), min(ages)))
        yield _one("worker_heartbeat_age_seconds", "Since when no worker has been heard of", last)


def _notices(tx: Session, now: datetime) -> GaugeMetricFamily:
    known = GaugeMetricFamily(
        "portal_holiday_notice", "1 when the official holiday notice of the year is entered, else 0", labels=["year"]
    )
    year, calendar = day_of(now).year, calendar_in_force(tx)
    for name, one in (("this", year), ("next", year + 1)):
        known.add_metric([name], int(calendar.is_official(one)))
    return known


def _bounded(*conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    """How many rows there are, counted up to COUNTED."""
    found = select(literal(1)).where(*conditions).limit(COUNTED).subquery()
    return select(func.count()).select_from(found).scalar_subquery()


def _estimate(index: str) -> ScalarSelect[float]:
    """How many entries PostgreSQL believes an index to have, as of its last vacuum."""
    classes = table("pg_class", column("oid"), column("reltuples", Float))
    return select(classes.c.reltuples).where(classes.c.oid == func.to_regclass(index)).scalar_subquery()


def _one(name: str, told: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"portal_{name}", told, value=value)


def _seconds(span: timedelta) -> float:
    return span.total_seconds()
