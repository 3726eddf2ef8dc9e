"""JSON from outside: its numbers are exact, and none is longer than can be worked with."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

MOST_DIGITS = 1000
"""So many digits may a number have when it is written out: to work with `1e999999999` would take hours."""


def loads(text: str) -> Any:  # noqa: ANN401 - JSON
    """The value of a JSON text, with Decimals for numbers that are not whole; ValueError, or RecursionError when it is
    nested too deeply."""
    return json.loads(text, parse_float=_decimal, parse_int=_whole, parse_constant=_no_number)


def _decimal(text: str) -> Decimal:
    _, _, exponent = text.lower().partition("e")
    if len(exponent) > len(str(MOST_DIGITS)) + 1 or abs(int(exponent or "0")) > MOST_DIGITS:
        raise _too_long()
    return Decimal(_short(text))


def _whole(text: str) -> int:
    return int(_short(text))


def _short(text: str) -> str:
    if len(text) > MOST_DIGITS:
        raise _too_long()
    return text


def _too_long() -> ValueError:
    return ValueError(f"a number has more than {MOST_DIGITS} digits")


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")
