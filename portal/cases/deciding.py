"""Decision tables asked in a case: what each says, and by which of its rules, over the names of the case."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from portal.cases import kept
from portal.cases.live import LiveCase
from portal.cases.names import scope_of
from portal.cases.values import Said
from portal.engine import Place
from portal.feel import Scope
from portal.feel.dmn import Outcome

HOLDS, REASON, TOLD = "holds", "reason", "told"
"""What a table that judges yields: whether it is so, why, and what its party is told in place of why, where that would
speak of others."""
VALUE = "value"
"""What a table yields that gives one thing, or a list."""
DECIDED = "rules.decided"
"""The line of a case's history that says that tables were asked, and vouches for what they said."""
RULES = "rules"
"""Beside what a table yields: the numbers of the rules that decided."""


def decide(case: LiveCase, place: Place) -> dict[str, Any]:
    """What each table that a business rule task asks yields, by its key; ready to be kept as a value."""
    drawn = case.element(place.scope, place.element)
    return {key: kept.keep(_told(_asked(case, place.scope, key))) for key in drawn.decide}


def again(case: LiveCase, said: Said, keys: Iterable[str]) -> dict[str, Any]:
    """What these of the tables that a step has asked before would yield now: a text may have lapsed since."""
    return {key: kept.keep(_told(_asked(case, said.scope, key))) for key in keys}


def reasons(case: LiveCase, scope: str, key: str, name: str, each: Iterable[object]) -> Iterator[str]:
    """What a table gives as `reason` for one after the other, whom it sees under a name; empty where no rule speaks.

    The names of the case are read once for all of them.
    """
    rule, decisions = case.procedure.manifest.decisions[key], case.procedure.decisions[key]
    seen = scope_of(case, scope)
    below: dict[str, object] = _Once(seen.names)
    for one in each:
        laid_over = ChainMap({name: one}, below)
        yield _reason(decisions.evaluate(rule.decision, Scope(names=laid_over, functions=seen.functions)).value)


class _Once(dict[str, object]):
    """Names that are each read once."""

    def __init__(self, names: Mapping[str, object]) -> None:
        super().__init__()
        self._names = names

    def __missing__(self, name: str) -> object:
        self[name] = self._names[name]
        return self[name]


def _reason(value: object) -> str:
    """The reason that a table gave: by itself, among other outputs, or several in a list."""
    match value:
        case str():
            return value.strip()
        case Mapping():
            return _reason(value.get(REASON))
        case list() | tuple():
            return "；".join(dict.fromkeys(filter(None, map(_reason, value))))
    return ""


def _asked(case: LiveCase, scope: str, key: str) -> Outcome:
    rule = case.procedure.manifest.decisions[key]
    return case.procedure.decisions[key].evaluate(rule.decision, scope_of(case, scope))


def _told(outcome: Outcome) -> dict[str, object]:
    value = outcome.value
    yielded = dict(value) if isinstance(value, Mapping) else {VALUE: value}
    return {**yielded, RULES: [matched.number for matched in outcome.matched]}
