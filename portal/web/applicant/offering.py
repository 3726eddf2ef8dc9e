"""What can be filed, as an applicant reads it: about what, until when, by which article."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.cases.filing import Offer
from portal.cases.live import LiveCase, served_at
from portal.deadlines.models import Deadline
from portal.edge.standing import calendar_in_force
from portal.procedures.articles import citation
from portal.web.applicant import clocks
from portal.web.applicant.clocks import DeadlineView
from portal.web.languages import said

IN_TIME, LATE, OPEN, NONE, CLOSED = "in time", "late", "open", "none", "closed"


@dataclass(frozen=True)
class OfferView:
    """One thing to file; `state` says how its period stands: in time, late, open (not begun) or none;
    closed: it cannot be filed now, and `closed` says why.

    `does` is what one presses to begin it where the case that it is about stands beside it.
    """

    title: str
    does: str
    about: str
    about_id: int | None
    letter: str
    basis: str
    until: DeadlineView | None
    state: str
    url: str
    closed: str = ""


def view(tx: Session, offer: Offer, moment: datetime) -> OfferView:
    """An offer with its period."""
    regulation, about = offer.published.regulation, offer.about
    until = None
    if offer.until is not None:
        until = clocks.view(offer.until, moment, calendar_in_force(tx), regulation)
    return OfferView(
        title=offer.procedure.manifest.title,
        does=offer.procedure.drawing.start().name or offer.procedure.manifest.title,
        about=about.row.title if about else "",
        about_id=about.id if about else None,
        letter=letter_named(about) if about else "",
        basis=citation(regulation, offer.procedure.article(offer.procedure.drawing.start())) or "",
        until=until,
        state=period_state(offer, moment),
        url=url_for(
            "applicant.file",
            regulation=regulation.slug,
            procedure=offer.procedure.slug,
            about=about.id if about else None,
        ),
        closed=said(offer.closed) if offer.closed is not None else "",
    )


def period_state(offer: Offer, moment: datetime) -> str:
    """How the period for filing stands at a moment."""
    if offer.closed is not None:
        return CLOSED
    rule = offer.procedure.manifest.about
    if offer.about is None or rule is None or rule.until is None:
        return NONE
    if offer.until is None:
        return OPEN
    return IN_TIME if _runs(offer.until, offer.about, moment) else LATE


def _runs(until: Deadline, about: LiveCase, moment: datetime) -> bool:
    return (until.state == "paused" or moment < until.due) and not (about.ended and until.state == "dropped")


def letter_named(case: LiveCase) -> str:
    """《碳排放配额分配通知书》渝环配〔2026〕1号: the first letter of a case that its party knows."""
    known = [letter for letter in case.letters.values() if served_at(letter) is not None]
    return _("《%(title)s》%(number)s", title=known[0].title, number=known[0].number) if known else ""
