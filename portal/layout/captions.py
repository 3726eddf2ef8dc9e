"""Where names stand: beside their shape, and along the first stretch that a flow has for itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from portal.layout.graph import Node
from portal.layout.grid import SIDES, Grid, Point
from portal.layout.routes import Route
from portal.layout.sizes import EVENT, GATEWAY, NAME_GAP, name_of
from portal.layout.wrapping import Text, wrapped

FLOW_NAME_WIDTH = 90  # px
BESIDE = 6  # px between an upright line and a name to its right
CORNER = 8  # px between a line that leaves a gateway upwards and the name to its left
ALONG, ARROW = 6, 24  # px kept free at the ends of a stretch; at its arrow


@dataclass(frozen=True)
class Name:
    """A shape's outside name and its top left corner, in px from the shape's middle."""

    text: Text
    x: int
    y: int


@dataclass(frozen=True)
class Reach:
    """How far something extends from the middle of its cell, in px."""

    left: int
    right: int
    above: int
    below: int

    def with_(self, left: int, top: int, width: int, height: int) -> Reach:
        """So far that a rectangle is in it as well; its corner in px from the middle."""
        return Reach(
            max(self.left, -left), max(self.right, left + width), max(self.above, -top), max(self.below, top + height)
        )


@dataclass(frozen=True)
class Room:
    """What a shape takes of its cell: with what stands on its border, and with all names as well."""

    box: Reach
    whole: Reach


@dataclass(frozen=True)
class Anchor:
    """A place so many px behind a line of the grid."""

    line: int
    px: int = 0


@dataclass(frozen=True)
class Stretch:
    """A part of a flow that no other shares or crosses, from its left (upper) end to its right (lower) one."""

    line: int  # along which it runs
    level: bool
    first: Anchor
    last: Anchor
    ahead: bool  # whether the flow runs to the right (downwards)


def name_beside(node: Node, grid: Grid, sides: Mapping[str, frozenset[str]]) -> Name:
    """The name of a shape; `sides` at which flows leave or reach each node."""
    text, used = name_of(node), sides.get(node.id, frozenset())
    if node.is_gateway:
        top = -GATEWAY // 2 - NAME_GAP - text.height
        if "top" not in used:
            return Name(text, -text.width // 2, top)
        if "bottom" not in used:
            return Name(text, -text.width // 2, GATEWAY // 2 + NAME_GAP)
        return Name(text, -CORNER - text.width, top + CORNER - NAME_GAP)
    if node.host:
        return Name(text, BESIDE, EVENT // 2 + NAME_GAP - 2)
    return Name(text, -text.width // 2, grid.sizes[node.id].height // 2 + NAME_GAP)


def room_of(node: Node, grid: Grid, names: Mapping[str, Name]) -> Room:
    """The room of a shape, its boundary events and their names."""
    size = grid.sizes[node.id]
    box = Reach(size.width // 2, size.width // 2, size.height // 2, size.height // 2)
    whole = box.with_(*_rectangle(names[node.id], 0, 0))
    for event in grid.graph.boundary.get(node.id, ()):
        offset = grid.offsets[event.id]
        box = box.with_(offset - EVENT // 2, size.height // 2 - EVENT // 2, EVENT, EVENT)
        whole = whole.with_(*_rectangle(names[event.id], offset, size.height // 2))
    return Room(box, whole.with_(-box.left, -box.above, box.left + box.right, box.above + box.below))


def _rectangle(name: Name, x: int, y: int) -> tuple[int, int, int, int]:
    return name.x + x, name.y + y, name.text.width, name.text.height


def flow_name(name: str) -> Text:
    """A flow's name as it is wrapped."""
    return wrapped(name, FLOW_NAME_WIDTH)


class Stretches:
    """Which stretches of the routes are nobody else's."""

    def __init__(self, grid: Grid, routes: Mapping[str, Route], rooms: Mapping[str, Room]) -> None:
        self.grid, self.routes, self.rooms = grid, routes, rooms
        self.nodes = {flow.id: (flow.source, flow.target) for flow in grid.graph.flows}
        self.named = {flow.id: flow.name for flow in grid.graph.flows}
        self.names_high = max((flow_name(flow.name).height for flow in grid.graph.flows), default=0)
        self.edges: dict[frozenset[Point], int] = {}
        self.through: dict[tuple[Point, bool], set[str]] = {}
        for key, route in routes.items():
            for edge in pairwise(route.points):
                self.edges[frozenset(edge)] = self.edges.get(frozenset(edge), 0) + 1
            for point, way in route.steps():
                self.through.setdefault((point, way[1] == 0), set()).add(key)

    def of(self, flow: str) -> Iterator[Stretch]:
        """The stretches of a flow, from its source on."""
        run: list[Point] = []
        for one, other in pairwise(self.routes[flow].points):
            own = self.edges[frozenset((one, other))] == 1
            if run and not (own and _in_line(run[0], run[-1], other) and not self._crossed(flow, one, run[0])):
                yield from self._stretch(flow, run)
                run = []
            if own:
                run = [*run, other] if run else [one, other]
        yield from self._stretch(flow, run)

    def _crossed(self, flow: str, point: Point, start: Point) -> bool:
        level = start[1] == point[1]
        if not level and self.grid.ys[point[1]].kind == "border":
            return True  # a name is not written across a border
        return bool(self.through.get((point, not level), set()) - {flow})

    def _stretch(self, flow: str, run: list[Point]) -> Iterator[Stretch]:
        if len(run) < 2:
            return
        level = run[0][1] == run[-1][1]
        along, across = (0, 1) if level else (1, 0)
        ahead = run[0][along] < run[-1][along]
        ends = [Anchor(point[along]) for point in (run[0], run[-1])]
        route = self.routes[flow]
        if run[0] == route.points[0] and self._alone(flow, run[0], level, route.out):
            ends[0] = self._port(flow, route.out, leaving=True)
        if run[-1] == route.points[-1] and self._alone(flow, run[-1], level, route.into):
            ends[1] = self._port(flow, route.into, leaving=False)
        if not level:  # a name may stand on the level line at the lower end
            lower = 1 if ahead else 0
            ends[lower] = replace(ends[lower], px=ends[lower].px - self.names_high)
        first, last = ends if ahead else ends[::-1]
        yield Stretch(run[0][across], level, first, last, ahead)

    def _alone(self, flow: str, door: Point, level: bool, side: str) -> bool:
        """Whether the flow runs on from its door to the shape in the same line, and alone."""
        straight = (SIDES[side][1] == 0) == level
        return straight and not (self.through[door, level] | self.through.get((door, not level), set())) - {flow}

    def _port(self, flow: str, side: str, *, leaving: bool) -> Anchor:
        """The border of the shape where a flow leaves or arrives; above and below, of its name too."""
        node = self.nodes[flow][0 if leaving else 1]
        stand, offset = self.grid.graph.stand(node), self.grid.offsets.get(node, 0)
        cell, (columns, rows) = self.grid.cells.at[stand], self.grid.middles
        room, free = self.rooms[stand], 0 if leaving else ARROW - ALONG
        tall = len(flow_name(self.named[flow]).lines) > 1
        px = {
            "left": -(room.whole if tall else room.box).left - free,
            "right": (room.whole if tall else room.box).right + free,
            "top": -room.whole.above - free,
            "bottom": room.whole.below + free,
        }[side]
        if side in ("left", "right"):
            return Anchor(columns[cell.column, 0], px + offset)
        return Anchor(rows[cell.row], px)


def _in_line(first: Point, last: Point, following: Point) -> bool:
    return first[0] == last[0] == following[0] or first[1] == last[1] == following[1]
