"""One PostgreSQL for the whole run, all tables in it, and a session that is rolled back after each test."""

from __future__ import annotations

import importlib
import os
import pkgutil
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from sqlalchemy import BigInteger, Column, Identity, Table
from sqlalchemy.orm import Session

sys.path.insert(0, str(Path(__file__).parent.parent))

import portal
from portal.db import Base, Database, moved_clock, postmaster
from portal.db.embedded import EmbeddedPostgres
from portal.jobs import schema as jobs_schema

FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "60"}


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL for this run: DATABASE_URL, or an embedded one with nothing in it."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield given
        return
    _end_forgotten_servers()
    home = Path(tempfile.mkdtemp(prefix=f"portal-tests-{os.getpid()}-"))
    home.chmod(0o755)
    with EmbeddedPostgres(home, FAST) as server:
        yield server.url
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def template(postgres: str) -> Iterator[str]:
    """The name of a database with all tables, to be copied."""
    name = f"portal_template_{os.getpid()}"
    with _made(postgres, name) as url:
        jobs_schema(url)
        _all_models()
        _stand_ins()
        database = Database(url)
        Base.metadata.create_all(database.engine)
        database.close()
        yield name


@pytest.fixture(scope="session")
def database(postgres: str, template: str) -> Iterator[Database]:
    """A database with all tables; what a test commits here stays for the others."""
    with _made(postgres, f"portal_shared_{os.getpid()}", template) as url:
        yield from _opened(url)


@pytest.fixture
def own_database(postgres: str, template: str) -> Iterator[Database]:
    """A database with all tables for one test alone, in which it may commit."""
    with _made(postgres, f"portal_own_{os.getpid()}", template) as url:
        yield from _opened(url)


@pytest.fixture
def empty_database(postgres: str) -> Iterator[str]:
    """The address of a database without any table, for one test alone."""
    with _made(postgres, f"portal_empty_{os.getpid()}") as url:
        yield url


@pytest.fixture
def tx(database: Database) -> Iterator[Session]:
    """A session whose work is undone after the test; nested savepoints and commits are allowed."""
    with database.engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            yield session
        outer.rollback()


def _opened(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()


@contextmanager
def _made(server: str, name: str, template: str = "template1") -> Iterator[str]:
    """A database of that name, dropped at the end; its address."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _all_models() -> None:
    assert moved_clock.MovedClock.__tablename__ in Base.metadata.tables
    for package in pkgutil.iter_modules(portal.__path__, "portal."):
        if Path(portal.__path__[0], package.name.rpartition(".")[2], "models.py").exists():
            # A package that is still being written must not break the tests of the others.
            with suppress(ImportError, AttributeError, NameError, SyntaxError, TypeError):
                importlib.import_module(f"{package.name}.models")


def _stand_ins() -> None:
    """An empty table (id only) for each one that is referred to but not written yet."""
    keys = [key.target_fullname for table in Base.metadata.tables.values() for key in table.foreign_keys]
    for name in {key.rpartition(".")[0] for key in keys} - set(Base.metadata.tables):
        Table(name, Base.metadata, Column("id", BigInteger, Identity(), primary_key=True))


def _end_forgotten_servers() -> None:
    """Stop what an earlier run left behind when it was killed."""
    for home in Path(tempfile.gettempdir()).glob("portal-tests-*-*"):
        if Path("/proc", home.name.split("-")[2]).exists():
            continue
        running = postmaster.living(home / "postgres" / "data")
        if running is not None:
            os.kill(running.pid, signal.SIGQUIT)
        shutil.rmtree(home, ignore_errors=True)
