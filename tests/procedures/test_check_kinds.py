"""Values of kinds that cannot be compared or reckoned with, and what stands under elements, instances and answers."""

from __future__ import annotations

from html import escape

import pytest

from portal.procedures import Content
from tests.builders.content import FILES, small
from tests.builders.decisions import decision, definitions, literal, needs, table
from tests.builders.experts import regulation, review
from tests.builders.lists import drawn
from tests.builders.publicity import regulation as plans
from tests.procedures.expecting import faults
from tests.procedures.test_check_decisions import content as deciding
from tests.procedures.test_check_decisions import told
from tests.procedures.test_check_registers import entering
from tests.procedures.test_check_rows import flowing, refusing

NUMBER_OR_TEXT = "数字不加引号；文字用 number(…) 变成数字，数字用 string(…) 变成文字"
OF_A_LIST = "先用 count(…) 数，用 [1] 取一项，或用 some … in … satisfies 逐项看"
A_LIST = "写一个列表的路径，如表格、多选或多实例的名称"

SOUND = [
    "draft.year = 3",
    "draft.year = null",
    'string(draft.year) = "3"',
    'number("3") < draft.year',
    "draft.year * 2 + 1 > count(draft.units)",
    'sign.result + "x" = "签发x"',
    'case.number < "示"',
    'date(case.filed_at) + duration("P3D") > date("2026-01-01")',
    'date("2026-01-02") - date("2026-01-01") = duration("P1D")',
    "draft.year in [1, 2, 3]",
    "draft.year in ([1..5], > 7)",
    'sign.result in ["签发", "退回"]',
    "draft.units = []",
    'list contains(draft.units.unit, "甲")',
    "draft.units[1].amount > 3",
    "draft.units[-1].amount between 1 and draft.year",
    "visits(sign) > 1 and not(sign.result = null)",
    "(if draft.year > 3 then draft.year else null) > 2",
    '{a: 1}.a = 1 and {a: "x"}.a = "x"',
]


@pytest.mark.parametrize("condition", SOUND)
def test_values_of_one_kind_are_compared_and_reckoned_with(condition):
    assert faults(flowing(condition)) == []


WRONG = [
    ('draft.year = "3"', "“draft.year”是数字，“3”是文字，不能比较，结果总是空的", NUMBER_OR_TEXT),
    ("sign.result > 5", "“sign.result”是文字，“5”是数字，不能比较，结果总是空的", NUMBER_OR_TEXT),
    ("sign.result + 1 = null", "“sign.result”是文字，“1”是数字，不能用“+”计算，结果总是空的", NUMBER_OR_TEXT),
    ("draft.units + 1 > 2", "“draft.units”是列表，“1”是数字，不能用“+”计算，结果总是空的", OF_A_LIST),
    ("draft.units > 2", "“draft.units”是列表，“2”是数字，不能比较，结果总是空的", OF_A_LIST),
    ("draft.units > []", "“draft.units”是列表，没有大小，不能用“>”比较", "用 = 或 !=，或比较数字、日期、文字"),
    ("count(sign.result) > 1", "“sign.result”是文字，count(…) 要列表", A_LIST),
    ('contains(draft.year, "3")', "“draft.year”是数字，contains(…) 要文字", NUMBER_OR_TEXT),
    ('case.filed_at > date("2026-01-01")', "“case.filed_at”是时刻，“2026-01-01”是日期，不能比较，结果总是空的",
     "用 date(…) 取时刻的日期"),
    ("draft.year between 1 and sign.result", "“draft.year”是数字，“sign.result”是文字，不能比较，结果总是空的",
     NUMBER_OR_TEXT),
    ('draft.year in [1, "2"]', "“draft.year”是数字，“2”是文字，不能比较，结果总是空的", NUMBER_OR_TEXT),
    ("draft.year and true", "“draft.year”是数字，不是“是”或“否”", '写成比较，如 review.conclusion = "变更"'),
    ("-sign.result = null", "“sign.result”是文字，前面不能写负号", "写一个数字"),
    ("some one in sign.result satisfies one = null", "“sign.result”是文字，不能逐项看", A_LIST),
    ('draft.units[1].amount = "3"', "“draft.units[…].amount”是数字，“3”是文字，不能比较，结果总是空的",
     NUMBER_OR_TEXT),
    ('some row in draft.units satisfies row.amount = "3"',
     "“row.amount”是数字，“3”是文字，不能比较，结果总是空的", NUMBER_OR_TEXT),
    ('count(draft.units[amount = "3"]) > 0', "“amount”是数字，“3”是文字，不能比较，结果总是空的", NUMBER_OR_TEXT),
    ("draft.units[1].amount.value > 3", "“draft.units[…].amount”是数字，没有“value”",
     "写到“draft.units[…].amount”为止"),
    ('sign[1].result = "同意"', "“sign[…].result”不会是“同意”", "可能的值：签发、退回"),
    ('(if draft.year > 3 then sign.result else "退回") + draft.year = null',
     "“…”是文字，“draft.year”是数字，不能用“+”计算，结果总是空的", NUMBER_OR_TEXT),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "what", "mend"), WRONG)
