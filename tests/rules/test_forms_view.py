"""What a page shows of a form: prefilled, as typed, with errors, hidden parts kept, and read back."""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from lxml import html

from portal import clock, forms
from portal.forms import Option, views

TEMPLATES = Path(forms.__file__).parents[1] / "web" / "templates"
CODE = "91440300708461136T"
OPTIONS = [{"label": "维持原决定", "value": "维持"}, {"label": "变更", "value": "变更"}]
REQUIRED = {"validate": {"required": True}}


def a_form(*components):
    text = json.dumps({"type": "default", "id": "review", "components": components}, ensure_ascii=False)
    return forms.read(text.encode())


def a_field(type_="textfield", key="x", label="理由", **more):
    return {"type": type_, "key": key, "label": label, **more}


CONCLUSION = a_field("radio", key="conclusion", label="复核结论", values=OPTIONS, **REQUIRED)
AMOUNT = a_field(
    "number",
    key="amount",
    label="变更后的配额",
    description="原为 {{ start.amount }}；申请人主张另见申请书",
    properties={"kind": "amount", "prefill": "=start.amount"},
    conditional={"hide": '=conclusion != "变更"'},
    **REQUIRED,
)
EVERY_KIND = a_form(
    {"type": "text", "text": "请审查 {{ case.number }}。\n\n第二段 <b>"},
    CONCLUSION,
    AMOUNT,
    a_field("textarea", key="reasons", description="写入决定书", validate={"required": True, "maxLength": 4000}),
    a_field(key="note", label="办理意见"),
    a_field("select", key="kind", label="种类", values=OPTIONS),
    a_field("radio", key="perhaps", label="附加意见", values=OPTIONS),
    a_field("checklist", key="matters", label="事项", values=OPTIONS, **REQUIRED),
    a_field("checkbox", key="agree", label="同意"),
    a_field("datetime", key="day", label="日期", subtype="date"),
    a_field("filepicker", key="evidence", label="证据", accept=".pdf,docx", multiple=True),
    {
        "type": "group",
        "label": "单位",
        "path": "unit",
        "components": [
            a_field(key="code", label="代码", properties={"kind": "uscc"}),
            a_field(key="owner", label="归属单位", properties={"kind": "party"}),
        ],
    },
    {
        "type": "group",
        "path": "extra",
        "conditional": {"hide": '=conclusion = "维持"'},
        "components": [a_field("number", key="year", label="年度", properties={"kind": "year"})],
    },
)
NAMES = {"case": {"number": "渝环核复〔2026〕3号"}, "start": {"amount": Decimal(1204905)}}
CHOICES = {"unit.owner": [Option(CODE, "某钢铁公司")], "evidence": [Option("12", "申请书.pdf")]}


def gettext(text, **variables):
    return text % variables if variables else text


def render(view, name="form", **more):
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    environment.globals["_"] = gettext
    return environment.get_template(f"fields/{name}.html").render(form=view, **more)


def page(view, **more):
    return html.fromstring(f"<form>{render(view, 'summary', **more)}{render(view, **more)}</form>")


def view_of(answers=None, form=EVERY_KIND, errors=None, language="zh"):
    return form.view(answers, errors or {}, NAMES, CHOICES, language)


def field_of(view, name):
    return next(field for field in view.fields if field.name == name)


# views


def test_a_form_nobody_has_answered_is_prefilled_even_where_it_is_hidden():
    amount = field_of(view_of(), "amount")
    assert amount.values == ("1,204,905",)
    assert not amount.visible
    assert amount.depends_on == ("conclusion",)
    assert EVERY_KIND.prefill(NAMES)["amount"] == "1204905"


def test_what_somebody_cleared_is_not_prefilled_again():
    assert field_of(view_of({"conclusion": "变更", "amount": ""}), "amount").values == ()


def test_prefill_comes_before_the_default_value_and_may_be_null_or_of_the_wrong_kind():
    def prefilled(**more):
        return a_form(a_field("number", **more)).prefill(
            {"n": Decimal("1.50"), "t": "text", "d": date(2026, 1, 2), "limit": None}
        )

    assert prefilled(defaultValue=7) == {"x": "7"}
    assert prefilled(defaultValue=7, properties={"prefill": "=n"}) == {"x": "1.5"}
    assert prefilled(defaultValue=7, properties={"prefill": "=t"}) == {"x": "7"}
    assert prefilled(properties={"prefill": "=nothing.here"}) == {}


@pytest.mark.parametrize(
    ("field", "prefill", "value"),
    [
        (a_field("datetime"), "=d", "2026-01-02"),
        (a_field("datetime"), "=m", "2026-01-02"),
        (a_field(), "=n", "1.5"),
        (a_field("checkbox"), "=n > 1", True),
        (a_field("checklist", values=OPTIONS), '=["变更"]', ["变更"]),
        (a_field(properties={"kind": "uscc"}), "=code", CODE),
    ],
)
def test_prefill_fits_the_kind(field, prefill, value):
    properties = field.get("properties", {}) | {"prefill": prefill}
    names = {
        "d": date(2026, 1, 2),
        "m": datetime(2026, 1, 2, 9, tzinfo=clock.TZ),
        "n": Decimal("1.50"),
        "code": CODE.lower(),
    }
    assert a_form(field | {"properties": properties}).prefill(names) == {"x": value}


