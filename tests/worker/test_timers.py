"""Timers fire in time, each family by itself: what breaks one leaves the others unharmed."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from portal import clock
from portal.cases.models import Case
from portal.db import Database
from portal.worker import Tools, timers
from portal.worker.timers import LONGEST_SLEEP, REST, Timers, fire_one
from tests.builders.world import STEEL, Bureau, Followed
from tests.worker.conftest import incidents, moments_from


def served(bureau: Bureau) -> list[Followed]:
    """Two notices of two families, both served: their periods end on 12 October at 24:00."""
    bureau.renders = True
    first, second = bureau.notice(), bureau.notice(STEEL)
    bureau.at("2026-09-24T10:00:00")
    bureau.sign_for(first, bureau.wang)
    bureau.sign_for(second, bureau.wu)
    return [first, second]


def running_from(tools: Tools, bureau: Bureau, start) -> Tools:
    """The same tools, their clock running from a moment on."""
    return replace(tools, kernel=replace(bureau.kernel, now=moments_from(start)))


def test_a_timer_fires_within_two_seconds(bureau, tools):
    notice, other = served(bureau)
    ripe = notice.ripe_at
    moving = running_from(tools, bureau, ripe - timedelta(seconds=1.5))
    stop = threading.Event()
    loop = threading.Thread(target=Timers(moving, stop).run)
    loop.start()
    end = time.monotonic() + 10
    while notice.outcome is None and time.monotonic() < end:
        time.sleep(0.02)
    late = moving.kernel.now(None) - ripe
    stop.set()
    loop.join(2)
    assert not loop.is_alive()
    assert notice.outcome == "已生效"
    assert timedelta(0) <= late <= timedelta(seconds=2)
    assert other.outcome == "已生效"


def test_nothing_fires_early(bureau, tools):
    notice, _ = served(bureau)
    assert not fire_one(tools, notice.ripe_at - timedelta(milliseconds=1))
    assert notice.outcome is None


def test_a_family_that_breaks_is_set_aside_and_the_others_go_on(bureau, tools, own_database):
    broken, other = served(bureau)
    with own_database.transaction() as tx:
        tx.execute(update(Case).where(Case.id == broken.id).values(state=b"rubbish"))
    now = other.ripe_at
    assert fire_one(tools, now)
    assert fire_one(tools, now)
    assert not fire_one(tools, now)

    assert (broken.outcome, broken.ripe_at) == (None, now)
    assert other.outcome == "已生效"
    [incident] = incidents(own_database)
    assert (incident.case_id, incident.during) == (broken.id, "到期自动办理")
    assert bureau.breaks() == []

    # It is tried again after its rest, and nobody is told twice.
    assert fire_one(tools, now + REST)
    assert not fire_one(tools, now + REST)
    assert len(incidents(own_database)) == 1


def test_a_family_that_was_mended_goes_on_after_its_rest(bureau, tools, own_database):
    broken, _ = served(bureau)
    state, now = broken.row.state, broken.ripe_at
    spoil = update(Case).where(Case.id == broken.id)
    with own_database.transaction() as tx:
        tx.execute(spoil.values(state=b"rubbish"))
    while fire_one(tools, now):
        pass
    with own_database.transaction() as tx:
        tx.execute(spoil.values(state=state))
    assert fire_one(tools, now + REST)
    assert broken.outcome == "已生效"


def test_a_timer_that_changes_nothing_does_not_spin(bureau, tools, own_database, monkeypatch):
    notice, _ = served(bureau)
    monkeypatch.setattr(timers, "fire_ripe", lambda *_: None)
    now = notice.ripe_at
    assert fire_one(tools, now)
    assert fire_one(tools, now)
    assert not fire_one(tools, now)
    assert len(incidents(own_database)) == 2


def test_two_workers_never_fire_the_same_timer(bureau, tools):
    notices = served(bureau)
    now = notices[0].ripe_at

    def work() -> None:
        while fire_one(tools, now):
            pass

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    for notice in notices:
        assert notice.kinds.count("timer.fired") == 1
    assert bureau.breaks() == []


def test_a_clock_that_is_wrong_claims_nothing_and_says_so_once(bureau, tools, monkeypatch, caplog):
    notice, _ = served(bureau)
    late = replace(tools, kernel=replace(bureau.kernel, now=lambda _tx: notice.ripe_at))
    right = clock.now
    monkeypatch.setattr(clock, "now", lambda: right() + timedelta(seconds=3))
    loop = Timers(late, threading.Event())
    with caplog.at_level(logging.WARNING):
        assert loop.round() == LONGEST_SLEEP
        assert loop.round() == LONGEST_SLEEP
    assert notice.outcome is None
    assert [record.message for record in caplog.records if "clock differs" in record.message] != []
    assert len(caplog.records) == 1
    monkeypatch.setattr(clock, "now", right)
    loop.round()
    assert notice.outcome == "已生效"


def test_an_outage_is_waited_out(bureau, tools, caplog):
    away = replace(tools, database=Database("postgresql://portal:x@/portal?host=%2Fnonexistent"))
    stop = threading.Event()
    loop = threading.Thread(target=Timers(away, stop).run)
    loop.start()
    time.sleep(1.3)
    assert loop.is_alive()
    stop.set()
    loop.join(3)
    assert not loop.is_alive()
    assert len([record for record in caplog.records if "wait for the database" in record.message]) == 1


@pytest.mark.parametrize("ahead", [timedelta(milliseconds=300), timedelta(hours=3)])
def test_it_sleeps_no_longer_than_to_the_next_timer_or_a_second(bureau, tools, ahead):
    notice, _ = served(bureau)
    before = replace(tools, kernel=replace(bureau.kernel, now=lambda _tx: notice.ripe_at - ahead))
    assert Timers(before, threading.Event()).round() == min(ahead, LONGEST_SLEEP)
