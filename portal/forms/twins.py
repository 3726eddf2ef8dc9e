"""Finds a name that one object of a JSON text holds twice, which Python's own reader does not place."""

from __future__ import annotations

import json
import re

_SIGNS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]')
_COLON = re.compile(r"\s*:")


def first(text: str) -> tuple[str, int] | None:
    """The first name that stands twice in an object, and the line of the second one."""
    around: list[set[str]] = []
    for sign in _SIGNS.finditer(text):
        if sign[0] in "{[":
            around.append(set())
        elif sign[0] in "}]":
            around.pop()
        elif around and _COLON.match(text, sign.end()):
            name = str(json.loads(sign[0]))
            if name in around[-1]:
                return name, text.count("\n", 0, sign.start()) + 1
            around[-1].add(name)
    return None
