"""R10: jobs that raise, hang, crash or eat memory come to an end after five attempts; those beside them are done."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from portal.db import Database
from portal.jobs import ProcrastinateQueue
from portal.jobs.procrastinating import ATTEMPTS
from tests.faults.poison_worker import HARM, RAN
from tests.worker.conftest import incidents, jobs
from tests.worker.test_killed import wait_until

WORKER = Path(__file__).with_name("poison_worker.py")
USUAL = ["raises", "crashes"]
HARMLESS = 12
LONG = 1.2
"""Seconds that one harmless job takes: longer than any poison one lets its worker live."""


@contextmanager
def working(database: Database, *broken: str) -> Iterator[None]:
    """A worker, started again whenever it ends."""
    supervisor = subprocess.Popen([sys.executable, str(WORKER), database.url, *broken], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        supervisor.terminate()
        supervisor.wait(10)


def defer(database: Database, ways: list[str], seconds: list[float]) -> None:
    """A poison job of each way, one after the other, and harmless ones that take so long, between them."""
    queue = ProcrastinateQueue()
    with database.transaction() as tx:
        tx.execute(text(RAN))
        for which, taken in enumerate(seconds):
            queue.defer(tx, "test.work", which=which, seconds=taken)
            if which < len(ways):
                queue.defer(tx, "test.harm", how=ways[which])


def ran(database: Database) -> Counter[tuple[str, str]]:
    """How often each kind of job was begun and done."""
    with database.transaction() as tx:
        return Counter((name, what) for name, what in tx.execute(text("SELECT name, what FROM ran")))


def done(database: Database) -> set[int]:
    """Which harmless jobs are done."""
    with database.transaction() as tx:
        return set(tx.scalars(text("SELECT which FROM ran WHERE name = 'work' AND what = 'done'")))


@pytest.mark.timeout(300)
def test_poison_ends_after_five_attempts_and_harms_nobody(fresh_database, proof):
    ways = USUAL[: proof.size(2, 0, 0)] or list(HARM)
    seconds = [LONG, *[0.05] * (HARMLESS - 1)]
    defer(fresh_database, ways, seconds)
    with working(fresh_database):
        wait_until(lambda: jobs(fresh_database) == [], 240)
    begun, told = ran(fresh_database), [one.what for one in incidents(fresh_database)]
    proof.says(
        "R10",
        "poison jobs, each way: five attempts, then one incident; the jobs beside them are done",
        "others unharmed; after 5 attempts an incident",
        ways=ways,
        taken={way: begun[way, "taken"] for way in ways},
        attempts={way: begun[way, "begun"] for way in ways},
        incidents=len(told),
        harmless_done=len(done(fresh_database)),
        harmless_begun=begun["work", "begun"],
    )
    # What was left behind so often, or failed as nobody foresaw, is taken once more: to be given up, not to be done.
    foreseen = {"raises": ATTEMPTS}
    assert {way: begun[way, "taken"] for way in ways} == {way: foreseen.get(way, ATTEMPTS + 1) for way in ways}
    assert max(begun[way, "begun"] for way in ways) <= ATTEMPTS
    # One may be left behind by another's harm before it has begun, once: from then on it is set apart.
    assert min(begun[way, "begun"] for way in ways) >= ATTEMPTS - 1
    assert len(told) == len(ways)
    assert done(fresh_database) == set(range(HARMLESS))


@pytest.mark.thorough
def test_a_job_that_is_not_counted_when_it_was_left_behind_is_tried_for_ever(fresh_database, proof):
    defer(fresh_database, ["leaves"], [0.05])
    with working(fresh_database, "uncounted"):
        wait_until(lambda: ran(fresh_database)["leaves", "begun"] > ATTEMPTS + 1, 60)
    found = ran(fresh_database)["leaves", "begun"]
    proof.catches("R10", "no attempt is counted when a job is found left behind", attempts=found)
    assert incidents(fresh_database) == []


@pytest.mark.thorough
def test_a_harmless_job_is_given_up_with_the_poison_beside_it_unless_it_is_set_apart(fresh_database, proof):
    defer(fresh_database, ["leaves"], [LONG])
    with working(fresh_database, "together"):
        wait_until(lambda: jobs(fresh_database) == [], 60)
    told = incidents(fresh_database)
    proof.catches("R10", "what was left behind is done beside other jobs", incidents=len(told))
    assert (len(told), done(fresh_database)) == (2, set())
