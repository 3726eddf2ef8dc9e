"""Whether an expression is FEEL, speaks of what is there, and compares choices with what can be chosen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from portal import feel
from portal.errors import Fault
from portal.feel import Call, FeelError, syntax
from portal.procedures.checks import reading, records
from portal.procedures.checks.reading import Readable
from portal.procedures.checks.values import FLAG, LIST, Columns, Unknown
from portal.procedures.functions import FUNCTIONS
from portal.registers.rules import Register


class Vocabulary(Readable, Protocol):
    """The names that may be used at a place."""

    def asked(self, call: Call) -> Unknown | None:
        """Why a call of one of the portal's functions can have no answer, if it can have none."""

    def register(self, name: str | None) -> Register | Unknown | None:
        """The register that a constant name means."""


@dataclass(frozen=True)
class Where:
    """Where an expression is written; `title` is what it is (Chinese)."""

    title: str
    file: str
    element: str | None
    line: int | None = None

    def fault(self, what: str, mend: str) -> Fault:
        """A fault of the expression."""
        return Fault(f"{self.title}：{what}", mend, self.element, self.line, self.file)


def faults(text: str, where: Where, names: Vocabulary) -> Iterator[Fault]:
    """The faults of an expression (without its `=`)."""
    try:
        expression = feel.compile(text, FUNCTIONS)
    except FeelError as error:
        at = error.position
        yield where.fault(f"第 {at.line} 行第 {at.column} 列有误，{error.what}", error.mend)
        return
    yield from spoken(expression, where, names)


def spoken(expression: feel.Expression, where: Where, names: Vocabulary) -> Iterator[Fault]:
    """The faults of an expression that is FEEL: what it speaks of."""
    for path in sorted(expression.paths):
        found = names.value(path)
        if isinstance(found, Unknown):
            yield where.fault(found.what, found.mend)
    for call in sorted(expression.calls, key=str):
        refused = names.asked(call)
        if refused:
            yield where.fault(refused.what, refused.mend)
    node = expression.node
    for unknown in (*reading.faults(node, names), *records.faults(node, names.register), *records.unit_faults(node)):
        yield where.fault(unknown.what, unknown.mend)


def columns(text: str, names: Vocabulary) -> Columns | None:
    """The columns of the rows that an expression (without its `=`) gives; None when it is faulty, or gives no rows."""
    return reading.given(text, names).columns


def is_no_list(text: str, names: Vocabulary) -> bool:
    """Whether an expression (without its `=`) is certain to give something other than a list."""
    return not _may_be(LIST, text, names)


def condition_faults(text: str, where: Where, names: Vocabulary) -> Iterator[Fault]:
    """The faults of a condition as written: an expression, marked by `=`, that is true or false."""
    if not text.startswith("="):
        yield where.fault("条件应当以等号开头", f"写成 ={text}")
        return
    found = list(faults(text[1:], where, names))
    if not found and not _may_be(FLAG, text[1:], names):
        found = [where.fault("条件的结果不是“是”或“否”", '写成比较，如 =review.conclusion = "变更"')]
    yield from found


def _may_be(kind: str, text: str, names: Vocabulary) -> bool:
    """Whether an expression can give a value of a kind; where it cannot be told, it can. No sum is a list, or true."""
    counted = isinstance(feel.compile(text, FUNCTIONS).node, syntax.Chain | syntax.Negate)
    return not counted and reading.given(text, names).kind in (None, kind)
