"""Draws what a test's diagram has: all that `portal check` asks of shapes, none of their beauty."""

from __future__ import annotations

import re

from portal.procedures import Content

_NODE = re.compile(r"<bpmn:(\w+)\b[^<>]*?\bid=\"([^\"]*)\"")
_END = "</bpmn:definitions>"
_SPACES = (
    'xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" '
    'xmlns:di="http://www.omg.org/spec/DD/20100524/DI"'
)
_BOUNDS = '<dc:Bounds x="0" y="0" width="10" height="10"/>'
_POINTS = '<di:waypoint x="0" y="0"/><di:waypoint x="9" y="0"/>'


def drawn(content: Content) -> Content:
    """The content with a shape for everything in the diagrams that have none."""
    files = {name: with_shapes(data) if name.endswith(".bpmn") else data for name, data in content.files.items()}
    return Content(content.regulation, files, content.strangers)


def with_shapes(data: bytes) -> bytes:
    """A diagram with a shape or an edge for all of its ids, written behind all else, so that no line moves."""
    text = data.decode("utf-8", errors="surrogateescape")
    if "BPMNDiagram" in text or text.count(_END) != 1:
        return data
    shapes = "".join(_shape(kind, key) for kind, key in _NODE.findall(text))
    plane = f"<bpmndi:BPMNDiagram {_SPACES}><bpmndi:BPMNPlane>{shapes}</bpmndi:BPMNPlane></bpmndi:BPMNDiagram>"
    return text.replace(_END, plane + _END).encode("utf-8", errors="surrogateescape")


def _shape(kind: str, key: str) -> str:
    name, inside = ("Edge", _POINTS) if kind == "sequenceFlow" else ("Shape", _BOUNDS)
    return f'<bpmndi:BPMN{name} bpmnElement="{key}">{inside}</bpmndi:BPMN{name}>'
