"""A line of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from portal.forms.answers import FieldError, Option, Refused
from portal.forms.characters import forbidden, tidy
from portal.forms.component import Component
from portal.forms.kinds.base import Answered, one_text
from portal.forms.pattern import LONGEST_TEXT, fault_in

_BUILT_IN = {
    "email": (r"^[^@\s]+@[^@\s]+$", "name@example.cn"),
    "phone": (r"^\+?[0-9][0-9 \-]{4,19}$", "13800000000"),
}


@dataclass(frozen=True, kw_only=True)
class Text(Answered):
    """A text of so many characters, perhaps of a pattern."""

    LONGEST: ClassVar[int]

    shortest: int | None
    longest: int
    pattern: str | None = None
    example: str | None = None

    def schema(self, choices: Sequence[Option] | None) -> dict[str, object]:
        """A string; its length counts characters (code points), as JSON Schema does."""
        schema: dict[str, object] = {"type": "string", "minLength": self.shortest or 1}
        schema["maxLength"] = self.longest
        if self.pattern is not None:
            schema["pattern"] = self.pattern
        return schema

    def read(self, raw: object) -> str | None:
        """The text with one kind of line end, without blanks around it."""
        text = tidy(one_text(raw) or "")
        character = forbidden(text)
        if character is not None:
            raise Refused(
                f"{{label}}含有不能使用的控制字符（{character}），请删去后重新填写",
                f"“{{label}}” holds a control character ({character}); remove it",
            )
        return text or None

    def complaint(self, keyword: str, value: object) -> FieldError:
        """Says by how much a text is too long or too short, or what it should look like."""
        length = len(str(value))
        if keyword == "maxLength":
            return FieldError(
                f"{{label}}最多 {self.longest} 字，现有 {length} 字",
                f"“{{label}}” takes at most {self.longest} characters; it has {length}",
            )
        if keyword == "minLength":
            return FieldError(
                f"{{label}}至少 {self.shortest} 字，现有 {length} 字",
                f"“{{label}}” takes at least {self.shortest} characters; it has {length}",
            )
        example = (f"，例如 {self.example}", f", for example {self.example}") if self.example else ("", "")
        return FieldError(
            f"{{label}}的格式不正确，请按要求填写{example[0]}",
            f"“{{label}}” is not in the right format{example[1]}",
        )


@dataclass(frozen=True, kw_only=True)
class TextField(Text):
    """A line of text."""

    TEMPLATE: ClassVar[str] = "input"
    LONGEST: ClassVar[int] = 200
    VALIDATE: ClassVar[frozenset[str]] = Answered.VALIDATE | {
        "minLength",
        "maxLength",
        "pattern",
        "validationType",
    }
    PROPERTIES: ClassVar[frozenset[str]] = Answered.PROPERTIES | {"kind", "example"}

    @classmethod
    def of(cls, component: Component) -> Self:
        """Reads lengths, pattern and example."""
        part = component.validate
        pattern, example = _pattern(component)
        shortest = component.whole(part, "minLength", 1, cls.LONGEST)
        longest = component.whole(part, "maxLength", 1, cls.LONGEST if pattern is None else LONGEST_TEXT)
        longest = longest or (cls.LONGEST if pattern is None else LONGEST_TEXT)
        if shortest is not None and shortest > longest:
            component.fault("minLength 大于 maxLength", "改小 minLength 或改大 maxLength")
        return cls(
            required=component.flag(part, "required"),
            shortest=shortest,
            longest=longest,
            pattern=pattern,
            example=component.words(component.properties, "example") or example,
        )

    def read(self, raw: object) -> str | None:
        """As any text, on one line."""
        text = super().read(raw)
        if text is not None and "\n" in text:
            raise Refused("{label}只能填写一行，请删去换行", "“{label}” takes a single line")
        return text


def _pattern(component: Component) -> tuple[str | None, str | None]:
    """Pattern and example, from `pattern` or form-js's `validationType`."""
    kind = component.validate.get("validationType", "custom")
    if kind != "custom":
        if isinstance(kind, str) and kind in _BUILT_IN:
            return _BUILT_IN[kind]
        component.fault("未知的 validationType", "改用 email、phone，或写 pattern")
    pattern = component.validate.get("pattern")
    if pattern is None:
        return None, None
    if not isinstance(pattern, str) or not pattern:
        component.fault("“pattern”应为正则表达式", '写成 "pattern": "^[0-9]{6}$"')
        return None, None
    what = fault_in(pattern)
    if what is not None:
        component.fault(what, "改写正则表达式，例如 ^[0-9]{6}$")
        return None, None
    return pattern, None
