"""What `portal check` says of a gateway at which a case could stand still: a value for which there is no way out."""

from __future__ import annotations

import json

import pytest

from portal.cases.actions import ACTIONS
from portal.procedures.check import check
from portal.procedures.content import Content
from tests.builders.decisions import decision, definitions, table
from tests.builders.diagrams import call, diagram, flow, path, rules, subprocess, xor
from tests.builders.procedures import REGULATION, content, end, procedure, start, task

RULES = {name: action.rule for name, action in ACTIONS.items()}


def radio(key: str, *values: str, **more: object) -> dict[str, object]:
    options = [{"label": value, "value": value} for value in values]
    return {"type": "radio", "key": key, "label": key, "values": options, "validate": {"required": True}, **more}


ASKED = [radio("result", "同意", "退回", "暂缓"), {"type": "number", "key": "count", "label": "几个"}]
TABLE = definitions(
    decision(
        "fit",
        table(
            [("decide.count", "number")],
            [("holds", "boolean"), ("says", "string")],
            [("< 1", "false", '"少"'), (">= 1", "true", '"够"')],
        ),
    )
)
MANIFEST = '\n[decisions.fit]\ntitle = "是否够"\nfile = "fit.dmn"\neffect = "soft"\ngaps = true\nassumed = "例"\n'


def drawn(*parts: str, form: list[dict[str, object]] | None = None, **files: bytes) -> Content:
    """A procedure of these parts; its form is `asked`, its table `fit`, more of its files by their paths."""
    whole = content(plan=procedure(*parts, manifest=MANIFEST if any("portal:decide" in part for part in parts) else ""))
    asked = {"type": "default", "id": "asked", "components": form or ASKED}
    more = {f"forms/{REGULATION}/plan/asked.json": json.dumps(asked, ensure_ascii=False).encode(), **files}
    if "fit.dmn" in whole.files[f"bpmn/{REGULATION}/plan/procedure.toml"].decode():
        more[f"bpmn/{REGULATION}/plan/fit.dmn"] = TABLE
    return Content(whole.regulation, {**whole.files, **more})


def found(whole: Content) -> list[tuple[str | None, str, str]]:
    other = ("没有写依据哪一条", "图没有画出来", "没有事项用到这个文件")
    faults = [fault for fault in check(whole, RULES) if not fault.what.startswith(other)]
    return [(fault.element, fault.what, fault.mend) for fault in faults]


def ways(*conditions: str | None) -> tuple[str, ...]:
    """The gateway `which` with these ways out of it, each to an end; None is the default one."""
    ends = [f"end{number}" for number in range(len(conditions))]
    default = next((f"which-{key}" for key, said in zip(ends, conditions, strict=True) if said is None), None)
    flows = (flow("which", key, said) for key, said in zip(ends, conditions, strict=True))
    return xor("which", default), *flows, *(end(key, key) for key in ends)


ROW = (start(), task("decide", form="asked"), path("start", "decide", "which"))


def lost(*cases: str) -> list[tuple[str | None, str, str]]:
    return [("which", f"没有出路的情形：{'；'.join(cases)}", "为这种情形画一条顺序流，或设一条默认流")] if cases else []


@pytest.mark.parametrize(
    ("conditions", "cases"),
    [
        (['=decide.result = "同意"', '=decide.result = "退回"', '=decide.result = "暂缓"'], []),
        (['=decide.result = "同意"', '=decide.result = "退回"'], ["“decide.result”为“暂缓”"]),
        (['=decide.result = "同意"', '="同意" = decide.result'],
         ["“decide.result”为“暂缓”", "“decide.result”为“退回”"]),
        (['=decide.result = "同意"', '=decide.result != "同意"'], []),
        (['=decide.result = "同意"', '=not(decide.result = "同意")'], []),
        (['=decide.result = "同意"', '=decide.result in ("退回", "暂缓")'], []),
        (['=decide.result = "同意"', '=decide.result in ("退回")'], ["“decide.result”为“暂缓”"]),
        (['=decide.result = "同意" or decide.result = "退回"', '=decide.result = "暂缓"'], []),
        (['=if decide.result = "同意" then true else false', '=decide.result = "退回"'], ["“decide.result”为“暂缓”"]),
        (['=decide.result = "同意"', None], []),
        # What hangs on something else may be so or not.
        (['=decide.result = "同意"', '=decide.result = "退回" and decide.count > 1', '=decide.count < 2'], []),
        (['=decide.result = "同意"', '=decide.result = "退回" and decide.count > 1'], ["“decide.result”为“暂缓”"]),
        (['=decide.count > 3', '=decide.count <= 3'], []),
        (['=contains(decide.result, "同")', '=decide.result = "退回"'], []),
    ],
)  # fmt: skip
def test_every_choice_has_a_way(conditions, cases):
    assert found(drawn(*ROW, *ways(*conditions))) == lost(*cases)


