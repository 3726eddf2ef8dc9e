"""Which lines of the grid each flow runs along: few bends, few crossings, never the same stretch as a stranger."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, groupby, pairwise

from portal.errors import PortalError
from portal.layout.graph import Flow, Node
from portal.layout.grid import DOWN, LEFT, RIGHT, SIDES, UP, Grid, Line, Point, Way
from portal.layout.ranks import Ranks
from portal.layout.sizes import GATEWAY

# What a route is charged, in px of a detour that would be as bad.
BEND, CROSSING, ODD_SIDE, BACKWARD = 45, 90, 60, 1.0
SHARED = 0.6  # of its length: a stretch that a flow shares with its kin is half drawn already
ROUNDS = 4
TRACK, EDGE = 6, 16  # px, about: between two tracks; between a track and the shapes beside the channel
FEWEST, MOST = 3, 21  # tracks in a channel

_State = tuple[Point, Way]  # of a search: where it is, and by which way it came there


class NoWay(PortalError):
    """A flow finds no free line beside the others, however many tracks there are."""

    zh = "流“{flow}”与其他流之间没有空位，请减少重复的连线。"
    en = "The flow “{flow}” finds no free line beside the others: draw fewer flows between the same shapes."


@dataclass(frozen=True)
class Route:
    """The points of a flow from its source to its target, and the sides where it leaves and arrives."""

    points: tuple[Point, ...]
    out: str
    into: str

    def steps(self) -> Iterator[tuple[Point, Way]]:
        """Each point with the ways by which the route comes to it and leaves it."""
        yield self.points[0], SIDES[self.out]
        for one, other in pairwise(self.points):
            way = (other[0] - one[0], other[1] - one[1])
            yield one, way
            yield other, way
        yield self.points[-1], _opposite(SIDES[self.into])


@dataclass(frozen=True)
class _End:
    """A point where a search may begin or end, what that costs, and the points between it and the shape."""

    cost: float
    way: Way  # by which the route comes to the point, or goes on from it
    points: tuple[Point, ...]
    side: str


def routed(grid: Grid, ranks: Ranks) -> tuple[Mapping[str, Route], float]:
    """A route for each flow, and what all of them cost; raises NoWay."""
    router = _Router(grid, ranks)
    flows = [_from_note(flow, grid) for flow in grid.graph.flows]
    flows = [flow for flow in flows if not any(grid.graph.nodes[end].apart for end in (flow.source, flow.target))]
    rest = [flow for flow in flows if not router.run_straight(flow)]
    rest.sort(key=lambda flow: (not flow.quiet, router.distance(flow)))
    for flow in rest:
        router.route(flow)
    routes, cost = dict(router.routes), router.total()
    for _ in range(ROUNDS):
        for flow in rest:
            router.forget(flow)
            router.route(flow)
        if router.total() >= cost:
            break
        routes, cost = dict(router.routes), router.total()
    return routes, cost


def _from_note(flow: Flow, grid: Grid) -> Flow:
    """The flow, an association so turned that it leads from the note to its subject."""
    if grid.graph.leads_to_note(flow):
        return Flow(flow.id, flow.name, flow.target, flow.source, quiet=True)
    return flow


class _Router:
    def __init__(self, grid: Grid, ranks: Ranks) -> None:
        self.grid, self.ranks = grid, ranks
        self.routes: dict[str, Route] = {}
        self.flows: dict[str, Flow] = {}
        self.owners: dict[tuple[Point, bool], set[str]] = {}
        self.kept_free = dict(self._needed_doors())
        self.x, self.y = _about(grid)
        self.beside = _beside_middle(grid.xs), _beside_middle(grid.ys)

    def _needed_doors(self) -> Iterator[tuple[tuple[Point, bool], str]]:
        """The places where a flow of a shape must be able to go, so that others may only cross there."""
        for flow in self.grid.graph.flows:
            if not flow.quiet and not any(self._node(end).apart for end in (flow.source, flow.target)):
                side = "bottom" if self._node(flow.source).host else "right"
                yield (self.grid.door(flow.source, side), side == "right"), flow.source
                yield (self.grid.door(flow.target, "left"), True), flow.target

    def distance(self, flow: Flow) -> float:
        """How far apart the two ends stand, about."""
        (a, b), (c, d) = (self.grid.door(end, "bottom") for end in (flow.source, flow.target))
        return abs(self.x[a] - self.x[c]) + abs(self.y[b] - self.y[d])

    def run_straight(self, flow: Flow) -> bool:
        """Routes a flow whose target stands further on in its own row with nothing between."""
        nodes, cells = self.grid.graph.nodes, self.grid.cells.at
        if flow.quiet or nodes[flow.source].host or flow.source == flow.target:
            return False
        if cells[flow.source].row != cells[flow.target].row or flow.id in self.ranks.back:
            return False
        (first, y), (last, _) = self.grid.door(flow.source, "right"), self.grid.door(flow.target, "left")
        points = tuple((x, y) for x in range(first, last + 1))
        if not points or any(point in self.grid.taken or self._at(point, RIGHT) for point in points):
            return False
        self._keep(flow, Route(points, "right", "left"))
        return True

    def route(self, flow: Flow) -> None:
        """Finds the cheapest route beside those that are there."""
        self._keep(flow, self._search(flow))

    def forget(self, flow: Flow) -> None:
        """Takes a route away."""
        for point, way in self.routes.pop(flow.id).steps():
            self._at(point, way).discard(flow.id)

    def total(self) -> float:
        """What all routes cost, each stretch, corner and crossing once."""
        edges = {frozenset(pair) for route in self.routes.values() for pair in pairwise(route.points)}
        length = sum(abs(self.x[a] - self.x[c]) + abs(self.y[b] - self.y[d]) for (a, b), (c, d) in map(sorted, edges))
        crossings = corners = 0
        for point in {point for route in self.routes.values() for point in route.points}:
            level, upright = self._at(point, RIGHT), self._at(point, UP)
            corners += bool(level & upright)
            crossings += bool(level and upright and not level & upright)
        sides = sum(self._side_cost(self.flows[key], route.out, leaving=True) for key, route in self.routes.items())
        sides += sum(self._side_cost(self.flows[key], route.into, leaving=False) for key, route in self.routes.items())
        return length + BEND * corners + CROSSING * crossings + sides

    def _keep(self, flow: Flow, route: Route) -> None:
        self.routes[flow.id] = route
        self.flows[flow.id] = flow
        for point, way in route.steps():
            self.owners.setdefault((point, _level(way)), set()).add(flow.id)

    def _at(self, point: Point, way: Way) -> set[str]:
        """The flows that run through a point along the axis of a way."""
        return self.owners.get((point, _level(way)), set())

    def _search(self, flow: Flow) -> Route:
        goals = self._goals(flow)
        box = _bounds(self.x, self.y, goals)
        heap: list[tuple[float, int, float, _State]] = []
        came: dict[_State, _State | _End] = {}
        cost: dict[_State, float] = {}
        turn = count()

        def reach(state: _State, spent: float, before: _State | _End) -> None:
            if spent < cost.get(state, float("inf")):
                cost[state], came[state] = spent, before
                heapq.heappush(heap, (spent + self._left(state[0], box), next(turn), spent, state))

        for point, start in self._starts(flow):
            reach((point, start.way), start.cost, start)
        best: tuple[float, _State, _End] | None = None
        while heap:
            bound, _, spent, state = heapq.heappop(heap)
            if best and bound >= best[0]:
                break
            if spent > cost[state]:
                continue
            fresh = isinstance(came[state], _End)
            best = best if fresh else _arrived(best, state, spent, goals)
            for following, step, price in self._steps(flow, *state, goals, fresh=fresh):
                reach((following, step), spent + price, state)
        if best is None:
            raise NoWay(flow=flow.id)
        return _traced(came, best[1], best[2])

    def _left(self, point: Point, box: tuple[float, float, float, float]) -> float:
        """No more than what is still to go from a point."""
        x, y = self.x[point[0]], self.y[point[1]]
        return max(box[0] - x, 0, x - box[1]) + max(box[2] - y, 0, y - box[3])

    def _steps(
        self, flow: Flow, point: Point, way: Way, goals: Mapping[Point, Sequence[_End]], *, fresh: bool
    ) -> Iterator[tuple[Point, Way, float]]:
        """Where a route may go on from a point, and what that costs."""
        if not fresh and self._at(point, way):
            return  # arrived upon its kin: it joins them here or nowhere
        for step in (RIGHT, LEFT, UP, DOWN):
            here = self._at(point, step)
            if step == _opposite(way) or not all(fresh and self.flows[other].source == flow.source for other in here):
                continue
            following = (point[0] + step[0], point[1] + step[1])
            if _level(step) and self.grid.ys[point[1]].kind == "border":
                continue
            if not self._free(following) or here & self._at(following, step):
                continue
            if not self._may_run(flow, point, step) or not self._may_run(flow, following, step):
                continue
            there = self._at(following, step)
            if there and (following not in goals or any(self.flows[o].target != flow.target for o in there)):
                continue
            yield following, step, self._price(flow, point, way, step)

    def _price(self, flow: Flow, point: Point, way: Way, step: Way) -> float:
        x, y = self.x, self.y
        length = abs(x[point[0] + step[0]] - x[point[0]]) + abs(y[point[1] + step[1]] - y[point[1]])
        if step == LEFT and flow.id not in self.ranks.back and not flow.quiet:
            length *= 1 + BACKWARD
        across = (step[1], step[0])
        crossed = {self.flows[other].target for other in self._at(point, across)} if step == way else set()
        return length + BEND * (step != way) + CROSSING * len(crossed) + self._off_middle(point, step)

    def _off_middle(self, point: Point, step: Way) -> float:
        """A trifle for tracks beside the middle of their channel, so that all prefer the same one."""
        return 0.1 * (self.beside[1][point[1]] if _level(step) else self.beside[0][point[0]])

    def _may_run(self, flow: Flow, point: Point, step: Way) -> bool:
        """Whether no other shape needs the point for its own flows."""
        return self.kept_free.get((point, _level(step)), flow.source) in (flow.source, flow.target)

    def _free(self, point: Point) -> bool:
        inside = 0 < point[0] < len(self.grid.xs) - 1 and 0 < point[1] < len(self.grid.ys) - 1
        return inside and point not in self.grid.taken

    def _starts(self, flow: Flow) -> Iterator[tuple[Point, _End]]:
        for side, cost in self._doors(flow, self._node(flow.source), leaving=True):
            door = self.grid.door(flow.source, side)
            if not self._at(door, SIDES[side]):
                yield door, _End(cost, SIDES[side], (door,), side)
        for other, route in self._kin(flow, leaving=True):
            yield from self._branches(flow, other, route)

    def _branches(self, flow: Flow, other: Flow, route: Route) -> Iterator[tuple[Point, _End]]:
        """Where a flow may branch off from another of its source: while no stranger has joined that."""
        cost, way = self._side_cost(other, route.out, leaving=True), SIDES[route.out]
        for number, (one, two) in enumerate(pairwise(route.points), 1):
            step = (two[0] - one[0], two[1] - one[1])
            owners = self._at(one, step) & self._at(two, step)
            if any(self.flows[owner].source != flow.source for owner in owners):
                return
            if number > len(route.points) // 2 and self._twins(flow, other, owners):
                return
            yield one, _End(cost, way, route.points[:number], route.out)
            cost += SHARED * self._price(other, one, step, step) + BEND * (step != way)
            way = step

    def _goals(self, flow: Flow) -> Mapping[Point, Sequence[_End]]:
        goals: dict[Point, list[_End]] = {}
        for side, cost in self._doors(flow, self._node(flow.target), leaving=False):
            door = self.grid.door(flow.target, side)
            into = _opposite(SIDES[side])
            if not self._at(door, into):
                goals.setdefault(door, []).append(_End(cost, into, (door,), side))
        for other, route in self._kin(flow, leaving=False):
            for point, end in self._joints(flow, other, route):
                goals.setdefault(point, []).append(end)
        return goals

    def _joints(self, flow: Flow, other: Flow, route: Route) -> Iterator[tuple[Point, _End]]:
        """Where a flow may join another of its target: once no stranger is with that any more."""
        cost, way = self._side_cost(other, route.into, leaving=False), _opposite(SIDES[route.into])
        points = route.points
        for number in range(len(points) - 1, 0, -1):
            one, two = points[number - 1], points[number]
            step = (two[0] - one[0], two[1] - one[1])
            owners = self._at(one, step) & self._at(two, step)
            if any(self.flows[owner].target != flow.target for owner in owners):
                return
            if number < len(points) // 2 and self._twins(flow, other, owners):
                return
            yield two, _End(cost, way, points[number:], route.into)
            cost += SHARED * self._price(other, one, step, step) + BEND * (step != way)
            way = step

    def _twins(self, flow: Flow, other: Flow, owners: set[str]) -> bool:
        """Whether two flows run between the same shapes: each must keep the middle of its way for itself."""
        ends = [(self.flows[owner].source, self.flows[owner].target) for owner in owners]
        return (flow.source, flow.target) == (other.source, other.target) or ends.count(
            (other.source, other.target)
        ) > 1

    def _kin(self, flow: Flow, *, leaving: bool) -> Iterator[tuple[Flow, Route]]:
        """The flows with the same source (or target) that have a route, with it."""
        for key, route in self.routes.items():
            other = self.flows[key]
            ends = (other.source, flow.source) if leaving else (other.target, flow.target)
            if ends[0] == ends[1] and other.quiet == flow.quiet:
                yield other, route

    def _doors(self, flow: Flow, node: Node, *, leaving: bool) -> Iterator[tuple[str, float]]:
        """The sides of a node where a flow may leave or arrive, unless another does, with what that costs."""
        used = {route.out for key, route in self.routes.items() if self.flows[key].source == node.id}
        used |= {route.into for key, route in self.routes.items() if self.flows[key].target == node.id}
        for side in self._sides(flow, node, leaving=leaving):
            if side not in used:
                yield side, self._side_cost(flow, side, leaving=leaving)

    def _sides(self, flow: Flow, node: Node, *, leaving: bool) -> Sequence[str]:
        if node.host:
            return ("bottom",)
        named_below = node.name and (node.is_event or node.kind.startswith("data"))
        bottom = () if named_below or node.id in self.grid.graph.boundary else ("bottom",)
        if flow.quiet:
            return ("top", *bottom, *(("left", "right") if node.is_note else ()))
        if flow.source == flow.target:  # it may not leave and arrive at the same side
            return ("right", *bottom) if leaving else ("left", "top")
        return ("right" if leaving else "left", "top", *bottom)

    def _side_cost(self, flow: Flow, side: str, *, leaving: bool) -> float:
        node = self._node(flow.source if leaving else flow.target)
        if flow.quiet or node.host or flow.id in self.ranks.back:
            return 0.0
        if side in ("left", "right"):
            return 0.0
        return (0 if leaving else ODD_SIDE / 2) if node.is_gateway else ODD_SIDE

    def _node(self, key: str) -> Node:
        return self.grid.graph.nodes[key]


def _opposite(way: Way) -> Way:
    return -way[0], -way[1]


def _level(way: Way) -> bool:
    return way[1] == 0


def _arrived(
    best: tuple[float, _State, _End] | None, state: _State, spent: float, goals: Mapping[Point, Sequence[_End]]
) -> tuple[float, _State, _End] | None:
    """The best way known to the target, after one that has come to a state."""
    for end in goals.get(state[0], ()):
        total = spent + end.cost + BEND * (end.way != state[1])
        if end.way != _opposite(state[1]) and (best is None or total < best[0]):
            best = (total, state, end)
    return best


def _traced(came: Mapping[_State, _State | _End], state: _State, end: _End) -> Route:
    points: list[Point] = []
    while not isinstance(before := came[state], _End):
        points.append(state[0])
        state = before
    return Route((*before.points, *points[::-1], *end.points[1:]), before.side, end.side)


def _bounds(
    x: Sequence[float], y: Sequence[float], goals: Mapping[Point, Sequence[_End]]
) -> tuple[float, float, float, float]:
    across, down = [x[point[0]] for point in goals] or [0.0], [y[point[1]] for point in goals] or [0.0]
    return min(across), max(across), min(down), max(down)


def _about(grid: Grid) -> tuple[list[float], list[float]]:
    """Where the lines will stand, about; in px."""
    wide: dict[int, int] = {}
    high: dict[int, int] = {}
    for key, cell in grid.cells.at.items():
        if not grid.graph.nodes[key].apart:
            wide[cell.column] = max(wide.get(cell.column, 0), grid.sizes[key].width // 2)
        if cell.down == 1:
            high[cell.row] = max(high.get(cell.row, 0), grid.sizes[key].height // 2)
    return _along(grid.xs, wide), _along(grid.ys, high)


def _along(lines: Sequence[Line], half: Mapping[int, int]) -> list[float]:
    """Where each line will stand, about; `half` of what stands on each middle."""
    places: list[float] = []
    end, middle = 0.0, 0.0
    for before, line in zip((None, *lines), lines, strict=False):
        if line.kind != "middle":
            end += EDGE if before and before.kind == "middle" else TRACK
            places.append(end)
            continue
        if before is None or before.kind != "middle":
            middle = end + EDGE + half.get(line.place, GATEWAY // 2)
            end = middle + half.get(line.place, GATEWAY // 2)
        places.append(middle + line.offset)
    return places


def _beside_middle(lines: Sequence[Line]) -> list[float]:
    """How far each track stands from the middle of its channel."""
    found: list[float] = []
    for line, same in groupby(lines):
        count = len(list(same))
        found += [abs(number - (count - 1) / 2) if line.kind == "track" else 0.0 for number in range(count)]
    return found
