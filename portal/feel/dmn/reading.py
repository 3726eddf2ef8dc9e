"""Reads a .dmn file: decisions with the tables and expressions that make them; all else is refused by name."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace

from lxml import etree

from portal.errors import ContentFaults
from portal.feel.builtins import BUILTINS
from portal.feel.dmn.decisions import Decisions
from portal.feel.dmn.declared import Declared
from portal.feel.dmn.drawn import Tables
from portal.feel.dmn.model import SINGLE, Decision, Function, Logic, Table, Text, texts
from portal.feel.dmn.page import NAMESPACES, Page, Seen
from portal.feel.dmn.types import Type
from portal.feel.expression import NO_FUNCTIONS, Signature, compile
from portal.feel.lexer import is_word
from portal.xml import local, safe_xml

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
_OF_A_FUNCTION = frozenset({"formalParameter", "description", "extensionElements"})


def read(data: bytes, file: str, functions: Mapping[str, Signature] = NO_FUNCTIONS) -> Decisions:
    """The decisions of a file, whose expressions may call `functions`; ContentFaults with line and element."""
    try:
        root = safe_xml(data, most=_NODES)
    except ContentFaults as error:
        raise ContentFaults([fault.at(file) for fault in error.faults]) from None
    page = Page(file, root, functions)
    found = _Reader(page).decisions() if _is_dmn(page) else None
    if page.faults or found is None:
        raise ContentFaults(sorted(page.faults, key=lambda fault: fault.line or 0))
    return found


def _is_dmn(page: Page) -> bool:
    """Whether a page is a .dmn file in a version that is read; what else stands on it is told."""
    space = etree.QName(page.root).namespace
    if local(page.root) != "definitions" or space not in NAMESPACES:
        versions = "、".join(NAMESPACES.values())
        page.fault(page.root, "不是 DMN 文件，或版本不对", f"用图形编辑器导出为 DMN {versions} 之一")
        return False
    for element in page.root:
        if etree.QName(element).namespace != space or local(element) in _DOCUMENTING:
            continue
        if local(element) not in ("decision", "inputData", "businessKnowledgeModel", "itemDefinition"):
            page.not_built(element)
    return True


class _Reader:
    """The decisions of one file, with what they stand on."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.declared = Declared(page)
        self.tables = Tables(page, self.declared)
        self.drawn = self._by_id("decision")
        self.known = self._by_id("businessKnowledgeModel")
        self.given = {key: self.declared.given(element) for key, element in self._by_id("inputData").items()}

    def _by_id(self, kind: str) -> dict[str, etree._Element]:
        return {element.get("id", ""): element for element in self.page.all(self.page.root, kind)}

    def decisions(self) -> Decisions | None:
        """What the file holds, as far as it can be read."""
        self.languages()
        self.unique()
        if len(self.drawn) > MOST_DECISIONS:
            what = f"文件里有{len(self.drawn)}个决策"
            self.page.fault(self.page.root, what, f"至多{MOST_DECISIONS}个，拆成几个文件")
            return None
        if not self.drawn:
            self.page.fault(self.page.root, "文件里没有决策", "画一个决策（decision），写上决策表")
        self.page.seen = self.vocabulary()
        functions = {self.page.name(element): self.function(element) for element in self.known.values()}
        decisions = {key: self.decision(element) for key, element in self.drawn.items()}
        order = self.ordered({key: decision.requires for key, decision in decisions.items()}, self.drawn)
        needed = {key: self.required(element, "requiredKnowledge", self.known) for key, element in self.known.items()}
        self.ordered(needed, self.known)
        return Decisions(
            file=self.page.file,
            decisions={key: decisions[key] for key in order},
            given={one.name: one for one in self.given.values()},
            functions=functions,
            costs={name: signature.cost for name, signature in self.page.seen.functions.items()},
        )

    def vocabulary(self) -> Seen:
        """Names stand where they are declared: input data, decisions, parameters, entries of types."""
        declaring = ("inputData", "decision", "formalParameter", "itemComponent")
        found = (" ".join(one.get("name", "").split()) for one in self.page.root.iter() if local(one) in declaring)
        functions = dict(self.page.seen.functions)
        for element in self.known.values():
            name = self.page.name(element)
            if name in BUILTINS or name in self.page.seen.functions:
                self.page.fault(element, f"业务知识模型“{name}”与已有的函数同名", "换一个名称")
            elif not all(map(is_word, name.split())):
                self.page.fault(
                    element, f"业务知识模型的名称“{name}”不能作函数名", "只用汉字、字母、数字、下划线和空格"
                )
            else:
                functions[name] = Signature(sum(1 for _ in element.iterfind(".//{*}formalParameter")), cost=5)
        return Seen(frozenset(name for name in found if name and not is_word(name)), functions)

    def unique(self) -> None:
        """Names by which expressions and people speak of things mean one thing each; ids too."""
        for what, kinds in {
            "名称": ("decision", "inputData", "businessKnowledgeModel"),
            "类型": ("itemDefinition",),
        }.items():
            seen: set[str] = set()
            for element in self.page.root:
                name = self.page.name(element) if local(element) in kinds else ""
                if name in seen and name:
                    self.page.fault(element, f"{what}“{name}”用了两次", "改成不同的名称")
                seen.add(name)
        ids: set[str] = set()
        for element in self.page.root.iter():
            key = element.get("id")
            if key in ids:
                self.page.fault(element, f"id“{key}”用了两次", "用图形编辑器重新导出文件")
            ids |= {key} if key else set()

    def languages(self) -> None:
        """Every expression is FEEL."""
        for element in self.page.root.iter():
            language = element.get("expressionLanguage")
            if language and language.lower() != "feel" and not language.endswith("/FEEL/"):
                self.page.fault(element, f"表达式语言“{language}”不支持", "改为 FEEL")

    # Decisions and functions

    def decision(self, element: etree._Element) -> Decision:
        """A decision with its logic."""
        key, name, line = element.get("id", ""), self.page.name(element), element.sourceline
        title = f"决策“{name}”"
        if not name:
            self.page.fault(element, "决策没有名称", "写上名称")
        wanted = self.declared.of_variable(element)
        logic = self.logic(element, title, wanted, _OF_A_DECISION)
        requires = self.required(element, "requiredDecision", self.drawn)
        inputs = frozenset(self.given[one].name for one in self.required(element, "requiredInput", self.given))
        beyond = self.names(self.drawn) - self.names(requires)
        for text, used in self.uses(logic):
            if used in beyond:
                what = f"{title}：用到了决策“{used}”，图上却没有从它连过来的信息需求"
                self.page.add(text, what, "从那个决策画一条信息需求（informationRequirement）")
        self.called(element, logic, title)
        return Decision(key, name, line, _answered(wanted, logic), logic or _nothing(element), requires, inputs)

    def function(self, element: etree._Element) -> Function:
        """A business knowledge model."""
        name = self.page.name(element)
        title = f"业务知识模型“{name}”"
        inner = self.page.child(element, "encapsulatedLogic")
        declared = self.page.all(inner, "formalParameter") if inner is not None else []
        parameters = tuple((self.page.name(one), self.declared.type(one.get("typeRef"), one)) for one in declared)
        wanted = self.declared.of_variable(element)
        if inner is None:
            self.page.fault(element, f"{title}没有内容", "写上参数和表达式")
        elif inner.get("kind", "FEEL") != "FEEL":
            self.page.fault(inner, f"“{inner.get('kind')}”函数不支持", "改为 FEEL")
        logic = self.logic(inner, title, wanted, _OF_A_FUNCTION) if inner is not None else None
        names = {parameter for parameter, _ in parameters}
        for text, used in self.uses(logic):
            if used not in names:
                self.page.add(text, f"{title}：“{used}”不是它的参数", "把所用的值都写成参数")
        self.called(element, logic, title)
        return Function(name, parameters, _answered(wanted, logic), logic or _nothing(element))

    def names(self, keys: Iterable[str]) -> set[str]:
        """What decisions are called."""
        return {self.page.name(self.drawn[key]) for key in keys}

    def uses(self, logic: Logic | None) -> Iterator[tuple[Text, str]]:
        """The names that logic speaks of, each with the expression where it does."""
        for text in texts(logic) if logic else ():
            for path in sorted(text.expression.paths):
                yield text, path[0]

    def called(self, element: etree._Element, logic: Logic | None, title: str) -> None:
        """A business knowledge model is called where the drawing says so."""
        joined = self.required(element, "requiredKnowledge", self.known)
        beyond = {self.page.name(one) for key, one in self.known.items() if key not in joined}
        for text in texts(logic) if logic else ():
            for call in sorted(text.expression.calls, key=str):
                if call.function in beyond:
                    what = f"{title}：调用了业务知识模型“{call.function}”，图上却没有从它连过来的知识需求"
                    self.page.add(text, what, "画一条知识需求（knowledgeRequirement）")

    def required(self, element: etree._Element, kind: str, known: Container[str]) -> frozenset[str]:
        """The ids of what an element requires of a kind."""
        found = set()
        for one in element.iterfind(f"./{{*}}*/{{*}}{kind}"):
            href = one.get("href", "")
            if href.startswith("#") and href[1:] in known:
                found.add(href[1:])
            else:
                self.page.fault(one, f"所需要的“{href}”不在文件里", "把它画在同一个文件里，或删去这条线")
        return frozenset(found)

    def ordered(self, before: Mapping[str, frozenset[str]], drawn: Mapping[str, etree._Element]) -> list[str]:
        """All, each after those that it requires; where they go round in circles, that is a fault."""
        order: list[str] = []
        waiting = list(before)
        while waiting:
            ready = [key for key in waiting if before[key] <= {*order}]
            if not ready:
                round_ = "、".join(f"“{self.page.name(drawn[key])}”" for key in waiting)
                self.page.fault(drawn[waiting[0]], f"{round_}互相需要，或需要互相需要的", "去掉一条需求线")
                return [*order, *waiting]
            order += ready
            waiting = [key for key in waiting if key not in ready]
        return order

    # Logic

    def logic(self, element: etree._Element, title: str, wanted: Type, beside: frozenset[str]) -> Logic | None:
        """How something is decided: its table, or its expression."""
        found = [one for one in element if local(one) not in beside and self.page.is_dmn(one)]
        for one in found:
            if local(one) not in ("decisionTable", "literalExpression"):
                self.page.not_built(one)
                return None
        if len(found) != 1:
            self.page.fault(
                element, f"{title}没有决策表或表达式", "写上决策表（decisionTable）或表达式（literalExpression）"
            )
            return None
        if local(found[0]) == "decisionTable":
            return self.tables.table(found[0], title, wanted)
        return self.page.text(found[0], (title, self.page.key(found[0]), found[0].sourceline))


def _answered(wanted: Type, logic: Logic | None) -> Type:
    """What a decision or function answers: a table that may hit several rules and sums up nothing gives a list."""
    several = isinstance(logic, Table) and not logic.aggregation and logic.policy not in SINGLE
    return replace(wanted, many=True) if several else wanted


def _nothing(element: etree._Element) -> Text:
    """What stands in the place of logic that cannot be read."""
    return Text(compile("null"), element.get("id"), element.sourceline)
