"""An amount of emissions or allowances: whole tonnes of CO2 equivalent (tCO₂e), never negative."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from portal.forms.answers import FieldError
from portal.forms.component import Component
from portal.forms.kinds.base import Answered
from portal.forms.kinds.number import Number, bounds, grouped

UNIT = "tCO₂e"
DIGITS = 15


@dataclass(frozen=True, kw_only=True)
class Amount(Number):
    """Whole tCO₂e, 0 or more, of at most 15 digits."""

    ON: ClassVar[str | None] = "number"
    INPUTMODE: ClassVar[str | None] = "numeric"
    PROPERTIES: ClassVar[frozenset[str]] = Answered.PROPERTIES | {"kind"}

    @classmethod
    def of(cls, component: Component) -> Self:
        """Reads the bounds; decimals and unit are given."""
        if component.raw.get("decimalDigits", 0) != 0:
            component.fault("排放量（amount）只能是整数", '删去 decimalDigits，或写 "decimalDigits": 0')
        least, most = bounds(component)
        return cls(
            required=component.flag(component.validate, "required"),
            decimals=0,
            least=max(least or Decimal(0), Decimal(0)),
            most=most,
            unit=UNIT,
            digits=DIGITS,
        )

    def complaint(self, keyword: str, value: object) -> FieldError:
        """Says the same of every amount that is too small, a negative one too, and what is wrong with decimals."""
        text = str(value)
        if self.least is not None and (text.startswith("-") or keyword == "decimalMinimum"):
            least = grouped(self.least)
            return FieldError(
                f"{{label}}不能小于 {least} {UNIT}，请填写 {least} 或更大的整数",
                f"“{{label}}” must be at least {least} {UNIT}: enter {least} or a larger whole number",
            )
        if keyword == "pattern" and "." in text:
            return FieldError(
                f"{{label}}不能有小数，请填写整数，单位 {UNIT}，例如 120000",
                f"“{{label}}” takes no decimals: enter a whole number in {UNIT}, for example 120000",
            )
        return super().complaint(keyword, value)
