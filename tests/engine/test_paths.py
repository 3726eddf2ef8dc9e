"""Every kind of element, acted to its end with a save and a load at each step: what is told, and in which order."""

from __future__ import annotations

import pytest

from portal.engine import Place
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
    subprocess,
    timer,
    trigger,
    user,
    xor,
)
from tests.engine.acting import Acted, Portal, simple, spec_of


def test_a_straight_path_is_told_in_its_order():
    case = Acted(simple(start(), user("check"), service("issue"), end(), path("start", "check", "issue", "end")))
    assert case.portal.short() == ["+start", "-start", ">start-check", "+check"]
    assert case.tasks() == ["check"]
    case.portal.forget()
    case.do("check")
    assert case.portal.short() == [
        *["-check", ">check-issue", "+issue", "!issue", "-issue", ">issue-end", "+end", "-end"]
    ]
    assert (case.ended, case.end) == (True, "end")


def test_kinds_are_the_names_of_bpmn():
    parts = start(), user("a"), service("b"), catch("c", message("m")), end(), path("start", "a", "b", "c", "end")
    case = Acted(simple(*parts)).do("a").send("c")
    kinds = {entry[1].element: entry[2] for entry in case.portal.told if entry[0] == "entered"}
    assert kinds == {
        "start": "startEvent",
        "a": "userTask",
        "b": "serviceTask",
        "c": "intermediateCatchEvent",
        "end": "endEvent",
    }


CHOICE = (
    *(start(), xor("which", default="which-c"), user("a"), user("b"), user("c"), end()),
    *(flow("start", "which"), flow("which", "a", '=x = "甲"'), flow("which", "b", "=y"), flow("which", "c")),
    *(flow("a", "end"), flow("b", "end"), flow("c", "end")),
)


@pytest.mark.parametrize(
    ("x", "y", "taken"), [(True, True, "a"), (False, True, "b"), (None, None, "c"), (None, True, "b")]
)
def test_only_true_takes_a_flow_and_the_first_one_does(x, y, taken):
    case = Acted(simple(*CHOICE), Portal({'x = "甲"': x, "y": y}))
    assert case.tasks() == [taken]
    assert f"which-{taken}" in case.portal.flows()


def test_conditions_come_without_their_sign_and_with_their_gateway():
    case = Acted(simple(*CHOICE))
    assert case.portal.asked == [('x = "甲"', Place("", "which", 1)), ("y", Place("", "which", 1))]


def test_visits_count_from_one_in_a_loop_and_survive_saving():
    parts = start(), user("check"), xor("again", default="again-check"), end(), path("start", "check", "again")
    case = Acted(simple(*parts, flow("again", "check"), flow("again", "end", "=done")))
    for visit in range(1, 6):
        assert [task.place for task in case.waiting.tasks] == [Place("", "check", visit)]
        case.portal.answers["done"] = visit == 5
        case.do(case.tasks()[0])
    assert case.end == "end"
    assert [place.visit for _, place in case.portal.asked] == [1, 2, 3, 4, 5]


def test_parallel_branches_join_when_both_are_done():
    parts = start(), parallel("split"), user("a"), user("b"), parallel("join"), user("c"), end()
    flows = path("start", "split", "a", "join", "c", "end"), path("split", "b", "join")
    case = Acted(simple(*parts, *flows))
    assert case.tasks() == ["a", "b"]
    case.do("b")
    assert case.tasks() == ["a"]
    case.do("a")
    assert case.tasks() == ["c"]
    case.do("c")
    assert case.end == "end"
    assert sorted(case.portal.flows()) == sorted(
        ["start-split", "split-a", "a-join", "join-c", "c-end", "split-b", "b-join"]
    )


def test_a_parallel_part_inside_a_loop_runs_again_whole():
    parts = start(), xor("enter"), parallel("split"), user("a"), user("b"), parallel("join"), xor("again", "again-end")
    flows = path("start", "enter", "split", "a", "join", "again"), path("split", "b", "join"), flow("again", "end")
    case = Acted(simple(*parts, end(), *flows, flow("again", "enter", "=once more")), Portal({"once more": True}))
    for visit in ("", ":2", ":3"):
        assert case.tasks() == [f"a{visit}", f"b{visit}"]
        case.do(f"b{visit}")
        assert case.tasks() == [f"a{visit}"]
        case.portal.answers["once more"] = visit != ":3"
        case.do(f"a{visit}")
    assert case.end == "end"
    assert case.portal.flows().count("b-join") == 3


