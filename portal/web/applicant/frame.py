"""What the pages of applicants share: the top bar, whose organisation it is, and what is not theirs to see."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import identity
from portal.cases.errors import UnknownCase
from portal.cases.live import Cases, LiveCase
from portal.edge.machine import machine
from portal.identity import Actor, Forbidden, Subject
from portal.identity.entry import PERSON
from portal.inbox import party
from portal.web.access import permit
from portal.web.unread import messages_bar

blueprint = Blueprint("applicant", __name__)


def admit(subject: Subject | None = None) -> Actor:
    """Who acts; what is not his to see answers as if it did not exist (UnknownCase)."""
    try:
        return permit(subject)
    except Forbidden as error:
        raise UnknownCase() from error


def own(actor: Actor) -> Subject:
    """What belongs to the person's own organisation; UnknownCase for people of none."""
    return Subject(party_id=organisation_of(actor))


def organisation_of(actor: Actor) -> int:
    """The person's organisation; an official has none, and these pages are not his (UnknownCase)."""
    if actor.organisation_id is None:
        raise UnknownCase()
    return actor.organisation_id


def case_of(tx: Session, case_id: int) -> LiveCase:
    """A case opened for reading; the caller asks `admit` for it with `about_case`."""
    return Cases(tx, machine().kernel.releases).get(case_id)


def has_agreed(tx: Session, actor: Actor) -> bool:
    """Whether the person's organisation agreed to be served by reading in the portal."""
    company = identity.organisation(tx, organisation_of(actor))
    return company is not None and company.electronic_service


def frame(tx: Session, actor: Actor, on: str = "") -> dict[str, Any]:
    """The variables of the top bar; `on` is the endpoint of the entry that is open."""
    company = identity.organisation(tx, actor.organisation_id) if actor.organisation_id else None
    waiting = party.unsigned(tx, actor.organisation_id) if actor.organisation_id else []
    natural = PERSON in actor.kinds
    entries = (
        ("home", _("首页")),
        *([("my_tasks", _("我的任务"))] if natural else []),
        ("my_cases", _("我的办件")),
        ("my_account", _("账户")),
        ("organisation", _("我的登记") if natural else _("本单位")),
    )
    return {
        "home_url": url_for("applicant.home"),
        "nav": [
            {"text": text, "url": url_for(f"applicant.{endpoint}"), "on": endpoint == on} for endpoint, text in entries
        ],
        "letters_bar": {"url": url_for("applicant.my_letters"), "count": len(waiting)},
        "messages_bar": messages_bar(tx, actor),
        "person": {
            "name": actor.name,
            "role": (_("个人") if natural else company.name) if company else "",
            "url": "/profile",
        },
    }
