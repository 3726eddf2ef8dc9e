"""R13: what a database superuser does to a history without recomputing its chain is found, by the nightly proof.

He edits, deletes, inserts and swaps entries, and cuts off the last ones; what he does is committed, so that the
proof is the one that `portal audit verify` does, over all cases and every row that their histories vouch for.
"""

from __future__ import annotations

import os
import time

import pytest
from sqlalchemy import text

from bench import timers
from portal import clock
from portal.audit import rules
from portal.audit.rules import Chain
from portal.audit.service import verify as verify_entries
from portal.cases import checking
from portal.db import Database
from tests.builders.databases import copied

CASES = 8
COLUMNS = [
    "moment = moment + interval '1 microsecond'",
    "act_id = act_id + 1",
    "kind = 'task.claimed'",
    "actor_id = coalesce(actor_id, 0) + 1",
    "on_behalf = 77",
    "element = coalesce(element, '') || 'x'",
    """details = details || '{"amount": "120001"}'""",
    "previous = hash",
    "hash = sha256(hash)",
]
WHOLE = "moment, act_id, kind, actor_id, on_behalf, element, details"
TAMPERING = {
    "edit": "UPDATE audit_entries SET {column} WHERE case_id = :case AND seq = :seq",
    "delete": "DELETE FROM audit_entries WHERE case_id = :case AND seq = :seq",
    "insert": (
        f"INSERT INTO audit_entries (case_id, seq, {WHOLE}, previous, hash) SELECT case_id, :length + 1, {WHOLE}, "
        "previous, hash FROM audit_entries WHERE case_id = :case AND seq = :seq"
    ),
    "swap": (
        "UPDATE audit_entries a SET moment = b.moment, act_id = b.act_id, kind = b.kind, element = b.element, "
        "details = b.details FROM audit_entries b WHERE a.case_id = :case AND b.case_id = :case "
        "AND a.seq IN (:seq, :other) AND b.seq = :seq + :other - a.seq"
    ),
    "cut the tail": "DELETE FROM audit_entries WHERE case_id = :case AND seq >= :seq",
}


@pytest.fixture(scope="module")
def histories(postgres, template):
    """Cases with their histories, and how long each is; what is done to them is undone."""
    moment = clock.now()
    with copied(postgres, f"portal_histories_{os.getpid()}", template) as url:
        database = Database(url)
        timers.waiting(database, timers.settle(database, moment), CASES, moment)
        with database.transaction() as tx:
            tx.execute(text("CREATE TABLE kept AS TABLE audit_entries"))
            rows = tx.execute(text("SELECT case_id, max(seq) FROM audit_entries GROUP BY case_id ORDER BY case_id"))
            lengths = [tuple(row) for row in rows]
        yield database, lengths
        database.close()


def as_superuser(database, statement, **facts):
    """What someone with all rights on the database can do."""
    with database.transaction() as tx:
        tx.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER append_only"))
        tx.execute(text(statement), facts)
        tx.execute(text("ALTER TABLE audit_entries ENABLE ALWAYS TRIGGER append_only"))


def undone(database):
    as_superuser(database, "DELETE FROM audit_entries")
    with database.transaction() as tx:
        tx.execute(text("INSERT INTO audit_entries TABLE kept"))


def found_in(database):
    """The cases in whose histories the proof finds a break."""
    with database.transaction() as tx:
        return {one.case_id for one in checking.verify(tx).breaks}


def tampered(histories, way, times, dice):
    """Tampers so often, somewhere else each time; in how many of them exactly that case was found."""
    database, lengths = histories
    found = 0
    for _ in range(times):
        case, length = dice.choice(lengths)
        seq, other = dice.sample(range(1, length + 1), 2)
        statement = TAMPERING[way].replace("{column}", dice.choice(COLUMNS))
        facts = {"case": case, "seq": seq, "other": other, "length": length}
        named = {name: value for name, value in facts.items() if f":{name}" in statement}
        as_superuser(database, statement, **named)
        found += found_in(database) == {case}
        undone(database)
    return found


@pytest.mark.timeout(900)
@pytest.mark.parametrize("way", TAMPERING)
def test_tampering_by_a_superuser_is_found(histories, way, proof):
    times = proof.size(5, 20, 100)
    found = tampered(histories, way, times, proof.dice)
    proof.says("R13", f"a history tampered with as superuser: {way}", "100 % found", rows=times, found=found)
    assert found == times
    assert found_in(histories[0]) == set()


# Each check of the proof that is left out lets something pass


def nothing(*_):
    """A check that finds nothing."""
    return []


MUTANTS = {
    "no entry's hash is computed again": ("edit", [(rules, "link", lambda previous, entry: entry.hash)]),
    "nobody asks which entry was the last, nor what the rows should be": (
        "cut the tail",
        [(rules, "_wrong_end", nothing), (checking.proof, "altered", nothing)],
    ),
}


@pytest.mark.thorough
@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_proof_that_asks_less_overlooks_it(histories, mutant, proof, monkeypatch):
    way, less = MUTANTS[mutant]
    for module, check, nought in less:
        monkeypatch.setattr(module, check, nought)
    times = proof.size(5, 20, 100)
    found = tampered(histories, way, times, proof.dice)
    proof.catches("R13", mutant, tampering=way, rows=times, found=found, overlooked=times - found)
    assert found < times


@pytest.mark.timeout(900)
def test_how_many_entries_are_proven_in_a_second(fresh_database, proof):
    cases = proof.size(100, 1000, 50_000)
    moment = clock.now()
    timers.waiting(fresh_database, timers.settle(fresh_database, moment), cases, moment)
    with fresh_database.transaction() as tx:
        rows = tx.execute(text("SELECT id, audit_length, audit_head FROM cases ORDER BY id")).all()
        began = time.perf_counter()
        breaks = verify_entries(tx, ((case_id, Chain(length, head)) for case_id, length, head in rows))
        seconds = time.perf_counter() - began
    entries = sum(length for _, length, _ in rows)
    proof.says(
        "R13",
        "how fast the chains are proven",
        "> 50,000 entries a second",
        entries=entries,
        entries_a_second=round(entries / seconds),
        breaks=len(breaks),
    )
    proof.aims("entries_a_second", at_least=50_000)
    assert breaks == []
