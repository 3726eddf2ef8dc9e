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
from portal.feel.builtins import lists, numbers, text, times

# A text cannot hold more arguments than characters.
_ANY = range(1, MAX_TEXT)
_ONE = (1,)
_TWO = (2,)


@dataclass(frozen=True)
class Builtin:
    """A function of the language, called with the meter and its arguments, of which it takes `counts`."""

    run: Callable[..., object]
    counts: Collection[int]


def _not(meter: Meter, value: object) -> object:
    return not value if isinstance(value, bool) else None


def _is_defined(meter: Meter, value: object) -> object:
    return value is not None


BUILTINS: Mapping[str, Builtin] = {
    "not": Builtin(_not, _ONE),
    "is defined": Builtin(_is_defined, _ONE),
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
    "count": Builtin(lists.count, _ONE),
    "sum": Builtin(lists.total, _ANY),
    "mean": Builtin(lists.mean, _ANY),
    "min": Builtin(lists.extreme(-1), _ANY),
    "max": Builtin(lists.extreme(1), _ANY),
    "all": Builtin(lists.every, _ANY),
    "any": Builtin(lists.some, _ANY),
    "append": Builtin(lists.append, _ANY[1:]),
    "concatenate": Builtin(lists.concatenate, _ANY),
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
}

# They read a date, time or duration from a text; a constant text is read when the expression is compiled.
CONSTRUCTORS = frozenset({"date", "time", "date and time", "duration"})
