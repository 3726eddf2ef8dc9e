"""How answers travel: posted names, nested values, and what is said about a wrong one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from portal.errors import Language

REFRESH = "_refresh"
"""Posted by the button 更新表单 and by htmx: show the form again for these answers, store nothing."""
UPLOAD = "_upload."
"""Begins the name under which a browser sends new files of a file field; the rest is the field's name."""
PRESSED = "_table"
"""Posted by a button of a table; its value is the table's name, what to do, and perhaps a row: `units.remove.3`."""
ROWS = "rows"
"""Ends the name under which a page posts all rows of a long table, as JSON: `units.rows`."""
SHEET = "file"
"""Ends the name under which a browser sends a sheet to be imported into a table: `units.file`."""
_PAGE_NAMES = frozenset({"csrf_token"})


@dataclass(frozen=True)
class Option:
    """One thing to choose: what is stored, and what is read."""

    value: str
    label: str


Choices = Mapping[str, Sequence[Option]]
"""For fields whose options the caller knows (organisations, uploaded files): field name to options."""


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one answer and what to do; `{label}` stands where the field's label goes, `{beginning}` where
    of a label that is a whole sentence the first words do."""

    zh: str
    en: str

    def about(self, label: str) -> FieldError:
        """The same with the field's label in its place."""
        beginning = label if len(label) <= _LABEL else f"{label[:_LABEL]}…"
        zh, en = (text.replace("{label}", label).replace("{beginning}", beginning) for text in (self.zh, self.en))
        return FieldError(zh, en)

    def after(self, before: FieldError | None) -> FieldError:
        """The same behind what else is wrong with the answer: of two files both are told."""
        return FieldError(before.zh + self.zh, f"{before.en} {self.en}") if before is not None else self

    def alone(self) -> FieldError:
        """The same to stand behind the label, in a cell of a table: `不能小于…`, `请填写`."""
        return FieldError(_alone(self.zh, _ZH), _alone(self.en, _EN))

    def text(self, language: Language = "zh") -> str:
        """The message in one language."""
        return self.zh if language == "zh" else self.en


_LABEL = 20
_ZH = (("{label}：", ""), ("{label}的", "这一格的"), ("{label}里", "这一格里"), ("请填写{label}", "请填写"),
       ("请选择{label}", "请选择"), ("{label}", ""))  # fmt: skip
_EN = (
    ("“{label}”: ", ""),
    ("“{label}” ", ""),
    ("Enter “{label}”", "enter a value"),
    ("Choose “{label}”", "choose one"),
)


def _alone(text: str, openings: tuple[tuple[str, str], ...]) -> str:
    text = text.replace("{beginning}", "{label}")
    for opening, instead in openings:
        if text.startswith(opening):
            text = instead + text.removeprefix(opening)
            break
    return text.replace("“{label}”", "this cell").replace("{label}", "这一格")


class Refused(Exception):
    """An answer that cannot be read as its field's kind."""

    def __init__(self, zh: str, en: str) -> None:
        self.error = FieldError(zh, en)
        super().__init__(en)


def posted(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The answers in a browser's post; the page's own names (`csrf_token`, `_…`) are left out."""
    answers: dict[str, list[str]] = {}
    for name, text in pairs:
        if name not in _PAGE_NAMES and not name.startswith("_"):
            answers.setdefault(name, []).append(text)
    return answers


def flat(answers: Mapping[str, object], groups: frozenset[str]) -> Iterator[tuple[str, object]]:
    """Name and answer, those inside a group (`{"unit": {"uscc": …}}`) under their dotted name."""
    for name, answer in answers.items():
        if name in groups and isinstance(answer, Mapping):
            inner = {f"{name}.{key}": value for key, value in answer.items()}
            yield from flat(inner, groups)
        else:
            yield name, answer


def nested(values: Mapping[str, object]) -> dict[str, object]:
    """The reverse of `flat`: dotted names become nested objects."""
    tree: dict[str, object] = {}
    for name, value in values.items():
        *groups, key = name.split(".")
        place = tree
        for group in groups:
            inner = place.setdefault(group, {})
            assert isinstance(inner, dict)
            place = inner
        place[key] = value
    return tree
