"""Renders pages: what the frame of every page knows without asking the database."""

from __future__ import annotations

from typing import Any

from flask import g, render_template, request
from flask_babel import get_locale

from portal import clock
from portal.web import dates
from portal.web.machine import machine


def render(template: str, **context: object) -> str:
    """A page; `context` comes before what the frame brings itself."""
    return render_template(template, **{**_frame(), **context})


def _frame() -> dict[str, Any]:
    """Who is signed in and the demo clock, as far as this request has learned them already."""
    actor = g.get("actor")
    frame: dict[str, Any] = {
        "locale": get_locale(),
        "asset": machine().assets.url,
        "home_url": "/",
        "sign_out_url": "/sign-out",
        "sign_in_url": None if actor or request.path == "/sign-in" else "/sign-in",
        "person": {"name": actor.name, "role": "", "url": "/"} if actor else None,
    }
    if machine().settings.demo and "offset" in g:
        frame["clock_text"] = dates.full(clock.now(g.offset))
        frame["clock_url"] = "/clock" if actor else None
    return frame


def own_path(address: str) -> str:
    """The address if it is a path of this site, else nothing: browsers drop control characters and read \\ as /."""
    plain = address.isprintable() and address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if plain else ""
