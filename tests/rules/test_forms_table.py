"""A table in a form: read, filled in, checked row by row, typed, shown, and refused where an analyst wrote it wrong."""

from __future__ import annotations

import copy
import json
from datetime import date
from decimal import Decimal

import pytest

from portal import feel, forms
from portal.errors import ContentFaults
from portal.feel import Signature
from portal.forms import Option
from tests.builders.sheets import AMOUNT, CODE, NOTE, TABLE, code, form

A, B, C = code(1), code(2), code(3)
KNOWN = {"units.unit": [Option(code(number), f"第{number}厂") for number in range(1, 6)]}


def table(**more):
    """The table with some of its attributes changed; `properties` and `column` are laid over."""
    changed = copy.deepcopy(TABLE)
    changed["properties"] |= more.pop("properties", {})
    changed["components"][1] |= more.pop("column", {})
    return {**changed, **more}


def of_columns(*columns, **properties):
    return table(components=list(columns), properties={"unique": [], "sum": [], **properties})


def a_column(type_="textfield", key="x", label="列", **more):
    return {"type": type_, "key": key, "label": label, **more}


LISTED = forms.read(form(TABLE, NOTE))


def check(answers, form=LISTED, names=None, choices=KNOWN):
    return form.check(answers, names or {}, choices)


def rows(*pairs):
    return {"units": [{"unit": unit, "amount": amount} for unit, amount in pairs]}


def told(answers, form=LISTED, names=None, choices=KNOWN):
    return {name: error.zh for name, error in check(answers, form, names, choices).errors.items()}


# what is accepted


def test_rows_as_json_as_a_page_posts_them_and_as_a_long_page_posts_them():
    stored = {"units": [{"unit": A, "amount": "1200"}, {"unit": B, "amount": "5"}]}
    assert check(rows((A, 1200), (B, "5"))).values == stored
    posted = {"units.0.unit": [A.lower()], "units.0.amount": ["1,200"], "units.3.unit": [B], "units.3.amount": ["５"]}
    assert check(posted).values == stored
    assert check({"units.rows": [json.dumps(rows((A, "1200"), (B, "5"))["units"])]}).values == stored
    first = json.dumps(rows((A, "1200"))["units"])
    assert check({"units.rows": first, "units.0.unit": [B], "units.0.amount": ["5"]}).values == stored


def test_rows_are_in_the_order_of_their_numbers_and_blank_ones_do_not_count():
    posted = {"units.10.unit": [B], "units.10.amount": ["2"], "units.9.unit": [A], "units.9.amount": ["1"],
              "units.2.unit": [" \u3000"], "units.2.amount": [""]}  # fmt: skip
    assert [row["unit"] for row in check(posted).values["units"]] == [A, B]


def test_rows_become_feel_values():
    typed = LISTED.typed({"units": [{"unit": A, "amount": "1200"}, {"amount": "5"}]})
    assert typed == {"units": [{"unit": A, "amount": Decimal(1200)}, {"amount": Decimal(5)}]}
    scope = feel.Scope({"draft": typed})
    assert feel.compile("sum(draft.units.amount)").evaluate(scope) == Decimal(1205)
    assert feel.compile("count(draft.units)").evaluate(scope) == 2


def test_every_kind_of_column():
    every = forms.read(
        form(
            of_columns(
                a_column(key="t", validate={"maxLength": 5}),
                a_column("number", key="n", decimalDigits=2),
                a_column("number", key="y", properties={"kind": "year"}),
                a_column("datetime", key="d"),
                a_column(key="u", properties={"kind": "uscc"}),
                a_column("select", key="s", values=[{"label": "一类", "value": "1"}]),
                a_column("select", key="e", valuesExpression="=start.kinds"),
            )
        )
    )
    row = {"t": "甲", "n": "1.5", "y": 2026, "d": "2026/1/2", "u": A.lower(), "s": "1", "e": "水泥"}
    checked = check({"units": [row]}, every, {"start": {"kinds": ["水泥"]}}, {})
    assert checked.errors == {}
    assert checked.values["units"] == [
        {"t": "甲", "n": "1.5", "y": "2026", "d": "2026-01-02", "u": A, "s": "1", "e": "水泥"}
    ]
    assert every.typed(checked.values)["units"][0]["d"] == date(2026, 1, 2)
    wrong = {"units": [{"t": "一二三四五六", "s": "2", "e": "钢铁", "d": "2026-02-30"}]}
    assert told(wrong, every, {"start": {"kinds": ["水泥"]}}, {}) == {
        "units.0.t": "第 1 行 列：最多 5 字，现有 6 字",
        "units.0.d": "第 1 行 列：没有这一天，请按年-月-日填写，例如 2026-10-12",
        "units.0.s": "第 1 行 列：请从列出的选项中选择",
        "units.0.e": "第 1 行 列：请从列出的选项中选择",
    }