@pytest.mark.parametrize(
    ("field", "conditions", "cases"),
    [
        ({**radio("result", "甲", "乙"), "validate": {}}, ['=decide.result = "甲"', '=decide.result = "乙"'],
         ["“decide.result”没有填写"]),
        ({**radio("result", "甲", "乙"), "validate": {}}, ['=decide.result = "甲"', '=decide.result != "甲"'], []),
        ({**radio("result", "甲", "乙"), "validate": {}},
         ['=decide.result = "甲"', '=decide.result = "乙"', '=decide.result = null'], []),
        ({**radio("result", "甲", "乙"), "validate": {}, "conditional": {"hide": "=1 > 2"}},
         ['=decide.result = "甲"', '=decide.result = "乙"'], []),
        ({"type": "checkbox", "key": "agrees", "label": "同意"}, ['=decide.agrees = true', '=decide.agrees = true'],
         ["“decide.agrees”为“否”"]),
        ({"type": "checkbox", "key": "agrees", "label": "同意"}, ["=decide.agrees", "=not(decide.agrees)"], []),
        ({"type": "checkbox", "key": "agrees", "label": "同意"}, ["=not(decide.agrees)", "=not(decide.agrees)"],
         ["“decide.agrees”为“是”"]),
        ({"type": "checkbox", "key": "agrees", "label": "同意", "validate": {"required": True}},
         ['=decide.agrees = true', '=decide.agrees = true'], []),
    ],
)  # fmt: skip
def test_what_need_not_be_said_has_a_way_too(field, conditions, cases):
    assert found(drawn(*ROW, *ways(*conditions), form=[field])) == lost(*cases)


PAIR = [radio("one", "甲", "乙"), radio("two", "丙", "丁")]
THREE = ['=decide.one = "甲" and decide.two = "丙"', '=decide.one = "甲" and decide.two = "丁"',
         '=decide.one = "乙" and decide.two = "丙"']  # fmt: skip


def test_two_answers_that_nobody_thought_of_together():
    assert found(drawn(*ROW, *ways(*THREE), form=PAIR)) == lost("“decide.one”为“乙”，“decide.two”为“丁”")


def test_of_answers_that_hang_together_nothing_is_said():
    hidden = {**PAIR[1], "conditional": {"hide": '=one = "乙"'}}
    assert found(drawn(*ROW, *ways(*THREE), form=[PAIR[0], hidden])) == []


FIRST = (xor("first"), path("start", "decide", "first"), start(), task("decide", form="asked"))


@pytest.mark.parametrize(
    ("before", "cases"),
    [
        # What has gone another way before does not come here.
        ((flow("first", "out", '=decide.result = "暂缓"'), flow("first", "which", '=decide.result != "暂缓"')), []),
        ((flow("first", "out", '=decide.result = "退回"'), flow("first", "which", '=decide.result != "退回"')),
         ["“decide.result”为“暂缓”"]),
        # Whether it does hangs on what was said at the same time.
        ((flow("first", "out", "=decide.count > 1"), flow("first", "which", "=not(decide.count > 1)")), []),
    ],
)  # fmt: skip
def test_only_what_can_come_to_the_gateway(before, cases):
    conditions = '=decide.result = "同意"', '=decide.result = "退回"'
    assert found(drawn(*FIRST, *before, end("out", "另走"), *ways(*conditions))) == lost(*cases)


def test_what_has_gone_by_a_default_before():
    first = (xor("first", default="first-out"), *FIRST[1:], flow("first", "out"), end("out", "另走"))
    known = flow("first", "which", '=decide.result in ("同意", "退回")')
    conditions = '=decide.result = "同意"', '=decide.result = "退回"'
    assert found(drawn(*first, known, *ways(*conditions))) == []


INNER = diagram(
    start(None), task("decide", form="asked"), xor("how", default="how-left"), end("left", "退回"), end("done", "通过"),
    path("start", "decide", "how"), flow("how", "left"), flow("how", "done", '=decide.result = "同意"'),
    subprocess("sub", start(None).replace('"start"', '"begin"'), end("inside", "里面"), path("begin", "inside")),
)  # fmt: skip


@pytest.mark.parametrize(
    ("conditions", "cases"),
    [
        (['=inner.outcome = "通过"', '=inner.outcome = "退回"'], []),
        (['=inner.outcome = "通过"', '=inner.outcome = "通过"'], ["“inner.outcome”为“退回”"]),
        # An answer given inside may have led to one of the outcomes only.
        (['=inner.decide.result = "同意"', '=inner.decide.result = "同意"'], []),
    ],
)
def test_every_outcome_of_a_call_has_a_way(conditions, cases):
    parts = (start(), call("inner"), path("start", "inner", "which"), *ways(*conditions))
    whole = drawn(*parts, **{f"bpmn/{REGULATION}/_shared/inner/process.bpmn": INNER})
    assert [fault for fault in found(whole) if fault[0] == "which"] == lost(*cases)


@pytest.mark.parametrize(
    ("conditions", "cases"),
    [
        (["=rules.fit.holds = true", "=rules.fit.holds = false"], []),
        (["=rules.fit.holds", "=rules.fit.holds"], ["“rules.fit.holds”为“否”"]),
        (['=rules.fit.says = "够"', '=rules.fit.says = "够"'], ["“rules.fit.says”为“少”"]),
    ],
)
def test_everything_that_a_table_says_has_a_way(conditions, cases):
    parts = (start(), task("decide", form="asked"), rules("rules", "fit"), path("start", "decide", "rules", "which"))
    assert found(drawn(*parts, *ways(*conditions))) == lost(*cases)


def test_columns_of_one_table_hang_together():
    first = (xor("first"), end("out", "另走"), flow("first", "out", "=rules.fit.holds = false"),
             flow("first", "which", "=rules.fit.holds = true"))  # fmt: skip
    parts = (start(), task("decide", form="asked"), rules("rules", "fit"), path("start", "decide", "rules", "first"))
    conditions = '=rules.fit.says = "够"', '=rules.fit.says = "够"'
    assert found(drawn(*parts, *first, *ways(*conditions))) == []


def test_a_condition_with_many_parts_is_judged_at_once():
    many = " or ".join(f"decide.count = {number}" for number in range(60))
    conditions = f'=decide.result = "同意" and ({many})', '=decide.result = "退回"'
    assert found(drawn(*ROW, *ways(*conditions))) == lost("“decide.result”为“暂缓”")
