"""What + - * / ** do with each pair of kinds; every other pair, and what has no result, gives null."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation, Overflow
from decimal import DivisionByZero as NoDivisor
from typing import Any

from portal.feel import temporal
from portal.feel.budget import Meter
from portal.feel.errors import FeelLimit
from portal.feel.values import DECIMAL, Months, kind

_Operation = Callable[[Any, Any], object]


def _later(moment: date, by: timedelta) -> date:
    return moment + by


def _earlier(moment: date, by: timedelta) -> date:
    return moment - by


def _back(moment: date, by: Months) -> date | None:
    return temporal.moved(moment, Months(-by.count))


def _sum_of_months(left: Months, right: Months) -> Months | None:
    return temporal.bounded(Decimal(left.count + right.count))


def _difference_of_months(left: Months, right: Months) -> Months | None:
    return temporal.bounded(Decimal(left.count - right.count))


def _difference_of_times(left: time, right: time) -> timedelta:
    day = date(2000, 1, 1)
    return temporal.between(datetime.combine(day, left), datetime.combine(day, right))


def _text_sum(left: str, right: str) -> str:
    return left + right


def _power(base: Decimal, exponent: Decimal) -> Decimal:
    # 0 to a negative power is a division by zero, which decimal's power does not signal.
    return DECIMAL.divide(Decimal(1), base) if not base and exponent < 0 else DECIMAL.power(base, exponent)


def _swapped(operation: _Operation) -> _Operation:
    return lambda left, right: operation(right, left)


_ADD: Mapping[tuple[str, str], _Operation] = {
    ("number", "number"): DECIMAL.add,
    ("text", "text"): _text_sum,
    ("date", "span"): _later,
    ("span", "date"): _swapped(_later),
    ("moment", "span"): _later,
    ("span", "moment"): _swapped(_later),
    ("date", "months"): temporal.moved,
    ("months", "date"): _swapped(temporal.moved),
    ("moment", "months"): temporal.moved,
    ("months", "moment"): _swapped(temporal.moved),
    ("time", "span"): temporal.shifted,
    ("span", "time"): _swapped(temporal.shifted),
    ("span", "span"): lambda left, right: left + right,
    ("months", "months"): _sum_of_months,
}
_SUBTRACT: Mapping[tuple[str, str], _Operation] = {
    ("number", "number"): DECIMAL.subtract,
    ("date", "span"): _earlier,
    ("moment", "span"): _earlier,
    ("date", "months"): _back,
    ("moment", "months"): _back,
    ("time", "span"): lambda at, by: temporal.shifted(at, -by),
    ("date", "date"): temporal.between,
    ("moment", "moment"): temporal.between,
    ("date", "moment"): temporal.between,
    ("moment", "date"): temporal.between,
    ("time", "time"): _difference_of_times,
    ("span", "span"): lambda left, right: left - right,
    ("months", "months"): _difference_of_months,
}
_MULTIPLY: Mapping[tuple[str, str], _Operation] = {
    ("number", "number"): DECIMAL.multiply,
    ("span", "number"): temporal.times,
    ("number", "span"): _swapped(temporal.times),
    ("months", "number"): temporal.times,
    ("number", "months"): _swapped(temporal.times),
}
_DIVIDE: Mapping[tuple[str, str], _Operation] = {
    ("number", "number"): DECIMAL.divide,
    ("span", "number"): temporal.divided,
    ("months", "number"): temporal.divided,
    ("span", "span"): temporal.ratio,
    ("months", "months"): temporal.ratio,
}
_OPERATIONS: Mapping[str, Mapping[tuple[str, str], _Operation]] = {
    "+": _ADD,
    "-": _SUBTRACT,
    "*": _MULTIPLY,
    "/": _DIVIDE,
    "**": {("number", "number"): _power},
}


def apply(sign: str, left: object, right: object, meter: Meter) -> object:
    """`left sign right`; null for a pair of kinds it is not defined for; FeelLimit for a number too large."""
    operation = _OPERATIONS[sign].get((kind(left), kind(right)))
    if operation is None:
        return None
    result = defined(operation, left, right)
    return meter.text(result) if isinstance(result, str) else result


def takes(sign: str, left: str, right: str) -> bool:
    """Whether an operator is defined for a pair of kinds."""
    return (left, right) in _OPERATIONS[sign]


def defined(operation: Callable[..., object], *operands: object) -> object:
    """The result of an operation on numbers or dates; null where mathematics or the calendar has none."""
    try:
        return operation(*operands)
    except Overflow as error:
        raise FeelLimit("数字过大或过小") from error
    except (InvalidOperation, NoDivisor, OverflowError):
        return None


def negated(value: object) -> object:
    """`-value` for a number or a duration, else null."""
    match value:
        case Decimal():
            return DECIMAL.minus(value)
        case timedelta():
            return defined(timedelta.__neg__, value)
        case Months():
            return Months(-value.count)
        case _:
            return None
