"""A diagram shows what it does: everything in it is drawn, and nothing else."""

from __future__ import annotations

import re

import pytest

from portal.procedures.check import check
from tests.builders.content import FILES, changed, small
from tests.builders.planes import with_shapes
from tests.procedures.expecting import RULES

FILE = FILES["grant.bpmn"]
MEND = f"运行 portal arrange {FILE}，或在图形编辑器里画出来"
WHOLE = with_shapes(small().files[FILE]).decode()


def told(text: str) -> list[tuple[str | None, str, str]]:
    found = check(changed(**{"grant.bpmn": text.encode()}), RULES)
    return [(fault.element, fault.what, fault.mend) for fault in found if fault.file == FILE]


def without(pattern: str) -> str:
    assert len(re.findall(pattern, WHOLE)) == 1
    return re.sub(pattern, "", WHOLE)


def test_a_diagram_that_is_drawn_is_sound():
    assert told(WHOLE) == []


def test_a_diagram_without_any_shape_is_told_once():
    text = small().files[FILE].decode()
    assert told(text) == [(None, "图没有画出来：只有流程，没有图形", MEND)]


@pytest.mark.parametrize(
    ("pattern", "element", "kind"),
    [
        (r'<bpmndi:BPMNShape bpmnElement="sign">.*?</bpmndi:BPMNShape>', "sign", "元素"),
        (r'(?<=<bpmndi:BPMNShape bpmnElement="sign">)<dc:Bounds[^>]*>', "sign", "元素"),
        (r'<bpmndi:BPMNShape bpmnElement="lane_sign">.*?</bpmndi:BPMNShape>', "lane_sign", "泳道"),
        (r'<bpmndi:BPMNEdge bpmnElement="agreed">.*?</bpmndi:BPMNEdge>', "agreed", "顺序流"),
        (r'(?<=<bpmndi:BPMNEdge bpmnElement="agreed">)<di:waypoint[^>]*>', "agreed", "顺序流"),
    ],
)
def test_what_is_not_drawn_is_told(pattern, element, kind):
    assert told(without(pattern)) == [(element, f"{kind}没有画出来，看图的人看不到它", MEND)]


def test_a_shape_of_nothing_is_told():
    text = WHOLE.replace('BPMNShape bpmnElement="sign"', 'BPMNShape id="sign_di" bpmnElement="signn"')
    assert told(text) == [
        ("sign", "元素没有画出来，看图的人看不到它", MEND),
        ("sign_di", "图形画的是不存在的元素“signn”", "是否应为“sign”？改正 bpmnElement，或删去这个图形"),
    ]
