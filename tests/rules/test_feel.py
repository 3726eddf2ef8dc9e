"""What each construct of the FEEL subset yields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest

from portal import feel
from portal.clock import TZ
from portal.feel import Call, Months, Scope, Signature

NAMES = {
    "a": 1,
    "b": Decimal("2.5"),
    "n": None,
    "yes": True,
    "no": False,
    "s": "变更",
    "review": {"conclusion": "变更", "amount": 120000, "请求": {"金额": 3}},
    "units": [
        {"name": "甲", "amount": 10, "state": "列入"},
        {"name": "乙", "amount": 20, "state": "移出"},
        {"name": "丙", "amount": 30, "state": "列入"},
    ],
    "numbers": (1, 2, 3, 4),
    "d": date(2026, 9, 30),
    "at": datetime(2026, 9, 29, 16, 30, tzinfo=UTC),
    "复核": {"结论": "维持"},
}
FUNCTIONS = {
    "working days": Signature(2),
    "deadline": Signature(1),
    "visits": Signature(1, by_name=True),
}
SCOPE = Scope(
    NAMES,
    {
        "working days": lambda start, n: start + timedelta(days=int(n)),
        "deadline": lambda name: f"<{name}>",
        "visits": len,
    },
)


def value(text: str) -> object:
    return feel.compile(text, FUNCTIONS).evaluate(SCOPE)


def the_same(found: object, wanted: object) -> bool:
    return type(found) is type(wanted) and found == wanted


def decimals(*numbers: int) -> list[Decimal]:
    return [Decimal(number) for number in numbers]


LITERALS = [
    ("1", Decimal(1)),
    ("1.50", Decimal("1.50")),
    (".5", Decimal("0.5")),
    ("1e3", Decimal(1000)),
    ("-7", Decimal(-7)),
    ('"变更"', "变更"),
    (r'"a\"b\\c\n\t\r\'"', "a\"b\\c\n\t\r'"),
    (r'"\u53d8\U01F600\uD83D\uDE00"', "变😀😀"),
    ("true", True),
    ("false", False),
    ("null", None),
    ("[]", []),
    ("[1, [2]]", [Decimal(1), [Decimal(2)]]),
    ("{}", {}),
    ('{a: 1, "b c": a + 1, if: 3}', {"a": Decimal(1), "b c": Decimal(2), "if": Decimal(3)}),
    ("1 // the rest of the line\n + 1", Decimal(2)),
    ("1 /* between */ + 1", Decimal(2)),
]

ARITHMETIC = [
    ("1 + 2 * 3", Decimal(7)),
    ("(1 + 2) * 3", Decimal(9)),
    ("10 - 2 - 3", Decimal(5)),
    ("10--5", Decimal(15)),
    ("8 / 2 / 2", Decimal(2)),
    ("2 ** 3 ** 2", Decimal(64)),
    ("-2 ** 2", Decimal(4)),
    ("2 ** -1", Decimal("0.5")),
    ("- b", Decimal("-2.5")),
    ("0.1 + 0.2", Decimal("0.3")),
    ("1 / 3", Decimal("0.3333333333333333333333333333333333")),
    ("10 ** 30", Decimal(10**30)),
    ('"a" + "b"', "ab"),
    ("1 / 0", None),
    ("0 ** 0", None),
    ("0 ** -1", None),
    ("0.0 ** -0.5", None),
    ("0 ** 2", Decimal(0)),
    ('"a" + 1', None),
    ("1 + null", None),
    ("true + 1", None),
    ("-s", None),
    ("[1] + [2]", None),
    ('"a" * 3', None),
]

COMPARISONS = [
    ("1 < 2", True),
    ("1 <= 1", True),
    ("2 > 2", False),
    ("2 >= 2", True),
    ("1.0 = 1", True),
    ("1 != 2", True),
    ('"a" < "b"', True),
    ('s = "变更"', True),
    ("yes = true", True),
    ('1 = "1"', None),
    ('1 != "1"', None),
    ('1 < "2"', None),
    ("true < false", None),
    ("null < 1", None),
    ("1 < null", None),
    ("null = null", True),
    ("null = 1", False),
    ("null != 1", True),
    ("n != true", True),
    ("[1, 2] = [1, 2.0]", True),
    ("[1, 2] = [1]", False),
    ('[1, "a"] = [1, 2]', None),
    ("[1] < [2]", None),
    ("{a: 1} = {a: 1.0}", True),
    ("{a: 1} = {b: 1}", False),
    ("[1..3] = [1..3]", True),
    ("2 between 1 and 3", True),
    ("4 between 1 and 3", False),
    ("2 between 1 and null", None),
    ("2 between 1 and 3 and no", False),
]

MEMBERSHIP = [
    ("5 in [1..5]", True),
    ("5 in [1..5)", False),
    ("1 in (1..5]", False),
    ("5 in ]1..5]", True),
    ("5 in [1..5[", False),
    ("4 in ]1..5[ and yes", True),
    ("[[1..5[, 7]", None),
    ('d in [date("2026-09-01")..date("2026-10-01"))', True),
    ("numbers[1] in [numbers[1]..numbers[2]]", True),
    ("5 in 5", True),
    ("5 in (1, 5)", True),
    ("5 in (1, [4..6])", True),
    ("5 in [1, 5]", True),
    ("5 in [[1..2], [5..6]]", True),
    ("[1] in [[1], [2]]", True),
    ("[1, 2] in [1, 2]", True),
    ("a in numbers", True),
    ("20 in units.amount", True),
    ('s in ("维持", "变更")', True),
    ("7 in (< 5, > 10)", False),
    ("12 in (< 5, > 10)", True),
    ("7 in > 5", True),
    ("7 in (!= 5)", True),
    ("7 in (= 7)", True),
    ("null in (< 5)", None),
    ("null in (null)", True),
    ("null in [1, null]", True),
    ('"a" in [1..5]', None),
    ('1 in ("a", 1)', True),
    ('1 in ("a", 2)', None),
]

FLOW = [
    ('if a > 0 then "正" else "负"', "正"),
    ("if null then 1 else 2", Decimal(2)),
    ("if no then 1 else if yes then 2 else 3", Decimal(2)),
    ("for x in numbers return x * x", decimals(1, 4, 9, 16)),
    ("for i in 1..3 return i", decimals(1, 2, 3)),
    ("for i in 3..1 return i", decimals(3, 2, 1)),
    ("for x in [1, 2], y in [x, 10] return x * y", decimals(1, 10, 4, 20)),
    ("for x in 7 return x", decimals(7)),
    ("for x in missing return x", None),
    ("for x in 1..null return x", None),
    ("for 户 in units return 户.name", ["甲", "乙", "丙"]),
    ("some x in numbers satisfies x > 3", True),
    ("some x in numbers satisfies x > 4", False),
    ("every x in numbers satisfies x > 0", True),
    ("every x in numbers satisfies x > 1", False),
    ("some x in [] satisfies true", False),
    ("every x in [] satisfies false", True),
    ("some x in [1, null] satisfies x > 1", None),
    ("every x in [2, null] satisfies x > 1", None),
    ("every x in missing satisfies x > 1", None),
    ("yes and some x in numbers satisfies x = 1 and no", False),
]

PATHS = [
    ("review.conclusion", "变更"),
    ("review.请求.金额", Decimal(3)),
    ('复核.结论 = "维持"', True),
    ("review.missing", None),
    ("missing", None),
    ("missing.and.further", None),
    ("s.length", None),
    ("{a: {b: 1}}.a.b", Decimal(1)),
    ("units.name", ["甲", "乙", "丙"]),
    ("units[1].name", "甲"),
    ("units[-1].name", "丙"),
    ("units[0]", None),
    ("units[4]", None),
    ("units[1.5]", None),
    ("numbers[a + 1]", Decimal(2)),
    ("numbers[item > 2]", decimals(3, 4)),
    ("numbers[item > 2][1]", Decimal(3)),
    ("numbers[count(numbers)]", Decimal(4)),
    ("[][1]", None),
    ("[][a]", None),
    ("[][item > 1]", []),
    ("missing[1]", None),
    ("missing[item > 1]", []),
    ("a[1]", Decimal(1)),
    ("a[item = 1]", decimals(1)),
    ('units[state = "列入"].amount', decimals(10, 30)),
    ('units[state = "列入" and item.amount > 10].name', ["丙"]),
    ("units[amount > a * 10].name", ["乙", "丙"]),
    ("sum(units[amount > 10].amount)", Decimal(50)),
]

BUILTINS = [
    ("not(true)", False),
    ("not(null)", None),
    ('not("a")', None),
    ("is defined(a)", True),
    ("is defined(n)", False),
    ("is defined(review.missing)", False),
    ("string(1.50)", "1.50"),
    ("string(1e3)", "1000"),
    ("string(-0)", "0"),
    ("string(true)", "true"),
    ('string("a")', "a"),
    ("string(null)", None),
    ("string([1])", None),
    ("string(d)", "2026-09-30"),
    ("string(at)", "2026-09-30T00:30:00+08:00"),
    ('string(duration("P3DT4H5M6.5S"))', "P3DT4H5M6.5S"),
    ('string(duration("-PT0S"))', "PT0S"),
    ('string(duration("-P14M"))', "-P1Y2M"),
    ('string(duration("P0Y"))', "P0M"),
    ('string length("汉字😀")', Decimal(3)),
    ("string length(1)", None),
    ('upper case("aß")', "ASS"),
    ('lower case("AB")', "ab"),
    ("upper case(1)", None),
    ("lower case(1)", None),
    ('contains("foobar", "ob")', True),
    ('starts with("foobar", "foo")', True),
    ('ends with("foobar", "foo")', False),
    ('contains("foobar", null)', None),
    ('substring("foobar", 3)', "obar"),
    ('substring("foobar", 3, 3)', "oba"),
    ('substring("foobar", -2, 1)', "a"),
    ('substring("foobar", 0)', None),
    ('substring("foobar", 9)', None),
    ('substring before("foobar", "bar")', "foo"),
    ('substring before("foobar", "x")', ""),
    ('substring before("foobar", "")', ""),
    ('substring after("foobar", "ob")', "ar"),
    ('substring after("foobar", "x")', ""),
    ('substring after("foobar", "")', "foobar"),
    ('string join(["a", null, "b"], "、")', "a、b"),
    ('string join(["a", "b"])', "ab"),
    ("string join([1])", None),
    ('number("12.5")', Decimal("12.5")),
    ('number("1,234.5", ",", ".")', Decimal("1234.5")),
    ('number("1.234,5", ".", ",")', Decimal("1234.5")),
    ('number("1.5", null, ",")', None),
    ('number("1.5", ".", ".")', None),
    ("number(5)", Decimal(5)),
    ("number(true)", None),
    ('number("12x")', None),
    ('number("NaN")', None),
    ('number("１２")', None),
    ("abs(-3)", Decimal(3)),
    ('abs(duration("-P1D"))', timedelta(days=1)),
    ('abs(duration("-P1M"))', Months(1)),
    ('abs("a")', None),
    ("floor(-1.5)", Decimal(-2)),
    ("floor(1.56, 1)", Decimal("1.5")),
    ("ceiling(1.1)", Decimal(2)),
    ("decimal(2.5, 0)", Decimal(2)),
    ("decimal(1 / 3, 2)", Decimal("0.33")),
    ("decimal(1.5, 40)", Decimal("1.5")),
    ("decimal(1234, -2)", Decimal("1.2E+3")),
    ("decimal(1, 0.5)", None),
    ("decimal(1, 99999)", None),
    ("round half up(2.5, 0)", Decimal(3)),
    ("round half down(2.5, 0)", Decimal(2)),
    ("round up(2.1, 0)", Decimal(3)),
    ("round down(-2.9, 0)", Decimal(-2)),
    ("modulo(12, 5)", Decimal(2)),
    ("modulo(-12, 5)", Decimal(3)),
    ("modulo(12, -5)", Decimal(-3)),
    ("modulo(12, 0)", None),
    ('modulo("a", 1)', None),
    ("count(numbers)", Decimal(4)),
    ("count([])", Decimal(0)),
    ("count(missing)", None),
    ("count(a)", Decimal(1)),
    ("sum(numbers)", Decimal(10)),
    ("sum(1, 2, 3)", Decimal(6)),
    ("sum([])", None),
    ("sum([1, null])", None),
    ('sum(["a"])', None),
    ('sum([duration("P1D"), duration("P2D")])', timedelta(days=3)),
    ("mean(numbers)", Decimal("2.5")),
    ("mean([])", None),
    ("mean(1, 3)", Decimal(2)),
    ("min(3, 1, 2)", Decimal(1)),
    ("max(numbers)", Decimal(4)),
    ('max(["a", "b"])', "b"),
    ('min([d, date("2026-01-01")])', date(2026, 1, 1)),
    ("min([])", None),
    ('min([1, "a"])', None),
    ("min([null])", None),
    ("all([true, true])", True),
    ("all([true, false, null])", False),
    ("all([true, null])", None),
    ("all([])", True),
    ("all(missing)", None),
    ("any(false, true)", True),
    ("any([false, null])", None),
    ("any([])", False),
    ("any(missing)", None),
    ("append([1], 2, 3)", decimals(1, 2, 3)),
    ("append(missing, 2)", None),
    ("concatenate([1], [2], [3])", decimals(1, 2, 3)),
    ("concatenate([1], null)", None),
    ("distinct values([1, 1.0, 2, null, null])", [*decimals(1, 2), None]),
    ("distinct values([[1], [1], {a: 1}, {a: 1.0}])", [decimals(1), {"a": Decimal(1)}]),
    ('distinct values(["1", 1, true])', ["1", Decimal(1), True]),
    ("distinct values(missing)", None),
    ("list contains(numbers, 2)", True),
    ("list contains([1, null], null)", True),
    ("list contains(missing, 1)", None),
    ("index of([1, 2, 1], 1)", decimals(1, 3)),
    ("index of(missing, 1)", None),
    ("sublist(numbers, 2)", decimals(2, 3, 4)),
    ("sublist(numbers, 2, 2)", decimals(2, 3)),
    ("sublist(numbers, -1)", decimals(4)),
    ("sublist(numbers, 0)", None),
    ("sublist(numbers, 9)", None),
    ("reverse(numbers)", decimals(4, 3, 2, 1)),
    ("reverse(missing)", None),
    ("flatten([1, [2, [3]], 4])", decimals(1, 2, 3, 4)),
    ("flatten(missing)", None),
]

TIMES = [
    ('date("2026-01-31")', date(2026, 1, 31)),
    ("date(2026, 1, 31)", date(2026, 1, 31)),
    ("date(2026, 2, 31)", None),
    ("date(2026, 1.5, 1)", None),
    ("date(at)", date(2026, 9, 30)),
    ("date(d)", date(2026, 9, 30)),
    ("date(s)", None),
    ("date(1)", None),
    ('time("09:30:00")', time(9, 30)),
    ('time("09:30:00.25Z")', time(9, 30, 0, 250000, UTC)),
    ("time(9, 30, 0)", time(9, 30)),
    ("time(25, 0, 0)", None),
    ('time(date and time("2026-01-01T09:30:00"))', time(9, 30)),
    ('time(time("09:30:00"))', time(9, 30)),
    ("time(1)", None),
    ('date and time("2026-01-31T09:30:00")', datetime(2026, 1, 31, 9, 30)),
    ('date and time("2026-01-31")', datetime(2026, 1, 31)),
    ('date and time("2026-01-31T09:30:00@Asia/Shanghai")', datetime(2026, 1, 31, 9, 30, tzinfo=TZ)),
    ('date and time(d, time("09:30:00"))', datetime(2026, 9, 30, 9, 30)),
    ('date and time(at, time("09:30:00"))', datetime(2026, 9, 30, 9, 30)),
    ("date and time(d)", datetime(2026, 9, 30)),
    ("date and time(at) = at", True),
    ("date and time(1)", None),
    ('duration("P3D")', timedelta(days=3)),
    ('duration("-PT1H30M")', timedelta(hours=-1, minutes=-30)),
    ('duration("P1Y2M")', Months(14)),
    ("duration(s)", None),
    ('duration(duration("P3D"))', timedelta(days=3)),
    ("duration(1)", None),
    ('d < date("2026-10-01")', True),
    ('at < date and time("2026-09-30T00:30:01")', True),
    ('at = date and time("2026-09-30T00:30:00")', True),
    ('at = date and time("2026-09-29T16:30:00Z")', True),
    ("d < at", None),
    ("d = at", None),
    ('time("09:00:00+08:00") = time("01:00:00Z")', True),
    ('time("09:00:00") < time("10:00:00")', True),
    ('duration("P1D") < duration("PT25H")', True),
    ('duration("P1Y") = duration("P12M")', True),
    ('duration("P1M") < duration("P31D")', None),
    ('d + duration("P3D")', date(2026, 10, 3)),
    ('duration("P3D") + d', date(2026, 10, 3)),
    ('d - duration("P30D")', date(2026, 8, 31)),
    ('date("2026-01-31") + duration("P1M")', date(2026, 2, 28)),
    ('duration("P1M") + date("2026-01-31")', date(2026, 2, 28)),
    ('date("2026-01-31") - duration("P2M")', date(2025, 11, 30)),
    ('date("9999-12-31") + duration("P1D")', None),
    ('date("9999-12-31") + duration("P1M")', None),
    ('d - date("2026-09-01")', timedelta(days=29)),
    ("at - d", timedelta(minutes=30)),
    ("at - at", timedelta(0)),
    ('time("23:00:00") + duration("PT2H")', time(1)),
    ('time("01:00:00") - duration("PT2H")', time(23)),
    ('time("10:00:00") - time("08:30:00")', timedelta(minutes=90)),
    ('duration("P1D") + duration("PT1H")', timedelta(hours=25)),
    ('duration("P1D") - duration("PT1H")', timedelta(hours=23)),
    ('duration("P1Y") - duration("P1M")', Months(11)),
    ('duration("P1Y") + duration("P1M")', Months(13)),
    ('duration("P1M") + duration("P1D")', None),
    ('duration("P3D") / 3', timedelta(days=1)),
    ('2 * duration("P3D")', timedelta(days=6)),
    ('duration("P1Y") * 1.5', Months(18)),
    ('duration("P1Y") / 4', Months(3)),
    ('duration("P3D") / duration("PT12H")', Decimal(6)),
    ('duration("P1Y") / duration("P1M")', Decimal(12)),
    ('duration("P3D") / 0', None),
    ('duration("P3D") * 10 ** 30', None),
    ('-duration("P3D")', timedelta(days=-3)),
    ('-duration("P3M")', Months(-3)),
    ("d.year", Decimal(2026)),
    ("d.month", Decimal(9)),
    ("d.day", Decimal(30)),
    ("d.weekday", Decimal(3)),
    ("d.hour", None),
    ("at.day", Decimal(30)),
    ("at.hour", Decimal(0)),
    ("at.minute", Decimal(30)),
    ('time("09:30:05").second', Decimal(5)),
    ('(duration("P3DT4H5M6S")).days', Decimal(3)),
    ('(duration("P3DT4H5M6S")).hours', Decimal(4)),
    ('(duration("P3DT4H5M6S")).minutes', Decimal(5)),
    ('(duration("-P3DT4H5M6S")).seconds', Decimal(-6)),
    ('duration("P14M").years', Decimal(1)),
    ('duration("-P14M").months', Decimal(-2)),
]

HANDED_IN = [
    ("working days(d, 3)", date(2026, 10, 3)),
    ("working  days ( d , 3 ) > d", True),
    ('deadline("objection")', "<objection>"),
    ("visits(review)", Decimal(6)),
    ("visits(intake . check) > 1", True),
]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [*LITERALS, *ARITHMETIC, *COMPARISONS, *FLOW, *PATHS, *BUILTINS, *TIMES, *HANDED_IN],
)
def test_an_expression_has_its_value(text, wanted):
    assert the_same(value(text), wanted)


@pytest.mark.parametrize(("text", "wanted"), [row for row in MEMBERSHIP if row[0] != "[[1..5[, 7]"])
def test_a_value_is_tested(text, wanted):
    assert the_same(value(text), wanted)


def test_a_range_the_wrong_way_round_may_stand_in_a_list():
    assert value("[[1..5[, 7]") == [feel.Range(Decimal(1), Decimal(5), True, False), Decimal(7)]


AND = {"tt": True, "tf": False, "tn": None, "ff": False, "fn": False, "nn": None}
OR = {"tt": True, "tf": True, "tn": True, "ff": False, "fn": None, "nn": None}
WORDS = {"t": "true", "f": "false", "n": "null"}


@pytest.mark.parametrize(("word", "table"), [("and", AND), ("or", OR)])
@pytest.mark.parametrize("pair", AND)
def test_logic_has_three_values_in_either_order(word, table, pair):
    left, right = (WORDS[letter] for letter in pair)
    assert value(f"{left} {word} {right}") is table[pair]
    assert value(f"{right} {word} {left}") is table[pair]


@pytest.mark.parametrize(("text", "wanted"), [("1 and true", None), ("1 and false", False), ('"a" or true', True)])
def test_what_is_no_boolean_counts_as_null_in_logic(text, wanted):
    assert value(text) is wanted


@pytest.mark.parametrize(
    ("text", "holds"), [("yes", True), ("no", False), ("n", False), ("a", False), ("missing = 1", False)]
)
def test_a_condition_holds_only_if_it_is_true(text, holds):
    assert feel.condition(feel.compile(text), SCOPE) is holds


def test_a_path_tells_the_names_it_reads():
    read = feel.compile('review.conclusion = "变更" and facts.in_time and for x in draw.experts return x.user')
    assert read.paths == {("review", "conclusion"), ("facts", "in_time"), ("draw", "experts")}
    assert read.loose == frozenset()


def test_names_in_a_filter_are_told_apart_since_they_may_be_keys_of_the_elements():
    read = feel.compile("units[state = wanted.state and item.amount > 1].name")
    assert read.paths == {("units",)}
    assert read.loose == {("state",), ("wanted", "state")}


@pytest.mark.parametrize(
    "text",
    [
        "for x in [1], y in [x] return x + y",
        "some x in [1] satisfies x > 1",
        "{a: 1, b: a}",
        "[1][item > 0]",
    ],
)
def test_bound_names_are_not_read_from_the_scope(text):
    assert feel.compile(text).paths == feel.compile(text).loose == frozenset()


def test_calls_of_the_portals_functions_are_told_with_their_names_and_constants():
    read = feel.compile('visits(intake.check) > 1 and deadline("x") < working days(d, 1) and count(l) > 0', FUNCTIONS)
    assert read.calls == {
        Call("visits", ("intake.check",)),
        Call("deadline", ("x",)),
        Call("working days", (None, None)),
    }
    assert read.paths == {("d",), ("l",)}


def test_a_function_is_called_by_the_longest_declared_name():
    functions = {"days": Signature(1), "working days": Signature(1), "working days left": Signature(1)}
    scope = Scope({}, {"days": lambda _: 1, "working days": lambda _: 2, "working days left": lambda _: 3})
    for text, wanted in (("days(1)", 1), ("working days(1)", 2), ("working days left(1)", 3)):
        assert feel.compile(text, functions).evaluate(scope) == wanted


def test_a_functions_name_without_call_is_an_ordinary_name():
    assert feel.compile("count + date").evaluate(Scope({"count": 1, "date": 2})) == 3


class Lazy(Mapping[str, object]):
    """A mapping that notes what is read."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def __getitem__(self, key: str) -> object:
        self.read.append(key)
        if key == "known":
            return {"inner": 1}
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("not to be listed")

    def __len__(self) -> int:
        raise AssertionError("not to be counted")


def test_only_the_names_that_are_used_are_read():
    lazy = Lazy()
    found = feel.compile("if known.inner = 1 then 2 else costly").evaluate(Scope(lazy))
    assert found == 2
    assert lazy.read == ["known"]


def test_expressions_are_compiled_once_and_hashable():
    first = feel.compile("a + 1", FUNCTIONS)
    assert feel.compile("a + 1", dict(FUNCTIONS)) is first
    assert len({first, feel.compile("a + 1")}) == 2
    assert first.text == "a + 1"


def test_subclasses_of_plain_data_come_out_plain():
    class Text(str):
        __slots__ = ()

    class Numbers(list):
        pass

    found = feel.compile("{t: t, l: l}").evaluate(Scope({"t": Text("a"), "l": Numbers([1])}))
    assert the_same(found["t"], "a")
    assert the_same(found["l"], decimals(1))


def test_a_result_shares_nothing_with_the_scope():
    names = {"l": [{"a": [1]}]}
    found = feel.compile("l").evaluate(Scope(names))
    found[0]["a"].append(2)
    assert names == {"l": [{"a": [1]}]}
