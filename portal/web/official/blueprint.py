"""The blueprint of officials' pages, and the frame they share."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from flask import Blueprint, g
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import inbox
from portal.edge.acting import moment
from portal.edge.standing import calendar_in_force, in_force
from portal.identity import Actor, Deputy, Forbidden, Permission, Subject, allows
from portal.inbox import Aside, Place, View, Wanted
from portal.inbox import saved as filters
from portal.inbox.copies import Body
from portal.inbox.models import SavedFilter
from portal.inbox.queries import COUNTED
from portal.procedures import Procedure, Published
from portal.procedures.manifest import Manifest, copied_to
from portal.web import dates, organisations
from portal.web.access import signed_in
from portal.web.languages import listed
from portal.web.official.narrowing import DONE, Narrowed
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


def is_only_administrator(actor: Actor) -> bool:
    """Whether an official looks after the portal and has nothing to do with cases."""
    return actor.administrator and not actor.roles and not actor.local


def frame(tx: Session, actor: Actor, on: str) -> dict[str, Any]:
    """Top bar and person; `on` is the path of the item that the page belongs to."""
    published = in_force(tx)
    at_cases = not is_only_local(actor) and not is_only_administrator(actor)
    items = [(_("待办"), "/inbox"), (_("案件"), "/cases")] if at_cases else []
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
        items += [(_("管理"), "/admin"), (_("放假安排"), "/calendar")]
    offices = Subject(offices=organisations.offices(tx))
    if allows(actor, Permission.REGISTRATION_DECIDE, offices):
        items.append((_("注册审核"), "/registrations"))
    if allows(actor, Permission.ORGANISATION_ADD, offices):
        items.append((_("单位"), "/organisations"))
    return {
        "nav": [{"text": text, "url": url, "on": url == on} for text, url in items],
        "person": {"name": actor.name, "role": role_titles(published, actor), "url": "/profile"},
        "search_url": "/cases" if at_cases else None,
        "keys": not is_only_local(actor),
        "messages_bar": messages_bar(tx, actor, _unread_known()),
    }


@dataclass(frozen=True)
class Beside:
    """What stands beside a page: the counts, the saved filters and those for whom this person stands in."""

    counted: Aside
    saved: tuple[SavedFilter, ...]
    principals: tuple[tuple[Deputy, ...], ...]


def beside(tx: Session, place: Place, shown: Wanted | None = None) -> Beside:
    """What stands beside a page of this request, read once; `shown` is the list on it, if it has one."""
    if "beside" not in g:
        published = of_place(tx, place)
        limits = inbox.bounds(moment(tx), calendar_in_force(tx))
        saved = tuple(filters.of_person(tx, place.person_id))
        principals = principals_of(signed_in())
        wanted = [Narrowed.parse(one.query, published).wanted(place, published, limits) for one in saved]
        lent = [Place.lent(deputies) for deputies in principals]
        counted = inbox.aside(tx, place, desks(published, place.roles), wanted, lent, shown)
        g.beside = Beside(counted, saved, principals)
    found: Beside = g.beside
    return found


def principals_of(actor: Actor) -> tuple[tuple[Deputy, ...], ...]:
    """Those for whom somebody stands in today, each with the roles that he lends."""
    found: dict[int, list[Deputy]] = {}
    for one in actor.deputy_for:
        found.setdefault(one.person_id, []).append(one)
    return tuple(map(tuple, found.values()))


def of_place(tx: Session, place: Place) -> list[Published]:
    """The releases in force of a place's regulations."""
    return [one for one in in_force(tx) if one.regulation.slug in place.regulations]


def side(
    tx: Session, place: Place, on: View | str | None = None, asked: Narrowed | None = None
) -> list[dict[str, Any]]:
    """The side navigation: every view with its count, saved filters, and those stood in for.

    `on` is a view or path; `asked` what the page shows, when it is a list of tasks.
    """
    around = beside(tx, place)
    numbers = asdict(around.counted.counts)
    here = asked.query if asked else None
    views: list[dict[str, Any]] = [
        {
            "text": view_title(view),
            "url": f"/inbox?view={view}",
            "on": view == on and here not in {one.query for one in around.saved},
            "count": count_text(numbers[view.value]),
        }
        for view in View
    ]
    views.append({"text": _("我办过的"), "url": f"/inbox?view={DONE}", "on": on == DONE})
    if desks(in_force(tx), place.roles):
        open_matters = count_text(around.counted.matters)
        views.append({"text": _("督办台"), "url": "/desk", "on": on == "/desk", "count": open_matters})
    if allows(signed_in(), Permission.REGISTRATION_DECIDE, Subject(offices=organisations.offices(tx))):
        waiting = count_text(around.counted.registrations)
        views.append({"text": _("注册审核"), "url": "/registrations", "on": on == "/registrations", "count": waiting})
    groups = [(None, views), (_("常用视图"), _saved(around, on, asked)), (_("代办"), _lent(around, asked))]
    return [{"title": title, "items": items} for title, items in groups if items]


def _saved(around: Beside, on: View | str | None, asked: Narrowed | None) -> list[dict[str, Any]]:
    here = asked.query if asked else None
    items: list[dict[str, Any]] = [
        {"text": one.name, "url": f"/inbox?{one.query}", "on": one.query == here, "count": count_text(count)}
        for one, count in zip(around.saved, around.counted.saved, strict=True)
    ]
    if asked and asked.may_be_saved and here not in {one.query for one in around.saved}:
        items.append({"text": _("＋ 保存当前筛选"), "url": f"/inbox/filters?{here}", "more": True})
    elif items or on == "/inbox/filters":
        items.append({"text": _("管理常用视图"), "url": "/inbox/filters", "more": True, "on": on == "/inbox/filters"})
    return items


def _lent(around: Beside, asked: Narrowed | None) -> list[dict[str, Any]]:
    return [
        {
            "text": deputy_text(deputies),
            "url": f"/inbox?for={deputies[0].person_id}",
            "on": asked is not None and asked.principal == deputies[0].person_id,
            "count": count_text(count),
        }
        for deputies, count in zip(around.principals, around.counted.lent, strict=True)
    ]


def deputy_text(deputies: Collection[Deputy]) -> str:
    """代 李强（至 11-27）: until the first day on which something that is lent ends."""
    first = next(iter(deputies))
    until = min(one.to_day for one in deputies)
    return _("代 %(name)s（至 %(day)s）", name=first.name, day=dates.short_day(until))


def _unread_known() -> int | None:
    """How many messages are unread, when the page has counted them already."""
    known: Beside | None = g.get("beside")
    return known.counted.unread if known else None


def role_titles(published: Iterable[Published], actor: Actor) -> str:
    """The titles of an official's roles and regions, the shortest way to say who he is here: 复核人员、局领导（代）."""
    published = list(published)
    held = [(one.regulation, role) for one in published for role in one.regulation.roles]
    mine = [(regulation, role) for regulation, role in held if actor.has(regulation.slug, role)]
    titles = [
        _("%(role)s（代）", role=regulation.role_title(role))
        if (regulation.slug, role) in actor.lent
        else regulation.role_title(role)
        for regulation, role in mine
    ]
    titles += [body.name for one in published for body in bodies([one], actor) if body.name]
    return listed(dict.fromkeys(titles))


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
