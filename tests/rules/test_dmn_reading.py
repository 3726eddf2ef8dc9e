"""Files of decisions that are refused, each with its element, its line and what to do instead."""

from __future__ import annotations

import pytest

from portal.errors import ContentFaults, Fault
from portal.feel import Signature
from portal.feel.dmn import MOST_RULES, read
from tests.builders.decisions import decision, definitions, given, literal, model, needs, table

ONE = [("age", "number")]
OUT = [("", "string")]
SCRIPT = literal("1").replace("Expression>", 'Expression id="e" expressionLanguage="javascript">', 1)
TABLE = table(ONE, OUT, [("< 18", '"否"'), (">= 18", '"可"')])


def faults(data: bytes) -> list[Fault]:
    with pytest.raises(ContentFaults) as refused:
        read(data, "x.dmn", {"working days": Signature(2)})
    assert all(fault.file == "x.dmn" and fault.mend for fault in refused.value.faults)
    return list(refused.value.faults)


@pytest.mark.parametrize("version", ["20191111", "20211108", "20230324"])
def test_three_versions_are_read(version):
    data = definitions(decision("d", TABLE), space=f"https://www.omg.org/spec/DMN/{version}/MODEL/")
    assert list(read(data, "x.dmn").decisions) == ["d"]


@pytest.mark.parametrize(
    ("parts", "element", "what"),
    [
        ((), "definitions", "文件里没有决策"),
        ((decision("d", ""),), "d", "决策“d”没有决策表或表达式"),
        ((decision("d", literal("1") + TABLE),), "d", "决策“d”没有决策表或表达式"),
        ((decision("d", literal("")),), "d", "决策“d”是空的"),
        ((decision("d", literal("1 +")),), "d", "决策“d”：第 1 行第 4 列有误，表达式没有写完"),
        ((decision("d", '<context id="c"/>'),), "c", "不支持“context”"),
        ((decision("d", '<invocation id="c"/>'),), "c", "不支持“invocation”"),
        ((decision("d", '<conditional id="c"/>'),), "c", "不支持“conditional”"),
        ((decision("d", literal("1")), '<import name="i"/>'), "i", "不支持“import”"),
        ((decision("d", literal("1")), '<decisionService id="s"/>'), "s", "不支持“decisionService”"),
        (
            (decision("d", SCRIPT),),
            "e",
            "表达式语言“javascript”不支持",
        ),
        ((decision("d", literal("1"), of="money"),), "d", "没有名为“money”的类型"),
        (
            ('<itemDefinition name="a"><typeRef>b</typeRef></itemDefinition>'
             '<itemDefinition name="b"><typeRef>a</typeRef></itemDefinition>', decision("d", literal("1"), of="a")),
            "a",
            "类型“a”以自己定义",
        ),
        ((decision("d", literal("1")), decision("e", literal("1"), name="d")), "e", "名称“d”用了两次"),
        ((decision("d", literal("1")), given("d")), "given_d", "名称“d”用了两次"),
        ((decision("d", literal("1"), requires=needs("gone")),), "d", "所需要的“#gone”不在文件里"),
        (
            (decision("a", literal("1"), requires=needs("b")), decision("b", literal("1"), requires=needs("a"))),
            "a",
            "“a”、“b”互相需要，或需要互相需要的",
        ),
        (
            (decision("a", literal("1")), decision("b", literal("a + 1"))),
            "b",
            "决策“b”：用到了决策“a”，图上却没有从它连过来的信息需求",
        ),
        (
            (model("f", {"n": "number"}, literal("n")), decision("d", literal("f(1)"))),
            "d",
            "决策“d”：调用了业务知识模型“f”，图上却没有从它连过来的知识需求",
        ),
        (
            (model("f", {"n": "number"}, literal("n + x")), decision("d", literal("1"))),
            "f",
            "业务知识模型“f”：“x”不是它的参数",
        ),
        (
            (model("count", {"n": "number"}, literal("n")), decision("d", literal("1"))),
            "count",
            "业务知识模型“count”与已有的函数同名",
        ),
        (
            (model("working days", {"n": "number"}, literal("n")), decision("d", literal("1"))),
            "working days",
            "业务知识模型“working days”与已有的函数同名",
        ),
        (
            (model("f", {}, literal("f()"), needs(knowledge=["f"])), decision("d", literal("1"))),
            "f",
            "“f”互相需要，或需要互相需要的",
        ),
    ],
)  # fmt: skip
def test_a_file_outside_the_subset_is_refused(parts, element, what):
    found = faults(definitions(*parts))
    assert [(fault.element, fault.what) for fault in found] == [(element, what)]
    assert found[0].line is not None


