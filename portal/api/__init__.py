"""The same as the pages for programs: JSON, described by OpenAPI, with bearer tokens and nothing of a browser."""

from __future__ import annotations

from flask import Response, jsonify
from flask_openapi3 import OpenAPI
from werkzeug.middleware.proxy_fix import ProxyFix

from portal.api import access, attachments, bodies, cases, description, documents, ledger, problems, procedures, tasks
from portal.api.description import MOUNTED, PREFIX
from portal.edge import acting, headers
from portal.edge.access import open_to_all
from portal.edge.machine import EXTENSION, Machine

__all__ = ["MOUNTED", "create_app"]

_FORM_LIMIT = 100_000
"""Bytes of what stands beside the file in an upload."""
CALLS = (procedures, cases, tasks, attachments, documents, ledger)
"""Everything that has calls."""


def create_app(machine: Machine) -> OpenAPI:
    """The API as an application of its own, to be mounted under /api; Undeclared when a route does not say who may use
    it and with which scope."""
    app = description.application(__name__)
    app.extensions[EXTENSION] = machine
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=machine.settings.proxies, x_proto=0)  # type: ignore[method-assign] # Flask's own way
    app.config.update(
        MAX_CONTENT_LENGTH=machine.settings.upload_megabytes * 1_000_000 + _FORM_LIMIT,
        MAX_FORM_MEMORY_SIZE=_FORM_LIMIT,
        MAX_FORM_PARTS=10,
        PROPAGATE_EXCEPTIONS=False,  # a problem for the unexpected too, in tests as well
    )
    problems.install(app)
    headers.install(app, https=machine.settings.https)
    app.url_map.merge_slashes = False  # an address written otherwise is another one; none is led elsewhere
    app.url_value_preprocessor(acting.refuse_impossible)
    for one in CALLS:
        app.register_api(one.blueprint)
    _describe(app)
    access.guard(app)
    bodies.install(app)
    return app


def _describe(app: OpenAPI) -> None:
    """Serves the description, made once: the calls do not change."""
    described = description.described(app)

    @open_to_all
    def openapi() -> Response:
        return jsonify(described)

    app.add_url_rule(f"{PREFIX}/openapi.json", "openapi", openapi)
