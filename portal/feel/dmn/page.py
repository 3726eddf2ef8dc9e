"""A .dmn file as a page of XML: its elements by name, the expressions in them, and the faults found on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lxml import etree

from portal.errors import Fault
from portal.feel.dmn.model import Text
from portal.feel.errors import FeelError
from portal.feel.expression import Expression, Signature, compile, compile_tests
from portal.xml import local

NAMESPACES = {
    "https://www.omg.org/spec/DMN/20191111/MODEL/": "1.3",
    "https://www.omg.org/spec/DMN/20211108/MODEL/": "1.4",
    "https://www.omg.org/spec/DMN/20230324/MODEL/": "1.5",
}
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


@dataclass(frozen=True)
class Seen:
    """What the expressions of a file may speak of: names that are no single words, and functions."""

    names: frozenset[str]
    functions: Mapping[str, Signature]


class Page:
    """One file while it is read."""

    def __init__(self, file: str, root: etree._Element, functions: Mapping[str, Signature]) -> None:
        self.file, self.root = file, root
        self.faults: list[Fault] = []
        self.seen = Seen(frozenset(), functions)
        self._read: dict[tuple[str, bool], Expression | FeelError] = {}

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
        """What is written in an element."""
        inner = self.child(element, "text")
        return (inner.text or "").strip() if inner is not None else ""

    def compiled(self, written: str, where: Where, *, unary: bool) -> Text | None:
        """An expression, or unary tests, read once; None when it cannot be, which is told."""
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
        """Whether an element is of DMN, not of an editor's own."""
        return etree.QName(element).namespace in NAMESPACES

    def all(self, element: etree._Element, name: str) -> list[etree._Element]:
        """The children of an element that have a name."""
        return [one for one in element if local(one) == name and self.is_dmn(one)]

    def child(self, element: etree._Element, name: str) -> etree._Element | None:
        """The first child of an element that has a name."""
        return next(iter(self.all(element, name)), None)

    def name(self, element: etree._Element) -> str:
        """What an element is called."""
        return " ".join(element.get("name", "").split())

    def key(self, element: etree._Element) -> str | None:
        """What an editor finds an element by: its id, its name, or those of what it stands in."""
        while element is not None:
            if key := element.get("id") or element.get("name"):
                return str(key)
            element = element.getparent()
        return None

    def not_built(self, element: etree._Element) -> None:
        """Tells that an element is outside the subset, and what to draw in its place."""
        name = local(element)
        self.fault(element, f"不支持“{name}”", _NOT_BUILT.get(name, _PLAIN))

    def add(self, text: Text, what: str, mend: str) -> None:
        """Tells a fault of an expression."""
        self.faults.append(Fault(what, mend, text.element, text.line, self.file))

    def fault(self, element: etree._Element, what: str, mend: str) -> None:
        """Tells a fault of an element."""
        self.faults.append(Fault(what, mend, self.key(element), element.sourceline, self.file))
