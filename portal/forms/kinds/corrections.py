"""Numbered corrections of another form's answers: asked for, answered, judged; stored as a list of objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar, Self

from portal.errors import Language
from portal.forms.answers import FieldError, Option, Refused
from portal.forms.component import Component
from portal.forms.kinds.base import LAID_OUT, Answered

ASK, ANSWER, JUDGE = "ask", "answer", "judge"
ACCEPTED, REFUSED = "接受", "仍需补正"
"""How an answer is judged, as expressions compare it."""
OTHER = "其他"
"""What an item is about that belongs to no field."""
MOST_ITEMS = 30

_ASKED = ("no", "about", "label", "ask")
_ANSWERED = (*_ASKED, "why", "note", "before", "after")
SAID: Mapping[str, tuple[str, ...]] = {ASK: _ASKED, ANSWER: _ANSWERED, JUDGE: (*_ANSWERED, "result")}
"""What an item holds, by the part of the correction that the form is."""


@dataclass(frozen=True, kw_only=True)
class Corrections(Answered):
    """One part of a correction: the items asked for, the answers to them, or what becomes of the answers."""

    ON: ClassVar[str | None] = "dynamiclist"
    TEMPLATE: ClassVar[str] = "items"
    ATTRIBUTES: ClassVar[frozenset[str]] = LAID_OUT | {"path", "label", "description", "validate", "properties"}
    PROPERTIES: ClassVar[frozenset[str]] = frozenset({"kind", "of", "part", "items"})

    element: str
    """The element whose answers are corrected."""
    part: str
    kinds: Mapping[str, Answered] = field(default_factory=dict)
    """The kinds of the fields that are corrected, by name; put in when their form is known."""

    @classmethod
    def of(cls, component: Component) -> Self:
        """Reads what is corrected, and which part of the correction this is."""
        element, part = component.properties.get("of"), component.properties.get("part")
        if not isinstance(element, str) or not element:
            component.fault("没有写明补正哪一处的答案（of）", '写成 "of": "start"，即填写原表单的元素')
        if part not in SAID:
            component.fault("part 应为 ask、answer 或 judge", "提出补正事项写 ask，逐项补正写 answer，逐项审查写 judge")
        return cls(
            required=component.flag(component.validate, "required"),
            element=element if isinstance(element, str) else "",
            part=part if isinstance(part, str) else ASK,
        )

    def schema(self, choices: Sequence[Option] | None) -> dict[str, object]:
        """An array of objects."""
        return {"type": "array", "items": {"type": "object"}, "minItems": int(self.required), "maxItems": MOST_ITEMS}

    def read(self, raw: object) -> list[dict[str, object]] | None:
        """The items as they are stored."""
        if raw is None:
            return None
        if not isinstance(raw, list | tuple) or not all(isinstance(item, Mapping) for item in raw):
            raise Refused("{label}的各项没有读懂，请重新填写", "The items of “{label}” cannot be read")
        return [dict(item) for item in raw] or None

    def missing(self) -> FieldError:
        """One lists an item."""
        return FieldError("请列出{label}，至少一项", "List “{label}”: at least one item")

    def complaint(self, keyword: str, value: object) -> FieldError:
        """None, or too many."""
        if keyword == "minItems":
            return self.missing()
        return FieldError(f"{{label}}最多 {MOST_ITEMS} 项", f"“{{label}}” takes at most {MOST_ITEMS} items")

    def typed(self, value: object) -> list[dict[str, object]]:
        """The items as FEEL sees them: what an item may hold is there, null where it says nothing."""
        items = value if isinstance(value, list | tuple) else ()
        return [self._typed(item) for item in items if isinstance(item, Mapping)]

    def _typed(self, item: Mapping[str, object]) -> dict[str, object]:
        found: dict[str, object] = {name: item.get(name) for name in SAID[self.part]}
        found["no"] = Decimal(str(item["no"]))
        for side in ("before", "after"):
            value, about = found.get(side), str(item.get("about", ""))
            if isinstance(value, Mapping):
                found[side] = self._typed_parts(value, "")
            elif value is not None and about in self.kinds:
                found[side] = self.kinds[about].typed(value)
        return found

    def _typed_parts(self, parts: Mapping[str, object], prefix: str) -> dict[str, object]:
        """The values of several fields, nested as their names are."""
        found: dict[str, object] = {}
        for key, part in parts.items():
            name = prefix + key
            if name in self.kinds:
                found[key] = self.kinds[name].typed(part)
            else:
                found[key] = self._typed_parts(part, f"{name}.") if isinstance(part, Mapping) else part
        return found

    def shown(self, value: object, choices: Sequence[Option] | None, language: Language = "zh") -> str:
        """How many items there are."""
        count = len(value) if isinstance(value, list) else 0
        return f"{count} 项" if language == "zh" else f"{count} item{'s' if count != 1 else ''}"

    def entered(self, value: object) -> tuple[str, ...]:
        """Items are never shown as one text."""
        return ()
