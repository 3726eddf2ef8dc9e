"""A correction item by item as forms see it: what an item can be about, what is asked anew, stored and judged."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal import forms
from portal.errors import ContentFaults
from portal.feel import Scope
from portal.forms import Option
from tests.builders.corrections import APPLICATION, FORMS


def read(id, components=None):
    raw = {"type": "default", "id": id, "components": components or FORMS[id]}
    return forms.read(json.dumps(raw, ensure_ascii=False).encode())


START = read("application", APPLICATION)
ASK, ANSWER, JUDGE = (forms.correcting(read(id), START) for id in ("check", "correct", "recheck"))
FILED = {
    "name": "旧名称",
    "kind": "新编",
    "contact": {"person": "张三"},
    "amount": "50",
    "text": ["1"],
    "partners": [{"partner": "甲厂", "share": "1"}],
}
FILES = {"text": [Option("1", "旧.pdf"), Option("2", "新.pdf")]}
"""What the caller knows of uploaded files."""


class Case:
    """The names of a case, and what was said in it, without a case."""

    def __init__(self, **filed):
        self.start = {**FILED, **filed}
        self.said = {}

    @property
    def names(self):
        typed = {name: form.typed(value) for name, (form, value) in self.said.items()}
        empty = dict.fromkeys(("check", "correct", "recheck"))
        return Scope({**empty, "start": START.typed(self.start), **typed}, {})

    def form(self, form):
        return forms.opened(form, self.names)

    def errors(self, form, answers):
        errors = self.form(form).check(answers, self.names, FILES).errors
        return {name: error.zh for name, error in errors.items()}

    def say(self, name, form, answers):
        checked = self.form(form).check(answers, self.names, FILES)
        assert checked.errors == {}
        self.said[name] = form, checked.values
        if checked.revised is not None:
            self.start = checked.revised
        return checked.values

    def asked(self, **items):
        rows = [{"about": about, "ask": ask} for about, ask in items.items()]
        self.say("check", ASK, {"result": "补正", "items": rows})
        return self

    def answer(self, *items):
        return self.say("correct", ANSWER, {"items": list(items)})["items"]

    def judge(self, *items):
        return self.say("recheck", JUDGE, {"items": list(items)})["items"]


def test_an_item_is_about_a_question_a_group_a_material_or_nothing():
    view = Case().form(ASK).view({"result": ["补正"]}, {}, Case().names)
    [table] = view.tables
    about, ask = table.columns
    assert [(option.value, option.label) for option in about.options] == [
        ("name", "方案名称"), ("kind", "类型"), ("contact", "联系人（整组）"), ("contact.person", "姓名"),
        ("contact.phone", "电话"), ("amount", "预计数量"), ("text", "方案文本"), ("partners", "参与单位"),
        ("其他", "其他"),
    ]  # fmt: skip
    assert (ask.kind, table.most, view.uploads) == ("textarea", 30, ())


def test_what_is_not_shown_cannot_be_asked_for():
    assert Case().errors(ASK, {"result": "补正", "items": [{"about": "earlier", "ask": "写明"}]}) == {
        "items.0.about": "第 1 行 针对：请从列出的选项中选择"
    }


def test_no_place_is_asked_for_twice_but_the_rest_may_be():
    rows = [("contact", "电话"), ("其他", "说明"), ("contact.phone", "号码"), ("其他", "再说明"), ("contact", "x")]
    answers = {"result": "补正", "items": [{"about": about, "ask": ask} for about, ask in rows]}
    assert Case().errors(ASK, answers) == {
        "items.2.about": "第 3 行 针对：与第 1 行针对同一处，请合并成一项",
        "items.4.about": "第 5 行 针对：与第 1 行针对同一处，请合并成一项",
    }


def test_at_most_thirty_items_and_at_least_one():
    many = [{"about": "其他", "ask": str(number)} for number in range(31)]
    assert Case().errors(ASK, {"result": "补正", "items": many}) == {
        "items": "补正事项最多 30 项，现有 31 项，请合并同类事项"
    }
    assert Case().errors(ASK, {"result": "补正"}) == {"items": "请列出补正事项，至少一项"}
    assert Case().errors(ASK, {"result": "受理"}) == {}


def test_items_are_stored_with_number_and_label():
    case = Case().asked(name="写全称", 其他="说明来源")
    assert case.said["check"][1]["items"] == [
        {"no": 1, "about": "name", "label": "方案名称", "ask": "写全称"},
        {"no": 2, "about": "其他", "label": "其他", "ask": "说明来源"},
    ]
    assert case.names.names["check"]["items"][0]["no"] == Decimal(1)


def test_the_very_fields_are_asked_anew_with_what_was_said_before():
    case = Case().asked(name="写全称", contact="补电话", 其他="说明")
    form = case.form(ANSWER)
    assert [field.name for field in form.fields] == [
        "name", "items.n1.note", "contact.person", "contact.phone", "items.n2.note", "items.n3.note",
    ]  # fmt: skip
    assert form.prefill(case.names) == {"name": "旧名称", "contact.person": "张三"}
    view = form.view(None, {}, case.names)
    assert [(item.no, item.label, item.ask, item.is_open) for item in view.items] == [
        (1, "方案名称", "写全称", True), (2, "联系人（整组）", "补电话", True), (3, "其他", "说明", True),
    ]  # fmt: skip
    assert [(one.label, one.before) for one in view.items[1].changes] == [("姓名", "张三"), ("电话", "")]
    some = form.view({"name": ["新名称"], "contact.person": ["张三"], "items.n3.note": ["来源"]}, {}, case.names)
    assert [item.is_open for item in some.items] == [False, True, False]


def test_an_answer_becomes_the_new_value_and_all_else_stays():
    case = Case().asked(name="写全称", contact="补电话", text="签章")
    before = dict(case.start)
    stored = case.answer(
        {"no": 1, "name": "新名称", "note": "已改"}, {"no": 2, "contact": {"phone": "88"}}, {"no": 3, "text": ["2"]}
    )
    assert stored == [
        {
            "no": 1, "about": "name", "label": "方案名称", "ask": "写全称",
            "note": "已改", "before": "旧名称", "after": "新名称",
        },
        {
            "no": 2, "about": "contact", "label": "联系人（整组）", "ask": "补电话",
            "before": {"contact": {"person": "张三"}}, "after": {"contact": {"person": "张三", "phone": "88"}},
        },
        {"no": 3, "about": "text", "label": "方案文本", "ask": "签章", "before": ["1"], "after": ["2"]},
    ]  # fmt: skip
    assert case.start == {
        **before, "name": "新名称", "contact": {"person": "张三", "phone": "88"}, "text": ["2"],
    }  # fmt: skip


def test_its_own_rules_hold_for_a_field_asked_anew():
    case = Case().asked(amount="核对", name="写全称", text="签章")
    assert case.errors(
        ANSWER, {"items": [{"no": 1, "amount": "200"}, {"no": 2, "name": ""}, {"no": 3, "text": []}]}
    ) == {
        "amount": "第 1 项：数量最多 100",
        "name": "第 2 项：请填写方案名称",
        "text": "第 3 项：请上传方案文本",
    }
    assert case.errors(ANSWER, {"items": [{"no": 3, "text": ["9"]}]})["text"] == (
        "第 3 项：方案文本里的文件找不到，请重新上传"
    )


def test_what_a_new_answer_brings_into_view_is_asked_with_it():
    case = Case().asked(kind="应为修订")
    assert case.errors(ANSWER, {"items": [{"no": 1, "kind": "修订"}]}) == {"earlier": "第 1 项：请填写原方案编号"}
    assert not next(f for f in case.form(ANSWER).view(None, {}, case.names).fields if f.name == "earlier").visible
    [item] = case.answer({"no": 1, "kind": "修订", "earlier": "A-1"})
    assert (item["before"], item["after"]) == ("新编", {"kind": "修订", "earlier": "A-1"})
    assert (case.start["kind"], case.start["earlier"]) == ("修订", "A-1")
    case.judge({"no": 1, "result": "仍需补正", "why": "编号不存在"})
    assert [field.name for field in case.form(ANSWER).fields] == ["kind", "earlier", "items.n1.note"]


def test_what_a_new_answer_takes_out_of_view_is_dropped():
    case = Case(kind="修订", earlier="A-1").asked(kind="应为新编")
    case.answer({"no": 1, "kind": "新编"})
    assert "earlier" not in case.start


def test_an_item_unchanged_needs_a_reason_and_one_left_out_is_told():
    case = Case().asked(name="写全称", amount="核对", 其他="说明")
    assert case.errors(ANSWER, {"items": [{"no": 1, "name": "旧名称"}]}) == {
        "name": "第 1 项：“方案名称”还没有补正。请改正；没有改动的，请在补正说明里写明理由",
        "amount": "第 2 项：“预计数量”还没有补正。请改正；没有改动的，请在补正说明里写明理由",
        "items.n3.note": "第 3 项：请填写答复",
    }
    [first, *_] = case.answer({"no": 1, "note": "名称无误"}, {"no": 2, "amount": "60"}, {"no": 3, "note": "见附件"})
    assert (first["before"], first["after"], first["note"]) == ("旧名称", "旧名称", "名称无误")


def test_only_what_was_refused_is_asked_again_and_what_was_accepted_is_closed():
    case = Case().asked(name="写全称", amount="核对")
    case.answer({"no": 1, "name": "新名称"}, {"no": 2, "amount": "60"})
    judged = case.judge({"no": 1, "result": "接受"}, {"no": 2, "result": "仍需补正", "why": "与附表不符"})
    assert [(item["result"], item.get("why")) for item in judged] == [("接受", None), ("仍需补正", "与附表不符")]
    form = case.form(ANSWER)
    assert [field.name for field in form.fields] == ["amount", "items.n2.note"]
    [item] = form.view(None, {}, case.names).items
    assert (item.no, item.why, item.changes[0].before) == (2, "与附表不符", "60")
    closed = "不在这次的补正事项中：已经接受的不再要求补正，也不再收答复。这次请答复第 2 项"
    assert case.errors(ANSWER, {"items": [{"no": 1, "name": "别的"}, {"no": 2, "amount": "70"}]}) == {
        "items.n1": f"第 1 项{closed}"
    }
    assert case.errors(ANSWER, {"name": ["别的"], "items.n1.note": ["x"], "amount": ["70"]}) == {
        "name": f"“方案名称”{closed}",
        "items.n1.note": f"第 1 项{closed}",
    }
    [again] = case.answer({"no": 2, "amount": "70"})
    assert (again["why"], again["before"], again["after"]) == ("与附表不符", "60", "70")
    assert case.start["name"] == "新名称"


def test_each_answer_is_judged_and_a_refusal_says_why():
    case = Case().asked(name="写全称", amount="核对")
    case.answer({"no": 1, "name": "新名称"}, {"no": 2, "note": "无误"})
    assert case.errors(JUDGE, {"items": [{"no": 1, "result": "仍需补正"}]}) == {
        "items.n1.why": "第 1 项：请填写还需补正什么",
        "items.n2.result": "第 2 项：请选择审查结果",
    }
    view = case.form(JUDGE).view({"items.n1.result": ["接受"]}, {}, case.names)
    assert [(item.is_open, item.note) for item in view.items] == [(False, ""), (True, "无误")]
    [[name], [amount]] = [item.changes for item in view.items]
    assert (name.before, name.after, name.same) == ("旧名称", "新名称", False)
    assert (amount.before, amount.after, amount.same) == ("50", "50", True)
    assert {field.name: field.visible for field in view.fields} == {
        "items.n1.result": True, "items.n1.why": False, "items.n2.result": True, "items.n2.why": False,
    }  # fmt: skip


def test_a_table_is_corrected_as_a_whole():
    case = Case().asked(partners="加乙厂")
    rows = [{"partner": "甲厂", "share": "1"}, {"partner": "乙厂", "share": "x"}]
    assert case.errors(ANSWER, {"items": [{"no": 1, "partners": rows}]}) == {
        "partners.1.share": "第 1 项：第 2 行 份额：请填写数字，例如 1204.5"
    }
    rows[1]["share"] = "2"
    [item] = case.answer({"no": 1, "partners": rows})
    assert (len(item["before"]), item["after"]) == (1, rows)
    [shown] = START.changes({"partners": item["before"]}, {"partners": item["after"]}, case.names)
    assert (shown.before, shown.after, shown.new_rows.rows[1]) == ("1 行", "2 行", ("乙厂", "2"))


def test_values_are_typed_by_the_form_that_is_corrected():
    case = Case().asked(amount="核对", kind="应为修订")
    case.answer({"no": 1, "amount": "60"}, {"no": 2, "kind": "修订", "earlier": "A-1"})
    one, two = case.names.names["correct"]["items"]
    assert (one["no"], one["before"], one["after"], one["note"]) == (Decimal(1), Decimal(50), Decimal(60), None)
    assert two["after"] == {"kind": "修订", "earlier": "A-1"}


def test_a_form_that_asks_what_it_corrects_asks_is_refused():
    clash = [{"type": "textfield", "key": "name", "label": "名称"}, *FORMS["correct"]]
    with pytest.raises(ContentFaults, match="与被补正的表单“application”的字段同名"):
        forms.correcting(read("correct", clash), START)


ABOUT = ("name", "kind", "contact", "amount", "partners", "其他")
CHANGED = {
    "name": st.text("甲乙丙", min_size=1, max_size=5),
    "amount": st.integers(0, 100).map(str),
    "note": st.text("丁戊", max_size=3),
}


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(ABOUT), unique=True, min_size=1),
    st.lists(st.sets(st.integers(1, 6)), min_size=1, max_size=4),
    st.data(),
)
def test_rounds_only_narrow_and_never_touch_what_was_not_open(abouts, rounds, data):
    case = Case().asked(**dict.fromkeys(abouts, "请改"))
    numbers = {about: at + 1 for at, about in enumerate(abouts)}
    open_now = set(numbers.values())
    for accepted in rounds:
        form = case.form(ANSWER)
        assert {item.no for item in form.view(None, {}, case.names).items} == open_now
        before = dict(case.start)
        said = {no: {"no": no, "note": data.draw(CHANGED["note"]) or "说明"} for no in open_now}
        for field in ("name", "amount"):
            if numbers.get(field) in open_now:
                said[numbers[field]][field] = data.draw(CHANGED[field])
        case.answer(*said.values())
        for field in FILED:
            if numbers.get(field) not in open_now:
                assert case.start.get(field) == before.get(field)
        judged = case.judge(
            *(
                {"no": no, "result": "接受"} if no in accepted else {"no": no, "result": "仍需补正", "why": "不符"}
                for no in open_now
            )
        )
        assert [item["no"] for item in judged] == sorted(open_now)
        open_now -= accepted
        if not open_now:
            break


def test_a_rule_that_refuses_an_answer_sees_the_items_as_a_list():
    every = 'every item in items satisfies item.result = "接受"'
    rule = {"refuse": f'=(result = "受理") != ({every})', "refusal": "全部接受的才能受理"}
    result = {
        "type": "radio",
        "key": "result",
        "label": "结论",
        "values": [{"label": one, "value": one} for one in ("受理", "仍需补正")],
        "properties": rule,
    }
    judging = forms.correcting(read("recheck", [*FORMS["recheck"], result]), START)
    case = Case().asked(name="写全称", kind="写明依据")
    case.answer({"no": 1, "name": "新名称"}, {"no": 2, "note": "照旧"})
    accepted = [{"no": 1, "result": "接受"}, {"no": 2, "result": "接受"}]
    one_open = [accepted[0], {"no": 2, "result": "仍需补正", "why": "没有依据"}]
    refused = {"result": "全部接受的才能受理"}
    assert case.errors(judging, {"items": accepted, "result": "受理"}) == {}
    assert case.errors(judging, {"items": one_open, "result": "仍需补正"}) == {}
    assert case.errors(judging, {"items": one_open, "result": "受理"}) == refused
    assert case.errors(judging, {"items": accepted, "result": "仍需补正"}) == refused
