"""The portal as it is operated, with people who have tokens, and cases in which they work."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from bench.speed.client import Client, Pages
from portal import clock
from portal.identity import tokens
from portal.identity.tokens import Scope
from portal.procedures import from_folder
from portal.web.access import COOKIE
from tests.builders.many import codes
from tests.builders.running import Running, Servers

CONTENT = Path(__file__).resolve().parents[1] / "content"
REGULATION = "bench"
TEXT = "本单位就上述事项说明如下，请予审核。" * 38
"""About 2 KB, as an answer to a form."""
STEPS = 6
UNBRAKED = "1000000"
"""Requests of one token in a minute: here a few programs do the work of many."""
PROCESSES = 2
"""Processes that serve."""
CLIENTS = 8
"""Officials, and as many units."""
CODES = tuple(codes(CLIENTS))
"""The code of each unit."""


@dataclass
class Prepared:
    """Servers with the content, and the tokens of the officials and of one applicant of each unit."""

    servers: Servers
    officials: Sequence[str]
    applicants: Sequence[str]

    def open_task(self, case_id: int) -> int:
        """The task that a case waits for."""
        return self.servers.number("SELECT id FROM tasks WHERE case_id = :case AND state = 'open'", case=case_id)


@dataclass
class Site(Prepared):
    """The portal's processes over them."""

    running: Running

    def officer(self, number: int = 0) -> Client:
        """An official's program."""
        return Client(self.running.address, self.officials[number])

    def unit(self, number: int = 0) -> Client:
        """A unit's program."""
        return Client(self.running.address, self.applicants[number])

    def pages(self) -> Pages:
        """The first official, signed in to the pages."""
        return Pages(self.running.address, f"{COOKIE}={self.servers.session('officer')}")

    def start(self, client: Client, procedure: str) -> int:
        """The applicant starts a case; its id."""
        return int(client.post("/cases", {"procedure": f"{REGULATION}/{procedure}", "answers": {"text": TEXT}})["id"])

    def has_ended(self, case_id: int) -> bool:
        """Whether a case is over."""
        return (
            self.servers.number("SELECT count(*) FROM cases WHERE id = :id AND ended_at IS NOT NULL", id=case_id) == 1
        )

    def closed(self) -> int:
        """A case worked off in all its steps; its id."""
        officer, case_id = self.officer(), self.start(self.unit(), "steps")
        for _ in range(STEPS):
            officer.post(f"/tasks/{self.open_task(case_id)}/complete", {"answers": {"text": TEXT}})
        assert self.has_ended(case_id)
        return case_id

    def size(self) -> int:
        """Bytes of the database, compacted."""
        with self.servers.database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM FULL"))
        return self.servers.number("SELECT pg_database_size(current_database())")


@contextmanager
def opened(*, worker: bool = True) -> Iterator[Site]:
    """Everything started on a home of its own, durable as an installation is, and thrown away at the end."""
    with prepared() as made:
        servers = made.servers
        with servers.running(web_workers=PROCESSES, worker=worker, API_PER_MINUTE=UNBRAKED) as running:
            yield Site(servers, made.officials, made.applicants, running)


def _secrets(servers: Servers, people: Sequence[int]) -> list[str]:
    """A token of each."""
    with servers.database.transaction() as tx:
        return [tokens.issue(tx, one, "bench", set(Scope), None, None, clock.now()).secret for one in people]


@contextmanager
def prepared() -> Iterator[Prepared]:
    """The servers alone, on a home of their own."""
    home = Path(tempfile.mkdtemp(prefix="portal-bench-"))
    home.chmod(0o755)
    try:
        with Servers.started(home) as servers:
            servers.publish(from_folder(CONTENT, REGULATION))
            officials = [servers.official("officer" if not i else f"officer{i}", "officer") for i in range(CLIENTS)]
            applicants = [servers.applicant(f"applicant{i}", servers.unit(code)) for i, code in enumerate(CODES)]
            yield Prepared(servers, *(_secrets(servers, people) for people in (officials, applicants)))
    finally:
        shutil.rmtree(home, ignore_errors=True)
