"""FEEL's functions on lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from portal.feel.budget import Meter
from portal.feel.operators import apply, defined
from portal.feel.values import (
    DECIMAL,
    Months,
    conjunction,
    disjunction,
    elements,
    equal,
    identity,
    integer,
    order,
    plain,
    whole,
)

_TO_THE_END = Decimal(10**15)


def _given(meter: Meter, values: tuple[object, ...]) -> list[object] | None:
    """The elements of a function that takes one list or several values; None for null."""
    if len(values) > 1:
        return list(values)
    return None if values[0] is None else elements(values[0], meter)


def count(meter: Meter, of: object) -> object:
    """count(list)."""
    if of is None:
        return None
    return integer(len(of)) if isinstance(of, list | tuple) else Decimal(1)


def total(meter: Meter, *values: object) -> object:
    """sum(list or values): of numbers or durations; null for none."""
    summands = _given(meter, values)
    if not summands or not all(isinstance(one, Decimal | timedelta | Months) for one in summands):
        return None
    total = summands[0]
    for one in summands[1:]:
        total = apply("+", total, one, meter)
    return total


def mean(meter: Meter, *values: object) -> object:
    """mean(list or values)."""
    summands = _given(meter, values)
    return apply("/", total(meter, summands), Decimal(len(summands)), meter) if summands else None


def extreme(sign: int) -> Callable[..., object]:
    """min (-1) or max (1) of a list or values of one kind."""

    def run(meter: Meter, *values: object) -> object:
        candidates = _given(meter, values)
        if not candidates or order(candidates[0], candidates[0]) is None:
            return None
        best = candidates[0]
        for one in candidates[1:]:
            compared = order(one, best)
            if compared is None:
                return None
            best = one if compared == sign else best
        return best

    return run


def every(meter: Meter, *values: object) -> object:
    """all(list or values), three-valued."""
    given = _given(meter, values)
    return None if given is None else conjunction(given)


def some(meter: Meter, *values: object) -> object:
    """any(list or values), three-valued."""
    given = _given(meter, values)
    return None if given is None else disjunction(given)


def append(meter: Meter, to: object, *more: object) -> object:
    """append(list, values)."""
    return None if to is None else meter.list([*elements(to, meter), *more])


def concatenate(meter: Meter, *lists: object) -> object:
    """concatenate(lists)."""
    joined: list[object] = []
    for one in lists:
        if one is None:
            return None
        joined += elements(one, meter)
        meter.room(len(joined))
    return joined


def distinct_values(meter: Meter, of: object) -> object:
    """distinct values(list): the first of each, in order."""
    if of is None:
        return None
    first: dict[object, object] = {}
    for element in elements(of, meter):
        first.setdefault(identity(element, meter), element)
    return meter.list(list(first.values()))


def list_contains(meter: Meter, of: object, wanted: object) -> object:
    """list contains(list, element)."""
    if of is None:
        return None
    return any(equal(element, wanted, meter) is True for element in elements(of, meter))


def index_of(meter: Meter, of: object, wanted: object) -> object:
    """index of(list, element): the positions from 1."""
    if of is None:
        return None
    found = enumerate(elements(of, meter), 1)
    return meter.list([integer(at) for at, element in found if equal(element, wanted, meter) is True])


def sublist(meter: Meter, of: object, start: object, length: object = _TO_THE_END) -> object:
    """sublist(list, start, length): start from 1, or from the end if negative."""
    first, count = whole(start), whole(length)
    if of is None or not first or count is None or count < 0:
        return None
    values = elements(of, meter)
    begin = first - 1 if first > 0 else len(values) + first
    return meter.list(values[begin : begin + count]) if 0 <= begin <= len(values) else None


def reverse(meter: Meter, of: object) -> object:
    """reverse(list)."""
    return None if of is None else meter.list(elements(of, meter)[::-1])


def flatten(meter: Meter, of: object) -> object:
    """flatten(list): without the lists in it, at any depth."""
    if of is None:
        return None
    flat: list[object] = []
    _flatten_into(flat, elements(of, meter), meter, 0)
    return meter.list(flat)


def _flatten_into(flat: list[object], values: list[object], meter: Meter, depth: int) -> None:
    for value in values:
        if isinstance(value, list | tuple):
            _flatten_into(flat, elements(value, meter), meter, meter.deeper(depth))
        else:
            flat.append(plain(value))
            meter.room(len(flat))


def product(meter: Meter, *values: object) -> object:
    """product(list or values): of numbers; null for none."""
    factors = _numbers(meter, values)
    if not factors:
        return None
    result: object = factors[0]
    for one in factors[1:]:
        result = apply("*", result, one, meter)
    return result


def median(meter: Meter, *values: object) -> object:
    """median(list or values): of numbers; null for none."""
    ordered = sorted(_numbers(meter, values))
    if not ordered:
        return None
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return apply("/", apply("+", ordered[middle - 1], ordered[middle], meter), Decimal(2), meter)


def mode(meter: Meter, *values: object) -> object:
    """mode(list or values): the most frequent numbers, in ascending order."""
    given = _given(meter, values)
    numbers = _numbers(meter, values)
    if given is None or len(numbers) < len(given):
        return None
    counted = Counter(numbers)
    most = max(counted.values(), default=0)
    frequent: list[object] = [*sorted(number for number, times in counted.items() if times == most)]
    return meter.list(frequent)


def deviation(meter: Meter, *values: object) -> object:
    """stddev(list or values): of a sample of at least two numbers."""
    numbers = _numbers(meter, values)
    if len(numbers) < 2:
        return None
    average = mean(meter, numbers)
    distances = [apply("-", one, average, meter) for one in numbers]
    squares = total(meter, [apply("*", one, one, meter) for one in distances])
    variance = apply("/", squares, Decimal(len(numbers) - 1), meter)
    return defined(DECIMAL.sqrt, variance) if isinstance(variance, Decimal) else None


def _numbers(meter: Meter, values: tuple[object, ...]) -> list[Decimal]:
    """The numbers given; none unless all are."""
    given = _given(meter, values) or []
    numbers = [one for one in given if isinstance(one, Decimal)]
    return numbers if len(numbers) == len(given) else []


def _place(position: object, length: int) -> int | None:
    """The index of a position, from 1 or from the end; None outside."""
    at = whole(position)
    if not at or abs(at) > length:
        return None
    return at - 1 if at > 0 else length + at


def insert_before(meter: Meter, of: object, position: object, new: object) -> object:
    """insert before(list, position, new)."""
    values = elements(of, meter)
    at = _place(position, len(values))
    return None if of is None or at is None else meter.list([*values[:at], new, *values[at:]])


def remove(meter: Meter, of: object, position: object) -> object:
    """remove(list, position)."""
    values = elements(of, meter)
    at = _place(position, len(values))
    return None if of is None or at is None else meter.list(values[:at] + values[at + 1 :])


def replace_at(meter: Meter, of: object, position: object, new: object) -> object:
    """list replace(list, position, new)."""
    values = elements(of, meter)
    at = _place(position, len(values))
    return None if of is None or at is None else meter.list([*values[:at], new, *values[at + 1 :]])


def union(meter: Meter, *lists: object) -> object:
    """union(lists): all elements, each once."""
    return distinct_values(meter, concatenate(meter, *lists))
