"""The items of a correction as a form lays them out: what each asks, and what was said before and after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from portal.feel import Scope
from portal.forms.answers import Option, flat
from portal.forms.expressions import plain_answer
from portal.forms.kinds.corrections import OTHER
from portal.forms.tree import Field, Group, Part, drivers, fields_of


@dataclass(frozen=True)
class Asked:
    """One item: its number, what it is about, and what has been said of it so far.

    `before` and `after` hold JSON-safe values by the name of the field, of those that were answered.
    """

    no: int
    about: str
    label: str
    ask: str
    why: str = ""
    note: str = ""
    result: str = ""
    before: Mapping[str, object] = field(default_factory=dict)
    after: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Item(Group):
    """An item with the questions that are put about it; `part` is that of the correction."""

    asked: Asked
    part: str


def asked_in(value: object, groups: frozenset[str]) -> tuple[Asked, ...]:
    """The items in a stored value, or in what an expression gave; what is no item is left out."""
    found: dict[int, Asked] = {}
    for one in value if isinstance(value, list | tuple) else ():
        item = plain_answer(one)
        if not isinstance(item, Mapping) or not str(item.get("no", "")).isdecimal():
            continue
        words = {name: str(item.get(name) or "") for name in ("about", "label", "ask", "why", "note", "result")}
        before, after = (_side(item.get(side), words["about"], groups) for side in ("before", "after"))
        number = int(str(item["no"]))
        found.setdefault(number, Asked(number, **words, before=before, after=after))
    return tuple(found[number] for number in sorted(found))


def _side(value: object, about: str, groups: frozenset[str]) -> dict[str, object]:
    """What an item holds of one side, by field; of one field alone it holds the value itself."""
    if isinstance(value, Mapping):
        return {name: part for name, part in flat(value, groups) if part is not None}
    return {} if value is None else {about: value}


def about_options(parts: Sequence[Part], scope: Scope, shown: frozenset[str]) -> tuple[Option, ...]:
    """What an item can be about: the headings and the questions that are shown, and whatever belongs to none."""
    found = list(_options(parts, scope, shown))
    labels = [option.label for option in found]
    told = [
        Option(option.value, f"{option.label}（{option.value}）" if labels.count(option.label) > 1 else option.label)
        for option in found
    ]
    return (*told, Option(OTHER, OTHER))


def _options(parts: Iterable[Part], scope: Scope, shown: frozenset[str]) -> Iterable[Option]:
    for part in parts:
        if isinstance(part, Field) and part.name in shown:
            yield Option(part.name, part.label.render(scope))
        elif isinstance(part, Group):
            inside = [field for field in fields_of(part.parts) if field.name in shown]
            if part.label is not None and len(inside) > 1:
                yield Option(group_id(part), f"{part.label.render(scope)}（整组）")
            yield from _options(part.parts, scope, shown)


def group_id(group: Group) -> str:
    """By what an item names a group: its path, or where it stands."""
    return group.name or group.place


def named(parts: Iterable[Part], about: str) -> tuple[Field, ...]:
    """The fields that an item is about: one, those of a group, or none."""
    for part in parts:
        if isinstance(part, Field) and part.name == about:
            return (part,)
        if isinstance(part, Group):
            found = tuple(fields_of(part.parts)) if group_id(part) == about else named(part.parts, about)
            if found:
                return found
    return ()


def hanging(fields: Sequence[Field], on: Sequence[Field], but: frozenset[str]) -> tuple[Field, ...]:
    """The fields that others bring into view, step by step, without those named in `but`."""
    found = list(on)
    for one in found:  # grows while it is gone through
        for other in fields:
            known = other in found or other.name in but
            if not known and one in drivers(other.hidden_when, fields):
                found.append(other)
    return tuple(found[len(on) :])
