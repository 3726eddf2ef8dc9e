"""The checker of drawings finds each kind of fault: good drawings are spoilt, one thing at a time."""

from __future__ import annotations

import pytest
from lxml import etree

from portal.layout import arrange
from tests.builders.diagrams import diagram, element
from tests.builders.world import ROOT
from tests.layout.geometry import DRAWING, LINE, PX, drawn, faults

GOOD = (ROOT / "bpmn/_shared/review-on-objection/process.bpmn").read_bytes()


def part(root: etree._Element, key: str) -> etree._Element:
    return next(
        part for part in root.iter(f"{DRAWING}BPMNShape", f"{DRAWING}BPMNEdge") if part.get("bpmnElement") == key
    )


def spoilt(key: str, *, named: bool = False, **px: int) -> bytes:
    """The review with a shape, or its name, moved (x, y) or resized (width, height) by so many px."""
    root = etree.fromstring(GOOD)
    bounds = part(root, key).find(f"{DRAWING}BPMNLabel/{PX}Bounds" if named else f"{PX}Bounds")
    for attribute, more in px.items():
        bounds.set(attribute, str(int(bounds.get(attribute)) + more))
    return etree.tostring(root)


def led(key: str, *points: tuple[int, int]) -> bytes:
    """The review with a flow led along other points."""
    root = etree.fromstring(GOOD)
    for old in part(root, key).findall(f"{LINE}waypoint"):
        part(root, key).remove(old)
    for x, y in points:
        etree.SubElement(part(root, key), f"{LINE}waypoint", x=str(x), y=str(y))
    return etree.tostring(root)


def test_the_good_drawing_has_no_fault():
    assert faults(GOOD) == []


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (spoilt("review", width=80), "review overlaps changeable"),
        (spoilt("correct", y=-60), "correct sticks out of its lane"),
        (spoilt("correction_over", y=-8), "correction_over does not stand on the border of correct"),
        (spoilt("tell_withdrawn", y=300), "tell_withdrawn sticks out of withdrawal"),
        (spoilt("lane_intake", height=-4), "lanes do not tile"),
        (spoilt("lane_system", height=-4), "lanes do not fill participant"),
        (
            spoilt("changeable", y=6, height=-80),
            "review_to_changeable does not stand upright on the border of changeable",
        ),
        (spoilt("decided", named=True, x=60, y=38), "decided_upheld runs through the name of decided"),
        (spoilt("check_justify", named=True, x=40), "the name of check_justify stands too near justify"),
        (spoilt("not_admitted", named=True, x=49), "the name of not_admitted stands too near issue_decision"),
    ],
)
def test_a_fault_of_a_shape_is_found(data, told):
    assert any(fault.startswith(told) for fault in faults(data))


def test_a_flow_through_a_shape_is_found():
    it = drawn(GOOD)
    (x, y), (to_x, to_y) = it.ways["check_to_checked"][0], it.ways["admitted_to_review"][-1]
    assert "check_to_checked runs through checked" in faults(led("check_to_checked", (x, y), (to_x, y), (to_x, to_y)))


def test_a_slanting_flow_is_found():
    first, last = drawn(GOOD).ways["review_to_changeable"]
    assert "review_to_changeable is not upright and level" in faults(
        led("review_to_changeable", first, (last[0], last[1] + 9))
    )


def test_a_line_shared_by_strangers_is_found():
    row = "".join(element("userTask", key) for key in "ab")
    flow = element("sequenceFlow", "f", sourceRef="a", targetRef="b")
    good = arrange(
        diagram(row, element("userTask", "c"), flow, element("sequenceFlow", "g", sourceRef="c", targetRef="b"))
    )
    way = drawn(good.data).ways["f"]
    root = etree.fromstring(good.data)
    for old in part(root, "g").findall(f"{LINE}waypoint"):
        part(root, "g").remove(old)
    for x, y in way[::-1]:
        etree.SubElement(part(root, "g"), f"{LINE}waypoint", x=str(x), y=str(y))
    assert faults(good.data) == []
    assert "f and g run along the same line" in faults(etree.tostring(root))


def test_a_flow_that_leads_back_without_a_loop_is_found():
    assert any("lead to the right" in fault for fault in faults(spoilt("upheld", x=-600)))


def test_names_upon_each_other_are_found():
    it = drawn(GOOD)
    one, two = it.names["upheld"], it.names["changed"]
    moved = spoilt("upheld", named=True, x=two.left - one.left, y=two.top - one.top)
    assert "the names of upheld and changed overlap" in faults(
        moved
    ) or "the names of changed and upheld overlap" in faults(moved)