def test_what_cannot_be_read_is_shown_as_it_was_typed():
    answers = {"conclusion": ["变更"], "amount": ["十二万"], "day": ["明天"], "note": ["a\x00b"]}
    view = view_of(answers, errors=EVERY_KIND.check(answers, NAMES).errors)
    assert field_of(view, "amount").value == "十二万"
    assert field_of(view, "amount").error == "变更后的配额：请填写整数，单位 tCO₂e，例如 120000"
    assert field_of(view, "day").value == "明天"
    assert field_of(view, "day").type == "text"
    assert field_of(view, "note").value == "a\ufffdb"


def test_placeholders_are_filled_in():
    view = view_of()
    assert view.parts[0] == views.TextView("text", True, ("请审查 渝环核复〔2026〕3号。", "第二段 <b>"))
    assert field_of(view, "amount").hint == "原为 1,204,905；申请人主张另见申请书"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1204905.50"), "1,204,905.5"),
        (date(2026, 10, 12), "2026年10月12日"),
        (datetime(2026, 10, 12, 1, 5, tzinfo=clock.TZ), "2026年10月12日 01:05"),
        (True, "是"),
        (None, ""),
        (["甲", "乙"], "甲、乙"),
        ({"a": "甲", "b": Decimal(2)}, "甲、2"),
        ("{{ x }}", "{{ x }}"),
    ],
)
def test_placeholders_read_as_people_write(value, text):
    assert a_form(a_field(label="〔{{ v }}〕")).view({}, {}, {"v": value}).fields[0].label == f"〔{text}〕"


def test_errors_are_summed_up_in_the_order_of_the_page_in_the_page_s_language():
    answers = {"conclusion": "变更", "unknown": "1"}
    errors = EVERY_KIND.check(answers, NAMES, CHOICES).errors
    summary = view_of(answers, errors=errors).errors
    assert [error.target for error in summary] == ["f-amount", "f-reasons", "f-matters", None]
    assert view_of(answers, errors=errors, language="en").errors[0].text == "Enter “变更后的配额”"


def test_a_form_knows_its_uploads_and_whether_it_is_conditional():
    assert view_of().uploads == ("_upload.evidence",)
    assert view_of().conditional
    assert not a_form(a_field()).view({}, {}, {}).conditional
    assert a_form(a_field(), a_field(key="y", label="{{ x }}")).view({}, {}, {}).conditional


# pages


def test_every_input_has_its_label_and_every_reference_its_target():
    tree = page(view_of({"conclusion": "变更", "evidence": ["12"]}, errors=EVERY_KIND.check({}, NAMES).errors))
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids))
    for control in tree.xpath("//input[not(@type='hidden')] | //textarea | //select"):
        assert control.xpath("ancestor::label") or tree.xpath(f"//label[@for='{control.get('id')}']"), control.attrib
    for names in tree.xpath("//@aria-describedby"):
        assert set(names.split()) <= set(ids)
    for target in tree.xpath("//a/@href"):
        assert target.removeprefix("#") in ids


def test_a_strict_policy_allows_all_of_it():
    text = render(view_of(), refresh_url="/tasks/1")
    assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=|javascript:", text)


def test_texts_are_escaped():
    text = render(view_of({"conclusion": "变更", "reasons": "</textarea><script>", "note": '"><script>'}))
    assert "<script>" not in text
    assert "第二段 &lt;b&gt;" in text


def test_choices_are_cards_in_a_fieldset():
    tree = page(view_of({"conclusion": "变更"}))
    (fieldset,) = tree.xpath("//fieldset[legend[starts-with(., '复核结论')]]")
    assert fieldset.xpath(".//input[@checked]/@value") == ["变更"]
    assert fieldset.xpath(".//input/@id") == ["f-conclusion", "f-conclusion-2"]
    assert len(tree.xpath("//fieldset[legend[starts-with(., '附加意见')]]//input")) == 3


def test_errors_stand_at_the_field_and_in_the_summary():
    tree = page(view_of({}, errors=EVERY_KIND.check({}, NAMES).errors))
    assert tree.xpath("//*[@role='alert']//a/text()")[0] == "请选择复核结论"
    assert tree.xpath("//textarea[@id='f-reasons']/@aria-describedby") == [
        "f-reasons-hint f-reasons-limit f-reasons-error"
    ]
    assert tree.xpath("//textarea[@id='f-reasons']/@aria-invalid") == ["true"]
    assert tree.xpath("//*[@id='f-reasons-error']/text()") == ["请填写理由"]
    assert page(view_of({})).xpath("//*[@id='errors' and not(@role)]")


