"""System accounts and their tokens; and the tokens of people, which an administrator may revoke."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import clock
from portal.clock import day_of
from portal.edge.acting import act, asked, moment, reading
from portal.edge.statuses import status_of
from portal.errors import PortalError
from portal.identity import Actor, Permission, Person, Subject, accounts, changes, granting, systems, tokens
from portal.identity import queries as identity
from portal.identity.models import Token
from portal.identity.rules import LoginTaken
from portal.web.access import needs, permit
from portal.web.admin.blueprint import blueprint, frame
from portal.web.admin.words import happened, page_of, role_text, trail
from portal.web.languages import listed, said
from portal.web.pages import render
from portal.web.tokens import Typed, asking, view, views

SYSTEMS = "/admin/systems"
_SIZE = 50

Faults = Mapping[str, PortalError]


@dataclass(frozen=True)
class SystemRow:
    """A system account as the list shows it, with how many of its tokens count."""

    person: Person
    organisation: str
    live: int


@blueprint.get("/systems")
@needs(Permission.PERSON_MANAGE)
def systems_page() -> ResponseReturnValue:
    """The system accounts, last added first."""
    actor, before = permit(), asked("before")
    with reading() as tx:
        found = systems.newest(tx, before, _SIZE + 1)
        shown = found[:_SIZE]
        live = tokens.how_many(tx, [person.id for person, _name in shown], clock.now())
        return render(
            "admin/systems.html",
            rows=[SystemRow(person, name, live[person.id]) for person, name in shown],
            earlier=SYSTEMS if before is not None else None,
            later=f"{SYSTEMS}?before={shown[-1][0].id}" if len(found) > _SIZE else None,
            **frame(tx, actor, SYSTEMS),
        )


@blueprint.get("/systems/add")
@needs(Permission.PERSON_ADD)
def add_system_page() -> ResponseReturnValue:
    """Asks what it is for and who answers for it."""
    return _add_page(permit(), systems.Wanted("", "", "", ""), {})


@blueprint.post("/systems/add")
@needs(Permission.PERSON_ADD)
def add_system() -> ResponseReturnValue:
    """Adds it, and leads to its page."""
    actor, form = permit(), request.form
    typed = systems.Wanted(**{name: form.get(name, "").strip() for name in systems.Wanted.__dataclass_fields__})
    with reading() as tx:
        faults = systems.faults(tx, typed)
    if faults:
        return _add_page(actor, typed, faults), 422
    try:
        added = act(lambda tx, now: systems.add(tx, actor, typed, now), _("添加系统账号"))
    except LoginTaken as fault:
        return _add_page(actor, typed, {"login": fault}), 422
    flash(_("已添加系统账号。下一步：授予岗位（主管部门的），再新建令牌。"), "success")
    return redirect(f"{SYSTEMS}/{added.id}", 303)


@blueprint.get("/systems/<int:person_id>")
@needs(Permission.PERSON_MANAGE)
def system_page(person_id: int) -> ResponseReturnValue:
    """What a system account is for, its tokens, and what happened to it."""
    return _page(permit(), person_id, None, {})


@blueprint.post("/systems/<int:person_id>")
@needs(Permission.TOKEN_ISSUE)
def issue_token(person_id: int) -> ResponseReturnValue:
    """Issues a token for it and shows it, this once."""
    with reading() as tx:
        actor = permit(Subject(person_id=person_id, system=_is_system(tx, person_id)))
    typed = Typed.read()
    faults = typed.faults()
    if faults:
        return _page(actor, person_id, typed, faults), 422
    try:
        issued = act(lambda tx, now: typed.issue(tx, person_id, actor, now), _("新建令牌"))
    except (tokens.NameTaken, tokens.TooManyTokens) as fault:
        return _page(actor, person_id, typed, {"name": fault}), status_of(fault)
    with reading() as tx:
        found, made = systems.one(tx, person_id), view(issued.token, clock.now())
        shown = render("admin/token.html", issued=issued, token=made, found=found, **frame(tx, actor, SYSTEMS))
    return shown, 200, {"Cache-Control": "no-store"}


@blueprint.get("/tokens/<int:token_id>/revoke")
@needs(Permission.PERSON_MANAGE)
def revoke_token_page(token_id: int) -> ResponseReturnValue:
    """Before a token is revoked, whoever's it is."""
    return _revoke_page(permit(), token_id, "", None)


@blueprint.post("/tokens/<int:token_id>/revoke")
@needs(Permission.PERSON_MANAGE)
def revoke_token(token_id: int) -> ResponseReturnValue:
    """Ends it at once, with a reason."""
    actor, reason = permit(), request.form.get("reason", "").strip()
    fault = accounts.reason_fault(reason, _("事由"))
    if fault is not None:
        return _revoke_page(actor, token_id, reason, fault), 422
    ended = act(lambda tx, now: _revoke(tx, token_id, actor, now, reason), _("撤销令牌"))
    flash(_("已撤销令牌“%(name)s”，使用它的程序立即不能再访问。", name=ended.name), "success")
    with reading() as tx:
        return redirect(page_of(accounts.looked_after(tx, ended.person_id)), 303)


def _revoke(tx: Session, token_id: int, actor: Actor, now: datetime, reason: str) -> Token:
    """Ends a token of an account that administrators look after; UnknownOfficial, and what `tokens.revoke` raises."""
    accounts.looked_after(tx, tokens.token(tx, token_id).person_id)
    return tokens.revoke(tx, token_id, actor, clock.now(), moment=now, reason=reason)


def _is_system(tx: Session, person_id: int) -> bool:
    found = tx.get(Person, person_id)
    return found is not None and found.system


def _add_page(actor: Actor, typed: systems.Wanted, faults: Faults) -> str:
    with reading() as tx:
        errors = {field: said(fault) for field, fault in faults.items()}
        return render("admin/system_add.html", typed=typed, errors=errors, **frame(tx, actor, SYSTEMS))


def _page(actor: Actor, person_id: int, typed: Typed | None, faults: Faults) -> str:
    with reading() as tx:
        found = systems.one(tx, person_id)
        return render(
            "admin/system.html",
            found=found,
            organisation=_organisation(tx, found),
            roles=_roles(tx, found),
            tokens=views(tx, found.id),
            **asking(typed, faults),
            **_history(tx, found),
            **frame(tx, actor, SYSTEMS),
        )


def _organisation(tx: Session, found: Person) -> str:
    names = identity.names_of(tx, [found.organisation_id] if found.organisation_id else [])
    return next(iter(names.values()), "")


def _roles(tx: Session, found: Person) -> str:
    granted = granting.of_people(tx, [found.id], day_of(moment(tx)))[found.id]
    return listed(dict.fromkeys(role_text(tx, one.regulation, one.role, one.body) for one in granted))


def _history(tx: Session, found: Person) -> dict[str, Any]:
    return happened(tx, changes.of_person(tx, found.id, asked("before")), page_of(found))


def _revoke_page(actor: Actor, token_id: int, reason: str, fault: PortalError | None) -> str:
    with reading() as tx:
        token = tokens.token(tx, token_id)
        found = accounts.looked_after(tx, token.person_id)
        return render(
            "admin/token_revoke.html",
            token=view(token, clock.now()),
            found=found,
            crumbs=trail(found),
            back=page_of(found),
            reason=reason,
            error=said(fault) if fault is not None else None,
            **frame(tx, actor, SYSTEMS if found.system else "/admin/people"),
        )
