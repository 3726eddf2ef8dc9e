"""What expressions, forms and letters of a case may speak of, put together when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from portal import feel
from portal.cases import kept, scopes
from portal.cases.binding import bound_to
from portal.cases.filers import name_of
from portal.cases.inforce import InForceOn
from portal.cases.live import LiveCase, served_at
from portal.cases.material import FileHash, HandedInBefore, materials_of
from portal.cases.objected import Objections, objected_to
from portal.cases.once import InForce
from portal.cases.onrecord import OnRecord
from portal.cases.registered import Registered
from portal.cases.seated import Seated
from portal.cases.values import Said
from portal.cases.workdays import WorkingDays
from portal.deadlines.wording import length_text
from portal.engine import Place
from portal.errors import Language
from portal.forms import Form, opened
from portal.procedures.drawing import Element
from portal.procedures.expressions import NAMES, periods
from portal.procedures.functions import FUNCTIONS
from portal.procedures.manifest import Fact
from portal.procedures.regulation import Regulation

OUTCOME = "outcome"
"""The name of the end event that a call activity, a subprocess or an instance reached."""

# What a case holds is bounded by its forms; a table has up to 2,000 rows, each cell of which costs a step.
_BUDGET = feel.Budget(steps=200_000)


class Names(Mapping[str, object]):
    """The names seen from one scope of a case: its own elements first, then those around it, then the case's."""

    def __init__(self, case: LiveCase, scope: str = "") -> None:
        self.case, self.scope = case, scope

    def __getitem__(self, key: str) -> object:
        for scope in scopes.outward(self.scope):
            if scope and key == _about_name(self.case, scope):
                return self.case.manys.about(scopes.opened_by(scope))
            drawn = self.case.procedure.inside(scope).get(key)
            if drawn is not None and drawn.yields:
                return element_value(self.case, scope, key)
        if key in _PARTS:
            return _PARTS[key](self.case, self.scope)
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        seen = set(NAMES)
        for scope in scopes.outward(self.scope):
            seen |= {element.id for element in self.case.procedure.inside(scope).values() if element.yields}
            about = _about_name(self.case, scope) if scope else None
            seen |= {about} if about else set()
        return iter(sorted(seen))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def seen_from(case: LiveCase, scope: str, key: str) -> tuple[str, Element] | None:
    """The element that a name means at a place, nearest first, with its scope; None where no element is meant."""
    for outer in scopes.outward(scope):
        drawn = case.procedure.inside(outer).get(key)
        if drawn is not None and drawn.yields:
            return outer, drawn
    return None


class Inside(Mapping[str, object]):
    """What is known of a call activity, or of one instance of many, from outside: its outcome, what the instance is
    about, and what was said at the elements in it."""

    def __init__(self, case: LiveCase, place: Place) -> None:
        self._case, self._place, self._scope = case, place, scopes.within(place)

    def __getitem__(self, key: str) -> object:
        if key == OUTCOME:
            said = self._case.values.at(self._place)
            return said.value.get(OUTCOME) if said else None
        if key == _about_name(self._case, self._scope):
            return self._case.manys.about(self._place)
        drawn = self._case.procedure.inside(self._scope).get(key)
        if drawn is None or not drawn.yields:
            raise KeyError(key)
        return element_value(self._case, self._scope, key)

    def __iter__(self) -> Iterator[str]:
        about = _about_name(self._case, self._scope)
        yield from (OUTCOME, about) if about else (OUTCOME,)
        yield from (key for key, drawn in self._case.procedure.inside(self._scope).items() if drawn.yields)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _about_name(case: LiveCase, scope: str) -> str | None:
    """What an instance of many calls the thing it is about; None for a scope that is no instance."""
    place = scopes.opened_by(scope)
    each = case.element(place.scope, place.element).each if place.item else None
    return each.name if each else None


def scope_of(case: LiveCase, scope: str = "") -> feel.Scope:
    """The FEEL scope at a place of a case, with the portal's own functions."""
    own: dict[str, Callable[..., object]] = {
        "visits": lambda name: Decimal(_visits(case, scope, name)),
        "handed_in_before": HandedInBefore(case.tx, case),
        "file_hash": FileHash(case.tx),
        "objections": Objections(case),
        "earlier_objections": Objections(case).earlier,
        "seated": Seated(case.tx, case.id, case.published.regulation),
    }
    return feel.Scope(names=Names(case, scope), functions=functions_of(case.tx, case.published.regulation) | own)


