"""Workers warn in time and once, whoever else is at work, breaks or is killed."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from portal.calendar import service as calendars
from portal.cases import reckoning, warning
from portal.cases.models import ActRecord
from portal.storage import MemoryStore
from portal.worker import Tools, timers
from portal.worker.timers import REST, WARNINGS_AT_ONCE, Timers, warn_one
from tests.builders.warned import FILED, matters, messages, warned_content
from tests.builders.world import World
from tests.features.test_calendar_versions import NOTICE
from tests.worker.conftest import incidents, jobs, moments_from

WORKER = Path(__file__).with_name("quick_worker.py")


@pytest.fixture
def world(own_database):
    world = World.over(own_database, warned_content())
    world.officer, world.leader = world.person("周", "officer"), world.person("陈", "leader")
    world.at(FILED)
    return world


@pytest.fixture
def tools(own_database, world) -> Tools:
    return Tools(own_database, MemoryStore(), world.kernel, "https://portal.example")


def filed(world, number: int):
    return [world.file("asked", world.wang, text="请办理") for _ in range(number)]


def test_a_warning_comes_within_two_seconds(world, tools):
    [case] = filed(world, 1)
    at = case.deadline("decide").warn_at
    moving = replace(tools, kernel=replace(world.kernel, now=moments_from(at - timedelta(seconds=1))))
    stop = threading.Event()
    loop = threading.Thread(target=Timers(moving, stop).run)
    loop.start()
    end = time.monotonic() + 10
    while not messages(world) and time.monotonic() < end:
        time.sleep(0.02)
    late = moving.kernel.now(None) - at
    stop.set()
    loop.join(3)
    assert [title for _, _, title in messages(world)] == ["decide：第 5 个工作日"]
    assert timedelta(0) <= late <= timedelta(seconds=2)


def test_many_workers_warn_once(world, tools):
    cases = filed(world, 8)
    world.at("2026-10-10T00:00:00")

    def work() -> None:
        while warn_one(tools, world.now):
            pass

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert [case.kinds.count("deadline.warned") for case in cases] == [1] * 8
    assert [case.kinds.count("matter.raised") for case in cases] == [1] * 8
    assert len(messages(world)) == 8
    assert matters(world) == [("leader", "overdue", None)] * 8
    assert world.breaks() == []


def test_warnings_do_not_keep_the_timers_waiting(world, tools, monkeypatch):
    filed(world, WARNINGS_AT_ONCE + 5)
    world.at("2026-09-24T09:00:00")
    looked: list[int] = []
    monkeypatch.setattr(timers, "fire_one", lambda *_: looked.append(len(messages(world))) or False)
    loop = Timers(tools, threading.Event())
    assert loop.round() == timedelta(0)
    assert loop.round() > timedelta(0)
    assert looked == [0, WARNINGS_AT_ONCE]
    assert len(messages(world)) == WARNINGS_AT_ONCE + 5


def test_a_family_that_breaks_says_nothing_and_is_tried_again(world, tools, own_database, monkeypatch):
    broken, other = filed(world, 2)
    world.at("2026-09-24T09:00:00")
    right = warning._say

    def break_one(act, case, deadline, said):
        right(act, case, deadline, said)
        if case.id == broken.id:
            raise ValueError("broken")

    monkeypatch.setattr(warning, "_say", break_one)
    while warn_one(tools, world.now):
        pass
    assert [message[0] for message in messages(world)] == [world.officer.person_id]
    assert "deadline.warned" in other.kinds
    assert "deadline.warned" not in broken.kinds
    assert [incident.case_id for incident in incidents(own_database)] == [broken.id]
    monkeypatch.setattr(warning, "_say", right)
    assert not warn_one(tools, world.now + REST - timedelta(seconds=1))
    assert warn_one(tools, world.now + REST)
    [entry] = broken.entries("deadline.warned")
    assert entry.details["warnings"] == ["day 5"]


@pytest.mark.thorough
def test_workers_that_are_killed_lose_nothing_and_say_nothing_twice(world, own_database):
    """Ten families get a new calendar by jobs and warnings by the loop, while worker after worker is killed."""
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    dice = random.Random(seed)
    world.at("2027-02-01T10:00:00")
    cases = filed(world, 10)
    world.works = False
    own_database.attempt(lambda tx: reckoning.enter(world.kernel, tx, NOTICE, world.officer, 0, world.now))
    world.at("2027-02-14T09:00:00")  # day 6 by the new calendar: day 5 was the day before
    for kill in range(4):
        worker = _start(own_database, f"{seed}-{kill}", world.now.isoformat())
        time.sleep(dice.uniform(1.5, 3))
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    before = newest_worker(own_database)
    last = _start(own_database, f"{seed}-last", world.now.isoformat())
    end = time.monotonic() + 60
    # Those before it may have done everything; told to end before it listens, it could not end cleanly.
    while jobs(own_database) or len(messages(world)) < 20 or newest_worker(own_database) <= before:
        assert time.monotonic() < end
        time.sleep(0.1)
    time.sleep(1)
    last.send_signal(signal.SIGTERM)
    assert last.wait(5) == 0
    with own_database.transaction() as tx:
        assert reckoning.waiting(tx, world.now) == 0
        assert calendars.current(tx).version > 0
        recomputed = tx.scalars(select(ActRecord.job).where(ActRecord.kind == "recompute")).all()
    assert len(set(recomputed)) == len(recomputed)
    assert [case.kinds.count("deadline.moved") for case in cases] == [1] * 10
    assert [case.kinds.count("deadline.warned") for case in cases] == [1] * 10
    told = Counter(title for _person, _at, title in messages(world))
    assert told == {"期限因放假安排调整": 10, "decide：第 5 个工作日": 10}
    assert incidents(own_database) == []
    assert world.breaks() == []


def newest_worker(database) -> int:
    """The id of the worker that registered last, which it does once it listens to signals."""
    with database.transaction() as tx:
        return tx.scalar(text("SELECT coalesce(max(id), 0) FROM procrastinate_workers"))


def _start(database, seed: str, moment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, str(WORKER), database.url, seed, moment])
