"""Unary tests of a table's cells, and names that are no single words."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import feel
from portal.feel import FeelError, Scope
from portal.feel.expression import compile_tests


def passes(tests: str, value: object, **names: object) -> object:
    return compile_tests(tests).evaluate(Scope({"?": value, **names}))


@pytest.mark.parametrize(
    ("tests", "value", "passed"),
    [
        ("-", None, True),
        ("-", Decimal(3), True),
        (" - ", "x", True),
        ("-5", Decimal(-5), True),
        ("-5", Decimal(5), False),
        ('"甲"', "甲", True),
        ('"甲"', "乙", False),
        ('"甲", "乙"', "乙", True),
        ('not("甲", "乙")', "乙", False),
        ('not("甲", "乙")', "丙", True),
        ('not("甲")', "丙", True),
        ('not("甲")', None, True),
        ("not(< 5)", Decimal(5), True),
        ("not(< 5)", None, None),
        ("not([1..5), > 9)", Decimal(7), True),
        ("not([1..5), > 9)", Decimal(10), False),
        ("[1..5)", Decimal(1), True),
        ("[1..5)", Decimal(5), False),
        ("]1..5[", Decimal(1), False),
        ("]1..5[, 9", Decimal(9), True),
        ("< 5", Decimal(4), True),
        ("<= 5, > 10", Decimal(7), False),
        ("= 5", Decimal(5), True),
        ("!= 5", Decimal(5), False),
        ("< 5", None, None),
        ("< 5", "4", None),
        ("true", True, True),
        ("true", False, False),
        ("false", False, True),
        ("null", None, True),
        ("null", Decimal(0), False),
        ("? > 3 and ? < 9", Decimal(4), True),
        ("? > 3 and ? < 9", Decimal(9), False),
        ('contains(?, "乙")', "甲乙", True),
        ('not(contains(?, "乙"))', "甲乙", False),
        ('not("甲") or ? = "甲"', "甲", True),
        ("? > 1, -3", Decimal(-3), True),
        ('> date("2026-01-01")', date(2026, 1, 2), True),
        ('[date("2026-01-01")..date("2026-01-31")]', date(2026, 2, 1), False),
        ("[1, 2, 3]", Decimal(2), True),
        ("count(?) > 1", [Decimal(1), Decimal(2)], True),
    ],
)
def test_a_cell_asks_of_its_value(tests, value, passed):
    assert passes(tests, value) is passed


def test_a_cell_may_name_what_else_there_is():
    assert passes("< limit", Decimal(4), limit=5) is True
    assert passes("list", Decimal(2), list=[1, 2]) is True
    assert passes("[low..high]", Decimal(2), low=1, high=2) is True
    assert compile_tests("< limit.of, ? = other").paths == {("limit", "of"), ("other",)}


@pytest.mark.parametrize(
    ("text", "column", "what"),
    [
        ("", 1, "没有写完"),
        ("-, 5", 2, "此处不能是“,”"),
        ("not()", 5, "此处不能是“)”"),
        ("5 6", 3, "此处不能是“6”"),
        ('"甲"，"乙"', 4, "全角符号“，”"),
        ("> 5 and < 9", 5, "此处不能是“and”"),
    ],
)
def test_a_cell_outside_the_subset_is_refused_with_its_place(text, column, what):
    with pytest.raises(FeelError) as refused:
        compile_tests(text)
    assert refused.value.position == (1, column)
    assert what in refused.value.what


def test_a_question_mark_stands_in_cells_only():
    with pytest.raises(FeelError) as refused:
        feel.compile("? > 1")
    assert refused.value.mend == "问号只用于决策表，这里写出名称"


numbers = st.integers(-9, 9)


@given(numbers, numbers, numbers)
def test_a_cell_says_the_same_as_the_condition_it_stands_for(value, low, high):
    scope = Scope({"?": value, "x": value})
    for cell, condition in (
        (f"[{low}..{high}]", f"x >= {low} and x <= {high}"),
        (f"({low}..{high})", f"x > {low} and x < {high}"),
        (f"< {low}, > {high}", f"x < {low} or x > {high}"),
        (f"not({low}, {high})", f"x != {low} and x != {high}"),
        (f"not(>= {low})", f"x < {low}"),
    ):
        assert compile_tests(cell).evaluate(scope) is feel.compile(condition).evaluate(scope)


NAMES = ["Full Name", "Monthly Salary", "Full", "a-b", "申请 单位", "in force", "count of"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"Hello " + Full Name', "Hello Ada"),
        ('"Hello " + Full   Name', "Hello Ada"),
        ("12 * Monthly Salary", Decimal(120)),
        ("Monthly Salary*2", Decimal(20)),
        ("a-b", Decimal(7)),
        ("a - b", Decimal(3)),
        ("申请 单位.名称", "甲"),
        ("in force", True),
        ("Full", "whole"),
        ("count([1, 2]) + count of", Decimal(3)),
        ("x.Full Name", "Bob"),
        ("for i in [1] return Full Name", ["Ada"]),
    ],
)
def test_declared_names_may_hold_blanks_and_signs(text, value):
    scope = {
        "Full Name": "Ada",
        "Monthly Salary": 10,
        "Full": "whole",
        "a-b": 7,
        "a": 5,
        "b": 2,
        "申请 单位": {"名称": "甲"},
        "in force": True,
        "count of": 1,
        "x": {"Full Name": "Bob"},
    }
    assert feel.compile(text, names=NAMES).evaluate(Scope(scope)) == value


def test_names_with_blanks_are_declared_or_refused():
    with pytest.raises(FeelError):
        feel.compile("Full Name")
    with pytest.raises(FeelError):
        feel.compile("Full Names", names=["Full Name"])
    assert feel.compile("Full Name + 1", names=["Full Name"]).paths == {("Full Name",)}
