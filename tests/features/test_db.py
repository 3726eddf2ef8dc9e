"""The transaction, append-only tables, the moved clock and the embedded server."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import errors as pg
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session

import portal
from portal.calendar import service as calendar
from portal.db import Database, DatabaseBusy, DatabaseUnreachable, Id, binaries, locks, moved_clock, postmaster, silence
from portal.db.append_only import append_only, protected_tables
from portal.db.embedded import EmbeddedPostgres, OtherVersion, PasswordLost, PostgresDidNotStart
from portal.procedures import validity


def test_there_is_one_commit_in_the_program():
    sources = Path(portal.__path__[0]).rglob("*.py")
    assert sum(len(re.findall(r"\.commit\(", source.read_text())) for source in sources) == 1


class _Base(DeclarativeBase):
    pass


class Entry(_Base):
    __tablename__ = "entries_of_this_test"

    id: Mapped[Id]
    what: Mapped[str]


append_only(Entry.__table__)


@pytest.fixture
def entries(fresh_database: Database) -> Database:
    _Base.metadata.create_all(fresh_database.engine)
    return fresh_database


def write(database: Database, *texts: str) -> None:
    with database.transaction() as tx:
        tx.add_all(Entry(what=what) for what in texts)


def written(database: Database) -> list[str]:
    with database.transaction() as tx:
        return [entry.what for entry in tx.query(Entry).order_by(Entry.id)]


def test_a_transaction_commits_at_its_end_and_leaves_nothing_when_it_fails(entries):
    write(entries, "kept")

    def fail() -> None:
        with entries.transaction() as tx:
            tx.add(Entry(what="lost"))
            tx.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert written(entries) == ["kept"]


@pytest.mark.parametrize("change", ["UPDATE {} SET what = ''", "DELETE FROM {}", "TRUNCATE {}"])
def test_an_append_only_table_refuses(entries, change):
    write(entries, "kept")
    with entries.transaction() as tx:
        tx.execute(text("SET LOCAL session_replication_role = replica"))
        with pytest.raises(DBAPIError, match="append-only") as refused, tx.begin_nested():
            tx.execute(text(change.format(Entry.__tablename__)))
    assert isinstance(refused.value.orig, pg.RestrictViolation)
    assert written(entries) == ["kept"]
    with entries.engine.connect() as connection:
        assert Entry.__tablename__ in protected_tables(connection)


@pytest.fixture
def pair(fresh_database: Database) -> Database:
    with fresh_database.transaction() as tx:
        tx.execute(text("CREATE TABLE pair (id int PRIMARY KEY, n int NOT NULL)"))
        tx.execute(text("INSERT INTO pair VALUES (1, 0), (2, 0)"))
    return fresh_database


def test_an_act_that_runs_into_a_deadlock_is_run_again_whole(pair):
    both_hold_one = threading.Barrier(2)
    attempts: list[int] = []

    def add(first: int, second: int) -> None:
        met = []

        def act(tx: Session) -> None:
            attempts.append(first)
            tx.execute(text("UPDATE pair SET n = n + 1 WHERE id = :id"), {"id": first})
            if not met:
                met.append(both_hold_one.wait(10))
            tx.execute(text("UPDATE pair SET n = n + 1 WHERE id = :id"), {"id": second})

        pair.attempt(act)

    threads = [threading.Thread(target=add, args=order) for order in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(attempts) == 3
    with pair.transaction() as tx:
        assert tx.execute(text("SELECT n FROM pair ORDER BY id")).scalars().all() == [2, 2]


def test_an_act_that_always_loses_is_given_up_after_five_attempts(pair):
    attempts = []

    def act(tx: Session) -> None:
        attempts.append(tx)
        tx.execute(text("DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = 'serialization_failure'; END $$"))

    with pytest.raises(DatabaseBusy):
        pair.attempt(act)
    assert len(attempts) == 5


def test_an_act_that_fails_otherwise_is_not_run_again(pair):
    attempts = []

    def act(tx: Session) -> None:
        attempts.append(tx)
        tx.execute(text("INSERT INTO pair VALUES (1, 0)"))

    with pytest.raises(DBAPIError, match="duplicate key"):
        pair.attempt(act)
    assert len(attempts) == 1


def test_waiting_too_long_for_a_lock_says_busy(pair):
    def lock(tx: Session) -> None:
        tx.execute(text("SET LOCAL lock_timeout = '50ms'"))
        tx.execute(text("SELECT 1 FROM pair WHERE id = 1 FOR NO KEY UPDATE"))

    with pair.transaction() as holder:
        lock(holder)
        with pytest.raises(DatabaseBusy):
            pair.attempt(lock)


@pytest.mark.parametrize(
    "url", ["postgresql://portal:x@/portal?host=%2Fnonexistent", "postgresql://portal:x@127.0.0.1:1/portal"]
)
def test_an_absent_server_is_unreachable(url):
    database = Database(url)
    with pytest.raises(DatabaseUnreachable), database.transaction() as tx:
        tx.execute(text("SELECT 1"))


def test_a_connection_cut_in_an_act_is_unreachable_and_the_next_act_works(pair):
    def be_cut(tx: Session) -> None:
        pid = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with pair.transaction() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        tx.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnreachable):
        pair.attempt(be_cut)
    with pair.transaction() as tx:
        assert tx.execute(text("SELECT 1")).scalar_one() == 1


def test_a_trial_sees_its_own_schema_only(fresh_database):
    with fresh_database.transaction() as tx:
        tx.execute(text("CREATE SCHEMA trial_1"))
    trial = Database(fresh_database.url, schema="trial_1")
    with trial.transaction() as tx:
        assert tx.execute(text("SELECT current_schema()")).scalar_one() == "trial_1"
        assert tx.execute(text("SELECT to_regclass('moved_clock')")).scalar_one() is None
    trial.close()


def free(database: Database, name: str) -> bool:
    """Whether somebody else could take a lock now."""
    with database.transaction() as tx:
        return tx.execute(select(func.pg_try_advisory_xact_lock(locks.key(name)))).scalar_one()


def test_a_trial_holds_nobody_up_who_takes_the_same_lock(fresh_database):
    with fresh_database.transaction() as tx:
        tx.execute(text("CREATE SCHEMA trial_1"))
    trial = Database(fresh_database.url, schema="trial_1")
    names = [calendar.LOCK, validity.LOCK, "allocation-notice/9150/2026"]
    with trial.transaction() as held:
        held.execute(select(calendar.held()))
        locks.take(held, *names[1:])
        assert [free(fresh_database, name) for name in names] == [True, True, True]
        assert [free(trial, name) for name in (*names, "another")] == [False, False, False, True]
    assert [free(trial, name) for name in names] == [True, True, True]
    trial.close()


def test_every_lock_by_a_name_is_that_of_a_schema():
    """But for those under which a database gets its tables: they are of the whole of it."""
    home = Path(portal.__path__[0])
    takers = {str(file.relative_to(home)) for file in home.rglob("*.py") if "pg_advisory" in file.read_text()}
    assert takers == {"db/locks.py", "db/migrations/__init__.py", "jobs/procrastinating.py"}


def test_the_clock_moves_and_comes_back(tx):
    assert moved_clock.offset(tx) == timedelta(0)
    assert moved_clock.move(tx, timedelta(days=3)) == timedelta(days=3)
    assert moved_clock.move(tx, timedelta(hours=1)) == timedelta(days=3, hours=1)
    assert moved_clock.offset(tx) == timedelta(days=3, hours=1)
    moved_clock.reset(tx)
    assert moved_clock.offset(tx) == timedelta(0)


# The embedded server

# Faster, and nothing is lost as long as the machine itself lives.
UNSYNCED = {"fsync": "off"}


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="portal-home-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def data_of(server: EmbeddedPostgres) -> Path:
    with psycopg.connect(server.url) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    return Path(row[0])


def remember(url: str, word: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS words (word text)")
        connection.execute("INSERT INTO words VALUES (%s)", [word])


def remembered(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [word for (word,) in connection.execute("SELECT word FROM words")]


def test_data_outlive_a_restart_and_the_server_is_closed_to_others(home):
    with EmbeddedPostgres(home, UNSYNCED) as server:
        remember(server.url, "核查")
        data = data_of(server)
        running = postmaster.living(data)
        assert running is not None
        assert os.stat(f"/proc/{running.pid}").st_uid == binaries.account().uid != 0
        assert running.socket.stat().st_mode & 0o777 == data.stat().st_mode & 0o777 == 0o700
        assert (home / "postgres/password").stat().st_mode & 0o777 == 0o600
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
            assert connection.execute("SHOW data_checksums").fetchone() == ("on",)
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(re.sub(":[^:@]+@", ":wrong@", server.url))
    assert postmaster.living(data) is None
    with EmbeddedPostgres(home, UNSYNCED) as server:
        assert remembered(server.url) == ["核查"]


def test_a_second_process_joins_and_does_not_stop_the_server(home):
    with EmbeddedPostgres(home, UNSYNCED) as owner:
        with EmbeddedPostgres(home, UNSYNCED) as guest:
            remember(guest.url, "joined")
        assert remembered(owner.url) == ["joined"]


def test_the_last_one_out_stops_the_server_whoever_started_it(home):
    first, second, third = (EmbeddedPostgres(home, UNSYNCED) for _ in range(3))
    first.start()
    remember(second.start(), "while the first is there")
    data = data_of(second)
    first.stop()
    remember(third.start(), "when it is gone")
    second.stop()
    assert remembered(third.url) == ["while the first is there", "when it is gone"]
    third.stop()
    assert postmaster.living(data) is None


def test_whoever_comes_while_the_server_is_stopped_waits_and_starts_it_again(home):
    server, guest = EmbeddedPostgres(home, UNSYNCED), EmbeddedPostgres(home, UNSYNCED)
    remember(server.start(), "kept")
    data = data_of(server)
    with ThreadPoolExecutor() as other:
        leaving = other.submit(server.stop)
        url = guest.start()
        leaving.result()
    assert remembered(url) == ["kept"]
    guest.stop()
    assert postmaster.living(data) is None


KILLED_USER = """
import os, signal, sys, pathlib
from portal.db.embedded import EmbeddedPostgres
EmbeddedPostgres(pathlib.Path(sys.argv[1]), {"fsync": "off"}).start()
print("there", flush=True)
signal.pause()
"""


def test_a_killed_user_keeps_nobody_from_stopping_the_server(home):
    root = Path(portal.__path__[0]).parent
    with EmbeddedPostgres(home, UNSYNCED) as server:
        data = data_of(server)
        command = [sys.executable, "-c", KILLED_USER, str(home)]
        with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE) as user:
            assert user.stdout is not None
            assert user.stdout.readline() == b"there\n"
            user.kill()
    assert postmaster.living(data) is None


def test_after_the_server_was_killed_a_new_one_starts(home):
    server = EmbeddedPostgres(home, UNSYNCED)
    remember(server.start(), "kept")
    data = data_of(server)
    running = postmaster.living(data)
    assert running is not None
    os.kill(running.pid, signal.SIGKILL)
    server.stop()
    with EmbeddedPostgres(home, UNSYNCED) as again:
        assert remembered(again.url) == ["kept"]


@pytest.mark.parametrize("whole", [False, True], ids=["connection", "server"])
def test_who_holds_a_connection_open_and_says_nothing_is_given_up(home, monkeypatch, whole):
    monkeypatch.setattr(silence, "PING_SECONDS", 0.3)
    monkeypatch.setattr(silence, "TRUSTED_SECONDS", 0)
    with EmbeddedPostgres(home, UNSYNCED) as server:
        database = Database(server.url, pool_size=1)
        with database.transaction() as tx:
            frozen = [tx.execute(text("SELECT pg_backend_pid()")).scalar_one()]
        running = postmaster.living(data_of(server))
        assert running is not None
        frozen += [running.pid] * whole
        try:
            for pid in frozen:
                os.kill(pid, signal.SIGSTOP)
            with pytest.raises(DatabaseUnreachable) if whole else nullcontext(), database.transaction() as tx:
                assert tx.execute(text("SELECT pg_backend_pid()")).scalar_one() != frozen[0]
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)
        with database.transaction() as tx:
            assert tx.execute(text("SELECT 1")).scalar_one() == 1
        database.close()


def backend_of(database):
    with database.transaction() as tx:
        return tx.execute(text("SELECT pg_backend_pid()")).scalar_one()


def ended(server, pid):
    """The connection of a backend is closed by the server."""
    with psycopg.connect(server.url, autocommit=True) as other:
        assert other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid]).fetchone() == (True,)


@pytest.fixture
def lonely(pair):
    database = Database(pair.url, pool_size=1)
    yield database
    database.close()


def test_a_connection_that_was_lost_while_it_rested_is_replaced_unnoticed(lonely, monkeypatch):
    monkeypatch.setattr(silence, "TRUSTED_SECONDS", 0)
    lost = backend_of(lonely)
    ended(lonely, lost)
    assert backend_of(lonely) != lost


def test_one_that_was_used_a_moment_ago_is_not_asked_and_told_when_it_is_lost(lonely, monkeypatch):
    monkeypatch.setattr(silence, "TRUSTED_SECONDS", 3600)
    lost = backend_of(lonely)
    asked = []
    monkeypatch.setattr(lonely.engine.dialect, "do_ping", asked.append)
    assert backend_of(lonely) == lost
    assert asked == []
    ended(lonely, lost)
    with pytest.raises(DatabaseUnreachable):
        backend_of(lonely)
    assert backend_of(lonely) != lost


def test_an_answer_that_takes_too_long_is_given_up(monkeypatch, pair):
    monkeypatch.setattr(silence, "ANSWER_SECONDS", 0.3)
    with pytest.raises(DatabaseUnreachable), pair.transaction() as tx:
        tx.execute(text("SELECT pg_sleep(5)"))
    monkeypatch.undo()
    with pair.transaction() as tx:
        assert tx.execute(text("SELECT 1")).scalar_one() == 1


def test_a_pid_that_lives_again_as_another_program_does_not_hinder(home):
    with EmbeddedPostgres(home, UNSYNCED) as server:
        data = data_of(server)
        lines = (data / "postmaster.pid").read_text().splitlines()
    (data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    with EmbeddedPostgres(home, UNSYNCED) as server:
        assert data_of(server) == data


ORDINARY_USER = """
import os, pathlib, psycopg, sys, tempfile
from portal.db.embedded import EmbeddedPostgres
os.setgroups([]), os.setgid(65534), os.setuid(65534)
with tempfile.TemporaryDirectory() as home, EmbeddedPostgres(pathlib.Path(home), {"fsync": "off"}) as server:
    psycopg.connect(server.url).execute("SELECT 1")
    assert pathlib.Path(home, "postgres", "data").exists()
