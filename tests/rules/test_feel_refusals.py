"""What the FEEL subset refuses: texts when they are compiled, and anything but plain data."""

from __future__ import annotations

import sys
from datetime import date
from decimal import Decimal

import pytest

from portal import feel
from portal.feel import FeelError, FeelScope, Scope, Signature

FUNCTIONS = {"working days": Signature(2), "visits": Signature(1, by_name=True)}

REFUSED = [
    ("", 1, "没有写完", "补上"),
    ("1 +", 4, "没有写完", "补上"),
    ("= 1", 1, "多余的“=”", "="),
    ("a == 1", 3, "==", "只写一个"),
    ("a <> 1", 3, "<>", "!="),
    ("a && b", 3, "&&", "and"),
    ("a || b", 3, "||", "or"),
    ("!a", 1, "!", "not(…)"),
    ("not a", 5, "“a”", "not(…)"),
    ("a % 2", 3, "%", "modulo"),
    ("2 ^ 3", 3, "^", "**"),
    ("a = 'x'", 5, "'", "双引号"),
    ("a; b", 2, ";", "一个表达式"),
    ("? > 1", 1, "?", "决策表"),
    ('@"2026-01-01"', 1, "@", "date"),
    ("a $ b", 3, "$", "名称"),
    ("а = 1", 1, "不支持的字符", "名称"),  # a Cyrillic letter
    ("（1）", 1, "全角", "半角 ("),
    ("a ＝ 1", 3, "全角", "半角 ="),
    ("a = “变更”", 5, "全角", '半角 "'),
    ("today()", 1, "today", "case.filed_at"),
    ("now()", 1, "now", "case.filed_at"),
    ("function(x) x", 1, "function", "不能定义"),
    ('matches(a, "x")', 1, "matches", "contains"),
    ('replace(a, "x", "y")', 1, "replace", "substring"),
    ('split(a, "x")', 1, "split", "substring"),
    ("a instance of number", 3, "instance of", "值"),
    ("x -> y", 3, "->", "函数"),
    ("甲乙(1)", 1, "没有名为“甲乙”", "函数"),
    ("cuont(a)", 1, "没有名为“cuont”", "count"),
    ("working day(a, 1)", 9, "没有名为“day”", "working days"),
    ("working days(a)", 1, "1个参数", "2个"),
    ("count()", 1, "0个参数", "1个"),
    ("date(1, 2)", 1, "2个参数", "1或3个"),
    ("append(1)", 1, "1个参数", "至少2个"),
    ('substring(string: "a", 1)', 17, "“:”", "按位置"),
    ("a.b(1)", 4, "“(”", "声明"),
    ("(a)(1)", 4, "“(”", "声明"),
    ("visits(1)", 8, "“1”", "元素的名称"),
    ("visits(a + 1)", 10, "“+”", "元素的名称"),
    ("visits(a[1])", 9, "“[”", "元素的名称"),
    ("for x in l return visits(x)", 19, "循环变量", "元素"),
    ("a b", 3, "“b”", "空格"),
    ("待 办 = 1", 3, "“办”", "空格"),
    ("5天", 2, "“天”", "运算符"),
    ("a < b < c", 7, "“<”", "and"),
    ("a = b = c", 7, "“=”", "and"),
    ("a = and", 5, "“and”", "关键字"),
    ("for in in l return 1", 5, "“in”", "关键字"),
    ("for x in l", 11, "没有写完", "补上"),
    ("if a then b", 12, "没有写完", "补上"),
    ("some x in l", 12, "没有写完", "补上"),
    ("for a in l, b in l, c in l, d in l, e in l return 1", 1, "变量", "拆"),
    ("(1", 1, "“(”没有闭合", "右括号"),
    ("[1, 2", 1, "“[”没有闭合", "右括号"),
    ("[1,]", 4, "“]”", "一个值"),
    ("1)", 2, "多余的“)”", "左括号"),
    ("{a 1}", 4, "“1”", "补上"),
    ('"abc', 1, "没有结束", "双引号"),
    ('"a\nb"', 1, "没有结束", "\\n"),
    (r'"\q"', 2, "转义", "\\\\"),
    (r'"\ud800"', 1, "不完整", "转义"),
    ("1 /* x", 3, "注释", "*/"),
    ("1.2.3", 4, "“.3”", "运算符"),
    ("1e9999", 1, "过大", "指数"),
    ("1e" + "9" * 20, 1, "过大", "指数"),
    ("0e" + "9" * 20, 1, "过大", "指数"),
    ("1e-9999", 1, "过大或过小", "指数"),
    ("1" * 35, 1, "超过34位", "短"),
    ('date("2026-02-30")', 1, "不成立", "date"),
    ('date("2026-1-1")', 1, "不成立", "date"),
    ('time("24:00:00")', 1, "不成立", "time"),
    ('time("09:00:00+25:00")', 1, "不成立", "time"),
    ('date and time("2026-01-01 00:00")', 1, "不成立", "T"),
    ('date and time("2026-01-01T25:00:00")', 1, "不成立", "T"),
    ('duration("3D")', 1, "不成立", "P3D"),
    ('duration("P")', 1, "不成立", "P3D"),
    ('duration("P1DT")', 1, "不成立", "P3D"),
    ('duration("P1M3D")', 1, "不成立", "P3D"),
]


