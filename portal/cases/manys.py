"""What is done by many in a case: how often it was entered, and what each of its instances is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.cases import kept
from portal.cases.models import CaseItem
from portal.engine import Place


class Manys:
    """The instances of all multi-instance elements of one case."""

    def __init__(self, tx: Session, case_id: int) -> None:
        self._tx, self._case_id = tx, case_id
        self._about: dict[Place, object] = {}
        self._visits: dict[tuple[str, str], int] = {}
        rows = select(CaseItem).where(CaseItem.case_id == case_id).order_by(CaseItem.visit, CaseItem.item)
        for row in tx.scalars(rows):
            self._note(Place(row.scope, row.element, row.visit, row.item), kept.read(row.value))

    def enter(self, whole: Place, abouts: Sequence[object], act_id: int) -> None:
        """Keeps what each instance is about, when an element is entered as a whole (`whole.item` is 0)."""
        # The whole has a row too: one that was entered for nobody the second time hides its first visit.
        for item, about in enumerate([None, *abouts]):
            place = replace(whole, item=item)
            self._tx.add(CaseItem(case_id=self._case_id, act_id=act_id, value=kept.keep(about), **asdict(place)))
            self._note(place, about)

    def about(self, place: Place) -> object:
        """What one instance is about; null for what is no instance."""
        return self._about.get(place)

    def latest(self, scope: str, element: str) -> list[Place]:
        """The instances of the latest visit of an element, in their order."""
        whole = Place(scope, element, self._visits.get((scope, element), 0))
        return sorted(place for place in self._about if place.item and replace(place, item=0) == whole)

    def _note(self, place: Place, about: object) -> None:
        self._about[place] = about
        self._visits[place.scope, place.element] = place.visit
