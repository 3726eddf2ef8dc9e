"""Decisions of a manifest under check: their files, their tables, what they ask of the case, who asks them."""

from __future__ import annotations

import pytest

from portal.feel.dmn import Decisions
from portal.procedures.procedure import assemble
from portal.procedures.releases import open_content, regulation_in
from tests.builders.content import FILES, changed, small
from tests.builders.decisions import decision, definitions, literal, needs, table
from tests.procedures.expecting import faults

PLACE = "bpmn/demo/review/fit.dmn"
MANIFEST = """
[decisions.fit]
title  = "是否合格"
file   = "fit.dmn"
effect = "hard"
basis  = "11.2"
"""
RESULT = '=check.result = "补正" and visits(correct) = 0'
INPUTS = [("start.claimed", "number"), ("check.result", "string")]
OUTPUTS = [("holds", "boolean"), ("reason", "string")]
RULES = [("< 100", "-", "false", '"太少"'), (">= 100", "-", "true", '""')]


def dmn(rules=RULES, inputs=INPUTS, outputs=OUTPUTS, **more) -> bytes:
    return definitions(decision("fit", table(inputs, outputs, rules, **more)))


def content(data: bytes | None = None, manifest: str = MANIFEST, place: str = PLACE, **more: bytes):
    """The small content, whose review asks a table by a business rule task."""
    files = small().files
    own = files[FILES["review.toml"]].decode() + manifest
    drawn = files[FILES["review.bpmn"]].decode()
    asks = (
        '<bpmn:businessRuleTask id="rules" name="核对"><bpmn:extensionElements><portal:decide tables="fit"/>'
        '<portal:basis ref="11.2"/></bpmn:extensionElements></bpmn:businessRuleTask>'
    )
    flow = '<bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="tell_filed">'
    assert flow in drawn
    drawn = drawn.replace(flow, f'{asks}<bpmn:sequenceFlow id="f0" sourceRef="start" targetRef="rules"/>{flow}')
    drawn = drawn.replace('id="f1" sourceRef="start"', 'id="f1" sourceRef="rules"')
    added = {FILES["review.toml"]: own.encode(), FILES["review.bpmn"]: drawn.encode()}
    return changed(**added, **({place: data} if data is not None else {}), **more)


def told(found) -> list[tuple[str | None, str]]:
    return [(fault.element, fault.what) for fault in found]


def test_a_whole_decision_has_no_faults_and_is_put_together():
    whole = content(dmn())
    assert told(faults(whole)) == []
    procedure = assemble(whole, regulation_in(whole), "review")
    read = procedure.decisions["fit"]
    assert isinstance(read, Decisions)
    assert read.file == PLACE
    rule = procedure.manifest.decisions["fit"]
    assert (rule.title, rule.effect, rule.decision, rule.basis, rule.gaps) == ("是否合格", "hard", None, "11.2", False)
    again = open_content(1, whole)
    assert again.procedures["review"].decisions["fit"].file == PLACE


@pytest.mark.parametrize(
    ("old", "new", "element", "what"),
    [
        ('file   = "fit.dmn"', "", "decisions.fit.file", "缺少“decisions.fit.file”"),
        ('"fit.dmn"', '"other.dmn"', "decisions.fit.file", "找不到决策文件“other.dmn”"),
        ('"fit.dmn"', '"../fit.dmn"', "decisions.fit.file", "“../fit.dmn”不是决策文件的名称"),
        ('"hard"', '"firm"', "decisions.fit.effect", "“firm”不是决策的效力"),
        ('effect = "hard"', "", "decisions.fit.effect", "缺少“decisions.fit.effect”"),
        ('title  = "是否合格"', "", "decisions.fit.title", "缺少“decisions.fit.title”"),
        ('"11.2"', '"99"', "decisions.fit.basis", "法规中没有条款“99”"),
        ('basis  = "11.2"', "", "decisions.fit", "决策“是否合格”没有写依据哪一条"),
        (
            'basis  = "11.2"',
            'basis = "11.2"\nassumed = "x"',
            "decisions.fit.assumed",
            "决策“是否合格”既写了 basis 又写了 assumed",
        ),
        ('"hard"', '"hard"\ndecision = "gone"', "decisions.fit.decision", f"决策文件“{PLACE}”没有决策“gone”"),
        ('"hard"', '"hard"\nhow = "x"', "decisions.fit.how", "不认识的键“decisions.fit.how”"),
        ("[decisions.fit]", "[decisions.fit]\ngaps = 1", "decisions.fit.gaps", "“decisions.fit.gaps”应为true 或 false"),
    ],
)
def test_what_a_manifest_says_wrongly_of_a_decision(old, new, element, what):
    found = faults(content(dmn(), MANIFEST.replace(old, new)))
    assert (element, what) in told(found), told(found)
    assert all(fault.mend for fault in found)
    if new.startswith('"other'):
        assert told(found)[0] == ("decisions.fit.file", "找不到决策文件“other.dmn”")


