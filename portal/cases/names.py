"""What expressions, forms and letters of a case may speak of, put together when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from portal import feel
from portal.cases.live import LiveCase, served_at
from portal.cases.once import InForce
from portal.cases.onrecord import OnRecord
from portal.cases.registered import Registered
from portal.deadlines.wording import length_text
from portal.procedures.drawing import Element
from portal.procedures.expressions import NAMES, periods
from portal.procedures.functions import FUNCTIONS
from portal.procedures.manifest import Fact
from portal.procedures.regulation import Regulation

# What a case holds is bounded by its forms; a table has up to 2,000 rows, each cell of which costs a step.
_BUDGET = feel.Budget(steps=200_000)


class Names(Mapping[str, object]):
    """The names seen from one scope of a case: its own elements first, then those around it, then the case's."""

    def __init__(self, case: LiveCase, scope: str = "") -> None:
        self.case, self.scope = case, scope

    def __getitem__(self, key: str) -> object:
        for scope in _outward(self.scope):
            drawn = self.case.procedure.drawing_at(scope).elements.get(key)
            if drawn is not None and drawn.yields:
                return element_value(self.case, scope, key)
        if key in _PARTS:
            return _PARTS[key](self.case, self.scope)
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        seen = set(NAMES)
        for scope in _outward(self.scope):
            elements = self.case.procedure.drawing_at(scope).elements.values()
            seen |= {element.id for element in elements if element.yields}
        return iter(sorted(seen))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def scope_of(case: LiveCase, scope: str = "") -> feel.Scope:
    """The FEEL scope at a place of a case, with the portal's own functions."""
    visits = {"visits": lambda name: Decimal(_visits(case, scope, name))}
    return feel.Scope(names=Names(case, scope), functions=functions_of(case.tx, case.published.regulation) | visits)


def scope_before(tx: Session, regulation: Regulation, about: LiveCase | None = None) -> feel.Scope:
    """What a start form may speak of before its case exists: the case it will be about, and the functions."""
    names: Mapping[str, object] = {"about": Names(about)} if about else {}
    return feel.Scope(names=names, functions=functions_of(tx, regulation))


def functions_of(tx: Session, regulation: Regulation) -> dict[str, Callable[..., object]]:
    """The portal's functions that look beyond the case, over one regulation."""
    return {
        "in_force": InForce(tx, regulation.slug),
        "record": OnRecord(tx, regulation),
        "registered": Registered(tx),
    }


def evaluate(case: LiveCase, expression: str, scope: str = "") -> Any:  # noqa: ANN401 - a FEEL value
    """The value of an expression (without its `=`) at a place of a case."""
    return feel.compile(expression, FUNCTIONS).evaluate(scope_of(case, scope), _BUDGET)


def element_value(case: LiveCase, scope: str, key: str) -> object:
    """What was last said at an element, in FEEL's types by the form's schema; None while nothing was."""
    said = case.values.latest(scope, key)
    if said is None:
        return None
    form = form_of(case.procedure.drawing_at(scope).elements[key])
    return case.procedure.forms[form].typed(said.value) if form else said.value


def form_of(element: Element) -> str | None:
    """The form by whose schema an element's values are read."""
    if element.task:
        return element.task.form
    return element.form or (element.message.form if element.message else None)


def facts_of(case: LiveCase) -> dict[str, object]:
    """Every fact of the manifest with its present value; one that `keeps` stays true if it was when filed."""
    return {name: _fact(case, fact) for name, fact in case.procedure.manifest.facts.items()}


def _fact(case: LiveCase, fact: Fact) -> object:
    value = evaluate(case, fact.expression)
    if fact.keeps and value is not True and fact.name in case.facts_kept:
        return True
    return value


def _outward(scope: str) -> Iterator[str]:
    while scope:
        yield scope
        scope = scope.rpartition("/")[0]
    yield ""


def _visits(case: LiveCase, scope: str, name: str) -> int:
    for outer in _outward(scope):
        if name in case.procedure.drawing_at(outer).elements:
            return case.visits(outer, name)
    return 0


def _case(case: LiveCase, scope: str) -> object:
    row = case.row
    return {"number": row.number, "title": row.title, "filed_at": row.filed_at, "outcome": row.outcome}


def _party(case: LiveCase, scope: str) -> object:
    party = case.party
    return {"name": party.name, "uscc": party.uscc, "district": party.district} if party else None


def _about(case: LiveCase, scope: str) -> object:
    return Names(case.about) if case.about else None


def _deadlines(case: LiveCase, scope: str) -> object:
    return {
        name: {
            "started": deadline.started_at,
            "due": deadline.due,
            "last_day": deadline.last_day,
            "state": deadline.state,
        }
        for name, deadline in case.deadlines.items()
    }


def _documents(case: LiveCase, scope: str) -> object:
    return {
        name: {
            "number": letter.number,
            "title": letter.title,
            "issued_at": letter.issued_at,
            "served_at": served_at(letter),
        }
        for name, letter in case.letters.items()
    }


def _periods(case: LiveCase, scope: str) -> object:
    """The lengths of its deadlines in words, and of those of the procedures it is put together with."""
    return {name: length_text(rule.length) for name, rule in periods(case.procedure, case.published.procedures).items()}


def _given(case: LiveCase, scope: str) -> object:
    return dict(case.procedure.manifest.given)


def _facts(case: LiveCase, scope: str) -> object:
    return facts_of(case)


_PARTS: Mapping[str, Callable[[LiveCase, str], object]] = {
    "case": _case,
    "party": _party,
    "about": _about,
    "deadlines": _deadlines,
    "documents": _documents,
    "periods": _periods,
    "with": _given,
    "facts": _facts,
}
