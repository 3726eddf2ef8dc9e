"""The names of what diagrams consist of, and how their XML is read."""

from __future__ import annotations

from portal.xml import MAX_BYTES, local, safe_xml

__all__ = ["BPMN", "MAX_BYTES", "PORTAL", "bpmn", "local", "safe_xml"]

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
PORTAL = "https://portal.example/bpmn/1.0"


def bpmn(name: str) -> str:
    """The full tag of a BPMN element."""
    return f"{{{BPMN}}}{name}"
