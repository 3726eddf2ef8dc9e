"""What others said stands beside a field: numbers with how far they are apart, texts, nothing where nobody spoke."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest

from portal import forms
from portal.errors import ContentFaults


def form(*components):
    text = json.dumps({"type": "default", "id": "review", "components": components}, ensure_ascii=False)
    return forms.read(text.encode())


def amount(beside, **more):
    return {
        "type": "number",
        "key": "amount",
        "label": "数量",
        "properties": {"kind": "amount", "beside": beside},
        **more,
    }


def beside(read, answers, names):
    [field] = read.view(answers, {}, names).fields
    return [(one.label, one.text, one.more) for one in field.beside]


CLAIMED = form(amount({"申请人主张": "=start.claimed"}))


@pytest.mark.parametrize(
    ("typed", "more"), [("1,204,905", Decimal(-8745)), ("1196160", Decimal(0)), ("1000000", Decimal(196160))]
)
def test_a_number_tells_how_far_it_is_from_the_one_in_the_field(typed, more):
    names = {"start": {"claimed": Decimal(1196160)}}
    assert beside(CLAIMED, {"amount": [typed]}, names) == [("申请人主张", "1,196,160 tCO₂e", more)]


@pytest.mark.parametrize("typed", [{}, {"amount": ["很多"]}, {"amount": ["1,2,3"]}])
def test_without_a_readable_number_there_is_no_difference(typed):
    assert beside(CLAIMED, typed, {"start": {"claimed": Decimal(5)}}) == [("申请人主张", "5 tCO₂e", None)]


@pytest.mark.parametrize("said", [None, "", []])
def test_what_nobody_said_is_left_out(said):
    assert beside(CLAIMED, {}, {"start": {"claimed": said}}) == []


def test_texts_and_days_are_written_as_people_read_them():
    read = form(
        {
            "type": "textarea",
            "key": "reasons",
            "label": "理由",
            "properties": {"beside": {"理由": "=a.text", "日期": "=a.day"}},
        }
    )
    names = {"a": {"text": "产量有误", "day": date(2026, 11, 9)}}
    assert beside(read, {}, names) == [("理由", "产量有误", None), ("日期", "2026年11月9日", None)]


def test_a_label_may_hold_an_expression():
    read = form(amount({"{{ about.who }}主张": "=start.claimed"}))
    names = {"about": {"who": "单位"}, "start": {"claimed": Decimal(1)}}
    assert beside(read, {}, names) == [("单位主张", "1 tCO₂e", None)]


def test_a_short_one_is_part_of_what_describes_the_field_and_a_long_one_is_not():
    read = form(amount({"主张": "=start.claimed", "理由": "=start.grounds"}))
    [field] = read.view({}, {}, {"start": {"claimed": Decimal(1), "grounds": "长" * 81}}).fields
    assert field.described_by == "f-amount-beside"
    assert [one.long for one in field.beside] == [False, True]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        "=start.claimed",
        {"主张": "start.claimed"},
        {"主张": "=start..claimed"},
        {"主": 1},
        {"": "=start.claimed"},
        {str(n): "=start.claimed" for n in range(7)},
    ],
)
def test_a_wrong_one_is_refused_with_its_place(wrong):
    with pytest.raises(ContentFaults) as refusal:
        form(amount(wrong))
    assert {fault.element for fault in refusal.value.faults} == {"amount"}


def test_files_and_columns_take_none():
    files = {"type": "filepicker", "key": "f", "label": "文件", "accept": ".pdf", "properties": {"beside": {"a": "=b"}}}
    with pytest.raises(ContentFaults, match="beside"):
        form(files)
    table = {
        "type": "dynamiclist",
        "path": "rows",
        "label": "表",
        "properties": {"kind": "table"},
        "components": [{"type": "textfield", "key": "a", "label": "甲", "properties": {"beside": {"乙": "=b"}}}],
    }
    with pytest.raises(ContentFaults, match="表格的列不能写“beside”"):
        form(table)


def test_its_expression_is_among_those_that_are_checked():
    assert ("start", "claimed") in CLAIMED.needs
    assert [written.attribute for written in CLAIMED.expressions] == ["beside"]
