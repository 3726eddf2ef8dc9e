"""A faulty form is refused with every fault, its place and how to mend it."""

from __future__ import annotations

import json

import pytest

from portal import forms
from portal.errors import ContentFaults
from portal.forms import pattern


def faults_of(data):
    with pytest.raises(ContentFaults) as caught:
        forms.read(data if isinstance(data, bytes) else json.dumps(data, ensure_ascii=False).encode())
    assert all(fault.what and fault.mend for fault in caught.value.faults)
    return caught.value.faults


def a_form(*components, **more):
    return {"type": "default", "id": "review", "components": list(components), **more}


def a_field(type_="textfield", key="x", label="理由", **more):
    return {"type": type_, "key": key, "label": label, **more}


def without(name, component):
    return {key: value for key, value in component.items() if key != name}


OPTIONS = [{"label": "维持", "value": "维持"}]

REFUSED = [
    (a_field("slider"), "未知的组件类型“slider”"),
    (a_field("uscc"), "未知的组件类型“uscc”"),
    (without("type", a_field()), "组件没有类型"),
    (a_field("dynamiclist"), "不支持的组件类型“dynamiclist”（重复组）"),
    (a_field("table"), "不支持的组件类型“table”"),
    (a_field("html"), "不支持的组件类型“html”"),
    (a_field("button"), "不支持的组件类型“button”"),
    (a_field(colour="red"), "textfield 不认识“colour”"),
    (a_field(values=OPTIONS), "textfield 不认识“values”"),
    (a_field(validate={"min": 3}), "textfield 不认识“validate.min”"),
    (a_field(properties={"unit": "吨"}), "textfield 不认识“properties.unit”"),
    (a_field(properties={"kind": "amount"}), "textfield 没有“amount”这一种"),
    (a_field(properties={"kind": 3}), "textfield 没有“3”这一种"),
    (a_field("number", properties={"kind": "uscc"}), "number 没有“uscc”这一种"),
    (a_field(validate=[]), "“validate”应为对象"),
    (a_field(validate={"required": "yes"}), "“required”应为 true 或 false"),
    (a_field(validate={"maxLength": 0}), "“maxLength”应为 1 到 200 的整数"),
    (a_field(validate={"minLength": 9, "maxLength": 5}), "minLength 大于 maxLength"),
    (a_field("textarea", validate={"minLength": 9, "maxLength": 5}), "minLength 大于 maxLength"),
    (without("label", a_field()), "没有标签（label）"),
    (a_field(label=" "), "“label”应为 1 到 200 个字的文字"),
    (a_field(label="=case.number"), "“label”是文字，不能以等号开头"),
    (a_field(label="{{ case.number"), "“label”里的花括号不成对"),
    (a_field(label="{{ 1 + }}"), "“label”的表达式第 1 行第"),
    (a_field(label="{% if a %}"), "“label”里的花括号不成对"),
    (without("key", a_field()), "“key”缺失或不能作名称"),
    (a_field(key="a.b"), "“key”缺失或不能作名称"),
    (a_field(key="_refresh"), "“key”缺失或不能作名称"),
    (a_field(key="__proto__"), "“key”缺失或不能作名称"),
    (a_field(key="then"), "“key”缺失或不能作名称"),
    (a_field(key="null"), "“key”缺失或不能作名称"),
    (a_field(key="case"), "“case”是门户保留的名称"),
    (a_field(key="party"), "“party”是门户保留的名称"),
    (a_field("radio"), "没有列出选项"),
    (a_field("radio", values=[]), "没有列出选项"),
    (a_field("radio", values=[{"label": "一", "value": 1}]), "选项应当且只应有 label 和 value"),
    (a_field("radio", values=OPTIONS * 2), "选项值“维持”重复"),
    (a_field("select", valuesExpression="=a", values=OPTIONS), "不能同时写"),
    (a_field("select", valuesExpression="a"), "“valuesExpression”应为以等号开头的表达式"),
    (a_field(valuesExpression="=a"), "textfield 不认识“valuesExpression”"),
    (a_field(validate={"pattern": "["}), "正则表达式无法解析"),
    (a_field(validate={"pattern": 3}), "“pattern”应为正则表达式"),
    (a_field(validate={"pattern": "(a+)+$"}), "重复的括号中又有重复"),
    (a_field(validate={"validationType": "iban"}), "未知的 validationType"),
    (a_field(conditional={"hide": 'a != "b"'}), "“conditional.hide”应为以等号开头的表达式"),
    (a_field(conditional={"hide": True}), "“conditional.hide”应为以等号开头的表达式"),
    (a_field(conditional={"hide": "=a ="}), "“conditional.hide”的表达式第 1 行第"),
    (a_field(conditional={"hide": '=__import__("os")'}), "“conditional.hide”的表达式第 1 行第"),
    (a_field(conditional={"show": "=a"}), "“conditional”应当且只应有 hide"),
    (a_field(conditional={"hide": '=x = "a"'}), "显示条件互相依赖：x"),
    (a_field(properties={"prefill": "start.amount"}), "“prefill”应为以等号开头的表达式"),
    (a_field("number", defaultValue="many"), "defaultValue 有误：请填写数字"),
    (a_field("number", decimalDigits=11), "“decimalDigits”应为 0 到 10 的整数"),
    (a_field("number", validate={"min": "0"}), "“min”应为数字"),
    (a_field("number", validate={"min": 2, "max": 1}), "min 大于 max"),
    (a_field("number", decimalDigits=2, properties={"kind": "amount"}), "只能是整数"),
    (a_field("number", decimalDigits=2, properties={"kind": "year"}), "只能是整数"),
    (a_field("datetime", subtype="time"), "subtype 只支持 date"),
    (a_field("filepicker", accept="image/*"), "“accept”应为文件扩展名"),
    (a_field("filepicker", defaultValue=["1"]), "filepicker 不认识“defaultValue”"),
    ({"type": "text", "text": ""}, "“text”应为 1 到 4000 个字的文字"),
    ({"type": "text"}, "说明文字没有内容"),
    ({"type": "text", "text": "x", "key": "x"}, "text 不认识“key”"),
    ({"type": "group", "components": []}, "没有组件"),
    ({"type": "group", "path": "a b", "components": [a_field()]}, "“path”缺失或不能作名称"),
    ("text", "组件应为对象"),
]


