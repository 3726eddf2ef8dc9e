"""A field for a 居民身份号码 (GB 11643-1999); only masked it is read back, put into letters and seen by expressions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from portal.errors import Language
from portal.forms import residents
from portal.forms.answers import FieldError, Option
from portal.forms.component import Component
from portal.forms.kinds.base import Answered, one_text


@dataclass(frozen=True, kw_only=True)
class Identity(Answered):
    """A number of 18 characters with its check character, stored with a capital X."""

    ON: ClassVar[str | None] = "textfield"
    TEMPLATE: ClassVar[str] = "input"
    SHORT: ClassVar[bool] = True
    PROPERTIES: ClassVar[frozenset[str]] = Answered.PROPERTIES | {"kind"}

    @classmethod
    def of(cls, component: Component) -> Self:
        """Reads whether it is required."""
        return cls(required=component.flag(component.validate, "required"))

    def schema(self, choices: Sequence[Option] | None) -> dict[str, object]:
        """A string of format `identity`."""
        return {
            "type": "string",
            "minLength": residents.LENGTH,
            "maxLength": residents.LENGTH,
            "pattern": "^[0-9]{17}[0-9X]$",
            "format": "identity",
        }

    def read(self, raw: object) -> str | None:
        """The number as ASCII with a capital X, without blanks."""
        return residents.normal(one_text(raw) or "") or None

    def complaint(self, keyword: str, value: object) -> FieldError:
        """Says whether length, characters, the day of birth or the check character is wrong."""
        number = str(value)
        if len(number) != residents.LENGTH:
            return FieldError(
                f"{{label}}应为 18 位居民身份号码，现有 {len(number)} 位",
                f"“{{label}}” has 18 characters; this one has {len(number)}",
            )
        if keyword == "pattern":
            return FieldError(
                "{label}前 17 位为数字，末位为数字或 X，请核对",
                "“{label}” is 17 digits and a last character that is a digit or X; check it",
            )
        return FieldError(
            "{label}不正确，请对照身份证核对这 18 位",
            "“{label}” is not right; compare its 18 characters with the card",
        )

    def typed(self, value: object) -> object:
        """What expressions and letters see: the masked number."""
        return residents.masked(str(value))

    def shown(self, value: object, choices: Sequence[Option] | None, language: Language = "zh") -> str:
        """The masked number."""
        return residents.masked(str(value))
