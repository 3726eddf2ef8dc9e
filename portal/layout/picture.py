"""A diagram as it will be drawn: shapes, lines and names, all in px from the top left corner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Box:
    """A rectangle, in px."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The px of its right border."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The px of its lower border."""
        return self.y + self.height

    def moved(self, x: int, y: int) -> Box:
        """The same, moved by so many px."""
        return replace(self, x=self.x + x, y=self.y + y)


@dataclass(frozen=True)
class Shape:
    """A shape with its name, where that stands outside; `attributes` are those of its drawing."""

    id: str
    box: Box
    name: Box | None = None
    attributes: Mapping[str, str] | None = None

    def moved(self, x: int, y: int) -> Shape:
        """The same, moved by so many px."""
        return replace(self, box=self.box.moved(x, y), name=self.name and self.name.moved(x, y))


@dataclass(frozen=True)
class Edge:
    """A flow's corners, from its source to its target, and its name."""

    id: str
    points: tuple[tuple[int, int], ...]
    name: Box | None = None

    def moved(self, x: int, y: int) -> Edge:
        """The same, moved by so many px."""
        points = tuple((a + x, b + y) for a, b in self.points)
        return replace(self, points=points, name=self.name and self.name.moved(x, y))


@dataclass(frozen=True)
class Picture:
    """All there is to be drawn, in the order of drawing, within a width and height."""

    width: int
    height: int
    shapes: tuple[Shape, ...]
    edges: tuple[Edge, ...]
    bands: tuple[tuple[int, int], ...] = ()  # top and bottom of each band

    def moved(self, x: int, y: int) -> Iterator[Shape | Edge]:
        """Shapes and edges, moved by so many px."""
        yield from (shape.moved(x, y) for shape in self.shapes)
        yield from (edge.moved(x, y) for edge in self.edges)
