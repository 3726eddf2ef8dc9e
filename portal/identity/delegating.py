"""Officials lend their roles to each other for some days (代办): making, ending, and what is lent to and by whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from portal.clock import day_of
from portal.errors import PortalError
from portal.identity import changes
from portal.identity.actor import Actor
from portal.identity.lending import (
    DEPUTY,
    REASON,
    ROLES,
    EndedAlready,
    LendingRefused,
    LentAlready,
    NoDeputyChosen,
    NoOfficialThere,
    NoRoleChosen,
    NoSuchDelegation,
    NotHeld,
    Role,
    Span,
    ToHimself,
    ToTheMaker,
    Wanted,
    days_faults,
    is_held,
    overlapping,
    reason_fault,
)
from portal.identity.models import Delegation, Grant, Person
from portal.identity.queries import counts_on

MADE, ENDED = "delegation.made", "delegation.ended"
PAST_SHOWN = 50
CANDIDATES = 100


@dataclass(frozen=True)
class Lent:
    """A delegation with the names of its people."""

    row: Delegation
    principal: str
    deputy: str
    made_by: str
    revoked_by: str

    def is_over(self, today: date) -> bool:
        """Whether it counts no more."""
        return self.row.revoked_at is not None or self.row.to_day < today

    def is_coming(self, today: date) -> bool:
        """Whether it does not count yet."""
        return not self.is_over(today) and self.row.from_day > today


@dataclass(frozen=True)
class Candidate:
    """Somebody who may stand in, with the roles he holds himself."""

    person_id: int
    name: str
    login: str
    roles: tuple[Role, ...]


def make(tx: Session, actor: Actor, wanted: Wanted, titles: Mapping[Role, str], moment: datetime) -> list[Delegation]:
    """Lends each of the roles asked for, all or none; LendingRefused says what is wrong with each field.

    `titles` are how people call the roles. Whether the actor may do it for this principal is asked before.
    """
    today = day_of(moment)
    # Two that lend the same person's roles at the same time come one after the other.
    tx.execute(select(Person.id).where(Person.id == wanted.principal_id).with_for_update(key_share=True))
    principal = tx.get(Person, wanted.principal_id, populate_existing=True)
    if principal is None or principal.applicant:
        raise NoSuchDelegation()
    faults = _faults(tx, actor, wanted, principal, titles, today)
    if faults or wanted.from_day is None or wanted.to_day is None or wanted.deputy_id is None:
        raise LendingRefused(faults)
    return [
        _row(tx, actor, wanted, role, wanted.deputy_id, wanted.from_day, wanted.to_day, moment)
        for role in dict.fromkeys(wanted.roles)
    ]


def _row(
    tx: Session, actor: Actor, wanted: Wanted, role: Role, deputy: int, first: date, last: date, moment: datetime
) -> Delegation:
    row = Delegation(
        from_person_id=wanted.principal_id,
        to_person_id=deputy,
        regulation=role[0],
        role=role[1],
        from_day=first,
        to_day=last,
        reason=wanted.reason.strip(),
        made_by_id=actor.person_id,
        made_at=moment,
    )
    tx.add(row)
    tx.flush()
    changes.note(
        tx, MADE, moment, organisation_id=None, person_id=row.from_person_id, by_id=actor.person_id,
        delegation=row.id, to=deputy, regulation=row.regulation, role=row.role, from_day=first.isoformat(),
        to_day=last.isoformat(), reason=row.reason,
    )  # fmt: skip
    return row


def end(tx: Session, actor: Actor, delegation_id: int, reason: str, moment: datetime) -> Delegation:
    """Ends a delegation at once; EndedAlready, NoSuchDelegation, ReasonMissing or ReasonTooLong.

    Whether the actor may do it is asked before.
    """
    row = tx.get(Delegation, delegation_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NoSuchDelegation()
    if row.revoked_at is not None or row.to_day < day_of(moment):
        raise EndedAlready()
    fault = reason_fault(reason)
    if fault is not None:
        raise fault
    row.revoked_at, row.revoked_by_id, row.revoke_reason = moment, actor.person_id, reason.strip()
    tx.flush()
    changes.note(
        tx, ENDED, moment, organisation_id=None, person_id=row.from_person_id, by_id=actor.person_id,
        delegation=row.id, to=row.to_person_id, regulation=row.regulation, role=row.role, reason=reason.strip(),
    )  # fmt: skip
    return row


def one(tx: Session, delegation_id: int) -> Lent:
    """A delegation by its id; NoSuchDelegation."""
    found = next(iter(_read(tx, Delegation.id == delegation_id)), None)
    if found is None:
        raise NoSuchDelegation()
    return found


def lent_by(tx: Session, person_id: int, today: date) -> list[Lent]:
    """What a person has lent that counts now or will, those that begin first at the front."""
    return _read(tx, Delegation.from_person_id == person_id, _not_over(today))


def lent_to(tx: Session, person_id: int, today: date) -> list[Lent]:
    """What is lent to a person now or will be, those that begin first at the front."""
    return _read(tx, Delegation.to_person_id == person_id, _not_over(today))


def past(tx: Session, person_id: int, today: date) -> list[Lent]:
    """What a person had lent and was lent and counts no more, newest first, the last fifty."""
    his = or_(Delegation.from_person_id == person_id, Delegation.to_person_id == person_id)
    over = or_(Delegation.revoked_at.is_not(None), Delegation.to_day < today)
    return _read(tx, his, over, newest=True)


def own_roles(tx: Session, person_id: int, today: date) -> list[Role]:
    """The roles that a person may lend: those he holds by grant today or later, as regulation and role."""
    later = or_(Grant.to_day.is_(None), Grant.to_day >= func.greatest(Grant.from_day, today))
    mine = select(Grant.regulation, Grant.role).where(Grant.person_id == person_id, Grant.body.is_(None), later)
    return [(regulation, role) for regulation, role in tx.execute(mine.distinct().order_by(*mine.selected_columns))]


def candidates(tx: Session, principal_id: int, regulations: Iterable[str], text: str, today: date) -> list[Candidate]:
    """Officials with a role of some regulations today who may stand in for another, by name.

    At most one more than CANDIDATES; `text` is a part of the name or login.
    """
    wanted = (
        select(Person.id, Person.name, Person.login)
        .where(_works_in(set(regulations), today), Person.id != principal_id)
        .order_by(Person.name, Person.id)
        .limit(CANDIDATES + 1)
    )
    if text:
        named = Person.name.contains(text, autoescape=True), Person.login.contains(text, autoescape=True)
        wanted = wanted.where(or_(*named))
    people = tx.execute(wanted).all()
    held = holding(tx, [person_id for person_id, *_ in people], today)
    return [Candidate(person_id, name, login, held.get(person_id, ())) for person_id, name, login in people]


def holding(tx: Session, people: Iterable[int], today: date) -> dict[int, tuple[Role, ...]]:
    """The roles that people hold by grant today, by person."""
    ids = set(people)
    held = select(Grant.person_id, Grant.regulation, Grant.role).where(
        Grant.person_id.in_(ids), Grant.body.is_(None), counts_on(today)
    )
    found: dict[int, list[Role]] = {}
    for person_id, regulation, role in tx.execute(held.distinct().order_by(*held.selected_columns)) if ids else ():
        found.setdefault(person_id, []).append((regulation, role))
    return {person_id: tuple(roles) for person_id, roles in found.items()}


def _works_in(regulations: Iterable[str], day: date) -> ColumnElement[bool]:
    """That a person is an active official with a role, not of one region only, of one of the regulations on a day."""
    granted = select(Grant.id).where(
        Grant.person_id == Person.id, Grant.regulation.in_(regulations), Grant.body.is_(None), counts_on(day)
    )
    # Nobody has a program stand in for him.
    return and_(Person.active, ~Person.applicant, Person.purpose.is_(None), granted.correlate(Person).exists())


def _faults(
    tx: Session, actor: Actor, wanted: Wanted, principal: Person, titles: Mapping[Role, str], today: date
) -> dict[str, PortalError]:
    """What is wrong with what is asked for, by field."""
    faults = days_faults(wanted.from_day, wanted.to_day, today)
    deputy = _deputy_fault(tx, actor, wanted, today)
    if deputy is not None:
        faults[DEPUTY] = deputy
    roles = NoRoleChosen() if not wanted.roles else None if faults else _roles_fault(tx, wanted, principal, titles)
    if roles is not None:
        faults[ROLES] = roles
    reason = reason_fault(wanted.reason.strip())
    if reason is not None:
        faults[REASON] = reason
    return faults


def _deputy_fault(tx: Session, actor: Actor, wanted: Wanted, today: date) -> PortalError | None:
    if wanted.deputy_id is None:
        return NoDeputyChosen()
    if wanted.deputy_id == wanted.principal_id:
        return ToHimself()
    if wanted.deputy_id == actor.person_id:
        return ToTheMaker()
    for regulation in {regulation for regulation, _role in wanted.roles}:
        day = max(wanted.from_day or today, today)
        if tx.scalar(select(Person.id).where(Person.id == wanted.deputy_id, _works_in({regulation}, day))) is None:
            return NoOfficialThere()
    return None


def _roles_fault(tx: Session, wanted: Wanted, principal: Person, titles: Mapping[Role, str]) -> PortalError | None:
    first, last = wanted.from_day, wanted.to_day
    if first is None or last is None:
        return None
    held, lent = _held(tx, principal.id), _lent(tx, principal.id)
    for role in wanted.roles:
        title = titles.get(role, role[1])
        if not principal.active or not is_held(held, role, first, last):
            return NotHeld(who=principal.name, role=title)
        before = overlapping(lent, role, first, last)
        if before is not None:
            return LentAlready(role=title, who=before.who, from_day=before.from_day, to_day=before.to_day)
    return None


def _held(tx: Session, person_id: int) -> list[Span]:
    rows = tx.scalars(select(Grant).where(Grant.person_id == person_id, Grant.body.is_(None)))
    return [Span((row.regulation, row.role), row.from_day, row.to_day) for row in rows]


def _lent(tx: Session, person_id: int) -> list[Span]:
    rows = tx.execute(
        select(Delegation, Person.name)
        .join(Person, Person.id == Delegation.to_person_id)
        .where(Delegation.from_person_id == person_id, Delegation.revoked_at.is_(None))
        .order_by(Delegation.from_day)
    )
    return [Span((row.regulation, row.role), row.from_day, row.to_day, name) for row, name in rows]


def _not_over(today: date) -> ColumnElement[bool]:
    return and_(Delegation.revoked_at.is_(None), Delegation.to_day >= today)


def _read(tx: Session, *which: ColumnElement[bool], newest: bool = False) -> list[Lent]:
    principal, deputy, maker, ender = (aliased(Person) for _ in range(4))
    wanted: Select[Delegation, str, str, str, str | None] = (
        select(Delegation, principal.name, deputy.name, maker.name, ender.name)
        .join(principal, principal.id == Delegation.from_person_id)
        .join(deputy, deputy.id == Delegation.to_person_id)
        .join(maker, maker.id == Delegation.made_by_id)
        .outerjoin(ender, ender.id == Delegation.revoked_by_id)
        .where(*which)
    )
    if newest:
        wanted = wanted.order_by(Delegation.id.desc()).limit(PAST_SHOWN)
    else:
        wanted = wanted.order_by(Delegation.from_day, Delegation.id)
    return [Lent(row, lender, to, made_by, ended or "") for row, lender, to, made_by, ended in tx.execute(wanted)]
