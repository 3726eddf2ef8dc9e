"""Any number of a few options; always answered, perhaps with none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from portal.errors import Language
from portal.forms.answers import FieldError, Option, Refused
from portal.forms.component import Component
from portal.forms.kinds.base import ASKED, Answered
from portal.forms.kinds.radio import label_of


@dataclass(frozen=True, kw_only=True)
class Checklist(Answered):
    """A list of options of `values`, in their order."""

    TEMPLATE: ClassVar[str] = "checklist"
    ATTRIBUTES: ClassVar[frozenset[str]] = ASKED | {"values", "valuesExpression"}

    options: tuple[Option, ...]
    """Empty where a `valuesExpression` gives them; then they come as `choices`."""

    @classmethod
    def of(cls, component: Component) -> Self:
        """Reads the options."""
        return cls(required=component.flag(component.validate, "required"), options=component.options())

    def schema(self, choices: Sequence[Option] | None) -> dict[str, object]:
        """An array of options' values, each once."""
        return {
            "type": "array",
            "items": {"enum": [option.value for option in self.options_of(choices)]},
            "uniqueItems": True,
            "minItems": int(self.required),
        }

    def read(self, raw: object) -> list[str]:
        """What was ticked, each once, in the order of the options."""
        ticked = texts(raw)
        if ticked is None:
            error = self.complaint("items", raw)
            raise Refused(error.zh, error.en)
        order = {option.value: place for place, option in enumerate(self.options)}
        return sorted(ticked, key=lambda value: order.get(value, len(order)))

    def missing(self) -> FieldError:
        """One chooses."""
        return FieldError("请选择{label}，至少一项", "Choose at least one of “{label}”")

    def complaint(self, keyword: str, value: object) -> FieldError:
        """Nothing chosen, or something that is no option."""
        if keyword == "minItems":
            return self.missing()
        return FieldError("{label}：请从列出的选项中选择", "“{label}”: choose among the options listed")

    def shown(self, value: object, choices: Sequence[Option] | None, language: Language = "zh") -> str:
        """The options' labels."""
        options = self.options_of(choices)
        between = "、" if language == "zh" else ", "
        return between.join(label_of(item, options) for item in value) if isinstance(value, list) else ""

    def entered(self, value: object) -> tuple[str, ...]:
        """One text for each ticked option."""
        return tuple(map(str, value)) if isinstance(value, list) else ()

    def options_of(self, choices: Sequence[Option] | None) -> tuple[Option, ...]:
        """Those of `values`, else those that the `valuesExpression` gave."""
        return self.options or tuple(choices or ())


def texts(raw: object) -> list[str] | None:
    """The texts of an answer that may hold several, each once, without empty ones; None if one is no text."""
    items: Sequence[object] = raw if isinstance(raw, list | tuple) else [] if raw is None else [raw]
    found = [item for item in items if isinstance(item, str)]
    return list(dict.fromkeys(text for text in found if text)) if len(found) == len(items) else None
