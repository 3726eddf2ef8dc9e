"""What is done by many: counted, told, ended early, interrupted, saved; each instance and each round kept apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from portal import engine
from portal.engine import EngineFault, NotWaiting, Place, Runaway, Spec, TooMany, reading, running
from portal.errors import ContentFaults, PortalError
from tests.builders.diagrams import (
    boundary,
    call,
    diagram,
    each,
    end,
    flow,
    handler,
    message,
    parallel,
    path,
    rules,
    service,
    start,
    subprocess,
    timer,
    trigger,
    user,
    xor,
)
from tests.engine.acting import Acted, Portal, simple, spec_of

GOLDEN = Path(__file__).parent / "golden" / "codec-1-spiff-3.2.0-many.state"


def votes(*, enough: str = "", sequential: bool = False) -> Spec:
    """Many vote, then the chair."""
    vote = each(user("vote"), enough=enough, sequential=sequential)
    return simple(start(), vote, user("chair"), end(), path("start", "vote", "chair", "end"))


def seat(*more: str) -> str:
    """One seat: invited, then heard; `more` stands beside."""
    return subprocess(
        "seat", start("begun"), user("invite"), user("opinion"), end("heard"), *more,
        path("begun", "invite", "opinion", "heard"),
    )  # fmt: skip


def seats(*more: str, enough: str = "", sequential: bool = False) -> Spec:
    """Many seats, then the chair."""
    many = each(seat(*more), enough=enough, sequential=sequential)
    return simple(start(), many, user("chair"), end(), path("start", "seat", "chair", "end"))


# --- how many, and when ---------------------------------------------------------------------------------------


def test_many_at_once_are_open_together_and_leave_one_by_one():
    case = Acted(votes(), Portal(items={"vote": 3}))
    assert case.portal.short()[2:] == [">start-vote", "+vote", "?vote", "+vote.1", "+vote.2", "+vote.3"]
    assert {entry[2] for entry in case.portal.told if entry[0] == "entered" and "vote" in str(entry[1])} == {"userTask"}
    assert case.waiting.tasks[2].place == Place("", "vote", 1, 3)
    case.portal.forget()
    assert case.do("vote.2").tasks() == ["vote.1", "vote.3"]
    case.do("vote.3", "vote.1")
    assert case.portal.short() == ["-vote.2", "-vote.3", "-vote.1", "-vote", ">vote-chair", "+chair"]
    assert case.tasks() == ["chair"]


def test_one_after_the_other_means_that_one_is_open():
    case = Acted(votes(sequential=True), Portal(items={"vote": 3}))
    assert case.tasks() == ["vote.1"]
    assert case.do("vote.1").tasks() == ["vote.2"]
    assert case.do("vote.2").tasks() == ["vote.3"]
    case.portal.forget()
    assert case.do("vote.3").tasks() == ["chair"]
    assert case.portal.short() == ["-vote.3", "-vote", ">vote-chair", "+chair"]


@pytest.mark.parametrize("sequential", [False, True])
def test_none_at_all_passes_at_once_as_a_whole(sequential):
    case = Acted(votes(sequential=sequential, enough="=never"), Portal(items={"vote": 0}))
    assert case.portal.short()[3:] == ["+vote", "?vote", "-vote", ">vote-chair", "+chair"]
    assert (case.tasks(), case.portal.asked) == (["chair"], [])


def test_how_many_is_asked_once_and_never_again_after_loading():
    case = Acted(votes(), Portal(items={"vote": 2}))
    case.portal.many["vote"] = 7
    case.do("vote.1")
    assert case.tasks() == ["vote.2"]
    assert case.do("vote.2").tasks() == ["chair"]
    assert [entry[1] for entry in case.portal.told if entry[0] == "items"] == [Place("", "vote", 1)]


def test_two_hundred_are_the_most():
    assert len(Acted(votes(), Portal(items={"vote": 200})).tasks()) == 200
    with pytest.raises(TooMany, match="201 instances, more than 200") as caught:
        Acted(votes(), Portal(items={"vote": 201}))
    assert caught.value.element == "vote"


@pytest.mark.parametrize("number", [-1, 1.0, "2", None, True])
def test_what_is_no_number_of_instances_is_a_fault(number):
    with pytest.raises(TooMany, match="no number of instances"):
        Acted(votes(), Portal(items={"vote": number}))


def test_two_hundred_seats_are_begun_in_one_step_and_their_state_stays_small():
    case = Acted(seats(), Portal(items={"seat": 200}))
    assert len(case.tasks()) == 200
    begun = len(case.state)
    assert begun <= 96 * 1024
    case.do("seat:1.7/invite", "seat:1.7/opinion")
    assert len(case.state) < begun, "of a seat that was heard little is kept"


def test_many_within_many_multiply_only_so_far(monkeypatch):
    inner = subprocess("seat", start("begun"), each(user("vote")), end("heard"), path("begun", "vote", "heard"))
    spec = simple(start(), each(inner), end(), path("start", "seat", "end"))
    case = Acted(spec, Portal(items={"seat": 3, "vote": 2}))
    assert case.tasks() == [f"seat:1.{seat}/vote.{vote}" for seat in (1, 2, 3) for vote in (1, 2)]
    monkeypatch.setattr(running, "BEGUN", 8)
    with pytest.raises(Runaway, match="more than 8 instances begun in one step"):
        Acted(spec, Portal(items={"seat": 3, "vote": 2}))


def test_each_step_may_begin_so_many_anew(monkeypatch):
    monkeypatch.setattr(running, "BEGUN", 3)
    vote = each(user("vote"), sequential=True)
    position = engine.start(simple(start(), vote, end(), path("start", "vote", "end")), Portal(items={"vote": 6}))
    for _ in range(6):
        position.complete(position.waiting().tasks[0].id)
    assert position.ended


def test_an_endless_loop_through_many_that_never_wait_is_stopped(monkeypatch):
    monkeypatch.setattr(reading, "endless", lambda documents: [])
    monkeypatch.setattr(reading, "_try", lambda spec: None)
    part = subprocess("part", start("begun"), service("work"), end("heard"), path("begun", "work", "heard"))
    parts = start(), user("check"), xor("enter"), each(part), xor("again", "again-enter"), end()
    spec = simple(*parts, path("start", "check", "enter", "part", "again", "enter"), flow("again", "end", "=enough"))
    with pytest.raises(Runaway):
        Acted(spec, Portal(items={"part": 10})).do("check")


def test_a_service_in_each_of_two_hundred_seats_is_within_one_steps_budget(monkeypatch):
    work = [f"work{number}" for number in range(4)]
    inside = subprocess("seat", start("begun"), *map(service, work), end("heard"), path("begun", *work, "heard"))
    spec = simple(start(), each(inside), user("chair"), end(), path("start", "seat", "chair", "end"))
    case = Acted(spec, Portal(items={"seat": 200}))
    assert (case.tasks(), len(case.portal.performed())) == (["chair"], 800)
    monkeypatch.setattr(running, "STEPS_EACH", 5)
    with pytest.raises(Runaway, match="more than 1500 elements in one step"):
        Acted(spec, Portal(items={"seat": 200}))


def test_a_loop_that_waits_only_for_many_is_refused_for_there_may_be_none():
    parts = start(), xor("enter"), each(user("vote")), xor("again", "again-enter"), end()
    with pytest.raises(ContentFaults) as caught:
        simple(*parts, path("start", "enter", "vote", "again", "enter"), flow("again", "end", "=enough"))
    assert {fault.element for fault in caught.value.faults} == {"enter", "vote", "again"}
    assert "没有任何等待" in caught.value.faults[0].what


# --- enough ---------------------------------------------------------------------------------------------------


def test_enough_is_asked_of_the_whole_after_each_and_ends_the_others():
    case = Acted(votes(enough="=majority"), Portal(items={"vote": 5}))
    case.do("vote.4", "vote.1")
    assert case.portal.asked == [("majority", Place("", "vote", 1))] * 2
    gone = case.task("vote.3").id
    case.portal.answers["majority"] = True
    case.portal.forget()
    assert case.do("vote.2").tasks() == ["chair"]
    assert case.portal.short() == ["-vote.2", "-vote", ">vote-chair", "+chair"], "the others never leave"
    position = engine.load(case.spec, case.state, case.portal)
    with pytest.raises(NotWaiting):
        position.complete(gone)


def test_enough_is_asked_when_the_one_has_been_told_to_have_left():
    class Counting(Portal):
        def condition(self, expression: str, place: Place) -> bool:
            return sum(entry[0] == "left" and entry[1].item > 0 for entry in self.told) == 2

    case = Acted(votes(enough="=two"), Counting(items={"vote": 4}))
    assert case.do("vote.1", "vote.2").tasks() == ["chair"]


@pytest.mark.parametrize("answer", [None, False])
def test_without_enough_all_are_waited_for(answer):
    case = Acted(votes(enough="=majority"), Portal({"majority": answer}))
    assert case.do("vote.2", "vote.1").tasks() == ["chair"]


def test_enough_one_after_the_other_begins_no_other():
    case = Acted(votes(enough="=majority", sequential=True), Portal(items={"vote": 3}))
    case.do("vote.1")
    case.portal.answers["majority"] = True
    case.portal.forget()
    assert case.do("vote.2").tasks() == ["chair"]
    assert case.portal.short() == ["-vote.2", "-vote", ">vote-chair", "+chair"]


def test_enough_ends_what_stands_inside_the_others():
    case = Acted(seats(enough="=majority"), Portal(items={"seat": 3}))
    case.do("seat:1.1/invite", "seat:1.2/invite")
    case.portal.answers["majority"] = True
    assert case.do("seat:1.2/opinion").tasks() == ["chair"]
    assert "-seat.1=heard" not in case.portal.short()


def test_a_completion_condition_that_is_no_truth_value_is_a_fault():
    position = engine.start(votes(enough="=majority"), Portal({"majority": lambda place: "yes"}))
    with pytest.raises(EngineFault, match="neither true, false nor null") as caught:
        position.complete(position.waiting().tasks[0].id)
    assert caught.value.element == "vote"


# --- scopes ---------------------------------------------------------------------------------------------------


def test_each_seat_is_a_scope_with_visits_of_its_own():
    spec = seats()
    case = Acted(spec, Portal(items={"seat": 2}))
    assert [task.place for task in case.waiting.tasks] == [
        Place("seat:1.1", "invite", 1),
        Place("seat:1.2", "invite", 1),
    ]
    case.portal.forget()
    case.do("seat:1.2/invite", "seat:1.2/opinion")
    assert case.portal.short()[-3:] == ["+seat:1.2/heard", "-seat:1.2/heard", "-seat.2=heard"]
    assert ">seat:1.2/invite-opinion" in case.portal.short()


def test_a_plain_part_inside_a_seat_does_not_show_in_its_scope():
    part = subprocess("part", start("s"), user("opinion"), end("e"), path("s", "opinion", "e"))
    many = each(subprocess("seat", start("begun"), part, end("heard"), path("begun", "part", "heard")))
    assert Acted(simple(start(), many, end(), path("start", "seat", "end"))).tasks() == [
        "seat:1.1/opinion",
        "seat:1.2/opinion",
    ]


def test_each_of_many_calls_is_a_scope():
    ask = diagram(start("s"), each(user("vote")), end("e"), path("s", "vote", "e"))
    main = diagram(start(), each(call("ask"), sequential=True), end(), path("start", "ask", "end"))
    case = Acted(spec_of("main", {"main": {"ask": "ask"}}, main=main, ask=ask))
    assert case.tasks() == ["ask:1.1/vote.1", "ask:1.1/vote.2"]
    case.do("ask:1.1/vote.2", "ask:1.1/vote.1")
    assert case.tasks() == ["ask:1.2/vote.1", "ask:1.2/vote.2"]
    assert case.do("ask:1.2/vote.1", "ask:1.2/vote.2").ended
    left = [entry[1:] for entry in case.portal.told if entry[0] == "left" and entry[1].element == "ask"]
    assert left == [(Place("", "ask", 1, 1), "e"), (Place("", "ask", 1, 2), "e"), (Place("", "ask", 1, 0), None)]


def test_conditions_and_services_inside_are_asked_in_the_scope_of_their_seat():
    inside = subprocess(
        "seat", start("begun"), user("opinion"), xor("which", "which-plain"), service("issue"), end("with"),
        end("plain"), path("begun", "opinion", "which", "plain"), flow("which", "issue", "=agreed"),
        path("issue", "with"),
    )  # fmt: skip
    agreed = {"agreed": lambda place: place.scope == "seat:1.2"}
    case = Acted(simple(start(), each(inside), end(), path("start", "seat", "end")), Portal(agreed))
    case.do("seat:1.1/opinion", "seat:1.2/opinion")
    assert case.portal.performed() == ["seat:1.2/issue"]
    assert [entry[2] for entry in case.portal.told if entry[0] == "left" and entry[1].element == "seat"] == [
        "plain",
        "with",
        None,
    ]


def test_a_second_round_is_a_new_visit_and_knows_nothing_of_the_first():
    parts = start(), xor("enter"), each(seat(), enough="=majority"), user("chair"), xor("again", "again-end"), end()
    flows = path("start", "enter", "seat", "chair", "again", "end"), flow("again", "enter", "=again")
    case = Acted(simple(*parts, *flows), Portal({"again": True}, items={"seat": 3}))
    case.do("seat:1.1/invite", "seat:1.3/invite")
    case.portal.answers["majority"] = True
    case.do("seat:1.1/opinion").portal.answers["majority"] = False
    case.portal.many["seat"] = 2
    case.do("chair")
    assert case.tasks() == ["seat:2.1/invite", "seat:2.2/invite"]
    case.do("seat:2.1/invite", "seat:2.1/opinion")
    assert case.tasks() == ["seat:2.2/invite"]
    case.do("seat:2.2/invite", "seat:2.2/opinion")
    assert case.tasks() == ["chair:2"]
    asked = [place for expression, place in case.portal.asked if expression == "majority"]
    assert asked == [Place("", "seat", 1), Place("", "seat", 2), Place("", "seat", 2)]
    case.portal.answers["again"] = False
    assert case.do("chair:2").ended


# --- interrupted ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sequential", [False, True])
@pytest.mark.parametrize("waits", [message("stop"), timer("stop")], ids=["message", "timer"])
def test_an_event_at_the_edge_of_the_whole_ends_all_of_them(waits, sequential):
    edge = boundary("stop", "seat", waits), end("stopped"), flow("stop", "stopped")
    many = each(seat(), sequential=sequential)
    case = Acted(simple(start(), many, user("chair"), end(), path("start", "seat", "chair", "end"), *edge))
    case.do("seat:1.1/invite")
    open_tasks = [task.id for task in case.waiting.tasks]
    verb = case.send if "message" in waits else case.over
    assert verb("stop").end == "stopped"
    assert "-seat" not in case.portal.short()
    position = engine.load(case.spec, case.state, case.portal)
    for id in open_tasks:
        with pytest.raises(NotWaiting):
            position.complete(id)


@pytest.mark.parametrize("around", [lambda *parts: parts, lambda *parts: (subprocess("part", *parts), start(),
                                    user("first"), end(), path("start", "first", "part", "end"))])  # fmt: skip
def test_of_interrupted_seats_nothing_is_kept(around):
    edge = boundary("stop", "seat", message("stop")), end("stopped"), flow("stop", "stopped")
    level = start("s"), each(seat()), user("chair"), end("e"), path("s", "seat", "chair", "e"), *edge
    case = Acted(simple(*around(*level)))
    if case.tasks() == ["first"]:
        case.do("first")
    position = engine.load(case.spec, case.state, case.portal)
    before = len(position._run.subprocesses)
    position.signal(case.message("stop").id)
    assert (before - len(position._run.subprocesses), position.ended) == (2, True)


def test_an_event_at_the_edge_of_many_tasks_ends_them_and_the_case_goes_on():
    parts = start(), each(user("vote")), xor("m"), user("chair"), end(), path("start", "vote", "m", "chair", "end")
    case = Acted(simple(*parts, boundary("late", "vote", timer("reply")), flow("late", "m")))
    case.do("vote.1")
    assert case.over("late").tasks() == ["chair"]
    assert case.timers() == []
    assert case.do("chair").ended


@pytest.mark.parametrize("sequential", [False, True])
@pytest.mark.parametrize("waits", [message("lapsed"), timer("lapsed")], ids=["message", "timer"])
def test_what_many_do_may_stand_behind_a_task_that_its_own_event_begins_anew(waits, sequential):
    back = boundary("lapsed", "chair", waits), flow("lapsed", "chair")
    late = boundary("late", "vote", timer("reply")), flow("late", "tell")
    parts = start(), user("chair"), each(user("vote"), sequential=sequential), service("tell"), user("file"), end()
    case = Acted(simple(*parts, path("start", "chair", "vote", "tell", "file", "end"), *back, *late))
    again = case.send if "message" in waits else case.over
    for visit in ("", ":2"):
        again(f"lapsed{visit}")
    case.do("chair:3", "vote.1")
    assert (case.tasks(), case.messages(), case.timers()) == (["vote.2"], [], ["late?reply"])
    assert case.do("vote.2").tasks() == ["file"]
    assert (case.timers(), case.portal.performed()) == ([], ["tell"])
    assert case.do("file").end == "end"


@pytest.mark.parametrize("sequential", [False, True])
@pytest.mark.parametrize("waits", [message("lapsed"), timer("lapsed")], ids=["message", "timer"])
@pytest.mark.parametrize("inside", [False, True], ids=["tasks", "seats"])
def test_an_event_at_the_edge_of_many_may_begin_them_anew(waits, sequential, inside):
    many = each(seat() if inside else user("seat"), sequential=sequential)
    back = boundary("lapsed", "seat", waits), flow("lapsed", "seat")
    case = Acted(simple(start(), many, user("chair"), end(), path("start", "seat", "chair", "end"), *back))
    again = case.send if "message" in waits else case.over
    for visit in (1, 2):
        case.do(f"seat:{visit}.1/invite" if inside else "seat.1" if visit == 1 else f"seat:{visit}.1")
        again("lapsed" if visit == 1 else f"lapsed:{visit}")
    assert case.messages() + case.timers() == ["lapsed:3?lapsed"]
    for item in (1, 2):
        steps = [f"seat:3.{item}/invite", f"seat:3.{item}/opinion"] if inside else [f"seat:3.{item}"]
        case.do(*steps)
    assert (case.tasks(), case.messages(), case.timers()) == (["chair"], [], [])
    assert case.do("chair").end == "end"


def test_a_timer_beside_the_whole_leaves_them_alone():
    edge = boundary("hurry", "vote", timer("reply"), interrupting=False), service("remind"), end("reminded")
    parts = start(), each(user("vote")), end(), path("start", "vote", "end"), *edge, path("hurry", "remind", "reminded")
    case = Acted(simple(*parts)).over("hurry")
    assert (case.portal.performed(), case.tasks(), case.timers()) == (["remind"], ["vote.1", "vote.2"], [])
    assert case.do("vote.2", "vote.1").ended


def test_an_event_inside_one_seat_ends_that_seat_only():
    absent = boundary("absent", "opinion", timer("reply")), end("replaced"), flow("absent", "replaced")
    case = Acted(seats(*absent))
    case.do("seat:1.1/invite", "seat:1.2/invite")
    assert case.timers() == ["seat:1.1/absent?reply", "seat:1.2/absent?reply"]
    case.over("seat:1.2/absent")
    assert (case.tasks(), case.timers()) == (["seat:1.1/opinion"], ["seat:1.1/absent?reply"])
    assert "-seat.2=replaced" in case.portal.short()
    assert case.do("seat:1.1/opinion").tasks() == ["chair"]


def test_a_handler_inside_one_seat_ends_that_seat_only():
    recuse = handler("r", trigger("recuse", message("recuse")), end("recused"), path("recuse", "recused"))
    case = Acted(seats(recuse))
    case.send("seat:1.1/recuse")
    assert (case.tasks(), case.messages()) == (["seat:1.2/invite"], ["seat:1.2/recuse?recuse"])
    assert "-seat.1=recused" in case.portal.short()
    assert case.do("seat:1.2/invite", "seat:1.2/opinion").tasks() == ["chair"]


def test_a_withdrawal_around_ends_all_of_them():
    withdrawal = handler(
        "w", trigger("withdraw", message("withdraw")), user("confirm"), end("gone"), path("withdraw", "confirm", "gone")
    )
    vote = each(user("vote"), sequential=True)
    flows = path("start", "p", "seat", "j", "end"), path("p", "vote", "j"), path("p", "ask", "j")
    parts = start(), parallel("p"), each(seat()), vote, each(call("ask")), parallel("j"), end(), withdrawal
    main = diagram(*parts, *flows)
    answer = diagram(start("s"), user("reply"), end("e"), path("s", "reply", "e"))
    case = Acted(spec_of("main", {"main": {"ask": "ask"}}, main=main, ask=answer))
    case.do("seat:1.2/invite", "vote.1", "ask:1.1/reply")
    assert case.tasks() == ["seat:1.1/invite", "seat:1.2/opinion", "vote.2", "ask:1.2/reply"]
    assert case.send("withdraw").tasks() == ["confirm"]
    assert case.do("confirm").end == "gone"


def test_a_terminating_end_inside_one_seat_ends_that_seat_only():
    inside = subprocess(
        "seat", start("begun"), parallel("p"), user("a"), user("b"), end("stop", terminate=True), end("heard"),
        path("begun", "p", "a", "stop"), path("p", "b", "heard"),
    )  # fmt: skip
    case = Acted(simple(start(), each(inside), user("chair"), end(), path("start", "seat", "chair", "end")))
    assert case.do("seat:1.1/a").tasks() == ["seat:1.2/a", "seat:1.2/b"]
    assert "-seat.1=stop" in case.portal.short()
    assert case.do("seat:1.2/b", "seat:1.2/a").tasks() == ["chair"]


def test_a_terminating_end_beside_them_ends_all():
    parts = start(), parallel("p"), each(seat()), user("a"), end(), end("stop", terminate=True)
    case = Acted(simple(*parts, path("start", "p", "seat", "end"), path("p", "a", "stop")))
    assert (case.do("seat:1.1/invite", "a").end, case.tasks()) == ("stop", [])


def test_one_step_that_ends_two_seats_runs_nothing_of_the_interrupted():
    """The last that leaves makes it enough, while what it ends is ready to go on in the same step."""
    inside = subprocess("seat", start("begun"), service("work"), end("heard"), path("begun", "work", "heard"))
    spec = simple(start(), each(inside, enough="=one"), user("chair"), end(), path("start", "seat", "chair", "end"))
    case = Acted(spec, Portal({"one": True}, items={"seat": 4}))
    assert case.tasks() == ["chair"]
    left = [entry[1] for entry in case.portal.told if entry[0] == "left" and entry[1].element == "seat"]
    assert left == [Place("", "seat", 1, 1), Place("", "seat", 1)]


def test_what_is_ready_inside_many_inside_another_ends_with_it_in_mid_step():
    class Uneven(Portal):
        def items(self, place: Place) -> int:
            return 0 if (place.scope, place.element) == ("seat:1.1", "part") else super().items(place)

    work = [f"work{number}" for number in range(9)]
    part = subprocess("part", start("p"), *map(service, work), end("q"), path("p", *work, "q"))
    inside = subprocess("seat", start("begun"), each(part), end("heard"), path("begun", "part", "heard"))
    spec = simple(start(), each(inside, enough="=one"), user("chair"), end(), path("start", "seat", "chair", "end"))
    case = Acted(spec, Uneven({"one": True}))
    assert case.tasks() == ["chair"]
    told = case.portal.short()
    assert "!seat:1.2/part:1.1/work0" in told
    assert told[told.index("-seat.1=heard") :] == ["-seat.1=heard", "-seat", ">seat-chair", "+chair"]


# --- errors, depth --------------------------------------------------------------------------------------------


class Refused(PortalError):
    zh, en = "不行", "no"


@pytest.mark.parametrize(("error", "raised"), [(Refused(), Refused), (ZeroDivisionError("by zero"), EngineFault)])
def test_an_error_in_answering_how_many_spoils_the_step(error, raised):
    class Failing(Portal):
        def items(self, place: Place) -> int:
            raise error

    spec = simple(start(), user("check"), each(user("vote")), end(), path("start", "check", "vote", "end"))
    position = engine.start(spec, Failing())
    state, id = position.dump(), position.waiting().tasks[0].id
    with pytest.raises(raised) as caught:
        position.complete(id)
    assert raised is Refused or caught.value.element == "vote"
    again = engine.load(spec, state, Portal())
    again.complete(id)
    assert len(again.waiting().tasks) == 2


def test_behind_a_thousand_seats_an_open_task_is_still_seen():
    """Stock Spiff counts itself a level deeper with each seat that it comes out of, and overlooks the rest (H4)."""
    names = [f"seat{number}" for number in range(5)]
    ask = diagram(start("s"), user("opinion"), end("e"), path("s", "opinion", "e"))
    parts = start(), parallel("p"), *(each(call(name)) for name in names), user("last"), user("more"), parallel("j")
    flows = path("start", "p"), *(path("p", name, "j") for name in names), path("p", "last", "more", "j", "end")
    spec = spec_of("main", {"main": dict.fromkeys(names, "ask")}, main=diagram(*parts, *flows, end()), ask=ask)
    position = engine.start(spec, Portal(items=dict.fromkeys(names, 200)))
    tasks = position.waiting().tasks
    assert len(tasks) == 1001
    position.complete(next(task.id for task in tasks if task.place.element == "last"))
    assert Place("", "more", 1) in {task.place for task in position.waiting().tasks}


def test_cases_with_many_leave_the_shared_spec_as_it_was():
    spec = seats(enough="=majority")
    before = spec.fingerprint()
    Acted(spec, Portal({"majority": True})).do("seat:1.1/invite", "seat:1.1/opinion", "chair")
    assert spec.fingerprint() == before
    assert Acted(spec).tasks() == ["seat:1.1/invite", "seat:1.2/invite"]


# --- a business rule task -------------------------------------------------------------------------------------


def test_a_business_rule_task_is_performed_within_the_step():
    case = Acted(simple(start(), rules("decide"), user("check"), end(), path("start", "decide", "check", "end")))
    assert case.portal.short()[2:] == [
        ">start-decide", "+decide", "!decide", "-decide", ">decide-check", "+check",
    ]  # fmt: skip
    assert ("entered", Place("", "decide", 1), "businessRuleTask") in case.portal.told


# --- saved ----------------------------------------------------------------------------------------------------


def golden_spec() -> Spec:
    late = boundary("absent", "opinion", timer("reply")), end("replaced"), flow("absent", "replaced")
    withdrawal = handler("w", trigger("withdraw", message("withdraw")), end("gone"), path("withdraw", "gone"))
    parts = start(), rules("decide"), parallel("p"), each(seat(*late), enough="=majority"), each(call("ask"))
    more = each(user("vote"), sequential=True), parallel("j"), end(), withdrawal
    flows = path("start", "decide", "p", "seat", "j", "end"), path("p", "ask", "j"), path("p", "vote", "j")
    ask = diagram(start("s"), each(user("reply")), end("e"), path("s", "reply", "e"))
    return spec_of("main", {"main": {"ask": "ask"}}, main=diagram(*parts, *more, *flows), ask=ask)


def golden_case() -> Acted:
    """How the golden state came about."""
    case = Acted(golden_spec(), Portal(items={"seat": 3, "vote": 3}))
    return case.do("seat:1.1/invite", "seat:1.1/opinion", "seat:1.2/invite", "vote.1", "ask:1.2/reply.1")


def test_a_saved_state_with_many_can_be_carried_on():
    """H15: what stands in saved states must be read by every later release."""
    case = golden_case()
    saved = engine.load(case.spec, GOLDEN.read_bytes(), case.portal)
    assert [task.place for task in saved.waiting().tasks] == [task.place for task in case.waiting.tasks]
    case.state = GOLDEN.read_bytes()
    case._keep(saved)
    assert case.tasks() == [
        *("seat:1.2/opinion", "seat:1.3/invite", "ask:1.1/reply.1", "ask:1.1/reply.2", "ask:1.2/reply.2", "vote.2")
    ]
    case.portal.answers["majority"] = True
    case.over("seat:1.2/absent").do("ask:1.2/reply.2", "vote.2", "vote.3", "ask:1.1/reply.2", "ask:1.1/reply.1")
    assert case.end == "end"
