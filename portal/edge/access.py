"""What a route declares of who may use it, and asking for that before it answers."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, g, request
from werkzeug.exceptions import Unauthorized

from portal.identity import Actor, Permission, Subject, require

_DECLARED = "portal_access"
OPEN = "open to all"
"""What a route declares that may be used without saying who one is."""

View = TypeVar("View", bound=Callable[..., Any])


class Undeclared(RuntimeError):
    """A route that does not say who may use it, or a view that did not ask before it answered."""


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
    setattr(view, _DECLARED, OPEN)
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


def permitted_before() -> None:
    """Says that the answer to this request is one which the person was permitted, and given, before."""
    g.permitted = True
