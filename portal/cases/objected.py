"""What expressions ask of a publicity: the objections that came during it, and what has become of them."""

from __future__ import annotations

from sqlalchemy import func, select

from portal.cases.live import LiveCase
from portal.cases.models import Case, Publication


class Objections:
    """The function `objections` of one evaluation: those to what a case shows, or showed last, under a name."""

    def __init__(self, case: LiveCase) -> None:
        self._case = case

    def __call__(self, name: object) -> list[str | None]:
        """The outcome of each, in the order in which they were filed; None of one that is still looked into."""
        rule = self._case.procedure.manifest.publicity.get(name) if isinstance(name, str) else None
        if rule is None:
            return []
        shown = (Publication.case_id == self._case.id, Publication.name == rule.name)
        opened = select(func.max(Publication.opened_at)).where(*shown).scalar_subquery()
        about = (Case.about_id == self._case.id, Case.procedure == rule.objections)
        found = select(Case.outcome).where(*about, Case.filed_at >= opened).order_by(Case.filed_at, Case.id)
        return list(self._case.tx.scalars(found))
