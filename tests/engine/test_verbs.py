"""The verbs, one by one: what waits, addressed messages, the portal's own timers, saved states."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from portal import engine
from portal.engine import BadState, EngineFault, NotWaiting, OpenMessage, OpenTask, OpenTimer, Place, codec
from tests.builders.diagrams import (
    boundary,
    call,
    catch,
    diagram,
    end,
    flow,
    handler,
    message,
    one_of,
    parallel,
    path,
    service,
    start,
    timer,
    trigger,
    user,
    xor,
)
from tests.engine.acting import Acted, Portal, simple, spec_of

GOLDEN = Path(__file__).parent / "golden"


# --- waiting ----------------------------------------------------------------------------------------------


def test_waiting_lists_all_that_waits_with_its_place():
    late = handler("l", trigger("late", timer("decision"), interrupting=False), end("hurried"), path("late", "hurried"))
    gone = handler("w", trigger("withdraw", message("withdraw")), end("gone"), path("withdraw", "gone"))
    parts = start(), parallel("s"), user("a"), boundary("edge", "a", timer("correction")), one_of("g"), late, gone
    behind = catch("over", timer("objection")), catch("waived", message("waived")), catch("m", message("reply"))
    flows = (
        path("start", "s", "a", "end"),
        path("s", "g", "over", "e1"),
        path("g", "waived", "e2"),
        path("s", "m", "e3"),
    )
    ends = end(), end("e1"), end("e2"), end("e3"), end("e4"), flow("edge", "e4")
    position = engine.start(simple(*parts, *behind, *flows, *ends), Portal())
    waiting = position.waiting()
    assert [task.place for task in waiting.tasks] == [Place("", "a", 1)]
    assert [(timer.place, timer.deadline) for timer in waiting.timers] == [
        (Place("", "edge", 1), "correction"),
        (Place("", "over", 1), "objection"),
        (Place("", "late", 1), "decision"),
    ]
    assert [(message.place, message.name) for message in waiting.messages] == [
        (Place("", "waived", 1), "waived"),
        (Place("", "m", 1), "reply"),
        (Place("", "withdraw", 1), "withdraw"),
    ]
    assert isinstance(waiting.tasks[0], OpenTask)
    assert isinstance(waiting.timers[0], OpenTimer)
    assert isinstance(waiting.messages[0], OpenMessage)
    ids = [item.id for item in (*waiting.tasks, *waiting.messages, *waiting.timers)]
    assert len(set(ids)) == 7


# --- signal -----------------------------------------------------------------------------------------------

ANSWERED = diagram(start("s"), catch("answer", message("answer")), end("e"), path("s", "answer", "e"))


def two_waiting() -> Acted:
    parts = start(), parallel("p"), call("first"), call("second"), parallel("j"), user("after"), end()
    main = diagram(*parts, path("start", "p", "first", "j", "after", "end"), path("p", "second", "j"))
    return Acted(spec_of("main", {"main": {"first": "a", "second": "a"}}, main=main, a=ANSWERED))


def test_a_message_reaches_only_the_element_that_it_names():
    case = two_waiting()
    assert case.messages() == ["first:1/answer?answer", "second:1/answer?answer"]
    case.send("second:1/answer")
    assert case.messages() == ["first:1/answer?answer"]
    assert "-second=e" in case.portal.short()
    case.send("first:1/answer")
    assert case.tasks() == ["after"]


def test_a_message_reaches_only_one_of_two_catches_in_one_scope():
    parts = start(), parallel("p"), catch("a", message("m")), catch("b", message("m")), end("ea"), end("eb")
    case = Acted(simple(*parts, path("start", "p", "a", "ea"), path("p", "b", "eb")))
    assert case.send("b").messages() == ["a?m"]
    assert case.send("a").ended


def test_a_message_reaches_only_the_boundary_event_that_it_names():
    parts = (
        start(),
        parallel("p"),
        user("a"),
        user("b"),
        boundary("ba", "a", message("m")),
        boundary("bb", "b", message("m")),
    )
    ends = end("e1"), end("e2"), end("e3"), end("e4"), path("start", "p", "a", "e1"), path("p", "b", "e2")
    case = Acted(simple(*parts, *ends, flow("ba", "e3"), flow("bb", "e4"))).send("bb")
    assert (case.tasks(), case.messages()) == (["a"], ["ba?m"])


def test_a_message_behind_a_gateway_reaches_only_that_gateway():
    parts = start(), parallel("p"), one_of("g1"), one_of("g2"), end("e1"), end("e2")
    behind = [catch(f"{kind}{n}", message(kind)) for n in (1, 2) for kind in ("yes", "no")]
    flows = (
        path("start", "p", "g1", "yes1", "e1"),
        path("p", "g2", "yes2", "e2"),
        path("g1", "no1", "e1"),
        path("g2", "no2", "e2"),
    )
    case = Acted(simple(*parts, *behind, *flows)).send("no2")
    assert case.messages() == ["yes1?yes", "no1?no"]
    assert case.send("yes1").end == "e1"


def test_a_message_that_nobody_waits_for_any_more_is_refused():
    case = two_waiting()
    id = case.message("first:1/answer").id
    case.send("first:1/answer")
    position = engine.load(case.spec, case.state, case.portal)
    for gone in (id, "answer", ""):
        with pytest.raises(NotWaiting):
            position.signal(gone)
    assert position.dump() == case.state


# --- tick -------------------------------------------------------------------------------------------------

TWO_TIMERS = (
    *(start(), user("a"), boundary("ta", "a", timer("d"), interrupting=False), end("done"), end("e1"), end("e2")),
    *(boundary("tb", "a", timer("d"), interrupting=False), service("sa"), service("sb"), xor("m"), user("b")),
    *(path("start", "a", "m", "b", "done"), path("ta", "sa", "e1"), path("tb", "sb", "e2")),
)


def test_only_the_timer_that_is_named_fires_even_when_both_name_one_deadline():
    case = Acted(simple(*TWO_TIMERS)).over("tb")
    assert (case.portal.performed(), case.timers()) == (["sb"], ["ta?d"])


def test_no_timer_fires_in_any_other_step():
    case = Acted(simple(*TWO_TIMERS))
    id = case.timer("ta").id
    case.over("ta")
    assert case.timers() == ["tb?d"]
    case.do("a").do("b")
    assert case.portal.performed() == ["sa"]
    position = engine.load(case.spec, case.state, case.portal)
    with pytest.raises(NotWaiting):
        position.tick(id)


def test_a_timer_on_the_way_fires_in_its_own_branch_only():
    parts = start(), parallel("p"), catch("t1", timer("x")), catch("t2", timer("x")), user("u1"), user("u2"), end("e")
    case = Acted(simple(*parts, end("f"), path("start", "p", "t1", "u1", "e"), path("p", "t2", "u2", "f")))
    assert case.over("t2").tasks() == ["u2"]
    assert case.timers() == ["t1?x"]


# --- dump and load ----------------------------------------------------------------------------------------


def ten_tasks() -> engine.Spec:
    ids = [f"task_{number}" for number in range(34)]
    parts = start(), xor("enter"), *map(user, ids), xor("again", "again-enter"), end()
    return simple(*parts, path("start", "enter", *ids, "again", "enter"), flow("again", "end", "=enough"))


def test_a_state_stays_small():
    case = Acted(ten_tasks())
    for _ in range(10):
        case.do(case.tasks()[0])
    assert len(case.state) <= 3 * 1024
    for _ in range(40):
        case.do(case.tasks()[0])
    assert len(case.state) <= 8 * 1024


def test_a_state_says_which_codec_and_version_wrote_it():
    assert Acted(ten_tasks()).state.startswith(b"portal-engine 1 spiff 3.2.0\n")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda state: b"",
        lambda state: b"{}",
        lambda state: state.replace(b"portal-engine 1 ", b"portal-engine 2 "),
        lambda state: state.replace(b"spiff 3.2.0", b"spiff 4.0.0"),
        lambda state: state[:-20],
        lambda state: state[:40] + b"\x00" + state[41:],
        lambda state: state.partition(b"\n")[0] + b"\n" + zlib.compress(b"[1, 2]"),
        lambda state: state.partition(b"\n")[0] + b"\n" + zlib.compress(b" " * 40_000_000),
    ],
)
def test_bytes_that_are_no_state_are_refused(spoil):
    spec = ten_tasks()
    with pytest.raises(EngineFault):
        engine.load(spec, spoil(Acted(spec).state), Portal())


def test_a_state_of_another_diagram_is_refused_and_leaves_the_spec_alone():
    one, other = simple(start(), user("a"), end(), path("start", "a", "end")), ten_tasks()
    before = one.fingerprint()
    with pytest.raises(BadState, match="unknown here"):
        engine.load(one, Acted(other).state, Portal())
    assert one.fingerprint() == before


def test_a_state_beyond_all_measure_is_not_saved(monkeypatch):
    position = engine.start(ten_tasks(), Portal())
    monkeypatch.setattr(codec, "MAX_BYTES", 200)
    with pytest.raises(BadState, match="bytes"):
        position.dump()


def test_dumping_twice_gives_the_same_and_tells_nothing():
    portal = Portal()
    position = engine.start(ten_tasks(), portal)
    portal.forget()
    assert position.dump() == position.dump()
    assert portal.told == []


def golden_spec() -> engine.Spec:
    withdrawal = handler(
        "withdrawal",
        trigger("withdraw", message("withdraw")),
        user("confirm"),
        end("gone"),
        path("withdraw", "confirm", "gone"),
    )
    parts = start(), user("check"), parallel("p"), call("ask"), one_of("g"), catch("over", timer("period")), withdrawal
    flows = path("start", "check", "p", "ask", "j", "end"), path("p", "g", "over", "m", "j"), path("g", "waived", "m")
    more = catch("waived", message("waived")), xor("m"), parallel("j"), end()
    answered = diagram(start("s"), user("opinion"), end("e"), path("s", "opinion", "e"))
    return spec_of("main", {"main": {"ask": "ask"}}, main=diagram(*parts, *more, *flows), ask=answered)


def test_a_state_saved_by_the_first_release_can_still_be_carried_on():
    """H15: internal names stand in saved states, so an upgrade of SpiffWorkflow is proved here first."""
    portal = Portal()
    position = engine.load(golden_spec(), (GOLDEN / "codec-1-spiff-3.2.0.state").read_bytes(), portal)
    waiting = position.waiting()
    assert [task.place for task in waiting.tasks] == [Place("ask:1", "opinion", 1)]
    assert [message.name for message in waiting.messages] == ["waived", "withdraw"]
    position.tick(waiting.timers[0].id)
    position.complete(waiting.tasks[0].id)
    assert (position.ended, position.end) == (True, "end")
