"""Whether an expression is FEEL, speaks of what is there, and compares choices with what can be chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from portal import feel
from portal.errors import Fault
from portal.feel import Call, FeelError, parser, syntax
from portal.feel.builtins import BUILTINS
from portal.procedures.checks import comparisons, records, rows
from portal.procedures.checks.names import FLAG, LIST, Columns, Found, Path, Unknown, Value
from portal.procedures.functions import FUNCTIONS
from portal.registers.rules import Register

_CALLABLE: Mapping[str, bool] = {
    **dict.fromkeys(BUILTINS, False),
    **{name: signature.by_name for name, signature in FUNCTIONS.items()},
}


class Vocabulary(Protocol):
    """The names that may be used at a place."""

    def value(self, path: Path) -> Found:
        """What stands behind a path."""

    def columns(self, path: Path) -> Columns | None:
        """The columns of the table that stands behind a path; None where that cannot be told."""

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
    for unknown in (*rows.faults(node, names), *records.faults(node, names.register), *records.unit_faults(node)):
        yield where.fault(unknown.what, unknown.mend)
    for path, compared in sorted(_compared(node)):
        found = names.value(path) if path in expression.paths else None
        if isinstance(found, Value) and found.options is not None and compared not in found.options:
            mend = f"可能的值：{'、'.join(sorted(found.options))}"
            yield where.fault(f"“{'.'.join(path)}”不会是“{compared}”", mend)


def columns(text: str, names: Vocabulary) -> Columns | None:
    """The columns of the rows that an expression (without its `=`) gives; None when it is faulty, or gives no rows."""
    try:
        return rows.columns_of(parser.parse(text, _CALLABLE), names)
    except FeelError:
        return None


def is_no_list(text: str, names: Vocabulary) -> bool:
    """Whether an expression (without its `=`) is certain to give something other than a list."""
    match parser.parse(text, _CALLABLE):
        case syntax.Literal() | syntax.Negate() | syntax.Interval():
            return True
        case (syntax.Name() | syntax.Step()) as node:
            found = names.value(paths[0]) if (paths := comparisons.paths(node)) else None
            return isinstance(found, Value) and found.kind not in (None, LIST)
    return False


def condition_faults(text: str, where: Where, names: Vocabulary) -> Iterator[Fault]:
    """The faults of a condition as written: an expression, marked by `=`, that is true or false."""
    if not text.startswith("="):
        yield where.fault("条件应当以等号开头", f"写成 ={text}")
        return
    found = list(faults(text[1:], where, names))
    if not found and not _is_truth(parser.parse(text[1:], _CALLABLE), names):
        found = [where.fault("条件的结果不是“是”或“否”", '写成比较，如 =review.conclusion = "变更"')]
    yield from found


def _compared(node: syntax.Node) -> set[tuple[Path, str]]:
    """The paths that are compared with constant texts."""
    found: set[tuple[Path, str]] = set()
    waiting = [node]
    while waiting:
        here = waiting.pop()
        waiting += syntax.parts(here)
        found |= comparisons.of(here)
    return found


def _is_truth(node: syntax.Node, names: Vocabulary) -> bool:
    """Whether an expression can be true; where it cannot be told, it can."""
    match node:
        case syntax.Literal(value):
            return isinstance(value, bool)
        case syntax.Chain() | syntax.Negate() | syntax.Elements() | syntax.Entries() | syntax.Interval():
            return False
        case syntax.Name() | syntax.Step():
            found = names.value(paths[0]) if (paths := comparisons.paths(node)) else None
            return not isinstance(found, Value) or found.kind in (None, FLAG)
    return True
