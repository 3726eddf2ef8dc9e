"""How bpmn-js breaks a name into lines, and so how much room the name takes."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass

INSIDE, OUTSIDE = 12, 11  # px, the fonts of frontend/src/diagram.js
LINE_HEIGHT = 1.25
NAME_WIDTH = 90  # px; where bpmn-js wraps a name that stands outside its shape
_WIDE = frozenset("WFA")
_LATIN = 0.62  # of the font's size; a little more than most letters need
_BREAKS = re.compile(r"(\s|-|\u00ad)")


@dataclass(frozen=True)
class Text:
    """The room of a wrapped text, in px."""

    lines: tuple[str, ...]
    width: int
    height: int


def wrapped(text: str, width: int, font: int = OUTSIDE) -> Text:
    """The text broken where bpmn-js breaks it in so many px."""
    lines: list[str] = []
    for rest in re.split(r"\u00ad?\r?\n", text) if text else ():
        while True:
            line = _fitting(rest, width, font)
            lines.append(line)
            rest = rest[len(line) :].strip()
            if not rest:
                break
    widest = max((_width(line, font) for line in lines), default=0.0)
    return Text(tuple(lines), math.ceil(widest), math.ceil(len(lines) * font * LINE_HEIGHT))


def _width(text: str, font: int) -> float:
    return sum(font * (1 if unicodedata.east_asian_width(character) in _WIDE else _LATIN) for character in text)


def _fitting(line: str, width: int, font: int) -> str:
    while len(line) > 1 and (needed := _width(line.rstrip(), font)) > width:
        line = _shortened(line, max(len(line) * width / needed, 1))
    return line


def _shortened(line: str, length: float) -> str:
    """Cut at the last blank or hyphen within the length, else in the middle of the word, as diagram-js does."""
    kept = ""
    parts = _BREAKS.split(line)
    if len(parts) > 1:
        for part in filter(None, parts):
            if len(kept) + len(part) >= length:
                break
            kept += part
    return kept or line[: max(math.floor(length - 0.5), 1)]
