"""What diagrams may do when a filing is accepted: bind the case to the text in force on that day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from portal.cases.act import Act
from portal.cases.errors import StepFailed
from portal.cases.kernel import Action
from portal.cases.live import LiveCase
from portal.cases.values import digest
from portal.clock import day_of
from portal.engine import Place
from portal.procedures import validity
from portal.procedures.actions import ActionRule

BOUND = "case.bound"
"""The line of a case's history that says it was bound anew; it vouches for the text as the first line does."""


def bind(act: Act, case: LiveCase, place: Place, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Binds the case to the text in force on a day, that of its acceptance, which need not be the day it was filed.

    Yields `number` of the text; where none was in force the case keeps the text it began under, and `number` is empty.
    """
    on = inputs["on"]
    if not isinstance(on, date):
        raise StepFailed(reason="受理之日没有内容，不能确定适用的文本。")
    day = day_of(on) if isinstance(on, datetime) else on
    text = validity.in_force(act.tx, case.published.regulation, day)
    if text is None:
        return {"number": None}
    written = text.written()
    if written != case.row.instrument:
        case.row.instrument = written
        act.note(case, BOUND, place.element, number=text.number, day=day.isoformat(), instrument=digest(written))
    return {"number": text.number}


ACTIONS: Mapping[str, Action] = {
    "instrument.bind": Action(ActionRule(frozenset({"on"}), yields=frozenset({"number"})), bind)
}
"""What `portal.cases.actions` adds to its table."""