def test_assumed_and_a_key_of_basis_take_the_place_of_an_article():
    assert told(faults(content(dmn(), MANIFEST.replace('basis  = "11.2"', 'assumed = "文本未规定"')))) == []
    assert told(faults(content(dmn(), MANIFEST.replace('"11.2"', '"@decision"')))) == []


@pytest.mark.parametrize(
    ("data", "element", "what"),
    [
        (b"<x/>", None, "不是 DMN 文件，或版本不对"),
        (
            dmn([("< 100", "-", "false", "太少"), (">= 100", "-", "true", '""')]),
            "r1c4",
            "决策“fit”：不认识的名称“太少”",
        ),
        (
            dmn([*RULES, ("5", "-", "true", '"x"')]),
            "r3",
            "决策“fit”：第1条与第3条规则会同时符合（如 start.claimed 为5），而命中策略是 UNIQUE",
        ),
        (dmn(RULES[:1]), "table", "决策“fit”：有的情形没有规则（如 start.claimed 为100）"),
        (dmn([("< 100", "-", "1", '""'), RULES[1]]), "r1c3", "决策“fit”：第1条规则第1个输出格是数字，这一列是是否"),
        (
            dmn(inputs=[("start.claimed", "string"), INPUTS[1]], rules=[("-", "-", "true", '""')]),
            "in1",
            "决策“fit”第1个输入列：“start.claimed”是数字，这一列写的是文字",
        ),
        (
            dmn(inputs=[("start.claim", "number"), INPUTS[1]]),
            "in1",
            "决策“fit”：表单“application”没有“claim”这一项（start）",
        ),
        (
            dmn([("< 100", '"维待"', "false", '""'), ("< 100", 'not("维待")', "true", '""'), RULES[1]]),
            "r1c2",
            "决策“fit”第1条规则：“check.result”不会是“维待”",
        ),
        (
            dmn([("< in_force(1)", "-", "false", '""'), RULES[1]]),
            "r1c1",
            "决策“fit”第1条规则第1个输入格：第 1 行第 3 列有误，函数“in_force”有1个参数",
        ),
        (dmn([("< 100", "-", "false", 'record("gone", [1]).x'), RULES[1]]), "r1c4", "决策“fit”：法规中没有名册“gone”"),
    ],
)
def test_what_a_table_says_wrongly(data, element, what):
    found = [fault for fault in faults(content(data)) if fault.file == PLACE]
    assert (element, what) in [(f.element, f.what.partition("（用于")[0]) for f in found], told(found)
    assert all(fault.mend for fault in found)
    assert all(fault.line for fault in found)


def test_gaps_may_be_meant_or_have_a_default():
    assert told(faults(content(dmn(RULES[:1]), MANIFEST + "gaps = true\n"))) == []
    defaults = [("holds", "boolean", "", "true"), ("reason", "string", "", '""')]
    assert told(faults(content(dmn(RULES[:1], outputs=defaults)))) == []


