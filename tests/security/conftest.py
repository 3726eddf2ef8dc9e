"""The portal with pages, as the tests of pages have it; and one with everybody in it, for tests that leave no trace."""

from collections.abc import Iterator
from dataclasses import replace
from os import getpid

import pytest
from sqlalchemy import update

from portal import clock
from portal.cases.actions import ACTIONS
from portal.cases.kernel import Kernel
from portal.clock import TZ
from portal.db import Database, moved_clock
from portal.edge.machine import EXTENSION
from portal.identity.models import SignedIn
from portal.jobs import Collected
from portal.procedures import Releases, publish
from portal.settings import Settings
from portal.storage import MemoryStore
from portal.web import Pages, create_app
from portal.web.access import COOKIE
from tests.builders.databases import copied, opened
from tests.builders.everybody import Town, town
from tests.builders.pages import Browser, NoAssets, Portal, settle
from tests.web.conftest import apps, content, first_release, password_hash, portal, releases, settings

__all__ = ["apps", "content", "first_release", "password_hash", "portal", "releases", "settings"]


@pytest.fixture(scope="session")
def _town_database(postgres: str, template: str) -> Iterator[Database]:
    with copied(postgres, f"portal_town_{getpid()}", template) as url:
        yield from opened(url)


@pytest.fixture(scope="session")
def _town(_town_database, content, first_release, password_hash) -> Town:
    now = clock.now()
    with _town_database.transaction() as tx:
        publish(tx, content, now, "test")
        people, unit_id = settle(tx, password_hash)
    releases = Releases()
    releases.put(first_release)
    kernel = Kernel(releases, Collected(), lambda tx: clock.now(moved_clock.offset(tx)), ACTIONS)
    asked = Settings.read({"PORTAL_DEMO": "1", "UPLOAD_MEGABYTES": "1", "API_PER_MINUTE": "100000"})
    machine = Pages(asked, _town_database, MemoryStore(), kernel, NoAssets(), "a secret for tests")
    return town(Portal(create_app(machine), machine, people, unit_id, now.astimezone(TZ)))


@pytest.fixture(scope="session")
def _sessions(_town: Town) -> dict[str, str]:
    """The token of everybody's session: one that a walk gave instead is undone with it."""
    held = {who: browser.raw.get_cookie(COOKIE) for who, browser in _town.browsers.items()}
    return {who: cookie.value for who, cookie in held.items() if cookie is not None}


@pytest.fixture
def made(_town: Town, _sessions: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Town:
    """The town of this run, built once, with new browsers; whoever asks for it leaves it as it was."""
    browsers = {who: Browser(_town.portal.app.test_client()) for who in _town.browsers}
    for who, token in _sessions.items():
        browsers[who].raw.set_cookie(COOKIE, token)
    monkeypatch.setitem(_town.portal.app.extensions, EXTENSION, _town.portal.machine)
    with _town.portal.database.transaction() as tx:
        # Walks are undone, the note of when a session was used too.
        tx.execute(update(SignedIn).values(last_seen=clock.now()))
    return replace(_town, browsers=browsers)
