"""Roles granted to officials by an administrator: from which day, to which, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.clock import day_of
from portal.errors import PortalError
from portal.forms.characters import tidy
from portal.identity import accounts, changes, service
from portal.identity.accounts import NotYourself
from portal.identity.actor import Actor
from portal.identity.models import Grant, Person
from portal.identity.queries import counts_on

_ONE_DAY = timedelta(days=1)


class GrantedBefore(PortalError):
    """The person has the role on some of the days already."""

    zh = "{name}在 {from_day} 至 {to_day} 已有该岗位，期间重叠。请先结束原来的授予，或改用不重叠的日期。"
    en = "{name} holds this role from {from_day} to {to_day} already; the days overlap."


class GrantedOpenEnded(GrantedBefore):
    """The person has the role from some day on, and nobody has said until when."""

    zh = "{name}自 {from_day} 起已有该岗位，没有截止日。请先结束原来的授予，再按新的日期授予。"
    en = "{name} holds this role from {from_day} on already. End that grant first."


class DayPast(PortalError):
    """A grant that would begin or end before today: what was done under it would no longer be explained by it."""

    zh = "日期不能早于今天（{today}）：已经过去的日子不能补授或追溯结束。"
    en = "The day cannot lie before today ({today})."


class DaysOutOfOrder(PortalError):
    """The last day lies before the first."""

    zh = "结束日期不能早于起始日期（{from_day}）。"
    en = "The last day cannot lie before the first ({from_day})."


class NotLengthened(PortalError):
    """A day to end with that lies behind the one with which the grant ends anyway."""

    zh = "该岗位到 {to_day} 为止，结束不能使它延长。需要延长的，请另行授予。"
    en = "This grant ends on {to_day}; ending it does not make it longer. Grant the role anew for more days."


class GrantOver(PortalError):
    """The grant has ended, or nobody has made it."""

    zh = "这项授予已经结束，没有再次变动。"
    en = "This grant has ended; nothing was changed."


@dataclass(frozen=True)
class Wanted:
    """A role to be granted: of a regulation, with a `body` within that body of a region only; days both included."""

    regulation: str
    role: str
    body: str | None
    from_day: date
    to_day: date | None


def of_person(tx: Session, person_id: int) -> list[Grant]:
    """Everything that was ever granted to a person, the newest first."""
    return list(tx.scalars(select(Grant).where(Grant.person_id == person_id).order_by(Grant.id.desc())))


def is_over(grant: Grant, today: date) -> bool:
    """Whether a grant counts no more, or was taken back before it ever did."""
    return grant.to_day is not None and grant.to_day < max(today, grant.from_day)


def of_people(tx: Session, people: Iterable[int], today: date) -> dict[int, list[Grant]]:
    """What counts today, by person."""
    ids = list(people)
    found: dict[int, list[Grant]] = {person_id: [] for person_id in ids}
    for grant in tx.scalars(select(Grant).where(Grant.person_id.in_(ids), counts_on(today)).order_by(Grant.id)):
        found[grant.person_id].append(grant)
    return found


def held(tx: Session, today: date) -> set[tuple[str, str]]:
    """The (regulation, role) that somebody with an open account holds today."""
    found = select(Grant.regulation, Grant.role).join(Person, Person.id == Grant.person_id)
    held = found.where(Person.active, counts_on(today)).distinct()
    return {(regulation, role) for regulation, role in tx.execute(held)}


def fault(wanted: Wanted, today: date) -> PortalError | None:
    """What is wrong with the days of a grant."""
    if wanted.from_day < today:
        return DayPast(today=today.isoformat())
    if wanted.to_day is not None and wanted.to_day < wanted.from_day:
        return DaysOutOfOrder(from_day=wanted.from_day.isoformat())
    return None


def grant(tx: Session, actor: Actor, person_id: int, wanted: Wanted, reason: str, moment: datetime) -> Grant:
    """Grants a role to another official, with a reason.

    NotYourself, UnknownOfficial, DayPast, DaysOutOfOrder, GrantedBefore, what is wrong with the reason.
    """
    accounts.administrators(tx, actor)
    if person_id == actor.person_id:
        raise NotYourself()
    person = accounts.official(tx, person_id)
    wrong = fault(wanted, day_of(moment)) or accounts.reason_fault(reason) or _overlap(tx, person, wanted)
    if wrong is not None:
        raise wrong
    made = service.grant_role(
        tx,
        person_id=person.id,
        regulation=wanted.regulation,
        role=wanted.role,
        from_day=wanted.from_day,
        to_day=wanted.to_day,
        body=wanted.body,
    )
    _note(tx, "role.granted", moment, made, actor, reason)
    return made


def end(tx: Session, actor: Actor, grant_id: int, last_day: date | None, reason: str, moment: datetime) -> Grant:
    """Ends a grant with a day, or at once when none is named.

    GrantOver, NotYourself, DayPast, DaysOutOfOrder, NotLengthened, what is wrong with the reason.
    """
    accounts.administrators(tx, actor)
    row = tx.scalar(select(Grant).where(Grant.id == grant_id).with_for_update())
    today = day_of(moment)
    if row is None or is_over(row, today):
        raise GrantOver()
    if row.person_id == actor.person_id:
        raise NotYourself()
    if last_day is not None and last_day < today:
        raise DayPast(today=today.isoformat())
    wrong = accounts.reason_fault(reason)
    if wrong is not None:
        raise wrong
    if last_day is not None and last_day < row.from_day:
        raise DaysOutOfOrder(from_day=row.from_day.isoformat())
    before = row.to_day
    if last_day is not None and before is not None and last_day > before:
        raise NotLengthened(to_day=before.isoformat())
    row.to_day = max(today - _ONE_DAY, row.from_day - _ONE_DAY) if last_day is None else last_day
    tx.flush()
    _note(tx, "role.ended", moment, row, actor, reason, before=before.isoformat() if before else None)
    return row


def _overlap(tx: Session, person: Person, wanted: Wanted) -> GrantedBefore | None:
    same = (
        Grant.person_id == person.id,
        Grant.regulation == wanted.regulation,
        Grant.role == wanted.role,
        Grant.body.is_not_distinct_from(wanted.body),
        # What was taken back before it counted ends the day before it begins.
        func.coalesce(Grant.to_day, date.max) >= func.greatest(Grant.from_day, wanted.from_day),
        Grant.from_day <= (wanted.to_day or date.max),
    )
    found = tx.scalar(select(Grant).where(*same).order_by(Grant.from_day).limit(1))
    if found is None:
        return None
    since = found.from_day.isoformat()
    if found.to_day is None:
        return GrantedOpenEnded(name=person.name, from_day=since)
    return GrantedBefore(name=person.name, from_day=since, to_day=found.to_day.isoformat())


def _note(tx: Session, event: str, moment: datetime, row: Grant, actor: Actor, reason: str, **details: object) -> None:
    changes.note(
        tx, event, moment, organisation_id=None, person_id=row.person_id, by_id=actor.person_id, for_id=None,
        reason=tidy(reason), regulation=row.regulation, role=row.role, body=row.body, from_day=row.from_day.isoformat(),
        to_day=row.to_day.isoformat() if row.to_day else None, **details,
    )  # fmt: skip
