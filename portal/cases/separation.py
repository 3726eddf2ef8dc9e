"""Which two steps one person may not both do: 承办与复核、拟办与签批分离."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from portal.procedures.manifest import Separation


@dataclass(frozen=True)
class Doers:
    """A case of the family, its procedure and who did which of its elements; what a deputy did, both have done."""

    procedure: str
    did: Callable[[str], set[int]]


@dataclass(frozen=True)
class Done:
    """A step that somebody did: the procedure and the element."""

    procedure: str
    element: str


def conflict(
    rules: Iterable[Separation], element: str, person: int, own: Doers, family: Iterable[Doers]
) -> Done | None:
    """The other step that keeps a person from doing an element, or None.

    `family` are the cases this one is about and those that started them; a rule that names a procedure
    looks only there, one that names none looks in the case itself. A rule binds both ways within a case.
    """
    before = list(family)
    for rule in rules:
        if rule.case is None:
            others: Mapping[str, str] = {rule.first: rule.second, rule.second: rule.first}
            other = others.get(element)
            if other and person in own.did(other):
                return Done(own.procedure, other)
        elif element == rule.first and any(
            person in case.did(rule.second) for case in before if case.procedure == rule.case
        ):
            return Done(rule.case, rule.second)
    return None
