"""Whatever people do, in whatever order, all that is kept about a case agrees after each step, and no case is stuck.

A state machine walks at random through each regulation that ships, and through small diagrams with committees and
clocks: up to a hundred acts, waits, jobs and attempts at what is forbidden; see `tests.builders.walks`. It looks for
what nobody thought of; yet nothing is refused for what it did not touch, so its ways are the same every time, few in
every run and more in the thorough ones. `make prove` goes other ways each time, by a seed that is on record.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, assume, note, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.cases import pausing, projection, timing
from portal.cases.act import Act
from portal.cases.models import Task
from portal.db import Database
from portal.deadlines import adjusting
from portal.deadlines import service as deadlines
from portal.deadlines.rules import DeadlineRule
from portal.engine import running
from portal.procedures.content import Content, from_folder
from tests.builders import publicity
from tests.builders.clocks import clocks_content, hearing_content, seats_content
from tests.builders.proving import RESULTS
from tests.builders.walks import Walk
from tests.features.test_votes_kept_apart import committees

ROOT = Path(__file__).parent.parent.parent
STEPS = 100
SMALL: dict[str, Callable[[], Content]] = {
    "committees": committees,
    "clocks": clocks_content,
    "seats": seats_content,
    "hearing": hearing_content,
    "publicity": publicity.regulation,
}


@pytest.fixture(autouse=True)
def unpruned(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's own record of all its steps is what the rest is held against, and at each look what it waits for
    is the same once that is pruned."""
    monkeypatch.setattr(running, "prune", lambda workflow: None)


def regulations() -> dict[str, Callable[[], Content]]:
    """Every regulation that ships."""
    homes = sorted(home.parent for home in ROOT.glob("bpmn/*/regulation.toml"))
    return {home.name: partial(from_folder, home.parent.parent, home.name) for home in homes}


WORLDS = regulations() | SMALL
ALWAYS = [name for name in WORLDS if name not in ("seats", "hearing", "publicity")]
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


def walked(database: Database, content: Content, chance: int | None = None, **how: object) -> list[int]:
    """How many acts were done in each walk; without a `chance` to go by, the same ways every time."""
    machine = type("Machine", (Acts,), {"database": database, "content": content, "counted": []})
    if chance is not None:
        machine = seed(chance)(machine)
    chosen = settings(
        stateful_step_count=STEPS, deadline=None, database=None, print_blob=True, report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck), derandomize=chance is None, **how,
    )  # fmt: skip
    run_state_machine_as_test(machine, settings=chosen)
    return machine.counted


@pytest.mark.parametrize("world", ALWAYS)
def test_after_each_of_a_hundred_random_steps_everything_agrees(own_database, world):
    done = walked(own_database, WORLDS[world](), max_examples=1, phases=[Phase.generate])
    print(world, done)
    assert min(done) >= 25


@pytest.mark.thorough
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("world", WORLDS)
def test_so_it_does_on_many_other_ways(own_database, world, proof):
    done = walked(own_database, WORLDS[world](), proof.seed if RESULTS else None, max_examples=5)
    proof.says(
        "R12",
        f"after each of a hundred random steps through {world} all that is kept agrees, and no case is stuck",
        "5 walks",
        walks=len(done),
        acts=sum(done),
    )


# What such a walk finds


def leaves_open(real, act, case, task, *more):
    """An act that takes the engine on and forgets to close the task."""
    real(act, case, task, *more)
    task.state, task.closed_at = "open", None


def closes_nothing(tx, case, waiting, rows_of, moment):
    """A projection that opens tasks and forgets to close those that wait no more."""
    rows = tx.scalars(select(Task).where(Task.case_id == case.id, Task.state == "open")).all()
    known = {row.engine_id for row in rows}
    new = [one for one in waiting.values() if one.id not in known]
    opened = [projection._opened(case, one, rows_of, moment) for one in new]
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


def untold(kinds: str) -> Callable[..., object]:
    """A history that leaves out the lines of some kinds."""

    def note(real, act, case, kind, *more, **details):
        act.touched[case.id] = case
        if not kind.startswith(kinds):
            real(act, case, kind, *more, **details)

    return lambda real: lambda *all, **details: note(real, *all, **details)


def by_other_rules(change: Callable[[DeadlineRule], DeadlineRule]) -> Callable[..., object]:
    """Events that start and meet deadlines by rules which are not those of the content."""

    def happened(real, tx, case_id, rules, *more, **how):
        return real(tx, case_id, [change(rule) for rule in rules], *more, **how)

    return lambda real: partial(happened, real)


def never_met(*events: str) -> Callable[..., object]:
    """Deadlines that go on though an event has happened which meets them."""
    return by_other_rules(lambda rule: replace(rule, met=tuple(one for one in rule.met if not one.startswith(events))))


def never_begun(*events: str) -> Callable[..., object]:
    """Deadlines that no event of some kind starts."""
    return by_other_rules(
        lambda rule: replace(rule, after=tuple(one for one in rule.after if not one.startswith(events)))
    )


def begun_too_early(real, tx, case_id, rules, event, at, *more, **how):
    """Deadlines that run from the day before."""
    return real(tx, case_id, rules, event, at - timedelta(days=1), *more, **how)


def met_too_early(real, tx, deadline, rule, event, at, calendar):
    """Deadlines that are met a moment before the event."""
    return real(tx, deadline, rule, event, at - timedelta(seconds=1), calendar)


