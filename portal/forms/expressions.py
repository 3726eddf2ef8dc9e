"""The FEEL in a form: conditions, prefilling, and texts with `{{ … }}`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from portal import clock, feel
from portal.feel import Expression, FeelError, FeelLimit, Scope, Signature
from portal.forms.answers import Option
from portal.forms.component import Component
from portal.forms.kinds.number import grouped, plain

Functions = Mapping[str, Signature]
"""The portal's functions that a form's expressions may call, by name."""

Names = Mapping[str, object] | Scope
"""What the case offers a form's expressions; a Scope brings its functions, too."""

_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


@dataclass(frozen=True)
class Written:
    """An expression as it stands in a form: the component's place, the attribute, its text."""

    element: str
    attribute: str
    text: str
    expression: Expression
    columns: frozenset[str] = frozenset()
    """For a rule of a table's column, which is evaluated for each row: the columns, which it sees before all else."""


@dataclass(frozen=True)
class Wording:
    """A text with placeholders: literal pieces and expressions, in order."""

    pieces: tuple[str | Written, ...]

    @property
    def expressions(self) -> tuple[Written, ...]:
        """Its placeholders."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Written))

    def render(self, scope: Scope) -> str:
        """The text with every placeholder filled in; what is not there leaves nothing."""
        return "".join(piece if isinstance(piece, str) else words(value(piece, scope)) for piece in self.pieces)


class Compiler:
    """Compiles the expressions of one form and keeps them in the order they stand."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self.written: list[Written] = []
        self.columns: frozenset[str] = frozenset()
        """The columns that the rules see which are compiled now."""

    def marked(self, component: Component, attribute: str, text: object) -> Written | None:
        """An expression marked by a leading `=`; None, and a fault, if it is none."""
        if not isinstance(text, str) or not text.startswith("="):
            component.fault(f"“{attribute}”应为以等号开头的表达式", f'写成 "{attribute}": "=conclusion != \\"变更\\""')
            return None
        return self._compiled(component, attribute, text[1:])

    def wording(self, component: Component, attribute: str, text: str) -> Wording:
        """A text with placeholders; faulty ones are noted."""
        if text.startswith("="):
            component.fault(f"“{attribute}”是文字，不能以等号开头", "需要填入数值的地方写 {{ 表达式 }}")
        pieces: list[str | Written] = []
        for place, piece in enumerate(_PLACEHOLDER.split(text)):
            if place % 2:
                written = self._compiled(component, attribute, piece.strip())
                pieces += [written] if written else []
            elif "{{" in piece or "}}" in piece or "{%" in piece:
                component.fault(f"“{attribute}”里的花括号不成对", "占位写成 {{ 表达式 }}，不用 {% %}")
            elif piece:
                pieces.append(piece)
        return Wording(tuple(pieces))

    def _compiled(self, component: Component, attribute: str, text: str) -> Written | None:
        try:
            expression = feel.compile(text, self._functions)
        except FeelError as error:
            at = error.position
            component.fault(f"“{attribute}”的表达式第 {at.line} 行第 {at.column} 列有误：{error.what}", error.mend)
            return None
        seen = self.columns if attribute in ("refuse", "refusal", "conditional.hide") else frozenset()
        written = Written(component.place, attribute, text, expression, seen)
        self.written.append(written)
        return written


def value(written: Written, scope: Scope) -> object:
    """The FEEL value of an expression; null where it wants more than its budget."""
    try:
        return written.expression.evaluate(scope)
    except FeelLimit:
        # Only answers can be that large, and an expression over them must not stop the form.
        return None


class Overlaid(Mapping[str, object]):
    """A form's own answers laid over the names that the case offers, which may be lazy."""

    def __init__(self, own: Mapping[str, object], below: Mapping[str, object]) -> None:
        self._own = own
        self._below = below

    def __getitem__(self, name: str) -> object:
        return self._own[name] if name in self._own else self._below[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._own
        yield from (name for name in self._below if name not in self._own)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def plain_answer(value: object) -> object:
    """A FEEL value as somebody would answer it in JSON: numbers and days as text."""
    match value:
        case Decimal():
            return plain(value)
        case datetime():
            return clock.day_of(value).isoformat() if value.tzinfo else value.date().isoformat()
        case date():
            return value.isoformat()
        case list() | tuple():
            return [plain_answer(item) for item in value]
        case Mapping():
            return {key: plain_answer(item) for key, item in value.items()}
        case _:
            return value


def options(value: object) -> tuple[Option, ...]:
    """The options that a FEEL list gives: texts, numbers, or contexts of `label` and `value`; others are left out."""
    found: dict[str, Option] = {}
    for item in value if isinstance(value, list | tuple) else ():
        pair = (item.get("value"), item.get("label")) if isinstance(item, Mapping) else (item, item)
        stored, label = (plain_answer(part) for part in pair)
        if isinstance(stored, str) and isinstance(label, str) and stored:
            found.setdefault(stored, Option(stored, label))
    return tuple(found.values())


def words(value: object) -> str:
    """A FEEL value as a reader sees it: 1,204,905, 2026年10月12日, 是, several joined by 、."""
    match value:
        case None:
            return ""
        case bool():
            return "是" if value else "否"
        case Decimal() | int():
            return grouped(Decimal(value))
        case datetime():
            moment = value.astimezone(clock.TZ) if value.tzinfo else value
            return f"{words(moment.date())} {moment:%H:%M}"
        case date():
            return f"{value.year}年{value.month}月{value.day}日"
        case list() | tuple():
            return "、".join(words(item) for item in value)
        case Mapping():
            return "、".join(words(item) for item in value.values())
        case _:
            return str(value)
