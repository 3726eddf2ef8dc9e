"""Forms count when a page of this site posts them, in the session in which it was shown (no CSRF)."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, request, session
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError

from portal.edge.machine import machine
from portal.identity.rules import digest
from portal.settings import Settings

PAGE_COOKIE = "portal_page"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_SECRET, _OF = "csrf_token", "of"  # nosec B105 # 2026-11-22: names of what a cookie holds


class Foreign(CSRFError):
    """Another site had the browser post this."""


def install(app: Flask, session_cookie: str) -> None:
    """Refuses what other sites post, and forms of another session than that whose token is in `session_cookie`."""

    def look() -> None:
        if request.method not in _SAFE and is_foreign():
            raise Foreign("posted by another site")
        token = request.cookies.get(session_cookie)
        if token and request.endpoint != "static" and session.get(_OF) != _mark(token):
            belongs(token)
            session.pop(_SECRET, None)

    app.before_request(look)
    CSRFProtect(app)  # type: ignore[no-untyped-call] # Flask-WTF has no types


def belongs(token: str) -> None:
    """From now on the forms of this browser are those of the session with this token, the ones shown already too."""
    session[_OF] = _mark(token)


def begin(token: str, *, same_person: bool) -> None:
    """A session begins in this browser: the forms of before count on only when they are the same person's."""
    secret = session.get(_SECRET) if same_person else None
    session.clear()
    if secret:
        session[_SECRET] = secret
    belongs(token)


def is_foreign() -> bool:
    """Whether another site had the browser send this: then it is refused, and nothing it says is shown."""
    origin = request.headers.get("Origin")
    own = (request.host, urlsplit(machine().settings.public_url).netloc)
    other = origin is not None and origin != "null" and urlsplit(origin).netloc not in own
    return other or request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")


def host_only(name: str, settings: Settings) -> str:
    """The name of a cookie with the prefix __Host- where https lets browsers keep to it (RFC 6265bis, 4.1.3.2)."""
    return f"__Host-{name}" if settings.https else name


def _mark(token: str) -> str:
    return digest(token).hex()
