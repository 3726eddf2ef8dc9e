"""The lines that flows may run along: middles of columns and rows, and tracks in the channels between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from portal.layout.graph import Graph
from portal.layout.rows import Cells
from portal.layout.sizes import Size, boundary_offsets

Point = tuple[int, int]  # numbers of an x line and a y line
Way = tuple[int, int]  # a step: (1, 0) is to the right

RIGHT, LEFT, UP, DOWN = (1, 0), (-1, 0), (0, -1), (0, 1)
SIDES: Mapping[str, Way] = {"right": RIGHT, "left": LEFT, "top": UP, "bottom": DOWN}


@dataclass(frozen=True)
class Line:
    """One line of the grid: the middle of column or row `place`, a track before it, or the border of a band.

    The lines of a column may stand `offset` px to the side of its middle, under a boundary event.
    """

    place: int
    kind: Literal["middle", "track", "border"] = "middle"
    offset: int = 0


@dataclass(frozen=True)
class Grid:
    """All lines, with so many tracks in each channel."""

    graph: Graph
    cells: Cells
    sizes: Mapping[str, Size]
    tracks: int

    @cached_property
    def offsets(self) -> Mapping[str, int]:
        """How far each boundary event stands beside the middle of its column."""
        return {
            event.id: offset
            for host, events in self.graph.boundary.items()
            for event, offset in zip(events, boundary_offsets(self.graph, host), strict=True)
        }

    @cached_property
    def xs(self) -> tuple[Line, ...]:
        """The upright lines, from the left border to the right one."""
        beside: dict[int, set[int]] = {}
        for event, offset in self.offsets.items():
            beside.setdefault(self.cells.at[self.graph.stand(event)].column, set()).add(offset)
        end = self.cells.columns
        lines = [Line(0, "border")]
        for column in range(end):
            lines += [Line(column, "track")] * self.tracks
            lines += [Line(column, offset=offset) for offset in sorted({0, *beside.get(column, ())})]
        return (*lines, *[Line(end, "track")] * self.tracks, Line(end, "border"))

    @cached_property
    def ys(self) -> tuple[Line, ...]:
        """The level lines, from the top border to the bottom one; a border between any two bands."""
        bands, lines = self.cells.bands, list[Line]()
        for row, band in enumerate(bands):
            if row and bands[row - 1] != band:
                lines += [Line(row, "track")] * self.tracks
            if row == 0 or bands[row - 1] != band:
                lines.append(Line(row, "border"))
            lines += [Line(row, "track")] * self.tracks
            lines.append(Line(row))
        end = len(bands)
        return (*lines, *[Line(end, "track")] * self.tracks, Line(end, "border"))

    @cached_property
    def middles(self) -> tuple[Mapping[tuple[int, int], int], Mapping[int, int]]:
        """The numbers of the lines of columns, by column and offset, and of rows."""
        return (
            {(line.place, line.offset): number for number, line in enumerate(self.xs) if line.kind == "middle"},
            {line.place: number for number, line in enumerate(self.ys) if line.kind == "middle"},
        )

    @cached_property
    def taken(self) -> frozenset[Point]:
        """The points that lie within the cell of a shape."""
        columns, rows = self.middles
        found: set[Point] = set()
        for cell in self.cells.at.values():
            covered = [x for (column, _), x in columns.items() if cell.column <= column < cell.column + cell.across]
            lines = range(rows[cell.row], rows[cell.row + cell.down - 1] + 1)
            found |= {(x, y) for x in range(min(covered), max(covered) + 1) for y in lines}
        return frozenset(found)

    def door(self, node: str, side: str) -> Point:
        """The first point outside a shape, on one of its sides."""
        cell = self.cells.at[self.graph.stand(node)]
        columns, rows = self.middles
        x, y = columns[cell.column, self.offsets.get(node, 0)], rows[cell.row]
        step = SIDES[side]
        while (x, y) in self.taken:
            x, y = x + step[0], y + step[1]
        return x, y
