"""Every route says who may use it; one that says nothing keeps the portal from starting."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Flask, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user
from werkzeug.exceptions import Unauthorized
from werkzeug.wrappers import Request, Response

from portal import clock
from portal.clock import day_of
from portal.edge.access import OPEN, Undeclared, declared, needs, open_to_all, permit, signed_in
from portal.edge.acting import moment, reading
from portal.edge.machine import machine
from portal.identity import Actor, sessions, throttle
from portal.identity.rules import Idle
from portal.settings import Settings
from portal.web import forgery

COOKIE = "portal_session"
BY_THEMSELVES = frozenset({"official.arrivals"})
"""What pages ask for by themselves: it keeps nobody signed in who has gone away."""
BY_SCRIPT_THEMSELVES = frozenset({"official.items_page"})
"""Pages that ask for themselves anew, by a script, while they are open; that keeps nobody signed in either."""

__all__ = [
    "Undeclared", "cookie", "declared", "give_back_token", "give_token", "guard", "held_token", "idle", "needs",
    "network", "open_to_all", "permit", "signed_in", "visitor",
]  # fmt: skip


class User(UserMixin):
    """The signed-in person as Flask-Login carries him."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor

    def get_id(self) -> str:
        """His id as text."""
        return str(self.actor.person_id)


def guard(app: Flask) -> None:
    """Has every request looked at by what its route declares; Undeclared when a route declares nothing."""
    open_to_all(app.view_functions["static"])
    for endpoint in app.view_functions:
        declared(app, endpoint)
    login = LoginManager()  # type: ignore[no-untyped-call] # Flask-Login has no types
    login.session_protection = None  # type: ignore[assignment] # the session is ours, in the database, and not bound to an address
    # A page of an error must not ask the database who looks at it.
    login.init_app(app, add_context_processor=False)  # type: ignore[no-untyped-call] # no types
    login.request_loader(_user_of)  # type: ignore[no-untyped-call] # no types
    app.before_request(_ask)
    app.after_request(_hand_over)


def cookie(settings: Settings) -> str:
    """The name of the cookie that holds the token of a session.

    Over https it has the prefix by which browsers take it from this very host alone, so that no other site of the
    same domain can plant one here.
    """
    return forgery.host_only(COOKIE, settings)


def held_token() -> str:
    """The token of the session in which somebody asks: the one he was given in this request, or has sent."""
    held: str = g.get("new_token") or request.cookies.get(cookie(machine().settings), "")
    return held


def give_token(token: str) -> None:
    """Has the answer to this request hand over the new token of the session; forms on open pages still count."""
    g.new_token = token
    forgery.belongs(token)


def give_back_token() -> None:
    """Has the answer to this request take the cookie of an ended session away."""
    g.new_token = ""  # nosec B105 # 2026-11-22: empty on purpose


def idle() -> Idle:
    """How long sessions last without a request."""
    settings = machine().settings
    return Idle(timedelta(minutes=settings.official_idle_minutes), timedelta(minutes=settings.idle_minutes))


def _user_of(incoming: Request) -> User | None:
    token = incoming.cookies.get(cookie(machine().settings))
    if not token:
        return None
    with reading() as tx:
        # Sessions live in real time, roles in the portal's.
        today = day_of(moment(tx))
        found = sessions.found(tx, token, clock.now(), today, by_itself=_is_by_itself(), idle=idle())
    if found is None:
        return None
    if found.token:
        give_token(found.token)
    return User(found.actor)


def _is_by_itself() -> bool:
    by_script = request.endpoint in BY_SCRIPT_THEMSELVES and "HX-Request" in request.headers
    return by_script or request.endpoint in BY_THEMSELVES


def _hand_over(response: Response) -> Response:
    token: str | None = g.get("new_token")
    if token is not None:
        settings = machine().settings
        kept: dict[str, Any] = {"httponly": True, "samesite": "Lax", "secure": settings.https}
        if token:
            response.set_cookie(cookie(settings), token, **kept)
        else:
            response.delete_cookie(cookie(settings), **kept)
        response.headers["Cache-Control"] = "no-store"
    return response


def network() -> str:
    """Where the request comes from, as attempts are counted."""
    return throttle.network_of(request.remote_addr or "")


def visitor() -> Actor | None:
    """Who looks at a page that is open to all, when he is signed in."""
    if "actor" not in g:
        user: Any = current_user
        g.actor = user.actor if user.is_authenticated else None
    found: Actor | None = g.actor
    return found


def _ask() -> ResponseReturnValue | None:
    """Lets a request through, or leads the person to the sign-in page."""
    if request.endpoint is None or declared(current_app, request.endpoint) == OPEN or visitor() is not None:
        return None
    if request.method in ("GET", "HEAD"):
        return redirect(url_for("auth.sign_in", next=request.full_path.rstrip("?")))
    raise Unauthorized
