"""Misspelt columns of the rows of a table, in filters, loops and quantifiers; other lists stay as they are."""

from __future__ import annotations

import json
from html import escape

import pytest

from portal.procedures import Content
from tests.builders.content import FILES
from tests.builders.lists import drawn, listed
from tests.procedures.expecting import faults

AGREED = '=sign.result = "签发"'
COLUMNS = "amount、remark、unit"


def flowing(condition: str) -> Content:
    """The content whose flow to the starting of the notices has another condition."""
    return drawn(AGREED, f"={escape(condition, quote=False)}")


def refusing(refuse: str, *, column: bool = False) -> Content:
    """The content whose draft is refused by a rule of its year, or of the column `amount`."""
    content = listed()
    form = json.loads(content.files[FILES["form/draft"]])
    year, table = form["components"]
    asked = table["components"][1] if column else year
    asked["properties"].update(refuse=f"={refuse}", refusal="不行")
    if not column:
        form["components"] = [table, year]
    files = {**content.files, FILES["form/draft"]: json.dumps(form, ensure_ascii=False).encode()}
    return Content(content.regulation, files)


SOUND = [
    "count(draft.units[amount > 5]) > 0",
    "count(draft.units[item.amount > draft.year]) > 0",
    "count(draft.units[amount > draft.year and sign.result != null]) > 0",
    "some row in draft.units satisfies row.amount > draft.year",
    "sum(draft.units[unit != null].amount) > 3",
    "sum(for row in draft.units return row.amount) > 3",
    "sum((for row in draft.units return row)[amount > 1].amount) > 3",
    "sum(reverse(draft.units).amount) > 3",
    "draft.units[1].amount > 3",
    "every i in 1..count(draft.units) satisfies draft.units[i].amount > 3",
    "some a in draft.units, b in draft.units[unit = a.unit] satisfies a.amount != b.amount",
    "count(draft.units[count(draft.units[unit = item.unit]) > 1]) = 0",
    # Lists that are no tables of forms: nothing is known of their elements.
    "count([{a: 1}][a > 0]) > 0",
    "count([{a: 1}][b > 0]) > 0",
    "some one in [{a: 1}] satisfies one.b > 0",
    "count([{a: 1}][count(draft.units[amont > a]) > 0]) > 0",
]


@pytest.mark.parametrize("condition", SOUND)
def test_columns_that_are_there_and_other_lists_are_without_fault(condition):
    assert faults(flowing(condition)) == []


UNITS = "“draft.units”没有“amont”这一列", f"是否应为“amount”？可用：{COLUMNS}"
NEITHER = (
    "“amont”不是“draft.units”的列，此处也没有这个名称",
    "是否应为“amount”？可用：amount、item、remark、unit",
)
WRONG = [
    ("count(draft.units[amont > 5]) > 0", *NEITHER),
    ("count(draft.units[unit != null][amont > 5]) > 0", *NEITHER),
    ("count(draft.units[item.amont > 5]) > 0", *UNITS),
    ("sum(draft.units[unit != null].amont) > 0", *UNITS),
    ("draft.units[1].amont > 0", *UNITS),
    ("sum(sublist(draft.units, 1).amont) > 0", *UNITS),
    ("sum((if draft.year > 2 then draft.units else draft.units).amont) > 0", *UNITS),
    ("some row in draft.units satisfies row.amont > 0", *UNITS),
    ("every row in draft.units[amount > 1] satisfies row.amont > 0", *UNITS),
    ("sum(for row in draft.units return row.amont) > 0", *UNITS),
    ("sum((for row in draft.units return row).amont) > 0", *UNITS),
    ("{rows: draft.units, most: max(rows.amont)}.most > 0", *UNITS),
    (
        "count(draft.units[amount > draft.yaer]) > 0",
        "表单“draft”没有“yaer”这一项（draft）",
        "是否应为“year”？可用：units、year",
    ),
]


