"""A storm of timers, due at once, that workers fire while a person works: `python -m bench.timers 100000`."""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from portal import app, clock, identity
from portal.audit.models import AUDIT_ENTRIES, AuditEntry
from portal.audit.rules import Chain, Event, extend
from portal.cases import checking, filing, tasks
from portal.cases.actions import ACTIONS
from portal.cases.kernel import Kernel
from portal.cases.models import ActRecord, Case, Incident, Task
from portal.cases.starting import begun
from portal.cases.values import digest
from portal.db import Base, Database, moved_clock
from portal.db.embedded import EmbeddedPostgres
from portal.identity import Actor
from portal.jobs import ProcrastinateQueue
from portal.jobs import schema as jobs_schema
from portal.procedures import Releases, from_folder, publish

CONTENT = Path(__file__).parent / "content"
REGULATION, WAITS, WORKED_OFF = "bench", "waiting", "steps"
UNIT = "91500101MA5YKQ1X0C"
AHEAD = timedelta(days=5)
"""So far the demo's clock is moved at once; a case that waits waits three days."""
BETWEEN_CLICKS = 0.05
"""Seconds that a person rests."""
PORTION = 5000


@dataclass(frozen=True)
class People:
    """Who files, and who works off."""

    applicant: Actor
    officer: Actor


@dataclass(frozen=True)
class Storm:
    """What a storm came to: seconds until all had fired, how many each worker fired, the clicks in ms."""

    seconds: float
    shares: tuple[int, ...]
    clicks: tuple[float, ...]

    @property
    def p95(self) -> float:
        """So long took the clicks but for the slowest twentieth, in ms."""
        return statistics.quantiles(self.clicks, n=20)[-1]


def kernel() -> Kernel:
    """What acts need, with the clock of a demo."""
    return Kernel(Releases(), ProcrastinateQueue(), lambda tx: clock.now(moved_clock.offset(tx)), ACTIONS)


def settle(database: Database, moment: datetime) -> People:
    """Content and people."""
    with database.transaction() as tx:
        publish(tx, from_folder(CONTENT, REGULATION), moment, "bench")
        unit = identity.add_organisation(tx, uscc=UNIT, name="某单位", district="万州区", kinds=["enterprise"])
        applicant = _person(tx, "applicant", unit.id, moment)
        officer = _person(tx, "officer", None, moment)
    return People(applicant, officer)


def _person(tx: Session, login: str, unit: int | None, moment: datetime) -> Actor:
    someone = identity.Person(
        login=login, name=login, password_hash="", organisation_id=unit, administrator=False, active=True
    )
    tx.add(someone)
    tx.flush()
    if unit is None:
        first = date(2020, 1, 1)
        identity.grant_role(tx, person_id=someone.id, regulation=REGULATION, role="officer", from_day=first)
    actor = identity.actor_of(tx, someone.id, moment.date())
    assert actor is not None
    return actor


# Many cases that wait: one is filed as people file it, the others are its copies


def waiting(database: Database, people: People, cases: int, moment: datetime) -> None:
    """So many cases, filed at a moment, that wait for a timer three days later.

    One is filed; of it are copied: its row (but for number and query code), act, value, deadline and what it is
    found by. The copies' histories are chained anew, so they are proven like any other.
    """
    acts = kernel()
    with database.transaction() as tx:
        one = filing.file(acts, tx, people.applicant, REGULATION, WAITS, {"text": "等待"}, moment)
        events = _events(tx, one.id)
        act = tx.scalars(select(func.max(ActRecord.id))).one()
    for first in range(1, cases, PORTION):
        with database.transaction() as tx:
            _copy(tx, one, act, events, range(first, min(first + PORTION, cases)))
    with database.transaction() as tx:
        for table in ("cases", "acts", "deadlines"):
            tx.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"))
        tx.execute(text("UPDATE number_sequences SET last = :last"), {"last": cases})
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def _events(tx: Session, case_id: int) -> list[Event]:
    rows = tx.scalars(select(AuditEntry).where(AuditEntry.case_id == case_id).order_by(AuditEntry.seq))
    return [
        Event(row.moment, row.act_id, row.kind, row.actor_id, row.on_behalf, row.element, row.details) for row in rows
    ]


