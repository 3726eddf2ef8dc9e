"""FEEL values kept as JSON and read again as they were: what a rule yields, what an instance of many is about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from portal.clock import TZ

# A value that JSON has no kind for: `{"=": "number", "of": "12.5"}`. No name in FEEL is "=".
_KIND, _OF = "=", "of"


def keep(value: object) -> Any:  # noqa: ANN401 - JSON
    """A FEEL value as JSON that `read` gives back; TypeError for what no expression should yield here."""
    match value:
        case None | bool() | int() | str():
            return value
        case Decimal():
            return {_KIND: "number", _OF: f"{value:f}"}
        case datetime():
            return {_KIND: "moment", _OF: value.astimezone(TZ).isoformat()}
        case date():
            return {_KIND: "date", _OF: value.isoformat()}
        case list() | tuple():
            return [keep(part) for part in value]
        case Mapping():
            return {str(key): keep(value[key]) for key in value}
    raise TypeError(f"{type(value).__name__} cannot be kept")


def read(stored: Any) -> object:  # noqa: ANN401 - JSON
    """The FEEL value that was kept."""
    match stored:
        case {"=": "number", "of": str(text)}:
            return Decimal(text)
        case {"=": "moment", "of": str(text)}:
            return datetime.fromisoformat(text)
        case {"=": "date", "of": str(text)}:
            return date.fromisoformat(text)
        case list():
            return [read(part) for part in stored]
        case dict():
            return {key: read(part) for key, part in stored.items()}
    result: object = stored
    return result
