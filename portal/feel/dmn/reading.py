"""Reads a .dmn file: decisions with the tables and expressions that make them; all else is refused by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import cast, get_args

from lxml import etree

from portal.errors import ContentFaults, Fault
from portal.feel.builtins import BUILTINS
from portal.feel.dmn.cells import constants
from portal.feel.dmn.decisions import Decisions
from portal.feel.dmn.model import (
    SINGLE,
    Aggregation,
    Decision,
    Function,
    Given,
    Input,
    Logic,
    Output,
    Policy,
    Rule,
    Table,
    Text,
    texts,
)
from portal.feel.dmn.types import ANY, BASIC, Type
from portal.feel.errors import FeelError
from portal.feel.expression import NO_FUNCTIONS, Expression, Signature, compile, compile_tests
from portal.feel.lexer import is_word
from portal.xml import local, safe_xml

NAMESPACES = {
    "https://www.omg.org/spec/DMN/20191111/MODEL/": "1.3",
    "https://www.omg.org/spec/DMN/20211108/MODEL/": "1.4",
    "https://www.omg.org/spec/DMN/20230324/MODEL/": "1.5",
}
MOST_RULES = 2_000
MOST_COLUMNS = 50
MOST_DECISIONS = 50
# A rule has an element for each cell, and one for its text.
_NODES = 400_000

_DOCUMENTING = frozenset(
    (
        *("description", "extensionElements", "textAnnotation", "association", "group", "knowledgeSource"),
        *("elementCollection", "performanceIndicator", "organizationUnit"),
    )
)
_OF_A_DECISION = frozenset(
    (
        *("description", "extensionElements", "question", "allowedAnswers", "variable", "authorityRequirement"),
        *("informationRequirement", "knowledgeRequirement", "supportedObjective", "impactedPerformanceIndicator"),
        *("decisionMaker", "decisionOwner", "usingProcess", "usingTask"),
    )
)
_OF_A_TABLE = frozenset({"description", "extensionElements", "input", "output", "annotation", "rule"})
# What the standard knows beside tables and literal expressions, with what to draw in its place.
_NOT_BUILT = {
    "import": "把所用的决策写在同一个文件里",
    "decisionService": "直接引用其中的决策",
    "context": "拆成几个决策，用信息需求连起来",
    "invocation": "在表达式里直接调用：名称(参数)",
    "functionDefinition": "用业务知识模型（businessKnowledgeModel）",
    "relation": "用决策表",
    "list": "在表达式里写 [a, b]",
    "conditional": "在表达式里写 if … then … else …",
    "filter": "在表达式里写 列表[条件]",
    "for": "在表达式里写 for … return …",
    "some": "在表达式里写 some … satisfies …",
    "every": "在表达式里写 every … satisfies …",
    "functionItem": "用业务知识模型（businessKnowledgeModel）",
}
_PLAIN = "用决策表或表达式（literalExpression）"

Where = tuple[str, str | None, int | None]
"""What something is in the analyst's words, the id of its element, its line."""


def read(data: bytes, file: str, functions: Mapping[str, Signature] = NO_FUNCTIONS) -> Decisions:
    """The decisions of a file, whose expressions may call `functions`; ContentFaults with line and element."""
    reader = _Reader(file, functions)
    try:
        root = safe_xml(data, most=_NODES)
    except ContentFaults as error:
        raise ContentFaults([fault.at(file) for fault in error.faults]) from None
    found = reader.definitions(root)
    if reader.faults or found is None:
        raise ContentFaults(sorted(reader.faults, key=lambda fault: fault.line or 0))
    return found


@dataclass(frozen=True)
class _Seen:
    """What the expressions of a file may speak of: names that are no single words, and functions."""

    names: frozenset[str]
    functions: Mapping[str, Signature]