PERIOD = (
    *(start(), xor("enter"), one_of("period"), catch("over", timer("objection"))),
    *(catch("waived", message("waived")), catch("filed", message("review_filed"))),
    *(catch("concluded", message("review_concluded")), end("final")),
    *(path("start", "enter", "period", "over", "final"), path("period", "waived", "final")),
    path("period", "filed", "concluded", "enter"),
)


def test_an_event_gateway_waits_for_each_event_behind_it():
    case = Acted(simple(*PERIOD))
    assert case.messages() == ["waived?waived", "filed?review_filed"]
    assert case.timers() == ["over?objection"]
    assert case.portal.short()[-3:] == ["+over", "+waived", "+filed"]
    assert not case.tasks()


def test_the_first_event_behind_a_gateway_ends_the_wait_for_the_others():
    case = Acted(simple(*PERIOD))
    case.portal.forget()
    case.send("filed")
    assert case.messages() == ["concluded?review_concluded"]
    assert case.timers() == []
    assert case.portal.short() == [">period-filed", "-filed", ">filed-concluded", "+concluded"]
    case.send("concluded")
    assert case.timers() == ["over:2?objection"]
    case.portal.forget()
    case.over("over:2")
    assert case.portal.short() == [">period-over", "-over:2", ">over-final", "+final", "-final"]
    assert case.end == "final"


GUARDED = (
    *(start(), user("correct"), boundary("lapsed", "correct", timer("correction"))),
    *(boundary("given_up", "correct", message("give_up")), user("review"), end(), end("gone")),
    *(path("start", "correct", "review", "end"), flow("lapsed", "review"), flow("given_up", "gone")),
)


def test_a_boundary_event_waits_as_long_as_its_task_is_open():
    case = Acted(simple(*GUARDED))
    assert (case.tasks(), case.messages(), case.timers()) == (["correct"], ["given_up?give_up"], ["lapsed?correction"])
    assert case.portal.short()[-3:] == ["+correct", "+lapsed", "+given_up"]
    case.do("correct")
    assert (case.tasks(), case.messages(), case.timers()) == (["review"], [], [])


def test_an_interrupting_boundary_event_closes_its_task():
    case = Acted(simple(*GUARDED))
    case.portal.forget()
    case.over("lapsed")
    assert (case.tasks(), case.messages(), case.timers()) == (["review"], [], [])
    assert case.portal.short() == ["-lapsed", ">lapsed-review", "+review"]
    assert Acted(simple(*GUARDED)).send("given_up").end == "gone"


def test_a_boundary_event_counts_with_its_task_in_a_loop():
    parts = start(), user("correct"), boundary("lapsed", "correct", timer("correction")), xor("again", "again-correct")
    flows = path("start", "correct", "again", "correct"), flow("lapsed", "again"), flow("again", "end", "=enough")
    case = Acted(simple(*parts, end(), *flows))
    for visit in ("", ":2", ":3", ":4"):
        assert (case.tasks(), case.timers()) == ([f"correct{visit}"], [f"lapsed{visit}?correction"])
        case.do(f"correct{visit}") if visit != ":2" else case.over("lapsed:2")
    case.portal.answers["enough"] = True
    case.do("correct:5")
    assert (case.end, case.timers()) == ("end", [])


@pytest.mark.parametrize("waits", [message("lapsed"), timer("lapsed")], ids=["message", "timer"])
def test_a_boundary_event_may_lead_straight_back_to_its_own_task(waits):
    back = boundary("lapsed", "correct", waits), flow("lapsed", "correct")
    case = Acted(
        simple(start(), user("correct"), user("review"), end(), path("start", "correct", "review", "end"), *back)
    )
    again = case.send if "message" in waits else case.over
    for visit in ("", ":2", ":3"):
        assert (case.tasks(), case.messages() + case.timers()) == ([f"correct{visit}"], [f"lapsed{visit}?lapsed"])
        case.portal.forget()
        again(f"lapsed{visit}")
    assert case.portal.short() == ["-lapsed:3", ">lapsed-correct", "+correct:4", "+lapsed:4"]
    case.do("correct:4")
    assert (case.tasks(), case.messages(), case.timers()) == (["review"], [], [])
    assert case.do("review").end == "end"


