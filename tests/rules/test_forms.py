"""Answers: what each kind accepts and refuses, what hidden and unknown fields come to, and what FEEL gets."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest

from portal import forms
from portal.feel import Scope, Signature
from portal.forms import Option, uscc


def a_form(*components, functions=None):
    text = json.dumps({"type": "default", "id": "review", "components": components}, ensure_ascii=False)
    return forms.read(text.encode(), functions or {})


def a_field(type_="textfield", key="x", label="理由", **more):
    return {"type": type_, "key": key, "label": label, **more}


def check(component, answer, choices=None):
    return a_form(component).check({"x": answer}, {}, choices or {})


def value(component, answer, choices=None):
    checked = check(component, answer, choices)
    assert checked.errors == {}
    return checked.values.get("x")


def error(component, answer, choices=None):
    checked = check(component, answer, choices)
    assert "x" not in checked.values
    return checked.errors["x"].zh


REQUIRED = {"validate": {"required": True}}
TEXT = a_field(validate={"required": True, "minLength": 2, "maxLength": 10})
AREA = a_field("textarea", validate={"required": True, "maxLength": 4000})
NUMBER = a_field("number", decimalDigits=2, validate={"min": -5, "max": 2000000}, properties={"unit": "吨"})
AMOUNT = a_field("number", label="排放量", properties={"kind": "amount"})
YEAR = a_field("number", label="年度", properties={"kind": "year"})
USCC = a_field(label="代码", properties={"kind": "uscc"})
PARTY = a_field(label="单位", properties={"kind": "party"})
OPTIONS = [{"label": "维持原决定", "value": "维持"}, {"label": "变更", "value": "变更"}]
RADIO = a_field("radio", label="结论", values=OPTIONS)
SELECT = a_field("select", label="结论", values=OPTIONS)
CHECKLIST = a_field("checklist", label="事项", values=OPTIONS)
CHECKBOX = a_field("checkbox", label="同意")
DAY = a_field("datetime", label="日期", subtype="date")
FILES = a_field("filepicker", label="证据", accept=".pdf,.docx", multiple=True, properties={"max": 2})
CODE = "91440300708461136T"


# texts


def test_a_line_of_text_is_trimmed():
    assert value(TEXT, "\u3000 产量有误 \ufeff") == "产量有误"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("", "请填写理由"),
        ("\u200b \u3000", "请填写理由"),
        ("误", "理由至少 2 字，现有 1 字"),
        ("误" * 11, "理由最多 10 字，现有 11 字"),
        ("两\n行", "理由只能填写一行，请删去换行"),
        ("a\x00b", "理由含有不能使用的控制字符（U+0000），请删去后重新填写"),
        ("a\u202eb", "理由含有不能使用的控制字符（U+202E），请删去后重新填写"),
        ("a\ud800b", "理由含有不能使用的控制字符（U+D800），请删去后重新填写"),
        (5, "理由应为文字，请重新填写"),
        (["a1", "b1"], "理由只能填写一项"),
    ],
)
def test_a_line_of_text_refuses(answer, says):
    assert error(TEXT, answer) == says


def test_a_text_keeps_lines_and_tabs_with_one_kind_of_line_end():
    assert value(AREA, "一\r\n\t二\r三") == "一\n\t二\n三"


def test_a_text_counts_characters():
    assert value(AREA, "𠮷" * 4000) == "𠮷" * 4000
    assert error(AREA, "理" * 4012) == "理由最多 4000 字，现有 4012 字"
    assert "control character (U+0007)" in check(AREA, "\a").errors["x"].en


def test_a_pattern_means_ascii_digits():
    postcode = a_field(label="邮编", validate={"pattern": "^\\d{6}$"}, properties={"example": "400015"})
    assert value(postcode, "400015") == "400015"
    assert error(postcode, "４０００１５") == "邮编的格式不正确，请按要求填写，例如 400015"


def test_an_email():
    mail = a_field(label="邮箱", validate={"validationType": "email"})
    assert value(mail, "a@b.cn") == "a@b.cn"
    assert error(mail, "a b.cn") == "邮箱的格式不正确，请按要求填写，例如 name@example.cn"


# numbers


@pytest.mark.parametrize(
    ("answer", "stored"),
    [
        ("1,204,905", "1204905"),
        (" １，２０４，９０５．５０ ", "1204905.5"),
        ("-0.00", "0"),
        ("−3", "-3"),
        ("+3", "3"),
        (3, "3"),
        (1.25, "1.25"),
        (1e3, "1000"),
        (Decimal("2E+2"), "200"),
        (Decimal("0E-999999999999999"), "0"),
        (["7"], "7"),
        ("", None),
        (None, None),
        ([], None),
    ],
)
def test_a_number_is_stored_as_plain_digits(answer, stored):
    assert value(NUMBER, answer) == stored


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("many", "理由：请填写数字，单位 吨，例如 1204.5"),
        ("1e5", "理由：请填写数字，单位 吨，例如 1204.5"),
        ("1,2", "理由里的逗号只能每三位一个，例如 1,204,905"),
        ("1.005", "理由最多 2 位小数，请四舍五入后填写"),
        ("-6", "理由不能小于 -5 吨"),
        ("2000001", "理由不能大于 2,000,000 吨"),
        ("9" * 21, "理由的数字过大，最多 20 位整数，请核对"),
        ("9" * 5000, "理由的数字过大，最多 20 位整数，请核对"),
        pytest.param(10**5000, "理由的数字过大，最多 20 位整数，请核对", id="10^5000"),
        (1e300, "理由的数字过大，最多 20 位整数，请核对"),
        (float("nan"), "理由：请填写数字，单位 吨，例如 1204.5"),
        (True, "理由：请填写数字，单位 吨，例如 1204.5"),
        ({}, "理由：请填写数字，单位 吨，例如 1204.5"),
    ],
)
def test_a_number_refuses(answer, says):
    assert error(NUMBER, answer) == says


@pytest.mark.parametrize(("answer", "stored"), [("0", "0"), ("9" * 15, "9" * 15), ("120000.0", "120000")])
def test_an_amount_is_whole_tonnes(answer, stored):
    assert value(AMOUNT, answer) == stored


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("-1", "排放量不能小于 0 tCO₂e，请填写 0 或更大的整数"),
        ("-1.5", "排放量不能小于 0 tCO₂e，请填写 0 或更大的整数"),
        ("十二万", "排放量：请填写整数，单位 tCO₂e，例如 120000"),
        (str(10**30), "排放量的数字过大，最多 15 位整数，请核对"),
        (10**30, "排放量的数字过大，最多 15 位整数，请核对"),
        ("1" + "0" * 15, "排放量的数字过大，最多 15 位整数，请核对"),
        ("12.5", "排放量不能有小数，请填写整数，单位 tCO₂e，例如 120000"),
    ],
)
def test_an_amount_refuses(answer, says):
    assert error(AMOUNT, answer) == says


def test_an_amount_keeps_the_bounds_of_its_form():
    bounded = AMOUNT | {"validate": {"min": 10, "max": 20}}
    for small in ("9", "0", "-1"):
        assert error(bounded, small) == "排放量不能小于 10 tCO₂e，请填写 10 或更大的整数"
    assert error(bounded, "21") == "排放量不能大于 20 tCO₂e"


@pytest.mark.parametrize("answer", ["2000", "2100", "２０２６"])
def test_a_year_is_from_2000_to_2100(answer):
    assert value(YEAR, answer) in ("2000", "2100", "2026")


@pytest.mark.parametrize("answer", ["1999", "2101", "2025.5", "今年", "20256"])
def test_a_year_refuses(answer):
    assert error(YEAR, answer) == "年度：请填写 2000 到 2100 之间的年份，例如 2026"


# codes


@pytest.mark.parametrize(
    "code", ["91110000802100433B", "9144030071526726XG", "91330100799655058B", "91440300708461136T"]
)
def test_real_codes_pass(code):
    assert uscc.is_valid(code)
    assert value(USCC, code) == code


def test_a_code_is_upper_cased_and_narrowed():
    assert value(USCC, "９１４４ 0300 7084 6113 6t") == CODE


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("91350100M000100Y4Z", "代码只能含数字和大写字母，不使用 I、O、S、V、Z，请核对"),
        ("91350100M000100Y44", "代码的校验位不对，请对照营业执照核对这 18 位"),
        (CODE[:-1], "代码应为 18 位统一社会信用代码，现有 17 位"),
        (914403007084611364, "代码应为文字，请重新填写"),
    ],
)
def test_a_code_refuses(answer, says):
    assert error(USCC, answer) == says


def test_the_right_check_digit_of_the_wrong_vector():
    assert uscc.check_digit("91350100M000100Y4") == "3"


def test_a_party_is_one_of_the_choices_where_there_are_any():
    choices = {"x": [Option(CODE, "某钢铁公司")]}
    assert value(PARTY, CODE) == CODE
    assert value(PARTY, CODE, choices) == CODE
    assert error(PARTY, "91110000802100433B", choices) == "单位不在可选的单位之中，请从列表中选择"


# choices, boxes, days, files


@pytest.mark.parametrize("field", [RADIO, SELECT])
def test_one_option(field):
    assert value(field, ["变更"]) == "变更"
    assert value(field, "") is None
    assert error(field, "撤销") == "结论：请从列出的选项中选择"
    assert error(field, True) == "结论：请从列出的选项中选择"
    assert error(field | REQUIRED, None) == "请选择结论"


def test_several_options_stand_in_their_order():
    assert value(CHECKLIST, ["变更", "维持", "变更"]) == ["维持", "变更"]
    assert value(CHECKLIST, None) == []
    assert error(CHECKLIST, ["撤销"]) == "事项：请从列出的选项中选择"
    assert error(CHECKLIST, [1]) == "事项：请从列出的选项中选择"
    assert error(CHECKLIST | REQUIRED, []) == "请选择事项，至少一项"


@pytest.mark.parametrize("type_", ["radio", "select", "checklist"])
def test_options_may_come_from_the_case(type_):
    form = a_form(a_field(type_, label="结论", valuesExpression="=start.ways"))
    names = {"start": {"ways": ["维持", {"label": "改变", "value": "变更"}, Decimal("1.0"), None, {"value": 3}]}}
    assert not form.check({"x": ["变更"]}, names).errors
    assert form.check({"x": ["撤销"]}, names).errors["x"].zh == "结论：请从列出的选项中选择"
    assert form.check({"x": ["维持"]}, {}).errors
    stored = form.check({"x": ["变更"]}, names).values
    assert form.display(stored, names) == [("结论", "改变")]
    assert form.display(stored, {}) == [("结论", "变更")]
    assert form.view({}, {}, names).fields[0].options == (
        Option("维持", "维持"),
        Option("变更", "改变"),
        Option("1", "1"),
    )


def test_options_may_hang_on_the_form_s_own_answers():
    ways = '=if conclusion = "变更" then ["增加", "减少"] else ["不变"]'
    form = a_form(CONCLUSION, a_field("radio", label="方向", valuesExpression=ways))
    assert not form.check({"conclusion": "变更", "x": "增加"}, {}).errors
    assert "x" in form.check({"conclusion": "维持", "x": "增加"}, {}).errors
    assert form.view({}, {}, {}).fields[0].drives


def test_a_box_is_always_answered():
    assert value(CHECKBOX, "true") is True
    assert value(CHECKBOX, True) is True
    assert a_form(CHECKBOX).check({}, {}).values == {"x": False}
    assert error(CHECKBOX, "vielleicht") == "同意：请勾选或不勾选"
    assert error(CHECKBOX | REQUIRED, False) == "请勾选“同意”"
    sentence = CHECKBOX | REQUIRED | {"label": "所提交的材料真实、完整，对其真实性负责，并愿意公开"}
    assert error(sentence, False) == "请勾选“所提交的材料真实、完整，对其真实性负责，…”"


@pytest.mark.parametrize("answer", ["2026-10-12", "2026/10/12", "２０２６年１０月１２日", "2026.10.12"])
def test_a_day(answer):
    assert value(DAY, answer) == "2026-10-12"


@pytest.mark.parametrize("answer", ["2026-02-30", "12.10.2026", "20261012", "1899-12-31"])
def test_a_day_refuses(answer):
    assert error(DAY, answer) == "日期：没有这一天，请按年-月-日填写，例如 2026-10-12"


def test_a_required_day_says_what_a_day_looks_like():
    assert error(DAY | REQUIRED, "") == "请填写日期，例如 2026-10-12"


def test_files_are_a_list_of_ids():
    assert value(FILES, ["12", "13", "12"]) == ["12", "13"]
    assert value(FILES, 12) == ["12"]
    assert value(FILES, None) == []
    assert error(FILES, ["1", "2", "3"]) == "证据最多 2 个文件，现有 3 个，请移除多余的"
    assert error(FILES, ["../x"]) == "证据里的文件找不到，请重新上传"
    assert error(FILES, [True]) == "证据里的文件找不到，请重新上传"
    assert error(FILES | REQUIRED, []) == "请上传证据"


def test_files_must_be_among_those_that_the_caller_knows():
    choices = {"x": [Option("12", "申请书.pdf")]}
    assert value(FILES, "12", choices) == ["12"]
    assert error(FILES, "13", choices) == "证据里的文件找不到，请重新上传"


def test_one_file_unless_several_are_allowed():
    assert error(a_field("filepicker", label="证据"), ["1", "2"]).startswith("证据最多 1 个文件")


# groups


UNIT = {
    "type": "group",
    "label": "单位",
    "path": "unit",
    "components": [a_field(key="code", properties={"kind": "uscc"}), a_field(key="name", **REQUIRED)],
}


def test_a_group_with_a_path_makes_one_object():
    form = a_form(UNIT)
    posted = form.check({"unit.code": CODE, "unit.name": "甲"}, {})
    nested = form.check({"unit": {"code": CODE, "name": "甲"}}, {})
    assert posted.values == nested.values == {"unit": {"code": CODE, "name": "甲"}}
    assert not posted.errors


def test_a_missing_answer_in_a_group_has_its_dotted_name():
    assert list(a_form(UNIT).check({}, {}).errors) == ["unit.name"]


def test_an_answer_given_twice_or_instead_of_a_group_is_unknown():
    form = a_form(UNIT)
    assert "unit.name" in form.check({"unit": {"name": "甲"}, "unit.name": "乙"}, {}).errors
    assert "unit" in form.check({"unit": "甲"}, {}).errors


def test_a_group_without_a_path_only_has_a_heading():
    group = {k: v for k, v in UNIT.items() if k != "path"}
    assert a_form(group).check({"name": "甲"}, {}).values == {"name": "甲"}


# conditions


CONCLUSION = a_field("radio", key="conclusion", label="结论", values=OPTIONS, **REQUIRED)
NEW = a_field(
    "number",
    key="amount",
    label="变更后的配额",
    properties={"kind": "amount"},
    conditional={"hide": '=conclusion != "变更"'},
    **REQUIRED,
)
WHY = a_field(key="why", conditional={"hide": "=not(amount > 10)"}, **REQUIRED)


def test_a_visible_field_is_required_and_a_hidden_one_is_dropped():
    form = a_form(CONCLUSION, NEW)
    assert list(form.check({"conclusion": "变更"}, {}).errors) == ["amount"]
    assert form.check({"conclusion": "维持", "amount": "nonsense"}, {}).values == {"conclusion": "维持"}


def test_the_order_of_the_components_does_not_matter():
    form = a_form(WHY, NEW, CONCLUSION)
    answers = {"conclusion": "变更", "amount": "11", "why": "因"}
    assert form.check(answers, {}).values == answers
    assert form.check(answers | {"amount": "9"}, {}).values == {"conclusion": "变更", "amount": "9"}


def test_the_answer_of_a_hidden_field_is_not_seen_by_other_conditions():
    form = a_form(CONCLUSION, NEW, a_field(key="why", conditional={"hide": "=amount = null"}))
    assert form.check({"conclusion": "维持", "amount": "11", "why": "因"}, {}).values == {"conclusion": "维持"}


def test_a_condition_that_is_neither_true_nor_false_hides_nothing():
    form = a_form(a_field(conditional={"hide": "=nothing.there > 3"}))
    assert form.check({"x": "是"}, {}).values == {"x": "是"}


def test_a_group_hides_its_fields():
    form = a_form(CONCLUSION, UNIT | {"conditional": {"hide": '=conclusion = "维持"'}})
    assert form.check({"conclusion": "维持", "unit": {"name": "甲"}}, {}).values == {"conclusion": "维持"}
    assert list(form.check({"conclusion": "变更"}, {}).errors) == ["unit.name"]


def test_conditions_see_the_case_below_the_own_answers():
    form = a_form(a_field(key="why", conditional={"hide": "=start.amount < 10"}), CHECKBOX)
    assert form.check({"why": "因"}, {"start": {"amount": Decimal(9)}}).values == {"x": False}
    shadowed = a_form(CONCLUSION, a_field(key="why", conditional={"hide": "=conclusion != null"}))
    assert shadowed.check({"why": "因"}, {"conclusion": "变更"}).values == {"why": "因"}


def test_conditions_may_call_the_case_s_functions():
    declared = {"visits": Signature(1, by_name=True)}
    form = a_form(a_field(conditional={"hide": "=visits(review) > 1"}), functions=declared)
    assert form.check({"x": "是"}, Scope({}, {"visits": lambda name: Decimal(2)})).values == {}
    assert form.check({"x": "是"}, Scope({}, {"visits": lambda name: Decimal(1)})).values == {"x": "是"}


def test_a_condition_beyond_its_budget_hides_nothing():
    endless = "=count(for a in 1..1000, b in 1..1000, c in 1..1000 return a) > 0"
    form = a_form(a_field(conditional={"hide": endless}))
    assert form.check({"x": "是"}, {}).values == {"x": "是"}


# what is not asked


@pytest.mark.parametrize("name", ["y", "case", "party", "_refresh", "csrf_token", "__proto__", ""])
def test_what_is_not_asked_is_refused(name):
    checked = a_form(a_field()).check({name: "1"}, {})
    assert checked.values == {}
    assert checked.errors[name].zh == f"这份表单没有“{name}”这一项，请刷新页面后重新提交"


def test_an_unknown_name_is_fit_to_be_shown():
    (name,) = a_form(a_field()).check({"\ud800" + "y" * 100: "1"}, {}).errors
    assert name == "\ufffd" + "y" * 59 + "…"


def test_a_post_leaves_the_page_s_own_names_out():
    pairs = [("csrf_token", "t"), ("_refresh", "1"), ("x", "1"), ("x", "2")]
    assert forms.posted(pairs) == {"x": ["1", "2"]}


def test_errors_speak_two_languages_and_name_the_label_with_its_placeholders_filled():
    form = a_form(a_field(label="{{ start.unit }}的理由", **REQUIRED))
    error = form.check({}, {"start": {"unit": "甲厂"}}).errors["x"]
    assert error.text("zh") == "请填写甲厂的理由"
    assert error.text("en") == "Enter “甲厂的理由”"


def test_the_schema_allows_nothing_else():
    schema = a_form(CONCLUSION, NEW).schema({"conclusion": "维持"}, {})
    assert schema["additionalProperties"] is False
    assert list(schema["properties"]) == ["conclusion"]
    assert schema["required"] == ["conclusion"]


# typed values


def test_stored_values_become_feel_values():
    form = a_form(AMOUNT, DAY | {"key": "day"}, FILES | {"key": "files"}, CHECKBOX | {"key": "agree"}, UNIT)
    stored = {"x": "120000", "day": "2026-10-12", "files": ["1"], "agree": True, "unit": {"name": "甲"}}
    assert form.typed(stored) == {
        "x": Decimal(120000),
        "day": date(2026, 10, 12),
        "files": ["1"],
        "agree": True,
        "unit": {"name": "甲"},
    }
    assert form.typed({"x": "nonsense", "gone": 1}) == {}


def test_a_form_says_what_it_needs_of_the_case():
    prefilled = a_field(key="unit", properties={"prefill": "=unit.name"})
    form = a_form(CONCLUSION, NEW, a_field(label="{{ start.unit }}", key="y"), prefilled)
    assert form.needs == {("start", "unit"), ("unit", "name")}
    assert next((w.element, w.text) for w in form.expressions) == ("amount", 'conclusion != "变更"')
