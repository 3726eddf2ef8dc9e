"""FEEL's own functions beyond those that conditions use every day."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import feel
from portal.feel import Scope


def value(text: str, **names: object) -> object:
    return feel.compile(text).evaluate(Scope(names))


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("sqrt(16)", "4"),
        ("sqrt(-1)", "null"),
        ("exp(0)", "1"),
        ("log(1)", "0"),
        ("log(0)", "null"),
        ("even(-4)", "true"),
        ("odd(3)", "true"),
        ("odd(2)", "false"),
        ("even(1.5)", "false"),
        ('even("4")', "null"),
        ("product(2, 3, 4)", "24"),
        ("product([])", "null"),
        ('product([2, "3"])', "null"),
        ("median(8, 2, 5, 3, 4)", "4"),
        ("median([6, 1, 2, 3])", "2.5"),
        ("median([])", "null"),
        ("mode(6, 3, 9, 6, 6)", "[6]"),
        ("mode([6, 1, 9, 6, 1])", "[1, 6]"),
        ("mode([])", "[]"),
        ("mode(null)", "null"),
        ("stddev([2, 4, 7, 5]) > 2.08 and stddev(2, 4, 7, 5) < 2.09", "true"),
        ("stddev([1])", "null"),
        ("insert before([1, 3], 2, 2)", "[1, 2, 3]"),
        ("insert before([1, 3], -1, 2)", "[1, 2, 3]"),
        ("insert before([1], 3, 2)", "null"),
        ("remove([1, 2, 3], 2)", "[1, 3]"),
        ("remove([1, 2, 3], -1)", "[1, 2]"),
        ("remove([1], 0)", "null"),
        ("list replace([2, 4, 7], 3, 8)", "[2, 4, 8]"),
        ("union([1, 2], [2, 3])", "[1, 2, 3]"),
        ('get value({a: 1}, "a")', "1"),
        ('get value({a: 1}, "b")', "null"),
        ("get entries({a: 1})", '[{key: "a", value: 1}]'),
        ('context put({a: 1}, "b", 2)', "{a: 1, b: 2}"),
        ("context merge([{a: 1}, {a: 2, b: 3}])", "{a: 2, b: 3}"),
        ("context merge([1])", "null"),
        ("is(1, 1.0)", "true"),
        ('is(1, "1")', "false"),
        ("is(null, null)", "true"),
        ("is(null, 1)", "false"),
        ('day of year(date("2026-02-01"))', "32"),
        ('day of week(date("2026-11-22"))', '"Sunday"'),
        ('month of year(date("2026-11-22"))', '"November"'),
        ('week of year(date("2027-01-01"))', "53"),
        ('day of week("x")', "null"),
        ('years and months duration(date("2025-01-31"), date("2026-02-28"))', 'duration("P1Y")'),
        ('years and months duration(date("2026-02-28"), date("2025-01-31"))', '-duration("P1Y")'),
        ('years and months duration(date("2025-01-15"), date("2026-03-15"))', 'duration("P1Y2M")'),
        ("before(1, 2)", "true"),
        ("before([1..5), [5..6])", "true"),
        ("before([1..5], [5..6])", "false"),
        ("after(6, [1..5])", "true"),
        ("meets([1..5], [5..9])", "true"),
        ("meets([1..5), [5..9])", "false"),
        ("met by([5..9], [1..5])", "true"),
        ("overlaps([1..5], [3..9])", "true"),
        ("overlaps([1..5), [5..9])", "false"),
        ("overlaps before([1..5], [3..9])", "true"),
        ("overlaps before([3..9], [1..5])", "false"),
        ("overlaps after([3..9], [1..5])", "true"),
        ("includes([1..9], 5)", "true"),
        ("includes([1..9], [1..9))", "true"),
        ("includes([1..9), 9)", "false"),
        ("during(5, [1..9])", "true"),
        ("starts([1..5], [1..9])", "true"),
        ("starts(1, [1..9])", "true"),
        ("starts(1, (1..9])", "false"),
        ("started by([1..9], 1)", "true"),
        ("finishes(9, [1..9])", "true"),
        ("finished by([1..9), 9)", "false"),
        ("coincides([1..9], [1..9])", "true"),
        ("coincides([1..9), [1..9])", "false"),
        ("meets(1, 2)", "null"),
        ('before(1, "2")', "null"),
    ],
)
def test_what_a_function_gives(text, same):
    found, wanted = value(text), value(same)
    assert (type(found), found) == (type(wanted), wanted)


ends = st.integers(0, 4)
ranges = st.tuples(ends, ends, st.booleans(), st.booleans()).filter(lambda r: r[0] < r[1])


def members(low: int, high: int, low_in: bool, high_in: bool) -> set[Decimal]:
    halves = {Decimal(n) / 2 for n in range(2 * low, 2 * high + 1)}
    return halves - ({Decimal(low)} if not low_in else set()) - ({Decimal(high)} if not high_in else set())


def text(low: int, high: int, low_in: bool, high_in: bool) -> str:
    return f"{'[' if low_in else '('}{low}..{high}{']' if high_in else ')'}"


@given(ranges, ranges)
def test_relations_of_ranges_are_those_of_their_members(one, other):
    left, right = members(*one), members(*other)
    pair = f"({text(*one)}, {text(*other)})"
    assert value(f"before{pair}") is (max(left) < min(right))
    assert value(f"after{pair}") is (min(left) > max(right))
    assert value(f"overlaps{pair}") is bool(left & right)
    assert value(f"includes{pair}") is (left >= right)
    assert value(f"during{pair}") is (left <= right)
    assert value(f"coincides{pair}") is (left == right)
