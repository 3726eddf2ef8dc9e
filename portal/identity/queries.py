"""Reading people, organisations, sessions and recent failures."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import ARRAY, ColumnElement, Select, Text, and_, cast, func, or_, select
from sqlalchemy.orm import Session

from portal.identity.actor import Actor
from portal.identity.models import Grant, LoginAttempt, Organisation, Person, SignedIn
from portal.identity.rules import FAILURES_WITHIN


def person_by_login(tx: Session, login: str) -> Person | None:
    """The person of a login in its normal form."""
    return tx.scalar(select(Person).where(Person.login == login))


def organisation_by_uscc(tx: Session, uscc: str) -> Organisation | None:
    """The organisation of a code."""
    return tx.scalar(select(Organisation).where(Organisation.uscc == uscc))


def organisations_of_kinds(tx: Session, kinds: Iterable[str]) -> list[Organisation]:
    """The organisations of any of some kinds, by name."""
    of_a_kind = Organisation.kinds.has_any(cast(sorted(set(kinds)), ARRAY(Text)))
    return list(tx.scalars(select(Organisation).where(of_a_kind).order_by(Organisation.name, Organisation.id)))


def organisation_names(tx: Session, usccs: Iterable[str]) -> dict[str, str]:
    """The names of organisations by their codes."""
    found = select(Organisation.uscc, Organisation.name).where(Organisation.uscc.in_(set(usccs)))
    return {uscc: name for uscc, name in tx.execute(found)}


def person_names(tx: Session, ids: Iterable[int]) -> dict[int, str]:
    """The names of people by their ids."""
    found = select(Person.id, Person.name).where(Person.id.in_(set(ids)))
    return {number: name for number, name in tx.execute(found)}


def session_of(tx: Session, token: bytes) -> SignedIn | None:
    """The session of a token's digest, as it stands now."""
    return tx.get(SignedIn, token, populate_existing=True)


def actor_where(tx: Session, who: ColumnElement[bool], today: date) -> Actor | None:
    """The one active person for whom the condition holds, with the roles that count today."""
    rows = tx.execute(_with_roles(today).where(who, Person.active)).all()
    if not rows:
        return None
    person, kinds, _, _ = rows[0]
    roles = frozenset((regulation, role) for _, _, regulation, role in rows if regulation and role)
    return Actor(
        person.id,
        person.name,
        person.organisation_id,
        roles,
        person.administrator,
        frozenset(kinds or ()),
    )


def _with_roles(today: date) -> Select[Person, list[str] | None, str | None, str | None]:
    counts = and_(
        Grant.person_id == Person.id,
        Grant.from_day <= today,
        or_(Grant.to_day.is_(None), Grant.to_day >= today),
    )
    return (
        select(Person, Organisation.kinds, Grant.regulation, Grant.role)
        .outerjoin(Organisation, Organisation.id == Person.organisation_id)
        .outerjoin(Grant, counts)
    )


def failures(tx: Session, account: bytes, address: str, now: datetime) -> tuple[int, int]:
    """How many sign-ins of an account, and how many from an address, have failed lately."""
    of_account, from_address = LoginAttempt.account == account, LoginAttempt.address == address
    counts = select(func.count().filter(of_account), func.count().filter(from_address))
    recent = counts.where(or_(of_account, from_address), LoginAttempt.moment > now - FAILURES_WITHIN)
    by_account, by_address = tx.execute(recent).one()
    return by_account, by_address
