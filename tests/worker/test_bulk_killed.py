"""Many notices started at once by workers that are killed: each once, none lost, none counted twice."""

from __future__ import annotations

import random

import pytest
from procrastinate import JobContext
from procrastinate.jobs import Job
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from bench import crowd, killing
from portal.cases import bulk, deferred, delivery, starting
from portal.cases.actions import ACTIONS
from portal.cases.conduct import found
from portal.cases.kernel import Kernel
from portal.cases.models import StartItem
from portal.jobs import ProcrastinateQueue
from portal.procedures import Releases
from portal.storage import MemoryStore
from portal.worker import Tools
from portal.worker.jobs import DIED, JOBS, _task
from tests.builders.world import moment_of
from tests.worker.conftest import incidents
from tests.worker.test_killed import start

UNITS, KILLS = 60, 3
NOW = moment_of("2026-09-21T09:00:00")


@pytest.fixture
def kernel():
    return Kernel(Releases(), ProcrastinateQueue(), lambda _tx: NOW, ACTIONS)


def prepared(database, kernel, units, seed=1):
    """An allocation to so many units, signed: their jobs are waiting."""
    people = crowd.determined(database, kernel, units, random.Random(seed), NOW)
    crowd.signed(database, kernel, people, NOW)
    return people


@pytest.mark.thorough
def test_no_notice_is_lost_or_doubled(own_database, kernel):
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    people, generation = prepared(own_database, kernel, UNITS, seed), iter(range(KILLS + 1))
    report = killing.work_off(
        own_database,
        lambda: start(own_database, f"{seed}-{next(generation)}", NOW.isoformat()),
        workers=1,
        units=UNITS,
        kills=KILLS,
        dice=random.Random(seed),
        within=120,
    )
    print(report)
    assert crowd.faults(own_database, kernel, people) == []
    assert len(report.hit) == KILLS
    assert sum(report.hit) > 0, f"toothless with seed {seed}: no kill hit a running job"


# What the test above would see if a worker were careless


def done(database, kernel, job, work=None):
    """Does a waiting job, in a transaction of its own; `work` in its place."""
    with database.transaction() as tx:
        (work or deferred.WORK[job.task_name])(kernel, tx, NOW, str(job.id), **job.args)


def waiting(database):
    with database.transaction() as tx:
        query = "SELECT id, task_name, args FROM procrastinate_jobs WHERE task_name = 'cases.start_item' ORDER BY id"
        return tx.execute(text(query)).all()


def letters_made(database, kernel):
    with database.transaction() as tx:
        for letter_id in tx.execute(text("SELECT id FROM letters WHERE state = 'rendering'")).scalars().all():
            delivery.rendered(kernel, tx, letter_id, delivery.StoredFile(f"{letter_id}", "0" * 64, 1), NOW)


def careless(kernel, tx, moment, job, item_id):
    """The job without its guards."""
    item = tx.get_one(StartItem, item_id)
    item.state, item.case_id = "waiting", None
    tx.flush()
    found(kernel, tx, moment, "start_item", lambda act: bulk._start(act, item), job=None)


def test_a_job_behind_whose_commit_its_worker_died_is_harmless(own_database, kernel):
    people = prepared(own_database, kernel, 3)
    first, *others = waiting(own_database)
    for job in (first, first, *others, first):
        done(own_database, kernel, job)
    letters_made(own_database, kernel)
    assert crowd.faults(own_database, kernel, people) == []


@pytest.mark.thorough
def test_without_its_guards_the_database_still_refuses(own_database, kernel, monkeypatch):
    monkeypatch.setattr(starting, "_once", lambda *_: None)
    prepared(own_database, kernel, 1)
    [job] = waiting(own_database)
    done(own_database, kernel, job, careless)
    with pytest.raises(IntegrityError, match="uq_cases_started_by"):
        done(own_database, kernel, job, careless)


@pytest.mark.thorough
def test_without_any_guard_it_doubles_and_is_found_out(own_database, kernel, monkeypatch):
    monkeypatch.setattr(starting, "_once", lambda *_: None)
    with own_database.transaction() as tx:
        tx.execute(text("ALTER TABLE cases DROP CONSTRAINT uq_cases_started_by"))
    people = prepared(own_database, kernel, 3)
    first, *others = waiting(own_database)
    for job in (first, first, *others):
        done(own_database, kernel, job, careless)
    letters_made(own_database, kernel)
    said = "\n".join(crowd.faults(own_database, kernel, people))
    for sign in ("4 notices instead of 3", "4 letters of 4 cases", "1 too high", "4 postings instead of 3", " holds "):
        assert sign in said


# What breaks in a way that nobody foresaw


def attempt(tools, job, attempts):
    """Runs a job as Procrastinate does."""
    given = Job(
        id=job.id, queue="default", lock=None, queueing_lock=None, task_name=job.task_name, task_kwargs=job.args,
        attempts=attempts,
    )  # fmt: skip
    context = JobContext(app=None, job=given, start_timestamp=0.0, abort_reason=lambda: None)
    _task(tools, JOBS[job.task_name])(context, **job.args)


def items(database):
    with database.transaction() as tx:
        return list(tx.scalars(select(StartItem).order_by(StartItem.id)))


def test_a_row_that_breaks_is_tried_five_times_then_failed_with_an_incident(own_database, kernel, monkeypatch):
    prepared(own_database, kernel, 2)
    tools = Tools(own_database, MemoryStore(), kernel, "https://portal.example")
    first, second = waiting(own_database)
    begin = bulk.begin

    def broken(act, slug, given, by):
        begun = begin(act, slug, given, by)
        return begun if by.item == 2 else 1 / 0

    monkeypatch.setattr(bulk, "begin", broken)
    for attempts in range(4):
        with pytest.raises(ZeroDivisionError):
            attempt(tools, first, attempts)
    assert [item.state for item in items(own_database)] == ["waiting", "waiting"]
    assert incidents(own_database) == []

    attempt(tools, first, 4)
    attempt(tools, second, 0)
    attempt(tools, first, 5)
    one, two = items(own_database)
    assert (one.state, one.fault, two.state) == ("failed", bulk.BROKEN, "started")
    [incident] = incidents(own_database)
    assert (incident.case_id, incident.what) == (one.starter_id, "ZeroDivisionError: division by zero")


def test_a_row_whose_job_kept_killing_its_workers_is_given_up(own_database, kernel):
    prepared(own_database, kernel, 1)
    tools = Tools(own_database, MemoryStore(), kernel, "https://portal.example")
    [job] = waiting(own_database)
    attempt(tools, job, 5)
    [item] = items(own_database)
    assert (item.state, item.fault) == ("failed", bulk.BROKEN)
    assert incidents(own_database)[0].what == DIED
