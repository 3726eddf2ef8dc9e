"""FEEL's functions on numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from portal.feel.budget import Meter
from portal.feel.operators import defined, negated
from portal.feel.values import DECIMAL, EXPONENT, Months, whole

_NUMBER = re.compile(r"-?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)


def number(meter: Meter, value: object, grouping: object = None, point: object = ".") -> object:
    """number(from, grouping, point): the number that a text says."""
    if isinstance(value, Decimal):
        return value
    if grouping not in (None, " ", ",", ".") or point not in (".", ",") or grouping == point:
        return None
    if not isinstance(value, str):
        return None
    meter.charge(len(value) // 100)
    text = value.replace(grouping, "") if isinstance(grouping, str) else value
    if point == ",":
        # A full stop that is neither separator makes the text no number.
        text = text.replace(".", "?").replace(",", ".")
    return defined(DECIMAL.create_decimal, text) if _NUMBER.fullmatch(text) else None


def absolute(meter: Meter, value: object) -> object:
    """abs(number or duration)."""
    match value:
        case Decimal():
            return DECIMAL.abs(value)
        case timedelta():
            return negated(value) if value < timedelta(0) else value
        case Months():
            return Months(abs(value.count))
        case _:
            return None


def rounding(mode: str) -> Callable[..., object]:
    """A function (number, scale) that rounds in one of decimal's modes."""

    def run(meter: Meter, value: object, scale: object = Decimal(0)) -> object:
        places = whole(scale)
        if not isinstance(value, Decimal) or places is None or abs(places) > EXPONENT:
            return None
        exponent = value.as_tuple().exponent
        # With fewer decimals than asked for there is nothing to round.
        if isinstance(exponent, int) and -exponent <= places:
            return value
        return defined(lambda: value.quantize(Decimal((0, (1,), -places)), mode, DECIMAL))

    return run


def modulo(meter: Meter, dividend: object, divisor: object) -> object:
    """modulo(dividend, divisor): has the divisor's sign."""
    if not isinstance(dividend, Decimal) or not isinstance(divisor, Decimal):
        return None
    rest = defined(DECIMAL.remainder, dividend, divisor)
    # FEEL's modulo has the divisor's sign, Decimal's remainder the dividend's.
    if isinstance(rest, Decimal) and rest and (rest < 0) != (divisor < 0):
        return DECIMAL.add(rest, divisor)
    return rest


def square_root(meter: Meter, value: object) -> object:
    """sqrt(number); null below 0."""
    return defined(DECIMAL.sqrt, value) if isinstance(value, Decimal) else None


def exponential(meter: Meter, value: object) -> object:
    """exp(number)."""
    return defined(DECIMAL.exp, value) if isinstance(value, Decimal) else None


def logarithm(meter: Meter, value: object) -> object:
    """log(number): the natural one; null for 0 and below."""
    return defined(DECIMAL.ln, value) if isinstance(value, Decimal) and value > 0 else None


def parity(rest: int) -> Callable[[Meter, object], object]:
    """even (0) or odd (1) of a number."""

    def run(meter: Meter, value: object) -> object:
        return modulo(meter, value, Decimal(2)) == rest if isinstance(value, Decimal) else None

    return run