"""


def test_an_ordinary_user_starts_it_directly():
    if os.geteuid() != 0:
        pytest.skip("the other tests show it")
    root = Path(portal.__path__[0]).parent
    subprocess.run([sys.executable, "-c", ORDINARY_USER], cwd=root, check=True, env={"TMPDIR": "/tmp"})


KILLED_OWNER = """
import os, signal, sys, pathlib
from portal.db.embedded import EmbeddedPostgres
EmbeddedPostgres(pathlib.Path(sys.argv[1]), {"fsync": "off"}).start()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_owner_left_running_is_taken_over_and_stopped(home):
    root = Path(portal.__path__[0]).parent
    subprocess.run([sys.executable, "-c", KILLED_OWNER, home], cwd=root, check=False)
    data = home / "postgres" / "data"
    left = postmaster.living(data)
    assert left is not None
    with EmbeddedPostgres(home, UNSYNCED) as server:
        remember(server.url, "same server")
        assert postmaster.living(data) == left
    assert postmaster.living(data) is None


def test_a_closed_home_of_root_keeps_its_data_elsewhere_and_stays_closed(home, monkeypatch):
    if os.geteuid() != 0:
        pytest.skip("only root's home can be closed to the user PostgreSQL runs as")
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(binaries, "SYSTEM_STATE", home / "state")
    for word in ("first", "second"):
        with EmbeddedPostgres(closed, UNSYNCED) as server:
            remember(server.url, word)
    with EmbeddedPostgres(closed, UNSYNCED) as server:
        assert remembered(server.url) == ["first", "second"]
        assert data_of(server).is_relative_to(home / "state")
    assert closed.stat().st_mode & 0o777 == 0o700