# what is refused


WRONG_AMOUNTS = [
    (0, "不能小于 1 tCO₂e，请填写 1 或更大的整数"),
    ("", "请填写"),
    ("一百", "请填写整数，单位 tCO₂e，例如 120000"),
    ("1,2", "这一格里的逗号只能每三位一个，例如 1,204,905"),
    (True, "请填写整数，单位 tCO₂e，例如 120000"),
    ([1, 2], "只能填写一项"),
    ("0.5", "不能有小数，请填写整数，单位 tCO₂e，例如 120000"),
    ("-3", "不能小于 1 tCO₂e，请填写 1 或更大的整数"),
    (10**30, "这一格的数字过大，最多 15 位整数，请核对"),
]
WRONG_CODES = [
    ("", "请填写"),
    (A[:-1], "应为 18 位统一社会信用代码，现有 17 位"),
    (A[:-1] + "I", "只能含数字和大写字母，不使用 I、O、S、V、Z，请核对"),
    (A[:-1] + ("0" if A[-1] != "0" else "1"), "这一格的校验位不对，请对照营业执照核对这 18 位"),
    (
        code(9),
        f"{code(9)} 没有在本门户登记，请核对代码；代码无误的，请该单位先在本门户注册，"
        "或请管理员登记该单位（不需要账号），然后再填写",
    ),
]


@pytest.mark.parametrize(("amount", "says"), WRONG_AMOUNTS)
def test_a_wrong_amount_is_named_by_row_and_column(amount, says):
    assert told(rows((B, 1), (A, amount))) == {"units.1.amount": f"第 2 行 {AMOUNT}：{says}"}
    assert "units" not in check(rows((B, 1), (A, amount))).values


@pytest.mark.parametrize(("given", "says"), WRONG_CODES)
def test_a_wrong_code_is_named_by_row_and_column(given, says):
    assert told(rows((B, 1), (given, 5))) == {"units.1.unit": f"第 2 行 {CODE}：{says}"}


def test_a_unit_twice_is_named_in_both_rows():
    assert told(rows((A, 5), (B, 6), (A.lower(), 7))) == {
        "units.0.unit": f"第 1 行 {CODE}：与第 3 行重复，请只留一行",
        "units.2.unit": f"第 3 行 {CODE}：与第 1 行重复，请只留一行",
    }
    many = told(rows(*[(A, 1)] * 8))
    assert many["units.0.unit"] == f"第 1 行 {CODE}：与第 2、3、4、5、6 等行重复，请只留一行"
    assert many["units.7.unit"] == f"第 8 行 {CODE}：与第 1、2、3、4、5 等行重复，请只留一行"


NO_ROWS = "请填写各单位年度配额，至少一行"
UNREADABLE = "各单位年度配额的各行没有读懂，请重新填写或重新导入"


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({}, NO_ROWS),
        ({"units": []}, NO_ROWS),
        ({"units": [{}, {"unit": ""}]}, NO_ROWS),
        ({"units": "x"}, UNREADABLE),
        ({"units": 5}, UNREADABLE),
        ({"units": [5]}, UNREADABLE),
        ({"units.rows": "[" * 100_000}, UNREADABLE),
        ({"units.rows": "no", "units.0.unit": A}, UNREADABLE),
        ({"units.rows": '[{"amount": 1e1000000000000000000}]'}, UNREADABLE),
        ({"units.rows": '[{"amount": 1e-1001}]'}, UNREADABLE),
        (rows(*[(A, 1)] * 2001), "各单位年度配额最多 2,000 行，现有 2,001 行，请分几次办理"),
    ],
)
def test_what_is_wrong_with_the_table_as_a_whole(answers, says):
    assert told(answers) == {"units": says}


