"""A field that picks a party: an organisation by its unified social credit code, a natural person by his own code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from portal.errors import Language
from portal.forms import parties, personal, uscc
from portal.forms.answers import FieldError, Option
from portal.forms.kinds.uscc import Uscc


@dataclass(frozen=True, kw_only=True)
class Party(Uscc):
    """The code of a party; a list to choose from where the caller hands one in."""

    TEMPLATE: ClassVar[str] = "party"

    def schema(self, choices: Sequence[Option] | None) -> dict[str, object]:
        """The code, one of the choices where there are any."""
        schema: dict[str, object] = {
            "type": "string",
            "maxLength": parties.LONGEST,
            "pattern": f"^[{uscc.ALPHABET}]*$",
            "format": "party",
        }
        return schema if choices is None else schema | {"enum": [option.value for option in choices]}

    def complaint(self, keyword: str, value: object) -> FieldError:
        """As for a code, and when the organisation is not in the list."""
        if keyword == "enum":
            return FieldError(
                "{label}不在可选的单位之中，请从列表中选择",
                "“{label}” is not one of the organisations listed; choose one",
            )
        if personal.looks_like(str(value)):
            return FieldError(
                "{label}不是正确的个人编号，个人编号为 P 加 10 位，请核对",
                "“{label}” is not the code of a natural person: P and ten characters",
            )
        return super().complaint(keyword, value)

    def shown(self, value: object, choices: Sequence[Option] | None, language: Language = "zh") -> str:
        """Name and code, the code alone where the name is not known."""
        name = next((option.label for option in choices or () if option.value == value), None)
        if name is None:
            return str(value)
        return f"{name}（{value}）" if language == "zh" else f"{name} ({value})"