def _copy(tx: Session, one: Case, act: int, events: Sequence[Event], numbers: range) -> None:
    copies = [_copied(one, n, events) for n in numbers]
    connection = tx.connection()
    connection.execute(
        text("CREATE TEMP TABLE copies (n bigint, number text, code text, length int, head text) ON COMMIT DROP")
    )
    connection.execute(
        text("INSERT INTO copies VALUES (:n, :number, :code, :length, :head)"), [one for one, _ in copies]
    )
    for table, differing in _COPIED.items():
        columns = [column.name for column in Base.metadata.tables[table].columns]
        values = ", ".join(differing.get(name, f"t.{name}") for name in columns)
        own = f"t.case_id = {one.id}" if "case_id" in columns else f"t.id = {act if table == 'acts' else one.id}"
        connection.execute(
            text(f"INSERT INTO {table} ({', '.join(columns)}) OVERRIDING SYSTEM VALUE"
                 f" SELECT {values} FROM {table} t, copies c WHERE {own}")
        )  # fmt: skip
    connection.execute(AUDIT_ENTRIES.insert(), [entry for _, entries in copies for entry in entries])


_COPIED = {
    "cases": {
        "id": "t.id + c.n", "root_id": "t.root_id + c.n", "number": "c.number", "query_code": "c.code",
        "audit_length": "c.length", "audit_head": "c.head",
    },
    "acts": {"id": "t.id + c.n", "root_id": "t.root_id + c.n"},
    "case_values": {"case_id": "t.case_id + c.n", "act_id": "t.act_id + c.n"},
    "case_texts": {"case_id": "t.case_id + c.n"},
    "deadlines": {"id": "t.id + c.n", "case_id": "t.case_id + c.n"},
}  # fmt: skip
"""Of each table, what is not the same in a copy."""


def _copied(one: Case, n: int, events: Sequence[Event]) -> tuple[dict[str, object], list[dict[str, object]]]:
    """What is not the same in the n-th copy of a case, and its history, chained."""
    case = Case(**{column.name: getattr(one, column.name) for column in Case.__table__.columns})
    case.id, case.root_id, case.number = one.id + n, one.id + n, one.number.replace("1号", f"{n + 1}号")
    mine = [replace(event, act_id=event.act_id + n, details=_of(case, event)) for event in events]
    chain, entries = extend(Chain(), case.id, mine)
    code = hashlib.sha256(str(n).encode()).hexdigest()[:8].upper()
    rows = [
        asdict(entry) | {"previous": bytes.fromhex(entry.previous), "hash": bytes.fromhex(entry.hash)}
        for entry in entries
    ]
    return {"n": n, "number": case.number, "code": code, "length": chain.length, "head": chain.head}, rows


def _of(case: Case, event: Event) -> dict[str, object]:
    changed = {"number": case.number, "begun": digest(begun(case))}
    return {**event.details, **{name: value for name, value in changed.items() if name in event.details}}


# The storm


def rage(
    database: Database, people: People, workers: Sequence[Callable[[], subprocess.Popen[bytes]]], within: float
) -> Storm:
    """Starts the workers and moves the clock, so that every case that waits is due at once; a person clicks meanwhile.

    Each worker has a name of its own in the database (`apart`), by which what it fired is counted.
    """
    acts = kernel()
    with database.transaction() as tx:
        tx.execute(text("ALTER TABLE acts ADD COLUMN IF NOT EXISTS done_by text DEFAULT current_user"))
    running = [start() for start in workers]
    try:
        _until(lambda: _number(database, "SELECT count(*) FROM procrastinate_workers") == len(workers), 60)
        with database.transaction() as tx:
            moved_clock.move(tx, AHEAD)
        began, clicks = time.monotonic(), []
        while _number(database, "SELECT count(*) FROM (SELECT 1 FROM cases WHERE ripe_at IS NOT NULL LIMIT 1) one"):
            assert time.monotonic() - began < within, f"not all have fired within {within} s"
            clicks.append(_click(database, acts, people))
            time.sleep(BETWEEN_CLICKS)
        seconds = time.monotonic() - began
        while len(clicks) < 2:
            clicks.append(_click(database, acts, people))
    finally:
        for worker in running:
            worker.send_signal(signal.SIGTERM)
        for worker in running:
            worker.wait(10)
    return Storm(seconds, _shares(database), tuple(clicks))


def _click(database: Database, acts: Kernel, people: People) -> float:
    """A person does one act, a task or else a new filing; how long it took, in ms."""
    with database.transaction() as tx:
        task = tx.scalar(select(Task.id).where(Task.state == "open").order_by(Task.id).limit(1))

    def act(tx: Session) -> None:
        moment = acts.now(tx)
        if task is not None:
            tasks.complete(acts, tx, people.officer, task, {"text": "同意"}, moment)
        else:
            filing.file(acts, tx, people.applicant, REGULATION, WORKED_OFF, {"text": "申请"}, moment)

    began = time.perf_counter()
    database.attempt(act)
    return (time.perf_counter() - began) * 1000


