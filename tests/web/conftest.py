"""A portal with pages over a database of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from portal import clock
from portal.cases.actions import ACTIONS
from portal.cases.kernel import Kernel
from portal.clock import TZ
from portal.db import Database, moved_clock
from portal.edge.machine import EXTENSION
from portal.jobs import Collected
from portal.procedures import Published, Releases, publish
from portal.procedures.content import Content, from_folder
from portal.procedures.releases import open_content
from portal.settings import Settings
from portal.storage import MemoryStore
from portal.web import Pages, create_app
from tests.builders.pages import ETS, NoAssets, Portal, hashed, settle


@pytest.fixture(scope="session")
def content() -> Content:
    """The content of the first regulation."""
    return from_folder(Path(__file__).parents[2], ETS)


@pytest.fixture(scope="session")
def first_release(content: Content) -> Published:
    """The content as every database of this run holds it, under the same id; opened once."""
    return open_content(1, content)


@pytest.fixture
def releases(first_release: Published) -> Releases:
    """Those of one portal: what a test publishes besides has an id that others use for something else."""
    opened = Releases()
    opened.put(first_release)
    return opened


@pytest.fixture
def settings() -> Settings:
    """A demo's settings."""
    return Settings.read({"PORTAL_DEMO": "1", "UPLOAD_MEGABYTES": "1"})


@pytest.fixture(scope="session")
def password_hash() -> str:
    """The hash of everybody's password."""
    return hashed()


@pytest.fixture(scope="session")
def apps() -> dict[Settings, Flask]:
    """The applications of this run, whose routes and templates are read once."""
    return {}


@pytest.fixture
def portal(
    own_database: Database,
    content: Content,
    releases: Releases,
    settings: Settings,
    password_hash: str,
    apps: dict[Settings, Flask],
) -> Portal:
    """The portal with its people."""
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
