"""Pages: the web application over one machine, its routes in one visible list."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from flask import Blueprint, Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from portal.edge import acting, counters, headers
from portal.edge.machine import EXTENSION
from portal.identity.rules import SESSION_LASTS
from portal.settings import Settings
from portal.web import (
    access,
    admin,
    applicant,
    auth,
    dates,
    demo,
    draws,
    errors,
    files,
    forgery,
    frames,
    health,
    languages,
    letters,
    messages,
    metrics,
    notices,
    objecting,
    official,
    own_sessions,
    own_tokens,
    password,
    previews,
    profile,
    public,
    registration,
    registry,
    registry_files,
    switching,
    tracking,
    uploads,
    verifying,
)
from portal.web.kept import labels_of
from portal.web.machine import Accounts, DemoAccount, Pages
from portal.web.reasons import reason

__all__ = ["Accounts", "DemoAccount", "Pages", "create_app"]

_YEAR = timedelta(days=365)
_TEXT_LIMIT = 16_000_000
"""Bytes of all texts in one form: far more than its fields take, so that a text too long is told at its field."""
_PARTS_LIMIT = 4000
"""Inputs in one form: a hundred rows of twenty columns, and as many beside them."""


def create_app(machine: Pages) -> Flask:
    """The web application; Undeclared when a route does not say who may use it."""
    app = Flask(__name__, static_folder=str(Path(__file__).parent / "static"), static_url_path="/static")
    app.extensions[EXTENSION] = machine
    # How often something was tried is counted by address: that of the visitor, not that of our own proxy.
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=machine.settings.proxies, x_proto=0)  # type: ignore[method-assign] # Flask's own way
    # A process that is replaced may live for a while beside the one that takes its place.
    answered = app.extensions[metrics.EXTENSION] = counters.Counters(rows=2 * machine.settings.web_workers)
    app.wsgi_app = counters.counted(app.wsgi_app, answered)  # type: ignore[assignment,method-assign] # Flask's own way
    https = machine.settings.https
    app.config.update(
        SECRET_KEY=machine.secret_key,
        SESSION_COOKIE_NAME=forgery.host_only(forgery.PAGE_COOKIE, machine.settings),
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SECURE=https,
        SEND_FILE_MAX_AGE_DEFAULT=_YEAR,  # every built file's name holds its hash
        MAX_CONTENT_LENGTH=4 * machine.settings.upload_megabytes * 1_000_000,
        MAX_FORM_MEMORY_SIZE=_TEXT_LIMIT,
        MAX_FORM_PARTS=_PARTS_LIMIT,
        WTF_CSRF_TIME_LIMIT=int(SESSION_LASTS.total_seconds()),
        PROPAGATE_EXCEPTIONS=False,  # a page for the unexpected too, in tests as well
    )
    words = {"reason": reason, "listed": languages.listed, "inside": languages.title_inside}
    app.jinja_env.filters.update({**dates.FILTERS, **letters.FILTERS, **words})
    app.jinja_env.filters["own_name"] = uploads.own_name
    app.jinja_env.globals["labels_of"] = labels_of
    languages.install(app)
    errors.install(app, frames.frame)
    headers.install(app, https=https)
    app.before_request(acting.receive)
    app.url_value_preprocessor(acting.refuse_impossible)
    forgery.install(app, access.cookie(machine.settings))
    for blueprint in blueprints(machine.settings):
        app.register_blueprint(blueprint)
    access.guard(app)
    app.before_request(password.lead_here)
    return app


def blueprints(settings: Settings) -> tuple[Blueprint, ...]:
    """Everything that has routes; what moves the clock only in a demo."""
    always = (
        public.blueprint,
        switching.blueprint,
        tracking.blueprint,
        notices.blueprint,
        objecting.blueprint,
        verifying.blueprint,
        draws.blueprint,
        registry.blueprint,
        registry_files.blueprint,
        auth.blueprint,
        registration.blueprint,
        health.blueprint,
        metrics.blueprint,
        files.blueprint,
        previews.blueprint,
        official.blueprint,
        admin.blueprint,
        password.blueprint,
        applicant.blueprint,
        messages.blueprint,
        profile.blueprint,
        own_sessions.blueprint,
        own_tokens.blueprint,
    )
    return (*always, demo.blueprint) if settings.demo else always