def _shares(database: Database) -> tuple[int, ...]:
    with database.transaction() as tx:
        rows = tx.execute(
            text("SELECT done_by, count(*) FROM acts WHERE kind = 'timer' GROUP BY done_by ORDER BY done_by")
        )
        return tuple(count for _, count in rows)


def _number(database: Database, query: str) -> int:
    with database.transaction() as tx:
        return int(tx.scalar(text(query)) or 0)


def _until(condition: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.05)


@contextmanager
def apart(url: str, name: str) -> Iterator[str]:
    """The address of the same database for one worker alone, so that the database tells who did what."""
    parts = urlsplit(url)
    owner, role = parts.username or "", f"{name}_{os.getpid()}"
    engine = Database(url)
    with engine.transaction() as tx:
        tx.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD '{parts.password or role}' IN ROLE \"{owner}\""))
    yield parts._replace(netloc=f"{role}:{parts.password or role}@{parts.netloc.rpartition('@')[2]}").geturl()
    with engine.transaction() as tx:
        tx.execute(text(f"DROP OWNED BY {role}"))
        tx.execute(text(f"DROP ROLE {role}"))
    engine.close()


def worker(url: str, home: Path, *command: str) -> subprocess.Popen[bytes]:
    """`portal worker` of a demo, without an object store: no case here has a file."""
    environment = {
        **os.environ, "DATABASE_URL": url, "PORTAL_HOME": str(home), "PORTAL_DEMO": "1", "LETTER_PDF": "0",
        "S3_ENDPOINT": "http://127.0.0.1:1", "S3_ACCESS_KEY": "key", "S3_SECRET_KEY": "secret",
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, *(command or ("-m", "portal")), "worker"], env=environment, stderr=subprocess.DEVNULL
    )


def faults(database: Database, cases: int) -> list[str]:
    """What is not as if each case's timer had fired once, alone; empty when all is well."""
    found = []
    with database.transaction() as tx:
        counted = select(func.count()).select_from(Case).where(Case.procedure == WAITS)
        ended = tx.scalar(counted.where(Case.ended_at.is_not(None), Case.ripe_at.is_(None)))
        if ended != cases:
            found.append(f"{ended} of {cases} cases have ended")
        fired = (
            select(AuditEntry.case_id, func.count())
            .where(AuditEntry.kind == "timer.fired")
            .group_by(AuditEntry.case_id)
        )
        times = [count for _, count in tx.execute(fired)]
        if len(times) != cases or set(times) != {1}:
            found.append(f"timers of {len(times)} cases have fired, {sum(count > 1 for count in times)} more than once")
        found += [f"incident: {one.during}: {one.what}" for one in tx.scalars(select(Incident).limit(20))]
    with database.transaction() as tx:
        found += [str(one) for one in checking.verify(tx).breaks[:20]]
    return found


def main() -> int:
    """0 when each has fired once."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("cases", type=int, nargs="?", default=100_000)
    wanted.add_argument("--workers", type=int, default=2)
    options = wanted.parse_args()
    home = Path(tempfile.mkdtemp(prefix="portal-bench-"))
    home.chmod(0o755)
    try:
        with EmbeddedPostgres(home, {"max_connections": "60"}) as server:
            return _measured(server.url, home, options.cases, options.workers)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _measured(url: str, home: Path, cases: int, workers: int) -> int:
    database = Database(url)
    jobs_schema(url)
    app.metadata().create_all(database.engine)
    moment = clock.now()
    people = settle(database, moment)
    began = time.monotonic()
    waiting(database, people, cases, moment)
    print(f"{cases} cases copied in {time.monotonic() - began:.1f} s", flush=True)
    with ExitStack() as stack:
        urls = [stack.enter_context(apart(url, f"worker_{number}")) for number in range(workers)]
        storm = rage(database, people, [partial(worker, one, home) for one in urls], within=3600)
    print(f"all fired after {storm.seconds:.1f} s ({cases / storm.seconds:.0f} a second), by worker: {storm.shares}")
    print(
        f"{len(storm.clicks)} clicks meanwhile: median {statistics.median(storm.clicks):.0f} ms, p95 {storm.p95:.0f} ms"
    )
    print(f"load of the machine, 1 and 15 minutes: {os.getloadavg()[0]:.1f} {os.getloadavg()[2]:.1f}")
    found = faults(database, cases)
    print(*(found or ["each has fired once"]), sep="\n")
    database.close()
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
