"""Committees side by side in one case keep their votes apart.

The test diagram: two parallel branches call one and the same diagram, in which three vote; a third branch holds a
committee of seats in a loop, each seat with two steps of its own. Whatever the order of the votes, each committee,
each round and each seat sees its own.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from portal.cases.errors import StepFailed
from portal.cases.names import evaluate
from portal.engine import Place
from portal.procedures.content import Content
from tests.builders.diagrams import call, diagram, each, element, flow, parallel, path, xor
from tests.builders.procedures import REGULATION, content, end, procedure, start, task
from tests.builders.world import World

MEMBERS = '=[{name: "甲", seat: 1}, {name: "乙", seat: 2}, {name: "丙", seat: 3}]'.replace('"', "&quot;")
PANEL = diagram(
    start(None),
    each(task("vote", form="choice"), MEMBERS, "member"),
    end("voted", "已表决"),
    path("start", "vote", "voted"),
)


def panel(id: str) -> str:
    return call("panel").replace('id="panel"', f'id="{id}"')


def seats() -> str:
    inside = [
        element("startEvent", "asked"),
        task("opinion", form="choice"),
        task("remark"),
        element("endEvent", "given", name="已出具"),
        path("asked", "opinion", "remark", "given"),
    ]
    return each(element("subProcess", "seats", "".join(inside), name="席位"), MEMBERS, "member")


def committees() -> Content:
    drawn = procedure(
        start(),
        parallel("fork"),
        panel("first"),
        panel("second"),
        xor("again"),
        seats(),
        task("chair", form="choice"),
        xor("enough", "enough-join"),
        parallel("join"),
        task("conclude"),
        end(),
        path("start", "fork", "first", "join"),
        path("fork", "second", "join"),
        path("fork", "again", "seats", "chair", "enough"),
        flow("enough", "again", '=chair.result = "继续"'),
        flow("enough", "join"),
        path("join", "conclude", "end"),
    )
    whole = content(main=drawn)
    home = f"bpmn/{REGULATION}/_shared/panel"
    return replace(whole, files={**whole.files, f"{home}/process.bpmn": PANEL})


@pytest.fixture
def world(tx):
    return World.within(tx, committees())


def open_votes(case, *elements):
    return [one for one in case.all_tasks if one.state == "open" and one.element in elements]


def seen(case, expression, scope=""):
    return case.see(lambda live: evaluate(live, expression, scope))


@pytest.mark.parametrize("seed", range(6))
def test_each_committee_counts_its_own_votes_in_whatever_order_they_come(world, seed):
    dice = Random(seed)
    zhou, case = world.person("周", "officer"), world.file("main", world.wang, text="甲")
    cast: dict[Place, str] = {}
    while votes := open_votes(case, "vote", "opinion", "remark"):
        one = dice.choice(votes)
        if one.element == "remark":
            world.complete(one.id, zhou, text=f"附言 {one.scope}")
            continue
        said = dice.choice(["继续", "结束"])
        cast[one.place] = said
        world.complete(one.id, zhou, result=said)
        # What nobody said is null; what was said stands at its own seat only.
        for name in ("first", "second"):
            wanted = [cast.get(Place(f"{name}:1", "vote", 1, item)) for item in (1, 2, 3)]
            assert seen(case, f"{name}.vote.result", "") == wanted or not any(wanted)
    assert len(cast) == 9
    for name in ("first", "second"):
        assert seen(case, f"{name}.vote.result") == [cast[Place(f"{name}:1", "vote", 1, item)] for item in (1, 2, 3)]
        assert seen(case, f"{name}.outcome") == "已表决"
    opinions = [cast[Place(f"seats:1.{item}", "opinion", 1)] for item in (1, 2, 3)]
    assert seen(case, "seats.opinion.result") == opinions
    assert seen(case, "seats.remark.text") == [f"附言 seats:1.{item}" for item in (1, 2, 3)]
    assert seen(case, "seats.outcome") == ["已出具", "已出具", "已出具"]
    assert seen(case, 'count(seats[opinion.result = "继续"])') == opinions.count("继续")
    assert seen(case, 'seats[outcome = "已出具"].member.name') == ["甲", "乙", "丙"]
    assert case.tasks == ["chair"]
    assert world.breaks() == []


def test_a_second_round_does_not_see_the_first_ones_votes(world):
    zhou, case = world.person("周", "officer"), world.file("main", world.wang, text="甲")
    for one in open_votes(case, "opinion"):
        world.complete(one.id, zhou, result="结束")
    for one in open_votes(case, "remark"):
        world.complete(one.id, zhou, text="第一轮")
    world.complete("chair", zhou, result="继续")
    assert [one.scope for one in open_votes(case, "opinion")] == ["seats:2.1", "seats:2.2", "seats:2.3"]
    assert seen(case, "seats.opinion") == [None, None, None]
    assert seen(case, "seats.outcome") == [None, None, None]
    first, second, third = open_votes(case, "opinion")
    world.complete(second.id, zhou, result="继续")
    assert seen(case, "seats.opinion.result") == [None, "继续", None]
    assert seen(case, "remark", second.inside) is None
    world.complete(first.id, zhou, result="继续")
    world.complete(third.id, zhou, result="结束")
    assert seen(case, "seats.opinion.result") == ["继续", "继续", "结束"]
    # Nothing of the first round was overwritten.
    said = case.see(lambda live: [(one.scope, one.value) for one in live.values.all if one.element == "opinion"])
    assert said[:3] == [(f"seats:1.{item}", {"result": "结束"}) for item in (1, 2, 3)]


def test_an_instance_sees_whom_it_is_about_and_its_own_steps(world):
    case = world.file("main", world.wang, text="甲")
    zhou = world.person("周", "officer")
    [_, second, _] = open_votes(case, "opinion")
    assert seen(case, "member.name", second.inside) == "乙"
    assert seen(case, "member.seat", second.inside) == 2
    world.complete(second.id, zhou, result="继续")
    assert seen(case, "opinion.result", "seats:1.2") == "继续"
    assert seen(case, "opinion", "seats:1.1") is None
    [_, vote, _] = [one for one in open_votes(case, "vote") if one.scope == "second:1"]
    assert (vote.item, seen(case, "member.name", vote.inside)) == (2, "乙")
    assert seen(case, "start.text", vote.inside) == "甲"


@pytest.mark.parametrize(
    ("items", "wanted"),
    [
        ("null", "要按一份名单逐一办理，但名单还没有内容。"),
        ('"甲"', "要按一份名单逐一办理：应为名单，现为文字。"),
        ("1 + 1", "要按一份名单逐一办理：应为名单，现为数字。"),
        ("{a: 1}", "要按一份名单逐一办理：应为名单，现为一组值。"),
        ("[for one in 1..201 return one][1]", "的名单有201项，最多200项。"),
    ],
)
def test_a_list_that_is_none_or_too_long_stops_the_step(tx, items, wanted):
    drawn = procedure(
        start(), each(task("vote"), f"={items}".replace('"', "&quot;"), "member"), end(), path("start", "vote", "end")
    )
    world = World.within(tx, content(main=drawn))
    with pytest.raises(StepFailed) as refused:
        world.file("main", world.wang, text="甲")
    assert wanted in refused.value.text()


def test_nobody_on_the_list_is_passed_at_once(tx):
    drawn = procedure(
        start(), each(task("vote"), "=[]", "member"), task("after"), end(), path("start", "vote", "after", "end")
    )
    world = World.within(tx, content(main=drawn))
    case = world.file("main", world.wang, text="甲")
    assert case.tasks == ["after"]
    assert seen(case, "vote") == []
