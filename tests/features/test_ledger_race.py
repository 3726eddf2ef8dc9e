"""R11: many who take from the same accounts at the same moment never take more than is there."""

import random
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
ISSUED = 1000
THREADS, ATTEMPTS = 8, 40
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


def race(shop):
    """Take at random until much more was asked for than is there; how the attempts ended."""
    seed = random.randrange(2**32)
    print(f"{seed=}")
    for organisation_id in ORGANISATIONS:
        with shop.transaction() as tx:
            post(tx, f"issue {organisation_id}", organisation_id, ISSUED)
    together = Barrier(THREADS)

    def racer(number):
        luck, ends = random.Random(seed + number), Counter()
        together.wait()
        for attempt in range(ATTEMPTS):
            try:
                with shop.transaction() as tx:
                    post(tx, f"{number} {attempt}", luck.choice(ORGANISATIONS), -20)
                ends["posted"] += 1
            except InsufficientBalance:
                ends["refused"] += 1
        return ends

    with ThreadPoolExecutor(THREADS) as pool:
        ends = sum(pool.map(racer, range(THREADS)), Counter())
    print(dict(ends))
    return ends


def problems(shop):
    """What the nightly check finds."""
    with shop.transaction() as tx:
        return ledger.invariants(tx)


def test_nobody_takes_what_is_not_there(shop):
    ends = race(shop)
    assert sum(ends.values()) == THREADS * ATTEMPTS
    assert ends["posted"]
    assert ends["refused"]
    assert problems(shop) == []
    with shop.transaction() as tx:
        for organisation_id in ORGANISATIONS:
            balances = [line.balance for line in ledger.statement(tx, organisation_id)]
            assert balances == list(range(ISSUED, balances[-1] - 1, -20))


def test_without_lock_and_check_the_same_race_overspends_and_is_found_out(shop, monkeypatch):
    """The mutant: had the race no teeth, or the check no eyes, this would fail."""
    with shop.transaction() as tx:
        tx.execute(text("ALTER TABLE ledger_balances DROP CONSTRAINT ck_ledger_balances_not_negative"))

    def without_lock(tx, account_ids):
        holding = select(Account.id).where(Account.id.in_(account_ids), Account.organisation_id.is_not(None))
        return list(tx.scalars(holding))

    monkeypatch.setattr(queries, "lock_holdings", without_lock)
    race(shop)
    assert any("is overspent" in problem for problem in problems(shop))


def test_one_key_posted_by_all_at_once_is_posted_once(shop):
    together = Barrier(THREADS)

    def racer(_):
        together.wait()
        with shop.transaction() as tx:
            return post(tx, "one", 1, 500)

    with ThreadPoolExecutor(THREADS) as pool:
        first, *others = pool.map(racer, range(THREADS))
    assert others == [first] * (THREADS - 1)
    with shop.transaction() as tx:
        assert [line.amount for line in ledger.statement(tx, 1)] == [500]
    assert problems(shop) == []


def test_undoing_many_accounts_at_once_locks_them_in_one_order(shop):
    """No act is run again here: a deadlock would end the test."""
    luck = random.Random(4711)
    with shop.transaction() as tx:
        for case_id in range(1, THREADS + 1):
            for unit in luck.sample(ORGANISATIONS, len(ORGANISATIONS)):
                post(tx, f"{case_id} {unit}", unit, 100, case_id)
    together = Barrier(THREADS)

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

    with ThreadPoolExecutor(THREADS) as pool:
        assert [len(undone) for undone in pool.map(racer, range(1, THREADS + 1))] == [3] * THREADS
    assert problems(shop) == []
    with shop.transaction() as tx:
        assert [ledger.holdings(tx, unit)[0].balance for unit in ORGANISATIONS] == [0, 0, 0]
