"""Who asks, by his bearer token, and whether the token is for that; a route that declares nothing keeps the portal from
starting."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, current_app, g, request

from portal import clock
from portal.cases.errors import UnknownCase
from portal.clock import day_of
from portal.edge import access, rates
from portal.edge.access import OPEN, Undeclared, View, declared, permit, signed_in
from portal.edge.acting import offset
from portal.edge.errors import NotInScope, NoToken, TokenRefused, TooManyRequests
from portal.edge.machine import machine
from portal.identity import Actor, Forbidden, Permission, Subject, tokens
from portal.identity.tokens import Bearer, Scope

_SCOPES = "portal_scopes"
_SCHEME = "bearer"


def needs(permission: Permission, *scopes: Scope) -> Callable[[View], View]:
    """Declares the permission of a route and the scopes of a token any of which opens it; its view calls `permit`."""

    def declare(view: View) -> View:
        asked = access.needs(permission)(view)
        setattr(asked, _SCOPES, frozenset(scopes))
        return asked

    return declare


def admit(subject: Subject) -> Actor:
    """Who acts, if the table lets him; for people outside the authority what is not theirs does not exist
    (UnknownCase)."""
    try:
        return permit(subject)
    except Forbidden as error:
        if signed_in().official:
            raise
        raise UnknownCase() from error


def scopes_of(app: Flask, endpoint: str) -> frozenset[Scope]:
    """The scopes that a route declares; none for one that is open to all. Undeclared when it declares nothing."""
    if declared(app, endpoint) == OPEN:
        return frozenset()
    found: frozenset[Scope] = getattr(app.view_functions[endpoint], _SCOPES, frozenset())
    if not found:
        raise Undeclared(f"the route {endpoint} declares no scope")
    return found


def guard(app: Flask) -> None:
    """Has every request looked at by what its route declares; Undeclared when a route declares nothing."""
    for endpoint in app.view_functions:
        scopes_of(app, endpoint)
    app.before_request(_ask)


def _ask() -> None:
    """Lets a request through whose token counts, is for this, and has not asked too often; before its body is read."""
    if request.endpoint is None or declared(current_app, request.endpoint) == OPEN:
        return
    found = _bearer()
    wanted = scopes_of(current_app, request.endpoint)
    if found.scopes.isdisjoint(wanted):
        raise NotInScope(sorted(wanted))
    g.actor = found.actor


def _bearer() -> Bearer:
    scheme, _blank, secret = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() != _SCHEME or not secret.strip():
        raise NoToken()
    now, most = clock.now(), machine().settings.api_per_minute
    with machine().database.transaction() as tx:
        # Tokens live in real time, roles in the portal's.
        found = tokens.bearer(tx, secret.strip(), now, day_of(now + offset(tx)))
        wait = rates.wait(tx, found.token_id, now, most) if found is not None else None
    if found is None:
        raise TokenRefused()
    if wait is not None:
        raise TooManyRequests(most, wait)
    return found
