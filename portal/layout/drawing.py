"""The drawing part of a BPMN file (BPMN DI), written anew; the model part stays as it is."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from portal.engine.xml import BPMN
from portal.layout.graph import Graph, Lane
from portal.layout.picture import Box, Edge, Picture, Shape

_DRAWING = "http://www.omg.org/spec/BPMN/20100524/DI"
_PX = "http://www.omg.org/spec/DD/20100524/DC"
_LINE = "http://www.omg.org/spec/DD/20100524/DI"
_PREFIXES = {"bpmndi": _DRAWING, "dc": _PX, "di": _LINE}

TITLE = 30  # px; where the names of pools and lanes stand
LEFT, TOP = 160, 80  # px; where the picture begins, as editors put it


def draw(root: etree._Element, process: etree._Element, graph: Graph, picture: Picture) -> None:
    """Puts the picture of a process into its file, in place of what was drawn before."""
    for old in root.findall(f"{{{_DRAWING}}}BPMNDiagram"):
        _drop(old)
    pool = next(
        (pool for pool in root.iter(f"{{{BPMN}}}participant") if pool.get("processRef") == process.get("id")), None
    )
    plane_of = process if pool is None else pool.getparent()
    taken = {str(key) for key in root.xpath("//@id")}
    diagram = etree.SubElement(root, f"{{{_DRAWING}}}BPMNDiagram", nsmap=_PREFIXES)
    diagram.set("id", _fresh("diagram", taken))
    plane = etree.SubElement(diagram, f"{{{_DRAWING}}}BPMNPlane", id=_fresh("plane", taken))
    plane.set("bpmnElement", plane_of.get("id"))
    for part in _parts(graph, picture, pool):
        _write(plane, part, _fresh(f"{part.id}_di", taken))
    _indent(root, diagram)


def _drop(old: etree._Element) -> None:
    """Takes an element out, with the blanks before it."""
    parent, before = old.getparent(), old.getprevious()
    if before is not None:
        before.tail = old.tail
    else:
        parent.text = old.tail
    parent.remove(old)


def _fresh(wish: str, taken: set[str]) -> str:
    while wish in taken:
        wish += "_"
    taken.add(wish)
    return wish


def _parts(graph: Graph, picture: Picture, pool: etree._Element | None) -> Iterator[Shape | Edge]:
    depth = max((_depth(lane) for lane in graph.lanes), default=0)
    left = LEFT + TITLE * (depth + (pool is not None))
    if pool is not None:
        yield _band(pool.get("id"), LEFT, TOP, left - LEFT + picture.width, picture.height)
    tops = iter(picture.bands)
    for lane in graph.lanes:
        yield from _lanes(lane, left - TITLE * depth, left + picture.width, tops)
    yield from picture.moved(left, TOP)


def _depth(lane: Lane) -> int:
    return 1 + max((_depth(inner) for inner in lane.lanes), default=0)


def _lanes(lane: Lane, left: int, right: int, bands: Iterator[tuple[int, int]]) -> Iterator[Shape]:
    """A lane, and the lanes inside it, which share its height."""
    inside = [shape for inner in lane.lanes for shape in _lanes(inner, left + TITLE, right, bands)]
    if inside:
        top, bottom = min(shape.box.y for shape in inside), max(shape.box.bottom for shape in inside)
    else:
        top, bottom = (TOP + y for y in next(bands))
    yield _band(lane.id, left, top, right - left, bottom - top)
    yield from inside


def _band(key: str, x: int, y: int, width: int, height: int) -> Shape:
    return Shape(key, Box(x, y, width, height), attributes={"isHorizontal": "true"})


def _write(plane: etree._Element, part: Shape | Edge, key: str) -> None:
    kind = "BPMNShape" if isinstance(part, Shape) else "BPMNEdge"
    drawn = etree.SubElement(plane, f"{{{_DRAWING}}}{kind}", id=key, bpmnElement=part.id)
    if isinstance(part, Shape):
        for name, value in (part.attributes or {}).items():
            drawn.set(name, value)
        _bounds(drawn, part.box)
    else:
        for x, y in part.points:
            etree.SubElement(drawn, f"{{{_LINE}}}waypoint", x=str(x), y=str(y))
    if part.name is not None:
        _bounds(etree.SubElement(drawn, f"{{{_DRAWING}}}BPMNLabel"), part.name)


def _bounds(of: etree._Element, box: Box) -> None:
    numbers = {"x": box.x, "y": box.y, "width": box.width, "height": box.height}
    etree.SubElement(of, f"{{{_PX}}}Bounds", {key: str(number) for key, number in numbers.items()})


def _indent(root: etree._Element, diagram: etree._Element) -> None:
    """Lays out the text of the new part as the rest of the file has it: two blanks for each level."""
    before = diagram.getprevious()
    if before is not None:
        before.tail = "\n  "
    else:
        root.text = "\n  "
    etree.indent(diagram, space="  ", level=1)
    diagram.tail = "\n"
