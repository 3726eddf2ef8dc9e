"""What was said in a case: the values of its elements, all kept, the latest seen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from sqlalchemy import bindparam, case, func, select
from sqlalchemy.orm import Session

from portal.cases import scopes
from portal.cases.models import ActRecord, CaseValue
from portal.clock import TZ
from portal.engine import Place


def plain(value: object) -> Any:  # noqa: ANN401 - JSON
    """A FEEL value as JSON: numbers as plain decimals, dates and moments in ISO form."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.astimezone(TZ).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return value


def digest(value: Any) -> str:  # noqa: ANN401 - JSON
    """SHA-256 of a value, kept in the chained history so that a changed value shows."""
    return hashlib.sha256(canonical(value)).hexdigest()


def canonical(value: Any) -> bytes:  # noqa: ANN401 - JSON
    """JSON in one form only: keys sorted, no blanks, UTF-8."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Said:
    """One value: where, by whom, in which act; `for_id` is for whom a deputy said it."""

    scope: str
    element: str
    visit: int
    item: int
    person_id: int | None
    act_id: int
    for_id: int | None
    read: Callable[[Said], Any] = field(repr=False, compare=False)
    """How its value is come by: that of an earlier visit is read only where somebody wants it."""

    @property
    def value(self) -> Any:  # noqa: ANN401 - JSON
        """What was said."""
        return self.read(self)

    def saying(self, value: Any) -> Said:  # noqa: ANN401 - JSON
        """The same with another value."""
        return replace(self, read=_known(value))

    @property
    def place(self) -> Place:
        """Where it was said."""
        return Place(self.scope, self.element, self.visit, self.item)

    @property
    def inside(self) -> str:
        """The scope from which the expressions of its form see the case."""
        return scopes.seen_from(self.place)


_PLACE = (CaseValue.scope, CaseValue.element, CaseValue.visit, CaseValue.item, CaseValue.act_id)
# Expressions see the latest visit, so a case that goes round and round is opened as quickly as at first.
_IS_LATEST = CaseValue.visit == func.max(CaseValue.visit).over(partition_by=(CaseValue.scope, CaseValue.element))
# Put together once: that takes longer than to ask.
_LATEST = (
    select(*_PLACE, CaseValue.person_id, ActRecord.for_id, _IS_LATEST, case((_IS_LATEST, CaseValue.value)))
    .join(ActRecord, ActRecord.id == CaseValue.act_id)
    .where(CaseValue.case_id == bindparam("case"))
    .order_by(CaseValue.act_id, CaseValue.visit, CaseValue.item)
)


def _known(value: Any) -> Callable[[Said], Any]:  # noqa: ANN401 - JSON
    return lambda _said: value


class Values:
    """The values of one case."""

    def __init__(self, tx: Session, case_id: int) -> None:
        self._tx, self._case_id = tx, case_id
        rows = tx.execute(_LATEST, {"case": case_id})
        self.all = [
            Said(scope, element, visit, item, person_id, act_id, for_id, _known(value) if latest else self._earlier)
            for scope, element, visit, item, act_id, person_id, for_id, latest, value in rows
        ]

    def _earlier(self, said: Said) -> Any:  # noqa: ANN401 - JSON
        return self._everything[said.scope, said.element, said.visit, said.item, said.act_id]

    @cached_property
    def _everything(self) -> dict[tuple[str, str, int, int, int], Any]:
        rows = self._tx.execute(select(*_PLACE, CaseValue.value).where(CaseValue.case_id == self._case_id))
        return {(scope, element, visit, item, act_id): value for scope, element, visit, item, act_id, value in rows}

    def latest(self, scope: str, element: str) -> Said | None:
        """What was said last at an element of a scope."""
        found = (said for said in reversed(self.all) if (said.scope, said.element) == (scope, element))
        return next(found, None)

    def at(self, place: Place) -> Said | None:
        """What was said last at one visit of an element, or at one instance of many."""
        return next((said for said in reversed(self.all) if said.place == place), None)

    def last_visit(self, scope: str, element: str) -> int:
        """The latest visit of an element at which, or inside which, anything was said; 0 when nothing was."""
        within = f"{scope}/{element}:".removeprefix("/")
        at = (said.visit for said in self.all if (said.scope, said.element) == (scope, element))
        # `seat:2.1/opinion`: the second visit of the many `seat`.
        inner = (said.scope.removeprefix(within) for said in self.all if said.scope.startswith(within))
        return max((*at, *(int(rest.split("/")[0].split(".")[0]) for rest in inner)), default=0)

    def persons(self, element: str) -> set[int]:
        """Who said anything at an element, in whatever scope and visit, and for whom deputies did."""
        here = [said for said in self.all if said.element == element]
        return {person for said in here for person in (said.person_id, said.for_id) if person is not None}

    def write(
        self, place: Place, act_id: int, person_id: int | None, value: Mapping[str, Any], for_id: int | None = None
    ) -> None:
        """Adds a value; `for_id` is that of its act."""
        kept = dict(value)
        at = (place.scope, place.element, place.visit, place.item)
        self.all.append(Said(*at, person_id, act_id, for_id, _known(kept)))
        self._tx.add(
            CaseValue(
                case_id=self._case_id,
                act_id=act_id,
                scope=place.scope,
                element=place.element,
                visit=place.visit,
                item=place.item,
                person_id=person_id,
                value=kept,
            )
        )