@pytest.mark.parametrize(
    ("logic", "element", "what"),
    [
        (table(ONE, OUT, [], policy="BEST"), "table", "决策“d”：命中策略“BEST”不存在"),
        (table(ONE, OUT, [], policy="FIRST", aggregation="SUM"), "table", "决策“d”：汇总方式“SUM”不能用于“FIRST”"),
        (table(ONE, OUT, [], policy="COLLECT", aggregation="AVG"), "table", "决策“d”：汇总方式“AVG”不能用于“COLLECT”"),
        (table(ONE, [], []), "table", "决策“d”没有输出列"),
        (table(ONE, [("a", ""), ("a", "")], []), "out2", "决策“d”第2个输出列“a”用了两次"),
        (table(ONE, [("a", ""), ("", "")], []), "out2", "决策“d”第2个输出列没有名称"),
        (
            table(ONE, [("a", ""), ("b", "")], [], policy="COLLECT", aggregation="SUM"),
            "table",
            "决策“d”：有几个输出列的表不能汇总",
        ),
        (table(ONE, OUT, [], policy="PRIORITY"), "table", "决策“d”：命中策略“PRIORITY”要知道输出值的先后"),
        (table(ONE, OUT, [], policy="OUTPUT ORDER"), "table", "决策“d”：命中策略“OUTPUT ORDER”要知道输出值的先后"),
        (table([("", "number")], OUT, []), "in1", "决策“d”第1个输入列是空的"),
        (table(ONE, OUT, [("-",)]), "r1", "决策“d”第1条规则有1个输入格、0个输出格，表有1个输入列、1个输出列"),
        (
            table(ONE, OUT, [("< 18", '"a"'), ("18 <", '"b"')]),
            "r2c1",
            "决策“d”第2条规则第1个输入格：第 1 行第 5 列有误，表达式没有写完",
        ),
        (table(ONE, OUT, [("< 18", "")]), "r1c2", "决策“d”第1条规则第1个输出格是空的"),
        (
            table(ONE, OUT, [("now() > ?", '"a"')]),
            "r1c1",
            "决策“d”第1条规则第1个输入格：第 1 行第 1 列有误，不支持函数“now”",
        ),
        (
            table(ONE, [("", "number", "", "1 +")], []),
            "out1",
            "决策“d”第1个输出列的默认值：第 1 行第 4 列有误，表达式没有写完",
        ),
        (
            table([("age", "number", "> ")], OUT, []),
            "in1",
            "决策“d”第1个输入列的取值：第 1 行第 2 列有误，表达式没有写完",
        ),
        (
            table(ONE, OUT, [("-", '"a"')] * (MOST_RULES + 1)),
            "table",
            f"决策“d”：有{MOST_RULES + 1}条规则、2列",
        ),
    ],
)
def test_a_table_outside_the_subset_is_refused(logic, element, what):
    data = definitions(decision("d", logic))
    found = faults(data)
    assert [(fault.element, fault.what) for fault in found] == [(element, what)]
    line = data.decode().splitlines()[(found[0].line or 0) - 1]
    assert f'id="{element}"' in line


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "不是有效的 XML"),
        (b"<definitions/>", "不是 DMN 文件，或版本不对"),
        (definitions(space="http://www.omg.org/spec/DMN/20151101/dmn.xsd"), "不是 DMN 文件，或版本不对"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><definitions>&a;</definitions>', "DOCTYPE"),
        (b"<definitions>" + b" " * 2_000_001 + b"</definitions>", "2 MB"),
    ],
)
def test_what_is_no_harmless_dmn_is_refused(data, what):
    assert what in faults(data)[0].what


def test_all_faults_of_a_file_are_told_in_the_order_of_its_lines():
    logic = table(ONE, OUT, [("< ", '"a"'), ("5", "x +"), ("-", '"b"')])
    assert [fault.element for fault in faults(definitions(decision("d", logic)))] == ["r1c1", "r2c2"]


def test_an_empty_cell_says_nothing_and_notes_of_the_drawing_are_left_alone():
    logic = table(ONE, OUT, [("", '"a"')])
    notes = '<textAnnotation id="t"><text>说明</text></textAnnotation><knowledgeSource id="k" name="办法"/>'
    read(definitions(decision("d", logic), notes), "x.dmn")