@pytest.mark.parametrize(("component", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_a_faulty_component_is_refused(component, says):
    found = faults_of(a_form(component))
    assert any(says in fault.what for fault in found), found


def test_every_fault_is_found_at_once_and_names_its_component():
    found = faults_of(a_form(a_field("table"), a_field(key="y", colour="red"), {"type": "text"}))
    assert [fault.element for fault in found] == ["x", "y", "components[2]"]


def test_an_index_path_leads_into_groups():
    (fault,) = faults_of(a_form({"type": "group", "components": [{"type": "text"}]}))
    assert fault.element == "components[0].components[0]"


def test_duplicate_keys_across_groups():
    inside = {"type": "group", "components": [a_field()]}
    assert faults_of(a_form(a_field(), inside))[0].what == "“key”重复：x"
    clash = {"type": "group", "path": "x", "components": [a_field(key="y")]}
    assert faults_of(a_form(a_field(), clash))[0].what == "“path”重复：x"
    apart = {"type": "group", "path": "unit", "components": [a_field()]}
    assert [field.name for field in forms.read(json.dumps(a_form(a_field(), apart)).encode()).fields] == [
        "x",
        "unit.x",
    ]


def test_conditions_in_a_circle():
    one = a_field(key="a", conditional={"hide": "=b = null"})
    other = a_field(key="b", conditional={"hide": "=a = null"})
    assert "显示条件互相依赖" in faults_of(a_form(one, other))[0].what


def test_groups_too_deep():
    component = a_field()
    for _ in range(7):
        component = {"type": "group", "components": [component]}
    assert any("分组嵌套超过" in fault.what for fault in faults_of(a_form(component)))


def test_too_many_components():
    many = [a_field(key=f"x{n}") for n in range(301)]
    assert any("组件超过 300 个" in fault.what for fault in faults_of(a_form(*many)))


def test_malformed_json_has_its_line():
    (fault,) = faults_of(b'{ "type": "default",\n  "id": "review"\n  "components": [] }')
    assert fault.line == 3
    (fault,) = faults_of('{\n"type": "默认"'.encode("gb18030"))
    assert fault.line == 2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"key": "a",\n "values": [{"key": 1}, {"key": 2}],\n "key": "b"}', 3),
        ('{"a": {"key": 1},\n "key": "key", "b": "\\"key\\": {",\n "k\\u0065y": 2}', 3),
    ],
)
def test_a_key_written_twice_has_its_line(text, line):
    (fault,) = faults_of(text.encode())
    assert (fault.line, fault.what, fault.mend) == (line, "同一对象里“key”写了两次", "只留一个")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param(b"[]", "这不是一份表单", id="a list"),
        pytest.param(b'{"type": "form"}', "这不是一份表单", id="another type"),
        pytest.param(b'{"type": "default", "type": "default"}', "写了两次", id="a key twice"),
        pytest.param(b'{"type": NaN}', "不能用 NaN", id="NaN"),
        pytest.param(b'{"type": ' + b"9" * 5000 + b"}", "JSON 无法读取", id="a huge number"),
        pytest.param(b"[" * 100_000, "JSON 无法读取", id="deep"),
        pytest.param(b" " * 300_000, "超过 256 KB", id="large"),
        pytest.param(a_form(a_field(), title="x"), "表单不认识“title”", id="an unknown key"),
        pytest.param(a_form(a_field(), id="复核"), "表单的 id 缺失或不合规", id="a bad id"),
        pytest.param(a_form(), "没有组件", id="nothing asked"),
    ],
)
def test_a_faulty_file_is_refused(data, says):
    assert any(says in fault.what for fault in faults_of(data))


