"""What is said to whoever comes to a task that a timer has ended, and to whoever comes to one that ended otherwise."""

from __future__ import annotations

import pytest

from portal.cases.errors import TaskGone, TaskTooLate
from portal.procedures.regulation import PARTY
from tests.builders.diagrams import boundary, handler, path, timer, trigger
from tests.builders.procedures import content, deadline, end, procedure, start, task
from tests.builders.world import World

MAIN = procedure(
    start(), task("fix", role=PARTY, deadline="period"), boundary("late", "fix", timer("period")),
    task("look", deadline="looking"), end("end"), end("lapsed", "视为撤回"),
    handler("stop", trigger("stopping", timer("all")), end("stopped", "终止"), path("stopping", "stopped")),
    path("start", "fix", "look", "end"), path("late", "lapsed"),
    manifest=deadline("period", "3 working days") + deadline("looking", "5 working days", kind="duty")
    + deadline("all", "10 working days", kind="duty"),
)  # fmt: skip


@pytest.fixture
def world(tx):
    world = World.within(tx, content(main=MAIN))
    world.officer = world.person("官", "officer")
    world.at("2026-03-02T10:00:00")
    yield world
    assert world.breaks() == []


def test_from_the_first_second_on_it_says_that_the_period_is_over(world):
    case = world.file("main", world.wang)
    fix = world.task("fix")
    world.at("2026-03-06T00:00:00")
    with pytest.raises(TaskTooLate) as early:
        world.complete(fix, world.wang)
    assert early.value.text() == "“period”的期限已于 2026年3月5日 24:00 届满，不能再办理“环节fix”。"
    world.pass_to("2026-03-09T09:00:00")
    assert case.outcome == "视为撤回"
    with pytest.raises(TaskTooLate) as later:
        world.complete(fix, world.wang)
    assert later.value.text("en") == "“period” was over at 24:00 on 2026-03-05: “环节fix” can no longer be done."


def test_what_ended_otherwise_after_its_day_is_only_gone(world):
    case = world.file("main", world.wang)
    world.complete("fix", world.wang)
    look = world.task("look")
    world.pass_to("2026-03-17T09:00:00")
    assert case.outcome == "终止"
    with pytest.raises(TaskGone) as gone:
        world.complete(look, world.officer)
    assert type(gone.value) is TaskGone
