"""A graph laid out: cells, routes, names, and then px."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from portal.layout.captions import (
    ALONG,
    BESIDE,
    Stretch,
    Stretches,
    flow_name,
    name_beside,
    room_of,
)
from portal.layout.graph import Flow, Graph, Node
from portal.layout.grid import SIDES, Grid
from portal.layout.picture import Box, Edge, Picture, Shape
from portal.layout.ranks import Ranks, rank
from portal.layout.routes import FEWEST, MOST, NoWay, Route, routed
from portal.layout.rows import Rows, place, rows_of
from portal.layout.sizes import INNER_TITLE, Size, size_of
from portal.layout.spacing import MARGIN, NAME_ABOVE, Rule, axes, rules_for
from portal.layout.wrapping import INSIDE, wrapped

TRIES, WORTH_IT = 16, 50  # how often other rows are tried; the px that they must save
ROW = 60  # px of a detour that are as bad as a further row
LATER, UPRIGHT = 15, 90  # px of a wider column that a name's better place is worth


def lay_out(graph: Graph) -> Picture:
    """The picture of one level of a diagram, with all inside it."""
    inner = {node.id: lay_out(node.inner) for node in graph.standing if node.inner is not None}
    sizes = {node.id: size_of(node, graph, inner.get(node.id)) for node in graph.nodes.values()}
    ranks = rank(graph)
    grid, routes = _best(graph, ranks, sizes)
    return _Plan(grid, routes).picture(inner)


def _best(graph: Graph, ranks: Ranks, sizes: Mapping[str, Size]) -> tuple[Grid, Mapping[str, Route]]:
    """The routes that cost least when chains change their rows as long as that makes them cheaper."""
    rows = rows_of(graph, ranks)
    grid, routes, cost = _routed(graph, ranks, rows, sizes)
    tries, better = TRIES, True
    while better and tries > 0:
        better = False
        for other in list(rows.others(graph, ranks))[:tries]:
            tries -= 1
            other_grid, other_routes, other_cost = _routed(graph, ranks, other, sizes)
            if other_cost < cost - WORTH_IT:
                rows, grid, routes, cost, better = other, other_grid, other_routes, other_cost, True
                break
    return grid, routes


def _routed(
    graph: Graph, ranks: Ranks, rows: Rows, sizes: Mapping[str, Size]
) -> tuple[Grid, Mapping[str, Route], float]:
    """The routes over as few tracks as do, with what they cost."""
    cells = place(graph, ranks, rows, sizes)
    tracks = FEWEST
    while True:
        grid = Grid(graph, cells, sizes, tracks)
        try:
            routes, cost = routed(grid, ranks)
        except NoWay:
            if tracks >= MOST:
                raise
            tracks += 2
        else:
            return grid, routes, cost + ROW * len(cells.bands)


class _Plan:
    """One grid with its routes, on the way to px."""

    def __init__(self, grid: Grid, routes: Mapping[str, Route]) -> None:
        self.grid, self.routes, self.graph = grid, routes, grid.graph
        sides = _sides(grid.graph, routes)
        self.names = {node.id: name_beside(node, grid, sides) for node in grid.graph.nodes.values()}
        self.rooms = {node.id: room_of(node, grid, self.names) for node in grid.graph.standing}
        self.across, self.down = axes(grid, routes, self.rooms)
        self.captions = dict(self._captions())
        rules = [
            rules_for(stretch, flow_name(flow.name), self.across, self.down) for flow, stretch in self.captions.values()
        ]
        self.x = self.across.solved([*self._covered(), *(rule for pair in rules for rule in pair[0])])
        self.y = self.down.solved([*self._tall(), *(rule for pair in rules for rule in pair[1])])

    def _captions(self) -> Iterator[tuple[str, tuple[Flow, Stretch]]]:
        """The stretch along which each flow's name stands."""
        x, y = self.across.solved(()), self.down.solved(())
        stretches = Stretches(self.grid, self.routes, self.rooms)
        for flow in self.graph.flows:
            if flow.name and flow.id in self.routes:
                ways = enumerate(stretches.of(flow.id))
                rated = [(self._worth(flow, order, each, x, y), order, each) for order, each in ways]
                yield flow.id, (flow, min(rated, key=lambda rate: rate[:2])[2])

    def _worth(self, flow: Flow, order: int, stretch: Stretch, x: Mapping[int, int], y: Mapping[int, int]) -> float:
        """How much wider the picture gets for a name, and how far from its beginning the name stands."""
        across, down = rules_for(stretch, flow_name(flow.name), self.across, self.down)
        short = sum(max(0, rule.px - x[rule.after] + x[rule.before]) for rule in across)
        short += sum(max(0, rule.px - y[rule.after] + y[rule.before]) for rule in down)
        return short + LATER * order + (0 if stretch.level else UPRIGHT)

    def _covered(self) -> Iterator[Rule]:
        """Event subprocesses end before the column behind those that they cover."""
        columns, _ = self.grid.middles
        for key, cell in self.grid.cells.at.items():
            if self.graph.nodes[key].apart:
                first, last = columns[cell.column, 0], columns[cell.column + cell.across - 1, 0]
                following = self.across.used[self.across.used.index(last) + 1]
                left, _ = self.across.whole(first)
                yield Rule(
                    first, following, self.grid.sizes[key].width - left + self.across.whole(following)[0] + MARGIN[0]
                )

    def _tall(self) -> Iterator[Rule]:
        """Each band is as tall as its name is long, and rows as far apart as what covers them is tall."""
        borders, (_, rows) = self._borders(), self.grid.middles
        for band, (top, bottom) in zip(self.graph.bands, pairwise(borders), strict=False):
            yield Rule(top, bottom, wrapped(band.name, 400, INSIDE).width + 24)
        for key, cell in self.grid.cells.at.items():
            if cell.down > 1:
                first, last = rows[cell.row], rows[cell.row + cell.down - 1]
                height = self.grid.sizes[key].height
                yield Rule(first, last, height - self.down.whole(first)[0] - self.down.whole(last)[1])

    def _borders(self) -> list[int]:
        return [number for number, line in enumerate(self.grid.ys) if line.kind == "border"]

    def picture(self, inner: Mapping[str, Picture]) -> Picture:
        """The picture, with the pictures of what subprocesses hold."""
        shapes: list[Shape] = []
        edges = [self._edge(flow) for flow in self.graph.flows if flow.id in self.routes]
        for node in sorted(self.graph.nodes.values(), key=lambda node: node.host is not None):
            shape = self._shape(node)
            shapes.append(shape)
            if node.id in inner:
                held = inner[node.id]
                left = shape.box.x + (shape.box.width - held.width) // 2
                shapes += [each.moved(left, shape.box.y + INNER_TITLE) for each in held.shapes]
                edges += [each.moved(left, shape.box.y + INNER_TITLE) for each in held.edges]
        tops = [self.y[number] for number in self._borders()]
        bands = tuple(pairwise(tops))
        return Picture(max(self.x.values()), max(self.y.values()), tuple(shapes), tuple(edges), bands)

    def _middle(self, node: Node) -> tuple[int, int]:
        """The middle of a shape."""
        stand = self.graph.stand(node.id)
        cell, (columns, rows) = self.grid.cells.at[stand], self.grid.middles
        x, y = self.x[columns[cell.column, 0]], self.y[rows[cell.row]]
        size = self.grid.sizes[stand]
        if node.host:
            return x + self.grid.offsets[node.id], y + size.height // 2
        if node.apart:
            left, _ = self.across.whole(columns[cell.column, 0])
            last = rows[cell.row + cell.down - 1]
            middle = y - self.down.whole(rows[cell.row])[0] + self.y[last] + self.down.whole(last)[1]
            return x - left + size.width // 2, middle // 2 if cell.down > 1 else y
        return x, y

    def _shape(self, node: Node) -> Shape:
        x, y = self._middle(node)
        size = self.grid.sizes[node.id]
        name = self.names[node.id]
        return Shape(
            node.id,
            Box(x - size.width // 2, y - size.height // 2, size.width, size.height),
            Box(x + name.x, y + name.y, name.text.width, name.text.height) if name.text.lines else None,
            {"isMarkerVisible": "true"}
            if node.kind == "exclusiveGateway"
            else {"isExpanded": "true"}
            if node.inner
            else {},
        )

    def _edge(self, flow: Flow) -> Edge:
        route = self.routes[flow.id]
        ends = [self.graph.nodes[end] for end in (flow.source, flow.target)]
        turned = self.graph.leads_to_note(flow)
        first, last = ends[::-1] if turned else ends
        points = [
            self._port(first, route.out),
            *((self.x.get(x), self.y.get(y)) for x, y in route.points),
            self._port(last, route.into),
        ]
        corners = _corners(_filled(points))
        return Edge(flow.id, corners[::-1] if turned else corners, self._flow_name(flow))

    def _port(self, node: Node, side: str) -> tuple[int, int]:
        (x, y), (across, down) = self._middle(node), SIDES[side]
        size = self.grid.sizes[node.id]
        return x + across * size.width // 2, y + down * size.height // 2

    def _flow_name(self, flow: Flow) -> Box | None:
        if flow.id not in self.captions:
            return None
        stretch, text = self.captions[flow.id][1], flow_name(flow.name)
        x, y = (self.x, self.y) if stretch.level else (self.y, self.x)
        first, last = x[stretch.first.line] + stretch.first.px, x[stretch.last.line] + stretch.last.px
        length = text.width if stretch.level else text.height
        along = first + ALONG if stretch.ahead else last - ALONG - length
        beside = y[stretch.line]
        if stretch.level:
            return Box(along, beside - NAME_ABOVE - text.height, text.width, text.height)
        return Box(beside + BESIDE, along, text.width, text.height)


def _sides(graph: Graph, routes: Mapping[str, Route]) -> Mapping[str, frozenset[str]]:
    """The sides of each node at which flows leave or arrive."""
    sides: dict[str, frozenset[str]] = {}
    for flow in graph.flows:
        if flow.id in routes:
            ends = (flow.target, flow.source) if graph.leads_to_note(flow) else (flow.source, flow.target)
            for end, side in zip(ends, (routes[flow.id].out, routes[flow.id].into), strict=True):
                sides[end] = sides.get(end, frozenset()) | {side}
    return sides


def _filled(points: Sequence[tuple[int | None, int | None]]) -> list[tuple[int, int]]:
    """The points; a line on which nothing runs along has no px and is only crossed, so its point says nothing."""
    return [(x, y) for x, y in points if x is not None and y is not None]


def _corners(points: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The points where a line begins, turns and ends."""
    kept: list[tuple[int, int]] = []
    for point in points:
        if len(kept) > 1 and (kept[-2][0] == kept[-1][0] == point[0] or kept[-2][1] == kept[-1][1] == point[1]):
            kept.pop()
        if not kept or kept[-1] != point:
            kept.append(point)
    return tuple(kept)
