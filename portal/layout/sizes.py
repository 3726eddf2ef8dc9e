"""How much room each shape and its name take, in px."""

from __future__ import annotations

from dataclasses import dataclass

from portal.layout.graph import Graph, Node
from portal.layout.picture import Picture
from portal.layout.wrapping import INSIDE, NAME_WIDTH, Text, wrapped

EVENT, GATEWAY = 36, 50
TASK_WIDTH, TASK_HEIGHT = 112, 72
TASK_LINES, ONE_LINE_WIDTH = 4, 136
SIGN = 26  # px that the sign of a task's kind, or of a call, takes from its upper or lower border
PADDING = 7  # bpmn-js keeps it free around a name inside its shape
BOUNDARY_STEPS = (60, 120)  # from one boundary event to the next; the wide one where names stand between them
INNER_TITLE, INNER_MARGIN = 24, 10
NAME_GAP = 4  # between a shape and its name


@dataclass(frozen=True)
class Size:
    """A shape's width and height, both even, so that its middle is a whole px."""

    width: int
    height: int


def name_of(node: Node) -> Text:
    """The name that stands outside an event, a gateway or a data object; empty for all else."""
    outside = node.is_event or node.is_gateway or node.kind.startswith("data")
    return wrapped(node.name if outside else "", NAME_WIDTH)


def boundary_offsets(graph: Graph, host: str) -> tuple[int, ...]:
    """How far each boundary event of a task stands to the right of the task's middle; clear of the sign of many."""
    events = graph.boundary.get(host, ())
    widest = max((name_of(event).width for event in events), default=0)
    step = BOUNDARY_STEPS[0] if widest <= BOUNDARY_STEPS[0] - EVENT // 2 else BOUNDARY_STEPS[1]
    aside = step // 2 if len(events) % 2 and graph.nodes[host].many else 0
    return tuple(step * number - step * (len(events) - 1) // 2 + aside for number in range(len(events)))


def size_of(node: Node, graph: Graph, held: Picture | None) -> Size:
    """The size of a shape; `held` is what a subprocess holds."""
    if node.is_event:
        return Size(EVENT, EVENT)
    if node.is_gateway:
        return Size(GATEWAY, GATEWAY)
    if node.kind.startswith("data"):
        return Size(36, 50) if node.kind == "dataObjectReference" else Size(50, 50)
    offsets = boundary_offsets(graph, node.id)
    border = 2 * max(-offsets[0], offsets[-1]) + EVENT + 24 if offsets else 0
    if held is not None:
        title = wrapped(node.name, 400, INSIDE)
        width = max(held.width + 2 * INNER_MARGIN, title.width + 40, border, TASK_WIDTH)
        below = EVENT // 2 + NAME_GAP if offsets else 0
        below = max(below, SIGN - INNER_MARGIN) if node.many else below
        return _even(width, held.height + INNER_TITLE + INNER_MARGIN + below)
    if node.kind == "textAnnotation":
        return _note(node.name)
    return _task(node.name, border)


def _even(width: int, height: int) -> Size:
    return Size(width + width % 2, height + height % 2)


def _task(name: str, least: int) -> Size:
    """In one line where a somewhat wider box allows it, else in up to four, clear of the sign in the corner."""
    for width in range(max(TASK_WIDTH, least), ONE_LINE_WIDTH + 1, INSIDE):
        if len(wrapped(name, width - 2 * PADDING, INSIDE).lines) <= 1:
            return _even(width, TASK_HEIGHT)
    width = max(TASK_WIDTH, least)
    while len((text := wrapped(name, width - 2 * PADDING, INSIDE)).lines) > TASK_LINES:
        width += 2 * INSIDE
    return _even(width, max(TASK_HEIGHT, text.height + 2 * SIGN))


def _note(text: str) -> Size:
    width = TASK_WIDTH
    while len((lines := wrapped(text, width - 2 * PADDING, INSIDE)).lines) > TASK_LINES and width < 3 * TASK_WIDTH:
        width += 2 * INSIDE
    return _even(width, max(40, lines.height + 2 * PADDING))
