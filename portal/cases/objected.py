"""To which publicity an objection belongs: the one that was open when it was filed, whatever was shown later.

When a case was filed and when a publication was opened and closed never change, and the history vouches for both.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.orm import Session

from portal.cases.live import LiveCase
from portal.cases.models import Case, Publication


def filed_during(shown: Publication) -> ColumnElement[bool]:
    """Those of the cases about what is shown that were filed while it was."""
    since = and_(Case.about_id == shown.case_id, Case.filed_at >= shown.opened_at)
    return since if shown.closed_at is None else and_(since, Case.filed_at <= shown.closed_at)


def of_period(tx: Session, deadline_id: int) -> Publication | None:
    """The publication of which a deadline is the period."""
    return tx.scalar(select(Publication).where(Publication.deadline_id == deadline_id))


def objected_to(case: LiveCase) -> Publication | None:
    """The publication during which a case was filed; None of one that is not filed during a publicity."""
    rule = case.procedure.manifest.about
    if rule is None or rule.during is None or case.row.about_id is None:
        return None
    then = and_(
        Publication.opened_at <= case.row.filed_at,
        or_(Publication.closed_at.is_(None), Publication.closed_at >= case.row.filed_at),
    )
    return next(iter(_shown(case.tx, case.row.about_id, rule.during, then)), None)


class Objections:
    """The function `objections` of one evaluation: those to what a case shows, or showed last, under a name."""

    def __init__(self, case: LiveCase) -> None:
        self._case = case

    def __call__(self, name: object) -> list[str | None]:
        """The outcome of each, in the order in which they were filed; None of one that is still looked into."""
        return self._outcomes(name, slice(0, 1))

    def earlier(self, name: object) -> list[str | None]:
        """The function `earlier_objections`: the same of those to what was shown under that name before."""
        return self._outcomes(name, slice(1, None))

    def _outcomes(self, name: object, which: slice) -> list[str | None]:
        rule = self._case.procedure.manifest.publicity.get(name) if isinstance(name, str) else None
        if rule is None:
            return []
        during = [filed_during(shown) for shown in _shown(self._case.tx, self._case.id, rule.name)[which]]
        found = select(Case.outcome).where(or_(false(), *during), Case.procedure == rule.objections)
        return list(self._case.tx.scalars(found.order_by(Case.filed_at, Case.id)))


def _shown(tx: Session, case_id: int, name: str, *narrower: ColumnElement[bool]) -> list[Publication]:
    """What a case has shown under a name, the newest first."""
    mine = select(Publication).where(Publication.case_id == case_id, Publication.name == name, *narrower)
    return list(tx.scalars(mine.order_by(Publication.id.desc())))
