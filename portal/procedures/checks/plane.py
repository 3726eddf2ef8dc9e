"""Whether everything in a diagram is drawn, so that its readers see what the engine runs."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from portal.errors import ContentFaults, Fault
from portal.procedures import drawing
from portal.procedures.content import Content
from portal.procedures.drawing import BPMN, Drawing
from portal.procedures.spelling import meant

_DI = "{http://www.omg.org/spec/BPMN/20100524/DI}"
_BOUNDS = "{http://www.omg.org/spec/DD/20100524/DC}Bounds"
_WAYPOINT = "{http://www.omg.org/spec/DD/20100524/DI}waypoint"


def of_files(content: Content) -> Iterator[Fault]:
    """What is not drawn in the diagrams of the content, and shapes of nothing; unreadable ones are told elsewhere."""
    for file, data in sorted(content.files.items()):
        if file.endswith(".bpmn"):
            try:
                drawn = drawing.read(file, data, file)
            except ContentFaults:
                continue
            yield from faults(drawn)


def faults(drawn: Drawing) -> Iterator[Fault]:
    """What of one diagram is not drawn, and its shapes of nothing."""
    mend = f"运行 portal arrange {drawn.file}，或在图形编辑器里画出来"
    shapes, edges = list(drawn.root.iter(f"{_DI}BPMNShape")), list(drawn.root.iter(f"{_DI}BPMNEdge"))
    if not shapes and drawn.elements:
        yield Fault("图没有画出来：只有流程，没有图形", mend, file=drawn.file)
        return
    placed = {shape.get("bpmnElement") for shape in shapes if shape.find(_BOUNDS) is not None}
    led = {edge.get("bpmnElement") for edge in edges if len(edge.findall(_WAYPOINT)) > 1}
    nodes = [(element.id, element.line, "元素") for element in drawn.elements.values()]
    nodes += [(lane.get("id") or "", lane.sourceline, "泳道") for lane in drawn.root.iter(f"{{{BPMN}}}lane")]
    for key, line, kind in nodes:
        if key and key not in placed:
            yield Fault(f"{kind}没有画出来，看图的人看不到它", mend, key, line, drawn.file)
    for flow in drawn.flows.values():
        if flow.id and flow.id not in led:
            yield Fault("顺序流没有画出来，看图的人看不到它", mend, flow.id, flow.line, drawn.file)
    yield from _of_nothing(drawn, [*shapes, *edges])


def _of_nothing(drawn: Drawing, shapes: list[etree._Element]) -> Iterator[Fault]:
    known = {node.get("id") for node in drawn.root.iter(f"{{{BPMN}}}*")} - {None}
    for shape in shapes:
        key = shape.get("bpmnElement") or ""
        if key not in known:
            near = meant(key, [name for name in known if name])
            mend = f"{near}改正 bpmnElement，或删去这个图形"
            yield Fault(f"图形画的是不存在的元素“{key}”", mend, shape.get("id"), shape.sourceline, drawn.file)
