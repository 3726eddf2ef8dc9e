"""What an act costs: its SQL statements are few, and no more of them when there is more in the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from portal.cases.conduct import claim_ripe
from tests.builders.diagrams import flow, path, xor
from tests.builders.procedures import content, deadline, end, over, procedure, start, task
from tests.builders.world import Bureau, World

AGAIN = procedure(
    start(), task("do", form="choice"), xor("more", "no"), end(), path("start", "do", "more"),
    flow("more", "do", '=do.result = "继续"'), flow("more", "end", id="no"),
)  # fmt: skip
WAITING = procedure(
    start(),
    over("limit_over", "limit"),
    end(),
    path("start", "limit_over", "end"),
    manifest=deadline("limit", "3 days"),
)


# In each person's act one statement reads, once the lock is there, whether he still has what he came with.

# What a count may grow by before somebody looks at it.
MARGIN = 3


@contextmanager
def counted(tx) -> Iterator[list[str]]:
    """The statements that go to the database meanwhile, without savepoints and the like."""
    statements: list[str] = []

    def note(connection, cursor, statement, *_):
        if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK", "SET ")):
            statements.append(statement)

    engine = tx.get_bind().engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def costs(world, act) -> int:
    """How many statements an act takes, without the jobs that it defers; each is printed."""
    world.renders = world.works = False
    with counted(world.run.tx) as statements:
        act()
    print(*(statement.replace("\n", " ")[:110] for statement in statements), sep="\n")
    world.renders = world.works = True
    return len(statements)


def completing(world, officer, case, result="继续") -> int:
    task_id = world.task("do", case)
    return costs(world, lambda: world.complete(task_id, officer, case, result=result))


@pytest.fixture
def loop(tx):
    """A case in which one task is done again and again."""
    world = World.within(tx, content(again=AGAIN, waiting=WAITING))
    return world, world.person("周", "officer"), world.file("again", world.wang)


def test_completing_a_task_takes_few_statements(loop):
    world, officer, case = loop
    assert completing(world, officer, case) <= 13 + MARGIN


def test_completing_a_task_costs_the_same_after_10_and_after_60_others(loop):
    world, officer, case = loop
    for _ in range(10):
        world.complete("do", officer, case, result="继续")
    after_10 = completing(world, officer, case)
    for _ in range(50):
        world.complete("do", officer, case, result="继续")
    assert completing(world, officer, case) == after_10
    assert len(case.all_tasks) == 63


def test_completing_a_task_costs_the_same_beside_60_other_cases(loop):
    world, officer, case = loop
    alone = completing(world, officer, case)
    for _ in range(30):
        world.file("again", world.wang)
        world.file("waiting", world.wang)
    assert completing(world, officer, case) == alone


def test_the_long_acts_of_a_review_take_a_bounded_number_of_statements(tx):
    bureau = Bureau.within(tx)
    notice = bureau.served_notice()
    found = {}
    found["object"] = costs(bureau, lambda: bureau.object(notice))
    [review] = bureau.cases("allocation-review")
    for element, by, answers in (
        ("check", bureau.li, {"result": "受理"}),
        ("review", bureau.he, {"conclusion": "变更", "amount": "1250000", "reasons": "经核对"}),
        ("draft", bureau.he, {"findings": "已核对"}),
        ("sign", bureau.chen, {"result": "签发"}),
    ):
        task_id = bureau.task(element, review)
        found[element] = costs(bureau, lambda t=task_id, b=by, a=answers: bureau.complete(t, b, review, **a))
    assert review.outcome == "变更"
    # Of these, keeping what a case is found by takes two when it begins or its values change, and one for each letter.
    most = {"object": 40, "check": 20, "review": 22, "draft": 17, "sign": 62}
    assert {act: count for act, count in found.items() if count > most[act] + MARGIN} == {}


def test_firing_a_timer_costs_the_same_beside_40_other_due_families(loop):
    world, *_ = loop

    def fire_one() -> int:
        return costs(world, lambda: world.run.act(lambda tx: claim_ripe(world.kernel, tx, world.now)))

    world.file("waiting", world.wang)
    world.at("2026-09-25T09:00:00")
    alone = fire_one()
    assert alone <= 20 + MARGIN
    world.at("2026-09-21T09:00:00")
    for _ in range(41):
        world.file("waiting", world.wang)
    world.at("2026-09-25T09:00:00")
    assert fire_one() == alone
    assert world.work() == 40
