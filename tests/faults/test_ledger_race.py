"""R11: many who take from the same accounts at the same moment never take more than is there."""

import random
import time
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest
from sqlalchemy import select, text

from portal import ledger
from portal.db import Base, Database
from portal.ledger import Asset, InsufficientBalance, queries
from portal.ledger.models import Account

ALLOWANCE = Asset("chongqing-ets", "allowance")
FREE = {"year": 2025, "kind": "免费"}
MOMENT = datetime(2026, 9, 24, 10, 0, tzinfo=UTC)
ORGANISATIONS = (1, 2, 3)
THREADS, FEW = 32, 8
ASKED = 20
"""What each attempt takes."""
TABLES = ("ledger_accounts", "ledger_transfers", "ledger_entries", "ledger_balances")


@pytest.fixture
def shop(database):
    """A ledger of its own, in a schema that is thrown away: what is posted here is committed."""
    with database.transaction() as tx:
        tx.execute(text("DROP SCHEMA IF EXISTS ledger_race CASCADE"))
        tx.execute(text("CREATE SCHEMA ledger_race"))
        for table in ("cases", "organisations"):
            tx.execute(text(f"CREATE TABLE ledger_race.{table} (id bigint PRIMARY KEY)"))
            tx.execute(text(f"INSERT INTO ledger_race.{table} SELECT generate_series(1, 9)"))
    shop = Database(database.url, schema="ledger_race", pool_size=THREADS)
    Base.metadata.create_all(shop.engine, [Base.metadata.tables[name] for name in TABLES])
    yield shop
    shop.close()
    with database.transaction() as tx:
        tx.execute(text("DROP SCHEMA ledger_race CASCADE"))


def post(tx, key, organisation_id, amount, case_id=1):
    return ledger.post(
        tx,
        key=key,
        case_id=case_id,
        act_id=zlib.crc32(key.encode()),
        moment=MOMENT,
        organisation_id=organisation_id,
        asset=ALLOWANCE,
        amount=amount,
        dimensions=FREE,
        kind="清缴",
        basis="26",
    )


def race(shop, seed, attempts, issued):
    """Take at random, so often each, until much more was asked for than is there; how the attempts ended."""
    for organisation_id in ORGANISATIONS:
        with shop.transaction() as tx:
            post(tx, f"issue {organisation_id}", organisation_id, issued)
    together = Barrier(THREADS)

    def racer(number):
        luck, ends = random.Random(seed + number), Counter()
        together.wait()
        for attempt in range(attempts):
            try:
                with shop.transaction() as tx:
                    post(tx, f"{number} {attempt}", luck.choice(ORGANISATIONS), -ASKED)
                ends["posted"] += 1
            except InsufficientBalance:
                ends["refused"] += 1
        return ends

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(racer, range(THREADS)), Counter())


def problems(shop):
    """What the nightly check finds."""
    with shop.transaction() as tx:
        return ledger.invariants(tx)


def serials(shop):
    """How many postings there are, and how many different keys and numbers they have."""
    with shop.transaction() as tx:
        return tuple(
            tx.execute(text("SELECT count(*), count(DISTINCT key), count(DISTINCT id) FROM ledger_transfers")).one()
        )


def half_of(attempts):
    """So much for each that all together can take half of what they ask for, in whole attempts."""
    return THREADS * attempts // (2 * len(ORGANISATIONS)) * ASKED


def test_nobody_takes_what_is_not_there(shop, proof):
    attempts = proof.size(10, 20, 150)
    issued, began = half_of(attempts), time.monotonic()
    ends = race(shop, proof.seed, attempts, issued)
    seconds = time.monotonic() - began
    with shop.transaction() as tx:
        balances = {one: [line.balance for line in ledger.statement(tx, one)] for one in ORGANISATIONS}
        total = tx.scalar(text("SELECT sum(amount) FROM ledger_entries"))
    posted, keys, numbers = serials(shop)
    proof.says(
        "R11",
        "ledger race: many take from the same accounts at the same moment",
        "sum = 0, min balance >= 0, cached = sum of entries, numbers unique",
        threads=THREADS,
        attempts=THREADS * attempts,
        posted=ends["posted"],
        refused=ends["refused"],
        sum=int(total),
        lowest=int(min(min(each) for each in balances.values())),
        faults=len(problems(shop)),
        seconds=round(seconds, 1),
    )
    assert sum(ends.values()) == THREADS * attempts
    assert ends["posted"]
    assert ends["refused"]
    assert problems(shop) == []
    assert total == 0
    assert posted == keys == numbers == ends["posted"] + len(ORGANISATIONS)
    for each in balances.values():
        assert each == list(range(issued, each[-1] - 1, -ASKED))


def test_without_lock_and_check_the_same_race_overspends_and_is_found_out(shop, proof, monkeypatch):
    """The mutant: had the race no teeth, or the check no eyes, this would fail."""
    with shop.transaction() as tx:
        tx.execute(text("ALTER TABLE ledger_balances DROP CONSTRAINT ck_ledger_balances_not_negative"))

    def without_lock(tx, account_ids):
        holding = select(Account.id).where(Account.id.in_(account_ids), Account.organisation_id.is_not(None))
        return list(tx.scalars(holding))

    monkeypatch.setattr(queries, "lock_holdings", without_lock)
    attempts = proof.size(10, 20, 150)
    race(shop, proof.seed, attempts, half_of(attempts))
    found = [problem for problem in problems(shop) if "is overspent" in problem]
    proof.catches("R11", "no account is locked, and the CHECK is gone", found=found[:1])
    assert found


def test_one_key_posted_by_all_at_once_is_posted_once(shop):
    together = Barrier(FEW)

    def racer(_):
        together.wait()
        with shop.transaction() as tx:
            return post(tx, "one", 1, 500)

    with ThreadPoolExecutor(FEW) as pool:
        first, *others = pool.map(racer, range(FEW))
    assert others == [first] * (FEW - 1)
    with shop.transaction() as tx:
        assert [line.amount for line in ledger.statement(tx, 1)] == [500]
    assert problems(shop) == []


def test_undoing_many_accounts_at_once_locks_them_in_one_order(shop):
    """No act is run again here: a deadlock would end the test."""
    luck = random.Random(4711)
    with shop.transaction() as tx:
        for case_id in range(1, FEW + 1):
            for unit in luck.sample(ORGANISATIONS, len(ORGANISATIONS)):
                post(tx, f"{case_id} {unit}", unit, 100, case_id)
    together = Barrier(FEW)

    def racer(case_id):
        together.wait()
        with shop.transaction() as tx:
            return ledger.reverse(
                tx,
                key=f"undo {case_id}",
                of_case=case_id,
                case_id=9,
                act_id=1,
                moment=MOMENT,
                kind="冲销",
                basis="26",
            )

    with ThreadPoolExecutor(FEW) as pool:
        assert [len(undone) for undone in pool.map(racer, range(1, FEW + 1))] == [3] * FEW
    assert problems(shop) == []
    with shop.transaction() as tx:
        assert [ledger.holdings(tx, unit)[0].balance for unit in ORGANISATIONS] == [0, 0, 0]