def test_boundary_events_of_two_tasks_may_each_lead_back_to_its_own():
    parts = start(), user("correct"), user("review"), end(), path("start", "correct", "review", "end")
    back = boundary("lapsed", "correct", timer("lapsed")), flow("lapsed", "correct")
    late = boundary("late", "review", timer("late")), flow("late", "review")
    case = Acted(simple(*parts, *back, *late)).over("lapsed").do("correct:2")
    assert (case.tasks(), case.timers()) == (["review"], ["late?late"])
    case.over("late").over("late:2")
    assert (case.tasks(), case.timers()) == (["review:3"], ["late:3?late"])
    assert case.do("review:3").end == "end"


def test_an_event_beside_a_task_outlives_none_of_its_rounds():
    beside = boundary("hurry", "correct", timer("hurry"), interrupting=False), user("call"), end("called")
    back = boundary("lapsed", "correct", timer("lapsed")), flow("lapsed", "correct")
    parts = start(), user("correct"), end(), path("start", "correct", "end"), path("hurry", "call", "called")
    case = Acted(simple(*parts, *beside, *back)).over("hurry").over("lapsed")
    assert (case.tasks(), case.timers()) == (["call", "correct:2"], ["hurry:2?hurry", "lapsed:2?lapsed"])
    case.do("correct:2")
    assert (case.tasks(), case.timers(), case.ended) == (["call"], [], False)
    assert case.do("call").ended


def test_a_non_interrupting_timer_fires_once_and_leaves_its_task_open():
    parts = start(), user("decide"), boundary("late", "decide", timer("decision"), interrupting=False), service("warn")
    case = Acted(simple(*parts, end(), end("warned"), path("start", "decide", "end"), path("late", "warn", "warned")))
    case.over("late")
    assert (case.tasks(), case.timers()) == (["decide"], [])
    assert case.portal.performed() == ["warn"]
    case.do("decide")
    assert case.ended
    assert case.portal.performed() == ["warn"]


SUBPROCESS = subprocess(
    "part",
    start("in"),
    user("inner"),
    xor("how", "how-good"),
    end("good"),
    end("bad"),
    path("in", "inner", "how"),
    flow("how", "good"),
    flow("how", "bad", "=refused"),
)


def test_an_embedded_subprocess_does_not_show_in_the_scope_and_says_how_it_ended():
    parts = start(), SUBPROCESS, xor("again", "again-end"), end(), path("start", "part", "again", "end")
    case = Acted(simple(*parts, flow("again", "part", "=again")), Portal({"refused": True, "again": True}))
    assert [task.place for task in case.waiting.tasks] == [Place("", "inner", 1)]
    assert case.portal.short()[2:] == [">start-part", "+part", "+in", "-in", ">in-inner", "+inner"]
    case.portal.forget()
    case.do("inner")
    assert case.portal.short()[:6] == ["-inner", ">inner-how", ">how-bad", "+bad", "-bad", "-part=bad"]
    assert case.tasks() == ["inner:2"]
    case.portal.answers.clear()
    case.do("inner:2")
    assert "-part:2=good" in case.portal.short()
    assert case.end == "end"


def test_a_boundary_event_closes_a_subprocess_with_all_inside():
    inner = subprocess(
        "part",
        start("in"),
        parallel("s"),
        user("a"),
        user("b"),
        parallel("j"),
        end("out"),
        path("in", "s", "a", "j", "out"),
        path("s", "b", "j"),
    )
    parts = (
        start(),
        inner,
        boundary("stop", "part", message("stop")),
        end(),
        end("stopped"),
        path("start", "part", "end"),
    )
    case = Acted(simple(*parts, flow("stop", "stopped")))
    case.do("a")
    assert (case.tasks(), case.messages()) == (["b"], ["stop?stop"])
    case.send("stop")
    assert (case.tasks(), case.messages(), case.end) == ([], [], "stopped")


def test_a_terminate_end_event_ends_its_level_only():
    inner = subprocess(
        "part",
        start("in"),
        parallel("s"),
        user("a"),
        user("b"),
        end("stop", terminate=True),
        end("out"),
        path("in", "s", "a", "stop"),
        path("s", "b", "out"),
    )
    case = Acted(simple(start(), inner, user("next"), end(), path("start", "part", "next", "end")))
    assert case.tasks() == ["a", "b"]
    case.do("a")
    assert "-part=stop" in case.portal.short()
    assert case.tasks() == ["next"]
    assert not case.ended


def test_a_terminate_end_event_cancels_what_runs_beside_it_in_the_same_step():
    """Stock Spiff would still perform `b`: it had been ready when the round began."""
    parts = start(), user("go"), parallel("s"), end("stop", terminate=True), service("b"), end("out")
    case = Acted(simple(*parts, path("start", "go", "s", "stop"), path("s", "b", "out")))
    case.do("go")
    assert case.end == "stop"
    assert case.portal.performed() == []


