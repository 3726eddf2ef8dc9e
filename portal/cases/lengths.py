"""How long a deadline is where somebody sets it in the case: read, kept from being cut short, refused where typed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from portal.calendar.rules import Calendar
from portal.cases.errors import FormRefused, StepFailed
from portal.cases.live import LiveCase
from portal.cases.names import evaluate, form_of
from portal.clock import day_of
from portal.deadlines import service as deadlines
from portal.deadlines import wording
from portal.deadlines.english import length_text
from portal.deadlines.models import Deadline
from portal.deadlines.rules import MOST, DeadlineRule, Fixed, Length, Period, course, parse_length
from portal.forms import FieldError
from portal.procedures import Procedure
from portal.procedures.drawing import Element

_NOTHING_RUNS: Mapping[str, Deadline] = {}


class NotAPeriod(StepFailed):
    """What was set in a case for the length of a deadline is no length."""

    def __init__(self, title: str, value: object, most: int) -> None:
        super().__init__(reason=f"“{title}”的长度“{value}”不能用：填 1 至 {most} 的整数，或者日期。")


def length_of(case: LiveCase, rule: DeadlineRule, scope: str, event_day: date, calendar: Calendar) -> Length:
    """How long a deadline is that starts on a day: as set in the case, else as its rule says.

    What must not be cut short is only lengthened. NotAPeriod when what was set is none.
    """
    value = evaluate(case, rule.set_by, scope) if rule.set_by else None
    if value is None:
        return rule.length
    length = as_length(rule, value)
    return _longer(length, rule.length, rule, event_day, calendar) if rule.kind == "minimum" else length


def length_from_now_on(case: LiveCase, rule: DeadlineRule, row: Deadline, calendar: Calendar) -> Length:
    """How long a deadline that runs is by what is set in the case now; what must not be cut short keeps its length."""
    length = length_of(case, rule, row.scope, row.event_day, calendar)
    if rule.kind == "minimum":
        return _longer(length, parse_length(row.period), rule, row.event_day, calendar)
    return length


def running(case: LiveCase) -> dict[str, Deadline]:
    """The deadlines of a case that run or stand still, by name; nothing where nobody sets how long any is."""
    if not any(rule.set_by for rule in case.procedure.manifest.deadlines.values()):
        return {}
    return {row.name: row for row in deadlines.live_of(case.tx, case.id)}


def _longer(one: Length, other: Length, rule: DeadlineRule, event_day: date, calendar: Calendar) -> Length:
    """The length that ends later, of two from the same day; the other when both end at once."""
    stays = rule.holiday == "stays"
    ends = [course(length, event_day, calendar, stays=stays).due for length in (one, other)]
    return one if ends[0] > ends[1] else other


def as_length(rule: DeadlineRule, value: object) -> Length:
    """A number in the unit of a deadline's own length, or a date; NotAPeriod."""
    if isinstance(value, datetime):
        return Fixed(day_of(value))
    if isinstance(value, date):
        return Fixed(value)
    unit = rule.within.unit if rule.within else "days"
    if not isinstance(value, int | Decimal) or isinstance(value, bool) or value not in range(1, MOST[unit] + 1):
        raise NotAPeriod(rule.title, value, MOST[unit])
    return Period(int(value), unit)


def check(
    procedure: Procedure,
    element: Element,
    values: Mapping[str, object],
    day: date,
    calendar: Calendar,
    running: Mapping[str, Deadline] = _NOTHING_RUNS,
) -> None:
    """Raises FormRefused when answers given at an element on a day set a length that is none, or cut one short.

    What must not be cut short is as long as its rule says, or as it is already where it runs.
    """
    refused = unfit(procedure, element, values, day, calendar, running)
    if refused:
        raise FormRefused(refused)


def unfit(
    procedure: Procedure,
    element: Element,
    values: Mapping[str, object],
    day: date,
    calendar: Calendar,
    running: Mapping[str, Deadline],
) -> dict[str, FieldError]:
    """The answers that set the length of a deadline and cannot, by field, with what to do.

    A period that must not be cut short and does not run yet can begin today at the earliest: a date before its end then
    is too early.
    """
    named = {element.id, element.task.revises if element.task else None}
    form = procedure.forms.get(form_of(element) or "")
    found: dict[str, FieldError] = {}
    for rule in procedure.manifest.deadlines.values() if form is not None else ():
        first, _dot, field = (rule.set_by or "").partition(".")
        if form is not None and first in named and field:
            value = _at(form.typed(values), field)
            row = running.get(rule.name)
            since, least = (row.event_day, parse_length(row.period)) if row else (day, rule.length)
            refused = _refused(rule, value, since, calendar, least) if value is not None else None
            if refused is not None:
                label = next((one.label.pieces for one in form.fields if one.name == field), ())
                # A label that says other things of the case is short enough without them.
                found[field] = refused.about("".join(piece for piece in label if isinstance(piece, str)))
    return found


def _refused(rule: DeadlineRule, value: object, day: date, calendar: Calendar, shortest: Length) -> FieldError | None:
    try:
        length = as_length(rule, value)
    except NotAPeriod:
        most = MOST[rule.within.unit if rule.within else "days"]
        return FieldError(f"{{label}}应为 1 至 {most} 的整数", f"{{label}} must be a whole number from 1 to {most}")
    if rule.kind != "minimum":
        return None
    stays = rule.holiday == "stays"
    least = course(shortest, day, calendar, stays=stays)
    if isinstance(length, Fixed):
        if length.day < least.last_day:
            return FieldError(
                f"{{label}}不得早于 {least.last_day}：“{rule.title}”不得少于{wording.length_text(shortest)}",
                f"{{label}} must not be before {least.last_day}: “{rule.title}” is {length_text(shortest)} at least",
            )
        return None
    if course(length, day, calendar, stays=stays).due < least.due:
        least_zh, least_en = wording.length_text(shortest), length_text(shortest)
        return FieldError(
            f"{{label}}不得少于 {least_zh}：“{rule.title}”只能延长，不能缩短",
            f"{{label}} must be {least_en} at least: “{rule.title}” may be longer, never shorter",
        )
    return None


def _at(values: Mapping[str, object], path: str) -> object:
    found: object = values
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
