"""What becomes of a drawing, what is refused before, and what reading a derived diagram proves."""

from __future__ import annotations

import pytest
from lxml import etree

from portal import engine
from portal.engine import EngineFault, reading
from portal.engine.xml import BPMN, MAX_BYTES, PORTAL
from portal.errors import ContentFaults, Fault
from tests.builders.diagrams import (
    HEAD,
    boundary,
    call,
    catch,
    diagram,
    each,
    element,
    end,
    flow,
    handler,
    message,
    one_of,
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
from tests.engine.acting import Acted, simple, spec_of

PLAIN = (start(), user("check"), end(), path("start", "check", "end"))


def derived(drawn: bytes, name: str = "main", **calls: str) -> etree._Element:
    return engine.safe_xml(engine.derive(engine.safe_xml(drawn), name, calls))


def faults(*parts: str, **kwargs: str) -> list[Fault]:
    with pytest.raises(ContentFaults) as caught:
        engine.derive(engine.safe_xml(diagram(*parts, **kwargs)), "main", {})
    return list(caught.value.faults)


def ids(root: etree._Element, kind: str) -> list[str | None]:
    return [found.get("id") for found in root.iter(f"{{{BPMN}}}{kind}")]


# --- safe_xml ---------------------------------------------------------------------------------------------

ENTITY = '<!DOCTYPE x [<!ENTITY a "b">]>'
LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
EXTERNAL = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "XML"),
        (b"<a><b></a>", "XML"),
        (b"not xml", "XML"),
        (f"{ENTITY}<x>&a;</x>".encode(), "DOCTYPE"),
        (f"{LAUGHS}<x>&c;</x>".encode(), "DOCTYPE"),
        (f"{EXTERNAL}<x>&a;</x>".encode(), "DOCTYPE"),
        (f"{ENTITY}<x/>".encode("utf-16"), "UTF-8"),
        (b'<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><x/>', "DOCTYPE"),
        (b"<x>" + b" " * MAX_BYTES + b"</x>", "2 MB"),
        (b"<x>" + b"<y/>" * 20_001 + b"</x>", "20000"),
        (b"<x>" * 1000 + b"</x>" * 1000, "XML"),
    ],
)
def test_dangerous_or_broken_xml_is_refused_with_a_fault(data, what):
    with pytest.raises(ContentFaults) as caught:
        engine.safe_xml(data)
    assert what in caught.value.faults[0].what
    assert caught.value.faults[0].mend
    assert "root:" not in str(caught.value)


def test_a_broken_file_says_in_which_line():
    with pytest.raises(ContentFaults) as caught:
        engine.safe_xml(b"<a>\n<b>\n</a>")
    assert caught.value.faults[0].line == 3


def test_comments_and_instructions_are_left_out():
    root = engine.safe_xml(b"<?xml version='1.0'?><a><!-- x --><?php y ?><b/></a>")
    assert [child.tag for child in root] == ["b"]


# --- derive -----------------------------------------------------------------------------------------------


def test_lanes_pools_pictures_notes_and_extensions_are_left_out():
    lane = '<bpmn:lane id="l1" name="承办人"><bpmn:flowNodeRef>check</bpmn:flowNodeRef></bpmn:lane>'
    lanes = f'<bpmn:laneSet id="ls">{lane}</bpmn:laneSet>'
    note = '<bpmn:textAnnotation id="n"><bpmn:text>注</bpmn:text></bpmn:textAnnotation>'
    line = '<bpmn:association id="as" sourceRef="check" targetRef="n"/>'
    pool = '<bpmn:collaboration id="c"><bpmn:participant id="p" name="局" processRef="drawn"/></bpmn:collaboration>'
    picture = '<bpmndi:BPMNDiagram id="di"><bpmndi:BPMNPlane id="plane" bpmnElement="c"/></bpmndi:BPMNDiagram>'
    drawn = diagram(lanes, *PLAIN, note, line, before=pool, after=picture)
    root = derived(drawn)
    kinds = {etree.QName(found).localname for found in root.iter()}
    assert kinds == {"definitions", "process", "startEvent", "userTask", "endEvent", "sequenceFlow"}
    assert PORTAL.encode() not in etree.tostring(root)
    assert Acted(engine.read({"main": etree.tostring(root)}, "main")).tasks() == ["check"]


