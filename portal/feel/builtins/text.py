"""FEEL's functions on text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time, timedelta
from decimal import Decimal

from portal.feel import temporal
from portal.feel.budget import Meter
from portal.feel.values import Months, elements, whole

_TO_THE_END = Decimal(10**15)


def string_length(meter: Meter, text: object) -> object:
    """string length(text): its number of characters."""
    return Decimal(len(text)) if isinstance(text, str) else None


def upper_case(meter: Meter, text: object) -> object:
    """upper case(text)."""
    return meter.text(text.upper()) if isinstance(text, str) else None


def lower_case(meter: Meter, text: object) -> object:
    """lower case(text)."""
    return meter.text(text.lower()) if isinstance(text, str) else None


def on_two_texts(decide: Callable[[str, str], object]) -> Callable[[Meter, object, object], object]:
    """A function of two texts, null for anything else."""

    def run(meter: Meter, text: object, part: object) -> object:
        if not isinstance(text, str) or not isinstance(part, str):
            return None
        meter.charge(len(text) // 100)
        return decide(text, part)

    return run


def before(text: str, part: str) -> str:
    """substring before(text, match)."""
    head, found, _ = text.partition(part) if part else ("", "", "")
    return head if found else ""


def after(text: str, part: str) -> str:
    """substring after(text, match)."""
    return text.partition(part)[2] if part else text


def substring(meter: Meter, text: object, start: object, length: object = _TO_THE_END) -> object:
    """substring(text, start, length): start from 1, or from the end if negative."""
    first, count = whole(start), whole(length)
    if not isinstance(text, str) or not first or count is None or count < 1:
        return None
    begin = first - 1 if first > 0 else len(text) + first
    return meter.text(text[begin : begin + count]) if 0 <= begin <= len(text) else None


def string_join(meter: Meter, texts: object, between: object = "") -> object:
    """string join(list, delimiter): nulls are left out."""
    parts = [part for part in elements(texts, meter) if part is not None]
    if texts is None or not isinstance(between, str):
        return None
    words = [part for part in parts if isinstance(part, str)]
    if len(words) < len(parts):
        return None
    meter.charge(sum(map(len, words)) // 100)
    return meter.text(between.join(words))


def string(meter: Meter, value: object) -> object:
    """string(from): the text of a scalar; null for lists and contexts."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case Decimal():
            return meter.text(format(value if value else abs(value), "f"))
        case date() | time() | timedelta() | Months():
            return temporal.written(value)
        case _:
            return None
