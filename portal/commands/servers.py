"""The servers behind a command: those that the settings name, else the embedded ones of the portal's home."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

from portal.db import Database
from portal.db.embedded import EmbeddedPostgres
from portal.db.servers import write_secret
from portal.settings import Settings
from portal.storage.embedded import EmbeddedStore

RUNNING = "running.json"
"""What a running portal says of itself in its home."""
CONNECTIONS = {"max_connections": "120"}


@dataclass(frozen=True)
class Embedded:
    """The servers of the portal's home; None for each that the settings name elsewhere, or that is not needed."""

    postgres: EmbeddedPostgres | None
    store: EmbeddedStore | None

    @classmethod
    def of(cls, settings: Settings, *, objects: bool = True) -> Embedded:
        """Those that the settings leave to us; without `objects` no object store."""
        return cls(
            EmbeddedPostgres(settings.home, CONNECTIONS) if settings.database_url is None else None,
            EmbeddedStore(settings.home) if objects and settings.s3 is None else None,
        )


@contextmanager
def serving(settings: Settings, *, objects: bool = True, embedded: Embedded | None = None) -> Iterator[Settings]:
    """The settings with every address filled in; what was started here is stopped at the end.

    Without `objects` no object store is started for a command that needs none. Whoever looks after the servers hands
    them in as `embedded`.
    """
    mine = embedded or Embedded.of(settings, objects=objects)
    started_by = os.getpid()
    try:
        yield _started(settings, mine.postgres, mine.store)
    finally:
        # A web worker leaves through here too, and must not stop what its parent has started.
        if os.getpid() == started_by:
            for server in (mine.store, mine.postgres):
                if server is not None:
                    server.stop()


def running_at(settings: Settings) -> str | None:
    """The address of the portal that `portal run` has up in this home; None when there is none."""
    about = settings.home / RUNNING
    try:
        said = json.loads(about.read_text())
        os.kill(said["pid"], 0)
    except OSError:
        return None
    return str(said["address"])


@contextmanager
def database_of(settings: Settings) -> Iterator[Database]:
    """The database of a short command, on a single connection."""
    assert settings.database_url is not None
    database = Database(settings.database_url, pool_size=1)
    try:
        yield database
    finally:
        database.close()


def _started(settings: Settings, postgres: EmbeddedPostgres | None, store: EmbeddedStore | None) -> Settings:
    """Both at the same time, for each waits most of its time."""
    with ThreadPoolExecutor() as both:
        url = both.submit(postgres.start) if postgres else None
        s3 = both.submit(store.start) if store else None
    return replace(
        settings,
        database_url=url.result() if url else settings.database_url,
        s3=s3.result() if s3 else settings.s3,
        secret_key=settings.secret_key or _secret_key(settings),
    )


def _secret_key(settings: Settings) -> str:
    """The home's own key, made at the first start, so that a restart signs nobody out."""
    file = settings.home / "secret-key"
    settings.home.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        write_secret(file, secrets.token_urlsafe(48))
    return file.read_text()