def test_ended_is_only_said_when_nothing_is_open():
    parts = start(), parallel("s"), user("a"), user("b"), end("one"), end("two")
    case = Acted(simple(*parts, path("start", "s", "a", "one"), path("s", "b", "two")))
    case.do("b")
    assert (case.ended, case.end) == (False, None)
    case.do("a")
    assert (case.ended, case.end) == (True, "one")


REVIEW = diagram(
    *(start("s"), user("opinion"), xor("g", "g-rejected"), end("agreed"), end("rejected")),
    *(path("s", "opinion", "g", "rejected"), flow("g", "agreed", "=opinion.agree")),
)


def test_a_call_has_a_scope_of_its_own_and_says_how_it_ended():
    main = diagram(start(), call("review"), user("after"), end(), path("start", "review", "after", "end"))
    case = Acted(
        spec_of("main", {"main": {"review": "shared"}}, main=main, shared=REVIEW), Portal({"opinion.agree": True})
    )
    assert [task.place for task in case.waiting.tasks] == [Place("review:1", "opinion", 1)]
    assert case.portal.short()[2:] == [
        *[">start-review", "+review", "+review:1/s", "-review:1/s", ">review:1/s-opinion", "+review:1/opinion"]
    ]
    case.portal.forget()
    case.do("review:1/opinion")
    assert case.portal.asked == [("opinion.agree", Place("review:1", "g", 1))]
    assert case.portal.short() == [
        *["-review:1/opinion", ">review:1/opinion-g", ">review:1/g-agreed", "+review:1/agreed", "-review:1/agreed"],
        *["-review=agreed", ">review-after", "+after"],
    ]


def test_parallel_calls_of_one_diagram_do_not_mix():
    parts = start(), parallel("s"), call("first"), call("second"), parallel("j"), end()
    main = diagram(*parts, path("start", "s", "first", "j", "end"), path("s", "second", "j"))
    calls = {"main": {"first": "shared", "second": "shared"}}
    case = Acted(spec_of("main", calls, main=main, shared=REVIEW))
    case.portal.answers["opinion.agree"] = lambda place: place.scope == "second:1"
    assert case.tasks() == ["first:1/opinion", "second:1/opinion"]
    case.do("second:1/opinion", "first:1/opinion")
    assert "-second=agreed" in case.portal.short()
    assert "-first=rejected" in case.portal.short()
    assert case.ended


def test_calls_nest_and_each_visit_of_a_call_is_a_scope_of_its_own():
    middle = diagram(start("ms"), call("inner"), end("me"), path("ms", "inner", "me"))
    parts = start(), call("outer"), xor("again", "again-end"), end(), path("start", "outer", "again", "end")
    main = diagram(*parts, flow("again", "outer", "=again"))
    calls = {"main": {"outer": "middle"}, "middle": {"inner": "shared"}}
    case = Acted(spec_of("main", calls, main=main, middle=middle, shared=REVIEW), Portal({"again": True}))
    case.do("outer:1/inner:1/opinion")
    assert [task.place for task in case.waiting.tasks] == [Place("outer:2/inner:1", "opinion", 1)]
    case.portal.answers["again"] = False
    case.do("outer:2/inner:1/opinion")
    assert case.end == "end"


def test_the_same_subprocess_id_in_two_diagrams_is_no_clash():
    part = subprocess("part", start("in"), user("inner"), end("out"), path("in", "inner", "out"))
    shared = diagram(start("s"), part, end("e"), path("s", "part", "e"))
    main = diagram(start(), part, call("c"), end(), path("start", "part", "c", "end"))
    case = Acted(spec_of("main", {"main": {"c": "shared"}}, main=main, shared=shared))
    case.do("inner", "c:1/inner")
    assert case.end == "end"


BODY = (
    *(start(), user("check"), parallel("s"), call("review"), user("other"), parallel("j"), user("sign"), end("signed")),
    *(path("start", "check", "s", "review", "j", "sign", "signed"), path("s", "other", "j")),
)
WITHDRAWAL = handler(
    "withdrawal",
    trigger("withdraw", message("withdraw")),
    user("confirm"),
    end("withdrawn"),
    path("withdraw", "confirm", "withdrawn"),
)
OVERDUE = handler(
    "overdue",
    trigger("late", timer("decision"), interrupting=False),
    user("hurry"),
    end("hurried"),
    path("late", "hurry", "hurried"),
)


