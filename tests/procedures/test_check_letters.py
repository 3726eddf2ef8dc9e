"""What letters ask for in conditions, and how their braces are typed."""

from __future__ import annotations

import pytest

from portal.documents.template import placeholders
from portal.errors import ContentFaults
from tests.builders.content import FILES, letter
from tests.builders.letters import plain
from tests.procedures.expecting import faults

HERE = "（在“review”的“issue”处制发时）"
ENOUGH = "{{ case.number }}"
COMPARED = [
    ('{% if check.result == "更改" %}甲{% endif %}', "更改"),
    ('{% if check.result != "更改" %}甲{% endif %}', "更改"),
    ('{% if party.name and not check.result == "变更 " %}甲{% endif %}', "变更 "),
    ('{% if check.result in ("变更", "维待") %}甲{% endif %}', "维待"),
    ('{% if check.result == "变更" %}甲{% elif check.result == "维待" %}乙{% else %}丙{% endif %}', "维待"),
]


@pytest.mark.parametrize(("text", "wrong"), COMPARED)
def test_a_comparison_with_what_cannot_be_chosen_is_told(text, wrong):
    [fault] = faults(letter("decision", ENOUGH, text))
    assert (fault.file, fault.element) == (FILES["letter/decision"], "check.result")
    assert fault.what == f"“check.result”不会是“{wrong}”{HERE}"
    assert fault.mend == "可能的值：变更、维持、补正"


def test_branches_that_leave_out_a_choice_are_told():
    text = '{% if check.result == "变更" %}甲{% elif check.result == "维持" %}乙{% endif %}'
    [fault] = faults(letter("decision", ENOUGH, text))
    assert fault.what == f"“check.result”的几个分支没有写“补正”时说什么{HERE}"
    assert fault.mend == "补上 elif 或 else；什么也不说的，写一个空的 elif"


COVERED = [
    '{% if check.result == "变更" %}甲{% endif %}',
    '{% if check.result == "变更" %}甲{% elif check.result == "维持" %}乙{% else %}丙{% endif %}',
    '{% if check.result == "变更" %}甲{% elif check.result in ("维持", "补正") %}乙{% endif %}',
    '{% if check.result == "变更" %}甲{% elif check.result == "维持" %}乙{% elif check.result == "补正" %}{% endif %}',
    '{% if check.result == "变更" %}甲{% elif party.district %}乙{% endif %}',
    '{% if check.result == "变更" %}甲{% elif party.district == "万州区" %}乙{% endif %}',
    '{% if party.district == "变更" %}甲{% elif party.district == "万州区" %}乙{% endif %}',
]


@pytest.mark.parametrize("text", COVERED)
def test_one_condition_alone_and_branches_for_all_are_sound(text):
    assert faults(letter("decision", ENOUGH, text)) == []


WIDE = [
    ("致｛｛ party.name ｝｝：", "｛｛ party.name ｝｝："),
    ("｛％ if party.name ％｝甲", "｛％ if party.name ％｝甲"),
    ("甲｝乙", "｝乙"),
]


@pytest.mark.parametrize(("text", "shown"), WIDE)
def test_braces_of_a_chinese_keyboard_are_told(text, shown):
    with pytest.raises(ContentFaults) as refused:
        placeholders(plain(text))
    [fault] = refused.value.faults
    assert fault.what == f"大括号是全角的，会原样印出来：“{shown}”"
    assert fault.mend == "用英文输入法写成 {{ 名称 }}、{% if … %}；正文里不用大括号"
