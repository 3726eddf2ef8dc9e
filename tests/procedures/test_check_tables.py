"""Tables of a form in expressions and letters, and the message that tells when all cases started in bulk have ended."""

from __future__ import annotations

import json

import pytest

from portal.errors import Fault
from portal.procedures import Content
from tests.builders.content import FILES
from tests.builders.letters import plain
from tests.builders.lists import MANIFEST, drawn, listed
from tests.procedures.expecting import faults

AGREED = '=sign.result = "签发"'
CATCH = '<bpmn:intermediateCatchEvent id="all_ended" name="等待全部办结">'


def told(found: list[Fault]) -> list[tuple[str | None, str, str]]:
    return [(fault.element, fault.what, fault.mend) for fault in found]


def with_files(content: Content, **files: bytes) -> Content:
    return Content(content.regulation, {**content.files, **files})


def asking(**amount: object) -> Content:
    """The content with more said of the column `amount`, and of its table before and after it."""
    content = listed()
    form = json.loads(content.files[FILES["form/draft"]])
    year, table = form["components"]
    table["components"][1]["properties"].update(amount)
    form["components"] = [year, table, {"type": "text", "text": "合计 {{ sum(units.amount) }}"}]
    return with_files(content, **{FILES["form/draft"]: json.dumps(form, ensure_ascii=False).encode()})


SOUND = [
    "=sum(draft.units.amount) &gt; 100 and count(draft.units) &lt; 9",
    "=every one in draft.units satisfies one.amount &gt; 0",
    '=count(draft.units[remark = "新增"]) = 2',
    "=draft.units[1].amount = 3",
]


@pytest.mark.parametrize("condition", SOUND)
def test_the_columns_of_a_table_are_lists(condition):
    assert faults(drawn(AGREED, condition)) == []


WRONG = [
    ("=sum(draft.units.amont) &gt; 9", "“units”没有“amont”", "是否应为“amount”？可用：amount、remark、unit"),
    ("=draft.units.amount.x = 1", "“units.amount”是列表，没有“x”", "写到“units.amount”为止"),
    ("=sum(draft.rows.amount) &gt; 1", "表单“draft”没有“rows.amount”这一项（draft）", "可用：units、year"),
]


@pytest.mark.parametrize(("condition", "what", "mend"), WRONG)
def test_a_column_that_is_not_there_is_told(condition, what, mend):
    assert told(faults(drawn(AGREED, condition))) == [("agreed", f"顺序流的条件：{what}", mend)]


def test_a_columns_rule_sees_its_row_then_the_form():
    assert faults(asking(refuse='=amount > 5 and year > 2000 and unit != ""', refusal="不行")) == []
    (only,) = faults(asking(refuse="=amont > 5", refusal="不行"))
    assert (only.file, only.element, only.what) == (
        FILES["form/draft"],
        "units.amount",
        "拒绝条件：不认识的名称“amont”",
    )
    (only,) = faults(asking(refuse="=amount.x > 5", refusal="不行"))
    assert only.what == "拒绝条件：“amount”是数字，没有“x”"


def letter(line: str) -> Content:
    """The content with a list of the units, drawn up at the end."""
    task = (
        '<bpmn:serviceTask id="issue" name="制发"><bpmn:extensionElements><portal:action name="documents.issue">'
        '<portal:input name="document" value="list"/></portal:action></bpmn:extensionElements></bpmn:serviceTask>'
        '<bpmn:sequenceFlow id="f6" sourceRef="issue" targetRef="done"/>'
        '<bpmn:sequenceFlow id="f5" sourceRef="all_ended" targetRef="issue"/>'
    )
    content = drawn('<bpmn:sequenceFlow id="f5" sourceRef="all_ended" targetRef="done"/>', task)
    rule = '\n[documents.list]\ntitle = "清单"\ntemplate = "list.docx"\nnumber = "示单〔{year}〕{seq}号"\n'
    files = {FILES["grant.toml"]: (MANIFEST + rule).encode(), "documents/demo/grant/list.docx": plain(line)}
    return with_files(content, **files)


def test_a_letter_walks_the_rows_of_a_table():
    rows = "{% for row in draft.units %}{{ row.unit }} {{ row.amount | tonnes }}{% endfor %}"
    assert faults(letter(rows)) == []
    (only,) = faults(letter(rows.replace("row.amount", "row.amont")))
    assert (only.element, only.what) == (
        "draft.units.amont",
        "占位符“draft.units.amont”：“units”没有“amont”（在“grant”的“issue”处制发时）",
    )


def test_the_portal_tells_a_case_that_starts_others_in_bulk_when_all_have_ended():
    assert faults(listed()) == []
    alone = drawn('name="cases.start_each"', 'name="cases.start"')
    assert (
        "all_ended",
        "消息“all_ended”永远不会来：图中没有逐个启动案件的动作",
        "加上动作为 cases.start_each 的服务任务，或改等别的消息",
    ) in told(faults(alone))


def test_nobody_else_can_send_that_message():
    extension = '<bpmn:extensionElements><portal:message role="handler"/></bpmn:extensionElements>'
    found = faults(drawn(CATCH, CATCH + extension))
    assert told(found) == [("all_ended", "消息“all_ended”由平台发出，不能由人员发出", "删去 role")]