def handled(*handlers: str) -> Acted:
    main = diagram(*BODY, *handlers)
    return Acted(spec_of("main", {"main": {"review": "shared"}}, main=main, shared=REVIEW))


def test_a_withdrawal_ends_parallel_branches_and_the_call_inside():
    case = handled(WITHDRAWAL)
    case.do("check")
    assert (case.tasks(), case.messages()) == (["review:1/opinion", "other"], ["withdraw?withdraw"])
    assert case.message("withdraw").place == Place("", "withdraw", 1)
    case.portal.forget()
    case.send("withdraw")
    assert case.portal.short() == ["+withdraw", "-withdraw", "+withdrawal", ">withdraw-confirm", "+confirm"]
    assert case.portal.told[0][2] == "startEvent"
    assert (case.tasks(), case.messages()) == (["confirm"], [])
    case.do("confirm")
    assert (case.ended, case.end) == (True, "withdrawn")


def test_a_case_with_a_withdrawal_ends_as_drawn_when_nobody_withdraws():
    case = handled(WITHDRAWAL).do("check", "other", "review:1/opinion", "sign")
    assert (case.ended, case.end, case.messages()) == (True, "signed", [])
    assert not [line for line in case.portal.short() if "portal" in line]


def test_a_non_interrupting_timer_event_subprocess_runs_beside_and_only_once():
    case = handled(OVERDUE).do("check").over("late")
    assert (case.tasks(), case.timers()) == (["review:1/opinion", "other", "hurry"], [])
    case.do("review:1/opinion", "other", "sign")
    assert (case.tasks(), case.ended) == (["hurry"], False)
    case.do("hurry")
    assert (case.ended, case.end) == (True, "signed")


def test_an_interrupting_event_subprocess_ends_a_handler_that_runs_beside():
    case = handled(WITHDRAWAL, OVERDUE).do("check").over("late").send("withdraw")
    assert (case.tasks(), case.messages(), case.timers()) == (["confirm"], [], [])
    assert case.do("confirm").end == "withdrawn"


def test_a_terminate_end_event_ends_the_handlers_beside_too():
    main = start(), user("decide"), end("decided", terminate=True), path("start", "decide", "decided"), OVERDUE
    case = Acted(simple(*main)).over("late").do("decide")
    assert (case.tasks(), case.ended, case.end) == ([], True, "decided")


def test_a_called_diagram_may_be_withdrawn_and_says_so():
    shared = diagram(start("s"), user("opinion"), end("agreed"), path("s", "opinion", "agreed"), WITHDRAWAL)
    main = diagram(start(), call("review"), user("after"), end(), path("start", "review", "after", "end"))
    case = Acted(spec_of("main", {"main": {"review": "shared"}}, main=main, shared=shared))
    assert case.tasks() == ["review:1/opinion"]
    assert case.message("review:1/withdraw").place == Place("review:1", "withdraw", 1)
    case.send("review:1/withdraw").do("review:1/confirm")
    assert "-review=withdrawn" in case.portal.short()
    assert case.tasks() == ["after"]


def test_an_event_subprocess_may_stand_in_an_embedded_subprocess():
    inner = start("in"), user("a"), end("out"), path("in", "a", "out"), WITHDRAWAL
    parts = (
        start(),
        subprocess("part", *inner),
        xor("again", "again-part"),
        end(),
        path("start", "part", "again", "part"),
    )
    case = Acted(simple(*parts, flow("again", "end", "=enough")))
    case.send("withdraw").do("confirm")
    assert "-part=withdrawn" in case.portal.short()
    assert (case.tasks(), case.messages()) == (["a:2"], ["withdraw:2?withdraw"])
    case.portal.answers["enough"] = True
    assert case.do("a:2").end == "end"


def test_a_timer_event_subprocess_may_interrupt():
    lapse = handler(
        "lapse", trigger("over", timer("filing")), service("close"), end("lapsed"), path("over", "close", "lapsed")
    )
    case = Acted(simple(start(), user("a"), end(), path("start", "a", "end"), lapse)).over("over")
    assert (case.end, case.portal.performed()) == ("lapsed", ["close"])


def test_ids_and_names_may_be_chinese():
    case = Acted(
        simple(
            start("开始"),
            user("复核"),
            catch("送达", message("已送达")),
            end("维持"),
            path("开始", "复核", "送达", "维持"),
        )
    )
    assert case.do("复核").send("送达").end == "维持"
    assert case.portal.flows() == ["开始-复核", "复核-送达", "送达-维持"]
