"""The base of every error the portal speaks, in Chinese and English, and the faults found in content."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

Language = Literal["zh", "en"]


@dataclass(frozen=True)
class Words:
    """Something named in an error, in both languages."""

    zh: str
    en: str

    def __str__(self) -> str:
        return self.zh

    def text(self, language: Language = "zh") -> str:
        """The words in one language."""
        return self.zh if language == "zh" else self.en


class PortalError(Exception):
    """Something a person should be told; `zh` and `en` say it, with fields in braces."""

    zh: ClassVar[str] = "发生错误。"
    en: ClassVar[str] = "Something went wrong."

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(self.text("en"))

    @property
    def case_id(self) -> int | None:
        """The case it is about, where that is known."""
        known = self.facts.get("case_id")
        return known if isinstance(known, int) else None

    def text(self, language: Language = "zh") -> str:
        """The message in one language, its fields filled in."""
        template = self.zh if language == "zh" else self.en
        told = {name: fact.text(language) if isinstance(fact, Words) else fact for name, fact in self.facts.items()}
        return template.format(**told)


@dataclass(frozen=True)
class Fault:
    """One fault in content: what is wrong, how to mend it (in the analyst's words), and where it stands."""

    what: str
    mend: str
    element: str | None = None
    line: int | None = None
    file: str | None = None

    def at(self, file: str) -> Fault:
        """The same fault, placed in a file unless it already names one."""
        return self if self.file else replace(self, file=file)

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.element) if part is not None)
        return f"{place}：{self.what}（{self.mend}）"


class ContentFaults(PortalError):
    """A piece of content (diagram, form, manifest, template, path) is faulty."""

    zh = "内容有误：{summary}"
    en = "The content is faulty: {summary}"

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(summary="；".join(str(fault) for fault in self.faults))
