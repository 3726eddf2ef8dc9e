"""What the expression language complains about: a refused text, a passed limit, a scope it cannot read."""

from __future__ import annotations

from typing import NamedTuple

from portal.errors import PortalError


class Position(NamedTuple):
    """A place in an expression's text; both counted from 1."""

    line: int
    column: int

    @classmethod
    def of(cls, text: str, offset: int) -> Position:
        """The place of a character given by its offset from 0."""
        return cls(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


class FeelError(PortalError):
    """A text is not an expression of the subset: its position, what is wrong, how to mend it (Chinese)."""

    zh = "表达式有误（第{line}行第{column}列）：{what}。{mend}。"
    en = "The expression is refused at line {line}, column {column}: {what} ({mend})"

    def __init__(self, position: Position, what: str, mend: str) -> None:
        self.position = position
        self.what = what
        self.mend = mend
        PortalError.__init__(self, line=position.line, column=position.column, what=what, mend=mend)


class FeelLimit(PortalError):
    """An evaluation wants more than its budget of steps, depth, size or magnitude."""

    zh = "表达式的计算超出限度：{limit}。"
    en = "The expression goes beyond its limits: {limit}"

    def __init__(self, limit: str) -> None:
        self.limit = limit
        PortalError.__init__(self, limit=limit)


class FeelTooLarge(FeelError, FeelLimit):
    """A text is refused at compile because it is too long or nested too deeply."""

    def __init__(self, position: Position, what: str, mend: str) -> None:
        FeelError.__init__(self, position, what, mend)
        self.limit = what


class FeelScope(PortalError):
    """What was handed over for evaluation is not plain data, or a declared function is missing."""

    zh = "表达式的环境有误：{what}。"
    en = "The expression was given a faulty scope: {what}"

    def __init__(self, what: str) -> None:
        super().__init__(what=what)
