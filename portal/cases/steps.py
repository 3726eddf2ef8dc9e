"""What the engine asks of the portal while it steps through a case."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from portal.cases import names
from portal.cases.errors import NoWay
from portal.cases.live import LiveCase
from portal.engine import Place

Walked = Callable[[str, str, str], None]


class Acting(Protocol):
    """The part of an act that a step needs."""

    def enter_many(self, case: LiveCase, place: Place) -> int:
        """Keeps what each instance of a multi-instance element is about; how many there are."""

    def perform(self, case: LiveCase, place: Place) -> None:
        """Carries out the action of a service task, or asks the tables of a business rule task."""

    def happened(self, case: LiveCase, event: str, at: datetime | None = None, scope: str = "") -> None:
        """An event in a scope that deadlines may start from or be met by."""

    def outcome_of(self, case: LiveCase, place: Place, end: str) -> None:
        """Keeps which end event a call or subprocess reached."""


class Steps:
    """The engine's environment in one case: conditions over its values, actions in the act under way."""

    def __init__(self, case: LiveCase, act: Callable[[], Acting], walked: Walked) -> None:
        self._case, self._act, self._walked = case, act, walked

    def condition(self, expression: str, place: Place) -> bool:
        """Whether a flow's condition holds at a place."""
        return names.evaluate(self._case, expression, place.scope) is True

    def no_way(self, place: Place) -> None:
        """Names the question of the drawing to which there is no answer, or what was done before it."""
        drawn = self._case.procedure.drawing_at(place.scope)
        before = (drawn.elements[flow.source].name for flow in drawn.into(place.element))
        name = drawn.elements[place.element].name or "、".join(filter(None, before))
        raise NoWay(question=name or place.element)

    def items(self, place: Place) -> int:
        """How many instances of a multi-instance element there are: one for each entry of its list."""
        return self._act().enter_many(self._case, place)

    def perform(self, place: Place) -> None:
        """Carries out the action of a service task, or asks the tables of a business rule task."""
        self._act().perform(self._case, place)

    def entered(self, place: Place, kind: str) -> None:
        """An element became active: deadlines may start from it. Of many only the whole is an event of the case."""
        if place.item:
            return
        if kind == "userTask":
            self._case.visited(place.scope, place.element, place.visit)
        self._act().happened(self._case, f"entered({place.element})", scope=place.scope)

    def left(self, place: Place, end: str | None) -> None:
        """An element was completed; of a call or subprocess the end event's name is its outcome."""
        if not place.item:
            self._act().happened(self._case, f"done({place.element})", scope=place.scope)
        if end is not None:
            self._act().outcome_of(self._case, place, end)

    def took(self, flow: str, scope: str) -> None:
        """A flow was walked."""
        drawing = self._case.procedure.drawing_at(scope).name
        self._walked(self._case.row.procedure, drawing, flow)
