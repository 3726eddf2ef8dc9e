"""A calendar year from 2000 to 2100."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from portal.errors import Language
from portal.forms.answers import FieldError, Option
from portal.forms.component import Component
from portal.forms.kinds.base import Answered
from portal.forms.kinds.number import Number, bounds

FIRST, LAST = Decimal(2000), Decimal(2100)


@dataclass(frozen=True, kw_only=True)
class Year(Number):
    """A year, shown without thousands separators."""

    ON: ClassVar[str | None] = "number"
    INPUTMODE: ClassVar[str | None] = "numeric"
    PROPERTIES: ClassVar[frozenset[str]] = Answered.PROPERTIES | {"kind"}

    @classmethod
    def of(cls, component: Component) -> Self:
        """Reads the bounds, which may only narrow 2000 to 2100."""
        if component.raw.get("decimalDigits", 0) != 0:
            component.fault("年份（year）只能是整数", '删去 decimalDigits，或写 "decimalDigits": 0')
        least, most = bounds(component)
        return cls(
            required=component.flag(component.validate, "required"),
            decimals=0,
            least=FIRST if least is None else max(least, FIRST),
            most=LAST if most is None else min(most, LAST),
            unit=None,
            digits=4,
        )

    def complaint(self, keyword: str, value: object) -> FieldError:
        """Always says which years there are."""
        return self.unreadable()

    def unreadable(self) -> FieldError:
        """Says which years there are."""
        return FieldError(
            f"{{label}}：请填写 {self.least} 到 {self.most} 之间的年份，例如 {self._example}",
            f"“{{label}}”: enter a year from {self.least} to {self.most}, for example {self._example}",
        )

    @property
    def _example(self) -> Decimal:
        usual = Decimal(2026)
        assert self.least is not None
        assert self.most is not None
        return min(max(usual, self.least), self.most)

    def shown(self, value: object, choices: Sequence[Option] | None, language: Language = "zh") -> str:
        """The four digits."""
        return str(value)

    def entered(self, value: object) -> tuple[str, ...]:
        """The four digits."""
        return (str(value),)
