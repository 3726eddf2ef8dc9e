"""What is known of a value before there is any case: its kind, what it can be, and what stands under it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from portal.procedures.spelling import meant

Path = tuple[str, ...]

NUMBER, TEXT, FLAG, DATE, MOMENT, LIST, RECORD = "数字", "文字", "是否", "日期", "时刻", "列表", "一组值"
TIME, SPAN, MONTHS, RANGE = "一天中的时间", "天时长度", "年月长度", "范围"
_DAY_PARTS = frozenset({"year", "month", "day", "weekday"})
PARTS = {DATE: _DAY_PARTS, MOMENT: _DAY_PARTS | {"hour", "minute", "second"}}
# The kinds under which nothing stands.
_SINGLE = frozenset({NUMBER, TEXT, FLAG, DATE, MOMENT})

KIND_OF = {
    "number": NUMBER,
    "text": TEXT,
    "boolean": FLAG,
    "date": DATE,
    "moment": MOMENT,
    "time": TIME,
    "span": SPAN,
    "months": MONTHS,
    "range": RANGE,
    "list": LIST,
    "context": RECORD,
}
"""What FEEL calls a kind -> what people do."""


@dataclass(frozen=True)
class Value:
    """What is known of a value: its kind, and the texts that it can be (None: not known).

    `of` is each element of a list, `parts` what stands under the names of a group. Of one element or several, which
    cannot be told, the kind is not known and the rest is that of the element.
    """

    kind: str | None = None
    options: frozenset[str] | None = None
    of: Value | None = None
    parts: Columns | None = None

    @property
    def columns(self) -> Columns | None:
        """What the rows of a list have."""
        return self.of.parts if self.of is not None else None


Columns: TypeAlias = "Mapping[str, Value]"
"""The columns of a table, each with what is known of its cells."""


@dataclass(frozen=True)
class Unknown:
    """A name that nothing stands behind: what is wrong, and how to mend it."""

    what: str
    mend: str


Found: TypeAlias = Value | Unknown | None
"""None: what would tell could not be read, so nothing is said."""

ANY = Value()


def table_of(columns: Columns) -> Value:
    """A list of rows."""
    return Value(LIST, of=Value(RECORD, parts=columns))


def step(value: Value, key: str, name: str) -> Value | Unknown:
    """What stands under a name of a value (itself called `name`); of a list, what stands so in each element."""
    if value.kind == LIST:
        found = step(value.of or ANY, key, name)
        if isinstance(found, Unknown):
            return found if value.columns is not None else _ends(name, LIST, key)
        return Value(LIST, of=found)
    if value.parts is not None:
        missing = Unknown(f"“{name}”没有“{key}”", nearest(key, value.parts))
        return value.parts.get(key, missing) if value.kind is not None else _loosely(value.parts.get(key), missing)
    if key in PARTS.get(value.kind or "", ()):
        return Value(NUMBER)
    return _ends(name, value.kind, key) if value.kind in _SINGLE else ANY


def _ends(name: str, kind: str | None, key: str) -> Unknown:
    """Nothing stands under a value."""
    return Unknown(f"“{name}”是{kind}，没有“{key}”", f"写到“{name}”为止")


def leaf(name: str, rest: Path, known: Iterable[str], value: Value) -> Found:
    """What stands behind a path into something called `name`, whose first part is one of those known there."""
    if rest[0] not in set(known):
        return Unknown(f"“{name}”没有“{rest[0]}”", nearest(rest[0], known))
    return deeper((name, rest[0]), rest[1:], value)


def deeper(path: Path, rest: Path, value: Value) -> Found:
    """What stands behind a path that goes on beyond a value."""
    for place, key in enumerate(rest):
        name = ".".join((*path, *rest[:place]))
        if value == ANY or value == Value(RECORD):
            return None
        if value == Value(LIST):
            return _ends(name, LIST, key)
        found = step(value, key, name)
        if isinstance(found, Unknown):
            return found
        value = found
    return value


def _loosely(found: Value | None, missing: Unknown) -> Value | Unknown:
    return missing if found is None else either(found)


def either(element: Value) -> Value:
    """One element, or several of the same."""
    return replace(element, kind=None) if element.kind != LIST else ANY


def common(first: Value, second: Value) -> Value:
    """What is known of a value that is one of two."""
    if first == second:
        return first
    options = first.options | second.options if first.options is not None and second.options is not None else None
    return Value(first.kind, options) if first.kind == second.kind else ANY


def nearest(name: str, known: Iterable[str]) -> str:
    """How to mend a name that is not known: the nearest one, and what else there is."""
    names = sorted(set(known))
    return meant(name, names) + (f"可用：{'、'.join(names)}" if names else "此处没有可用的名称")
