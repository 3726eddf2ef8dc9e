"""Renders pages: what the frame of every page knows without asking the database."""

from __future__ import annotations

from typing import Any

from flask import g, render_template, request, url_for
from flask_babel import get_locale

from portal import clock
from portal.edge.machine import machine
from portal.web import access, dates, languages
from portal.web.liveness import worker_away
from portal.web.machine import pages


def render(template: str, **context: object) -> str:
    """A page; `context` comes before what the frame brings itself."""
    return render_template(template, **{**_frame(), **context})


def _frame() -> dict[str, Any]:
    """Who is signed in and the demo clock, as far as this request has learned them already."""
    actor = g.get("actor")
    frame: dict[str, Any] = {
        "locale": get_locale(),
        "asset": pages().assets.url,
        "home_url": "/",
        "sign_out_url": "/sign-out",
        "sign_in_url": None if actor else _sign_in_url(),
        "language": _language(),
        "worker_away": worker_away(),
        "idle_seconds": int(access.idle().of(official=actor.official).total_seconds()) if actor else None,
        "person": {"name": actor.name, "role": "", "url": "/profile"} if actor else None,
    }
    if machine().settings.demo and "offset" in g:
        frame["clock_text"] = dates.full(clock.now(g.offset))
        frame["clock_url"] = "/clock" if actor else None
    return frame


def _sign_in_url() -> str | None:
    """The way to the door, and from there back to this page; none from the door itself."""
    if request.path == "/sign-in":
        return None
    here = request.full_path.rstrip("?")
    return url_for("auth.sign_in", next=here if request.method == "GET" and here != "/" else None)


def _language() -> dict[str, str] | None:
    """The link to this page in the other language; none in the answer to a form, so that nothing typed is lost."""
    if request.method != "GET":
        return None
    code = languages.other()
    here = request.full_path.rstrip("?")
    return {"text": languages.NAMES[code], "code": code, "url": url_for("switching.choose", code=code, next=here)}


def own_path(address: str) -> str:
    """The address if it is a path of this site, else nothing: browsers drop control characters and read \\ as /."""
    plain = address.isprintable() and address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if plain else ""
