"""References, keys and roles that are misspelt: what there is instead, and which was probably meant."""

from __future__ import annotations

import pytest

from tests.builders.content import broken
from tests.procedures.expecting import faults

CALL = '<portal:call diagram="@record"/>'
ROLES = "party、unit、handler、leader"

# file, the text, what takes its place, the element, what is said, how it is mended
MISSPELT = [
    (
        "period.bpmn",
        CALL,
        CALL.replace("record", "recrod"),
        "record",
        "“@recrod”没有在图的 [with] 中声明",
        '是否应为“@record”？可用：@record；或在 shared.toml 的 [with] 中写 recrod = "diagram"',
    ),
    (
        "period.bpmn",
        CALL,
        '<portal:call diagram=""/>',
        "record",
        "调用活动没有说明调用哪张图",
        '写 <portal:call diagram="…"/>',
    ),
    (
        "notice.toml",
        'record = "record"',
        'subjekt = "x"',
        "record",
        "procedure.toml 没有给出“@record”所指的图",
        '写 with = { record = "…" }',
    ),
    (
        "notice.toml",
        'record = "record"',
        'record = "record", recrod = "x"',
        "with.recrod",
        "图没有要 with.recrod",
        "是否应为“record”？可用：subject、record",
    ),
    (
        "review.bpmn",
        '<portal:basis ref="@check"/>',
        '<portal:basis ref="@chekc"/>',
        "check",
        "procedure.toml 的 basis 中没有“chekc”",
        "是否应为“@check”？可用：",
    ),
    (
        "review.toml",
        '"licensing:12"',
        '"@decisoin"',
        "basis.check",
        "basis 中没有写明条款的键“decisoin”",
        "是否应为“@decision”？可用：@decision、@in_time；或写 basis = {",
    ),
    (
        "grant.toml",
        'role = "handler"',
        'role = "handlr"',
        "starts.role",
        "法规中没有岗位“handlr”",
        "是否应为“handler”？可用：unit、handler、leader",
    ),
    (
        "grant.bpmn",
        '<portal:task role="leader" form="sign"/>',
        '<portal:task role="leadr" form="sign"/>',
        "sign",
        "法规中没有岗位“leadr”",
        f"是否应为“leader”？可用：{ROLES}；或在 procedure.toml 的 roles 中对应",
    ),
    (
        "grant.toml",
        "searchable",
        "serchable",
        "serchable",
        "不认识的键“serchable”",
        "是否应为“searchable”？此处可用的键：about、",
    ),
    ("grant.toml", 'title      = "核定"', 'title = "核定"\nqqq = 1', "qqq", "不认识的键“qqq”", "此处可用的键：about、"),
]


@pytest.mark.parametrize(("name", "old", "new", "element", "what", "mend"), MISSPELT)
def test_a_misspelt_name_is_answered_with_the_nearest_and_with_all(name, old, new, element, what, mend):
    found = [(fault.what, fault.mend) for fault in faults(broken(name, old, new)) if fault.element == element]
    assert [told for told in found if what in told[0] and told[1].startswith(mend)], found
