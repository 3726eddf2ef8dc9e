"""Choosing the language of the pages; a cookie keeps it for a year."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, abort, redirect, request
from flask.typing import ResponseReturnValue

from portal.edge.machine import machine
from portal.web import languages
from portal.web.access import open_to_all
from portal.web.pages import own_path

blueprint = Blueprint("switching", __name__)
_KEPT = timedelta(days=365)


@blueprint.get("/language/<code>")
@open_to_all
def choose(code: str) -> ResponseReturnValue:
    """Has pages from now on in this language, and goes back to the page of this site that `next` names."""
    if code not in languages.LOCALES:
        abort(404)
    response = redirect(own_path(request.args.get("next", "")) or "/")
    secure = machine().settings.https
    response.set_cookie(languages.COOKIE, code, max_age=_KEPT, httponly=True, samesite="Lax", secure=secure)
    response.headers["Cache-Control"] = "no-store"
    return response
