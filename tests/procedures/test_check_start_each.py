"""What the check says of a list that starts a case for each row, and of `in_force`."""

from __future__ import annotations

import pytest

from tests.builders.lists import FORM, MANIFEST, drawn, listed
from tests.procedures.expecting import faults

EACH = '<portal:input name="each" value="=draft.units"/>'
YEAR = '<portal:input name="year" value="=draft.year"/>'
PROCEDURE = '<portal:input name="procedure" value="notice"/>'


def said(content):
    return "\n".join(str(fault) for fault in faults(content))


def test_the_content_is_without_fault():
    assert faults(listed()) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (EACH, "", "缺少输入“each”"),
        (EACH, EACH.replace("=draft.units", "draft.units"), "输入“each”应当是表达式"),
        (EACH, EACH.replace("draft.units", "draft.year"), "输入“each”不是列表"),
        (EACH, EACH.replace("draft.units", "draft.unit"), "没有“unit”这一项"),
        (PROCEDURE, PROCEDURE.replace("notice", "notices"), "法规中没有名为“notices”的事项"),
        (PROCEDURE, PROCEDURE.replace("notice", "review"), "没有写可由“grant”启动"),
        (PROCEDURE, PROCEDURE.replace("notice", "=draft.year"), "输入“procedure”应当直接写出"),
        (YEAR, "", "缺少输入“year”（事项“notice”启动表单的字段）"),
        (YEAR, YEAR + YEAR.replace("year", "month"), "输入“month”不是事项“notice”启动表单的字段"),
    ],
)
def test_what_it_needs(old, new, expected):
    assert expected in said(drawn(old, new))


def test_a_column_may_give_what_the_start_form_asks_and_others_may_stand_beside():
    columns = [column["key"] for column in FORM["components"][1]["components"]]
    assert columns == ["unit", "amount", "remark"]
    assert "remark" not in said(listed())


def test_somebody_must_be_there_to_decide_about_rows_that_failed():
    manifest = MANIFEST.replace('{ role = "handler" }', '{ cases = ["review"] }')
    assert "启动失败的行无人处理" in said(listed(manifest=manifest))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('in_force("notice", ["x", 2025])', None),
        ('in_force("notices", ["x", 2025])', "in_force 中的“notices”不是本法规的事项（是否应为“notice”？"),
        ("in_force(sign.result, [2025])", "in_force 的第一个参数应当直接写事项的名称"),
        ('in_force("grant", [2025])', "事项“grant”没有写 once_per"),
        ('in_force("notice")', "个参数"),
        ('in_force("notice", [drafts.year])', "不认识的名称“drafts”"),
    ],
)
def test_in_force_names_a_procedure_that_there_may_be_only_one_case_of(expression, expected):
    escaped = expression.replace("<", "&lt;")
    text = said(drawn('=sign.result = "签发"', f'=sign.result = "签发" and not({escaped})'))
    assert text == "" if expected is None else expected in text
