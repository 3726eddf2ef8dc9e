"""The types that a .dmn file declares: item definitions, and what its variables refer to."""

from __future__ import annotations

from dataclasses import replace

from lxml import etree

from portal.feel.dmn.model import Given
from portal.feel.dmn.page import Page
from portal.feel.dmn.types import ANY, BASIC, Type


class Declared:
    """The types of one file."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.items = {page.name(item): item for item in page.all(page.root, "itemDefinition")}
        self._open: list[str] = []

    def type(self, name: str | None, at: etree._Element) -> Type:
        """What a `typeRef` means."""
        name = (name or "").strip()
        if name in self.items:
            return self.item(self.items[name])
        if name in BASIC or not name:
            return Type(BASIC[name]) if name else ANY
        known = "、".join([*BASIC, *self.items])
        self.page.fault(at, f"没有名为“{name}”的类型", f"可用：{known}")
        return ANY

    def item(self, element: etree._Element) -> Type:
        """What an item definition, or one of its components, declares."""
        name = self.page.name(element)
        if name in self._open:
            self.page.fault(element, f"类型“{name}”以自己定义", "改为基本类型")
            return ANY
        for unknown in ("functionItem",):
            for one in self.page.all(element, unknown):
                self.page.not_built(one)
        self._open.append(name)
        parts = self.page.all(element, "itemComponent")
        referred = self.page.child(element, "typeRef")
        found = self.type(referred.text if referred is not None else None, element)
        if parts:
            found = Type("context", entries={self.page.name(part): self.item(part) for part in parts})
        self._open.pop()
        allowed = self.page.child(element, "allowedValues")
        constraint = self.page.child(element, "typeConstraint")
        many = element.get("isCollection") == "true"
        if constraint is not None and many:
            self.page.fault(constraint, "对整个列表的约束（typeConstraint）不支持", "写 allowedValues，它约束每一项")
        written = allowed if allowed is not None else constraint
        if written is not None:
            where = (f"类型“{name}”允许的值", None, written.sourceline)
            if tests := self.page.tests(written, where):
                found = replace(found, allowed=tests.expression)
        return replace(found, many=True) if many else found

    def given(self, element: etree._Element) -> Given:
        """Input data."""
        return Given(element.get("id", ""), self.page.name(element), element.sourceline, self.of_variable(element))

    def of_variable(self, element: etree._Element) -> Type:
        """The type of what the variable of an element holds."""
        variable = self.page.child(element, "variable")
        return self.type(variable.get("typeRef"), variable) if variable is not None else ANY