def test_a_hidden_field_keeps_what_was_typed():
    answers = {"conclusion": ["维持"], "amount": ["12 万"], "extra.year": ["2026"]}
    tree = page(view_of(answers))
    assert tree.xpath("//input[@type='hidden']/@name") == ["amount", "extra.year"]
    assert tree.xpath("//input[@name='amount']/@value") == ["12 万"]
    assert not tree.xpath("//label[@for='f-amount']")


def test_posting_a_page_back_loses_nothing():
    answers = {
        "conclusion": "变更",
        "amount": "1204905",
        "reasons": "一\n二",
        "note": "注",
        "kind": "变更",
        "matters": ["维持", "变更"],
        "agree": True,
        "day": "2026-10-12",
        "evidence": ["12"],
        "unit": {"code": CODE, "owner": CODE},
        "extra": {"year": "2026"},
    }
    assert EVERY_KIND.check(answers, NAMES, CHOICES).values == answers
    for shown in (answers, answers | {"conclusion": "维持"}):
        posted = forms.posted(page(view_of(shown)).form_values())
        posted["conclusion"] = ["变更"]
        assert EVERY_KIND.check(posted, NAMES, CHOICES).values == answers


def test_htmx_shows_the_form_anew_when_an_answer_decides_what_is_asked():
    tree = page(view_of(), refresh_url="/tasks/1")
    (body,) = tree.xpath("//*[@id='form-review']")
    assert body.get("hx-select") == "#form-review"
    assert body.get("hx-params") == "not _upload.evidence"
    assert json.loads(body.get("hx-vals")) == {forms.REFRESH: "1"}
    assert tree.xpath("//*[@hx-post]/@hx-post") == ["/tasks/1"]
    assert tree.xpath("//*[@hx-post]//input/@name") == ["conclusion", "conclusion"]
    assert not page(view_of()).xpath("//@hx-post")


def test_without_javascript_a_button_does_it():
    text = render(view_of())
    assert re.search(rf'<noscript>.*name="{forms.REFRESH}".*更新表单.*</noscript>', text)
    assert "<noscript>" not in render(a_form(a_field()).view({}, {}, {}))


def test_numbers_have_their_unit_and_files_their_endings():
    tree = page(view_of({"conclusion": "变更", "evidence": ["12", "99"]}))
    assert tree.xpath("//input[@name='amount']/following-sibling::*[@class='unit']/text()") == ["tCO₂e"]
    (upload,) = tree.xpath("//input[@type='file']")
    assert (upload.get("name"), upload.get("accept")) == ("_upload.evidence", ".pdf,.docx")
    assert [t.strip() for t in tree.xpath("//ul[@class='files']//label/text()") if t.strip()] == ["申请书.pdf", "99"]


def test_an_organisation_is_chosen_where_the_page_has_a_list():
    owner = page(view_of({"unit.owner": CODE})).xpath("//select[@name='unit.owner']/option[@selected]")
    assert [option.text for option in owner] == ["某钢铁公司"]
    assert page(EVERY_KIND.view({}, {}, NAMES)).xpath("//input[@name='unit.owner' and @type='text']")


# reading back


def test_a_form_is_read_back_as_people_read():
    values = {
        "conclusion": "变更",
        "amount": "1204905",
        "reasons": "因",
        "matters": ["维持", "变更"],
        "agree": True,
        "day": "2026-10-12",
        "evidence": ["12"],
        "unit": {"owner": CODE},
        "extra": {"year": "2026"},
    }
    assert EVERY_KIND.display(values, NAMES, CHOICES) == [
        ("复核结论", "变更"),
        ("变更后的配额", "1,204,905 tCO₂e"),
        ("理由", "因"),
        ("办理意见", "未填写"),
        ("种类", "未填写"),
        ("附加意见", "未填写"),
        ("事项", "维持原决定、变更"),
        ("同意", "是"),
        ("日期", "2026年10月12日"),
        ("证据", "申请书.pdf"),
        ("代码", "未填写"),
        ("归属单位", f"某钢铁公司（{CODE}）"),
        ("年度", "2026"),
    ]


def test_what_the_portal_adds_to_answers_is_english_on_english_pages():
    values = {
        "conclusion": "变更",
        "matters": ["维持", "变更"],
        "agree": True,
        "day": "2026-10-12",
        "evidence": ["1", "2"],
        "unit": {"owner": CODE},
    }
    lines = dict(EVERY_KIND.display(values, NAMES, CHOICES, "en"))
    assert [lines[label] for label in ("事项", "同意", "日期", "归属单位", "理由")] == [
        "维持原决定, 变更",
        "Yes",
        "2026-10-12",
        f"某钢铁公司 ({CODE})",
        "not answered",
    ]
    assert dict(EVERY_KIND.display(values, NAMES, language="en"))["证据"] == "2 files"


def test_without_choices_files_are_counted_and_organisations_show_their_code():
    lines = dict(EVERY_KIND.display({"evidence": ["1", "2"], "unit": {"owner": CODE}}, NAMES))
    assert (lines["证据"], lines["归属单位"]) == ("2 个文件", CODE)


def test_what_is_hidden_is_not_read_back():
    assert "变更后的配额" not in dict(EVERY_KIND.display({"conclusion": "维持", "amount": "1"}, NAMES))