@pytest.mark.parametrize(("condition", "what", "mend"), WRONG)
def test_a_column_that_is_not_there_is_told_where_rows_are_read(condition, what, mend):
    (only,) = faults(flowing(condition))
    assert (only.element, only.what, only.mend) == ("agreed", f"顺序流的条件：{what}", mend)


def test_a_name_in_a_filter_that_is_near_one_outside_is_told_so_and_the_columns_too():
    (only,) = faults(flowing("count(draft.units[amount > drft.year]) > 0"))
    assert only.what == "顺序流的条件：“drft”不是“draft.units”的列，此处也没有这个名称"
    assert only.mend.startswith("是否应为“draft”？可用：about、")
    assert only.mend.endswith(f"；“draft.units”的列：{COLUMNS}")


def test_the_input_of_an_action_is_looked_at_too():
    each = '<portal:input name="each" value="=draft.units[remrk = &quot;列入&quot;]"/>'
    (only,) = faults(drawn('<portal:input name="each" value="=draft.units"/>', each))
    assert (only.element, only.what) == (
        "start_notices",
        "输入“each”：“remrk”不是“draft.units”的列，此处也没有这个名称",
    )
    assert only.mend.startswith("是否应为“remark”？")


RULES = [
    "some row in units satisfies row.amount > year",
    "count(units[amount > year]) > 0",
    "sum(units[unit != null].amount) > year",
]


@pytest.mark.parametrize("rule", RULES)
def test_a_forms_rule_reads_the_columns_of_its_own_table(rule):
    assert faults(refusing(rule)) == []
    (only,) = faults(refusing(rule.replace("amount", "amont")))
    assert (only.file, only.element) == (FILES["form/draft"], "year")
    assert only.what.startswith("拒绝条件：“")
    assert "amont" in only.what
    assert only.mend.startswith("是否应为“amount”？")


def test_a_name_in_a_filter_may_be_another_field_of_the_form():
    (only,) = faults(refusing("count(units[amount > yaer]) > 0"))
    assert only.what == "拒绝条件：“yaer”不是“units”的列，此处也没有这个名称"
    assert only.mend == f"是否应为“year”？可用：units、year；“units”的列：{COLUMNS}"


def choosing(condition: str) -> Content:
    """The content in whose list of units something is chosen for each, asked of by the flow's condition."""
    content = flowing(condition)
    form = json.loads(content.files[FILES["form/draft"]])
    values = [{"label": text, "value": text} for text in ("列入", "移出")]
    form["components"][1]["components"][2] = {"type": "select", "key": "remark", "label": "办理", "values": values}
    files = {**content.files, FILES["form/draft"]: json.dumps(form, ensure_ascii=False).encode()}
    return Content(content.regulation, files)


@pytest.mark.parametrize(
    "condition",
    [
        'count(draft.units[remark = "列入"]) > 0',
        'some row in draft.units satisfies row.remark in ("列入", "移出")',
        'count(draft.units[unit = "列人"]) > 0',
        'some remark in ["列人"] satisfies remark = "列人"',
        'count(draft.units[some remark in ["列人"] satisfies remark = "列人"]) > 0',
    ],
)
def test_what_can_be_chosen_may_be_asked_for(condition):
    assert faults(choosing(condition)) == []


@pytest.mark.parametrize(
    ("condition", "path"),
    [
        ('count(draft.units[remark = "列人"]) > 0', "remark"),
        ('count(draft.units[remark in ("列入", "列人")]) > 0', "remark"),
        ('count(draft.units[item.remark != "列人"]) > 0', "item.remark"),
        ('some row in draft.units satisfies "列人" = row.remark', "row.remark"),
        ('count(draft.units[amount > 1][remark = "列人"]) > 0', "remark"),
        ('count(draft.units[count(draft.units[unit = item.unit and remark = "列人"]) > 0]) > 0', "remark"),
    ],
)
def test_a_text_that_cannot_be_chosen_in_a_column_is_told(condition, path):
    [fault] = faults(choosing(condition))
    assert fault.what == f"顺序流的条件：“{path}”不会是“列人”"
    assert fault.mend == "可能的值：列入、移出"
