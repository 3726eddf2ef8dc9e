"""A field for a unified social credit code (统一社会信用代码, GB 32100-2015)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from portal.forms import uscc
from portal.forms.answers import FieldError, Option
from portal.forms.component import Component
from portal.forms.kinds.base import Answered, one_text


@dataclass(frozen=True, kw_only=True)
class Uscc(Answered):
    """A code with its check digit, stored in upper case."""

    ON: ClassVar[str | None] = "textfield"
    TEMPLATE: ClassVar[str] = "input"
    SHORT: ClassVar[bool] = True
    PROPERTIES: ClassVar[frozenset[str]] = Answered.PROPERTIES | {"kind"}

    @classmethod
    def of(cls, component: Component) -> Self:
        """Reads whether it is required."""
        return cls(required=component.flag(component.validate, "required"))

    def schema(self, choices: Sequence[Option] | None) -> dict[str, object]:
        """A string of format `uscc`."""
        return {
            "type": "string",
            "minLength": uscc.LENGTH,
            "maxLength": uscc.LENGTH,
            "pattern": f"^[{uscc.ALPHABET}]*$",
            "format": "uscc",
        }

    def read(self, raw: object) -> str | None:
        """The code as ASCII in upper case, without blanks."""
        return uscc.normal(one_text(raw) or "") or None

    def complaint(self, keyword: str, value: object) -> FieldError:
        """Says whether length, alphabet or check digit is wrong."""
        code = str(value)
        if len(code) != uscc.LENGTH:
            return FieldError(
                f"{{label}}应为 18 位统一社会信用代码，现有 {len(code)} 位",
                f"“{{label}}” is a code of 18 characters; it has {len(code)}",
            )
        if keyword == "pattern":
            return FieldError(
                "{label}只能含数字和大写字母，不使用 I、O、S、V、Z，请核对",
                "“{label}” holds digits and capital letters except I, O, S, V, Z; check it",
            )
        return FieldError(
            "{label}的校验位不对，请对照营业执照核对这 18 位",
            "The check digit of “{label}” is wrong; compare it with the licence",
        )
