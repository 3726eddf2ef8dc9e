"""PostgreSQL is killed under people who file, and while stalled jobs are recovered: nothing acknowledged is lost, no
job is left."""

from __future__ import annotations

import random
import time

import pytest
from sqlalchemy import text

from tests.builders.proving import RESULTS, Proof
from tests.builders.running import Running, Servers, wait_until
from tests.faults import filings
from tests.faults.changes import QUICK
from tests.faults.changes import __name__ as CHANGES
from tests.faults.filings import Writer, filed_so_far, lost_or_doubled, settled, unsound, wait_for_more

WRITERS = 4
IN_TRANSACTIONS = (
    "SELECT count(*) FROM pg_stat_activity WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid() "
    "AND backend_type = 'client backend'"
)
STRANDED_AFTER = 60


def kill_under(running: Running, writers: list[Writer], kills: int, dice: random.Random) -> tuple[list[float], int]:
    """Kills PostgreSQL so often; the seconds until a form was acknowledged again, and the transactions it was in."""
    servers, back, hit = running.servers, list[float](), 0
    for _ in range(kills):
        wait_for_more(running, writers)
        time.sleep(dice.uniform(0, 0.3))
        hit += servers.number(IN_TRANSACTIONS)
        servers.kill_postgres()
        killed = time.monotonic()
        servers.postgres.start_again()
        wait_for_more(running, writers)
        back.append(time.monotonic() - killed)
    return back, hit


def test_a_database_that_is_killed_has_kept_what_was_acknowledged(servers: Servers, proof: Proof) -> None:
    kills, dice = proof.size(2, 10, 20), proof.dice
    with servers.running(*QUICK) as running:
        with filings.writing(running, WRITERS, dice) as writers:
            back, hit = kill_under(running, writers, kills, dice)
        filings.jobs_done(running, 60)
    assert lost_or_doubled(servers, writers) == []
    assert unsound(servers) == []
    assert hit > 0, "toothless: no kill fell into a transaction"
    proof.says(
        "R4",
        f"kill -9 of the whole PostgreSQL, {kills} times, while {WRITERS} people file",
        "nothing acknowledged lost; back within 10 s",
        kills=kills,
        acknowledged=filed_so_far(writers),
        told_to_try_again=sum(sum(one.refused.values()) for one in writers),
        transactions_hit=hit,
        lost=0,
        doubled=0,
        slowest_back_s=round(max(back), 1),
    )
    proof.aims("slowest_back_s", at_most=10)


@pytest.mark.thorough
def test_commits_that_are_not_on_disk_are_found_out(proof: Proof) -> None:
    dice = proof.dice
    with settled(synchronous_commit="off", wal_writer_delay="10s") as spoiled:
        with spoiled.running(*QUICK) as running, filings.writing(running, WRITERS, dice) as writers:
            # What the writers need in order to go on is on disk: their sessions.
            spoiled.number("SELECT 0 FROM pg_switch_wal()")
            kill_under(running, writers, 3, dice)
        lost = lost_or_doubled(spoiled, writers)
    assert lost != []
    proof.catches("R4", "a commit is acknowledged before it is on disk", found=len(lost))


# A restart during recovery


def leave_behind(servers: Servers) -> int:
    """Makes every waiting job one that a worker was doing which has died; how many."""
    with servers.database.transaction() as tx:
        dead = tx.execute(
            text("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id")
        ).scalar_one()
        left = "UPDATE procrastinate_jobs SET status = 'doing', worker_id = :dead WHERE status = 'todo' RETURNING id"
        return len(tx.execute(text(left), {"dead": dead}).all())


def stranded(servers: Servers) -> list[tuple[object, ...]]:
    """The jobs that are neither done nor put off for a while."""
    with servers.database.transaction() as tx:
        off = set(
            tx.execute(
                text("SELECT id FROM procrastinate_jobs WHERE status = 'todo' AND scheduled_at > now()")
            ).scalars()
        )
    return [job for job in filings.jobs_left(servers) if job[0] not in off]


def restarted_during_recovery(running: Running, jobs: int, dice: random.Random) -> int:
    """Leaves jobs behind, and kills PostgreSQL while a worker recovers them; how many were still to be recovered."""
    servers = running.servers
    with filings.writing(running, WRITERS, dice) as writers:
        wait_until(lambda: filed_so_far(writers) >= jobs, 120, lambda: running.said)
    left = leave_behind(servers)
    doing = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'"
    running.start_worker()
    wait_until(lambda: servers.number(doing) < left, 60, lambda: running.said)
    time.sleep(dice.uniform(0, 0.05))
    still = servers.number(doing)
    servers.kill_postgres()
    servers.postgres.start_again()
    wait_until(servers.postgres_answers, 60)
    return still


def test_a_database_restarted_during_recovery_strands_no_job(servers: Servers, proof: Proof) -> None:
    times, jobs, dice = proof.size(1, 5, 20), 12, proof.dice
    caught, done = list[int](), list[float]()
    for _ in range(times):
        with servers.running(*([] if RESULTS else QUICK), worker=False) as running:
            caught.append(restarted_during_recovery(running, jobs, dice))
            began = time.monotonic()
            wait_until(lambda: stranded(servers) == [], STRANDED_AFTER, lambda: f"{stranded(servers)}\n{running.said}")
            done.append(time.monotonic() - began)
            filings.jobs_done(running, 240)  # one that failed as the database went away pauses
    assert unsound(servers) == []
    assert sum(caught) > 0, "toothless: all jobs had been recovered before the restart"
    proof.says(
        "R5",
        f"PostgreSQL killed and restarted while {jobs} stalled jobs are recovered, {times} times",
        f"no stranded job after {STRANDED_AFTER} s",
        restarts=times,
        jobs_each=jobs,
        still_to_be_recovered=caught,
        stranded=0,
        slowest_s=round(max(done), 1),
    )


@pytest.mark.thorough
def test_jobs_that_nobody_recovers_are_found_out(spoiled: Servers, proof: Proof) -> None:
    with spoiled.running(*QUICK, f"{CHANGES}:recovers_nothing", worker=False) as running:
        with filings.writing(running, WRITERS, proof.dice) as writers:
            wait_for_more(running, writers)
        left = leave_behind(spoiled)
        running.start_worker()
        time.sleep(5)
        found = len(stranded(spoiled))
    assert found == left > 0
    proof.catches("R5", "nobody looks for jobs that were left behind", stranded=found)