def test_the_process_takes_the_name_and_calls_are_filled_in():
    root = derived(diagram(start(), call("ask"), end(), path("start", "ask", "end")), "review", ask="shared")
    assert ids(root, "process") == ["portal_process.review"]
    assert root.find(f".//{{{BPMN}}}callActivity").get("calledElement") == "portal_process.shared"


def test_a_diagram_may_have_the_name_of_one_of_its_elements():
    assert Acted(spec_of("check", check=diagram(*PLAIN))).do("check").ended


def test_a_name_may_be_a_path():
    main = diagram(start(), call("ask"), end(), path("start", "ask", "end"))
    calls = {"ets/审查": {"ask": "_shared/1 复核"}}
    spec = spec_of("ets/审查", calls, **{"ets/审查": main, "_shared/1 复核": diagram(*PLAIN)})
    assert spec.name == "ets/审查"
    assert Acted(spec).do("ask:1/check").ended


def test_the_drawing_itself_stays_as_it_is():
    root = engine.safe_xml(diagram(*PLAIN, handler("w", trigger("t", message("m")), end("e"), path("t", "e"))))
    before = etree.tostring(root)
    engine.derive(root, "main", {})
    assert etree.tostring(root) == before


def test_an_event_subprocess_becomes_a_boundary_event_with_the_drawn_id():
    withdrawal = handler(
        "withdrawal",
        trigger("withdraw", message("m")),
        user("confirm"),
        end("gone"),
        path("withdraw", "confirm", "gone"),
    )
    root = derived(diagram(*PLAIN, withdrawal))
    assert ids(root, "boundaryEvent") == ["withdraw"]
    assert ids(root, "subProcess") == ["portal_body", "withdrawal"]
    assert "withdraw" not in ids(root, "startEvent")
    every = [found.get("id") for found in root.iter() if found.get("id")]
    assert len(every) == len(set(every))
    drawn_ids = {"start", "check", "end", "withdraw", "withdrawal", "confirm", "gone", "drawing", "drawn"}
    made = set(every) - drawn_ids - {"m_m", "portal_process.main"} - {id for id in every if "-" in id}
    assert all(engine.reserved(id) for id in made)


def test_a_timer_may_carry_notes():
    noted = (
        timer("d")
        .replace("<bpmn:timeDate", "<bpmn:extensionElements/><bpmn:timeDate")
        .replace("=deadline", " = deadline ")
    )
    assert Acted(simple(start(), catch("x", noted.replace(" (", "(")), end(), path("start", "x", "end"))).timers() == [
        "x?d"
    ]


def test_of_many_only_the_order_and_the_completion_condition_are_copied():
    """How many they are, and what each is about, is the portal's to say."""
    part = each(subprocess("p", start("i"), end("o"), path("i", "o")), enough="=x > 1", sequential=True)
    root = derived(diagram(start(), each(user("a")), part, end(), path("start", "a", "p", "end")))
    copied = [etree.tostring(found, method="c14n").decode() for found in root.iter(f"{{{BPMN}}}subProcess")]
    loops = [found for found in root.iter(f"{{{BPMN}}}multiInstanceLoopCharacteristics")]
    assert [dict(loop.attrib) for loop in loops] == [{"isSequential": "false"}, {"isSequential": "true"}]
    assert [[child.text for child in loop] for loop in loops] == [[], ["=x > 1"]]
    assert "extensionElements" not in copied[0]


def test_one_after_the_other_may_be_said_by_a_number():
    marked = each(user("a"), sequential=True).replace('isSequential="true"', 'isSequential="1"')
    case = Acted(simple(start(), marked, end(), path("start", "a", "end")))
    assert case.tasks() == ["a.1"]


def test_conditions_keep_their_text():
    root = derived(
        diagram(start(), xor("g", "g-a"), end("a"), end("b"), path("start", "g", "a"), flow("g", "b", "=x < 3 & y"))
    )
    assert root.find(f".//{{{BPMN}}}conditionExpression").text == "=x < 3 & y"