def test_what_form_js_s_editor_writes_is_read():
    form = forms.read(
        json.dumps(
            a_form(
                a_field(id="Field_1", layout={"row": "Row_1", "columns": None}, properties={}),
                {"type": "datetime", "key": "day", "dateLabel": "日期", "subtype": "date", "id": "Field_2"},
                schemaVersion=19,
                exporter={"name": "form-js", "version": "1.23.0"},
            )
        ).encode()
    )
    assert [field.label.pieces for field in form.fields] == [("理由",), ("日期",)]


@pytest.mark.parametrize(
    "text",
    ["^[0-9]{6}$", r"^(渝|川)[A-Z][A-Z0-9]{5,6}$", r"^\d+(\.\d+)?$", "^[^@]+@[^@]+$", "a]", r"\(x\)+"],
)
def test_ordinary_patterns_may_be_used(text):
    assert pattern.fault_in(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "(a+)+$",
        "(a|a)*$",
        "((a?){30})b",
        "(?:x{1,9}){2,}",
        r"(a)\1",
        "(?=a)",
        "(?P<n>a)",
        "a*a*a*a*b",
        "a?" * 6,
        "(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)",
        "x" * 201,
        "a{99999999999}",
    ],
)
def test_patterns_that_could_take_for_ever_are_refused(text):
    assert pattern.fault_in(text)


def test_the_worst_pattern_left_comes_to_an_end():
    worst = "(a|a)a?a?a?a?a*a*a*b$"
    assert pattern.fault_in(worst) is None
    assert pattern.compiled(worst).search("a" * pattern.LONGEST_TEXT) is None