def moves_whatever_runs(real, tx, case_id, rules, event, before, at, calendar):
    """A correction that asks only by which event a deadline runs, not since when."""
    rows = deadlines.of_case(tx, case_id)
    since = [row.started_at for row in rows if row.event == event] + [row.met_at for row in rows if row.met_at]
    return real(tx, case_id, rules, event, max(since, default=before), at, calendar)


def stands_on(real, tx, row, what, *more):
    """A clock that the diagram restarts in vain."""
    return [] if what == timing.SUSPENDED else real(tx, row, what, *more)


def runs_on(real, tx, row, reason, *more):
    """A clock that the diagram stops in vain."""
    return [] if reason.what == timing.SUSPENDED else real(tx, row, reason, *more)


def without_item(opened, case, task, newest, moment):
    """A task that does not know whose of many it is."""
    row = opened(case, task, newest, moment)
    row.item = 0
    return row


def instead(slip: Callable[..., object]) -> Callable[..., object]:
    """What takes the place of the real thing, and is given it."""
    return lambda real: partial(slip, real)


# The world, what is replaced by what, and of what is found.
MUTANTS = {
    "a task is not closed": (
        "committees",
        Act,
        "complete",
        lambda real: lambda *all: leaves_open(real, *all),
        "the engine alone has [",
    ),
    "what waits no more stays open": (
        "clocks",
        projection,
        "_tasks",
        lambda _: closes_nothing,
        "its deadline None",
    ),
    "a task loses its item": ("committees", projection, "_opened", instead(without_item), "item=0"),
    "a pause is not ended": ("clocks", adjusting, "resume", lambda _: lambda *_args: [], "is held by"),
    "nobody hears": (
        "chongqing-ets",
        projection,
        "_subscriptions",
        lambda _: lambda *_args: None,
        "the engine alone has",
    ),
    "a letter meets nothing": (
        "hearing",
        deadlines,
        "happened",
        never_met("served"),
        "though served(notice) has happened",
    ),
    "a message meets nothing": (
        "hearing",
        deadlines,
        "happened",
        never_met("received"),
        "though received(answer) has happ",
    ),
    "a task starts nothing": (
        "clocks",
        deadlines,
        "happened",
        never_begun("done"),
        "0 times, but done(review) happened",
    ),
    "a letter starts nothing": (
        "hearing",
        deadlines,
        "happened",
        never_begun("served"),
        "0 times, but served(notice) hap",
    ),
    "a date starts nothing": ("clocks", pausing, "_dated", lambda _: lambda *_args: [], "date(start.held) is"),
    "a clock begins too early": ("clocks", deadlines, "happened", instead(begun_too_early), "started at 2026-09-20"),
    "a clock is met too early": ("hearing", deadlines, "_meet", instead(met_too_early), "was met at"),
    "messages are not told": ("hearing", Act, "note", untold("message."), "no line of [\"('message.received', 'sent')"),
    "letters are not told": ("hearing", Act, "note", untold("letter."), "no line of [\"('letter.issued'"),
    "deadlines are not told": (
        "clocks",
        Act,
        "note",
        untold("deadline."),
        "no line of [\"('deadline.started', 'decide'",
    ),
    "lists are not told": ("seats", Act, "note", untold("many."), "no line of [\"('many.entered', '', 'seat', 1)"),
}
MORE_MUTANTS = {
    "a task is not opened": (
        "committees",
        projection,
        "_tasks",
        instead(loses_the_last),
        "tasks: the engine alone has [(",
    ),
    "a timer is lost": ("clocks", projection, "project", instead(without_timer), "ripe at None"),
    "a clock runs on": (
        "clocks",
        pausing.deadlines,
        "drop_running",
        lambda _: lambda *_args, **_more: [],
        "is running in a case that has ended",
    ),
    "the diagram stops no clock": ("hearing", adjusting, "pause", instead(runs_on), "stopped at look"),
    "the diagram restarts no clock": ("hearing", adjusting, "resume", instead(stands_on), "stopped at look"),
    "nothing is met": (
        "jiaxing-tanpuhui",
        deadlines,
        "happened",
        never_met(""),
        "though issued(acceptance) has happened",
    ),
    "an end meets nothing": (
        "publicity",
        deadlines,
        "happened",
        never_met("issued"),
        "is dropped, though issued(answer)",
    ),
    "acceptance starts nothing": (
        "jiaxing-tanpuhui",
        deadlines,
        "happened",
        never_begun("accepted"),
        "0 times, but accepted happened",
    ),
    "a call starts nothing": (
        "jiaxing-tanpuhui",
        deadlines,
        "happened",
        never_begun("entered"),
        "0 times, but entered(review) happened",
    ),
    "a correction moves a newer clock": (
        "hearing",
        deadlines,
        "move_start",
        instead(moves_whatever_runs),
        "served(notice)",
    ),
    "the history is not told": ("seats", Act, "note", untold("task.completed"), "done tasks in the history"),
    "claims are not told": ("committees", Act, "note", untold("task.claimed"), "no line of [\"('task.claimed'"),
    "timers are not told": ("clocks", Act, "note", untold("timer."), "no line of [\"('timer.fired', 'shown')"),
    "publicities are not told": ("publicity", Act, "note", untold("publicity."), "no line of [\"('publicity.opened'"),
    "entries are not told": ("chongqing-ets", Act, "note", untold("record."), "no line of [\"('record.entered'"),
    "postings are not told": ("chongqing-ets", Act, "note", untold("ledger."), "no line of [\"('ledger.posted'"),
    "tables are not told": ("jiaxing-tanpuhui", Act, "note", untold("rules."), "no line of [\"('rules.decided'"),
    "ends are not told": ("seats", Act, "note", untold("case.ended"), "no line of [\"('case.ended',)"),
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
