"""How the body of a request is read: whole, within its limit, and as JSON that everything below can hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, current_app, request
from flask.json.provider import DefaultJSONProvider

from portal.edge.access import View
from portal.edge.acting import stamp
from portal.edge.errors import BrokenJson, OtherFormat
from portal.forms import exact

JSON, FORM = "application/json", "multipart/form-data"
MOST_JSON = 8_000_000
"""Bytes of a JSON body: two thousand rows of twenty columns, and as much again."""
_DEEPEST = 40
"""So deep may lists and objects stand in each other."""
_TAKES = "portal_takes"


class Json(DefaultJSONProvider):
    """JSON in which numbers are exact; what no text, number or nesting of ours can hold is refused (BrokenJson)."""

    ensure_ascii = False
    sort_keys = False

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:  # noqa: ANN401 - JSON
        """The value of a JSON text; BrokenJson."""
        try:
            text = s.decode() if isinstance(s, bytes) else s
            found = exact.loads(text)
            text.encode()
            _check(found, 0)
        except RecursionError as error:
            raise BrokenJson(reason="nested too deeply") from error
        except ValueError as error:  # also of bytes that are no UTF-8
            raise BrokenJson(reason=str(error)[:200]) from error
        return found


def install(app: Flask) -> None:
    """Reads every body to its end before its instant is noted, and before anything is done."""
    app.json = Json(app)
    app.before_request(_receive)


def takes(media_type: str) -> Callable[[View], View]:
    """Says what body a call takes: JSON, or a form with a file."""

    def declare(view: View) -> View:
        setattr(view, _TAKES, media_type)
        return view

    return declare


def said() -> Any:  # noqa: ANN401 - JSON
    """The JSON that a call takes; None where it takes none, whatever it was sent."""
    return request.get_json() if _wanted() == JSON else None


def _wanted() -> str | None:
    """What body is taken. A question about methods (OPTIONS) brings none, to whichever of them it is led."""
    if request.method == "OPTIONS":
        return None
    return getattr(current_app.view_functions.get(request.endpoint or ""), _TAKES, None)


def _receive() -> None:
    """Reads the body of a call that takes one; what others are sent is nobody's."""
    wanted = _wanted()
    if wanted is not None and request.mimetype != wanted:
        raise OtherFormat(wanted=wanted)
    if wanted == FORM:
        _ = request.form  # reads the body to its end
    elif wanted == JSON:
        request.max_content_length = MOST_JSON
        if not isinstance(request.get_json(), dict):
            raise BrokenJson(reason="it is no object")
    stamp()


def _check(value: object, depth: int) -> None:
    """Raises ValueError for what is nested too deeply, or holds half a surrogate, which is no character."""
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, list):
        for one in value:
            _check(one, depth + 1)
    elif isinstance(value, dict):
        for name, one in value.items():
            name.encode()
            _check(one, depth + 1)
