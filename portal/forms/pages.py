"""The pages of a form that is filled in step by step: one thing on each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from portal.forms.kinds.filepicker import FilePicker
from portal.forms.tree import Field, Group, Part, fields_of
from portal.forms.views import FieldView, FormView, GroupView


@dataclass(frozen=True)
class Page:
    """Parts of a form that are filled in together, those from `start` to before `end`."""

    name: str
    """That of its first field: it stays when other pages come and go."""
    fields: tuple[Field, ...]
    start: int
    end: int

    def asks(self, name: str) -> bool:
        """Whether an answer of that name belongs here: to a field, or to a cell of a table."""
        return any(belongs(name, field) for field in self.fields)

    def typed(self, answers: Mapping[str, list[str]]) -> dict[str, list[str]]:
        """Those of the answers that belong here but for files; a field without any has an empty one.

        So it can be told from one that nobody has been asked for yet.
        """
        asked = [field for field in self.fields if not isinstance(field.kind, FilePicker)]
        empty: dict[str, list[str]] = {field.name: [] for field in asked if not _is_answered(field, answers)}
        return empty | {name: texts for name, texts in answers.items() if any(belongs(name, field) for field in asked)}

    def is_answered(self, answers: Mapping[str, object]) -> bool:
        """Whether somebody has gone through it, if only to leave it empty."""
        return all(_is_answered(field, answers) for field in self.fields)

    def of(self, view: FormView) -> FormView:
        """What this page shows of the whole form."""
        parts = view.parts[self.start : self.end]
        if len(parts) == 1 and isinstance(parts[0], FieldView):
            # What hangs on its answer is asked on other pages.
            parts = (replace(parts[0], drives=False),)
        return replace(view, parts=parts)

    def is_shown(self, view: FormView) -> bool:
        """Whether it asks anything, as the answers stand."""
        return any(field.visible for field in self.of(view).fields)

    def title(self, view: FormView) -> str:
        """What it is about: the heading of its group, else its first question."""
        shown = self.of(view)
        heading = next((part.label for part in shown.parts if isinstance(part, GroupView) and part.label), "")
        return heading or next(field.label for field in shown.fields if field.visible)


def pages(parts: Sequence[Part]) -> tuple[Page, ...]:
    """The pages of a form: each group is one, fields of the same row of the layout are one, every other field is one.

    A text stands on the page of what follows it; at the end, on the last page.
    """
    found: list[Page] = []
    start = 0
    for at, part in enumerate(parts):
        fields = tuple(fields_of([part]))
        if not fields:
            continue
        if found and found[-1].end == at and _same_row(parts[at - 1], part):
            before = found.pop()
            found.append(replace(before, fields=before.fields + fields, end=at + 1))
        else:
            found.append(Page(fields[0].name, fields, start, at + 1))
        start = at + 1
    if found:
        found.append(replace(found.pop(), end=len(parts)))
    return tuple(found)


def _same_row(one: Part, other: Part) -> bool:
    return bool(one.row) and one.row == other.row and not isinstance(one, Group) and not isinstance(other, Group)


def belongs(name: str, field: Field) -> bool:
    """Whether an answer of that name is one to a field, or to a cell of it."""
    return name == field.name or (bool(field.columns) and name.startswith(f"{field.name}."))


def _is_answered(field: Field, answers: Mapping[str, object]) -> bool:
    return any(belongs(name, field) for name in answers)