def test_errors_in_english():
    errors = check(rows((A[:5], "x"), (B, 1), (B, ""))).errors
    assert [error.en for error in errors.values()] == [
        f"Row 1, {CODE}: is a code of 18 characters; it has 5",
        f"Row 1, {AMOUNT}: enter a whole number in tCO₂e, for example 120000",
        f"Row 2, {CODE}: the same as row 3; keep one of them",
        f"Row 3, {CODE}: the same as row 2; keep one of them",
        f"Row 3, {AMOUNT}: enter a value",
    ]


def test_what_no_column_asks_for_is_refused_by_name():
    unknown = "这份表单没有“{}”这一项，请刷新页面后重新提交"
    posted = {
        "units.0.unit": [A],
        "units.0.amount": ["1"],
        "units.0.colour": ["red"],
        "units.x": ["1"],
        "units.file": [""],
    }
    assert told(posted) == {
        name: unknown.format(name) for name in ("units.x", "units.file", "units.0.colour")
    }  # fmt: skip
    both = {**rows((A, 1)), "units.0.unit": [A]}
    assert told(both) == {"units.0.unit": unknown.format("units.0.unit")}


def test_a_rule_of_a_column_sees_its_row_then_the_form_then_the_case():
    ruled = forms.read(
        form(
            table(
                components=[
                    a_column(
                        key="unit", properties={"refuse": "=amount > limit and unit != start.unit", "refusal": "超限"}
                    ),
                    a_column("number", key="amount", properties={"kind": "amount"}),
                ],
                properties={"unique": []},
            ),
            {"type": "number", "key": "limit", "label": "限额"},
        )
    )
    names = {"start": {"unit": "丙"}, "amount": Decimal(0)}
    answers = {"limit": "10", **rows(("甲", 5), ("乙", 15), ("丙", 15), ("丁", None))}
    assert told(answers, ruled, names) == {"units.1.unit": "第 2 行 列：超限"}
    assert told({**answers, "limit": "20"}, ruled, names) == {}
    assert ruled.needs == {("start", "unit"), ("fill", "units")}
    assert {(w.attribute, w.columns) for w in ruled.expressions if w.element == "units.unit"} == {
        ("refuse", frozenset({"unit", "amount"}))
    }


def test_a_column_that_a_row_does_not_ask_for_stays_blank():
    columns = (
        a_column("select", key="what", values=[{"label": t, "value": t} for t in ("列入", "移出")]),
        a_column(key="cause", validate={"required": True}, conditional={"hide": '=what != "移出"'}),
    )
    asked = forms.read(form(of_columns(*columns)))
    assert told({"units": [{"what": "列入"}, {"what": "移出", "cause": "停产"}]}, asked) == {}
    assert told({"units": [{"what": "列入", "cause": "停产"}, {"what": "移出"}]}, asked) == {
        "units.0.cause": "第 1 行 列：这一行不填此列，请清空这一格",
        "units.1.cause": "第 2 行 列：请填写",
    }


def test_a_rule_of_the_table_sees_all_rows():
    capped = forms.read(form(table(properties={"refuse": "=sum(units.amount) > 10", "refusal": "合计超过总量"})))
    assert told(rows((A, 5), (B, 6)), capped) == {"units": "合计超过总量"}
    assert told(rows((A, 5), (B, 5)), capped) == {}


def test_several_columns_are_unique_together():
    by_year = forms.read(
        form(
            of_columns(
                a_column(key="unit", label="单位"),
                a_column("number", key="year", label="年度", properties={"kind": "year"}),
                unique=["unit", "year"],
            )
        )
    )
    given = [{"unit": "甲", "year": 2025}, {"unit": "甲", "year": 2026}, {"unit": "甲"}, {"unit": "甲", "year": "2025"}]
    assert told({"units": given}, by_year) == {
        "units.0.unit": "第 1 行 单位：与第 4 行重复，请只留一行",
        "units.3.unit": "第 4 行 单位：与第 1 行重复，请只留一行",
    }


