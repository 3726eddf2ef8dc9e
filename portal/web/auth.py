"""Signing in and out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import filterfalse

from flask import Blueprint, g, redirect, request, session
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import clock, identity
from portal.clock import day_of
from portal.edge.acting import act, moment, reading
from portal.errors import PortalError
from portal.identity import Actor, Permission, SignInRefused, TooManyAttempts, sessions
from portal.web import forgery
from portal.web.access import give_back_token, give_token, held_token, needs, network, open_to_all, permit, visitor
from portal.web.beginning import missing_administrator
from portal.web.languages import said
from portal.web.machine import DemoAccount, pages
from portal.web.pages import own_path, render

blueprint = Blueprint("auth", __name__)


@dataclass(frozen=True)
class DemoPlace:
    """The accounts of a demo in one region that share a password: those of its authorities, and the others."""

    name: str
    password: str
    officials: tuple[DemoAccount, ...]
    others: tuple[DemoAccount, ...]


INBOX, ADMIN, HOME, WAITING = "/inbox", "/admin", "/home", "/registration"


def first_page(actor: Actor) -> str:
    """Where a person begins: officials at their tasks, applicants at their cases or at their registration."""
    if actor.official:
        return ADMIN if actor.administrator and not actor.roles else INBOX
    return HOME if actor.organisation_id is not None else WAITING


@blueprint.get("/sign-in")
@open_to_all
def sign_in() -> ResponseReturnValue:
    """Asks for login and password."""
    actor = visitor()
    if actor is not None:
        return redirect(_next(actor))
    return _form()


@blueprint.post("/sign-in")
@open_to_all
def sign_in_post() -> ResponseReturnValue:
    """Opens a session; neither words nor time of a refusal tell whether the login exists."""
    login, password = request.form.get("login", ""), request.form.get("password", "")
    answer = act(lambda tx, now: _opened(tx, login, password, day_of(now)), _("登录"))
    if isinstance(answer, PortalError):
        return _form(login, said(answer)), 429 if isinstance(answer, TooManyAttempts) else 422
    token, same_person = answer
    with reading() as tx:
        actor = identity.actor_of_session(tx, token, clock.now(), day_of(moment(tx)))
    give_token(token)
    forgery.begin(token, same_person=same_person)
    return redirect(_next(actor) if actor else "/")


def _opened(tx: Session, login: str, password: str, today: date) -> tuple[str, bool] | SignInRefused | TooManyAttempts:
    """The token of a new session, and whether that of before in this browser was the same person's; that one ends."""
    agent = request.user_agent.string
    answer = identity.sign_in(tx, login, password, network(), clock.now(), today=today, agent=agent)
    if isinstance(answer, PortalError):
        return answer
    before = held_token()
    same_person = bool(before) and sessions.holder_of(tx, before) == sessions.holder_of(tx, answer)
    sessions.sign_out(tx, before, clock.now())
    return answer, same_person


@blueprint.post("/sign-out")
@needs(Permission.TASK_LIST)
def sign_out() -> ResponseReturnValue:
    """Ends the session, on the server too."""
    permit()
    token = held_token()
    act(lambda tx, _moment: identity.sign_out(tx, token, clock.now()), _("退出登录"))
    session.clear()
    g.actor = None
    give_back_token()
    return redirect("/sign-in")


def _form(login: str = "", error: str | None = None) -> str:
    with reading() as tx:
        first, places = missing_administrator(tx), _places(_demo_accounts(tx))
    return render("auth/sign_in.html", login=login, error=error, next=_wanted(), places=places, first=first)


def _places(accounts: Iterable[DemoAccount]) -> list[DemoPlace]:
    """The accounts by region, in the order in which they are given; whoever belongs to none comes last."""
    found: dict[tuple[str, str], list[DemoAccount]] = {}
    for one in accounts:
        found.setdefault((one.place, one.password), []).append(one)
    places = [
        DemoPlace(name, password, tuple(filter(_officiates, those)), tuple(filterfalse(_officiates, those)))
        for (name, password), those in found.items()
    ]
    return sorted(places, key=lambda place: place.name == "")


def _officiates(account: DemoAccount) -> bool:
    return account.office


def _demo_accounts(tx: Session) -> Sequence[DemoAccount]:
    """The accounts of a demo with which somebody can sign in now; in production none."""
    here = pages()
    return here.demo_accounts(here.kernel.releases, tx) if here.settings.demo else ()


def _wanted() -> str:
    """The page to go to afterwards: one of this site, or none."""
    return own_path(request.values.get("next", ""))


def _next(actor: Actor) -> str:
    return _wanted() or first_page(actor)