@pytest.mark.parametrize(
    "id",
    [
        "Start",
        "End",
        "Root",
        "main.EndJoin",
        "x.BoundaryEventSplit",
        "x.BoundaryEventJoin",
        "StartEventSplit",
        "op.issue",
        "portal_body",
        "portal_body.x",
        "check.portal_start",
    ],
)
def test_names_of_the_engine_are_reserved(id):
    assert engine.reserved(id)
    found = faults(start(), user(id), end(), path("start", id, "end"))
    assert [(fault.element, "内部名称" in fault.what) for fault in found if fault.element == id] == [(id, True)]


@pytest.mark.parametrize("id", ["start", "end", "check", "operate", "body", "开始", "starts", "Ende"])
def test_other_names_are_free(id):
    assert not engine.reserved(id)


# --- what is refused before the engine sees it ------------------------------------------------------------

LOOSE = (start(), user("a"), end(), path("start", "a", "end"))


def row(id: str, part: str) -> tuple[str, ...]:
    """One element between a start and an end."""
    return start(), part, end(), path("start", id, "end")


def fork(*ways: str) -> tuple[str, ...]:
    """A gateway `g` with ways to `end` and `b`."""
    return start(), end(), end("b"), flow("start", "g"), *ways


@pytest.mark.parametrize(
    ("at", "what", "parts"),
    [
        ("x", "不支持的图元 scriptTask", row("x", element("scriptTask", "x"))),
        ("x", "不支持的图元 inclusiveGateway", row("x", element("inclusiveGateway", "x"))),
        (
            "x",
            "不支持的图元 standardLoop",
            row("x", element("userTask", "x", "<bpmn:standardLoopCharacteristics/>")),
        ),
        ("x", "不能多份办理", row("x", each(service("x")))),
        ("x", "不能多份办理", row("x", each(rules("x")))),
        ("x", "不能多份办理", row("x", each(xor("x")))),
        ("x", "不能多份办理", (*LOOSE, each(handler("x", trigger("t", timer("d")), end("o"), path("t", "o"))))),
        ("x", "完成条件是空的", row("x", each(user("x"), enough=" "))),
        ("x", "不支持的图元 signalEvent", row("x", catch("x", '<bpmn:signalEventDefinition id="sd"/>'))),
        ("x", "不支持的图元 intermediateThrowEvent", row("x", element("intermediateThrowEvent", "x"))),
        ("x", "期限名", row("x", catch("x", timer("d").replace("=deadline", "=workdays")))),
        ("x", "期限名", row("x", catch("x", timer("d").replace("timeDate", "timeDuration")))),
        ("x", "消息", row("x", catch("x", "<bpmn:messageEventDefinition/>"))),
        ("x", "正好有一个", row("x", catch("x", ""))),
        ("x", "正好有一个", row("x", catch("x", message("m") + timer("d")))),
        ("x", "只会生效一次", (*LOOSE, boundary("x", "a", message("m"), interrupting=False), end("e"), flow("x", "e"))),
        (
            *("x", "只会生效一次"),
            (*LOOSE, handler("h", trigger("x", message("m"), interrupting=False), end("e"), path("x", "e"))),
        ),
        ("x", "附着", (*LOOSE, boundary("x", "nowhere", timer("d")), end("e"), flow("x", "e"))),
        ("x", "附着", (*LOOSE, boundary("x", "start", timer("d")), end("e"), flow("x", "e"))),
        ("start", "开始事件不能带", (trigger("start", message("m")), user("a"), end(), path("start", "a", "end"))),
        ("end", "结束事件", (start(), user("a"), element("endEvent", "end", message("m")), path("start", "a", "end"))),
        ("a", "没有到达结束事件", (start(), user("a"), end(), path("start", "a"))),
        ("a", "2 条出口", (*LOOSE, end("e2"), flow("a", "e2"))),
        ("x", "没有顺序流到达", (*LOOSE, user("x"), flow("x", "end"))),
        ("x", "走不到", (*LOOSE, user("x"), xor("y", "y-x"), path("x", "y", "x"), flow("y", "end", "=q"))),
        ("a", "出现了 2 次", (*LOOSE, user("a"))),
        ("1a", "不合规则", row("1a", user("1a"))),
        ("f", "只能写在排他网关", (*row("a", user("a")), flow("a", "end", "=x", id="f"))),
        ("f", "只能写在排他网关", fork(parallel("g"), flow("g", "end"), flow("g", "b", "=x", id="f"))),
        ("f", "没有条件", fork(xor("g"), flow("g", "b", "=x"), flow("g", "end", id="f"))),
        ("f", "没有条件", fork(xor("g"), flow("g", "b", "=x"), flow("g", "end", "", id="f"))),
        ("g", "默认出口", row("g", xor("g", "start-g"))),
        ("f", "默认出口", fork(xor("g", "f"), flow("g", "b", "=y"), flow("g", "end", "=x", id="f"))),
        ("f", "一端不在同一层", (*LOOSE, flow("a", "nowhere", id="f"))),
        (
            *("f", "一端不在同一层"),
            (*LOOSE, subprocess("p", start("i"), user("b"), end("o"), path("i", "b", "o")), flow("a", "b", id="f")),
        ),
        (
            "f",
            "同向",
            fork(xor("g", "f2"), flow("g", "end", "=x", id="f"), flow("g", "end", id="f2"), flow("g", "b", "=y")),
        ),
        ("f", "回到了它出发的元素", (*LOOSE, flow("a", "a", id="f"))),
        ("f", "回到了它出发的元素", fork(xor("g", "f"), flow("g", "g", id="f"), flow("g", "end", "=x"))),
        ("x", "走不到任何结束事件", (*LOOSE, user("x"), user("y"), path("x", "y", "x"))),
        (
            *("y", "走不到任何结束事件"),
            fork(xor("g", "g-end"), user("x"), user("y"), path("g", "end"), flow("g", "x", "=q"), path("x", "y", "x")),
        ),
        (
            *("g", "几个定时"),
            fork(
                one_of("g"), catch("t", timer("d")), catch("u", timer("e")), path("g", "t", "end"), path("g", "u", "b")
            ),
        ),
        ("a", "中间捕获事件", (start(), one_of("g"), user("a"), end(), path("start", "g", "a", "end"))),
        ("drawn", "2 个开始事件", (*LOOSE, start("s2"), flow("s2", "a"))),
        ("p", "没有结束事件", row("p", subprocess("p", start("i"), user("b"), path("i", "b")))),
        (
            *("h", "不能有进入"),
            (*LOOSE, handler("h", trigger("t", timer("d")), end("o"), path("t", "o")), xor("g"), flow("g", "h")),
        ),
        ("ask", "没有指明", row("ask", call("ask"))),
        ("drawn", "过多", (start(), *(user(f"u{n}") for n in range(300)), end())),
    ],
)
def test_a_drawing_that_the_engine_would_misrun_is_refused(at, what, parts):
    found = faults(*parts)
    assert [fault for fault in found if fault.element == at and what in fault.what], found
    assert all(fault.line for fault in found)
    assert all(fault.mend for fault in found)


