"""`portal arrange`: what is drawn keeps to the rules of geometry, what is modelled stays as it was."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree

from portal.__main__ import main
from portal.errors import ContentFaults
from portal.layout import arrange
from portal.procedures.drawing import read
from tests.builders.diagrams import diagram, each, element, rules
from tests.builders.world import ROOT
from tests.layout.geometry import DRAWING, Box, drawn, faults
from tests.layout.random_diagrams import diagrams

SHIPPED = sorted([*(ROOT / "bpmn").rglob("*.bpmn"), *(ROOT / "docs").rglob("*.bpmn")])
NOTICE = ROOT / "bpmn/_shared/notice-and-objection-period/process.bpmn"
REVIEW = ROOT / "bpmn/_shared/review-on-objection/process.bpmn"


def flow(source: str, target: str, name: str = "") -> str:
    return element("sequenceFlow", f"{source}-{target}", sourceRef=source, targetRef=target, name=name)


def chain(*keys: str) -> str:
    return "".join(flow(one, two) for one, two in pairwise(keys))


def model(data: bytes) -> bytes:
    """A file without its drawing and without blanks between elements."""
    root = etree.fromstring(data, etree.XMLParser(remove_blank_text=True))
    for part in root.findall(f"{DRAWING}BPMNDiagram"):
        root.remove(part)
    return etree.tostring(root, method="c14n")


def middle(box: Box) -> tuple[int, int]:
    return (box.left + box.right) // 2, (box.top + box.bottom) // 2


class TestGeometry:
    @pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
    def test_the_shipped_diagrams_are_arranged(self, path):
        data = path.read_bytes()
        assert faults(data) == []
        assert arrange(data).data == data

    @settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(diagrams())
    def test_any_diagram_is_drawn_by_the_rules(self, data):
        done = arrange(data).data
        assert faults(done) == []
        assert model(done) == model(data)
        assert arrange(done).data == done

    def test_every_element_is_drawn(self):
        it, drawing = drawn(REVIEW.read_bytes()), read("review", REVIEW.read_bytes(), "review")
        assert set(it.shapes) == set(drawing.elements)
        assert set(it.ways) == set(drawing.flows)


class TestReading:
    """What makes a diagram easy to read."""

    def test_a_chain_is_one_straight_line(self):
        tasks = "".join(element("userTask", key) for key in "abcd")
        it = drawn(arrange(diagram(tasks, chain(*"abcd"))).data)
        assert len({middle(box)[1] for box in it.boxes.values()}) == 1
        assert {len(way) for way in it.ways.values()} == {2}

    def test_the_first_way_out_of_a_gateway_runs_straight_on(self):
        parts = element("exclusiveGateway", "g") + "".join(element("endEvent", key) for key in "abc")
        it = drawn(arrange(diagram(parts, flow("g", "b"), flow("g", "a"), flow("g", "c"))).data)
        assert middle(it.boxes["b"])[1] == middle(it.boxes["g"])[1]

    def test_a_loop_runs_back_beside_its_row(self):
        parts = element("userTask", "a") + element("exclusiveGateway", "g") + element("endEvent", "e")
        it = drawn(arrange(diagram(parts, chain("a", "g", "e"), flow("g", "a", "退回"))).data)
        row = it.boxes["a"]
        assert any(y < row.top or y > row.bottom for _, y in it.ways["g-a"])
        assert {middle(it.boxes[key])[1] for key in "age"} == {middle(row)[1]}

    def test_two_flows_between_the_same_shapes_are_two_lines(self):
        parts = element("userTask", "a") + element("userTask", "b") + flow("a", "b", "一")
        again = element("sequenceFlow", "again", sourceRef="a", targetRef="b", name="二")
        assert faults(arrange(diagram(parts, again)).data) == []

    def test_a_box_is_as_large_as_its_name_needs(self):
        name = "核对并确认重点排放单位提交的年度温室气体排放核查报告及其全部附件材料的完整性与真实性的意见"
        it = drawn(arrange(diagram(element("userTask", "a", name=name), element("userTask", "b", name="审"))).data)
        small, large = it.boxes["b"], it.boxes["a"]
        assert (small.right - small.left, small.bottom - small.top) == (112, 72)
        assert large.bottom - large.top > 72

    def test_lanes_stand_in_the_order_of_the_file_even_empty_ones(self):
        lanes = "".join(element("lane", key, name=key) for key in ("l1", "l2", "l3"))
        it = drawn(arrange(diagram(element("laneSet", "s", lanes), element("userTask", "a"))).data)
        assert it.boxes["l1"].top < it.boxes["l2"].top < it.boxes["l3"].top
        assert it.boxes["l1"].holds(it.boxes["a"])

    def test_lanes_within_a_lane_fill_it(self):
        inner = "".join(element("lane", key, name=key) for key in ("in1", "in2"))
        outer = element("lane", "out", element("childLaneSet", "cs", inner), name="out")
        it = drawn(arrange(diagram(element("laneSet", "s", outer + element("lane", "next", name="next")))).data)
        assert it.boxes["out"].top == it.boxes["in1"].top
        assert it.boxes["out"].bottom == it.boxes["in2"].bottom == it.boxes["next"].top

    def test_annotations_and_data_stand_beside_what_they_speak_of(self):
        data = element(
            "dataInputAssociation", "d-a", "<bpmn:sourceRef>d</bpmn:sourceRef><bpmn:targetRef>a</bpmn:targetRef>"
        )
        parts = element("userTask", "a", data) + element("dataObjectReference", "d", name="排放报告")
        note = element("textAnnotation", "t", "<bpmn:text>自送达之日起七个工作日内</bpmn:text>")
        said = element("association", "note", sourceRef="a", targetRef="t")
        it = drawn(arrange(diagram(parts, note, said)).data)
        assert set(it.ways) == {"d-a", "note"}
        assert it.boxes["t"].bottom < it.boxes["a"].top
        assert it.ways["note"][0][1] == it.boxes["a"].top

    def test_the_inside_of_a_subprocess_stands_in_it(self):
        inside = element("startEvent", "s") + element("userTask", "t") + flow("s", "t")
        outside = element("startEvent", "begin") + flow("begin", "p")
        done = arrange(diagram(element("subProcess", "p", inside, name="委员会评审"), outside)).data
        assert faults(done) == []
        assert drawn(done).boxes["p"].holds(drawn(done).boxes["t"])


SIGN = 20
"""px above the lower border that bpmn-js draws the three bars in, in the middle, 28 px wide."""


class TestMany:
    """Three bars in the middle of the lower border say that an activity is done by many."""

    @pytest.mark.parametrize("events", [1, 2, 3])
    @pytest.mark.parametrize("kind", ["userTask", "callActivity", "subProcess"])
    def test_no_boundary_event_stands_on_the_bars(self, kind, events):
        edges = "".join(element("boundaryEvent", f"e{number}", attachedToRef="a") for number in range(events))
        done = arrange(diagram(each(element(kind, "a", name="专家意见")) + edges)).data
        assert faults(done) == []
        it = drawn(done)
        for number in range(events):
            assert abs(middle(it.boxes[f"e{number}"])[0] - middle(it.boxes["a"])[0]) >= 14 + 18 - 2
            assert it.boxes["a"].left < middle(it.boxes[f"e{number}"])[0] < it.boxes["a"].right

    def test_what_a_subprocess_holds_leaves_room_for_the_bars(self):
        inside = element("startEvent", "s") + element("userTask", "t") + flow("s", "t")
        it = drawn(arrange(diagram(each(element("subProcess", "p", inside, name="席位")))).data)
        assert it.boxes["p"].bottom - it.boxes["t"].bottom >= SIGN

    def test_the_marker_and_what_it_says_stay_in_the_model(self):
        marked = each(element("userTask", "a"), "=draw.experts", "expert", enough="=count(a) = 3", sequential=True)
        data = diagram(marked, rules("r"), flow("a", "r"))
        done = arrange(data).data
        assert model(done) == model(data)
        assert b'<portal:each in="=draw.experts" as="expert"/>' in done
        assert b'<portal:decide tables="eligible"/>' in done


class TestFile:
    def test_the_model_stays_as_it_is_with_its_comments(self):
        data = NOTICE.read_bytes().replace(b"<bpmn:serviceTask", b"<!-- kept -->\n    <bpmn:serviceTask", 1)
        done = arrange(data).data
        assert model(done) == model(data)
        assert b"<!-- kept -->" in done

    def test_what_was_drawn_before_is_drawn_anew(self):
        moved = re.sub(rb'<dc:Bounds x="\d+"', b'<dc:Bounds x="0"', NOTICE.read_bytes())
        assert faults(moved) != []
        assert arrange(moved).data == NOTICE.read_bytes()

    def test_ids_of_the_drawing_are_not_those_of_the_model(self):
        done = arrange(
            diagram(element("userTask", "a"), element("userTask", "a_di"), element("userTask", "plane"))
        ).data
        ids = [part.get("id") for part in etree.fromstring(done).iter() if part.get("id")]
        assert len(ids) == len(set(ids))

    def test_an_empty_process_is_drawn(self):
        assert arrange(diagram()).shapes == 0

    @pytest.mark.parametrize(
        ("data", "what"),
        [(b"<a", "XML"), (b"<a/>", "BPMN"), (diagram().replace(b"</bpmn:definitions>", b""), "XML")],
    )
    def test_what_is_no_diagram_is_refused(self, data, what):
        with pytest.raises(ContentFaults) as refused:
            arrange(data)
        assert what in refused.value.faults[0].what


class TestCommand:
    def test_files_are_written_in_place_and_told(self, tmp_path, capsys):
        file = tmp_path / "a.bpmn"
        file.write_bytes(diagram(element("userTask", "a")))
        assert main(["arrange", str(file)]) == 0
        assert b"BPMNShape" in file.read_bytes()
        assert capsys.readouterr().out == f"已重新排版 {file}：1 个图形\n"

    def test_a_folder_means_every_diagram_under_it(self, tmp_path, capsys):
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "process.bpmn").write_bytes(NOTICE.read_bytes())
        assert main(["arrange", str(tmp_path)]) == 0
        assert capsys.readouterr().out.count("1 条泳道，13 个图形") == 2

    def test_nothing_is_written_when_one_file_is_faulty(self, tmp_path, capsys):
        good, bad = tmp_path / "a.bpmn", tmp_path / "b.bpmn"
        good.write_bytes(diagram(element("userTask", "a")))
        bad.write_text("<bpmn", encoding="utf-8")
        before = good.read_bytes()
        assert main(["arrange", str(tmp_path)]) == 1
        assert good.read_bytes() == before
        assert f"{bad}:1：不是有效的 XML" in capsys.readouterr().err

    def test_a_path_without_diagrams_is_told(self, tmp_path: Path, capsys):
        assert main(["arrange", str(tmp_path / "none")]) == 1
        assert "none" in capsys.readouterr().err
