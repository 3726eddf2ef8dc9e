"""A correction item by item as content: checked, acted in paths, and its faults told."""

from __future__ import annotations

import pytest

from portal.cases.actions import ACTIONS
from portal.cases.kernel import Kernel
from portal.jobs import Collected
from portal.procedures import Releases
from portal.procedures.check import check
from portal.scenarios.service import act_all
from tests.builders.corrections import broken, content, with_letter

RULES = {name: action.rule for name, action in ACTIONS.items()}


def told(whole):
    return [fault.what for fault in check(whole, RULES)]


def test_the_content_is_faultless():
    assert check(content(), RULES) == []


def test_its_paths_reach_everything_drawn(database):
    report = act_all(database, Kernel(Releases(), Collected(), lambda tx: None, ACTIONS), content())
    assert [fault.what for fault in report.faults] == []
    assert [result.title for result in report.results] == ["一次受理", "补正两轮"]


@pytest.mark.parametrize(
    ("file", "old", "new", "what"),
    [
        ("check.json", '"of": "start"', '"of": "begun"', ["补正事项的 of 所指的元素“begun”没有表单"]),
        ("check.json", '"part": "ask"', '"part": "asks"', ["part 应为 ask、answer 或 judge"]),
        ("check.json", '"part": "ask"', '"part": "ask", "items": "=[]"', ["提出补正事项（ask）不写 items"]),
        (
            "recheck.json",
            ', "items": "=correct.items"',
            "",
            ["没有写明要逐项补正或审查哪些事项（items）"],
        ),
        ("recheck.json", "=correct.items", "=check.items", ["补正事项：给出的不是逐项补正的答复"]),
        ("recheck.json", "=correct.items", "=check.result", ["补正事项：给出的不是列表"]),
        (
            "recheck.json",
            "=correct.items",
            "=correct.item",
            ["补正事项：表单“correct”没有“item”这一项（correct）"],
        ),
        ("correct.json", "仍需补正", "退回", ["补正事项：“result”不会是“退回”"]),
        (
            "intake/process.bpmn",
            ' revises="start"',
            "",
            ["逐项补正的表单“correct”没有写明答案放回哪里（用于“filing”）"],
        ),
        (
            "intake/process.bpmn",
            'form="recheck"',
            'form="recheck" revises="start"',
            ["表单“recheck”不改动原来的答案，不能写 revises（用于“filing”）"],
        ),
        (
            "intake/process.bpmn",
            'item.result = "接受"',
            'item.result = "同意"',
            ["顺序流的条件：“item.result”不会是“同意”（用于“filing”）"],
        ),
        (
            "recheck.json",
            '"components": [',
            '"components": [{"type": "textfield", "key": "name", "label": "名称"}, '
            '{"type": "group", "components": [{"type": "textfield", "key": "remark", "label": "备注"}]}, ',
            [],
        ),
        (
            "correct.json",
            '"components": [',
            '"components": [{"type": "textfield", "key": "name", "label": "名称"}, ',
            ["“name”与被补正的表单“application”的字段同名，填写时分不开"],
        ),
        (
            "application.json",
            '"key": "earlier"',
            '"key": "其他"',
            ["被补正的表单“application”有名为“其他”的字段，与补正事项的“其他”分不开"],
        ),
    ],
)
def test_what_is_wrong_is_told(file, old, new, what):
    assert list(dict.fromkeys(told(broken(file, old, new)))) == what


def test_items_stand_on_the_forms_of_tasks_alone():
    whole = broken("filing/process.bpmn", 'form="application"', 'form="check"')
    assert "表单“check”有补正事项，这里不能用" in told(whole)


def test_letters_speak_of_what_an_item_holds():
    assert told(with_letter("{%p for item in check.items %}", "{{ item.no }}{{ item.text }}", "{%p endfor %}")) == [
        "占位符“check.items.text”：“items”没有“text”（在“intake”的“ask”处制发时）"
    ]
