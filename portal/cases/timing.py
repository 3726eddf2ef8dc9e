"""What diagrams do to clocks: starting one that no event starts, stopping and restarting one, giving it more time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.cases import extending, lengths
from portal.cases.act import Act
from portal.cases.errors import Refused, StepFailed
from portal.cases.extending import ExtensionReason
from portal.cases.kernel import Action
from portal.cases.live import LiveCase
from portal.clock import day_of
from portal.deadlines import adjusting
from portal.deadlines import service as deadlines
from portal.deadlines.models import Deadline
from portal.deadlines.rules import DeadlineRule, Length
from portal.deadlines.scopes import newest
from portal.engine import Place
from portal.procedures.actions import ActionRule

SUSPENDED = "suspended"
"""What a clock stands for that the diagram has stopped."""

Inputs = Mapping[str, Any]


def start(act: Act, case: LiveCase, place: Place, inputs: Inputs) -> None:
    """Starts a deadline now, in the scope of the step; one that runs there already is dropped."""
    rule = case.procedure.manifest.deadlines[inputs["deadline"]]

    def length(rule: DeadlineRule) -> Length:
        return lengths.length_of(case, rule, place.scope, day_of(act.moment), act.calendar)

    before = newest(deadlines.of_case(act.tx, case.id), rule.name, place.scope)
    event = f"action({place.element})"
    changes = deadlines.start(
        act.tx, case.id, rule, event, act.moment, act.calendar, before, place.scope, length
    )  # fmt: skip
    act.note_changes(case, changes)


def suspend(act: Act, case: LiveCase, place: Place, inputs: Inputs) -> None:
    """Stops a clock for a reason, until the diagram restarts it."""
    row, rule = _live(case, place, inputs)
    reason = inputs["reason"]
    if not isinstance(reason, str) or not reason.strip():
        raise StepFailed(reason=f"暂停“{row.title}”没有写明理由。")
    if row.state == "running" and row.due <= act.moment:
        raise StepFailed(reason=f"“{row.title}”已经届满，不能暂停计时。")
    because = adjusting.Reason("action", SUSPENDED, reason.strip())
    act.note_changes(case, adjusting.pause(act.tx, row, because, act.moment, rule, act.calendar))


def resume(act: Act, case: LiveCase, place: Place, inputs: Inputs) -> None:
    """Restarts a clock that the diagram has stopped; where it runs, or stands for something else, nothing changes."""
    row, rule = _live(case, place, inputs)
    act.note_changes(case, adjusting.resume(act.tx, row, SUSPENDED, act.moment, rule, act.calendar))


def extend(act: Act, case: LiveCase, place: Place, inputs: Inputs) -> None:
    """Gives a deadline the time that its manifest allows, for a reason."""
    row, _rule = _live(case, place, inputs)
    reason = inputs["reason"]
    try:
        extending.give(act, case, row, reason if isinstance(reason, str) else "")
    except (Refused, ExtensionReason) as refusal:
        raise StepFailed(reason=refusal.text("zh")) from refusal


def _live(case: LiveCase, place: Place, inputs: Inputs) -> tuple[Deadline, DeadlineRule]:
    """The deadline that a name means at a step, if it is not settled yet."""
    rule = case.procedure.manifest.deadlines[inputs["deadline"]]
    row = case.deadlines_at(place.scope).get(rule.name)
    if row is None or not row.live:
        raise StepFailed(reason=f"“{rule.title}”现在没有计时。")
    return row, rule


_NAMED = frozenset({"deadline"})
_REASONED = frozenset({"deadline", "reason"})
ACTIONS: Mapping[str, Action] = {
    "deadlines.start": Action(ActionRule(_NAMED), start),
    "deadlines.suspend": Action(ActionRule(_REASONED), suspend),
    "deadlines.resume": Action(ActionRule(_NAMED), resume),
    "deadlines.extend": Action(ActionRule(_REASONED), extend),
}
