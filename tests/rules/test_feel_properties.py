"""What holds of every FEEL expression."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from portal import feel
from portal.feel import FeelError, FeelLimit, Scope, Signature
from portal.feel.values import DECIMAL

# The first example also builds the parser.
unhurried = settings(deadline=None)
FUNCTIONS = {"working days": Signature(2), "visits": Signature(1, by_name=True)}
numbers = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=4)
PIECES = [
    *("if", "then", "else", "for", "in", "return", "some", "every", "satisfies", "between", "and", "or"),
    *("true", "null", "a", "变更", "1", "2.5", '"x"', "(", ")", "[", "]", "{", "}", ",", ":", ".", ".."),
    *("+", "-", "*", "/", "**", "=", "!=", "<", ">=", "item", "count(", "not(", "date and time(", "visits("),
    *(
        "working days(",
        "string length(",
        'duration("P1D")',
        "1..3",
        "a.b",
        "[1..5)",
        "instance",
        "//",
        "/*",
        "\n",
    ),
]


def evaluated(text: str, **names: object) -> object:
    return feel.compile(text, FUNCTIONS).evaluate(Scope(names))


def refusal(text: str) -> FeelError | None:
    try:
        feel.compile(text, FUNCTIONS)
    except FeelError as error:
        return error
    return None


@unhurried
@given(numbers, numbers)
def test_arithmetic_is_that_of_decimals(a, b):
    assert evaluated("a + b", a=a, b=b) == DECIMAL.add(a, b)
    assert evaluated("a - b", a=a, b=b) == DECIMAL.subtract(a, b)
    assert evaluated("a * b", a=a, b=b) == DECIMAL.multiply(a, b)
    assert evaluated("a / b", a=a, b=b) == (DECIMAL.divide(a, b) if b else None)
    assert evaluated("a < b", a=a, b=b) is (a < b)
    assert evaluated("a = b", a=a, b=b) is (a == b)


@unhurried
@given(numbers, numbers.filter(bool))
def test_modulo_has_the_divisors_sign_and_completes_the_quotient(a, b):
    rest = evaluated("modulo(a, b)", a=a, b=b)
    assert rest == 0 or (rest < 0) == (b < 0)
    assert abs(rest) < abs(b)
    assert DECIMAL.remainder(a - rest, b) == 0


@unhurried
@given(numbers)
def test_a_number_is_read_as_it_is_written(a):
    assert evaluated(format(abs(a), "f")) == abs(a)
    assert evaluated("number(string(a))", a=a) == a


@unhurried
@given(st.text())
def test_a_text_is_read_as_it_is_quoted(text):
    quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    if len(quoted) < 1000:
        assert evaluated(f'"{quoted}"') == text


@unhurried
@given(st.dates(), st.timedeltas(timedelta(days=-4000), timedelta(days=4000)))
def test_dates_move_by_whole_days(day, by):
    try:
        wanted: date | None = day + timedelta(days=by.days)
    except OverflowError:
        wanted = None
    assert evaluated("day + by", day=day, by=by) == wanted


@unhurried
@given(st.datetimes(), st.timedeltas())
def test_moments_and_durations_are_read_as_they_are_written(moment, span):
    assert evaluated("date and time(string(m))", m=moment) == moment
    if abs(span.days) < 10**9 - 1:
        assert evaluated("duration(string(s))", s=span) == span


@unhurried
@given(st.lists(numbers, max_size=20), numbers)
def test_a_filter_keeps_what_passes_in_order(values, limit):
    assert evaluated("l[item > limit]", l=values, limit=limit) == [one for one in values if one > limit]


@unhurried
@given(st.lists(st.one_of(st.none(), st.booleans(), st.text(max_size=2), st.integers(0, 3)), max_size=12))
def test_distinct_values_are_pairwise_unequal_and_complete(values):
    found = evaluated("distinct values(l)", l=values)
    assert all(evaluated("list contains(f, x)", f=found, x=one) for one in values)
    assert all(evaluated("count(index of(f, x))", f=found, x=one) == 1 for one in found)


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=60))
def test_any_text_compiles_or_is_refused(text):
    error = refusal(text)
    assert error is None or (min(error.position) >= 1 and error.what and error.mend)


@settings(max_examples=800, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join))
def test_any_heap_of_pieces_compiles_or_is_refused_and_evaluates_or_is_stopped(text):
    scope = Scope({"a": {"b": [1, 2]}, "变更": datetime(2026, 1, 1)}, {"visits": len, "working days": lambda d, n: d})
    with suppress(FeelError, FeelLimit):
        feel.compile(text, FUNCTIONS).evaluate(scope)


def test_a_thousandth_of_a_cent_is_not_lost():
    assert evaluated("for i in 1..1000 return 0.00001").count(Decimal("0.00001")) == 1000