def test_values_of_kinds_that_do_not_go_together_are_told(condition, what, mend):
    (only,) = faults(flowing(condition))
    assert (only.element, only.what, only.mend) == ("agreed", f"顺序流的条件：{what}", mend)


@pytest.mark.parametrize("condition", ["count(draft.units)", "draft.units[1].amount", "date(case.filed_at)", "{a: 1}"])
def test_a_condition_that_gives_something_else_is_told(condition):
    (only,) = faults(flowing(condition))
    assert only.what == "顺序流的条件：条件的结果不是“是”或“否”"


def test_a_fact_and_a_form_reckon_with_what_goes_together():
    fact = '\n[facts.odd]\ntitle = "奇怪"\nis = \'start.claimed + "1" = null\'\n'
    text = small().files[FILES["review.toml"]].decode() + fact
    (only,) = faults(Content("demo", {**small().files, FILES["review.toml"]: text.encode()}))
    assert only.element == "facts.odd.is"
    assert only.what == "事实“奇怪”：“start.claimed”是数字，“1”是文字，不能用“+”计算，结果总是空的"
    (only,) = faults(refusing('count(units) + "x" = null'))
    assert (only.file, only.element) == (FILES["form/draft"], "year")
    assert only.what == "拒绝条件：“count(…)”是数字，“x”是文字，不能用“+”计算，结果总是空的"


# Decisions


def judged(inputs, rules) -> list[tuple[str | None, str]]:
    outputs = [("holds", "boolean"), ("reason", "string")]
    found = faults(deciding(definitions(decision("fit", table(inputs, outputs, rules)))))
    return [(where, what.partition("：")[2] or what) for where, what in told(found)]


def test_columns_of_tables_reckon_with_what_goes_together():
    rules = [("0", "false", '""'), ("not(0)", "true", '""')]
    assert judged([("count(materials.missing)", "number")], rules) == []
    assert [what for _, what in judged([("materials.missing + 1", "number")], rules)] == [
        "“materials.missing”是列表，“1”是数字，不能用“+”计算，结果总是空的"
    ]
    assert [what for _, what in judged([("string(start.claimed)", "number")], rules)] == [
        "决策“fit”第1个输入列：“string(start.claimed)”是文字，这一列写的是数字".partition("：")[2]
    ]


def test_what_a_table_answers_is_of_its_columns_kind():
    asked = [("start.claimed", "number")]
    rest = ("< 1", "false", '""')
    assert judged(asked, [rest, (">= 1", "true", '"缺 " + string(start.claimed)')]) == []
    assert [what for _, what in judged(asked, [rest, (">= 1", "true", '"缺 " + start.claimed')])] == [
        "“缺 ”是文字，“start.claimed”是数字，不能用“+”计算，结果总是空的"
    ]
    assert [what for _, what in judged(asked, [rest, (">= 1", "true", "start.claimed + 1")])] == [
        "第2个输出格“start.claimed + 1”是数字，这一列是文字"
    ]