def test_only_the_decision_that_is_asked_and_those_before_it_need_no_gaps():
    whole, lacking = table(INPUTS, OUTPUTS, RULES), table(INPUTS, OUTPUTS, RULES[:1], key="other")
    lacking = lacking.replace('id="r', 'id="o').replace('id="in', 'id="oin').replace('id="out', 'id="oout')
    beside = definitions(decision("fit", whole), decision("beside", lacking))
    named = MANIFEST + 'decision = "fit"\n'
    assert told(faults(content(beside, named))) == []
    before = definitions(decision("fit", whole, requires=needs("beside")), decision("beside", lacking))
    assert [element for element, _ in told(faults(content(before)))] == ["other"]
    several = told(faults(content(beside)))
    assert ("decisions.fit.decision", f"“{PLACE}”里有几个决策，没有写是哪一个") in several


def test_a_decision_that_nothing_asks_for_and_one_that_is_not_there():
    files = small().files
    own = files[FILES["review.toml"]].decode() + MANIFEST
    unused = changed(**{FILES["review.toml"]: own.encode(), PLACE: dmn()})
    assert told(faults(unused)) == [("decisions.fit", "没有什么用到决策“fit”")]
    assert ("rules", "没有名为“fit”的决策") in told(faults(content(None, "")))


def test_files_are_looked_up_beside_the_procedure_then_beside_shared_diagrams():
    whole = content(dmn())
    shared = ["bpmn/demo/_shared/record/fit.dmn", "bpmn/_shared/period/fit.dmn"]
    files = {place: b"" for place in [PLACE, *shared]}
    every = changed(**files)
    assert every.find_decisions("review", ["review"], "fit.dmn") == PLACE
    assert every.find_decisions("notice", ["period", "record"], "fit.dmn") == shared[0]
    assert every.find_decisions("notice", ["period"], "fit.dmn") == shared[1]
    assert every.find_decisions("grant", ["grant"], "fit.dmn") is None
    two = changed(**dict.fromkeys(["bpmn/_shared/period/fit.dmn", "bpmn/_shared/other/fit.dmn"], b""))
    assert two.find_decisions("notice", ["period", "other"], "fit.dmn") == "bpmn/_shared/period/fit.dmn"
    assert whole.find_decisions("review", ["review"], "gone.dmn") is None


@pytest.mark.parametrize(
    ("place", "what"),
    [
        ("bpmn/demo/review/other.dmn", "没有事项用到这个文件"),
        ("bpmn/demo/_shared/record/other.dmn", "没有事项用到这个文件"),
        ("bpmn/demo/other.dmn", "文件放在了不会读取的位置，或名称不对"),
        ("bpmn/demo/review/paths/other.dmn", "文件放在了不会读取的位置，或名称不对"),
        ("forms/demo/review/other.dmn", "文件放在了不会读取的位置，或名称不对"),
    ],
)
def test_a_file_that_changes_nothing_is_told(place, what):
    found = faults(content(dmn(), **{place: dmn()}))
    assert [(fault.file, fault.what) for fault in found] == [(place, what)]
    anybodys = content(dmn(), **{"bpmn/_shared/period/other.dmn": definitions(decision("a", literal("1")))})
    assert told(faults(anybodys)) == []


def test_what_a_table_yields_is_known_to_conditions():
    whole = content(dmn())
    drawn = whole.files[FILES["review.bpmn"]].decode()
    for condition, what in (
        ("rules.fit.holds and visits(correct) = 0", None),
        ("count(rules.fit.rules) = 0", None),
        ("rules.fit.hold", "“rules.fit”没有“hold”"),
        ("rules.fitt.holds", "“rules”没有查“fitt”这张表"),
        ('rules.fit.reason = "太多"', "“rules.fit.reason”不会是“太多”"),
    ):
        files = {FILES["review.bpmn"]: drawn.replace(RESULT, f"={condition}").encode()}
        found = [fault.what for fault in faults(changed(**{**whole.files, **files}))]
        assert [one.removeprefix("顺序流的条件：") for one in found] == ([what] if what else [])
