"""Reading people, organisations, sessions and recent failures."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import ARRAY, ColumnElement, Select, Text, and_, cast, func, not_, or_, select
from sqlalchemy.orm import Session

from portal.forms import uscc as codes
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


def organisations_like(tx: Session, text: str, before: int | None, limit: int) -> list[tuple[Organisation, int]]:
    """Organisations whose name or code holds a text, newest first, with how many people each has."""
    people = (
        select(func.count())
        .where(Person.organisation_id == Organisation.id, Person.active)
        .correlate(Organisation)
        .scalar_subquery()
    )
    found = select(Organisation, people).order_by(Organisation.id.desc()).limit(limit)
    if text:
        code = Organisation.uscc.contains(codes.normal(text), autoescape=True)
        found = found.where(or_(Organisation.name.contains(text, autoescape=True), code))
    if before is not None:
        found = found.where(Organisation.id < before)
    return [(organisation, count) for organisation, count in tx.execute(found)]


def organisation_names(tx: Session, usccs: Iterable[str]) -> dict[str, str]:
    """The names of organisations by their codes."""
    found = select(Organisation.uscc, Organisation.name).where(Organisation.uscc.in_(set(usccs)))
    return {uscc: name for uscc, name in tx.execute(found)}


def registered(tx: Session, most: int) -> list[tuple[str, str, str]]:
    """Code, name and district of the organisations, at most so many."""
    found = select(Organisation.uscc, Organisation.name, Organisation.district).order_by(Organisation.id).limit(most)
    return [(uscc, name, district) for uscc, name, district in tx.execute(found)]


def person_names(tx: Session, ids: Iterable[int]) -> dict[int, str]:
    """The names of people by their ids."""
    found = select(Person.id, Person.name).where(Person.id.in_(set(ids)))
    return {number: name for number, name in tx.execute(found)}


def people_of(tx: Session, organisation_id: int) -> list[int]:
    """The ids of the active people of an organisation."""
    found = select(Person.id).where(Person.organisation_id == organisation_id, Person.active)
    return list(tx.scalars(found.order_by(Person.id)))


def people_in_roles(tx: Session, regulation: str, roles: Iterable[str], today: date) -> list[tuple[str, int]]:
    """The active people, as (role, id), to whom roles of a regulation, not of one region only, were granted today."""
    adrift = and_(Person.applicant, Person.organisation_id.is_(None))
    found = (
        select(Grant.role, Person.id)
        .join(Person, and_(Person.id == Grant.person_id, Person.active, not_(adrift)))
        .where(Grant.regulation == regulation, Grant.role.in_(set(roles)), Grant.body.is_(None), _counts(today))
    )
    return [(role, person_id) for role, person_id in tx.execute(found.order_by(Grant.role, Person.id).distinct())]


def session_of(tx: Session, token: bytes) -> SignedIn | None:
    """The session of a token's digest, as it stands now."""
    return tx.get(SignedIn, token, populate_existing=True)


def actor_where(tx: Session, who: ColumnElement[bool], today: date) -> Actor | None:
    """The one active person for whom the condition holds, with the roles that count today, as things are now."""
    found = _with_roles(today).where(who, Person.active).execution_options(populate_existing=True)
    rows = tx.execute(found).all()
    if not rows:
        return None
    person, kinds, *_ = rows[0]
    granted = [(regulation, role, body) for _, _, regulation, role, body in rows if regulation and role]
    roles = frozenset((regulation, role) for regulation, role, body in granted if body is None)
    local = frozenset((regulation, role, body) for regulation, role, body in granted if body is not None)
    if person.applicant and person.organisation_id is None:
        roles, local = frozenset(), frozenset()
    return Actor(
        person.id,
        person.name,
        person.organisation_id,
        roles,
        person.administrator,
        frozenset(kinds or ()),
        person.applicant,
        frozenset(person.rights),
        local,
    )


def _with_roles(today: date) -> Select[Person, list[str] | None, str | None, str | None, str | None]:
    counts = and_(Grant.person_id == Person.id, _counts(today))
    return (
        select(Person, Organisation.kinds, Grant.regulation, Grant.role, Grant.body)
        .outerjoin(Organisation, Organisation.id == Person.organisation_id)
        .outerjoin(Grant, counts)
    )


def _counts(today: date) -> ColumnElement[bool]:
    return and_(Grant.from_day <= today, or_(Grant.to_day.is_(None), Grant.to_day >= today))


def failures(tx: Session, account: bytes, address: str, now: datetime) -> tuple[int, int]:
    """How many sign-ins of an account, and how many from an address, have failed lately."""
    of_account, from_address = LoginAttempt.account == account, LoginAttempt.address == address
    counts = select(func.count().filter(of_account), func.count().filter(from_address))
    recent = counts.where(or_(of_account, from_address), LoginAttempt.moment > now - FAILURES_WITHIN)
    by_account, by_address = tx.execute(recent).one()
    return by_account, by_address
