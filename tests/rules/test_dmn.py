"""What decisions give: hit policies, defaults, required decisions, knowledge models, types, budgets."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from portal.feel import Budget, FeelLimit, Scope, Signature
from portal.feel.dmn import MOST_RULES, Decisions, Matched, RulesDisagree, UnknownDecision, read
from tests.builders.decisions import decision, definitions, given, literal, model, needs, table

AGE = [("age", "number")]


def made(*parts: str, functions: dict[str, Signature] | None = None) -> Decisions:
    return read(definitions(*parts), "test.dmn", functions or {})


def asked(logic: str, *, of: str = "", **names: object) -> object:
    return made(decision("d", logic, of=of)).evaluate("d", Scope(names)).value


RULES = [("> 1", "98"), ("> 2", "150"), ("> 3", "64")]


@pytest.mark.parametrize(
    ("policy", "aggregation", "age", "value"),
    [
        ("FIRST", "", 4, 98),
        ("FIRST", "", 1, None),
        ("RULE ORDER", "", 4, [98, 150, 64]),
        ("RULE ORDER", "", 1, []),
        ("COLLECT", "", 3, [98, 150]),
        ("COLLECT", "", 1, []),
        ("COLLECT", "SUM", 4, 312),
        ("COLLECT", "SUM", 1, None),
        ("COLLECT", "MIN", 4, 64),
        ("COLLECT", "MAX", 4, 150),
        ("COLLECT", "COUNT", 4, 3),
        ("COLLECT", "COUNT", 1, 0),
    ],
)
def test_hit_policies_of_one_number(policy, aggregation, age, value):
    logic = table(AGE, [("", "number")], RULES, policy=policy, aggregation=aggregation)
    assert asked(logic, of="number", age=age) == value


def test_equal_answers_are_counted_each():
    logic = table(AGE, [("", "number")], [("> 1", "7"), ("> 2", "7")], policy="COLLECT", aggregation="COUNT")
    assert asked(logic, age=3) == 2


ORDERED = [("> 1", '"低"'), ("> 2", '"高"'), ("> 3", '"中"')]


@pytest.mark.parametrize(
    ("policy", "age", "value", "rules"),
    [
        ("PRIORITY", 4, "高", [2]),
        ("PRIORITY", 2, "低", [1]),
        ("PRIORITY", 1, None, []),
        ("OUTPUT ORDER", 4, ["高", "中", "低"], [2, 3, 1]),
        ("OUTPUT ORDER", 1, [], []),
    ],
)
def test_the_order_of_the_outputs_values_decides(policy, age, value, rules):
    logic = table(AGE, [("", "string", '"高", "中", "低"')], ORDERED, policy=policy)
    outcome = made(decision("d", logic)).evaluate("d", Scope({"age": age}))
    assert (outcome.value, [one.number for one in outcome.matched]) == (value, rules)


def test_priority_looks_at_the_columns_from_the_left():
    logic = table(
        AGE,
        [("result", "string", '"可", "否"'), ("rate", "string", '"优", "常"')],
        [("-", '"否"', '"优"'), ("-", '"可"', '"常"'), ("-", '"可"', '"优"')],
        policy="PRIORITY",
    )
    outcome = made(decision("d", logic)).evaluate("d", Scope({"age": 1}))
    assert outcome.value == {"result": "可", "rate": "优"}
    assert outcome.matched == (Matched("r3", 3, {}),)


def test_unique_refuses_what_two_rules_say():
    logic = table([*AGE, ("limit", "number")], [("", "string")], [("> limit", "-", '"a"'), ("> 5", "-", '"a"')])
    decisions = made(decision("判断", logic))
    assert decisions.evaluate("判断", Scope({"age": 4, "limit": 3})).value == "a"
    with pytest.raises(RulesDisagree) as refused:
        decisions.evaluate("判断", Scope({"age": 6, "limit": 3}))
    assert refused.value.rules == (1, 2)
    assert refused.value.text("zh") == "决策“判断”的第1、2条规则同时符合，而表要求至多一条符合。请修改决策表。"


def test_any_takes_what_all_say_and_refuses_what_they_do_not():
    logic = table(AGE, [("", "string")], [("> 1", '"a"'), ("> 2", '"a"'), ("> 3", "x")], policy="ANY")
    decisions = made(decision("d", logic))
    outcome = decisions.evaluate("d", Scope({"age": 3}))
    assert (outcome.value, [one.number for one in outcome.matched]) == ("a", [1, 2])
    assert decisions.evaluate("d", Scope({"age": 4, "x": "a"})).value == "a"
    with pytest.raises(RulesDisagree) as refused:
        decisions.evaluate("d", Scope({"age": 4, "x": "b"}))
    assert refused.value.rules == (1, 2, 3)
    assert decisions.evaluate("d", Scope({"age": 1})).value is None


@pytest.mark.parametrize(
    ("policy", "value"), [("UNIQUE", "无"), ("ANY", "无"), ("FIRST", "无"), ("COLLECT", ["无"]), ("RULE ORDER", ["无"])]
)
def test_a_default_is_given_where_no_rule_matches(policy, value):
    logic = table(AGE, [("", "string", "", '"无"')], [("> 5", '"有"')], policy=policy)
    outcome = made(decision("d", logic)).evaluate("d", Scope({"age": 1}))
    assert (outcome.value, outcome.matched) == (value, ())


def test_the_rules_that_match_are_told_with_their_annotations():
    logic = table(
        AGE,
        [("holds", "boolean"), ("reason", "string")],
        [("< 18", "false", '"未成年"', "9.1", "见附件"), (">= 18", "true", '""', "9.2", "")],
        notes=["article", "note"],
    ).replace('<rule id="r2">', '<rule id="r2"><description>成年人</description>')
    outcome = made(decision("d", logic)).evaluate(None, Scope({"age": 17}))
    assert outcome.value == {"holds": False, "reason": "未成年"}
    assert outcome.matched == (Matched("r1", 1, {"article": "9.1", "note": "见附件"}),)
    later = made(decision("d", logic)).evaluate(None, Scope({"age": 18}))
    assert later.matched == (Matched("r2", 2, {"article": "9.2", "description": "成年人"}),)


def test_required_decisions_are_made_first_and_each_once():
    parts = (
        decision("c", literal("a + b"), requires=needs("a", "b")),
        decision("b", literal("a * 10"), requires=needs("a")),
        decision("a", literal("counted(x)")),
        decision("beside", literal("1 / 0")),
    )
    calls: list[object] = []
    decisions = made(*parts, functions={"counted": Signature(1)})

    def counted(x: Decimal) -> Decimal:
        calls.append(x)
        return x + 1

    outcome = decisions.evaluate("c", Scope({"x": 2}, {"counted": counted}))
    assert outcome.value == 33
    assert calls == [Decimal(2)]
    assert {name: one.value for name, one in outcome.before.items()} == {"a": 3, "b": 30}
    assert outcome.before["b"].before["a"].value == 3


def test_a_decision_is_found_by_id_or_name_or_as_the_last_one():
    parts = (decision("a", literal("1"), name="先"), decision("b", literal("先 + 1"), name="后", requires=needs("a")))
    decisions = made(*parts)
    assert [decisions.evaluate(wanted, Scope({})).value for wanted in ("a", "先", "b", "后", None)] == [1, 1, 2, 2, 2]
    for wanted in ("c", ""):
        with pytest.raises(UnknownDecision):
            decisions.decision(wanted)
    with pytest.raises(UnknownDecision):
        made(decision("a", literal("1")), decision("b", literal("2"))).decision()


def test_names_with_blanks_are_input_data_or_decisions():
    parts = (
        given("Monthly Salary", "number"),
        decision("y", literal("12 * Monthly Salary"), name="Yearly Salary", requires=needs(inputs=["Monthly Salary"])),
        decision("z", literal("Yearly Salary + 1"), requires=needs("y")),
    )
    assert made(*parts).evaluate("z", Scope({"Monthly Salary": 10})).value == 121


def test_a_knowledge_model_is_called_with_its_parameters_only():
    parts = (
        model("twice", {"n": "number"}, literal("2 * n")),
        model(
            "grade", {"n": "number"}, table([("n", "number")], [("", "string")], [("> 5", '"高"'), ("<= 5", '"低"')])
        ),
        decision("d", literal("grade(twice(x)) + string(twice(1))"), requires=needs(knowledge=["twice", "grade"])),
    )
    decisions = made(*parts)
    assert decisions.evaluate("d", Scope({"x": 3, "n": 99})).value == "高2"
    assert decisions.evaluate("d", Scope({"x": 2})).value == "低2"
    assert decisions.evaluate("d", Scope({"x": "a"})).value is None


TYPES = (
    '<itemDefinition name="tGrade"><typeRef>string</typeRef>'
    '<allowedValues><text>"甲", "乙"</text></allowedValues></itemDefinition>'
    '<itemDefinition name="tLoan"><itemComponent name="sum"><typeRef>number</typeRef></itemComponent>'
    '<itemComponent name="grade"><typeRef>tGrade</typeRef></itemComponent></itemDefinition>'
    '<itemDefinition name="tGrades" isCollection="true"><typeRef>tGrade</typeRef></itemDefinition>'
)


@pytest.mark.parametrize(
    ("of", "value", "found"),
    [
        ("string", "x", "x"),
        ("string", 1, None),
        ("number", 1, Decimal(1)),
        ("number", "1", None),
        ("number", [1], Decimal(1)),
        ("boolean", True, True),
        ("boolean", 1, None),
        ("date", date(2026, 1, 2), date(2026, 1, 2)),
        ("date", "2026-01-02", None),
        ("Any", [1, "a"], [Decimal(1), "a"]),
        ("tGrade", "甲", "甲"),
        ("tGrade", "丙", None),
        ("tGrades", ["甲", "乙"], ["甲", "乙"]),
        ("tGrades", "甲", ["甲"]),
        ("tGrades", ["甲", "丙"], None),
        ("tLoan", {"sum": 1, "grade": "甲"}, {"sum": Decimal(1), "grade": "甲"}),
        ("tLoan", {"sum": 1}, {"sum": Decimal(1), "grade": None}),
        ("tLoan", {"sum": 1, "grade": "丙"}, None),
        ("tLoan", 1, None),
        ("number", None, None),
    ],
)
def test_values_are_held_to_their_types_going_in_and_coming_out(of, value, found):
    inward = made(TYPES, given("x", of), decision("d", literal("x"), requires=needs(inputs=["x"])))
    outward = made(TYPES, decision("d", literal("x"), of=of))
    for decisions in (inward, outward):
        assert decisions.evaluate("d", Scope({"x": value})).value == found


def test_a_value_that_is_none_of_its_columns_is_no_value():
    logic = table([("x", "string", '"甲", "乙"')], [("", "string")], [('not("甲")', '"其他"'), ('"甲"', '"甲"')])
    assert asked(logic, x="乙") == "其他"
    assert asked(logic, x="丙") == "其他"  # as null is
    assert asked(table([("x", "string", '"甲"')], [("", "string")], [('"丙"', '"见"')]), x="丙") is None


def test_a_table_of_two_thousand_rules_is_asked_within_its_budget():
    rules = [(f"[{n}..{n + 1})", "-", f'"{n}"') for n in range(MOST_RULES)]
    logic = table([*AGE, ("x", "string")], [("", "string")], rules)
    decisions = made(decision("d", logic))
    assert decisions.evaluate("d", Scope({"age": MOST_RULES - 1, "x": "a"})).value == str(MOST_RULES - 1)
    with pytest.raises(FeelLimit):
        decisions.evaluate("d", Scope({"age": MOST_RULES - 1, "x": "a"}), Budget(steps=1_000))


def test_one_budget_holds_for_all_that_a_decision_needs():
    many = "count(for i in 1..90, j in 1..90 return 1)"
    parts = [decision(f"d{n}", literal(many)) for n in range(12)]
    whole = decision(
        "all", literal(" + ".join(f"d{n}" for n in range(12))), requires=needs(*(f"d{n}" for n in range(12)))
    )
    decisions = made(*parts, whole)
    assert decisions.evaluate("d0", Scope({}), Budget(steps=50_000)).value == 8100
    with pytest.raises(FeelLimit):
        decisions.evaluate("all", Scope({}), Budget(steps=50_000))


cells = st.sampled_from(["-", "< 3", ">= 3", "[1..4]", "2", "not(2)", "1, 5"])
answers = st.sampled_from(["1", "2", "3"])


@drawn(st.lists(st.tuples(cells, cells, answers), min_size=1, max_size=6), st.integers(0, 6), st.integers(0, 6))
def test_policies_agree_with_the_list_of_all_rules_that_match(rules, x, y):
    def by(policy: str, aggregation: str = "") -> object:
        inputs = [("x", "number"), ("y", "number")]
        logic = table(inputs, [("", "number", "3, 1, 2")], rules, policy=policy, aggregation=aggregation)
        return asked(logic, x=x, y=y)

    every = by("RULE ORDER")
    assert isinstance(every, list)
    order = [Decimal(3), Decimal(1), Decimal(2)]
    assert by("COLLECT") == every
    assert by("OUTPUT ORDER") == sorted(every, key=order.index)
    assert by("FIRST") == (every[0] if every else None)
    assert by("PRIORITY") == min(every, key=order.index, default=None)
    assert by("COLLECT", "COUNT") == len(every)
    assert by("COLLECT", "SUM") == (sum(every) if every else None)
    for policy, agrees in (("UNIQUE", len(every) <= 1), ("ANY", len(set(every)) <= 1)):
        if agrees:
            assert by(policy) == (every[0] if every else None)
        else:
            with pytest.raises(RulesDisagree):
                by(policy)
