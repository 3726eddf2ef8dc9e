"""A worker that is killed at any moment loses no job and does none twice."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import text

from portal.db import Database
from tests.worker.conftest import incidents, jobs, letters, rendering_acts

WORKER = Path(__file__).with_name("quick_worker.py")
LETTERS = 16
KILLS = 5


def start(database: Database, seed: str, moment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, str(WORKER), database.url, seed, moment])


def unfinished_but_done(database: Database) -> int:
    """How many running jobs have committed their act already: what a careless worker would do twice."""
    with database.transaction() as tx:
        query = "SELECT count(*) FROM procrastinate_jobs j JOIN acts a ON a.job = j.id::text WHERE j.status = 'doing'"
        return tx.scalar(text(query)) or 0


def test_no_letter_is_lost_or_doubled(bureau, own_database):
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    dice = random.Random(seed)
    notices = [bureau.notice() for _ in range(LETTERS)]
    moment, between = bureau.now.isoformat(), 0
    for kill in range(KILLS):
        before = len(rendering_acts(own_database))
        worker = start(own_database, f"{seed}-{kill}", moment)
        wait_until(lambda done=before: len(rendering_acts(own_database)) > done, 20)
        time.sleep(dice.uniform(0, 0.2))
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        between += unfinished_but_done(own_database)
    last = start(own_database, f"{seed}-last", moment)
    wait_until(lambda: jobs(own_database) == [], 60)
    last.send_signal(signal.SIGTERM)
    assert last.wait(5) == 0

    assert [letter.state for letter in letters(own_database)] == ["ready"] * LETTERS
    done = rendering_acts(own_database)
    assert len(done) == len(set(done)) == LETTERS
    assert [notice.kinds.count("letter.rendered") for notice in notices] == [1] * LETTERS
    assert incidents(own_database) == []
    assert bureau.breaks() == []
    assert between > 0, f"toothless with seed {seed}: no kill fell between a commit and its job's end"


def wait_until(condition, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.02)
