"""A portal with its API over a database of its own; its people are those of the pages' tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from portal import clock
from portal.api import create_app
from portal.cases.actions import ACTIONS
from portal.cases.kernel import Kernel
from portal.clock import TZ
from portal.db import Database, moved_clock
from portal.edge.machine import EXTENSION
from portal.jobs import Collected
from portal.procedures import Releases, publish
from portal.procedures.content import Content
from portal.settings import Settings
from portal.storage import MemoryStore
from portal.web import Pages
from tests.builders.pages import NoAssets, Portal, settle
from tests.builders.programs import Program, program
from tests.web.conftest import apps, content, first_release, password_hash, releases

__all__ = ["apps", "content", "first_release", "password_hash", "releases"]

SETTINGS = Settings.read({"PORTAL_DEMO": "1", "UPLOAD_MEGABYTES": "1", "API_PER_MINUTE": "100000"})


@pytest.fixture
def settings() -> Settings:
    return SETTINGS


@pytest.fixture
def portal(
    own_database: Database,
    content: Content,
    releases: Releases,
    settings: Settings,
    password_hash: str,
    apps: dict[Settings, Flask],
) -> Portal:
    """The API with its people."""
    now = clock.now()
    with own_database.transaction() as tx:
        publish(tx, content, now, "test")
        people, unit_id = settle(tx, password_hash)
    kernel = Kernel(releases, Collected(), lambda tx: clock.now(moved_clock.offset(tx)), ACTIONS)
    machine = Pages(settings, own_database, MemoryStore(), kernel, NoAssets(), "a secret for tests")
    if settings not in apps:
        apps[settings] = create_app(machine)
    app = apps[settings]
    app.extensions[EXTENSION] = machine
    return Portal(app, machine, people, unit_id, now.astimezone(TZ))


@pytest.fixture
def of(portal: Portal) -> Callable[..., Program]:
    """A program of a person, with the scopes that are named or all."""
    return lambda login, *scopes: program(portal, login, scopes) if scopes else program(portal, login)


@pytest.fixture
def slow(settings: Settings) -> Settings:
    """Settings by which a token may ask three times a minute."""
    return replace(settings, api_per_minute=3)
