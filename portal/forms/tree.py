"""The parts of a form as read: fields, groups and texts, each with the conditions that hide it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from portal.feel import Scope
from portal.forms.expressions import Wording, Written, value
from portal.forms.kinds.base import Answered


@dataclass(frozen=True)
class Part:
    """Anything in a form; `hidden_when` holds its own condition and those of the groups around it."""

    place: str
    hidden_when: tuple[Written, ...]
    row: str = field(default="", kw_only=True)
    """The row of the analyst's layout in which it stands; empty when it says nothing of rows."""

    def visible(self, scope: Scope) -> bool:
        """Whether no condition hides it; one that is null hides nothing (FEEL: only `true` is true)."""
        return not any(value(condition, scope) is True for condition in self.hidden_when)


@dataclass(frozen=True)
class Beside:
    """Something said elsewhere in the case: who said what, and the expression that gives it."""

    label: Wording
    said: Written


@dataclass(frozen=True)
class Field(Part):
    """A question; `name` is its key, after the paths of the groups it stands in: `unit.uscc`."""

    name: str
    kind_name: str
    kind: Answered
    label: Wording
    hint: Wording | None
    prefill: Written | None
    refuse: Written | None
    """A condition under which a given answer is refused, over all answers and the case; `refusal` says why."""
    refusal: Wording | None
    default: object
    """The literal used when the prefill gives nothing; JSON-safe, or None."""
    options: Written | None
    """What gives the options of a field that lets one choose, where they are not fixed."""
    beside: tuple[Beside, ...] = ()
    """What others said that bears on this answer, shown beside it."""
    columns: tuple[Field, ...] = ()
    """What is asked in each row of a table; the name of a column is its key alone, and its rule sees the row first."""
    items: Written | None = None
    """What gives the items of a correction that are open, where they are answered or judged."""

    @property
    def path(self) -> tuple[str, ...]:
        """The name, part by part."""
        return tuple(self.name.split("."))


@dataclass(frozen=True)
class Group(Part):
    """Parts under one heading; `name` is the dotted path under which their answers stand."""

    name: str
    label: Wording | None
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Static(Part):
    """A text that asks nothing."""

    text: Wording


def fields_of(parts: Iterable[Part]) -> Iterator[Field]:
    """All fields, depth first."""
    for part in parts:
        if isinstance(part, Field):
            yield part
        elif isinstance(part, Group):
            yield from fields_of(part.parts)


def groups_of(parts: Iterable[Part]) -> Iterator[str]:
    """The names of all groups that have a path."""
    for part in parts:
        if isinstance(part, Group):
            if part.name:
                yield part.name
            yield from groups_of(part.parts)


def drivers(written: Iterable[Written], fields: Iterable[Field]) -> tuple[Field, ...]:
    """The fields whose answers some expressions see; a path to a group sees all fields in it."""
    paths = {path for one in written for path in one.expression.paths | one.expression.loose}
    return tuple(field for field in fields if any(_touches(path, field.path) for path in paths))


def _touches(path: tuple[str, ...], field: tuple[str, ...]) -> bool:
    shorter = min(len(path), len(field))
    return path[:shorter] == field[:shorter]
