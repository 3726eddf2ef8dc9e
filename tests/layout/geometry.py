"""What a drawing must keep to, read from the drawing itself: shapes apart, flows round them, names free."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise

from lxml import etree

MODEL = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
DRAWING = "{http://www.omg.org/spec/BPMN/20100524/DI}"
PX = "{http://www.omg.org/spec/DD/20100524/DC}"
LINE = "{http://www.omg.org/spec/DD/20100524/DI}"
NAME_GAP, FLOW_NAME_GAP = 24, 12  # px from a shape's (flow's) name to the next shape

Point = tuple[int, int]


@dataclass(frozen=True)
class Box:
    left: int
    top: int
    right: int
    bottom: int

    def meets(self, other: Box, gap: int = 0) -> bool:
        across = self.left - gap < other.right and other.left - gap < self.right
        return across and self.top - gap < other.bottom and other.top - gap < self.bottom

    def holds(self, other: Box) -> bool:
        across = self.left <= other.left and other.right <= self.right
        return across and self.top <= other.top and other.bottom <= self.bottom


@dataclass(frozen=True)
class Drawn:
    """A diagram as drawn, with what its model says of each shape and flow."""

    boxes: Mapping[str, Box]
    names: Mapping[str, Box]
    ways: Mapping[str, tuple[Point, ...]]
    ends: Mapping[str, tuple[str, str]]
    parents: Mapping[str, tuple[str, ...]]  # the subprocesses around it, the innermost first
    hosts: Mapping[str, str]
    lanes: Mapping[str, frozenset[str]]
    pools: frozenset[str]
    inside_lanes: frozenset[str]  # lanes that stand in another

    @property
    def shapes(self) -> Iterator[str]:
        return (key for key in self.boxes if key not in self.lanes and key not in self.pools)


def drawn(data: bytes) -> Drawn:
    root = etree.fromstring(data)
    elements = {element.get("id"): element for element in root.iter() if element.get("id")}
    boxes, names, ways = {}, {}, {}
    for part in root.iter(f"{DRAWING}BPMNShape", f"{DRAWING}BPMNEdge"):
        key = part.get("bpmnElement")
        if part.tag == f"{DRAWING}BPMNShape":
            boxes[key] = _box(part.find(f"{PX}Bounds"))
        else:
            ways[key] = tuple((int(p.get("x")), int(p.get("y"))) for p in part.findall(f"{LINE}waypoint"))
        if (name := part.find(f"{DRAWING}BPMNLabel/{PX}Bounds")) is not None:
            names[key] = _box(name)
    lanes = [element for element in root.iter(f"{MODEL}lane")]
    return Drawn(
        boxes,
        names,
        ways,
        {key: _ends(elements[key]) for key in ways},
        {key: tuple(_around(elements[key])) for key in (*boxes, *ways)},
        {key: elements[key].get("attachedToRef") for key in boxes if elements[key].get("attachedToRef")},
        {lane.get("id"): frozenset(ref.text for ref in lane.findall(f"{MODEL}flowNodeRef")) for lane in lanes},
        frozenset(pool.get("id") for pool in root.iter(f"{MODEL}participant")),
        frozenset(lane.get("id") for lane in lanes if lane.getparent().tag == f"{MODEL}childLaneSet"),
    )


def _box(bounds: etree._Element) -> Box:
    x, y, width, height = (int(bounds.get(key)) for key in ("x", "y", "width", "height"))
    return Box(x, y, x + width, y + height)


def _ends(flow: etree._Element) -> tuple[str, str]:
    holder = flow.getparent().get("id")
    if flow.tag == f"{MODEL}dataInputAssociation":
        return flow.findtext(f"{MODEL}sourceRef"), holder
    if flow.tag == f"{MODEL}dataOutputAssociation":
        return holder, flow.findtext(f"{MODEL}targetRef")
    return flow.get("sourceRef"), flow.get("targetRef")


def _around(element: etree._Element) -> Iterator[str]:
    inner = ("subProcess", "transaction", "adHocSubProcess")
    return (outer.get("id") for outer in element.iterancestors(*(f"{MODEL}{kind}" for kind in inner)))


def faults(data: bytes) -> list[str]:
    """All that is wrong with a drawing."""
    it = drawn(data)
    checks = (_overlaps, _lanes, _forms, _pierced, _crowded, _shared, _backward)
    return [fault for check in checks for fault in check(it)]


def _overlaps(it: Drawn) -> Iterator[str]:
    for one, two in combinations(it.shapes, 2):
        if one in it.parents[two] or two in it.parents[one]:
            outer, inner = (one, two) if one in it.parents[two] else (two, one)
            if not it.boxes[outer].holds(it.boxes[inner]):
                yield f"{inner} sticks out of {outer}"
        elif it.hosts.get(one) == two or it.hosts.get(two) == one:
            event, host = (one, two) if it.hosts.get(one) == two else (two, one)
            if not _on_border(it.boxes[event], it.boxes[host]):
                yield f"{event} does not stand on the border of {host}"
        elif it.boxes[one].meets(it.boxes[two]):
            yield f"{one} overlaps {two}"


def _on_border(event: Box, host: Box) -> bool:
    middle = (event.top + event.bottom) // 2
    return middle == host.bottom and host.left <= event.left and event.right <= host.right


def _lanes(it: Drawn) -> Iterator[str]:
    tops = [lane for lane in it.lanes if lane not in it.inside_lanes]
    boxes = [it.boxes[lane] for lane in tops]
    for one, two in pairwise(boxes):
        if (one.left, one.right, one.bottom) != (two.left, two.right, two.top):
            yield "lanes do not tile"
    for pool in it.pools:
        around = it.boxes[pool]
        if boxes and (around.top, around.right, around.bottom) != (boxes[0].top, boxes[0].right, boxes[-1].bottom):
            yield f"lanes do not fill {pool}"
    named = {key: lane for lane, keys in it.lanes.items() for key in keys}
    for key in it.shapes:
        homes = [it.boxes[lane] for lane in ([named[key]] if key in named else tops)]
        homes = homes or [it.boxes[pool] for pool in it.pools]
        for box in filter(None, (it.boxes[key], it.names.get(key))):
            if homes and not any(home.holds(box) for home in homes):
                yield f"{key} sticks out of its lane"


def _forms(it: Drawn) -> Iterator[str]:
    for flow, way in it.ways.items():
        if any((a == c) == (b == d) for (a, b), (c, d) in pairwise(way)):
            yield f"{flow} is not upright and level"
        source, target = it.ends[flow]
        for end, here, there in ((source, way[0], way[1]), (target, way[-1], way[-2])):
            if not _leaves(it.boxes[end], here, there):
                yield f"{flow} does not stand upright on the border of {end}"


def _leaves(box: Box, here: Point, there: Point) -> bool:
    (x, y), (to_x, to_y) = here, there
    level, upright = y == to_y, x == to_x
    if level and box.top < y < box.bottom:
        return (x == box.right and to_x > x) or (x == box.left and to_x < x)
    if upright and box.left < x < box.right:
        return (y == box.bottom and to_y > y) or (y == box.top and to_y < y)
    return False


def _stretches(way: tuple[Point, ...]) -> Iterator[Box]:
    for (a, b), (c, d) in pairwise(way):
        yield Box(min(a, c), min(b, d), max(a, c), max(b, d))


def _through(stretch: Box, box: Box) -> bool:
    return (stretch.left < box.right and box.left < stretch.right and _between(stretch, box)) or (
        stretch.top < box.bottom and box.top < stretch.bottom and box.left < stretch.left == stretch.right < box.right
    )


def _between(stretch: Box, box: Box) -> bool:
    return box.top < stretch.top == stretch.bottom < box.bottom


def _pierced(it: Drawn) -> Iterator[str]:
    for flow, way in it.ways.items():
        for stretch in _stretches(way):
            for key in it.shapes:
                if key not in it.parents[flow] and _through(stretch, it.boxes[key]):
                    yield f"{flow} runs through {key}"
            for key, name in it.names.items():
                if _through(stretch, name):
                    yield f"{flow} runs through the name of {key}"


def _crowded(it: Drawn) -> Iterator[str]:
    for one, two in combinations(it.names, 2):
        if it.names[one].meets(it.names[two]):
            yield f"the names of {one} and {two} overlap"
    for name, box in it.names.items():
        around = it.parents[name]
        for key in it.shapes:
            own = key in (name, it.hosts.get(name)) or key in it.ends.get(name, ())
            of_host = it.hosts.get(key, key) == it.hosts.get(name, name)
            gap = 0 if own or of_host else FLOW_NAME_GAP if name in it.ways else NAME_GAP
            if key not in around and box.meets(it.boxes[key], gap):
                yield f"the name of {name} stands too near {key}"


def _shared(it: Drawn) -> Iterator[str]:
    for one, two in combinations(it.ways, 2):
        together = sum(_overlap(a, b) for a in _stretches(it.ways[one]) for b in _stretches(it.ways[two]))
        allowed = 0
        if it.ends[one][0] == it.ends[two][0]:
            allowed += _trunk(it.ways[one], it.ways[two])
        if it.ends[one][1] == it.ends[two][1]:
            allowed += _trunk(it.ways[one][::-1], it.ways[two][::-1])
        if together > allowed:
            yield f"{one} and {two} run along the same line"
        if it.ways[one] == it.ways[two]:
            yield f"{one} hides {two}"


def _overlap(one: Box, two: Box) -> int:
    """How many px of two stretches lie upon each other."""
    if one.top == one.bottom == two.top == two.bottom:
        return max(0, min(one.right, two.right) - max(one.left, two.left))
    if one.left == one.right == two.left == two.right:
        return max(0, min(one.bottom, two.bottom) - max(one.top, two.top))
    return 0


def _trunk(one: tuple[Point, ...], two: tuple[Point, ...]) -> int:
    """How many px two flows run together from their first point on."""
    length = 0
    for (a, b), (c, d) in zip(pairwise(one), pairwise(two), strict=False):
        if a != c:
            break
        same = _overlap(*_stretches((a, b)), *_stretches((c, d)))
        length += same
        if b != d:
            break
    return length


def _backward(it: Drawn) -> Iterator[str]:
    for flow, (source, target) in it.ends.items():
        here, there = (it.hosts.get(end, end) for end in (source, target))
        quiet = flow not in _sequence(it)
        if not quiet and not _reaches(it, there, here) and it.boxes[here].right > it.boxes[there].left:
            yield f"{flow} does not lead to the right"


def _sequence(it: Drawn) -> frozenset[str]:
    return frozenset(flow for flow in it.ways if not flow.startswith("note"))


def _reaches(it: Drawn, start: str, goal: str) -> bool:
    """Whether a way leads from one shape to another: then a flow between them closes a loop."""
    seen, ahead = {start}, [start]
    while ahead:
        here = ahead.pop()
        for flow in _sequence(it):
            source, target = (it.hosts.get(end, end) for end in it.ends[flow])
            if source == here and target not in seen:
                seen.add(target)
                ahead.append(target)
    return goal in seen