def test_a_file_holds_one_process():
    two = f'{HEAD}<bpmn:process id="a"/><bpmn:process id="b"/></bpmn:definitions>'
    for data in (two.encode(), b"<html/>"):
        with pytest.raises(ContentFaults) as caught:
            engine.derive(engine.safe_xml(data), "main", {})
        assert "个流程" in caught.value.faults[0].what


def test_all_faults_are_told_at_once():
    found = faults(start(), user("a"), catch("x", ""), user("Start"), end(), path("start", "a", "end"))
    assert len({fault.element for fault in found}) >= 2


# --- read -------------------------------------------------------------------------------------------------


def read_faults(sources: dict[str, bytes], root: str = "main") -> tuple[Fault, ...]:
    with pytest.raises(ContentFaults) as caught:
        engine.read(sources, root)
    return caught.value.faults


def test_reading_the_same_gives_the_same_spec():
    sources = {"main": engine.derive(engine.safe_xml(diagram(*PLAIN)), "main", {})}
    assert engine.read(sources, "main") is engine.read(dict(sources), "main")


def test_what_is_no_bpmn_is_told_with_its_element():
    source = engine.derive(engine.safe_xml(diagram(*PLAIN)), "main", {})
    (fault,) = read_faults(
        {"main": source.replace(b'<bpmn:userTask id="check"/>', b'<bpmn:userTask id="check" x="1"/>')}
    )
    assert (fault.element, fault.file) == ("check", "main")


