"""The object store is killed under people who file with uploads: what was acknowledged is there, as it was."""

from __future__ import annotations

import random
import time

import pytest

from tests.builders.proving import Proof
from tests.builders.running import Running, Servers
from tests.faults import filings
from tests.faults.changes import QUICK
from tests.faults.changes import __name__ as CHANGES
from tests.faults.filings import Leftovers, Writer, filed_so_far, lost_or_doubled, swept, unsound, wait_for_more

WRITERS = 4


def kill_under(running: Running, writers: list[Writer], kills: int, dice: random.Random) -> list[float]:
    """Kills the store so often; the seconds until a form with a file was acknowledged again."""
    back = []
    for _ in range(kills):
        wait_for_more(running, writers)
        time.sleep(dice.uniform(0, 0.3))
        running.servers.kill_store()
        killed = time.monotonic()
        running.servers.store.start_again()
        wait_for_more(running, writers)
        back.append(time.monotonic() - killed)
    return back


def test_a_store_that_is_killed_has_kept_what_was_acknowledged(servers: Servers, proof: Proof) -> None:
    kills, dice = proof.size(1, 3, 5), proof.dice
    with servers.running(*QUICK) as running:
        with filings.writing(running, WRITERS, dice) as writers:
            back = kill_under(running, writers, kills, dice)
        filings.jobs_done(running, 120)
    refused = sum(sum(one.refused.values()) for one in writers)
    assert lost_or_doubled(servers, writers) == []
    assert unsound(servers) == []
    assert refused > 0, "toothless: nobody noticed that the store was away"
    assert swept(servers) == Leftovers(0, 0)
    assert unsound(servers) == []
    proof.says(
        "R6",
        f"kill -9 of the object store, {kills} times, while {WRITERS} people file with uploads",
        "no acknowledged object lost, hashes equal",
        kills=kills,
        acknowledged=filed_so_far(writers),
        told_to_try_again=refused,
        lost=0,
        altered=0,
        slowest_back_s=round(max(back), 1),
    )


@pytest.mark.thorough
def test_a_file_acknowledged_before_it_is_kept_is_found_out(spoiled: Servers, proof: Proof) -> None:
    mutant = f"{CHANGES}:keeps_later"
    with spoiled.running(*QUICK, mutant) as running, filings.writing(running, WRITERS, proof.dice) as writers:
        kill_under(running, writers, 1, proof.dice)
    missing = [one for one in unsound(spoiled) if "is missing" in one]
    assert missing != []
    proof.catches("R6", "a file is acknowledged before the store has kept it", lost=len(missing))
