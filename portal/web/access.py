"""Every route says who may use it; one that says nothing keeps the portal from starting."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user
from werkzeug.exceptions import Unauthorized
from werkzeug.wrappers import Request

from portal import clock
from portal.clock import day_of
from portal.edge.acting import moment, reading
from portal.identity import Actor, Permission, Subject, actor_of_session, require, throttle

COOKIE = "portal_session"
BY_THEMSELVES = frozenset({"official.arrivals"})
"""What pages ask for by themselves: it keeps nobody signed in who has gone away."""
_DECLARED = "portal_access"
_OPEN = "open to all"

View = TypeVar("View", bound=Callable[..., Any])


class Undeclared(RuntimeError):
    """A route that does not say who may use it, or a view that did not ask before it answered."""


class User(UserMixin):
    """The signed-in person as Flask-Login carries him."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor

    def get_id(self) -> str:
        """His id as text."""
        return str(self.actor.person_id)


def needs(permission: Permission) -> Callable[[View], View]:
    """Declares the permission of a route; its view calls `permit` with what it is about before it answers."""

    def declare(view: View) -> View:
        @wraps(view)
        def asked(*args: object, **arguments: object) -> object:
            g.permission, g.permitted = permission, False
            answer = view(*args, **arguments)
            if not g.permitted:
                raise Undeclared(f"{request.endpoint} answered without asking for {permission}")
            return answer

        setattr(asked, _DECLARED, permission)
        return asked  # type: ignore[return-value] # same parameters and answer

    return declare


def open_to_all(view: View) -> View:
    """Declares that a route may be used without signing in."""
    setattr(view, _DECLARED, _OPEN)
    return view


def permit(subject: Subject | None = None) -> Actor:
    """Who acts, if the table lets him do what the route declares to `subject`; else Forbidden."""
    actor = signed_in()
    require(actor, g.permission, subject)
    g.permitted = True
    return actor


def signed_in() -> Actor:
    """Who acts; a route that `needs` a permission is reached only by people who are signed in."""
    actor: Actor | None = g.get("actor")
    if actor is None:
        raise Unauthorized
    return actor


def declared(app: Flask, endpoint: str) -> Permission | str:
    """What a route declares; Undeclared when it declares nothing."""
    said: Permission | str | None = getattr(app.view_functions[endpoint], _DECLARED, None)
    if said is None:
        raise Undeclared(f"the route {endpoint} declares no permission")
    return said


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


def _user_of(incoming: Request) -> User | None:
    token = incoming.cookies.get(COOKIE)
    if not token:
        return None
    with reading() as tx:
        # Sessions live in real time, roles in the portal's.
        by_itself = request.endpoint in BY_THEMSELVES
        actor = actor_of_session(tx, token, clock.now(), day_of(moment(tx)), by_itself=by_itself)
    return User(actor) if actor else None


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
    if request.endpoint is None or declared(current_app, request.endpoint) == _OPEN or visitor() is not None:
        return None
    if request.method in ("GET", "HEAD"):
        return redirect(url_for("auth.sign_in", next=request.full_path.rstrip("?")))
    raise Unauthorized
