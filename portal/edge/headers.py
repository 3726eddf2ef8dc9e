"""The headers that keep pages to themselves: no foreign code, no frames, no guessing of types."""

from __future__ import annotations

from flask import Flask, g, request
from werkzeug.wrappers import Response

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_HSTS = "max-age=31536000"


def install(app: Flask, *, https: bool) -> None:
    """Sends them with every answer; over https also that only https is spoken here."""

    def add(response: Response) -> Response:
        for name, value in _ALWAYS.items():
            response.headers.setdefault(name, value)
        if https:
            response.headers.setdefault("Strict-Transport-Security", _HSTS)
        if request.endpoint != "static" and (g.get("actor") is not None or request.method == "POST"):
            response.headers["Cache-Control"] = "no-store"
        return response

    app.after_request(add)
