"""The text of law that a case is bound to, and whether a person may file on a day."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from portal.cases.errors import IntakeClosed, NotInForce, NotYetInForce
from portal.cases.live import LiveCase
from portal.cases.models import Case
from portal.clock import day_of
from portal.errors import Words
from portal.procedures import Procedure, Published, validity
from portal.procedures.articles import article_text
from portal.procedures.regulation import Regulation
from portal.procedures.validity import Instrument, Validity, in_words


def bound_to(row: Case, regulation: Regulation) -> Instrument:
    """The text a case was accepted under; of one that began before that was kept, its release's own."""
    return validity.instrument_written(row.instrument) if row.instrument is not None else validity.own(regulation)


def of_new(tx: Session, published: Published, moment: datetime, before: LiveCase | None) -> Instrument | None:
    """The text a case that begins now is bound to: that of the case it answers or that started it (`before`), else the
    one in force. None when none is: such a case is started by nobody but whoever may after the last day."""
    if before is not None:
        return bound_to(before.row, before.published.regulation)
    return validity.in_force(tx, published.regulation, day_of(moment))


class Intake:
    """Whether persons may file at a moment; of each regulation the renewals are read once, if it can lapse at all."""

    def __init__(self, tx: Session, moment: datetime) -> None:
        self._tx, self._moment = tx, moment
        self._known: dict[str, Validity] = {}

    def obstacle(self, published: Published, procedure: Procedure, about: LiveCase | None) -> NotInForce | None:
        """Why a procedure may not be filed; None when the text is in force, or the filing does not need that.

        What answers a case that is still open, or whose period for it still runs, is a part of that case and goes on.
        """
        regulation = published.regulation
        if about is not None and not about.ended:
            return None
        stands = self._stands(regulation)
        if stands.governs is not None or (about is not None and _period_runs(procedure, about, self._moment)):
            return None
        named = {"title": regulation.title, "number": regulation.number, "procedure": procedure.manifest.title}
        if stands.last is None:
            return NotYetInForce(day=in_words(stands.begins), **named)
        if procedure.slug in regulation.after_last_day:
            return None
        return IntakeClosed(
            last_day=in_words(stands.last.last_day), article=_fixed_by(regulation, stands.last), **named
        )

    def check(self, published: Published, procedure: Procedure, about: LiveCase | None) -> None:
        """Raises NotYetInForce or IntakeClosed when a procedure may not be filed."""
        closed = self.obstacle(published, procedure, about)
        if closed is not None:
            raise closed

    def _stands(self, regulation: Regulation) -> Validity:
        if regulation.slug not in self._known:
            self._known |= validity.standings(self._tx, [regulation], day_of(self._moment))
        return self._known[regulation.slug]


def _period_runs(procedure: Procedure, about: LiveCase, moment: datetime) -> bool:
    rule = procedure.manifest.about
    until = about.deadlines.get(rule.until) if rule is not None and rule.until else None
    return until is not None and (until.state == "paused" or (until.state == "running" and moment < until.due))


def _fixed_by(regulation: Regulation, last: Instrument) -> Words:
    """What says how long the text was in force, in brackets: the renewal that lapsed, else the text's own article."""
    if last.renewal is not None:
        return Words(f"（续期文件 {last.number}）", f" (renewal {last.number})")
    article = regulation.validity
    return Words(f"（{article_text(article)}）", f" (article {article})") if article else Words("", "")
