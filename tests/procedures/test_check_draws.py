"""What is published of a drawing by lot holds no words of a person's own; who is told something must be somebody."""

import json

import pytest

from portal.procedures.content import Content
from tests.builders.decisions import decision, definitions, literal, table
from tests.builders.experts import EXCLUDE, MANIFEST, main, regulation, review
from tests.procedures.expecting import faults

HOME = "bpmn/small"
REVIEW, TABLE, DRAWN = f"{HOME}/_shared/review/process.bpmn", f"{HOME}/main/exclude.dmn", f"{HOME}/main/process.bpmn"
OPEN = 'reason" value="专家回避"'
WRITTEN = [("candidate.employer", "string")]


def changed(file: str, data: bytes) -> Content:
    whole = regulation()
    return Content(whole.regulation, {**whole.files, file: data})


def at(content: Content, element: str) -> list[str]:
    """What is wrong at one element, beside the articles that this small content lacks."""
    found = [one.what for one in faults(content) if one.element == element and "依据" not in one.what]
    return [what.removesuffix("（用于“main”）") for what in found]


def excluding(logic: str) -> Content:
    return changed(TABLE, definitions(decision("exclude", logic)))


@pytest.mark.parametrize(
    "logic",
    [
        table(WRITTEN, [("reason", "string")], [("-", '"与" + candidate.employer + "同单位"')]),
        table(WRITTEN, [("reason", "string"), ("more", "string")], [("-", "candidate.employer", '""')]),
        table(WRITTEN, [("holds", "boolean"), ("why", "string")], [("-", "true", '"回避"')]),
        table(WRITTEN, [("holds", "boolean")], [("-", "true")]),
        literal('"回避"'),
    ],
)
def test_a_table_that_leaves_people_out_writes_out_why(logic):
    assert at(excluding(logic), "draw") == ["决策“exclude”没有逐条写出排除的理由"]


@pytest.mark.parametrize(
    "logic",
    [
        table(WRITTEN, [("reason", "string")], [("start.text", '"同单位"')], policy="COLLECT"),
        table(WRITTEN, [("note", "string"), ("reason", "string")], [("-", '"x"', '"同单位"')]),
    ],
)
def test_reasons_that_are_written_out_have_no_fault(logic):
    assert at(excluding(logic), "draw") == []
    assert at(regulation(), "draw") == []
    assert EXCLUDE


def test_a_table_that_there_is_not():
    manifest = MANIFEST[: MANIFEST.index("[decisions.exclude]")]
    assert at(regulation(main(manifest)), "draw") == ["没有名为“exclude”的决策"]


@pytest.mark.parametrize(
    ("reason", "fine"),
    [
        ("专家回避", True),
        ("=opinion.result", True),
        ('=if opinion.result = "继续" then "回避" else "缺席"', True),
        ("=start.text", False),
        ('=if opinion.result = "继续" then start.text else "缺席"', False),
        ('="回避：" + start.text', False),
    ],
)
def test_why_somebody_is_replaced_is_written_out_or_chosen(reason, fine):
    written = reason.replace('"', "&quot;")
    drawn = review().decode().replace(OPEN, f'reason" value="{written}"')
    assert drawn.count(written)
    wanted = [] if fine else ["输入“reason”不是写出或选定的理由"]
    assert at(changed(REVIEW, drawn.encode()), "next") == wanted


@pytest.mark.parametrize(
    ("to", "text", "wanted"),
    [
        ("party", "请留意", []),
        ("leader", "=conclude.text", []),
        ("unit", "请留意", ["输入“to”不是岗位：“unit”"]),
        ("nobody", "请留意", ["输入“to”不是岗位：“nobody”"]),
        ("=party.name", "请留意", ["输入“to”应当直接写出，不能用表达式"]),
        ("party", "=arrange.count", ["输入“text”不是文字"]),
        ("party", "=conclude.gone", ["输入“text”：表单“note”没有“gone”这一"]),
    ],
)
def test_whom_something_is_told(to, text, wanted):
    drawn = main().drawing.decode()
    for name, old, new in (("to", "party", to), ("text", "=conclude.text", text)):
        before = f'name="{name}" value={json.dumps(old)}'
        assert drawn.count(before) == 1
        drawn = drawn.replace(before, f'name="{name}" value={json.dumps(new, ensure_ascii=False)}')
    found = at(changed(DRAWN, drawn.encode()), "tell")
    assert [one[: len(want)] for one, want in zip(found, wanted, strict=True)] == wanted


@pytest.mark.parametrize(
    ("count", "wanted"),
    [
        ("=5", []),
        ("5", ["输入“count”应当是表达式"]),
        ("=4", ["专家人数应为单数，且不少于 3 人，写的是 4"]),
        ("=1", ["专家人数应为单数，且不少于 3 人，写的是 1"]),
        ("=party.name", ["输入“count”不是数字"]),
    ],
)
def test_how_many_are_drawn_is_an_odd_number(count, wanted):
    drawn = review().decode()
    assert drawn.count('value="=arrange.count"') == 1
    changed_text = drawn.replace('value="=arrange.count"', f'value="{count}"')
    assert at(changed(REVIEW, changed_text.encode()), "draw") == wanted
