"""A calendar day, stored as `2026-10-12`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Self

from portal.errors import Language
from portal.forms.answers import FieldError, Option, Refused
from portal.forms.characters import narrow
from portal.forms.component import Component
from portal.forms.kinds.base import ASKED, Answered, one_text

_WRITTEN = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?")
_FIRST_YEAR, _LAST_YEAR = 1900, 2199


@dataclass(frozen=True, kw_only=True)
class Day(Answered):
    """A day from 1900 to 2199."""

    TEMPLATE: ClassVar[str] = "input"
    INPUT: ClassVar[str] = "date"
    SHORT: ClassVar[bool] = True
    ATTRIBUTES: ClassVar[frozenset[str]] = ASKED | {"subtype", "dateLabel"}

    @classmethod
    def of(cls, component: Component) -> Self:
        """Only form-js's subtype `date` is built."""
        if component.raw.get("subtype", "date") != "date":
            component.fault(
                "日期字段（datetime）的 subtype 只支持 date", '改为 "subtype": "date"；时间另用文字字段填写'
            )
        return cls(required=component.flag(component.validate, "required"))

    def schema(self, choices: Sequence[Option] | None) -> dict[str, object]:
        """A string of format `date`."""
        return {"type": "string", "format": "date"}

    def read(self, raw: object) -> str | None:
        """A day written as 2026-10-12, 2026/10/12, 2026.10.12 or 2026年10月12日."""
        text = narrow(one_text(raw) or "")
        if not text:
            return None
        written = _WRITTEN.fullmatch(text)
        try:
            day = date(*map(int, written.groups())) if written else None
        except ValueError:
            day = None
        if day is None or not _FIRST_YEAR <= day.year <= _LAST_YEAR:
            error = self.complaint("format", text)
            raise Refused(error.zh, error.en)
        return day.isoformat()

    def missing(self) -> FieldError:
        """Says what a day looks like."""
        return FieldError("请填写{label}，例如 2026-10-12", "Enter “{label}”, for example 2026-10-12")

    def complaint(self, keyword: str, value: object) -> FieldError:
        """The only way to be wrong: no day."""
        return FieldError(
            "{label}：没有这一天，请按年-月-日填写，例如 2026-10-12",
            "“{label}” is not a day; write year-month-day, for example 2026-10-12",
        )

    def typed(self, value: object) -> date:
        """A date."""
        return date.fromisoformat(str(value))

    def shown(self, value: object, choices: Sequence[Option] | None, language: Language = "zh") -> str:
        """2026年10月12日; in English 2026-10-12, as it is typed."""
        day = self.typed(value)
        return f"{day.year}年{day.month}月{day.day}日" if language == "zh" else day.isoformat()