def test_a_table_in_a_group_and_one_that_is_hidden():
    grouped = forms.read(form({"type": "group", "path": "plan", "components": [TABLE]}, NOTE))
    posted = {"plan.units.0.unit": [A], "plan.units.0.amount": ["x"]}
    assert told(posted, grouped, choices={}) == {
        "plan.units.0.amount": f"第 1 行 {AMOUNT}：请填写整数，单位 tCO₂e，例如 120000"
    }
    assert check({"plan": rows((A, 1))}, grouped, choices={}).values == {
        "plan": {"units": [{"unit": A, "amount": "1"}]}
    }
    hidden = forms.read(form(table(conditional={"hide": '=note = "无"'}), NOTE))
    assert check({"note": "无", **rows(("x", "y"))}, hidden).values == {"note": "无"}
    view = hidden.view({"note": "无", **rows(("x", "y"))}, {}, {}, KNOWN)
    assert view.tables[0].carried == (("units.rows", '[{"unit":"X","amount":"y"}]'),)


def test_of_two_thousand_rows_each_is_checked_once_and_the_case_is_read_once():
    read, called = [], []

    class Names(dict):
        def __getitem__(self, name):
            read.append(name)
            return super().__getitem__(name)

    ruled = table()
    ruled["components"][0]["properties"] |= {"refuse": "=listed(unit, start.year) = false", "refusal": "不在名录"}
    ruled = forms.read(form(ruled), {"listed": Signature(2)})
    scope = feel.Scope(Names(start={"year": Decimal(2025)}), {"listed": lambda *of: called.append(of) or True})
    many = {"units.unit": [Option(code(number), "") for number in range(2000)]}
    answers = {"units.rows": [json.dumps([{"unit": code(number), "amount": "5"} for number in range(2000)])]}
    checked = ruled.check(answers, scope, many)
    assert checked.errors == {}
    assert len(called) == 2000
    assert read.count("start") == 1


# prefilled, shown, read back


def test_a_table_begins_with_the_rows_of_an_earlier_answer():
    earlier = {"fill": LISTED.typed(rows((A, "1200")))}
    assert LISTED.prefill(earlier) == {"units": [{"unit": A, "amount": "1200"}]}
    view = LISTED.view(None, {}, earlier, KNOWN)
    assert [[cell.value for cell in row.cells] for row in view.tables[0].rows] == [[A, "1,200"]]
    assert LISTED.prefill({"fill": {"units": "nothing"}}) == {}
    assert LISTED.prefill({"fill": {"units": [{"unit": A, "amount": "viel"}]}}) == {}


def test_a_page_shows_what_was_typed_with_its_errors():
    answers = {"units.0.unit": [A], "units.0.amount": ["1200"], "units.1.unit": ["９１"], "units.1.amount": ["viel"]}
    view = LISTED.view(answers, check(answers).errors, {}, KNOWN)
    shown = view.tables[0]
    assert (shown.template, shown.compact, shown.count, shown.most) == ("table", False, 2, 2000)
    assert [cell.value for cell in shown.rows[1].cells] == ["91", "viel"]
    assert shown.rows[0].cells[0].said == "第1厂"
    assert shown.rows[1].cells[1].error == "请填写整数，单位 tCO₂e，例如 120000"
    assert [error.target for error in view.errors] == ["f-units-1-unit", "f-units-1-amount"]
    assert shown.sums[0].text == "1,200 tCO₂e"
    assert view.uploads == ("units.file",)
    english = LISTED.view(answers, check(answers).errors, {}, KNOWN, "en")
    assert english.tables[0].rows[1].cells[1].error == "enter a whole number in tCO₂e, for example 120000"


def test_a_long_table_is_shown_to_be_read_and_errors_are_listed_up_to_a_number():
    answers = rows(*[("x", "y")] * 150)
    errors = check(answers).errors
    assert len(errors) == 300
    view = LISTED.view(answers, errors, {}, KNOWN)
    assert view.tables[0].compact
    assert (len(view.errors), view.unlisted) == (200, 100)
    assert {error.target for error in view.errors} == {"f-units"}
    assert LISTED.view({"units.rows": view.tables[0].json}, {}, {}, KNOWN).tables[0].json == view.tables[0].json


