"""How every act is conducted: lock, calendar, ripe timers, the verb, messages, what is due now, and rest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar, overload

from sqlalchemy import ColumnElement, Select, and_, bindparam, or_, select
from sqlalchemy.orm import Session, aliased

from portal.calendar import service as calendars
from portal.cases import telling
from portal.cases.act import Act
from portal.cases.errors import RequestTooOld, RightsChanged
from portal.cases.family import Family
from portal.cases.kernel import Kernel
from portal.cases.models import ActRecord, Case
from portal.clock import day_of
from portal.deadlines import service as deadlines
from portal.identity import Actor
from portal.identity import service as identity

T = TypeVar("T")

# A request whose moment is older than this when it gets the lock is refused: its minute of grace is running out.
OLDEST = timedelta(seconds=50)


@overload
def conduct(
    kernel: Kernel,
    tx: Session,
    case_id: int,
    moment: datetime,
    kind: str,
    verb: Callable[[Act], T],
    actor: Actor | None = None,
) -> T: ...


@overload
def conduct(
    kernel: Kernel,
    tx: Session,
    case_id: int,
    moment: datetime,
    kind: str,
    verb: Callable[[Act], T],
    actor: Actor | None = None,
    job: str | None = None,
) -> T | None: ...


def conduct(
    kernel: Kernel,
    tx: Session,
    case_id: int,
    moment: datetime,
    kind: str,
    verb: Callable[[Act], T],
    actor: Actor | None = None,
    job: str | None = None,
) -> T | None:
    """Does one act on the family of a case. None when `job` has done its act before (and `verb` is not run).

    The caller's transaction commits or rolls back the whole act. Raises RequestTooOld, RightsChanged and what
    `verb` raises.
    """
    family = Family.lock(kernel, tx, case_id)
    if job is not None and did(tx, job):
        return None
    if actor is not None and kernel.now(tx) - moment > OLDEST:
        raise RequestTooOld()
    _check_still(tx, actor, moment)
    party = actor.organisation_id if actor else None
    catch_up(family, moment, party)
    act = Act(family, moment, kind, actor, job)
    result = verb(act)
    act.settle()
    fire_due(family, moment, party, reached=moment)
    _follow(act)
    return result


def _follow(act: Act) -> None:
    """Does what an act left to be done once the timers that it made ripe have fired."""
    if act.afterwards:
        last = Act(act.family, act.moment, act.kind, act.actor)
        last.for_id = act.for_id
        for do in act.afterwards:
            do(last)
        last.settle()


def found(
    kernel: Kernel,
    tx: Session,
    moment: datetime,
    kind: str,
    verb: Callable[[Act], T],
    actor: Actor | None = None,
    job: str | None = None,
) -> T | None:
    """Does an act that founds a new family: nothing to lock yet but the calendar. Raises RightsChanged and what
    `verb` raises."""
    if job is not None and did(tx, job):
        return None
    tx.execute(select(calendars.held()))
    _check_still(tx, actor, moment)
    family = Family(kernel, tx, None)
    act = Act(family, moment, kind, actor, job)
    result = verb(act)
    act.settle()
    fire_due(family, moment, actor.organisation_id if actor else None, reached=moment)
    return result


def _check_still(tx: Session, actor: Actor | None, moment: datetime) -> None:
    """Raises RightsChanged when somebody has lost what he came with while his request waited for the lock."""
    if actor is None:
        return
    present = identity.actor_of(tx, actor.person_id, day_of(moment))
    if present is None or not present.has_all_of(actor):
        raise RightsChanged()


def did(tx: Session, job: str) -> bool:
    """Whether a job's act was committed before."""
    return tx.scalar(select(ActRecord.id).where(ActRecord.job == job)) is not None


def catch_up(family: Family, moment: datetime, party_id: int | None) -> None:
    """Brings the family's deadlines to the present calendar, then fires what is ripe, in order of due."""
    for case in family.read(moment):
        rules = case.procedure.manifest.deadlines.values()
        ended_at = case.row.ended_at
        changes = deadlines.recompute(family.tx, case.id, rules, family.calendar, moment, ended_at)
        if changes:
            act = Act(family, moment, "calendar")
            act.note_changes(case, changes)
            telling.calendar_moved(act.post, case, changes, moment)
            if not case.ended:
                family.position(case)
            act.settle()
    fire_due(family, moment, party_id)


def fire_due(family: Family, moment: datetime, party_id: int | None, reached: datetime | None = None) -> None:
    """Fires timers one at a time, each an act of its own: at its due moment, or, when the case came to wait
    for it only in the act before (at `reached`, or the firing of another timer), at that act's moment."""
    while ripe := family.ripest(moment, party_id):
        due = ripe.deadline.due
        reached = max(reached, due) if reached else due
        act = Act(family, reached, "timer")
        act.fire(ripe)
        act.settle()


def claim_ripe(kernel: Kernel, tx: Session, now: datetime) -> int | None:
    """Claims the family whose timer has waited longest and fires what is ripe; its root, or None."""
    root_id = claim(tx, now)
    if root_id is not None:
        fire_ripe(kernel, tx, root_id, now)
    return root_id


def claim(tx: Session, now: datetime) -> int | None:
    """Locks the family whose timer has waited longest; its root, or None."""
    return locked_first(tx, _LONGEST_RIPE, _STILL_RIPE, now)


def locked_first(tx: Session, longest: Select[int], still: Select[int], now: datetime) -> int | None:
    """Locks the family that has waited longest for a worker; its root, or None.

    `longest` finds it at `now` and skips rows that others hold, so workers never wait for each other; `still` asks
    again of that `root` once it is locked: another worker may have brought it on between the look and the lock.
    """
    known = {"now": now}
    while (root_id := tx.scalar(longest, known)) is not None:
        if tx.scalar(still, {**known, "root": root_id}) is not None:
            return root_id
    return None


def _longest_ripe() -> Select[int]:
    """SQL for the root of the family whose timer has waited longest, locked."""
    root = aliased(Case)
    return (
        select(root.id)
        .join_from(Case, root, root.id == Case.root_id)
        .where(_ripe())
        .order_by(Case.ripe_at)
        .limit(1)
        .with_for_update(key_share=True, skip_locked=True, of=root)
    )


def _ripe() -> ColumnElement[bool]:
    now = bindparam("now", type_=Case.ripe_at.type)
    return and_(Case.ripe_at <= now, or_(Case.rests_until.is_(None), Case.rests_until <= now))


# Put together once: a storm of timers asks them for each.
_LONGEST_RIPE = _longest_ripe()
_STILL_RIPE = select(Case.id).where(Case.root_id == bindparam("root"), _ripe()).limit(1)


def fire_ripe(kernel: Kernel, tx: Session, root_id: int, now: datetime) -> None:
    """Fires what is ripe in a family that the transaction has claimed."""
    catch_up(Family.lock(kernel, tx, root_id), now, None)