def test_a_call_to_what_is_not_there_is_told():
    source = engine.derive(
        engine.safe_xml(diagram(start(), call("ask"), end(), path("start", "ask", "end"))), "main", {"ask": "gone"}
    )
    (fault,) = read_faults({"main": source})
    assert (fault.element, fault.file) == ("ask", "main")
    assert "不存在" in fault.what


def test_diagrams_that_call_in_a_circle_are_refused():
    ask = diagram(start(), user("u"), call("ask"), end(), path("start", "u", "ask", "end"))
    with pytest.raises(ContentFaults) as caught:
        spec_of("a", {"a": {"ask": "b"}, "b": {"ask": "a"}}, a=ask, b=ask)
    assert {(fault.element, fault.file) for fault in caught.value.faults} == {("ask", "a"), ("ask", "b")}


def test_an_unknown_root_is_told():
    assert "没有" in read_faults({"main": engine.derive(engine.safe_xml(diagram(*PLAIN)), "main", {})}, "other")[0].what


SPIN = (
    start(),
    xor("enter"),
    service("spin"),
    xor("again", "again-enter"),
    end(),
    path("start", "enter", "spin", "again", "enter"),
)


def test_a_loop_without_a_waiting_state_is_refused():
    with pytest.raises(ContentFaults) as caught:
        simple(*SPIN, flow("again", "end", "=enough"))
    assert {fault.element for fault in caught.value.faults} == {"enter", "spin", "again"}


def test_a_loop_through_a_call_that_never_waits_is_refused():
    main = diagram(
        start(),
        xor("enter"),
        call("ask"),
        xor("g", "g-enter"),
        end(),
        path("start", "enter", "ask", "g", "enter"),
        flow("g", "end", "=x"),
    )
    quick = diagram(start(), service("s"), end(), path("start", "s", "end"))
    with pytest.raises(ContentFaults):
        spec_of("main", {"main": {"ask": "quick"}}, main=main, quick=quick)
    assert Acted(spec_of("main", {"main": {"ask": "slow"}}, main=main, slow=diagram(*PLAIN))).tasks() == ["ask:1/check"]


def test_a_loop_that_waits_in_one_of_its_parallel_branches_is_none():
    parts = start(), xor("enter"), parallel("s"), service("a"), user("b"), parallel("j"), xor("g", "g-enter"), end()
    case = Acted(
        simple(*parts, path("start", "enter", "s", "a", "j", "g", "enter"), path("s", "b", "j"), flow("g", "end", "=x"))
    )
    assert case.do("b").tasks() == ["b:2"]


def test_a_loop_around_a_subprocess_that_may_pass_at_once_is_refused():
    quick = subprocess(
        "p", start("i"), xor("q", "q-u"), user("u"), end("o"), path("i", "q", "u", "o"), flow("q", "o", "=skip")
    )
    with pytest.raises(ContentFaults):
        simple(
            start(),
            xor("enter"),
            quick,
            xor("g", "g-enter"),
            end(),
            path("start", "enter", "p", "g", "enter"),
            flow("g", "end", "=x"),
        )


def test_reading_tries_the_case_once(monkeypatch):
    def broken(spec, state, env):
        raise EngineFault("check", "kaputt")

    monkeypatch.setattr(reading, "load", broken)
    with pytest.raises(ContentFaults) as caught:
        simple(start(), user("check"), user("only here"[:4]), end(), path("start", "check", "only", "end"))
    assert (caught.value.faults[0].element, "kaputt" in caught.value.faults[0].what) == ("check", True)


def test_everything_the_whitelist_names_is_bpmn():
    assert {"userTask", "callActivity", "eventBasedGateway", "subProcess", "boundaryEvent"} <= engine.WHITELIST
    assert {"businessRuleTask", "multiInstanceLoopCharacteristics", "completionCondition"} <= engine.WHITELIST
    assert not {"scriptTask", "inclusiveGateway", "standardLoopCharacteristics", "loopCardinality"} & engine.WHITELIST
