"""What diagrams may do when a filing is accepted: bind the case to the text in force on that day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from portal.cases.act import Act
from portal.cases.errors import Refused, StepFailed
from portal.cases.kernel import Action
from portal.cases.live import LiveCase
from portal.cases.values import digest
from portal.clock import day_of, start_of
from portal.engine import Place
from portal.procedures import validity
from portal.procedures.actions import ActionRule

ACCEPTED = "accepted"
"""The event from which the authority's periods run: on the day on which the complete material was there."""
BOUND = "case.bound"
"""The line of a case's history that says it was bound anew; it vouches for the text as the first line does."""


class NothingInForce(Refused):
    """Somebody accepts a filing whose day of acceptance no text governs."""

    zh = (
        "受理之日（{day}）《{title}》（{number}）没有有效的文本：有效期已过而没有录入续期，或者续期已经撤回。"
        "不能受理；认为应当受理的，请管理员录入续期文件后再办。"
    )
    en = (
        "On the day of acceptance ({day}) no text of “{title}” ({number}) is in force: it has lapsed and no renewal "
        "was entered, or that was revoked. It cannot be accepted unless an administrator enters a renewal first."
    )


def bind(act: Act, case: LiveCase, place: Place, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Binds the case to the text in force on a day, that of its acceptance, which need not be the day it was filed.

    The periods that begin with the acceptance run from that day. Yields `number` of the text. Refused where none was in
    force, so that nothing is accepted under a text that has lapsed.
    """
    on = inputs["on"]
    if not isinstance(on, date):
        raise StepFailed(reason="受理之日没有内容，不能确定适用的文本。")
    day = day_of(on) if isinstance(on, datetime) else on
    regulation = case.published.regulation
    text = validity.in_force(act.tx, regulation, day)
    if text is None:
        raise NothingInForce(title=regulation.title, number=regulation.number, day=validity.in_words(day))
    act.happened(case, ACCEPTED, on if isinstance(on, datetime) else start_of(day))
    written = text.written()
    if written != case.row.instrument:
        case.row.instrument = written
        act.note(case, BOUND, place.element, number=text.number, day=day.isoformat(), instrument=digest(written))
    return {"number": text.number}


ACTIONS: Mapping[str, Action] = {
    "instrument.bind": Action(ActionRule(frozenset({"on"}), yields=frozenset({"number"})), bind)
}
"""What `portal.cases.actions` adds to its table."""