def test_programs_that_the_unprivileged_user_cannot_read_are_copied(home, monkeypatch):
    if os.geteuid() != 0:
        pytest.skip("only root changes user")
    monkeypatch.setattr(binaries, "SYSTEM_STATE", home / "state")
    runner = binaries.account()
    _, copy, *_ = binaries._candidates(runner)
    assert copy.is_relative_to(home / "state")
    assert binaries._major(copy, runner) == binaries.find(runner).major


def test_a_deep_home_gets_a_short_socket(home):
    deep = home / ("深" * 40)
    with EmbeddedPostgres(deep, UNSYNCED) as server:
        running = postmaster.living(data_of(server))
        assert running is not None
        assert running.socket.parent == Path("/tmp")
    assert not running.socket.exists()


def test_data_of_another_version_are_refused(home):
    with EmbeddedPostgres(home, UNSYNCED) as server:
        data = data_of(server)
    (data / "PG_VERSION").write_text("14\n")
    with pytest.raises(OtherVersion):
        EmbeddedPostgres(home, UNSYNCED).start()


def test_a_lost_password_and_a_faulty_setting_are_told(home):
    with EmbeddedPostgres(home, UNSYNCED):
        pass
    with pytest.raises(PostgresDidNotStart, match="no_such_setting"):
        EmbeddedPostgres(home, {"no_such_setting": "1"}).start()
    (home / "postgres" / "password").unlink()
    with pytest.raises(PasswordLost):
        EmbeddedPostgres(home, UNSYNCED).start()
    with pytest.raises(PasswordLost):
        EmbeddedPostgres(home, UNSYNCED).start()
