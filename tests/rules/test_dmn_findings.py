"""What is told of a table before any case is there; each finding holds for the evaluator too."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from portal.feel import Scope
from portal.feel.dmn import Finding, RulesDisagree, read
from portal.feel.dmn.cells import Axis, NotConstant, named
from portal.feel.expression import compile_tests
from tests.builders.decisions import decision, definitions, given, literal, model, needs, table

X, OUT = ("x", "number"), [("", "string")]
DAY, TEXT, FLAG = ("day", "date"), ("t", "string", '"甲", "乙"'), ("f", "boolean")


def found(logic: str, *more: str) -> list[Finding]:
    return read(definitions(*more, decision("d", logic)), "x.dmn").findings()


def told(logic: str, *more: str) -> list[tuple[str, str | None, str]]:
    return [(one.kind, one.fault.element, one.fault.what) for one in found(logic, *more)]


def overlap(one: int, other: int, example: str) -> tuple[str, str, str]:
    what = f"决策“d”：第{one}条与第{other}条规则会同时符合（如 {example}），而命中策略是 UNIQUE"
    return "overlap", f"r{other}", what


def gap(example: str) -> tuple[str, str, str]:
    return "gap", "table", f"决策“d”：有的情形没有规则（如 {example}）"


@pytest.mark.parametrize(
    ("inputs", "cells", "told_of"),
    [
        ([X], [["< 18"], [">= 18"]], []),
        ([X], [["<= 18"], [">= 18"]], [overlap(1, 2, "x 为18")]),
        ([X], [["< 18"], ["> 18"]], [gap("x 为18")]),
        ([X], [["[1..5]"], ["[6..9]"], ["< 1"], ["> 9"]], [gap("x 为5 与 6 之间")]),
        ([X], [["[1..5]"], ["> 5"]], [gap("x 为小于 1")]),
        ([X], [["[5..1]"], ["-"]], [(
            "never", "r1c1", "决策“d”：第1条规则永远不会符合，第1个输入格（x）什么值都不符合"
        )]),
        ([X], [["-"]], []),
        ([X], [["not(5)"], ["5"]], []),
        ([X], [["? > 3 and ? < 9"], ["not((3..9))"]], []),
        ([X], [["? between 3 and 9"], ["< 3, > 9"]], []),
        ([("x", "number", "[0..100]")], [["< 50"], [">= 50"]], []),
        ([("x", "number", "[0..100]")], [["< 0"], [">= 0"]], [(
            "never", "r1c1", "决策“d”：第1条规则永远不会符合，第1个输入格（x）什么值都不符合"
        )]),
        ([DAY], [['< date("2026-01-02")'], ['> date("2026-01-01")']], []),
        ([DAY], [['<= date("2026-01-02")'], ['> date("2026-01-01")']], [overlap(1, 2, "day 为2026-01-02")]),
        ([DAY], [['< date("2026-01-01")'], ['> date("2026-01-02")']], [gap("day 为2026-01-01")]),
        ([TEXT], [['"甲"'], ['"乙"']], []),
        ([TEXT], [['"甲"'], ['"乙", "甲"']], [overlap(1, 2, "t 为“甲”")]),
        ([TEXT], [['"甲"']], [gap("t 为“乙”")]),
        ([TEXT], [['"甲"'], ['"乙"'], ['"丙"']], [(
            "type", "r3c1", "决策“d”：第3条规则第1个输入格（t）的“丙”不是这一列的取值"
        )]),
        ([("t", "string")], [['"甲"'], ['"乙"']], [gap("t 为其他值")]),
        ([("t", "string")], [['"甲"'], ['not("甲")']], []),
        ([FLAG], [["true"], ["false"]], []),
        ([FLAG], [["true"]], [gap("f 为false")]),
        ([FLAG], [["?"], ["not(?)"]], []),
        ([X], [["null"], ["> 0"], ["<= 0"]], []),
        ([X], [["null"], ["-"]], [overlap(1, 2, "x 没有值")]),
        ([X], [["not(null)"], ["null"]], []),
        ([X, FLAG], [["< 5", "true"], [">= 5", "true"], ["-", "false"]], []),
        ([X, FLAG], [["< 5", "true"], [">= 5", "-"], ["-", "false"]], [overlap(2, 3, "x 为5，f 为false")]),
        ([X, FLAG], [["< 5", "true"], [">= 5", "-"]], [gap("x 为小于 5，f 为false")]),
        ([X], [['"5"'], ["-"]], [(
            "type", "r1c1", "决策“d”：第1条规则第1个输入格（x）与文字比较，这一列是数字"
        )]),
        ([FLAG], [["> 5"], ["-"]], [(
            "type", "r1c1", "决策“d”：第1条规则第1个输入格（f）与数字比较，这一列是是否"
        )]),
        ([X], [["x > 5"], ["-"]], [(
            "type", "r1c1", "决策“d”：第1条规则第1个输入格（x）写的是条件，却没有用“?”"
        )]),
        ([X], [["< limit"], [">= limit"]], []),  # not constant: nothing can be said
        ([X], [["< 5"], ["modulo(?, 2) = 0"]], []),
        ([("t", "string")], [['starts with(?, "甲")'], ['"甲"']], []),
    ],
)  # fmt: skip
def test_what_is_told_of_unique_tables(inputs, cells, told_of):
    assert told(table(inputs, OUT, [[*row, f'"{n}"'] for n, row in enumerate(cells)])) == told_of


def test_any_may_overlap_where_it_says_the_same():
    rules = [("> 1", '"a"'), ("> 2", '"a"'), ("> 3", '"b"'), ("<= 1", "x")]
    assert told(table([X], OUT, rules, policy="ANY")) == [
        ("overlap", "r3", "决策“d”：第1条与第3条规则会同时符合（如 x 为大于 3），结果却不同"),
        ("overlap", "r3", "决策“d”：第2条与第3条规则会同时符合（如 x 为大于 3），结果却不同"),
    ]


def test_first_tells_rules_that_are_never_reached():
    rules = [("< 5", '"a"'), ("[1..3]", '"b"'), ("< 9", '"c"'), ("-", '"d"'), ("7", '"e"'), ("< limit", '"f"')]
    assert [(kind, element) for kind, element, _ in told(table([X], OUT, rules, policy="FIRST"))] == [
        ("never", "r2"),
        ("never", "r5"),
        ("never", "r6"),
    ]


@pytest.mark.parametrize("policy", ["COLLECT", "RULE ORDER", "OUTPUT ORDER"])
def test_where_all_rules_have_their_say_none_may(policy):
    assert told(table([X], [("", "string", '"a"')], [("> 5", '"a"'), ("> 6", '"a"')], policy=policy)) == []


def test_a_default_fills_all_gaps():
    assert told(table([X], [("", "string", "", '"a"')], [("> 5", '"b"')])) == []


def test_outputs_are_of_the_type_and_among_the_values_of_their_column():
    outputs = [("n", "number"), ("s", "string", '"可", "否"', "5"), ("f", "boolean")]
    logic = table([X], outputs, [("< 5", '"1"', '"可"', "true"), (">= 5", "null", '"不"', "x > 1")])
    assert told(logic) == [
        ("type", "r1c2", "决策“d”：第1条规则第1个输出格是文字，这一列是数字"),
        ("type", "r2c3", "决策“d”：第2条规则第2个输出格的值不在这一列的取值里"),
        ("type", "out2", "决策“d”：默认值第2个输出格是数字，这一列是文字"),
    ]


def test_unknown_names_are_told_where_the_known_ones_are_given():
    data = definitions(
        given("age", "number"),
        model("f", {"n": "number"}, literal("n + 1")),
        decision("a", literal("f(age) + bonus"), requires=needs(inputs=["age"], knowledge=["f"])),
        decision("d", table([("a", "number")], OUT, [("< 5", "甲"), (">= 5", '"乙"')]), requires=needs("a")),
    )
    decisions = read(data, "x.dmn")
    assert decisions.findings() == []
    names = [(one.kind, one.decision, one.fault.element, one.fault.what) for one in decisions.findings(["start"])]
    assert names == [
        ("name", "a", "a", "决策“a”：不认识的名称“bonus”"),
        ("name", "d", "r1c2", "决策“d”：不认识的名称“甲”"),
    ]
    assert decisions.findings(["bonus", "甲"]) == []


def test_tables_of_knowledge_models_are_looked_at_too():
    inner = table([("n", "number")], OUT, [("< 5", '"a"')])
    one = read(definitions(model("f", {"n": "number"}, inner), decision("d", literal("1"))), "x.dmn").findings()
    assert [(finding.kind, finding.decision) for finding in one] == [("gap", None)]


def test_only_the_first_of_many_overlaps_are_told():
    rules = [("-", '"a"')] * 30
    assert len(found(table([X], OUT, rules))) == 10


def test_two_thousand_rules_are_looked_over():
    rules = [(f"[{n}..{n + 1})", "true", '"a"') for n in range(1998)]
    rules += [("< 0, >= 1998", "-", '"b"'), ("[700..701)", "false, true", '"c"')]
    findings = told(table([X, FLAG], OUT, rules))
    assert [(kind, element) for kind, element, _ in findings] == [("overlap", "r2000"), ("gap", "table")]
    assert findings[1][2] == "决策“d”：有的情形没有规则（如 x 为0，f 为false）"


# What is told, the evaluator does.

POINTS = [Decimal(n) / 2 for n in range(-1, 11)]
numbers = st.sampled_from(["-", "< 2", "<= 2", "> 3", ">= 1", "[1..3)", "(0..4]", "2", "1, 4", "not(2)", "not(< 2, 4)",
                           "? >= 1 and ? != 3", "3 > ?", "? in (1, 2)"])  # fmt: skip
texts = st.sampled_from(["-", '"甲"', '"乙"', '"甲", "乙"', 'not("甲")', '? != "乙"', '? in ["甲", "乙"]'])
flags = st.sampled_from(["-", "true", "false", "?", "not(?)", "not(true)"])
rows = st.lists(st.tuples(numbers, texts, flags, st.sampled_from(['"a"', '"b"'])), min_size=1, max_size=5)
INPUTS = [("x", "number"), ("t", "string"), ("f", "boolean")]
SCOPES = [Scope({"x": x, "t": t, "f": f}) for x, t, f in product(POINTS, ("甲", "乙", "丙"), (True, False))]


@drawn(rows)
def test_overlaps_and_gaps_are_those_of_the_evaluator(rules):
    decisions = read(definitions(decision("d", table(INPUTS, OUT, rules))), "x.dmn")
    kinds = {one.kind for one in decisions.findings()}
    clash = left = False
    for scope in SCOPES:
        try:
            left |= not decisions.evaluate("d", scope).matched
        except RulesDisagree:
            clash = True
    assert ("overlap" in kinds, "gap" in kinds) == (clash, left)


@drawn(rows)
def test_a_rule_of_first_is_never_reached_if_it_never_decides(rules):
    decisions = read(definitions(decision("d", table(INPUTS, OUT, rules, policy="FIRST"))), "x.dmn")
    never = {str(one.fault.element).partition("c")[0] for one in decisions.findings() if one.kind == "never"}
    decided = {one.rule for scope in SCOPES for one in decisions.evaluate("d", scope).matched}
    assert never == {f"r{number}" for number in range(1, len(rules) + 1)} - decided


VALUES = {
    "number": [f"{n}" for n in (-1, 0, 2.5, 7)],
    "date": [f'date("2026-01-{n:02}")' for n in (1, 2, 4, 28)],
    "time": [f'time("{n:02}:00:00")' for n in (0, 9, 12, 23)],
    "moment": [f'date and time("2026-01-0{n}T09:00:00")' for n in (1, 2, 4, 9)],
    "span": ['duration("P1D")', 'duration("PT1H")', '-duration("P2D")', 'duration("P9D")'],
    "months": ['duration("P1M")', 'duration("P2M")', 'duration("P4M")', 'duration("P1Y")'],
    "text": ['"甲"', '"乙"', '"丙"', '""'],
}


@drawn(st.sampled_from(sorted(VALUES)), st.data())
def test_the_pieces_of_a_cell_are_those_whose_values_it_matches(kind, data):
    of_kind = st.sampled_from(VALUES[kind])
    sign = st.sampled_from(["=", "!="] if kind == "text" else ["<", "<=", ">", ">=", "=", "!="])
    test = st.one_of(of_kind, st.builds("{} {}".format, sign, of_kind), st.builds("? {} {}".format, sign, of_kind))
    if kind != "text":
        test |= st.builds("{}{}..{}{}".format, st.sampled_from("[("), of_kind, of_kind, st.sampled_from("])"))
    listed = st.lists(test, min_size=1, max_size=3).map(", ".join)
    cell = data.draw(st.one_of(listed, listed.map("not({})".format)))
    node = compile_tests(cell).node
    axis = Axis(kind, list(named(node)))
    for piece in range(axis.count):
        sample = axis.sample(piece)
        if sample is not None:
            matches = compile_tests(cell).evaluate(Scope({"?": sample}))
            assert (axis.pieces(node) >> piece & 1 == 1) is (matches is True), (cell, sample)


@pytest.mark.parametrize("cell", ["< a", 'contains(?, "x")', "[1..b]", "? + 1 = 2", "a", "[a]"])
def test_cells_that_only_a_case_can_tell_are_left_alone(cell):
    with pytest.raises(NotConstant):
        list(named(compile_tests(cell).node))


def test_between_two_days_that_follow_one_another_there_is_none():
    cells = ['date("2026-01-01")', 'date("2026-01-02")', 'date("2026-01-04")']
    axis = Axis("date", [value for cell in cells for value in named(compile_tests(cell).node)])
    assert [axis.sample(piece) is None for piece in range(axis.count)] == [
        False,
        False,
        True,
        False,
        False,
        False,
        False,
    ]
    assert Axis("span", [timedelta(days=1)]).sample(0) == timedelta(0)
