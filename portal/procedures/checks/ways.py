"""The ways through a procedure's diagrams: what can come after an element, and what can cut it off."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from portal.procedures.drawing import Drawing, Element
from portal.procedures.procedure import Procedure

Calls = tuple[tuple[Drawing, Element], ...]
"""The call activities around a place, the innermost first, each with the diagram that it is drawn in."""


@dataclass(frozen=True)
class Place:
    """An element of a diagram, and through which calls a case has come there."""

    drawn: Drawing
    element: Element
    calls: Calls

    @property
    def key(self) -> tuple[str, ...]:
        """What tells it from other places."""
        return (self.drawn.name, self.element.id, *(call.id for _home, call in self.calls))


def reached(
    drawn: Drawing,
    first: Element,
    walls: Collection[str] = (),
    *,
    whole_case: bool = False,
    closed: Collection[str] = (),
) -> list[Element]:
    """The elements of a diagram that can be reached from one, walls among them but nothing behind them.

    `whole_case`: what ends the diagram ends the case, so that what cuts off all of it leads to nothing else.
    `closed`: flows by which nothing goes.
    """
    seen: dict[str, Element] = {}
    waiting = list(_next(drawn, first, closed))
    while waiting:
        element = waiting.pop()
        if element.id in seen or element.id == first.id:
            continue
        seen[element.id] = element
        if element.id not in walls:
            waiting += _next(drawn, element, closed)
            waiting += cutting(drawn, element, whole_case=whole_case)
    return list(seen.values())


def _next(drawn: Drawing, element: Element, closed: Collection[str]) -> Iterator[Element]:
    yield from (other for other in drawn.elements.values() if other.attached_to == element.id)
    yield from _start_of(drawn, element.id) if element.kind == "subProcess" else _onward(drawn, element, closed)


def _start_of(drawn: Drawing, level: str | None) -> list[Element]:
    return [element for element in drawn.of_kind("startEvent") if element.parent == level]


def _onward(drawn: Drawing, element: Element, closed: Collection[str] = ()) -> list[Element]:
    """What the flows of an element lead to; those of the subprocess that an end event ends."""
    source: Element | None = element
    if element.kind == "endEvent" and element.parent is not None:
        source = drawn.elements[element.parent]
        source = drawn.elements.get(source.parent or "") if source.event_subprocess else source
    flows = [flow for flow in drawn.out(source.id) if flow.id not in closed] if source is not None else []
    return [drawn.elements[flow.target] for flow in flows if flow.target in drawn.elements]


def cutting(drawn: Drawing, element: Element, *, whole_case: bool) -> list[Element]:
    """The events that can come while a case is at an element, and end it or a level around it to go on elsewhere."""
    if not (element.waits or element.kind == "callActivity"):
        return []
    levels: list[str | None] = [element.id]
    while (key := levels[-1]) is not None and key in drawn.elements:
        levels.append(drawn.elements[key].parent)
    ending = levels[:-1] if whole_case else levels
    return [event for event in drawn.elements.values() if _ends_one(drawn, event, levels, ending)]


def _ends_one(drawn: Drawing, event: Element, levels: list[str | None], ending: list[str | None]) -> bool:
    if not event.interrupting:
        return False
    if event.kind == "boundaryEvent":
        return event.attached_to in ending
    handler = drawn.elements.get(event.parent or "") if event.kind == "startEvent" else None
    return handler is not None and handler.event_subprocess and handler.id not in levels and handler.parent in ending


def ends_diagram(drawn: Drawing, end: Element) -> bool:
    """Whether an end event ends its diagram, and not only a subprocess of it."""
    around = drawn.elements.get(end.parent or "")
    return around is None or (around.event_subprocess and around.parent is None)


def callers(procedure: Procedure, drawn: Drawing) -> Iterator[Calls]:
    """Every chain of calls through which a case comes into a diagram, from the procedure's own diagram down."""
    chains: list[Calls] = [()]
    while chains:
        chain = chains.pop()
        inner = chain[-1][0] if chain else drawn
        if inner is procedure.drawing:
            yield chain
            continue
        above = {home.name for home, _call in chain}
        calls = [one for one in procedure.elements() if procedure.calls.get((one[0].name, one[1].id)) == inner.name]
        chains += [(*chain, (home, call)) for home, call in calls if home.name not in above]


def before_waiting(procedure: Procedure, event: Place, walls: Collection[Element]) -> Iterator[Place]:
    """Where a case can come to behind an event in one step: where it waits, and walls; nothing behind those."""
    seen: set[tuple[str, ...]] = {event.key}
    waiting = _behind(procedure, event)
    while waiting:
        place = waiting.pop()
        if place.key in seen:
            continue
        seen.add(place.key)
        if place.element.waits or place.element in walls:
            yield place
        else:
            waiting += _behind(procedure, place)


def _behind(procedure: Procedure, place: Place) -> list[Place]:
    """The places right behind one, into what it calls and out of what it ends."""
    drawn, element, calls = place.drawn, place.element, place.calls
    called = procedure.drawings.get(procedure.calls.get((drawn.name, element.id), ""))
    if called is not None and called.name not in (drawn.name, *(home.name for home, _call in calls)):
        return [Place(called, start, ((drawn, element), *calls)) for start in _start_of(called, None)]
    if element.kind == "subProcess":
        return [Place(drawn, start, calls) for start in _start_of(drawn, element.id)]
    if element.kind != "endEvent" or _onward(drawn, element):
        return [Place(drawn, other, calls) for other in _onward(drawn, element)]
    if not ends_diagram(drawn, element) or not calls:
        return []
    home, call = calls[0]
    return [Place(home, other, calls[1:]) for other in _onward(home, call)]
