"""The blueprint of officials' pages, and the frame they share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from flask import Blueprint
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import inbox
from portal.identity import Actor, Forbidden
from portal.inbox import Counts, Place, View
from portal.inbox.queries import COUNTED
from portal.procedures import Published
from portal.web.machine import machine

blueprint = Blueprint("official", __name__)


def place_of(actor: Actor) -> Place:
    """The lists of an official; Forbidden for whoever belongs to an organisation."""
    if actor.organisation_id is not None:
        raise Forbidden(permission="official")
    return Place.of(actor)


def count_text(count: int) -> str:
    """99+ for what was counted no further."""
    return f"{COUNTED - 1}+" if count >= COUNTED else str(count)


def view_title(view: View) -> str:
    """How a list is called."""
    return {View.MINE: _("我的待办"), View.ROLE: _("本岗位待领"), View.ALL: _("全部在办")}[view]


def frame(tx: Session, actor: Actor, on: str) -> dict[str, Any]:
    """Top bar and person; `on` is the path of the item that the page belongs to."""
    published = machine().kernel.releases.in_force(tx)
    items = [(_("待办"), "/inbox"), (_("案件"), "/cases")]
    if any(starts(one, actor) for one in published):
        items.append((_("发起事项"), "/start"))
    if any(receipts(one, actor) for one in published):
        items.append((_("送达登记"), "/receipts"))
    return {
        "nav": [{"text": text, "url": url, "on": url == on} for text, url in items],
        "person": {"name": actor.name, "role": role_titles(published, actor), "url": "/inbox"},
        "search_url": "/cases",
    }


def side(tx: Session, place: Place, on: View | None = None) -> list[dict[str, Any]]:
    """The side navigation: every view with its count."""
    counts: Counts = inbox.counts(tx, place)
    numbers = asdict(counts)
    views = [
        {
            "text": view_title(view),
            "url": f"/inbox?view={view}",
            "on": view == on,
            "count": count_text(numbers[view.value]),
        }
        for view in View
    ]
    return [{"title": None, "items": views}]


def role_titles(published: Iterable[Published], actor: Actor) -> str:
    """The titles of an official's roles, the shortest way to say who he is here."""
    regulations = [one.regulation for one in published]
    titles = [one.role_title(role) for one in regulations for role in one.roles if actor.has(one.slug, role)]
    return "、".join(dict.fromkeys(titles))


def starts(published: Published, actor: Actor) -> list[str]:
    """The procedures of a release that an official may start."""
    slug = published.regulation.slug
    return [
        procedure.slug
        for procedure in published.procedures.values()
        if any(rule.role and actor.has(slug, procedure.manifest.role(rule.role)) for rule in procedure.manifest.starts)
    ]


def receipts(published: Published, actor: Actor) -> list[tuple[str, str, str]]:
    """The letters of a release whose receipts an official enters: regulation, procedure, name."""
    slug = published.regulation.slug
    return [
        (slug, procedure.slug, name)
        for procedure in published.procedures.values()
        for name, role in procedure.manifest.receipts.items()
        if actor.has(slug, procedure.manifest.role(role))
    ]
