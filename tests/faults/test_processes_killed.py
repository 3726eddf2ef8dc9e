"""Pages and worker are killed at random moments while people file with uploads: nothing is lost, nothing is doubled."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field

import pytest

from tests.builders.proving import RESULTS, Proof
from tests.builders.running import Running, Servers
from tests.faults import filings
from tests.faults.changes import QUICK
from tests.faults.changes import __name__ as CHANGES
from tests.faults.filings import Writer, filed_so_far, leftovers, lost_or_doubled, swept, unsound, wait_for_more

WRITERS = 4
REAL = (f"{CHANGES}:impatient",)
"""Letters are rendered as they are in earnest; only that a dead worker is noticed sooner."""
VICTIMS = ("page", "page", "page", "worker", "worker", "pages")
"""What is killed, as often as it stands here: a process that serves, the worker, or all of `portal web`."""
MOST_WAIT = 0.15
"""Seconds at most between a form that was acknowledged and the next kill."""


@dataclass
class Killing:
    """What was killed how often, and what it hit."""

    killed: Counter[str] = field(default_factory=Counter)
    jobs_hit: int = 0
    """Jobs that a worker was doing when it was killed."""


def kill_one(running: Running, victim: str, dice: random.Random, so_far: Killing) -> None:
    """Kills something and has it started again, as `portal run` and gunicorn do."""
    so_far.killed[victim] += 1
    if victim == "page":
        assert running.web is not None
        serving = running.web.children()
        os.kill(dice.choice(serving), signal.SIGKILL)
    elif victim == "pages":
        running.kill_web()
        running.start_web()
    else:
        running.kill_worker()
        so_far.jobs_hit += running.servers.number("SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'")
        running.start_worker()


def kill_at_random(running: Running, writers: list[Writer], kills: int, dice: random.Random) -> Killing:
    """Kills so often, each time after a form was acknowledged and a moment that nobody foresees."""
    done = Killing()
    for _ in range(kills):
        wait_for_more(running, writers)
        time.sleep(dice.uniform(0, MOST_WAIT))
        kill_one(running, dice.choice(VICTIMS), dice, done)
    return done


def test_what_is_killed_at_any_moment_loses_and_doubles_nothing(servers: Servers, proof: Proof) -> None:
    kills, dice = proof.size(30, 100, 2000), proof.dice
    swept(servers)
    broken_before = servers.broken_off()
    with servers.running(*(REAL if RESULTS else QUICK)) as running:
        with filings.writing(running, WRITERS, dice) as writers:
            began = time.monotonic()
            killing = kill_at_random(running, writers, kills, dice)
            seconds = time.monotonic() - began
            running.wait_for_pages()
        filings.jobs_done(running, 3600 if RESULTS else 120)
    assert lost_or_doubled(servers, writers) == []
    assert unsound(servers) == []
    left = leftovers(servers)
    mid_act = servers.broken_off() - broken_before
    assert swept(servers) == filings.Leftovers(0, 0)
    assert unsound(servers) == []
    assert mid_act > 0, "toothless: no kill fell into an act"
    assert left.objects > 0, "toothless: no kill has left an object without a row"
    proof.says(
        "R3",
        f"kill -9 of pages and worker, {kills} times at random moments, while {WRITERS} people file with uploads",
        "nothing acknowledged lost, nothing doubled, no broken audit link, no number missing or twice, no row without "
        "its object; orphans are swept",
        kills=dict(killing.killed),
        seconds=round(seconds, 1),
        acknowledged=filed_so_far(writers),
        unanswered=sum(len(one.broken) for one in writers),
        killed_in_a_transaction=mid_act,
        jobs_hit=killing.jobs_hit,
        lost=0,
        doubled=0,
        orphan_objects=left.objects,
        unused_uploads=left.uploads,
        left_after_sweeping=0,
    )


@pytest.mark.thorough
def test_rows_before_their_objects_are_found_out(spoiled: Servers, proof: Proof) -> None:
    dice = proof.dice
    with spoiled.running(*QUICK, f"{CHANGES}:keeps_later") as running:
        with filings.writing(running, WRITERS, dice) as writers:
            kill_at_random(running, writers, 10, dice)
            running.wait_for_pages()
        time.sleep(1)
    missing = [one for one in unsound(spoiled) if "is missing" in one]
    assert missing != []
    proof.catches("R3", "a row is written before its object is kept", rows_without_object=len(missing))


@pytest.mark.thorough
def test_a_form_that_is_not_known_again_is_doubled(spoiled: Servers, proof: Proof) -> None:
    dice = proof.dice
    with spoiled.running(*QUICK, f"{CHANGES}:no_once") as running:
        with filings.writing(running, WRITERS, dice) as writers:
            kill_at_random(running, writers, 60, dice)
            running.wait_for_pages()
        filings.jobs_done(running, 60)
    doubled = [one for one in lost_or_doubled(spoiled, writers) if "is there" in one]
    assert doubled != []
    proof.catches("R3", "a form that is posted again is not looked for", doubled=len(doubled))
