"""One of a few options, all of them in view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from portal.errors import Language
from portal.forms.answers import FieldError, Option, Refused
from portal.forms.component import Component
from portal.forms.kinds.base import ASKED, Answered, single


@dataclass(frozen=True, kw_only=True)
class Radio(Answered):
    """One of the options of `values`."""

    TEMPLATE: ClassVar[str] = "radio"
    ATTRIBUTES: ClassVar[frozenset[str]] = ASKED | {"values", "valuesExpression"}

    options: tuple[Option, ...]
    """Empty where a `valuesExpression` gives them; then they come as `choices`."""

    @classmethod
    def of(cls, component: Component) -> Self:
        """Reads the options."""
        return cls(required=component.flag(component.validate, "required"), options=component.options())

    def schema(self, choices: Sequence[Option] | None) -> dict[str, object]:
        """One of the options' values."""
        return {"enum": [option.value for option in self.options_of(choices)]}

    def read(self, raw: object) -> str | None:
        """The value as it is; nothing chosen is no answer."""
        value = single(raw)
        if value is None or isinstance(value, str):
            return value or None
        error = self.complaint("enum", value)
        raise Refused(error.zh, error.en)

    def missing(self) -> FieldError:
        """One chooses."""
        return FieldError("请选择{label}", "Choose “{label}”")

    def complaint(self, keyword: str, value: object) -> FieldError:
        """The only way to be wrong: not an option."""
        return FieldError("{label}：请从列出的选项中选择", "“{label}”: choose one of the options listed")

    def shown(self, value: object, choices: Sequence[Option] | None, language: Language = "zh") -> str:
        """The option's label."""
        return label_of(value, self.options_of(choices))

    def options_of(self, choices: Sequence[Option] | None) -> tuple[Option, ...]:
        """Those of `values`, else those that the `valuesExpression` gave."""
        return self.options or tuple(choices or ())


def label_of(value: object, options: Sequence[Option]) -> str:
    """The label of a value; the value itself where no option has it."""
    return next((option.label for option in options if option.value == value), str(value))
