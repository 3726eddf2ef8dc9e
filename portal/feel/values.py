"""What a FEEL value is: the plain data that expressions see, its kinds, equality and order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from types import NoneType
from typing import Any, TypeAlias, cast

from portal.clock import TZ
from portal.feel.budget import Meter
from portal.feel.errors import FeelLimit, FeelScope

# IEEE 754 decimal128: 34 digits, exponents to 6144.
EXPONENT = 6144
DECIMAL = Context(prec=34, Emin=1 - EXPONENT, Emax=EXPONENT, traps=[InvalidOperation, DivisionByZero, Overflow])
# An integer of more bits lies beyond 10^EXPONENT; asked before it is converted, which takes quadratic time.
_INTEGER_BITS = 20_500


@dataclass(frozen=True, slots=True)
class Months:
    """A years and months duration, as a number of months."""

    count: int


@dataclass(frozen=True, slots=True)
class Range:
    """All values between two of one kind, each end in or out."""

    low: object
    high: object
    low_included: bool
    high_included: bool


Value: TypeAlias = (
    "bool | str | Decimal | date | time | timedelta | Months | Range | list[Value] | dict[str, Value] | None"
)

KINDS: Mapping[type, str] = {
    NoneType: "null",
    bool: "boolean",
    str: "text",
    Decimal: "number",
    date: "date",
    datetime: "moment",
    time: "time",
    timedelta: "span",
    Months: "months",
    Range: "range",
    list: "list",
    tuple: "list",
    dict: "context",
}

IN_WORDS: Mapping[str, str] = {
    "text": "文字",
    "number": "数字",
    "boolean": "是否",
    "date": "日期",
    "time": "时刻",
    "moment": "日期时间",
    "span": "天时长度",
    "months": "年月长度",
    "list": "列表",
    "context": "一组值",
    "range": "范围",
    "null": "空值",
}
"""What people read for each kind."""


def kind(value: object) -> str:
    """The kind of a value that went through `plain`."""
    return KINDS.get(type(value), "context")


def plain(value: object) -> object:
    """The FEEL value of what a scope holds, one level deep; anything but plain data is refused untouched."""
    if type(value) is Decimal:
        return number(value)
    if type(value) is datetime:
        return _at_home(value)
    return value if type(value) in KINDS else _adopt(value)


def _adopt(value: object) -> object:
    # `issubclass(type(…))`, for `isinstance` would ask the unknown object for its `__class__`.
    of = type(value)
    if issubclass(of, int):
        return integer(cast(int, value))
    if issubclass(of, str):
        return str.__str__(cast(str, value))
    if issubclass(of, Mapping):
        return value
    if issubclass(of, list | tuple):
        return list(cast(Sequence[object], value))
    raise FeelScope(f"“{of.__name__}”不是表达式可以使用的数据")


def _at_home(moment: datetime) -> datetime:
    # Stored moments come in any zone; their day and hour are those of Asia/Shanghai.
    if moment.tzinfo is None or moment.tzinfo is TZ:
        return moment
    try:
        return moment.astimezone(TZ)
    except OverflowError:
        return moment


def number(value: Decimal) -> Decimal:
    """A number as decimal128 holds it; FeelLimit beyond its magnitude, FeelScope for NaN and infinity."""
    if not value.is_finite():
        raise FeelScope("数字不是有限的")
    try:
        return DECIMAL.plus(value)
    except Overflow as error:
        raise FeelLimit("数字过大或过小") from error


def integer(value: int) -> Decimal:
    """A Python integer as a number."""
    if value.bit_length() > _INTEGER_BITS:
        raise FeelLimit("数字过大或过小")
    return number(Decimal(int(value)))


def whole(value: object) -> int | None:
    """The integer that a number is; null if it is not one, or too large to count anything with."""
    if not isinstance(value, Decimal) or value.adjusted() > 18 or value != value.to_integral_value():
        return None
    return int(value)


def elements(value: object, meter: Meter) -> list[object]:
    """A list's elements as FEEL values; null is no element, any other value the only one."""
    if isinstance(value, list | tuple):
        meter.charge(len(value))
        return [plain(element) for element in value]
    return [] if value is None else [value]


def member(context: Mapping[str, object], key: str) -> object:
    """An entry of a context; null where there is none."""
    try:
        return plain(context[key])
    except KeyError:
        return None


