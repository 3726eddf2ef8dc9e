"""A decimal number, stored as its plain decimal digits (`"1204905.5"`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import ClassVar, Self

from portal.errors import Language
from portal.forms.answers import FieldError, Option, Refused
from portal.forms.characters import narrow
from portal.forms.component import Component
from portal.forms.kinds.base import ASKED, Answered, single

_PLAIN = re.compile(r"[+-]?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)(\.[0-9]+)?")
_LONGEST_TEXT = 60
_MOST_DECIMALS = 10


@dataclass(frozen=True, kw_only=True)
class Number(Answered):
    """A number with at most so many decimals, perhaps bounded, perhaps of a unit."""

    TEMPLATE: ClassVar[str] = "input"
    SHORT: ClassVar[bool] = True
    INPUTMODE: ClassVar[str | None] = "decimal"
    ATTRIBUTES: ClassVar[frozenset[str]] = ASKED | {"decimalDigits"}
    VALIDATE: ClassVar[frozenset[str]] = Answered.VALIDATE | {"min", "max"}
    PROPERTIES: ClassVar[frozenset[str]] = Answered.PROPERTIES | {"kind", "unit"}

    decimals: int
    least: Decimal | None
    most: Decimal | None
    unit: str | None
    digits: int = 20
    """At most so many before the point."""

    @classmethod
    def of(cls, component: Component) -> Self:
        """Reads decimals, bounds and unit."""
        decimals = component.whole(component.raw, "decimalDigits", 0, _MOST_DECIMALS)
        least, most = bounds(component)
        return cls(
            required=component.flag(component.validate, "required"),
            decimals=_MOST_DECIMALS if decimals is None else decimals,
            least=least,
            most=most,
            unit=component.words(component.properties, "unit", 20),
        )

    def schema(self, choices: Sequence[Option] | None) -> dict[str, object]:
        """A string of plain decimal digits; `decimalMinimum`, `decimalMaximum` are ours."""
        decimals = f"([.][0-9]{{1,{self.decimals}}})?" if self.decimals else ""
        schema: dict[str, object] = {"type": "string"}
        schema["pattern"] = f"^-?(0|[1-9][0-9]{{0,{self.digits - 1}}}){decimals}$"
        if self.least is not None:
            schema["decimalMinimum"] = plain(self.least)
        if self.most is not None:
            schema["decimalMaximum"] = plain(self.most)
        return schema

    def read(self, raw: object) -> str | None:
        """Plain digits from a JSON number or from typed text: full width, `1,204,905` and a sign are fine."""
        raw = single(raw)
        if isinstance(raw, str):
            return self._read_text(raw)
        if raw is None:
            return None
        if isinstance(raw, int) and not isinstance(raw, bool):
            if raw.bit_length() > 4 * _LONGEST_TEXT:
                raise self._refused(self._too_large())
            return str(raw)
        if isinstance(raw, float) and isfinite(raw):
            raw = Decimal(repr(raw))
        if isinstance(raw, Decimal) and raw.is_finite():
            if not raw:
                return "0"  # whatever its exponent, which would be written out
            if abs(raw.adjusted()) > _LONGEST_TEXT:
                raise self._refused(self._too_large())
            return plain(raw)
        raise self._refused(self.unreadable())

    def _read_text(self, text: str) -> str | None:
        text = narrow(text)
        if not text:
            return None
        if not _PLAIN.fullmatch(text):
            if _PLAIN.fullmatch(text.replace(",", "")):
                raise Refused(
                    "{label}里的逗号只能每三位一个，例如 1,204,905",
                    "In “{label}” commas may only separate thousands, for example 1,204,905",
                )
            raise self._refused(self.unreadable())
        if len(text) > _LONGEST_TEXT:
            raise self._refused(self._too_large())
        return plain(Decimal(text.replace(",", "")))

    @staticmethod
    def _refused(error: FieldError) -> Refused:
        return Refused(error.zh, error.en)

    def complaint(self, keyword: str, value: object) -> FieldError:
        """Says which bound, or how many decimals or digits, a number breaks."""
        unit = f" {self.unit}" if self.unit else ""
        if keyword == "decimalMinimum" and self.least is not None:
            least = grouped(self.least)
            return FieldError(f"{{label}}不能小于 {least}{unit}", f"“{{label}}” must be at least {least}{unit}")
        if keyword == "decimalMaximum" and self.most is not None:
            most = grouped(self.most)
            return FieldError(f"{{label}}不能大于 {most}{unit}", f"“{{label}}” must be at most {most}{unit}")
        whole = str(value).lstrip("-").split(".")[0]
        if len(whole) > self.digits:
            return self._too_large()
        if not self.decimals:
            return self.unreadable()
        return FieldError(
            f"{{label}}最多 {self.decimals} 位小数，请四舍五入后填写",
            f"“{{label}}” takes at most {self.decimals} decimals; round it",
        )

    def unreadable(self) -> FieldError:
        """What to say to a text that is no number of this kind."""
        unit = (f"，单位 {self.unit}", f" in {self.unit}") if self.unit else ("", "")
        if self.decimals:
            return FieldError(
                f"{{label}}：请填写数字{unit[0]}，例如 1204.5",
                f"“{{label}}”: enter a number{unit[1]}, for example 1204.5",
            )
        return FieldError(
            f"{{label}}：请填写整数{unit[0]}，例如 120000",
            f"“{{label}}”: enter a whole number{unit[1]}, for example 120000",
        )

    def _too_large(self) -> FieldError:
        return FieldError(
            f"{{label}}的数字过大，最多 {self.digits} 位整数，请核对",
            f"“{{label}}” is too large: at most {self.digits} digits before the point",
        )

    def typed(self, value: object) -> Decimal:
        """A decimal."""
        return Decimal(str(value))

    def shown(self, value: object, choices: Sequence[Option] | None, language: Language = "zh") -> str:
        """With thousands separators and the unit: `1,204,905 tCO₂e`."""
        return self.entered(value)[0] + (f" {self.unit}" if self.unit else "")

    def entered(self, value: object) -> tuple[str, ...]:
        """With thousands separators."""
        return (grouped(Decimal(str(value))),)


def bounds(component: Component) -> tuple[Decimal | None, Decimal | None]:
    """`validate.min` and `validate.max`."""
    least = component.number(component.validate, "min")
    most = component.number(component.validate, "max")
    if least is not None and most is not None and least > most:
        component.fault("min 大于 max", "改小 min 或改大 max")
    return least, most


def plain(number: Decimal) -> str:
    """Digits without exponent, leading or trailing zeros: the one way a number is stored."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def grouped(number: Decimal) -> str:
    """`1,204,905.5`."""
    return f"{Decimal(plain(number)):,f}"
