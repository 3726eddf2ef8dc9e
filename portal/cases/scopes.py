"""How the scopes of a case are written: `review:1/seat:1.3`, each step an element with its visit, perhaps its item."""

from __future__ import annotations

from collections.abc import Iterator

from portal.engine import Place


def within(place: Place) -> str:
    """The scope of what stands inside one visit of an element, or inside one instance of many."""
    step = f"{place.element}:{place.visit}" + (f".{place.item}" if place.item else "")
    return f"{place.scope}/{step}" if place.scope else step


def seen_from(place: Place) -> str:
    """The scope from which an element's own expressions see the case: an instance of many sees what it is about."""
    return within(place) if place.item else place.scope


def opened_by(scope: str) -> Place:
    """The element, visit and item whose inside a scope is; the scope must not be the outermost."""
    outer, _slash, step = scope.rpartition("/")
    element, _colon, counted = step.partition(":")
    visit, _dot, item = counted.partition(".")
    return Place(outer, element, int(visit), int(item or 0))


def outward(scope: str) -> Iterator[str]:
    """A scope and those around it, the outermost (empty) last."""
    while scope:
        yield scope
        scope = scope.rpartition("/")[0]
    yield ""