def scope_before(tx: Session, regulation: Regulation, about: LiveCase | None = None) -> feel.Scope:
    """What a start form may speak of before its case exists: the case it will be about, and the functions."""
    names: Mapping[str, object] = {"about": Names(about)} if about else {}
    return feel.Scope(names=names, functions=functions_of(tx, regulation))


def functions_of(tx: Session, regulation: Regulation) -> dict[str, Callable[..., object]]:
    """The portal's functions that look beyond the case, over one regulation."""
    return {
        "in_force": InForce(tx, regulation.slug),
        "in_force_on": InForceOn(tx, regulation),
        "record": OnRecord(tx, regulation),
        "registered": Registered(tx),
        "working days": WorkingDays(tx),
    }


def evaluate(case: LiveCase, expression: str, scope: str = "") -> Any:  # noqa: ANN401 - a FEEL value
    """The value of an expression (without its `=`) at a place of a case."""
    return feel.compile(expression, FUNCTIONS).evaluate(scope_of(case, scope), _BUDGET)


def element_value(case: LiveCase, scope: str, key: str) -> object:
    """What was last said at an element, in FEEL's types by the form's schema; None while nothing was.

    Of a multi-instance element a list, in the order of its instances at the latest visit; of a call activity, and
    of an instance that holds others, what is inside.
    """
    drawn = case.element(scope, key)
    if drawn.each is not None:
        return [_instance(case, drawn, place) for place in case.manys.latest(scope, key)]
    if drawn.kind == "callActivity":
        visit = case.values.last_visit(scope, key)
        return Inside(case, Place(scope, key, visit)) if visit else None
    return _typed(case, drawn, case.values.latest(scope, key))


def _instance(case: LiveCase, drawn: Element, place: Place) -> object:
    return _typed(case, drawn, case.values.at(place)) if drawn.task else Inside(case, place)


def _typed(case: LiveCase, drawn: Element, said: Said | None) -> object:
    if said is None:
        return None
    form = form_of(drawn)
    return case.procedure.forms[form].typed(said.value) if form else kept.read(said.value)


def form_at(case: LiveCase, scope: str, name: str, language: Language = "zh") -> Form:
    """A form as it is filled in at a place of a case: with the items of a correction that are open there."""
    form = case.procedure.forms[name]
    return form if form.corrections is None else opened(form, scope_of(case, scope), language)


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


def _visits(case: LiveCase, scope: str, name: str) -> int:
    for outer in scopes.outward(scope):
        if name in case.procedure.inside(outer):
            return case.visits(outer, name)
    return 0


def _case(case: LiveCase, scope: str) -> object:
    row = case.row
    return {"number": row.number, "title": row.title, "filed_at": row.filed_at, "outcome": row.outcome}


def _party(case: LiveCase, scope: str) -> object:
    party = case.party
    if party is None:
        name = name_of(case)
        return {"name": name, "uscc": None, "district": None, "kinds": []} if name is not None else None
    return {"name": party.name, "uscc": party.uscc, "district": party.district, "kinds": party.kinds}


def _about(case: LiveCase, scope: str) -> object:
    return Names(case.about) if case.about else None


def _publication(case: LiveCase, scope: str) -> object:
    """The publicity during which it was filed, as it stands now."""
    shown = objected_to(case)
    if shown is None:
        return None
    return {
        "title": shown.title,
        "opened_at": shown.opened_at,
        "closed_at": shown.closed_at,
        "result": shown.result,
    }


def _instrument(case: LiveCase, scope: str) -> object:
    text = bound_to(case.row, case.published.regulation)
    return {
        "number": text.number,
        "title": text.title,
        "in_force": text.in_force,
        "last_day": text.last_day,
        "assumed": text.assumed,
    }


def _deadlines(case: LiveCase, scope: str) -> object:
    return {
        name: {
            "started": deadline.started_at,
            "due": deadline.ends,
            "last_day": deadline.last,
            "state": deadline.state,
        }
        for name, deadline in case.deadlines_at(scope).items()
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
    "materials": lambda case, scope: materials_of(case),
    "about": _about,
    "publication": _publication,
    "instrument": _instrument,
    "deadlines": _deadlines,
    "documents": _documents,
    "periods": _periods,
    "with": _given,
    "facts": _facts,
}