def test_what_another_decision_of_the_file_gives_is_known():
    def both(asked: str) -> list[str]:
        first = decision("first", literal("{rows: for place in 1..3 return {one: check.result}, many: start.claimed}"))
        rules = [("-", "true", f"{asked}")]
        second = decision(
            "fit", table([("start.claimed", "number")], [("holds", "boolean"), ("reason", "string")], rules),
            requires=needs("first"),
        )  # fmt: skip
        return [fault.what for fault in faults(deciding(definitions(first, second)))]

    assert both("first.rows[1].one") == []
    assert both("first.rows[1].two") == ["决策“fit”：“first.rows”没有“two”这一列"]
    assert both("first.many") == ["决策“fit”第1条规则：第2个输出格“first.many”是数字，这一列是文字"]


# Instances, draws and objections


def seats(condition: str) -> list[tuple[str | None, str]]:
    """What is wrong with a condition behind the seats of a committee."""
    home = "bpmn/small/_shared/review/process.bpmn"
    text = review().decode()
    old = "=opinion.result = &quot;继续&quot; and seated(draw.draw, seat.seat) != null"
    old = old if old in text else escape(old.replace("&quot;", '"'), quote=False)
    assert text.count(old) == 1
    text = text.replace(old, f"={escape(condition, quote=False)}")
    whole = regulation()
    found = faults(Content(whole.regulation, {**whole.files, home: text.encode()}))
    return [
        (one.element, one.what.removesuffix("（用于“main”）")) for one in found if one.what.startswith("顺序流的条件")
    ]


@pytest.mark.parametrize(
    ("condition", "what"),
    [
        ("seat.seat > 1", None),
        ('seat.area = "甲"', None),
        ('seated(draw.draw, seat.seat).area = "甲"', None),
        ("seat.place = 1", "“seat”没有“place”"),
        ('seat.seat = "1"', "“seat.seat”是数字，“1”是文字，不能比较，结果总是空的"),
        ('seated(draw.draw, seat.seat).place = "甲"', "“seated(…)”没有“place”"),
        ('seat.state = "退出"', "“seat.state”不会是“退出”"),
        ('draw.draw = "1"', "“draw.draw”是数字，“1”是文字，不能比较，结果总是空的"),
    ],
)
def test_what_an_instance_is_about_is_known_from_its_list(condition, what):
    assert [told_ for _, told_ in seats(condition)] == ([f"顺序流的条件：{what}"] if what else [])


def look(condition: str) -> list[str]:
    """What is wrong with a condition of the calling diagram, which reads the instances from outside."""
    whole, home = regulation(), "bpmn/small/main/process.bpmn"
    name = '<portal:input name="text" value="=conclude.text"/>'
    text = whole.files[home].decode()
    assert text.count(name) == 1
    said = f"=if {condition} then conclude.text else conclude.text"
    text = text.replace(name, f'<portal:input name="text" value="{escape(said)}"/>')
    found = faults(Content(whole.regulation, {**whole.files, home: text.encode()}))
    return [one.what for one in found if one.element == "tell" and "依据" not in one.what]


