"""The blueprint of officials' pages, and the frame they share."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict
from typing import Any

from flask import Blueprint
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import inbox
from portal.identity import Actor, Forbidden, Permission, Subject, allows
from portal.inbox import Counts, Place, View
from portal.inbox.copies import Body
from portal.inbox.queries import COUNTED
from portal.procedures import Procedure, Published
from portal.procedures.manifest import Manifest, copied_to
from portal.web import organisations
from portal.web.machine import machine
from portal.web.unread import messages_bar

blueprint = Blueprint("official", __name__)


def place_of(actor: Actor) -> Place:
    """The lists of an official; Forbidden for applicants, of an organisation or of none."""
    if not actor.official:
        raise Forbidden(permission="official")
    return Place.of(actor)


def count_text(count: int) -> str:
    """99+ for what was counted no further."""
    return f"{COUNTED - 1}+" if count >= COUNTED else str(count)


def view_title(view: View) -> str:
    """How a list is called."""
    return {View.MINE: _("我的待办"), View.ROLE: _("本岗位待领"), View.ALL: _("全部在办")}[view]


def is_only_local(actor: Actor) -> bool:
    """Whether an official has nothing but the copies of a region's body."""
    return bool(actor.local) and not actor.roles


def frame(tx: Session, actor: Actor, on: str) -> dict[str, Any]:
    """Top bar and person; `on` is the path of the item that the page belongs to."""
    published = machine().kernel.releases.in_force(tx)
    items = [] if is_only_local(actor) else [(_("待办"), "/inbox"), (_("案件"), "/cases")]
    if any(starts(one, actor) for one in published):
        items.append((_("发起事项"), "/start"))
    if any(receipts(one, actor) for one in published):
        items.append((_("送达登记"), "/receipts"))
    mine = {regulation for regulation, _role in actor.roles}
    if any(one.regulation.registers for one in published if one.regulation.slug in mine):
        items.append((_("名册"), "/registers"))
    if desks(published, actor.roles):
        items.append((_("督办台"), "/desk"))
    if bodies(published, actor):
        items.append((_("抄送件"), "/copies"))
    if actor.administrator:
        items.append((_("放假安排"), "/calendar"))
    offices = Subject(offices=organisations.offices(tx))
    if allows(actor, Permission.REGISTRATION_DECIDE, offices):
        items.append((_("注册审核"), "/registrations"))
    if allows(actor, Permission.ORGANISATION_ADD, offices):
        items.append((_("单位"), "/organisations"))
    return {
        "nav": [{"text": text, "url": url, "on": url == on} for text, url in items],
        "person": {"name": actor.name, "role": role_titles(published, actor), "url": "/inbox"},
        "search_url": None if is_only_local(actor) else "/cases",
        "messages_bar": messages_bar(tx, actor),
    }


def side(tx: Session, place: Place, on: View | str | None = None) -> list[dict[str, Any]]:
    """The side navigation: every view with its count, and the desk of those who have one; `on` is a view or path."""
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
    held = desks(machine().kernel.releases.in_force(tx), place.roles)
    if held:
        open_matters = count_text(inbox.count_matters(tx, held))
        views.append({"text": _("督办台"), "url": "/desk", "on": on == "/desk", "count": open_matters})
    return [{"title": None, "items": views}]


def role_titles(published: Iterable[Published], actor: Actor) -> str:
    """The titles of an official's roles and regions, the shortest way to say who he is here."""
    published = list(published)
    regulations = [one.regulation for one in published]
    titles = [one.role_title(role) for one in regulations for role in one.roles if actor.has(one.slug, role)]
    titles += [body.name for one in published for body in bodies([one], actor) if body.name]
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


def desks(published: Iterable[Published], held: Collection[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those of some (regulation, role) onto whose desk anything can come."""
    roles = {
        (one.regulation.slug, procedure.manifest.role(role))
        for one in published
        for procedure in one.procedures.values()
        for role in _desks(procedure.manifest)
    }
    return sorted(roles & set(held))


def _desks(manifest: Manifest) -> Iterator[str]:
    yield from manifest.desks.values()
    for rule in manifest.deadlines.values():
        yield from (warning.raises for warning in rule.warn if warning.raises)


def bodies(published: Iterable[Published], actor: Actor) -> list[Body]:
    """The bodies to which letters are copied and whose people an official is one of."""
    found: dict[Body, None] = {}
    for one in published:
        regulation = one.regulation
        copied = {copied_to(written)[0] for procedure in one.procedures.values() for written in _copies(procedure)}
        for role in regulation.roles.values():
            if role.body not in copied or role.body is None:
                continue
            if role.body not in regulation.regional and actor.has(regulation.slug, role.name):
                found[Body(regulation.slug, role.body)] = None
            for slug, name, region in sorted(actor.local):
                if (slug, name) == (regulation.slug, role.name) and role.body in regulation.regional:
                    found[Body(slug, role.body, regulation.body_of(role.body, region))] = None
    return list(found)


def _copies(procedure: Procedure) -> Iterator[str]:
    return (written for document in procedure.manifest.documents.values() for written in document.copy)
