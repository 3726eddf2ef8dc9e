"""Two people, or two workers, at one list in the same moment: one of them does it, and the end is told once."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest
from sqlalchemy import select, text

from portal.cases import bulk, deferred
from portal.cases.errors import ItemNotFailed
from portal.cases.family import Family
from portal.cases.models import Case
from tests.builders.lists import listed
from tests.builders.world import CEMENT, STEEL
from tests.features.test_start_each import NOBODY, Office


@pytest.fixture
def office(own_database):
    return Office.over(own_database, listed())


def together(*verbs):
    """Does all at once; what each gave or raised."""
    gate, results = threading.Barrier(len(verbs)), [None] * len(verbs)

    def run(place, verb):
        gate.wait(5)
        try:
            results[place] = verb()
        except Exception as error:
            results[place] = error

    threads = [threading.Thread(target=run, args=(place, verb)) for place, verb in enumerate(verbs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def jobs(office, name):
    query = text("SELECT id, args FROM procrastinate_jobs WHERE task_name = :name ORDER BY id")
    return office.run.read(lambda tx: tx.execute(query, {"name": name}).all())


def test_two_people_try_the_same_row_again(office):
    grant = office.grant((NOBODY, 7))
    [item] = office.items(grant)
    office.works = False
    qian = office.person("钱", "handler")
    for again in range(5):
        results = together(
            *(
                lambda who=who: office.run.act(lambda tx: bulk.retry(office.kernel, tx, who, item.id, office.now))
                for who in (office.zhou, qian)
            )
        )
        assert sorted(type(result).__name__ for result in results) == ["ItemNotFailed", "NoneType"]
        [job] = jobs(office, bulk.START)
        assert len(grant.entries("item.retried")) == again + 1
        office.works = True
        office._follow_up()
        office.works = False
        assert office.states(grant) == ["failed"]
        assert jobs(office, bulk.START) == []
        assert job.args == {"item_id": item.id}
    assert office.breaks() == []


def test_one_tries_again_while_another_gives_up(office):
    grant = office.grant((NOBODY, 7))
    [item] = office.items(grant)
    office.works = False
    results = together(
        lambda: office.run.act(lambda tx: bulk.retry(office.kernel, tx, office.zhou, item.id, office.now)),
        lambda: office.run.act(lambda tx: bulk.drop(office.kernel, tx, office.zhou, item.id, "不要", office.now)),
    )
    assert [type(result) for result in results].count(ItemNotFailed) == 1
    assert (office.states(grant), len(jobs(office, bulk.START))) in ((["waiting"], 1), (["dropped"], 0))


def test_the_same_job_is_run_by_two_workers(office):
    office.works = False
    grant = office.grant((CEMENT, 5))
    [item] = office.items(grant)
    work = [
        lambda job=job: office.run.act(
            lambda tx: deferred.do(office.kernel, tx, office.now, bulk.START, {"item_id": item.id}, job)
        )
        for job in ("1", "1", "2")
    ]
    assert together(*work) == [None] * 3
    assert (len(office.cases("notice")), office.states(grant)) == (1, ["started"])


def both_ended(office):
    """Both notices have ended; the jobs that count them wait."""
    grant = office.grant((CEMENT, 100), (STEEL, 250))
    office.works = False
    office.final(grant)
    return grant


def counted(office):
    ended = jobs(office, "cases.item_ended")
    return together(
        *(
            lambda job=job: office.run.act(
                lambda tx: deferred.do(office.kernel, tx, office.now, "cases.item_ended", job.args, str(job.id))
            )
            for job in ended
        )
    )


def test_the_last_two_end_at_the_same_time(office, monkeypatch):
    grant = both_ended(office)
    _meeting(monkeypatch)
    assert counted(office) == [None, None]
    assert (office.states(grant), grant.outcome) == (["ended", "ended"], "全部办结")
    assert len(grant.entries("message.received")) == 1
    assert office.breaks() == []


def test_without_the_lock_nobody_would_tell(office, monkeypatch):
    grant = both_ended(office)
    _meeting(monkeypatch, 20)

    def unlocked(cls, kernel, tx, case_id):
        return cls(kernel, tx, tx.scalar(select(Case.root_id).where(Case.id == case_id)))

    monkeypatch.setattr(Family, "lock", classmethod(unlocked))
    assert counted(office) == [None, None]
    assert (office.states(grant), grant.outcome) == (["ended", "ended"], None)


def _meeting(monkeypatch, seconds=1):
    """Each waits a while for the other before it counts, and after; under the lock they never meet."""
    meeting, tell = threading.Barrier(2), bulk._tell_if_over

    def meet_and_tell(act, starter):
        act.tx.flush()
        with suppress(threading.BrokenBarrierError):
            meeting.wait(seconds)
        tell(act, starter)
        with suppress(threading.BrokenBarrierError):
            meeting.wait(seconds)

    monkeypatch.setattr(bulk, "_tell_if_over", meet_and_tell)
