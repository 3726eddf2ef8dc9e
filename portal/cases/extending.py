"""Giving a deadline more time, with a reason: an operation beside the diagram, bounded by the manifest."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from portal.calendar.rules import Calendar
from portal.cases import telling
from portal.cases.act import Act
from portal.cases.conduct import conduct
from portal.cases.errors import NotYourRole, Refused, UnknownCase
from portal.cases.kernel import Kernel
from portal.cases.live import LiveCase
from portal.deadlines import adjusting
from portal.deadlines.models import Deadline
from portal.deadlines.pausing import Stood
from portal.deadlines.rules import Computed, DeadlineRule, Extend, course, parse_length
from portal.errors import PortalError
from portal.forms.characters import forbidden, tidy
from portal.identity import Actor

LONGEST_REASON = 500


class NotExtendable(Refused):
    """The manifest gives this deadline no extension."""

    zh = "“{title}”依规定不能延长。"
    en = "“{title}” cannot be extended."


class ExtendedEnough(Refused):
    """It was extended as often as it may be."""

    zh = "“{title}”最多延长 {times} 次，已经延长过。"
    en = "“{title}” may be extended {times} times at most, and has been."


class ExtendedTooLate(Refused):
    """It is over, met or dropped."""

    zh = "“{title}”已经届满，不能再延长。"
    en = "“{title}” is over and can no longer be extended."


class NoLongerRuns(Refused):
    """It was met or dropped."""

    zh = "“{title}”已经完成或者终止，不必延长。"
    en = "“{title}” was met or dropped, so there is nothing to extend."


class ExtensionReason(PortalError):
    """An extension gives its reason, which the party reads."""

    zh = "请说明延长的理由，最多 {most} 字；申请人会看到。"
    en = "Give the reason of the extension, {most} characters at most; the party reads it."


class ExtensionUnreadable(ExtensionReason):
    """Its reason holds a character that letters and pages cannot."""

    zh = "延长的理由含有不能使用的控制字符（{character}），请删去后重新填写。"
    en = "The reason of the extension holds a control character that cannot be used ({character})."


def extend(kernel: Kernel, tx: Session, actor: Actor, deadline_id: int, reason: str, moment: datetime) -> None:
    """An office gives a deadline the time that its manifest allows, and the party is told.

    Raises UnknownCase, NotYourRole, ExtensionReason, NotExtendable, ExtendedEnough, ExtendedTooLate or NoLongerRuns.
    """
    row = deadline_record(tx, deadline_id)

    def verb(act: Act) -> None:
        case = act.family.cases.get(row.case_id)
        deadline = deadline_record(act.tx, deadline_id)
        _rule, by = rule_of(case, deadline)
        role = case.procedure.manifest.role(by.role)
        if not actor.has(case.row.regulation, role):
            raise NotYourRole(role=case.published.regulation.role_title(role))
        act.done_for(actor.acts_for(case.row.regulation, role))
        give(act, case, deadline, reason)

    conduct(kernel, tx, row.case_id, moment, "extend", verb, actor)


def give(act: Act, case: LiveCase, deadline: Deadline, reason: str) -> None:
    """Extends a deadline within an act; raises what `extend` raises but for who may do it."""
    rule, by = rule_of(case, deadline)
    check(case, deadline, act.moment)
    said = tidy(reason)
    if not said or len(said) > LONGEST_REASON:
        raise ExtensionReason(most=LONGEST_REASON)
    if (character := forbidden(said)) is not None:
        raise ExtensionUnreadable(character=character)
    signer = case.published.regulation.role_title(case.procedure.manifest.role(by.role))
    person = act.actor.person_id if act.actor else None
    extending = adjusting.Extending(by.by, said, signer, person, act.for_id, act.moment)
    changes = adjusting.extend(act.tx, deadline, extending, rule, act.calendar)
    act.note_changes(case, changes)
    for change in changes:
        telling.deadline_extended(act.post, case, change, act.moment)
    if not case.ended:
        # Opened, so that its tasks and timers are projected anew.
        act.family.position(case)


def deadline_record(tx: Session, deadline_id: int) -> Deadline:
    """A deadline by its id; UnknownCase."""
    found = tx.get(Deadline, deadline_id)
    if found is None:
        raise UnknownCase()
    return found


def rule_of(case: LiveCase, deadline: Deadline) -> tuple[DeadlineRule, Extend]:
    """The rule of a deadline and how it may be extended; NotExtendable."""
    rule = case.procedure.manifest.deadlines.get(deadline.name)
    if rule is None or rule.extend is None:
        raise NotExtendable(title=deadline.title)
    return rule, rule.extend


def check(case: LiveCase, deadline: Deadline, moment: datetime) -> None:
    """Whether a deadline can be extended at a moment; raises what `extend` raises but for role and reason."""
    _rule, by = rule_of(case, deadline)
    if not deadline.live:
        raise NoLongerRuns(title=deadline.title)
    if deadline.state == "running" and deadline.due <= moment:
        raise ExtendedTooLate(title=deadline.title)
    if len(deadline.lengthened) >= by.times:
        raise ExtendedEnough(title=deadline.title, times=by.times)


def may_extend(case: LiveCase, deadline: Deadline, actor: Actor, moment: datetime) -> bool:
    """Whether a person may extend a deadline at a moment."""
    try:
        _rule, by = rule_of(case, deadline)
        check(case, deadline, moment)
    except Refused:
        return False
    return actor.has(case.row.regulation, case.procedure.manifest.role(by.role))


def foreseen(case: LiveCase, deadline: Deadline, calendar: Calendar) -> Computed | None:
    """When a deadline would be over, were it extended; None while its clock stands."""
    rule, by = rule_of(case, deadline)
    if deadline.state == "paused":
        return None
    return course(
        parse_length(deadline.period),
        deadline.event_day,
        calendar,
        stays=rule.holiday == "stays",
        extensions=[*deadline.lengthened, by.by],
        aside=Stood(deadline.kind, deadline.stood),
    )
