"""The language of a page: Chinese, unless its reader has chosen another for which there is a catalogue."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, request
from flask_babel import Babel

COOKIE = "portal_language"
DEFAULT = "zh_CN"
_CATALOGUES = Path(__file__).parent / "translations"


def install(app: Flask) -> None:
    """Has texts of pages looked up in portal/web/translations; the texts in the templates are the Chinese ones."""
    known = {path.parents[1].name for path in _CATALOGUES.glob("*/LC_MESSAGES/messages.mo")} | {DEFAULT}

    def choose() -> str:
        chosen = request.cookies.get(COOKIE, DEFAULT)
        return chosen if chosen in known else DEFAULT

    app.config.update(BABEL_DEFAULT_LOCALE=DEFAULT, BABEL_DEFAULT_TIMEZONE="Asia/Shanghai")
    Babel(app, locale_selector=choose)  # type: ignore[no-untyped-call] # Flask-Babel has few types
