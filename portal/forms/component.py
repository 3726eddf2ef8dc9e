"""One component as an analyst wrote it, and the faults found while reading it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from portal.errors import Fault
from portal.forms.answers import Option

_LONGEST_LABEL = 200
_MOST_OPTIONS = 500


class Component:
    """A JSON object of a form with its place (key, or index path); every wrong part becomes a fault."""

    def __init__(self, raw: Mapping[str, object], place: str, faults: list[Fault]) -> None:
        self.raw = raw
        self.place = place
        self._faults = faults
        self.validate = self._part("validate")
        self.properties = self._part("properties")

    def fault(self, what: str, mend: str) -> None:
        """Notes one fault of this component."""
        self._faults.append(Fault(what, mend, element=self.place))

    def _part(self, name: str) -> Mapping[str, object]:
        part = self.raw.get(name, {})
        if isinstance(part, dict):
            return part
        self.fault(f"“{name}”应为对象", f'写成 "{name}": {{ … }}')
        return {}

    def flag(self, part: Mapping[str, object], name: str) -> bool:
        """A switch; absent means false."""
        value = part.get(name, False)
        if not isinstance(value, bool):
            self.fault(f"“{name}”应为 true 或 false", f'写成 "{name}": true，不加引号')
            return False
        return value

    def whole(self, part: Mapping[str, object], name: str, least: int, most: int) -> int | None:
        """A whole number in a range."""
        value = part.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.fault(f"“{name}”应为 {least} 到 {most} 的整数", f'写成 "{name}": {least}，不加引号')
            return None
        return value

    def number(self, part: Mapping[str, object], name: str) -> Decimal | None:
        """A number of at most 20 digits before the point, and not too small."""
        value = part.get(name)
        if value is None:
            return None
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            number = Decimal(value)
            # Asked before anything writes it out: an exponent may stand for a million digits.
            if -20 < number.adjusted() < 20:
                return number
        self.fault(f"“{name}”应为数字", f'写成 "{name}": 0，不加引号')
        return None

    def words(self, part: Mapping[str, object], name: str, longest: int = _LONGEST_LABEL) -> str | None:
        """A text that says something."""
        value = part.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip() or len(value) > longest:
            self.fault(f"“{name}”应为 1 到 {longest} 个字的文字", f'写成 "{name}": "…"')
            return None
        return value.strip()

    def options(self) -> tuple[Option, ...]:
        """The `values` of a field that lets one choose; none beside a `valuesExpression`."""
        values = self.raw.get("values")
        if "valuesExpression" in self.raw:
            if values is not None:
                self.fault("values 和 valuesExpression 不能同时写", "只留一个")
            return ()
        if not isinstance(values, list) or not values or len(values) > _MOST_OPTIONS:
            self.fault(
                "没有列出选项（values）",
                f'在 values 里列出 1 到 {_MOST_OPTIONS} 个选项，例如 {{ "label": "维持", "value": "维持" }}',
            )
            return ()
        options = tuple(option for value in values if (option := self._option(value)) is not None)
        for value in sorted({o.value for o in options if sum(o.value == p.value for p in options) > 1}):
            self.fault(f"选项值“{value}”重复", "每个选项写不同的 value")
        return options

    def _option(self, value: object) -> Option | None:
        if isinstance(value, dict) and set(value) == {"label", "value"}:
            label, stored = value["label"], value["value"]
            if _is_option_text(label) and _is_option_text(stored):
                return Option(stored, label)
        self.fault(
            "选项应当且只应有 label 和 value 两项文字，前后没有空格",
            '写成 { "label": "维持", "value": "维持" }，value 也加引号',
        )
        return None


def _is_option_text(text: object) -> bool:
    return isinstance(text, str) and bool(text) and text == text.strip() and len(text) <= _LONGEST_LABEL
