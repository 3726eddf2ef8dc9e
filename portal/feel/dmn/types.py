"""The types that a decision's inputs and outputs are declared to have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from portal.feel.expression import Expression
from portal.feel.syntax import QUESTION
from portal.feel.values import elements, kind, member, plain
from portal.feel.walker import Walker

# What DMN calls a type, in its own words and in those of its editors -> the kind of value.
BASIC: Mapping[str, str | None] = {
    "Any": None,
    "string": "text",
    "number": "number",
    "boolean": "boolean",
    "date": "date",
    "time": "time",
    "date and time": "moment",
    "dateTime": "moment",
    "days and time duration": "span",
    "dayTimeDuration": "span",
    "years and months duration": "months",
    "yearMonthDuration": "months",
    "context": "context",
}


@dataclass(frozen=True)
class Type:
    """What a value must be: of a kind (None: any), perhaps one that tests allow, with entries, or a list of such."""

    kind: str | None = None
    allowed: Expression | None = None
    entries: Mapping[str, Type] | None = None
    many: bool = False

    @property
    def one(self) -> Type:
        """The type of a single value where it is that of a list."""
        return replace(self, many=False)


ANY = Type()


def conform(value: object, wanted: Type, walker: Walker) -> object:
    """The value where it is of a type, else null. A single value stands for a list of one, and the other way round."""
    if value is None:
        return None
    if wanted.many:
        found = [conform(one, wanted.one, walker) for one in elements(value, walker.meter)]
        return None if any(one is None for one in found) else found
    if isinstance(value, list | tuple) and wanted.kind not in (None, "list"):
        return conform(plain(value[0]), wanted, walker) if len(value) == 1 else None
    if wanted.kind is not None and kind(value) != wanted.kind:
        return None
    if wanted.entries is not None:
        value = _entries(value, wanted.entries, walker)
    return value if value is not None and is_allowed(value, wanted, walker) else None


def _entries(value: object, wanted: Mapping[str, Type], walker: Walker) -> object:
    if not isinstance(value, Mapping):
        return None
    found = dict(value)
    for name, entry in wanted.items():
        given = member(value, name)
        found[name] = conform(given, entry, walker)
        if given is not None and found[name] is None:
            return None
    return found


def is_allowed(value: object, wanted: Type, walker: Walker) -> bool:
    """Whether a value passes the tests of its type."""
    return wanted.allowed is None or walker.value(wanted.allowed.node, {QUESTION: value}) is True
