"""Faults of what forms and letters speak of."""

import pytest

from tests.builders.content import broken, changed, letter, small
from tests.procedures.expecting import expect_one, expect_one_when, faults

FORMS = [
    ("form/sign", 'result != \\"退回\\"', 'reslt != \\"退回\\"', "opinion", "显示条件：不认识的名称“reslt”"),
    ("form/sign", 'result != \\"退回\\"', 'result != \\"退\\"', "opinion", "“result”不会是“退”"),
    ("form/check", "{{ start.claimed }}", "{{ start.claimd }}", "reasons", "没有“claimd”这一项"),
    ("form/check", "{{ start.claimed }}", "{{ visits(checked) }}", "reasons", "visits 只数人员任务"),
    ("form/check", "{{ start.claimed }}", "{{ start.claimed + }}", "reasons", "有误"),
    ("form/application", "{{ about.documents.notice.number }}", "{{ about.documents.gone.number }}", "components[0]",
     "没有名为“gone”的文书"),
    ("form/application", "{{ about.documents.notice.number }}", "{{ about.start.amont }}", "components[0]",
     "没有“amont”这一项"),
    ("form/application", "{{ about.documents.notice.number }}", "{{ check.reasons }}", "components[0]",
     "启动表单填写时还没有“check”"),
    ("form/application", "{{ about.documents.notice.number }}", "{{ visits(check) }}", "components[0]",
     "启动表单填写时还没有 visits"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "element", "what"), FORMS)
def test_forms_speak_of_what_is_there(name, old, new, element, what):
    expect_one_when(name, old, new, element, what)


def test_options_that_conditions_ask_for_are_missed_where_they_are_asked_for():
    found = faults(broken("form/sign", '"value": "签发"', '"value": "签"'))
    assert {fault.element for fault in found} == {"agreed", "withdraw"}


def test_options_may_come_from_an_expression_of_constant_lists():
    content = broken(
        "form/sign",
        '"values": [',
        '"valuesExpression": "=if visits(sign) = 0 then [\\"签发\\"] else [\\"签发\\", \\"退回\\"]", "was": [',
    )
    text = content.files["forms/_shared/sign.json"].decode()
    start = text.index(', "was": [')
    end = text.index("]\n", start) + 1
    data = (text[:start] + text[end:]).encode()
    assert faults(changed(**{"form/sign": data})) == []
    fewer = data.replace('[\\"签发\\", \\"退回\\"]'.encode(), '[\\"签发\\"]'.encode())
    assert {fault.element for fault in faults(changed(**{"form/sign": fewer}))} == {"opinion", "returned"}


def test_a_broken_form_hides_nothing_else():
    content = broken("form/draft", '"type": "textfield"', '"type": "button"')
    files = dict(content.files)
    file = "bpmn/demo/grant/process.bpmn"
    files[file] = files[file].replace(b'role="leader"', b'role="nobody"')
    found = faults(type(content)("demo", files))
    assert [(fault.file, fault.element) for fault in found] == [(file, "sign"), ("forms/demo/grant/draft.json", "unit")]


LETTERS = [
    ("{{ start.amont }}", "没有“amont”这一项", "start.amont"),
    ("{{ gone.x }}", "不认识的名称“gone”", "gone.x"),
    ("{{ documents.gone.number }}", "没有名为“gone”的文书", "documents.gone.number"),
    ("{{ about.start.amount }}", "没有写 about", "about.start.amount"),
    ("{{ start.unit | tonnes }}", "是文字，不能用“| tonnes”", "start.unit"),
    ("{{ start.amount | day }}", "是数字，不能用“| day”", "start.amount"),
    ("{% for one in start.unit %}{{ one.x }}{% endfor %}", "不是列表，不能用 for", "start.unit"),
    ("{{ posted.x }}", "不认识的名称“posted”", "posted.x"),
]


@pytest.mark.parametrize(("text", "what", "element"), LETTERS)
def test_letters_speak_of_what_is_there(text, what, element):
    expect_one(letter("notice", text), "letter/notice", element, what)


def test_what_the_issuer_adds_itself_is_there():
    text = "{{ number }}{{ title }}{{ issued_at | moment }}{{ verification.code }}{{ documents.notice.number }}"
    assert (
        faults(letter("notice", text, "{% for c in copies %}{{ c.name }}{% endfor %}{% if facts %}{% endif %}")) == []
    )


def test_a_template_that_is_faulty_by_itself_names_its_part():
    found = faults(letter("notice", "{{ party.name"))
    assert [(fault.file, fault.element) for fault in found] == [
        ("documents/demo/notice/notice.docx", "word/document.xml")
    ]


def test_a_template_nested_too_deeply_is_a_fault():
    deep = "(" * 150 + "a" + ")" * 150
    found = faults(letter("notice", f"{{% if {deep} %}}{{% endif %}}"))
    assert [fault.file for fault in found] == ["documents/demo/notice/notice.docx"]


def test_a_letter_that_is_no_word_file():
    (only,) = faults(changed(**{"letter/notice": b"text"}))
    assert "不是 Word 文档" in only.what


def test_a_form_that_is_no_json():
    data = small().files["forms/_shared/sign.json"].replace(b"{", b"", 1)
    found = faults(changed(**{"form/sign": data}))
    assert [(fault.file, fault.line is not None) for fault in found] == [("forms/_shared/sign.json", True)]