@pytest.mark.parametrize(("text", "column", "what", "mend"), REFUSED)
def test_a_text_outside_the_subset_is_refused_with_place_and_remedy(text, column, what, mend):
    with pytest.raises(FeelError) as refusal:
        feel.compile(text, FUNCTIONS)
    error = refusal.value
    assert error.position == (1, column)
    assert what in error.what
    assert mend in error.mend
    assert error.text("zh").startswith(f"表达式有误（第1行第{column}列）：{error.what}。")
    assert f"column {column}" in error.text("en")


def test_the_line_is_told():
    with pytest.raises(FeelError) as refusal:
        feel.compile("a = 1 and\n  b == 2")
    assert refusal.value.position == (2, 5)


def test_a_declared_function_cannot_take_the_place_of_feels_own():
    with pytest.raises(ValueError, match="count"):
        feel.compile("1", {"count": Signature(1)})


class Spy:
    """An object that notes every attempt to look into it."""

    touched: list[str] = []  # noqa: RUF012

    def __getattribute__(self, name: str) -> object:
        Spy.touched.append(name)
        return super().__getattribute__(name)

    def __eq__(self, other: object) -> bool:
        Spy.touched.append("__eq__")
        return True

    def __hash__(self) -> int:
        return 0


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "x.name",
        "x.__class__",
        "x = 1",
        "x[1]",
        "x[item > 1]",
        "x in (1)",
        "string(x)",
        "is defined(x)",
        "l",
        "l[1]",
        "l.name",
        "l = [1]",
        "count(for i in l return i)",
        "flatten([l])",
        "c",
        "c.x.y",
        "[1] = l",
        "distinct values(l)",
        "f(1)",
    ],
)
def test_an_object_that_is_not_plain_data_is_refused_untouched(text):
    spy = Spy()
    scope = Scope({"x": spy, "l": [spy], "c": {"x": spy}}, {"f": lambda _: spy})
    expression = feel.compile(text, {"f": Signature(1)})
    Spy.touched.clear()
    with pytest.raises(FeelScope):
        expression.evaluate(scope)
    assert Spy.touched == []


@pytest.mark.parametrize(
    "given", [1.5, Decimal("NaN"), Decimal("Infinity"), b"x", {1}, object(), date, sys, len, {1: 2}]
)
def test_what_is_no_feel_value_is_refused(given):
    with pytest.raises(FeelScope):
        feel.compile("x").evaluate(Scope({"x": given}))


@pytest.mark.parametrize("text", ['"a".upper', "s.__class__", "s.__len__", "l.append", "d.today", "c.items", "n.real"])
def test_methods_and_attributes_are_not_to_be_had(text):
    scope = Scope({"s": "a", "l": [], "d": date(2026, 1, 1), "c": {"a": 1}, "n": 1})
    assert feel.compile(text).evaluate(scope) in (None, [])


def test_a_declared_function_that_was_not_handed_in_is_named():
    with pytest.raises(FeelScope) as refusal:
        feel.compile("working days(null, 1)", FUNCTIONS).evaluate(Scope({}))
    assert "working days" in refusal.value.text()