@pytest.mark.parametrize(
    ("condition", "what"),
    [
        ('count(review.seats[opinion.result = "继续"]) > 1', None),
        ('review.seats[1].opinion.result = "继续"', None),
        ('some one in review.seats satisfies one.opinion.result = "继续"', None),
        ('count(review.seats[seat.area = "甲"]) > 1', None),
        ('count(review.seats[opinion.result = "同意"]) > 1', "“opinion.result”不会是“同意”"),
        ('review.seats[1].opinion.result = "同意"', "“review.seats[…].opinion.result”不会是“同意”"),
        ('some one in review.seats satisfies one.opinion.result = "同意"', "“one.opinion.result”不会是“同意”"),
        (
            'list contains(for one in review.seats return one.opinion.result, "同意")',
            "“…”不会是“同意”",
        ),
        ('count(review.seats[outcome = "已出据"]) > 1', "“outcome”不会是“已出据”"),
        ("review.seats[1].opinion.results = null", "“review.seats[…].opinion”没有“results”"),
        (
            "every place in 1..3 satisfies review.seats[place].opinion.results = null",
            "“review.seats[…].opinion”没有“results”",
        ),
        ("count(for one in review.seats return one.opinion.results) > 1", "“one.opinion”没有“results”"),
        ("count(for one in review.seats return one.seat.place) > 1", "“one.seat”没有“place”"),
        (
            'review.seats.opinion.result = "继续"',
            "“review.seats.opinion.result”是列表，“继续”是文字，不能比较，结果总是空的",
        ),
    ],
)
def test_what_instances_said_is_known_outside(condition, what):
    assert look(condition) == ([f"输入“text”：{what}"] if what else [])


@pytest.mark.parametrize(
    ("name", "value"), [("draw", "=party.name"), ("seat", "=seat.name"), ("seat", "1"), ("draw", "=seat")]
)
def test_who_is_replaced_is_told_by_numbers(name, value):
    usual = {"draw": "=draw.draw", "seat": "=seat.seat"}[name]
    text, old = review().decode(), f'<portal:input name="{name}" value="{usual}"/>'
    assert text.count(old) == 1
    text = text.replace(old, f'<portal:input name="{name}" value="{value}"/>')
    whole = regulation()
    files = {**whole.files, "bpmn/small/_shared/review/process.bpmn": text.encode()}
    found = [one.what for one in faults(Content(whole.regulation, files)) if one.element == "next"]
    assert f"输入“{name}”不是编号（用于“main”）" in found


def test_objections_are_compared_with_their_outcomes():
    whole, home = plans(), "bpmn/small/plan/procedure.toml"

    def asking(expression: str) -> list[str]:
        text = whole.files[home].decode() + f"\n[facts.odd]\ntitle = \"奇怪\"\nis = '{expression}'\n"
        found = faults(Content(whole.regulation, {**whole.files, home: text.encode()}))
        return [one.what for one in found if one.element == "facts.odd.is"]

    ends = whole.files["bpmn/small/objection/process.bpmn"].decode()
    assert 'name="不成立"' not in ends
    assert 'name="异议成立"' in ends
    sound = 'some one in objections("notice") satisfies one = null or one = "异议成立"'
    assert asking(sound) == []
    assert asking(sound.replace("异议成立", "不成立")) == ["事实“奇怪”：“one”不会是“不成立”"]
    assert asking('count(objections("notice")[item = "不成立"]) > 0') == ["事实“奇怪”：“item”不会是“不成立”"]
    assert asking('objections("notice")[1] = "不成立"') == ["事实“奇怪”：“objections(…)[…]”不会是“不成立”"]
    assert asking('list contains(earlier_objections("notice"), "不成立")') == [
        "事实“奇怪”：“earlier_objections(…)”不会是“不成立”"
    ]


# Lists that are none, and fields of registers


@pytest.mark.parametrize("each", ["draft.year", "count(draft.units) + 1", "{a: 1}", "case.number", "draft.units[1]"])
def test_what_is_started_for_each_is_a_list(each):
    found = faults(drawn('name="each" value="=draft.units"', f'name="each" value="={each}"'))
    assert "输入“each”不是列表" in [one.what for one in found if one.element == "start_notices"]


def test_a_register_is_filled_with_values_of_its_kinds():
    assert faults(entering(name="=string(start.year)")) == []
    [fault] = faults(entering(name="=start.year"))
    assert fault.what.startswith("输入“name”是数字，字段放的是文字")
    [fault] = faults(entering(amount="=string(start.amount)"))
    assert fault.what.startswith("输入“amount”不是数字")
