"""FEEL's own functions: their names, how many arguments they take, and what they do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
)

from portal.feel.budget import MAX_TEXT, Meter
from portal.feel.builtins import contexts, lists, numbers, ranges, text, times
from portal.feel.values import equal, kind

# A text cannot hold more arguments than characters.
_ANY = range(1, MAX_TEXT)
_ONE = (1,)
_TWO = (2,)
_THREE = (3,)


@dataclass(frozen=True)
class Builtin:
    """A function of the language, called with the meter and its arguments, of which it takes `counts`."""

    run: Callable[..., object]
    counts: Collection[int]


def _not(meter: Meter, value: object) -> object:
    return not value if isinstance(value, bool) else None


def _is_defined(meter: Meter, value: object) -> object:
    return value is not None


def _is(meter: Meter, left: object, right: object) -> object:
    """is(a, b): whether both are the same value of the same kind; never null."""
    return kind(left) == kind(right) and equal(left, right, meter) is True


BUILTINS: Mapping[str, Builtin] = {
    "not": Builtin(_not, _ONE),
    "is defined": Builtin(_is_defined, _ONE),
    "is": Builtin(_is, _TWO),
    "string": Builtin(text.string, _ONE),
    "string length": Builtin(text.string_length, _ONE),
    "string join": Builtin(text.string_join, (1, 2)),
    "upper case": Builtin(text.upper_case, _ONE),
    "lower case": Builtin(text.lower_case, _ONE),
    "substring": Builtin(text.substring, (2, 3)),
    "substring before": Builtin(text.on_two_texts(text.before), _TWO),
    "substring after": Builtin(text.on_two_texts(text.after), _TWO),
    "contains": Builtin(text.on_two_texts(str.__contains__), _TWO),
    "starts with": Builtin(text.on_two_texts(str.startswith), _TWO),
    "ends with": Builtin(text.on_two_texts(str.endswith), _TWO),
    "number": Builtin(numbers.number, (1, 3)),
    "abs": Builtin(numbers.absolute, _ONE),
    "floor": Builtin(numbers.rounding(ROUND_FLOOR), (1, 2)),
    "ceiling": Builtin(numbers.rounding(ROUND_CEILING), (1, 2)),
    "decimal": Builtin(numbers.rounding(ROUND_HALF_EVEN), _TWO),
    "round up": Builtin(numbers.rounding(ROUND_UP), _TWO),
    "round down": Builtin(numbers.rounding(ROUND_DOWN), _TWO),
    "round half up": Builtin(numbers.rounding(ROUND_HALF_UP), _TWO),
    "round half down": Builtin(numbers.rounding(ROUND_HALF_DOWN), _TWO),
    "modulo": Builtin(numbers.modulo, _TWO),
    "sqrt": Builtin(numbers.square_root, _ONE),
    "exp": Builtin(numbers.exponential, _ONE),
    "log": Builtin(numbers.logarithm, _ONE),
    "even": Builtin(numbers.parity(0), _ONE),
    "odd": Builtin(numbers.parity(1), _ONE),
    "count": Builtin(lists.count, _ONE),
    "sum": Builtin(lists.total, _ANY),
    "mean": Builtin(lists.mean, _ANY),
    "min": Builtin(lists.extreme(-1), _ANY),
    "max": Builtin(lists.extreme(1), _ANY),
    "product": Builtin(lists.product, _ANY),
    "median": Builtin(lists.median, _ANY),
    "mode": Builtin(lists.mode, _ANY),
    "stddev": Builtin(lists.deviation, _ANY),
    "all": Builtin(lists.every, _ANY),
    "any": Builtin(lists.some, _ANY),
    "append": Builtin(lists.append, _ANY[1:]),
    "concatenate": Builtin(lists.concatenate, _ANY),
    "insert before": Builtin(lists.insert_before, _THREE),
    "remove": Builtin(lists.remove, _TWO),
    "list replace": Builtin(lists.replace_at, _THREE),
    "union": Builtin(lists.union, _ANY),
    "distinct values": Builtin(lists.distinct_values, _ONE),
    "list contains": Builtin(lists.list_contains, _TWO),
    "index of": Builtin(lists.index_of, _TWO),
    "sublist": Builtin(lists.sublist, (2, 3)),
    "reverse": Builtin(lists.reverse, _ONE),
    "flatten": Builtin(lists.flatten, _ONE),
    "date": Builtin(times.make_date, (1, 3)),
    "time": Builtin(times.make_time, (1, 3)),
    "date and time": Builtin(times.make_moment, (1, 2)),
    "duration": Builtin(times.make_duration, _ONE),
    "years and months duration": Builtin(times.months_between, _TWO),
    "day of year": Builtin(times.on_day(times.day_of_year), _ONE),
    "day of week": Builtin(times.on_day(times.day_of_week), _ONE),
    "month of year": Builtin(times.on_day(times.month_of_year), _ONE),
    "week of year": Builtin(times.on_day(times.week_of_year), _ONE),
    "get value": Builtin(contexts.get_value, _TWO),
    "get entries": Builtin(contexts.get_entries, _ONE),
    "context put": Builtin(contexts.put, _THREE),
    "context merge": Builtin(contexts.merge, _ONE),
    **{name: Builtin(run, _TWO) for name, run in ranges.RELATIONS.items()},
}

# They read a date, time or duration from a text; a constant text is read when the expression is compiled.
CONSTRUCTORS = frozenset({"date", "time", "date and time", "duration"})
