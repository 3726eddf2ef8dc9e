"""A text of several lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from portal.forms.component import Component
from portal.forms.kinds.base import Answered
from portal.forms.kinds.textfield import Text


@dataclass(frozen=True, kw_only=True)
class TextArea(Text):
    """A text of several lines."""

    TEMPLATE: ClassVar[str] = "textarea"
    LONGEST: ClassVar[int] = 20_000
    USUAL: ClassVar[int] = 4000
    VALIDATE: ClassVar[frozenset[str]] = Answered.VALIDATE | {"minLength", "maxLength"}

    @classmethod
    def of(cls, component: Component) -> Self:
        """Reads the lengths; without `maxLength` a text has at most 4000 characters."""
        part = component.validate
        shortest = component.whole(part, "minLength", 1, cls.LONGEST)
        longest = component.whole(part, "maxLength", 1, cls.LONGEST) or cls.USUAL
        if shortest is not None and shortest > longest:
            component.fault("minLength 大于 maxLength", "改小 minLength 或改大 maxLength")
        return cls(required=component.flag(part, "required"), shortest=shortest, longest=longest)
