"""What is typed is kept while one types: what frontend/src/keeping.js posts of a form, and how it is answered."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from flask import request
from flask.typing import ResponseReturnValue

from portal.cases.drafts import Answers, mark, storable
from portal.forms import posted

UNDER = "_under."
"""Begins the names under which a script posts once more what it has sent before and was not answered yet."""
SEEN = "_seen"
"""The hidden input that tells which kept answers a page was made of, so that no older window overwrites newer ones."""


def is_by_script() -> bool:
    """Whether a script asks, that shows the answer in the page; what is typed stays there."""
    return request.accept_mimetypes.best == "application/json"


def page_mark() -> str | None:
    """The `mark` of what the posting page was made of."""
    return request.form.get(SEEN)


def page_marks(stored: Callable[[Answers], Answers] = dict) -> str | None:
    """The `page_mark`, and that of what was sent before without an answer, of which nobody knows whether it is kept by
    now; `stored` makes of what was typed what is kept of it."""
    pairs = [(name, text) for name, text in request.form.items(multi=True) if name.startswith(UNDER)]
    if not pairs:
        return page_mark()
    unanswered = posted((name.removeprefix(UNDER), text) for name, text in pairs)
    return f"{page_mark() or ''} {mark(storable(stored(unanswered)))}"


def kept(text: str, mark: str) -> ResponseReturnValue:
    """Tells the script that it was kept, in words, and by which mark its page goes from now on."""
    return {"said": text, "seen": mark}


def not_kept(text: str, mark: str = "") -> ResponseReturnValue:
    """Tells the script why not; with the mark of what was kept instead, the person may still have it replaced."""
    return {"said": text, "seen": mark}, HTTPStatus.CONFLICT