def test_a_stored_table_is_read_back_by_count_sum_and_first_rows():
    values = rows(*[(code(number), str(number)) for number in range(1, 31)])
    lines = LISTED.display({**values, "note": "说"}, {}, KNOWN)
    assert lines == [("各单位年度配额", "30 行；年度配额合计 465 tCO₂e"), ("说明", "说")]
    english = LISTED.display({**values, "note": "说"}, {}, KNOWN, "en")
    assert english == [("各单位年度配额", "30 rows; total of 年度配额 465 tCO₂e"), ("说明", "说")]
    shown = LISTED.display_tables(values, {}, KNOWN)[0]
    assert (shown.count, len(shown.rows), shown.more) == (30, 20, 10)
    assert shown.rows[0] == (f"第1厂（{A}）", "1")
    assert shown.headings == (CODE, AMOUNT)
    assert LISTED.display({}, {}) == [("各单位年度配额", "未填写"), ("说明", "未填写")]
    assert LISTED.display_tables({}, {}) == []


# what an analyst may write


def faults_of(*components):
    with pytest.raises(ContentFaults) as caught:
        forms.read(form(*components))
    assert all(fault.what and fault.mend for fault in caught.value.faults)
    return [(fault.what, fault.element) for fault in caught.value.faults]


def without_rule(**more):
    return of_columns(a_column(key="unit", **more))


@pytest.mark.parametrize(
    ("component", "what", "place"),
    [
        ({**TABLE, "properties": {}}, "不支持的组件类型“dynamiclist”（重复组）", "units"),
        (table(properties={"kind": "grid"}), "dynamiclist 没有“grid”这一种（properties.kind）", "units"),
        (table(path=""), "“path”缺失或不能作名称", "components[0]"),
        (table(key="units"), "table 不认识“key”", "units"),
        (table(defaultValue=[]), "table 不认识“defaultValue”", "units"),
        (table(label=None), "没有标签（label）", "units"),
        (table(properties={"most": 5000}), "“most”应为 1 到 2000 的整数", "units"),
        (table(properties={"unique": ["year"]}), "“unique”应列出表格的列", "units"),
        (table(properties={"unique": "unit"}), "“unique”应列出表格的列", "units"),
        (table(properties={"sum": ["unit"]}), "“sum”应列出表格的数字列", "units"),
        (table(components=[]), "表格应有 1 到 20 列（components）", "units"),
        (table(components=["x"]), "组件应为对象", "components[0].components[0]"),
        (table(column={"key": "unit"}), "“key”重复：unit", "units.unit"),
        (table(column={"key": "case"}), "“case”是门户保留的名称", "units.case"),
        (table(column={"type": "textarea", "properties": {}}), "表格的列不能是“textarea”", "units.amount"),
        (table(column={"type": "group", "properties": {}}), "表格的列不能是“group”", "units.amount"),
        (table(column={"type": "text", "text": "x"}), "表格的列不能是“text”", "units.amount"),
        (table(column={"type": "slider"}), "未知的组件类型“slider”", "units.amount"),
        (without_rule(defaultValue="x"), "表格的列不能写“defaultValue”", "units.unit"),
        (without_rule(properties={"prefill": "=x"}), "表格的列不能写“prefill”", "units.unit"),
        (without_rule(properties={"refuse": "=true"}), "refuse 与 refusal 要一起写", "units.unit"),
        (
            without_rule(properties={"refuse": "=count(units) > 1", "refusal": "x"}),
            "列的 refuse 不能读整张表（units）",
            "units.unit",
        ),
        (
            without_rule(conditional={"hide": "=count(units[unit = 1]) > 1"}),
            "列的 conditional.hide 不能读整张表（units）",
            "units.unit",
        ),
    ],
)
def test_a_table_that_is_written_wrong_is_refused_with_every_fault(component, what, place):
    component = {key: value for key, value in component.items() if value is not None}
    assert (what, place) in faults_of(component)


def test_columns_are_there_for_those_who_check_expressions():
    field = LISTED.fields[0]
    assert (field.name, field.kind_name) == ("units", "table")
    assert [(column.name, column.kind_name) for column in field.columns] == [("unit", "party"), ("amount", "amount")]
    assert [column.place for column in field.columns] == ["units.unit", "units.amount"]


def test_form_js_may_leave_its_own_marks():
    marked = table(showOutline=True, isRepeating=True, allowAddRemove=True, defaultRepetitions=1, layout={}, id="F1")
    assert forms.read(form(marked)).fields[0].name == "units"
