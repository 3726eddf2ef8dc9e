"""A bureau in a database of its own, and the tools of a worker over it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text

from portal.cases.models import ActRecord, Incident
from portal.db import Database
from portal.documents.models import Letter
from portal.storage import MemoryStore
from portal.worker import Tools
from tests.builders.world import Bureau


@pytest.fixture
def own_database(fresh_database: Database) -> Database:
    """A new one each time: workers that are killed leave connections open."""
    return fresh_database


@pytest.fixture
def bureau(own_database: Database) -> Bureau:
    """People and content; nobody but the worker under test renders letters."""
    world = Bureau.over(own_database)
    world.renders = False
    return world


@pytest.fixture
def tools(own_database: Database, bureau: Bureau) -> Tools:
    return Tools(own_database, MemoryStore(), bureau.kernel, "https://portal.example")


def letters(database: Database) -> list[Letter]:
    """All letters, with their services."""
    with database.transaction() as tx:
        found = list(tx.scalars(select(Letter).order_by(Letter.id)))
        return [letter for letter in found if letter.services is not None]


def incidents(database: Database) -> list[Incident]:
    with database.transaction() as tx:
        return list(tx.scalars(select(Incident).order_by(Incident.id)))


def rendering_acts(database: Database) -> list[str | None]:
    """The jobs of all acts that opened a letter or noted its failure."""
    with database.transaction() as tx:
        return list(tx.scalars(select(ActRecord.job).where(ActRecord.kind == "render").order_by(ActRecord.id)))


def jobs(database: Database) -> list[tuple[str, str, int]]:
    """Name, state and attempts of all jobs."""
    with database.transaction() as tx:
        rows = tx.execute(text("SELECT task_name, status::text, attempts FROM procrastinate_jobs ORDER BY id"))
        return [tuple(row) for row in rows]


def moments_from(start: datetime) -> Callable[[object], datetime]:
    """A clock that runs from a moment on."""
    began = time.monotonic()
    return lambda _tx: start + timedelta(seconds=time.monotonic() - began)
