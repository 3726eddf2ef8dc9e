"""Where the lines of the grid stand, in px: as near to each other as what stands between them allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from portal.layout.captions import ALONG, BESIDE, Reach, Room, Stretch
from portal.layout.grid import Grid, Line
from portal.layout.routes import Route
from portal.layout.wrapping import Text

NAME_APART = 13  # px between a name and a line, or between a flow's name and a shape
NAME_ABOVE = 3  # px between a flow and its name above it
SHAPES = (48, 36)  # px between two shapes, across and down
NAMES = 26  # px between two names, or a name and a shape
TRACKS = 14  # px between two flows
LEAVING, ARRIVING = (16, 22), (14, 20)  # px between a shape and a flow after it, before it; across and down
BORDER = 14  # px between a border and a flow
MARGIN = (34, 22)  # px between a border and a shape


@dataclass(frozen=True)
class Rule:
    """Line `after` stands at least so many px behind line `before`."""

    before: int
    after: int
    px: int


@dataclass(frozen=True)
class Axis:
    """The lines that are in use along one axis, by number, and what stands on them.

    `place` gives the line that a line moves with (a column's middle) and how far beside it stands.
    """

    lines: tuple[Line, ...]
    used: tuple[int, ...]
    reach: Mapping[int, tuple[tuple[int, int], tuple[int, int]]]  # of a middle: box and whole, before and behind it
    down: bool

    def base(self, number: int) -> tuple[int, int]:
        """The line that a line moves with, and how far beside it stands."""
        offset = self.lines[number].offset
        while self.lines[number].kind == "middle" and self.lines[number].offset != 0:
            number += -1 if self.lines[number].offset > 0 else 1
        return number, offset

    def whole(self, number: int) -> tuple[int, int]:
        """How far what stands on a line reaches before and behind it, with names; nothing on a track."""
        return self.reach[number][1] if number in self.reach else (0, 0)

    def rules(self) -> list[Rule]:
        """How far each line stands behind the one before it."""
        return [Rule(one, two, self.gap(one, two)) for one, two in zip(self.used, self.used[1:], strict=False)]

    def gap(self, one: int, two: int) -> int:
        """The least px between two neighbouring lines."""
        kinds = self.lines[one].kind, self.lines[two].kind
        if kinds == ("middle", "middle"):
            (box, whole), (box_two, whole_two) = self.reach[one], self.reach[two]
            return max(box[1] + SHAPES[self.down] + box_two[0], whole[1] + NAMES + whole_two[0])
        if "middle" not in kinds:
            return BORDER if "border" in kinds else TRACKS
        number, behind = (one, 1) if kinds[0] == "middle" else (two, 0)
        box, whole = self.reach[number]
        if "border" in kinds:
            return max(box[behind] + MARGIN[self.down], whole[behind] + NAMES // 2)
        apart = (ARRIVING, LEAVING)[behind][self.down]
        return max(box[behind] + apart, whole[behind] + NAME_APART)

    def solved(self, more: Sequence[Rule]) -> Mapping[int, int]:
        """The px of each line: middles as far to the front as they can, tracks balanced between their neighbours."""
        rules = [*self.rules(), *(self._based(rule) for rule in more)]
        first = dict.fromkeys(self.used, 0)
        behind = _grouped(rules, lambda rule: rule.after)
        for number in self.used:
            first[number] = max((first[rule.before] + rule.px for rule in behind.get(number, ())), default=0)
        last, ahead = dict(first), _grouped(rules, lambda rule: rule.before)
        for number in reversed(self.used):
            if self.lines[number].kind == "track" and number in ahead:
                last[number] = min(last[rule.after] - rule.px for rule in ahead[number])
        at = {number: (first[number] + last[number]) // 2 for number in self.used}
        return {number: at[base] + beside for number in self._all() for base, beside in [self.base(number)]}

    def _all(self) -> list[int]:
        return [number for number in range(len(self.lines)) if self.base(number)[0] in self.used]

    def _based(self, rule: Rule) -> Rule:
        (before, one), (after, two) = self.base(rule.before), self.base(rule.after)
        return Rule(before, after, rule.px + one - two)


def _grouped(rules: Sequence[Rule], key: Callable[[Rule], int]) -> Mapping[int, list[Rule]]:
    groups: dict[int, list[Rule]] = {}
    for rule in rules:
        groups.setdefault(key(rule), []).append(rule)
    return groups


def axes(grid: Grid, routes: Mapping[str, Route], rooms: Mapping[str, Room]) -> tuple[Axis, Axis]:
    """The lines across and down that the routes use, with the room of the shapes on them."""
    columns, rows = grid.middles
    across: dict[int, list[Room]] = {columns[column, 0]: [] for column in range(grid.cells.columns)}
    down: dict[int, list[Room]] = {number: [] for number in rows.values()}
    for key, cell in grid.cells.at.items():
        if not grid.graph.nodes[key].apart:
            across[columns[cell.column, 0]].append(rooms[key])
        if cell.down == 1:
            down[rows[cell.row]].append(rooms[key])
    steps = [(point, way) for route in routes.values() for point, way in route.steps()]
    upright = {point[0] for point, way in steps if way[1]}
    level = {point[1] for point, way in steps if way[0]}
    return (
        _axis(grid.xs, upright, across, lambda reach: (reach.left, reach.right), down=False),
        _axis(grid.ys, level, down, lambda reach: (reach.above, reach.below), down=True),
    )


def _axis(
    lines: tuple[Line, ...],
    run: set[int],
    rooms: Mapping[int, Sequence[Room]],
    pick: Callable[[Reach], tuple[int, int]],
    *,
    down: bool,
) -> Axis:
    def widest(reaches: Sequence[Reach]) -> tuple[int, int]:
        pairs = [pick(reach) for reach in reaches]
        return max((one for one, _ in pairs), default=18), max((two for _, two in pairs), default=18)

    used = tuple(n for n, line in enumerate(lines) if line.kind == "border" or n in rooms or _runs(line, n, run))
    reach = {n: (widest([r.box for r in found]), widest([r.whole for r in found])) for n, found in rooms.items()}
    return Axis(lines, used, reach, down)


def _runs(line: Line, number: int, run: set[int]) -> bool:
    return line.kind == "track" and number in run


def rules_for(stretch: Stretch, text: Text, across: Axis, down: Axis) -> tuple[list[Rule], list[Rule]]:
    """What must stand how far apart so that a name finds room along a stretch: across, and down."""
    beside = down if stretch.level else across
    need = (text.width if stretch.level else text.height) + 2 * ALONG
    rule = Rule(stretch.first.line, stretch.last.line, need + stretch.first.px - stretch.last.px)
    number, offset = beside.base(stretch.line)
    place = beside.used.index(number)
    if stretch.level:
        return [rule], [_above(stretch.line, beside.used[place - 1], text, beside)]
    following = beside.used[place + 1]
    room = offset + BESIDE + text.width + NAME_APART + beside.whole(following)[0]
    return [Rule(number, following, room)], [rule]


def _above(line: int, before: int, text: Text, down: Axis) -> Rule:
    """Room for a name between a level line and what stands above it."""
    apart = NAME_APART if before in down.reach else NAME_APART // 2
    return Rule(before, line, down.whole(before)[1] + apart + text.height + NAME_ABOVE)