class _Reader:
    def __init__(self, file: str, functions: Mapping[str, Signature]) -> None:
        self.file, self.functions = file, functions
        self.faults: list[Fault] = []
        self.root: etree._Element = None
        self.items: dict[str, etree._Element] = {}
        self.seen = _Seen(frozenset(), functions)
        self._open: list[str] = []
        self._read: dict[tuple[str, bool], Expression | FeelError] = {}

    # The file

    def definitions(self, root: etree._Element) -> Decisions | None:
        """What the file holds, as far as it can be read."""
        self.root = root
        space = etree.QName(root).namespace
        if local(root) != "definitions" or space not in NAMESPACES:
            versions = "、".join(NAMESPACES.values())
            self.fault(root, "不是 DMN 文件，或版本不对", f"用图形编辑器导出为 DMN {versions} 之一")
            return None
        for element in root:
            if etree.QName(element).namespace != space or local(element) in _DOCUMENTING:
                continue
            if local(element) not in ("decision", "inputData", "businessKnowledgeModel", "itemDefinition"):
                self.not_built(element)
        self.languages()
        self.items = {self.name(item): item for item in self.all(root, "itemDefinition")}
        given = {element.get("id", ""): self.given(element) for element in self.all(root, "inputData")}
        drawn = {element.get("id", ""): element for element in self.all(root, "decision")}
        known = {element.get("id", ""): element for element in self.all(root, "businessKnowledgeModel")}
        self.unique(root)
        if len(drawn) > MOST_DECISIONS:
            self.fault(root, f"文件里有{len(drawn)}个决策", f"至多{MOST_DECISIONS}个，拆成几个文件")
            return None
        if not drawn:
            self.fault(root, "文件里没有决策", "画一个决策（decision），写上决策表")
        self.seen = self.vocabulary(known)
        functions = {self.name(element): self.function(element, known) for element in known.values()}
        decisions = {key: self.decision(element, drawn, given, known) for key, element in drawn.items()}
        before = {key: decision.requires for key, decision in decisions.items()}
        named = {key: self.name(element) for key, element in drawn.items()}
        order = self.ordered(before, named, drawn)
        needed = {key: frozenset(self.required(element, "requiredKnowledge", known)) for key, element in known.items()}
        self.ordered(needed, {key: self.name(element) for key, element in known.items()}, known)
        return Decisions(
            file=self.file,
            decisions={key: decisions[key] for key in order},
            given={one.name: one for one in given.values()},
            functions=functions,
            costs={name: signature.cost for name, signature in self.seen.functions.items()},
        )

    def vocabulary(self, known: Mapping[str, etree._Element]) -> _Seen:
        """Names stand where they are declared: input data, decisions, parameters, entries of types."""
        declaring = ("inputData", "decision", "formalParameter", "itemComponent")
        found = (" ".join(one.get("name", "").split()) for one in self.root.iter() if local(one) in declaring)
        functions = dict(self.functions)
        for element in known.values():
            name = self.name(element)
            if name in BUILTINS or name in self.functions:
                self.fault(element, f"业务知识模型“{name}”与已有的函数同名", "换一个名称")
            elif not all(map(is_word, name.split())):
                self.fault(element, f"业务知识模型的名称“{name}”不能作函数名", "只用汉字、字母、数字、下划线和空格")
            else:
                functions[name] = Signature(sum(1 for _ in element.iterfind(".//{*}formalParameter")), cost=5)
        return _Seen(frozenset(name for name in found if name and not is_word(name)), functions)

    def unique(self, root: etree._Element) -> None:
        """Names by which expressions and people speak of things mean one thing each; ids too."""
        for what, kinds in {
            "名称": ("decision", "inputData", "businessKnowledgeModel"),
            "类型": ("itemDefinition",),
        }.items():
            seen: set[str] = set()
            for element in root:
                name = self.name(element) if local(element) in kinds else ""
                if name in seen and name:
                    self.fault(element, f"{what}“{name}”用了两次", "改成不同的名称")
                seen.add(name)
        ids: set[str] = set()
        for element in root.iter():
            key = element.get("id")
            if key in ids:
                self.fault(element, f"id“{key}”用了两次", "用图形编辑器重新导出文件")
            ids |= {key} if key else set()

    def languages(self) -> None:
        """Every expression is FEEL."""
        for element in self.root.iter():
            language = element.get("expressionLanguage")
            if language and language.lower() != "feel" and not language.endswith("/FEEL/"):
                self.fault(element, f"表达式语言“{language}”不支持", "改为 FEEL")

    # Types

    def type(self, name: str | None, at: etree._Element) -> Type:
        """What a `typeRef` means."""
        name = (name or "").strip()
        if name in self.items:
            return self.item(self.items[name])
        if name in BASIC or not name:
            return Type(BASIC[name]) if name else ANY
        known = "、".join([*BASIC, *self.items])
        self.fault(at, f"没有名为“{name}”的类型", f"可用：{known}")
        return ANY

    def item(self, element: etree._Element) -> Type:
        """What an item definition, or one of its components, declares."""
        name = self.name(element)
        if name in self._open:
            self.fault(element, f"类型“{name}”以自己定义", "改为基本类型")
            return ANY
        for unknown in ("functionItem",):
            for one in self.all(element, unknown):
                self.not_built(one)
        self._open.append(name)
        parts = self.all(element, "itemComponent")
        referred = self.child(element, "typeRef")
        found = self.type(referred.text if referred is not None else None, element)
        if parts:
            found = Type("context", entries={self.name(part): self.item(part) for part in parts})
        self._open.pop()
        allowed = self.child(element, "allowedValues")
        constraint = self.child(element, "typeConstraint")
        many = element.get("isCollection") == "true"
        if constraint is not None and many:
            self.fault(constraint, "对整个列表的约束（typeConstraint）不支持", "写 allowedValues，它约束每一项")
        written = allowed if allowed is not None else constraint
        if written is not None and (tests := self.tests(written, (f"类型“{name}”允许的值", None, written.sourceline))):
            found = replace(found, allowed=tests.expression)
        return replace(found, many=True) if many else found

    def given(self, element: etree._Element) -> Given:
        """Input data."""
        return Given(element.get("id", ""), self.name(element), element.sourceline, self.of_variable(element))

    def of_variable(self, element: etree._Element) -> Type:
        variable = self.child(element, "variable")
        return self.type(variable.get("typeRef"), variable) if variable is not None else ANY

    # Decisions and functions

    def decision(
        self,
        element: etree._Element,
        drawn: Mapping[str, etree._Element],
        given: Mapping[str, Given],
        known: Mapping[str, etree._Element],
    ) -> Decision:
        """A decision with its logic."""
        name = self.name(element)
        if not name:
            self.fault(element, "决策没有名称", "写上名称")
        wanted = self.of_variable(element)
        logic = self.logic(element, f"决策“{name}”", wanted, _OF_A_DECISION)
        requires = frozenset(self.required(element, "requiredDecision", drawn))
        inputs = frozenset(given[key].name for key in self.required(element, "requiredInput", given))
        called = {self.name(known[key]) for key in self.required(element, "requiredKnowledge", known)}
        available = {self.name(drawn[key]) for key in requires}
        for text in texts(logic) if logic else ():
            for path in sorted(text.expression.paths):
                if path[0] in {self.name(one) for one in drawn.values()} - available:
                    what = f"用到了决策“{path[0]}”，图上却没有从它连过来的信息需求"
                    self.add(text, f"决策“{name}”：{what}", "从那个决策画一条信息需求（informationRequirement）")
            self.required_calls(text, f"决策“{name}”", called, known)
        if isinstance(logic, Table) and not logic.aggregation and logic.policy not in SINGLE:
            wanted = replace(wanted, many=True)
        nothing = Text(self.nothing(), element.get("id"), element.sourceline)
        return Decision(element.get("id", ""), name, element.sourceline, wanted, logic or nothing, requires, inputs)

    def required_calls(self, text: Text, title: str, called: set[str], known: Mapping[str, etree._Element]) -> None:
        """A business knowledge model is called where the drawing says so."""
        models = {self.name(one) for one in known.values()}
        for call in sorted(text.expression.calls, key=str):
            if call.function in models - called:
                what = f"调用了业务知识模型“{call.function}”，图上却没有从它连过来的知识需求"
                self.add(text, f"{title}：{what}", "画一条知识需求（knowledgeRequirement）")

    def function(self, element: etree._Element, known: Mapping[str, etree._Element]) -> Function:
        """A business knowledge model."""
        name = self.name(element)
        inner = self.child(element, "encapsulatedLogic")
        declared = self.all(inner, "formalParameter") if inner is not None else []
        parameters = tuple((self.name(one), self.type(one.get("typeRef"), one)) for one in declared)
        wanted = self.of_variable(element)
        if inner is not None and inner.get("kind", "FEEL") != "FEEL":
            self.fault(inner, f"“{inner.get('kind')}”函数不支持", "改为 FEEL")
        title = f"业务知识模型“{name}”"
        ignored = frozenset({"formalParameter", "description", "extensionElements"})
        logic = self.logic(inner, title, wanted, ignored) if inner is not None else None
        if inner is None:
            self.fault(element, f"{title}没有内容", "写上参数和表达式")
        names = {parameter for parameter, _ in parameters}
        called = {self.name(known[key]) for key in self.required(element, "requiredKnowledge", known)}
        for text in texts(logic) if logic else ():
            for path in sorted(text.expression.paths):
                if path[0] not in names:
                    self.add(text, f"{title}：“{path[0]}”不是它的参数", "把所用的值都写成参数")
            self.required_calls(text, title, called, known)
        if isinstance(logic, Table) and not logic.aggregation and logic.policy not in SINGLE:
            wanted = replace(wanted, many=True)
        nothing = Text(self.nothing(), element.get("id"), element.sourceline)
        return Function(name, parameters, wanted, logic or nothing)

    def nothing(self) -> Expression:
        return compile("null")

    def required(self, element: etree._Element, kind: str, known: Mapping[str, object]) -> Iterator[str]:
        """The ids of what an element requires of a kind."""
        for one in element.iterfind(f"./{{*}}*/{{*}}{kind}"):
            href = one.get("href", "")
            if href.startswith("#") and href[1:] in known:
                yield href[1:]
            else:
                self.fault(one, f"所需要的“{href}”不在文件里", "把它画在同一个文件里，或删去这条线")

    def ordered(
        self, before: Mapping[str, frozenset[str]], named: Mapping[str, str], drawn: Mapping[str, etree._Element]
    ) -> list[str]:
        """All, each after those that it requires; where they go round in circles, that is a fault."""
        order: list[str] = []
        waiting = list(before)
        while waiting:
            ready = [key for key in waiting if before[key] <= {*order}]
            if not ready:
                round_ = "、".join(f"“{named[key]}”" for key in waiting)
                self.fault(drawn[waiting[0]], f"{round_}互相需要，或需要互相需要的", "去掉一条需求线")
                return [*order, *waiting]
            order += ready
            waiting = [key for key in waiting if key not in ready]
        return order

    # Logic

    def logic(self, element: etree._Element, title: str, wanted: Type, beside: frozenset[str]) -> Logic | None:
        """How something is decided: its table, or its expression."""
        found = [one for one in element if local(one) not in beside and self.is_dmn(one)]
        for one in found:
            if local(one) not in ("decisionTable", "literalExpression"):
                self.not_built(one)
                return None
        if len(found) != 1:
            self.fault(
                element, f"{title}没有决策表或表达式", "写上决策表（decisionTable）或表达式（literalExpression）"
            )
            return None
        if local(found[0]) == "decisionTable":
            return self.table(found[0], title, wanted)
        return self.text(found[0], (title, self.key(found[0]), found[0].sourceline))

    def table(self, element: etree._Element, title: str, wanted: Type) -> Table | None:
        """A decision table; its columns before its rules."""
        policy = element.get("hitPolicy", "UNIQUE")
        aggregation = element.get("aggregation")
        if policy not in get_args(Policy):
            self.fault(element, f"{title}：命中策略“{policy}”不存在", f"可用：{'、'.join(get_args(Policy))}")
            return None
        if aggregation and (policy != "COLLECT" or aggregation not in get_args(Aggregation)):
            self.fault(element, f"{title}：汇总方式“{aggregation}”不能用于“{policy}”", "只有 COLLECT 可以汇总")
            return None
        for one in element:
            if self.is_dmn(one) and local(one) not in _OF_A_TABLE:
                self.not_built(one)
        rows, columns = self.all(element, "rule"), self.all(element, "input")
        answers = self.all(element, "output")
        if len(rows) > MOST_RULES or len(columns) + len(answers) > MOST_COLUMNS:
            what = f"{title}：有{len(rows)}条规则、{len(columns) + len(answers)}列"
            self.fault(element, what, f"至多{MOST_RULES}条规则、{MOST_COLUMNS}列，拆成几张表")
            return None
        inputs = [self.column(one, title, place) for place, one in enumerate(columns, 1)]
        outputs = self.answers(element, answers, title, wanted)
        notes = [
            one.get("name") or f"annotation {place}" for place, one in enumerate(self.all(element, "annotation"), 1)
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
            self.fault(element, f"{title}：有几个输出列的表不能汇总", "只留一个输出列")
        if table.policy in ("PRIORITY", "OUTPUT ORDER") and not any(column.order for column in table.outputs):
            what = f"{title}：命中策略“{table.policy}”要知道输出值的先后"
            self.fault(element, what, "在输出列的 outputValues 里按先后列出各值")

    def column(self, element: etree._Element, title: str, place: int) -> Input | None:
        """An input column."""
        title = f"{title}第{place}个输入列"
        inner = self.child(element, "inputExpression")
        key = element.get("id")
        if inner is None:
            self.fault(element, f"{title}没有表达式", "写上 inputExpression")
            return None
        asked = self.text(inner, (title, key, inner.sourceline))
        if asked is None:
            return None
        declared = self.type(inner.get("typeRef"), inner)
        if declared == ANY and not inner.get("typeRef"):
            declared = self.type_of(asked)
        values = self.child(element, "inputValues")
        allowed = self.tests(values, (f"{title}的取值", key, values.sourceline)) if values is not None else None
        return Input(element.get("label") or asked.expression.text, asked, declared, allowed)

    def type_of(self, asked: Text) -> Type:
        """The type of input data that a column asks for by its name alone."""
        for one in self.all(self.root, "inputData"):
            if asked.expression.paths == {(self.name(one),)} and self.name(one) == " ".join(
                asked.expression.text.split()
            ):
                return self.of_variable(one)
        return ANY

    def answers(self, table: etree._Element, elements: list[etree._Element], title: str, wanted: Type) -> list[Output]:
        """The output columns."""
        if not elements:
            self.fault(table, f"{title}没有输出列", "加上输出列")
        found: list[Output] = []
        for place, element in enumerate(elements, 1):
            name = self.name(element)
            if len(elements) > 1 and (not name or name in [one.name for one in found]):
                what = f"“{name}”用了两次" if name else "没有名称"
                self.fault(element, f"{title}第{place}个输出列{what}", "几个输出列要有各自的名称（name）")
            found.append(
                self.answer(element, f"{title}第{place}个输出列", self.answered(element, len(elements), wanted))
            )
        return found

    def answered(self, element: etree._Element, count: int, wanted: Type) -> Type:
        """The type of an output column: its own, else what the type of the decision says of it."""
        if element.get("typeRef"):
            return (
                self.type(element.get("typeRef"), element).one
                if count == 1
                else self.type(element.get("typeRef"), element)
            )
        if count == 1:
            return wanted.one
        return (wanted.entries or {}).get(self.name(element), ANY)

    def answer(self, element: etree._Element, title: str, declared: Type) -> Output:
        key = element.get("id")
        values, default = self.child(element, "outputValues"), self.child(element, "defaultOutputEntry")
        allowed = self.tests(values, (f"{title}的取值", key, values.sourceline)) if values is not None else None
        ordered = allowed.expression if allowed else declared.allowed
        name = self.name(element)
        return Output(
            name=name,
            label=element.get("label") or name,
            type=declared,
            values=allowed,
            order=constants(ordered.node) or () if ordered else (),
            default=self.text(default, (f"{title}的默认值", key, default.sourceline)) if default is not None else None,
        )

    def rule(
        self, element: etree._Element, title: str, number: int, inputs: int, outputs: int, notes: list[str]
    ) -> Rule | None:
        """A row of a table."""
        title = f"{title}第{number}条规则"
        asked, given = self.all(element, "inputEntry"), self.all(element, "outputEntry")
        if len(asked) != inputs or len(given) != outputs:
            what = f"{title}有{len(asked)}个输入格、{len(given)}个输出格，表有{inputs}个输入列、{outputs}个输出列"
            self.fault(element, what, "用图形编辑器补齐各格")
            return None
        tests = [
            self.tests(one, (f"{title}第{place}个输入格", one.get("id"), one.sourceline))
            for place, one in enumerate(asked, 1)
        ]
        answers = [
            self.text(one, (f"{title}第{place}个输出格", one.get("id"), one.sourceline))
            for place, one in enumerate(given, 1)
        ]
        written = [self.words(one) for one in self.all(element, "annotationEntry")]
        said = {name: text for name, text in zip(notes, written, strict=False) if text}
        description = self.child(element, "description")
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

    # Expressions

    def text(self, element: etree._Element, where: Where) -> Text | None:
        """The expression that stands in an element."""
        written = self.words(element)
        if not written:
            mend = "写上表达式；没有值时写 null"
            self.faults.append(Fault(f"{where[0]}是空的", mend, where[1], where[2], self.file))
            return None
        return self.compiled(written, where, unary=False)

    def tests(self, element: etree._Element, where: Where) -> Text | None:
        """The unary tests that stand in an element; an empty cell says the same as `-`."""
        return self.compiled(self.words(element) or "-", where, unary=True)

    def words(self, element: etree._Element) -> str:
        inner = self.child(element, "text")
        return (inner.text or "").strip() if inner is not None else ""

    def compiled(self, written: str, where: Where, *, unary: bool) -> Text | None:
        key = (written, unary)
        if key not in self._read:
            make: Callable[..., Expression] = compile_tests if unary else compile
            try:
                self._read[key] = make(written, self.seen.functions, self.seen.names)
            except FeelError as error:
                self._read[key] = error
        found = self._read[key]
        title, element, line = where
        if isinstance(found, FeelError):
            at = found.position
            what = f"{title}：第 {at.line} 行第 {at.column} 列有误，{found.what}"
            self.faults.append(Fault(what, found.mend, element, line, self.file))
            return None
        return Text(found, element, line)

    # Elements

    def is_dmn(self, element: etree._Element) -> bool:
        return etree.QName(element).namespace in NAMESPACES

    def all(self, element: etree._Element, name: str) -> list[etree._Element]:
        return [one for one in element if local(one) == name and self.is_dmn(one)]

    def child(self, element: etree._Element, name: str) -> etree._Element | None:
        return next(iter(self.all(element, name)), None)

    def name(self, element: etree._Element) -> str:
        return " ".join(element.get("name", "").split())

    def key(self, element: etree._Element) -> str | None:
        """What an editor finds an element by: its id, its name, or those of what it stands in."""
        while element is not None:
            if key := element.get("id") or element.get("name"):
                return str(key)
            element = element.getparent()
        return None

    def not_built(self, element: etree._Element) -> None:
        name = local(element)
        self.fault(element, f"不支持“{name}”", _NOT_BUILT.get(name, _PLAIN))

    def add(self, text: Text, what: str, mend: str) -> None:
        self.faults.append(Fault(what, mend, text.element, text.line, self.file))

    def fault(self, element: etree._Element, what: str, mend: str) -> None:
        self.faults.append(Fault(what, mend, self.key(element), element.sourceline, self.file))
