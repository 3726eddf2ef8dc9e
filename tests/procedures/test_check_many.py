"""What is done by many, and what tables decide: how it is written, and what `portal check` says where it is not."""

import pytest

from tests.builders.content import broken
from tests.procedures.expecting import expect_one_when, faults

F9 = '<bpmn:sequenceFlow id="f9" sourceRef="reverse" targetRef="tell_changed"></bpmn:sequenceFlow>'
EACH = '<portal:each in="=[1, 2]" as="expert"/>'


def between(element: str, id: str) -> str:
    """An element on the way of the review from `reverse` to `tell_changed`."""
    return (
        f'{element}<bpmn:sequenceFlow id="f9" sourceRef="reverse" targetRef="{id}"/>'
        f'<bpmn:sequenceFlow id="f9b" sourceRef="{id}" targetRef="tell_changed"/>'
    )


def vote(each: str = EACH, more: str = "", *, beside: str = "", kind: str = "userTask") -> str:
    marker = f"<bpmn:extensionElements>{each}</bpmn:extensionElements>{more}"
    return between(
        f'<bpmn:{kind} id="vote" name="表决"><bpmn:extensionElements>'
        f'<portal:task role="leader" form="sign"/><portal:basis ref="11.1"/>{beside}</bpmn:extensionElements>'
        f"<bpmn:multiInstanceLoopCharacteristics>{marker}</bpmn:multiInstanceLoopCharacteristics></bpmn:{kind}>",
        "vote",
    )


def done(condition: str) -> str:
    return f"<bpmn:completionCondition>{condition}</bpmn:completionCondition>"


@pytest.mark.parametrize("more", ["", done("=count(vote) &gt; 1")])
def test_a_task_done_by_many_has_no_fault(more):
    assert faults(broken("review.bpmn", F9, vote(more=more))) == []


FAULTS = [
    (vote(""), "多实例没有说明按哪份名单逐一办理"),
    (vote('<portal:each in="=[1]"/>'), "多实例没有说明按哪份名单逐一办理"),
    (vote('<portal:each in="[1]" as="expert"/>'), "in 应当是表达式，以等号开头"),
    (vote('<portal:each in="=[1" as="expert"/>'), "portal:each 的 in：第 1 行"),
    (vote('<portal:each in="=nobody" as="expert"/>'), "不认识的名称“nobody”"),
    (vote('<portal:each in="=3" as="expert"/>'), "不是列表"),
    (vote('<portal:each in="=check.result" as="expert"/>'), "不是列表"),
    (vote('<portal:each in="=[expert]" as="expert"/>'), "不认识的名称“expert”"),
    (vote(more=done("=expert = 1")), "不认识的名称“expert”"),
    (vote('<portal:each in="=[1]" as="check"/>'), "as“check”不能作名称"),
    (vote('<portal:each in="=[1]" as="party"/>'), "as“party”不能作名称"),
    (vote('<portal:each in="=[1]" as="two words"/>'), "as“two words”不能作名称"),
    (vote('<portal:each in="=[1]" as="expert" of="x"/>'), "不认识属性“of”"),
    (vote(EACH + EACH), "“portal:each”写了两次"),
    (vote(EACH + "<portal:every/>"), "不认识的扩展元素“every”"),
    (vote(beside=EACH), "“portal:each”写错了地方"),
    (vote(more=done("count(vote) = 1")), "多实例的完成条件：条件应当以等号开头"),
    (vote(more=done("=1 + 1")), "多实例的完成条件：条件的结果不是“是”或“否”"),
    (vote(more=done("")), "完成条件是空的"),
    (vote(more="<bpmn:loopCardinality>3</bpmn:loopCardinality>"), "不支持多实例的份数"),
    (vote(more="<bpmn:loopDataInputRef>x</bpmn:loopDataInputRef>"), "不支持多实例的数据引用"),
]


@pytest.mark.parametrize(("drawn", "what"), FAULTS)
def test_what_is_wrong_with_many_is_told_at_their_element(drawn, what):
    expect_one_when("review.bpmn", F9, drawn, "vote", what)


def test_a_service_task_is_not_done_by_many():
    marker = f"<bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements>{EACH}</bpmn:extensionElements>"
    old = '<bpmn:serviceTask id="reverse" name="冲销">'
    text = f"{old}{marker}</bpmn:multiInstanceLoopCharacteristics>"
    found = faults(broken("review.bpmn", old, text))
    assert [(fault.element, fault.what) for fault in found] == [("reverse", "此元素不能多份办理（多实例标记）")]


def decide(said: str) -> str:
    drawn = f"<bpmn:extensionElements>{said}</bpmn:extensionElements>"
    return between(f'<bpmn:businessRuleTask id="rules" name="审核要点">{drawn}</bpmn:businessRuleTask>', "rules")


def test_a_business_rule_task_says_which_tables_it_asks():
    expect_one_when("review.bpmn", F9, decide(""), "rules", "没有说明查哪张决策表")
    expect_one_when("review.bpmn", F9, decide("<portal:decide/>"), "rules", "没有说明查哪张决策表")


def test_tables_are_asked_by_business_rule_tasks_only():
    found = faults(broken("review.bpmn", F9, vote(beside='<portal:decide tables="eligible"/>')))
    assert ("vote", "“portal:decide”写在了不起作用的地方") in {(fault.element, fault.what) for fault in found}
