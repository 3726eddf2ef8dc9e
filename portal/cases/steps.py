"""What the engine asks of the portal while it steps through a case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal.cases import names
from portal.engine import Place

if TYPE_CHECKING:
    from portal.cases.act import Act
    from portal.cases.family import Family
    from portal.cases.live import LiveCase


class Steps:
    """The engine's environment in one case: conditions over its values, actions in the present act."""

    def __init__(self, family: Family, case: LiveCase) -> None:
        self._family, self._case = family, case

    @property
    def _act(self) -> Act:
        if self._family.act is None:
            raise RuntimeError("the engine stepped outside an act")
        return self._family.act

    def condition(self, expression: str, place: Place) -> bool:
        """Whether a flow's condition holds at a place."""
        return names.evaluate(self._case, expression, place.scope) is True

    def perform(self, place: Place) -> None:
        """Carries out the action of a service task."""
        self._act.perform(self._case, place)

    def entered(self, place: Place, kind: str) -> None:
        """An element became active: deadlines may start from it."""
        if kind == "userTask":
            self._case.visited(place.scope, place.element, place.visit)
        self._act.happened(self._case, f"entered({place.element})")

    def left(self, place: Place, end: str | None) -> None:
        """An element was completed; of a call or subprocess the end event's name is its outcome."""
        self._act.happened(self._case, f"done({place.element})")
        if end is not None:
            self._act.outcome_of(self._case, place, end)

    def took(self, flow: str, scope: str) -> None:
        """A flow was walked."""
        drawing = self._case.procedure.drawing_at(scope).name
        self._family.kernel.walked(self._case.row.procedure, drawing, flow)
