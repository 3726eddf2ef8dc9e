"""Whatever people do, in whatever order, all that is kept about a case agrees after each step, and no case is stuck.

A state machine walks at random through each regulation that ships, and through small diagrams with committees and
clocks: up to a hundred acts, waits, jobs and attempts at what is forbidden; see `tests.builders.walks`. It looks for
what nobody thought of, so its steps are few and the same every time here; the thorough tests go other ways each time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, assume, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.cases import pausing, projection
from portal.cases.act import Act
from portal.cases.models import Task
from portal.db import Database
from portal.procedures.content import Content, from_folder
from tests.builders.clocks import clocks_content, seats_content
from tests.builders.walks import Walk
from tests.features.test_votes_kept_apart import committees

ROOT = Path(__file__).parent.parent.parent
STEPS = 100
SMALL: dict[str, Callable[[], Content]] = {
    "committees": committees,
    "clocks": clocks_content,
    "seats": seats_content,
}


def regulations() -> dict[str, Callable[[], Content]]:
    """Every regulation that ships."""
    homes = sorted(home.parent for home in ROOT.glob("bpmn/*/regulation.toml"))
    return {home.name: partial(from_folder, home.parent.parent, home.name) for home in homes}


WORLDS = regulations() | SMALL
ALWAYS = [name for name in WORLDS if name != "seats"]
"""The worlds that are walked through in every run of the tests."""
# What is done, as often as it stands here.
KINDS = [
    *["complete"] * 9, *["wait"] * 4, *["work"] * 3, *["forbidden"] * 2, *["serve"] * 2, *["object"] * 2,
    *["file"] * 3, "message", "hold", "correct", "extend", "decide", "holidays", "render", "retry", "lend", "renew",
]  # fmt: skip


class Acts(RuleBasedStateMachine):
    """One walk through a world; every example begins in the same empty one."""

    database: Database
    content: Content
    counted: list[int]

    def __init__(self) -> None:
        super().__init__()
        self.connection = self.database.engine.connect()
        self.outer = self.connection.begin()
        self.tx = Session(self.connection, join_transaction_mode="create_savepoint", expire_on_commit=False)

    @initialize(chance=st.integers(0, 2**16))
    def begin(self, chance: int) -> None:
        # The first example is always that of nothing but zeros, which leads nowhere.
        assume(chance)
        self.walk = Walk.through(self.tx, self.content, note)
        self.walk.step("file", Random(chance))

    @rule(kind=st.sampled_from(KINDS), chance=st.integers(0, 2**16))
    def act(self, kind: str, chance: int) -> None:
        self.walk.step(kind, Random(chance))

    def teardown(self) -> None:
        try:
            if hasattr(self, "walk"):
                self.walk.check_whole()
                self.counted.append(self.walk.counted["done"])
        finally:
            self.tx.close()
            self.outer.rollback()
            self.connection.close()


def walked(database: Database, content: Content, **how: object) -> list[int]:
    """How many acts were done in each walk."""
    machine = type("Machine", (Acts,), {"database": database, "content": content, "counted": []})
    chosen = settings(
        stateful_step_count=STEPS, deadline=None, database=None, print_blob=True, report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck), **how,
    )  # fmt: skip
    run_state_machine_as_test(machine, settings=chosen)
    return machine.counted


@pytest.mark.parametrize("world", ALWAYS)
def test_after_each_of_a_hundred_random_steps_everything_agrees(own_database, world):
    done = walked(own_database, WORLDS[world](), max_examples=1, derandomize=True, phases=[Phase.generate])
    print(world, done)
    assert min(done) >= 25


@pytest.mark.thorough
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("world", WORLDS)
def test_so_it_does_on_many_other_ways(own_database, world):
    done = walked(own_database, WORLDS[world](), max_examples=5, derandomize=False)
    print(world, done)


# What such a walk finds


def closes_nothing(tx, case, waiting, rows_of, moment, done):
    """A projection that opens tasks and forgets to close them."""
    rows = tx.scalars(select(Task).where(Task.case_id == case.id, Task.state == "open")).all()
    known = {row.engine_id for row in rows}
    new = [one for one in waiting.values() if one.id not in known]
    opened = [projection._opened(case, one, {}, moment) for one in new]
    tx.add_all(opened)
    return projection.Moved(opened, [])


def loses_the_last(real, tx, case, waiting, *more):
    """A projection that leaves out the last of what waits."""
    return real(tx, case, dict([*waiting.items()][:-1]), *more)


def without_timer(real, tx, case, *more):
    """A projection that forgets when the case has to be looked at again."""
    moved = real(tx, case, *more)
    case.row.ripe_at = None
    return moved


def half_told(real, act, case, kind, *more, **details):
    """A history that leaves out who did what."""
    if kind != "task.completed":
        real(act, case, kind, *more, **details)


def without_item(opened, case, task, newest, moment):
    """A task that does not know whose of many it is."""
    row = opened(case, task, newest, moment)
    row.item = 0
    return row


MUTANTS = {
    "a task is not closed": ("committees", projection, "_tasks", lambda _: closes_nothing, "the tables alone [("),
    "a task loses its item": ("committees", projection, "_opened", lambda real: partial(without_item, real), "item=0"),
    "a pause is not ended": ("clocks", pausing.deadlines, "resume", lambda _: lambda *_args: [], "is held by"),
    "nobody hears": (
        "chongqing-ets",
        projection,
        "_subscriptions",
        lambda _: lambda *_args: None,
        "the engine alone has",
    ),
}
MORE_MUTANTS = {
    "a task is not opened": (
        "committees",
        projection,
        "_tasks",
        lambda real: partial(loses_the_last, real),
        "tasks: the engine alone has [(",
    ),
    "a timer is lost": ("clocks", projection, "project", lambda real: partial(without_timer, real), "ripe at None"),
    "a clock runs on": (
        "clocks",
        pausing.deadlines,
        "drop_running",
        lambda _: lambda *_args, **_more: [],
        "is running in a case that has ended",
    ),
    "the history is not told": (
        "seats",
        Act,
        "note",
        lambda real: lambda act, *more, **details: half_told(real, act, *more, **details),
        "done tasks in the history",
    ),
}


@pytest.mark.parametrize(
    "mutant", [*MUTANTS, *(pytest.param(name, marks=pytest.mark.thorough) for name in MORE_MUTANTS)]
)
def test_a_slip_in_what_is_kept_is_found(tx, monkeypatch, mutant):
    world, module, name, slip, wanted = (MUTANTS | MORE_MUTANTS)[mutant]
    monkeypatch.setattr(module, name, slip(getattr(module, name)))
    walk = Walk.through(tx, WORLDS[world](), lambda _words: None)
    chance = Random(1)

    def all_steps() -> None:
        for _ in range(STEPS):
            walk.step(chance.choice(KINDS), chance)

    with pytest.raises(AssertionError) as found:
        all_steps()
    assert wanted in str(found.value)
