"""What SpiffWorkflow 3.2.0 gets wrong, by its number in the notes on it, and what the port makes of each."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.spiff.parser.process import SpiffBpmnParser
from SpiffWorkflow.util.task import TaskState

from portal import engine
from portal.engine import EngineFault, NotWaiting, Place, Runaway, Spec, Stuck, TooDeep, codec, reading, running
from portal.errors import ContentFaults, PortalError
from tests.builders.diagrams import (
    boundary,
    call,
    catch,
    diagram,
    element,
    end,
    flow,
    handler,
    message,
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

ONE_TASK = (start(), user("check"), end(), path("start", "check", "end"))


def loop_of(*ids: str, tasks: str = "check") -> Spec:
    """A user task, then service tasks, round and round until `enough`."""
    parts = [start(), xor("enter"), user(tasks), *map(service, ids), xor("again", "again-enter"), end()]
    return simple(*parts, path("start", "enter", tasks, *ids, "again", "enter"), flow("again", "end", "=enough"))


# --- H3: an event subprocess does not interrupt, and changes the shared spec ------------------------------


def test_h3_an_event_subprocess_interrupts_and_the_shared_spec_stays_as_it_was():
    withdrawal = handler("withdrawal", trigger("withdraw", message("withdraw")), end("gone"), path("withdraw", "gone"))
    spec = simple(*ONE_TASK, withdrawal)
    before = spec.fingerprint()
    assert Acted(spec).send("withdraw").end == "gone"
    assert spec.fingerprint() == before
    assert Acted(spec).tasks() == ["check"], "a new case must not begin with the withdrawal of another"


# --- H4: a tree deeper than 1000 loses its open tasks and calls itself completed --------------------------


def round_and_round(spec: Spec) -> bytes:
    """Complete the only open task until the engine refuses; returns the last state that could be saved."""
    position = engine.start(spec, Portal())
    while True:
        state = position.dump()
        try:
            position.complete(position.waiting().tasks[0].id)
        except TooDeep:
            return state


@pytest.fixture
def unpruned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "prune", lambda workflow: None)


@pytest.mark.usefixtures("unpruned")
def test_h4_a_case_too_deep_is_refused_before_its_tasks_are_lost():
    spec = loop_of(*(f"s{n}" for n in range(10)))
    last = engine.load(spec, round_and_round(spec), Portal())
    assert len(last.waiting().tasks) == 1, "the last saved state still shows its task"
    assert last.waiting().tasks[0].place.visit > 60
    assert not last.ended


FORKED = simple(
    *(start(), xor("enter"), parallel("s"), service("a"), service("b"), parallel("j"), user("check")),
    *(xor("again", "again-enter"), end(), path("start", "enter", "s", "a", "j", "check", "again", "enter")),
    *(path("s", "b", "j"), flow("again", "end", "=enough")),
)


@pytest.mark.usefixtures("unpruned")
def test_h4_parallel_branches_deep_in_a_loop_end_in_too_deep_not_in_a_recursion_error():
    """Nor in minutes: stock Spiff needs half a second for each step of the last rounds."""
    last = engine.load(FORKED, round_and_round(FORKED), Portal())
    assert last.waiting().tasks[0].place.visit > 100


BESIDE = simple(
    *(start(), xor("enter"), parallel("s"), user("check"), catch("stopped", message("stop")), end("gone")),
    *(xor("again", "again-enter2"), xor("enter2"), end(), path("start", "enter", "s", "enter2", "check", "again")),
    *(flow("again", "enter2"), flow("again", "end", "=enough"), path("s", "stopped", "gone")),
)
"""A branch waits all the time while the other goes round."""


@pytest.mark.parametrize("spec", [loop_of("s1", "s2"), FORKED, BESIDE], ids=["service", "parallel", "beside"])
def test_h4_a_case_that_goes_round_for_ever_keeps_nothing_of_the_rounds_behind_it(spec: Spec):
    position = engine.start(spec, Portal())
    kept = []
    for visit in range(1, 401):
        [task] = position.waiting().tasks
        assert (task.place.element, task.place.visit) == ("check", visit)
        position.complete(task.id)
        kept.append(len(position._run.tasks))
    assert max(kept[10:]) == max(kept[:10])
    assert engine.load(spec, position.dump(), Portal()).waiting() == position.waiting()


@pytest.mark.parametrize("interrupting", [True, False])
def test_h4_a_case_whose_edge_leads_back_for_ever_keeps_nothing_of_it(interrupting: bool):
    parts = start(), xor("enter"), user("check"), boundary("late", "check", timer("limit"), interrupting=interrupting)
    asked = xor("once", "once-gone"), end("gone"), path("late", "once", "gone"), flow("once", "enter", "=interrupts")
    again = xor("again", "again-enter"), path("check", "again", "enter"), flow("again", "end", "=enough")
    portal = Portal({"interrupts": interrupting})
    position = engine.start(simple(*parts, *asked, *again, end(), path("start", "enter", "check")), portal)
    kept = []
    for visit in range(1, 201):
        [timed] = position.waiting().timers
        position.tick(timed.id)
        if not interrupting:
            [task] = position.waiting().tasks
            position.complete(task.id)
        assert [task.place.visit for task in position.waiting().tasks] == [visit + 1]
        kept.append(len(position._run.tasks))
    assert max(kept[10:]) == max(kept[:10])


def test_h4_events_at_the_edge_of_what_is_open_end_with_it_though_all_else_of_them_is_over():
    hint = [boundary(f"t{n}", "check", timer(f"d{n}"), interrupting=False) for n in (1, 2)]
    told = path("t1", "told1", "end1"), path("t2", "told2", "end2")
    ends = service("told1"), service("told2"), end("end1"), end("end2")
    case = Acted(simple(start(), user("check"), *hint, *ends, end(), path("start", "check", "end"), *told))
    case.over("t1").over("t2")
    assert (case.tasks(), case.timers(), case.ended) == (["check"], [], False)
    assert case.do("check").ended


@pytest.fixture(params=["pruned", "unpruned"])
def either(request: pytest.FixtureRequest) -> None:
    """Whether the way behind a case is kept or not makes no difference to it."""
    if request.param == "unpruned":
        request.getfixturevalue("unpruned")


@pytest.mark.usefixtures("either")
def test_h4_a_token_that_was_left_at_a_join_is_there_in_the_next_round():
    """Two come in on one way, and one on the other: of the next round only that one is waited for."""
    parts = start(), xor("enter"), parallel("s"), user("a"), user("a2"), xor("m"), user("b"), parallel("j")
    rest = user("check"), xor("again", "again-enter"), end()
    ways = (
        path("start", "enter", "s", "a", "m", "j", "check", "again", "enter"),
        path("s", "a2", "m"),
        path("s", "b", "j"),
    )
    case = Acted(simple(*parts, *rest, *ways, flow("again", "end", "=enough")))
    for one in ("a", "a2", "b"):
        assert "check" not in case.tasks()
        case.do(one)
    assert case.tasks() == ["check"]
    case.do("check")
    assert case.tasks() == ["a:2", "a2:2", "b:2"]
    assert case.do("b:2").tasks() == ["a:2", "a2:2", "check:2"]


def test_h4_ended_never_follows_spiff_alone():
    position = engine.start(simple(*ONE_TASK), Portal())
    position._run.completed = True
    assert (position.ended, position.end) == (False, None)


# --- H5: an endless engine loop ---------------------------------------------------------------------------


def test_h5_a_step_has_a_budget(monkeypatch):
    ids = [f"s{n}" for n in range(60)]
    row = start(), *map(service, ids), end(), path("start", *ids, "end")
    assert Acted(simple(*row)).ended
    monkeypatch.setattr(running, "STEPS", 50)
    with pytest.raises(Runaway):
        engine.start(simple(*row), Portal())


def test_h5_an_endless_loop_is_stopped_by_the_budget(monkeypatch):
    monkeypatch.setattr(reading, "endless", lambda documents: [])
    monkeypatch.setattr(reading, "_try", lambda spec: None)
    parts = start(), user("check"), xor("enter"), service("spin"), xor("again", "again-enter"), end()
    flows = path("start", "check", "enter", "spin", "again", "enter"), flow("again", "end", "=enough")
    spec = simple(*parts, *flows)
    position = engine.start(spec, Portal())
    with pytest.raises(Runaway) as caught:
        position.complete(position.waiting().tasks[0].id)
    assert caught.value.element in {"spin", "again", "enter"}


# --- H6: an exception in a step ---------------------------------------------------------------------------


class Refused(PortalError):
    zh, en = "不行", "no"


class Failing(Portal):
    """Fails when one of its answers is asked for."""

    def __init__(self, verb: str, error: Exception) -> None:
        super().__init__()
        self.verb, self.error = verb, error

    def condition(self, expression: str, place: Place) -> bool | None:
        if self.verb == "condition":
            raise self.error
        return super().condition(expression, place)

    def perform(self, place: Place) -> None:
        if self.verb == "perform":
            raise self.error

    def entered(self, place: Place, kind: str) -> None:
        if (self.verb, place.element) == ("entered", "issue"):
            raise self.error

    def left(self, place: Place, end: str | None) -> None:
        if (self.verb, place.element) == ("left", "issue"):
            raise self.error

    def took(self, flow: str, scope: str) -> None:
        if (self.verb, flow) == ("took", "issue-which"):
            raise self.error


FAILS = (
    *(start(), user("check"), service("issue"), xor("which", "which-end"), end(), end("other")),
    *(path("start", "check", "issue", "which", "end"), flow("which", "other", "=x")),
)


@pytest.mark.parametrize(
    ("verb", "element"),
    [("condition", "which"), ("perform", "issue"), ("entered", "issue"), ("left", "issue"), ("took", "issue")],
)
def test_h6_an_error_of_the_environment_becomes_an_engine_fault_with_its_element(verb, element):
    position = engine.start(simple(*FAILS), Failing(verb, ZeroDivisionError("by zero")))
    with pytest.raises(EngineFault, match="by zero") as caught:
        position.complete(position.waiting().tasks[0].id)
    assert caught.value.element == element
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize("verb", ["condition", "perform", "entered", "left", "took"])
def test_h6_what_the_portal_says_itself_comes_out_as_it_is(verb):
    position = engine.start(simple(*FAILS), Failing(verb, Refused()))
    with pytest.raises(Refused):
        position.complete(position.waiting().tasks[0].id)


def test_h6_errors_that_shall_pass_do_so_that_a_lost_race_can_be_run_again():
    position = engine.start(simple(*FAILS), Failing("perform", ConnectionError("lost")), passing=(ConnectionError,))
    with pytest.raises(ConnectionError):
        position.complete(position.waiting().tasks[0].id)
    state = engine.start(simple(*FAILS), Portal()).dump()
    again = engine.load(simple(*FAILS), state, Failing("perform", ConnectionError("lost")), passing=(ConnectionError,))
    with pytest.raises(ConnectionError):
        again.complete(again.waiting().tasks[0].id)


@pytest.mark.parametrize(
    "verb",
    [
        lambda position, id: position.waiting(),
        lambda position, id: position.complete(id),
        lambda position, id: position.signal(id),
        lambda position, id: position.tick(id),
        lambda position, id: position.dump(),
    ],
)
def test_h6_a_spoilt_position_refuses_every_verb(verb: Callable[[engine.Position, str], object]):
    position = engine.start(simple(*FAILS), Failing("perform", Refused()))
    id = position.waiting().tasks[0].id
    with pytest.raises(Refused):
        position.complete(id)
    with pytest.raises(EngineFault, match="load the last saved state"):
        verb(position, id)


def test_h6_the_last_saved_state_can_be_tried_again():
    spec = simple(*FAILS)
    position = engine.start(spec, Failing("perform", ZeroDivisionError()))
    state = position.dump()
    with pytest.raises(EngineFault):
        position.complete(position.waiting().tasks[0].id)
    again = engine.load(spec, state, Portal())
    again.complete(again.waiting().tasks[0].id)
    assert again.end == "end"


@pytest.mark.parametrize("verb", ["waiting", "dump", "complete"])
def test_an_engine_is_never_entered_in_mid_step(verb):
    class Impatient(Portal):
        def perform(self, place: Place) -> None:
            getattr(position, verb)(*([id] if verb == "complete" else []))

    position = engine.start(simple(*FAILS), Impatient())
    id = position.waiting().tasks[0].id
    with pytest.raises(EngineFault, match="mid-step"):
        position.complete(id)


@pytest.mark.parametrize("answer", [None, False])
def test_a_gateway_with_no_way_out_is_a_fault_of_the_gateway(answer):
    parts = start(), user("check"), xor("which"), end(), end("other"), path("start", "check", "which")
    spec = simple(*parts, flow("which", "end", "=x"), flow("which", "other", "=y"))
    portal = Portal({"x": answer, "y": answer})
    position = engine.start(spec, portal)
    with pytest.raises(EngineFault) as caught:
        position.complete(position.waiting().tasks[0].id)
    assert caught.value.element == "which"
    assert portal.short()[-1] == "#which"


@pytest.mark.parametrize("answer", ["yes", 1, [True]])
def test_a_condition_that_is_no_truth_value_is_a_fault(answer):
    position = engine.start(simple(*FAILS), Portal({"x": lambda place: answer}))
    with pytest.raises(EngineFault) as caught:
        position.complete(position.waiting().tasks[0].id)
    assert caught.value.element == "which"


def test_a_join_that_waits_for_what_cannot_come_is_told_at_once():
    parts = start(), user("check"), xor("which", "which-a"), service("a"), service("b"), parallel("join"), end()
    flows = path("start", "check", "which", "a", "join", "end"), flow("which", "b", "=x"), flow("b", "join")
    with pytest.raises(Stuck) as caught:
        Acted(simple(*parts, *flows)).do("check")
    assert caught.value.element == "join"


def test_a_withdrawal_that_is_awaited_hides_no_case_that_stands_still():
    parts = start(), user("check"), xor("which", "which-a"), service("a"), service("b"), parallel("join"), end()
    flows = path("start", "check", "which", "a", "join", "end"), flow("which", "b", "=x"), flow("b", "join")
    withdrawn = handler("withdraw", trigger("asked", message("withdraw")), end("withdrawn"), flow("asked", "withdrawn"))
    case = Acted(simple(*parts, *flows, withdrawn))
    assert case.messages() == ["asked?withdraw"]
    with pytest.raises(Stuck) as caught:
        case.do("check")
    assert caught.value.element == "join"


def test_a_case_of_which_all_is_over_but_no_end_was_reached_is_stuck():
    position = engine.start(simple(*ONE_TASK), Portal())
    position._run.cancel()
    position._run.completed = True
    with pytest.raises(Stuck, match="nothing waits, and no end was reached"):
        position._run.settle()


def test_a_token_too_many_at_a_join_leaves_the_branch_behind_it_alone():
    """Stock Spiff fires again, and drops the open task `after`."""
    parts = start(), parallel("s"), user("a"), user("b"), user("c"), xor("m"), parallel("j"), user("after"), end()
    flows = path("start", "s", "a", "m", "j", "after", "end"), path("s", "b", "m"), path("s", "c", "j")
    case = Acted(simple(*parts, *flows)).do("a", "c")
    assert case.tasks() == ["b", "after"]
    case.do("b")
    assert case.tasks() == ["after"]
    with pytest.raises(Stuck):
        case.do("after")


# --- H7, H8: two workers ----------------------------------------------------------------------------------


def test_h7_h8_two_workers_get_the_same_ids_so_ids_protect_nothing():
    """Why the caller locks the case: without it the second save would silently undo the first."""
    spec = loop_of()
    position = engine.start(spec, Portal())
    state = position.dump()
    first, second = engine.load(spec, state, Portal({"enough": True})), engine.load(spec, state, Portal())
    id = first.waiting().tasks[0].id
    assert second.waiting().tasks[0].id == id
    first.complete(id)
    second.complete(id)
    assert (first.ended, second.ended) == (True, False)


# --- H11: one serializer per thread -----------------------------------------------------------------------


def test_h11_each_thread_has_a_serializer_of_its_own():
    seen = []
    workers = [threading.Thread(target=lambda: seen.append(codec._serializers.one)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len({id(one) for one in [*seen, codec._serializers.one]}) == 3
    assert codec._serializers.one is codec._serializers.one


def test_h11_cases_in_several_threads_share_a_spec_undisturbed():
    review = diagram(start("s"), user("opinion"), end("e"), path("s", "opinion", "e"))
    withdrawal = handler("withdrawal", trigger("withdraw", message("withdraw")), end("gone"), path("withdraw", "gone"))
    parts = start(), parallel("p"), call("a"), call("b"), parallel("j"), user("sign"), end(), withdrawal
    main = diagram(*parts, path("start", "p", "a", "j", "sign", "end"), path("p", "b", "j"))
    spec = spec_of("main", {"main": {"a": "review", "b": "review"}}, main=main, review=review)
    before = spec.fingerprint()
    alone = Acted(spec).do("a:1/opinion", "b:1/opinion", "sign").portal.short()
    ends: list[str | None] = []
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(6):
                if (number + turn) % 3 == 0:
                    ends.append(Acted(spec).do("b:1/opinion").send("withdraw").end)
                    continue
                case = Acted(spec).do("a:1/opinion", "b:1/opinion", "sign")
                assert case.portal.short() == alone
                ends.append(case.end)
        except BaseException as error:  # a thread's failure must reach the test
            errors.append(error)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not errors
    assert (ends.count("gone"), ends.count("end")) == (8, 16)
    assert spec.fingerprint() == before


# --- H12: a service task runs inside the step -------------------------------------------------------------


def test_h12_a_service_task_asks_the_environment_once_and_nothing_else():
    case = Acted(simple(start(), service("issue"), user("check"), end(), path("start", "issue", "check", "end")))
    case.do("check")
    assert case.portal.performed() == ["issue"]


# --- H16: an operator with the id of its task -------------------------------------------------------------


def test_h16_an_operator_never_has_the_id_of_an_element():
    drawn = engine.safe_xml(diagram(start(), service("issue"), end(), path("start", "issue", "end")))
    derived = engine.safe_xml(engine.derive(drawn, "main", {}))
    operators = [e.get("id") for e in derived.iter("{http://spiffworkflow.org/bpmn/schema/1.0/core}*") if e.get("id")]
    assert operators == ["op.issue"]
    assert engine.reserved("op.issue")


# --- H17: completing what is completed --------------------------------------------------------------------


def test_h17_only_an_open_task_can_be_completed():
    case = Acted(simple(start(), user("a"), user("b"), end(), path("start", "a", "b", "end")))
    done = case.task("a").id
    case.do("a")
    position = engine.load(case.spec, case.state, case.portal)
    for id in (done, "00000000-0000-0000-0000-000000000000", "nonsense", ""):
        with pytest.raises(NotWaiting):
            position.complete(id)
    assert position.dump() == case.state, "a refused verb changes nothing"
    position.complete(position.waiting().tasks[0].id)
    assert position.ended


def test_h17_nor_a_task_that_has_not_been_reached_or_was_interrupted():
    parts = start(), user("a"), boundary("t", "a", timer("d")), user("b"), end(), path("start", "a", "b", "end")
    case = Acted(simple(*parts, end("late"), flow("t", "late")))
    open_task, open_timer = case.task("a").id, case.timer("t").id
    position = engine.load(case.spec, case.state, case.portal)
    for task in position._run.tasks.values():
        if str(task.id) != open_task:
            with pytest.raises(NotWaiting):
                position.complete(str(task.id))
    with pytest.raises(NotWaiting):
        position.tick(open_task)
    with pytest.raises(NotWaiting):
        position.signal(open_timer)
    case.over("t")
    after = engine.load(case.spec, case.state, case.portal)
    with pytest.raises(NotWaiting):
        after.complete(open_task)
    with pytest.raises(NotWaiting):
        after.tick(open_timer)


# --- an inclusive gateway ---------------------------------------------------------------------------------


class _Both(PythonScriptEngine):
    """Every way is taken, in every round."""

    def evaluate(self, task: object, expression: str, external_context: object = None) -> bool:
        return True


def test_an_inclusive_join_fires_too_early_in_a_second_round_and_is_refused():
    """Why drawings may hold none; when a later SpiffWorkflow mends it, this test says so."""
    fork, join = element("inclusiveGateway", "fork"), element("inclusiveGateway", "join")
    ways = flow("fork", "a", "=a"), flow("fork", "b", "=b"), path("a", "join", "check", "again"), flow("b", "join")
    loop = xor("enter"), xor("again", "again-end"), end(), flow("again", "enter", "=again"), flow("again", "end")
    drawn = diagram(
        start(), path("start", "enter", "fork"), fork, user("a"), user("b"), join, user("check"), *ways, *loop
    )
    parser = SpiffBpmnParser()
    parser.add_bpmn_xml(engine.safe_xml(drawn))
    stock = BpmnWorkflow(parser.get_spec("drawn"), {}, script_engine=_Both())
    stock.do_engine_steps()

    def do(name: str) -> list[str]:
        stock.get_next_task(state=TaskState.READY, spec_name=name).run()
        stock.do_engine_steps()
        return sorted(task.task_spec.name for task in stock.get_tasks(state=TaskState.READY, manual=True))

    assert (do("a"), do("b"), do("check")) == (["b"], ["check"], ["a", "b"])
    assert do("a") == ["b", "check"], "b has not come in this round"
    with pytest.raises(ContentFaults, match="inclusiveGateway"):
        engine.derive(engine.safe_xml(drawn), "main", {})


# --- Python in a diagram ----------------------------------------------------------------------------------

ATTACKS = [
    '__import__("os").system("touch /tmp/portal-was-here")',
    "exit()",
    "().__class__.__bases__[0].__subclasses__()",
    'open("/etc/passwd").read() != ""',
]


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("sign", ["=", ""])
def test_a_condition_is_text_for_the_portal_and_never_python(attack, sign, monkeypatch):
    monkeypatch.setattr("builtins.eval", lambda *_: pytest.fail("eval was called"))
    monkeypatch.setattr("builtins.exec", lambda *_: pytest.fail("exec was called"))
    parts = (
        start(),
        user("check"),
        xor("which", "which-end"),
        end(),
        end("other"),
        path("start", "check", "which", "end"),
    )
    case = Acted(simple(*parts, flow("which", "other", sign + attack))).do("check")
    assert case.end == "end"
    assert case.portal.asked == [(attack, Place("", "which", 1))]


def test_a_loaded_case_never_has_an_evaluator_of_spiff():
    spec = simple(*ONE_TASK)
    position = engine.load(spec, engine.start(spec, Portal()).dump(), Portal())
    evaluator = position._run.script_engine
    task = next(iter(position._run.tasks.values()))
    for ask in (
        lambda: evaluator.evaluate(task, "1 + 1"),
        lambda: evaluator.execute(task, "x = 1"),
        lambda: evaluator.call_service(task, operation_name="x"),
        lambda: evaluator.validate("1"),
        lambda: evaluator.environment.evaluate("1 + 1", {}),
        lambda: evaluator.environment.execute("x = 1", {}),
        lambda: evaluator.environment.call_service({}),
    ):
        with pytest.raises(EngineFault):
            ask()
    assert not hasattr(BpmnWorkflow(spec.top, spec.inner), "env"), "only ours has one, and cannot be made without"


def test_scripts_drawn_for_the_engine_do_not_get_through():
    spiff = 'xmlns:spiffworkflow="http://spiffworkflow.org/bpmn/schema/1.0/core"'
    script = f"<bpmn:extensionElements><spiffworkflow:preScript {spiff}>import os</spiffworkflow:preScript>"
    drawn = diagram(*ONE_TASK).replace(b"<bpmn:extensionElements>", script.encode())
    derived = engine.derive(engine.safe_xml(drawn), "main", {})
    assert b"preScript" not in derived
    assert b"portal:" not in derived


def test_a_catch_keeps_no_data_of_a_message():
    case = Acted(
        simple(start(), catch("served", message("served")), user("a"), end(), path("start", "served", "a", "end"))
    )
    case.send("served")
    run = engine.load(case.spec, case.state, case.portal)._run
    assert all(task.data == {} for task in run.tasks.values())
