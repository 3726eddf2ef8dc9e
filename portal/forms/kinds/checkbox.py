"""A box to tick: true or false, and always answered (a browser posts nothing for an empty box)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from portal.errors import Language
from portal.forms.answers import FieldError, Option, Refused
from portal.forms.component import Component
from portal.forms.kinds.base import Answered, single

_TICKED = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False, "": False}


@dataclass(frozen=True, kw_only=True)
class Checkbox(Answered):
    """True or false; where it is required only true is accepted."""

    TEMPLATE: ClassVar[str] = "checkbox"

    @classmethod
    def of(cls, component: Component) -> Self:
        """Reads whether it must be ticked."""
        return cls(required=component.flag(component.validate, "required"))

    def schema(self, choices: Sequence[Option] | None) -> dict[str, object]:
        """A boolean."""
        return {"const": True} if self.required else {"type": "boolean"}

    def read(self, raw: object) -> bool:
        """What was ticked; no answer is false."""
        value = single(raw)
        if value is None or isinstance(value, bool):
            return bool(value)
        if isinstance(value, str) and value.strip() in _TICKED:
            return _TICKED[value.strip()]
        raise Refused("{label}：请勾选或不勾选", "“{label}”: tick the box or leave it empty")

    def missing(self) -> FieldError:
        """One ticks."""
        return FieldError("请勾选“{beginning}”", "Tick “{beginning}”")

    def complaint(self, keyword: str, value: object) -> FieldError:
        """The only way to be wrong: required and not ticked."""
        return self.missing()

    def shown(self, value: object, choices: Sequence[Option] | None, language: Language = "zh") -> str:
        """是 or 否; Yes or No."""
        yes, no = ("是", "否") if language == "zh" else ("Yes", "No")
        return yes if value is True else no

    def entered(self, value: object) -> tuple[str, ...]:
        """A ticked box posts `true`, an empty one nothing."""
        return ("true",) if value is True else ()