def ordinal(value: object) -> Any:  # noqa: ANN401 - of one kind all are comparable, which no type can say
    """What orders a value among its kind; None for kinds without order."""
    match value:
        case bool() | None:
            return None
        case Decimal() | str() | timedelta():
            return value
        case datetime():
            return instant(value)
        case date():
            return value.toordinal()
        case time():
            return _since_midnight(value)
        case Months():
            return value.count
        case _:
            return None


def instant(moment: datetime) -> timedelta:
    """A moment as the time since 1970 in UTC; one without a zone is meant in Asia/Shanghai."""
    placed = moment if moment.tzinfo else moment.replace(tzinfo=TZ)
    offset = placed.utcoffset() or timedelta(0)
    return placed.replace(tzinfo=None) - datetime(1970, 1, 1) - offset


def _since_midnight(moment: time) -> timedelta:
    zone = moment.utcoffset() if moment.tzinfo else timedelta(hours=8)
    at = timedelta(hours=moment.hour, minutes=moment.minute, seconds=moment.second, microseconds=moment.microsecond)
    return at - (zone or timedelta(0))


def order(left: object, right: object) -> int | None:
    """-1, 0 or 1; None (null) for null, for different kinds and for kinds without order."""
    if type(left) is not type(right):
        return None
    first, second = ordinal(left), ordinal(right)
    if first is None or second is None:
        return None
    compared: int = (first > second) - (first < second)
    return compared


def equal(left: object, right: object, meter: Meter, depth: int = 0) -> bool | None:
    """Equality with null: null equals only null; values of different kinds give null."""
    meter.charge(1)
    if left is None or right is None:
        return left is right
    if kind(left) != kind(right):
        return None
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return _equal_lists(left, right, meter, meter.deeper(depth))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return _equal_contexts(left, right, meter, meter.deeper(depth))
    if isinstance(left, bool | Range):
        return left == right
    return bool(ordinal(left) == ordinal(right))


def _equal_lists(left: Sequence[object], right: Sequence[object], meter: Meter, depth: int) -> bool | None:
    if len(left) != len(right):
        return False
    return conjunction(equal(plain(one), plain(other), meter, depth) for one, other in zip(left, right, strict=True))


def _equal_contexts(left: Mapping[str, object], right: Mapping[str, object], meter: Meter, depth: int) -> bool | None:
    meter.charge(len(left) + len(right))
    if set(left) != set(right):
        return False
    return conjunction(equal(member(left, key), member(right, key), meter, depth) for key in left)


def conjunction(values: Iterable[object]) -> bool | None:
    """`and` over three values: false as soon as one is false, null if one is neither true nor false."""
    result: bool | None = True
    for value in values:
        if value is False:
            return False
        if value is not True:
            result = None
    return result


def disjunction(values: Iterable[object]) -> bool | None:
    """`or` over three values: true as soon as one is true, null if one is neither true nor false."""
    result: bool | None = False
    for value in values:
        if value is True:
            return True
        if value is not False:
            result = None
    return result


def identity(value: object, meter: Meter, depth: int = 0) -> object:
    """A hashable stand-in: two values have the same one exactly if they are equal."""
    meter.charge(1)
    if isinstance(value, list | tuple):
        down = meter.deeper(depth)
        return "list", tuple(identity(plain(element), meter, down) for element in value)
    if isinstance(value, Mapping):
        down = meter.deeper(depth)
        return "context", frozenset((key, identity(member(value, key), meter, down)) for key in value)
    return kind(value), value if value is None or isinstance(value, bool | Range) else ordinal(value)


def delivered(value: object, meter: Meter, depth: int = 0) -> Value:
    """A value as it leaves the evaluation: plain through and through, in dicts and lists of its own."""
    meter.charge(1)
    if isinstance(value, list | tuple):
        down = meter.deeper(depth)
        return [delivered(plain(element), meter, down) for element in value]
    if isinstance(value, Mapping):
        down = meter.deeper(depth)
        return {_key(key): delivered(member(value, key), meter, down) for key in value}
    return cast(Value, value)


def _key(key: object) -> str:
    if type(key) is not str:
        raise FeelScope("上下文的键不是文本")
    return key
