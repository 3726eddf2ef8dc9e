"""The decision tables that a .dmn file draws: their columns, their rules, and what a hit policy asks of them."""

from __future__ import annotations

from typing import cast, get_args

from lxml import etree

from portal.feel.dmn.cells import constants
from portal.feel.dmn.declared import Declared
from portal.feel.dmn.model import Aggregation, Input, Output, Policy, Rule, Table, Text
from portal.feel.dmn.page import Page
from portal.feel.dmn.types import ANY, Type
from portal.xml import local

MOST_RULES = 2_000
MOST_COLUMNS = 50
_OF_A_TABLE = frozenset({"description", "extensionElements", "input", "output", "annotation", "rule"})


class Tables:
    """The tables of one file."""

    def __init__(self, page: Page, declared: Declared) -> None:
        self.page, self.declared = page, declared

    def table(self, element: etree._Element, title: str, wanted: Type) -> Table | None:
        """A decision table; its columns before its rules."""
        policy = element.get("hitPolicy", "UNIQUE")
        aggregation = element.get("aggregation")
        if policy not in get_args(Policy):
            self.page.fault(element, f"{title}：命中策略“{policy}”不存在", f"可用：{'、'.join(get_args(Policy))}")
            return None
        if aggregation and (policy != "COLLECT" or aggregation not in get_args(Aggregation)):
            self.page.fault(element, f"{title}：汇总方式“{aggregation}”不能用于“{policy}”", "只有 COLLECT 可以汇总")
            return None
        for one in element:
            if self.page.is_dmn(one) and local(one) not in _OF_A_TABLE:
                self.page.not_built(one)
        rows, columns = self.page.all(element, "rule"), self.page.all(element, "input")
        answers = self.page.all(element, "output")
        if len(rows) > MOST_RULES or len(columns) + len(answers) > MOST_COLUMNS:
            what = f"{title}：有{len(rows)}条规则、{len(columns) + len(answers)}列"
            self.page.fault(element, what, f"至多{MOST_RULES}条规则、{MOST_COLUMNS}列，拆成几张表")
            return None
        inputs = [self.column(one, title, place) for place, one in enumerate(columns, 1)]
        outputs = self.answers(element, answers, title, wanted)
        notes = [
            one.get("name") or f"annotation {place}"
            for place, one in enumerate(self.page.all(element, "annotation"), 1)
        ]
        rules = [self.rule(one, title, number, len(columns), len(outputs), notes) for number, one in enumerate(rows, 1)]
        if any(column is None for column in inputs) or any(rule is None for rule in rules) or not outputs:
            return None
        table = Table(
            id=element.get("id"),
            line=element.sourceline,
            policy=cast(Policy, policy),
            aggregation=cast("Aggregation | None", aggregation),
            inputs=tuple(column for column in inputs if column),
            outputs=tuple(outputs),
            rules=tuple(rule for rule in rules if rule),
        )
        self.policy(table, element, title)
        return table

    def policy(self, table: Table, element: etree._Element, title: str) -> None:
        """What a hit policy asks of the columns."""
        if table.aggregation and len(table.outputs) > 1:
            self.page.fault(element, f"{title}：有几个输出列的表不能汇总", "只留一个输出列")
        if table.policy in ("PRIORITY", "OUTPUT ORDER") and not any(column.order for column in table.outputs):
            what = f"{title}：命中策略“{table.policy}”要知道输出值的先后"
            self.page.fault(element, what, "在输出列的 outputValues 里按先后列出各值")

    def column(self, element: etree._Element, title: str, place: int) -> Input | None:
        """An input column."""
        title = f"{title}第{place}个输入列"
        inner = self.page.child(element, "inputExpression")
        key = element.get("id")
        if inner is None:
            self.page.fault(element, f"{title}没有表达式", "写上 inputExpression")
            return None
        asked = self.page.text(inner, (title, key, inner.sourceline))
        if asked is None:
            return None
        declared = self.declared.type(inner.get("typeRef"), inner)
        if declared == ANY and not inner.get("typeRef"):
            declared = self.type_of(asked)
        values = self.page.child(element, "inputValues")
        allowed = self.page.tests(values, (f"{title}的取值", key, values.sourceline)) if values is not None else None
        return Input(element.get("label") or asked.expression.text, asked, declared, allowed)

    def type_of(self, asked: Text) -> Type:
        """The type of input data that a column asks for by its name alone."""
        for one in self.page.all(self.page.root, "inputData"):
            if asked.expression.paths == {(self.page.name(one),)} and self.page.name(one) == " ".join(
                asked.expression.text.split()
            ):
                return self.declared.of_variable(one)
        return ANY

    def answers(self, table: etree._Element, elements: list[etree._Element], title: str, wanted: Type) -> list[Output]:
        """The output columns."""
        if not elements:
            self.page.fault(table, f"{title}没有输出列", "加上输出列")
        found: list[Output] = []
        for place, element in enumerate(elements, 1):
            name = self.page.name(element)
            if len(elements) > 1 and (not name or name in [one.name for one in found]):
                what = f"“{name}”用了两次" if name else "没有名称"
                self.page.fault(element, f"{title}第{place}个输出列{what}", "几个输出列要有各自的名称（name）")
            found.append(
                self.answer(element, f"{title}第{place}个输出列", self.answered(element, len(elements), wanted))
            )
        return found

    def answered(self, element: etree._Element, count: int, wanted: Type) -> Type:
        """The type of an output column: its own, else what the type of the decision says of it."""
        if element.get("typeRef"):
            return (
                self.declared.type(element.get("typeRef"), element).one
                if count == 1
                else self.declared.type(element.get("typeRef"), element)
            )
        if count == 1:
            return wanted.one
        return (wanted.entries or {}).get(self.page.name(element), ANY)

    def answer(self, element: etree._Element, title: str, declared: Type) -> Output:
        """An output column, with what it says when no rule hits."""
        key = element.get("id")
        values, default = self.page.child(element, "outputValues"), self.page.child(element, "defaultOutputEntry")
        allowed = self.page.tests(values, (f"{title}的取值", key, values.sourceline)) if values is not None else None
        ordered = allowed.expression if allowed else declared.allowed
        said = self.page.text(default, (f"{title}的默认值", key, default.sourceline)) if default is not None else None
        name = self.page.name(element)
        return Output(
            name=name,
            label=element.get("label") or name,
            type=declared,
            values=allowed,
            order=constants(ordered.node) or () if ordered else (),
            default=said,
        )

    def rule(
        self, element: etree._Element, title: str, number: int, inputs: int, outputs: int, notes: list[str]
    ) -> Rule | None:
        """A row of a table."""
        title = f"{title}第{number}条规则"
        asked, given = self.page.all(element, "inputEntry"), self.page.all(element, "outputEntry")
        if len(asked) != inputs or len(given) != outputs:
            what = f"{title}有{len(asked)}个输入格、{len(given)}个输出格，表有{inputs}个输入列、{outputs}个输出列"
            self.page.fault(element, what, "用图形编辑器补齐各格")
            return None
        tests = [
            self.page.tests(one, (f"{title}第{place}个输入格", one.get("id"), one.sourceline))
            for place, one in enumerate(asked, 1)
        ]
        answers = [
            self.page.text(one, (f"{title}第{place}个输出格", one.get("id"), one.sourceline))
            for place, one in enumerate(given, 1)
        ]
        written = [self.page.words(one) for one in self.page.all(element, "annotationEntry")]
        said = {name: text for name, text in zip(notes, written, strict=False) if text}
        description = self.page.child(element, "description")
        if description is not None and description.text and description.text.strip():
            said["description"] = description.text.strip()
        if any(one is None for one in (*tests, *answers)):
            return None
        return Rule(
            id=element.get("id") or f"rule {number}",
            number=number,
            tests=tuple(one for one in tests if one),
            outputs=tuple(one for one in answers if one),
            notes=said,
            line=element.sourceline,
        )
