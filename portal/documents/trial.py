"""Fills a letter's placeholders without making its file: what would keep it from being made shows at once."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from functools import lru_cache
from html import unescape

from jinja2 import Template, nodes
from jinja2.exceptions import TemplateError

from portal.documents.archive import open_word
from portal.documents.language import QR, Environment, names
from portal.documents.render import SECONDS, RenderBroke, RenderTooLong
from portal.documents.template import parsed

_TAG = re.compile(r"<[^>]*>")


def fill(template: bytes, data: Mapping[str, object], *, seconds: float = SECONDS) -> None:
    """RenderFailed when no letter could be made of this (checked) template with the data frozen at issue."""
    context = _context(data)
    end = time.monotonic() + seconds
    try:
        for story in _stories(template):
            for _ in story.generate(context):
                if time.monotonic() > end:
                    raise RenderTooLong(seconds=seconds)
    except (TemplateError, TypeError, ValueError, KeyError) as error:
        raise RenderBroke(reason=f"{type(error).__name__}: {error}"[:200]) from error


def read(template: bytes, data: Mapping[str, object]) -> str:
    """What a letter that can be made of this template says, paragraph by paragraph, without its form."""
    context = _context(data)
    stories = (Environment().from_string(parsed(story.root)).render(context) for story in open_word(template).stories)
    return "\n".join(unescape(_TAG.sub("", story.replace("</w:p>", "\n"))) for story in stories)


def _context(data: Mapping[str, object]) -> Mapping[str, object]:
    verification = data.get("verification")
    known = dict(verification) if isinstance(verification, Mapping) else {}
    return names({**data, "verification": {**known, "url": "…"}, QR: "…"})


@lru_cache(maxsize=64)
def _stories(template: bytes) -> tuple[Template, ...]:
    """What a template asks for, without its words: a thousandth of the work."""
    return tuple(Environment().from_string(_wordless(parsed(story.root))) for story in open_word(template).stories)


def _wordless(story: nodes.Template) -> nodes.Template:
    for output in story.find_all(nodes.Output):
        output.nodes = [part for part in output.nodes if not isinstance(part, nodes.TemplateData)]
    # Every turn of a loop says something, so that its time can be watched.
    for loop in story.find_all(nodes.For):
        loop.body.insert(0, nodes.Output([nodes.TemplateData(" ")], lineno=loop.lineno))
    return story
