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
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy.orm import Session

sys.path.insert(0, str(Path(__file__).parent.parent))

import portal
from portal.db import Base, Database, moved_clock, postmaster
from portal.db.embedded import EmbeddedPostgres
from portal.identity import passwords
from portal.jobs import schema as jobs_schema
from tests.builders.databases import copied, empty, opened
from tests.builders.extent import THOROUGH
from tests.builders.proving import PROVES_WITHIN, RESULTS, Proof

FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "60"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what is thorough, unless it is asked for; and all but proofs, which get time, when they are."""
    if RESULTS:
        left = [item for item in items if "proof" not in getattr(item, "fixturenames", ())]
        items[:] = [item for item in items if item not in left]
        config.hook.pytest_deselected(items=left)
        for item in items:
            item.add_marker(pytest.mark.timeout(PROVES_WITHIN), append=False)
    if not THOROUGH:
        left = [item for item in items if item.get_closest_marker("thorough")]
        items[:] = [item for item in items if item not in left]
        config.hook.pytest_deselected(items=left)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what was left out."""
    if not THOROUGH:
        terminalreporter.write_line("without the thorough tests (mutants, killed workers); THOROUGH=1 runs them too")


_HELD = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[object]:
    """Keeps whether a test has passed, for what it proves."""
    report: pytest.TestReport = yield
    if report.when == "call":
        item.stash[_HELD] = report.passed
    return report


@pytest.fixture
def proof(request: pytest.FixtureRequest) -> Iterator[Proof]:
    """What the test proves: how large it is run, its seed, and where its figures go."""
    proved = Proof.of(request.node.nodeid)
    yield proved
    proved.write(held=request.node.stash.get(_HELD, False))


@pytest.fixture(scope="session", autouse=True)
def _light_passwords() -> Iterator[None]:
    """Passwords are hashed with little work: what the portal itself spends on one keeps a core busy for a while."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


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
    with copied(postgres, name) as url:
        jobs_schema(url)
        _all_models()
        database = Database(url)
        Base.metadata.create_all(database.engine)
        database.close()
        yield name


@pytest.fixture(scope="session")
def database(postgres: str, template: str) -> Iterator[Database]:
    """A database with all tables; what a test commits here stays for the others."""
    with copied(postgres, f"portal_shared_{os.getpid()}", template) as url:
        yield from opened(url)


@pytest.fixture(scope="session")
def _kept_database(postgres: str, template: str) -> Iterator[Database]:
    """The database that tests have for themselves, one after the other."""
    with copied(postgres, f"portal_kept_{os.getpid()}", template) as url:
        yield from opened(url)


@pytest.fixture
def own_database(_kept_database: Database) -> Iterator[Database]:
    """A database with all tables and no rows for one test alone; it may commit, but change no table."""
    yield _kept_database
    empty(_kept_database)


@pytest.fixture
def fresh_database(postgres: str, template: str) -> Iterator[Database]:
    """A database with all tables for one test alone, which may change those too, or leave connections open."""
    with copied(postgres, f"portal_own_{os.getpid()}", template) as url:
        yield from opened(url)


@pytest.fixture
def empty_database(postgres: str) -> Iterator[str]:
    """The address of a database without any table, for one test alone."""
    with copied(postgres, f"portal_empty_{os.getpid()}") as url:
        yield url


@pytest.fixture
def tx(database: Database) -> Iterator[Session]:
    """A session whose work is undone after the test; nested savepoints and commits are allowed."""
    with database.engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            yield session
        outer.rollback()


def _all_models() -> None:
    assert moved_clock.MovedClock.__tablename__ in Base.metadata.tables
    for package in pkgutil.iter_modules(portal.__path__, "portal."):
        if Path(portal.__path__[0], package.name.rpartition(".")[2], "models.py").exists():
            importlib.import_module(f"{package.name}.models")


def _end_forgotten_servers() -> None:
    """Stop what an earlier run left behind when it was killed."""
    for home in Path(tempfile.gettempdir()).glob("portal-tests-*-*"):
        if Path("/proc", home.name.split("-")[2]).exists():
            continue
        running = postmaster.living(home / "postgres" / "data")
        if running is not None:
            os.kill(running.pid, signal.SIGQUIT)
        shutil.rmtree(home, ignore_errors=True)
