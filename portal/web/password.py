"""The page on which a given password is changed; nothing else opens before."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import clock
from portal.edge.acting import act, reading
from portal.identity import Actor, Permission, accounts
from portal.identity.rules import PasswordsDiffer, WeakPassword
from portal.web.access import give_token, held_token, needs, permit
from portal.web.auth import first_page
from portal.web.languages import said
from portal.web.pages import own_path, render
from portal.web.tokens import end_if_asked, live

blueprint = Blueprint("password", __name__)


@blueprint.get("/password")
@needs(Permission.PASSWORD_CHOOSE)
def choose_page() -> ResponseReturnValue:
    """Asks for a password of one's own; whoever has one finds his profile."""
    actor = permit()
    if not actor.must_change_password:
        return redirect("/profile")
    return _form(actor, {})


@blueprint.post("/password")
@needs(Permission.PASSWORD_CHOOSE)
def choose() -> ResponseReturnValue:
    """Sets it and goes on to where the person wanted to go."""
    actor = permit()
    if not actor.must_change_password:
        return redirect("/profile", 303)
    password, again = request.form.get("password", ""), request.form.get("password_again", "")
    if password != again:
        return _form(actor, {"password_again": said(PasswordsDiffer())}), 422
    token = held_token()
    try:
        renewed = act(lambda tx, now: _chosen(tx, actor, password, token, now), _("设置自己的密码"))
    except (WeakPassword, accounts.SamePassword) as fault:
        return _form(actor, {"password": said(fault)}), 422
    if renewed:
        give_token(renewed)
    flash(_("已设置密码，下次登录请用新密码。"), "success")
    return redirect(_next() or first_page(actor), 303)


def _chosen(tx: Session, actor: Actor, password: str, token: str, moment: datetime) -> str | None:
    renewed = accounts.choose_password(tx, actor, password, token, moment, clock.now())
    end_if_asked(tx, actor, moment)
    return renewed


def lead_here() -> ResponseReturnValue | None:
    """Leads whoever has to change his password to the page that asks for it, and afterwards back."""
    actor = g.get("actor")
    if actor is None or not actor.must_change_password or request.endpoint in _ALLOWED:
        return None
    wanted = request.full_path.rstrip("?") if request.method in ("GET", "HEAD") else ""
    return redirect(url_for("password.choose_page", next=wanted or None), 303)


_ALLOWED = frozenset({"password.choose_page", "password.choose", "auth.sign_out", "static", "switching.choose", None})


def _form(actor: Actor, errors: dict[str, str]) -> str:
    with reading() as tx:
        return render("auth/password.html", errors=errors, tokens=live(tx, actor.person_id), next=_next())


def _next() -> str:
    wanted = own_path(request.values.get("next", ""))
    return "" if wanted in ("/", "/sign-in", "/password") else wanted
