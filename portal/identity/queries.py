"""Reading people, organisations, sessions and recent failures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    LargeBinary,
    Row,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
    union,
    union_all,
)
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.selectable import LateralFromClause

from portal.forms import uscc as codes
from portal.identity.actor import Actor, Deputy
from portal.identity.models import Delegation, Grant, LoginAttempt, Organisation, Person, SignedIn, Token
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


def names_of(tx: Session, ids: Iterable[int]) -> dict[int, str]:
    """The names of parties by their ids."""
    wanted = set(ids)
    found = select(Organisation.id, Organisation.name).where(Organisation.id.in_(wanted))
    return {number: name for number, name in tx.execute(found)} if wanted else {}


def registered(tx: Session, most: int) -> list[tuple[str, str, str]]:
    """Code, name and district of the organisations, at most so many."""
    found = select(Organisation.uscc, Organisation.name, Organisation.district).order_by(Organisation.id).limit(most)
    return [(uscc, name, district) for uscc, name, district in tx.execute(found)]


def person_name(tx: Session, person_id: int | None) -> str:
    """The name of one person; empty for nobody."""
    person = tx.get(Person, person_id) if person_id is not None else None
    return person.name if person else ""


def person_names(tx: Session, ids: Iterable[int]) -> dict[int, str]:
    """The names of people by their ids."""
    asked = set(ids)
    found = select(Person.id, Person.name).where(Person.id.in_(asked))
    return {number: name for number, name in tx.execute(found)} if asked else {}


def logins_of(tx: Session, ids: Iterable[int]) -> dict[int, str]:
    """The logins of people by their ids."""
    found = select(Person.id, Person.login).where(Person.id.in_(set(ids)))
    return {number: login for number, login in tx.execute(found)}


_PEOPLE_OF = (
    select(Person.id).where(Person.organisation_id == bindparam("organisation"), Person.active).order_by(Person.id)
)


def people_of(tx: Session, organisation_id: int) -> list[int]:
    """The ids of the active people of an organisation."""
    return list(tx.scalars(_PEOPLE_OF, {"organisation": organisation_id}))


def people_in_roles(tx: Session, regulation: str, roles: Iterable[str], today: date) -> list[tuple[str, int]]:
    """The active people, as (role, id), who hold roles of a regulation, not of one region only, today: by grant, or
    because somebody who does lends them to them."""
    wanted = set(roles)
    adrift = and_(Person.applicant, Person.organisation_id.is_(None))
    granted = (
        select(Grant.role, Person.id)
        .join(Person, and_(Person.id == Grant.person_id, Person.active, not_(adrift)))
        .where(Grant.regulation == regulation, Grant.role.in_(wanted), Grant.body.is_(None), counts_on(today))
    )
    lent = (
        _lent(Delegation.role, Person.id, today=today)
        .join(Person, and_(Person.id == Delegation.to_person_id, Person.active, not_(Person.applicant)))
        .where(Delegation.regulation == regulation, Delegation.role.in_(wanted))
    )
    either = union(granted, lent).subquery()
    found = select(either.c.role, either.c.id).order_by(either.c.role, either.c.id)
    return [(role, person_id) for role, person_id in tx.execute(found)]


def deputies_of(tx: Session, people: Iterable[int], regulation: str, today: date) -> set[tuple[str, int, int]]:
    """Who stands in today for some people in roles of a regulation: (role, whom they stand in for, deputy)."""
    found = (
        _lent(Delegation.role, Delegation.from_person_id, Delegation.to_person_id, today=today)
        .join(Person, and_(Person.id == Delegation.to_person_id, Person.active, not_(Person.applicant)))
        .where(Delegation.regulation == regulation, Delegation.from_person_id.in_(set(people)))
    )
    return {(role, principal, deputy) for role, principal, deputy in tx.execute(found)}


def session_of(tx: Session, token: bytes, today: date) -> tuple[SignedIn, Actor] | None:
    """The session of a token's digest and its active person with the roles that count today, in one statement."""
    rows = tx.execute(_OF_SESSION, {"today": today, "token": token}, execution_options=_AS_THEY_ARE).all()
    return (rows[0].SignedIn, _actor(rows)) if rows else None


def token_of(tx: Session, token: bytes, today: date) -> tuple[Token, Actor] | None:
    """The token of a digest and its active person with the roles that count today, in one statement."""
    rows = tx.execute(_OF_TOKEN, {"today": today, "token": token}, execution_options=_AS_THEY_ARE).all()
    return (rows[0].Token, _actor(rows)) if rows else None


def actor_of(tx: Session, person_id: int, today: date) -> Actor | None:
    """An active person with the roles that count today, as things are now."""
    rows = tx.execute(_OF_PERSON, {"today": today, "person": person_id}, execution_options=_AS_THEY_ARE).all()
    return _actor(rows) if rows else None


_AS_THEY_ARE = {"populate_existing": True}


def _actor(rows: Sequence[Row[*tuple[Any, ...]]]) -> Actor:
    """The person of these rows, one for each role."""
    person, kinds, *_ = rows[0]
    held = [row for row in rows if row.role is not None] if _may_hold(person) else []
    granted = [(one.regulation, one.role, one.body) for one in held if one.principal_id is None]
    own = frozenset((regulation, role) for regulation, role, body in granted if body is None)
    local = frozenset((regulation, role, body) for regulation, role, body in granted if body is not None)
    deputy_for = tuple(
        Deputy(one.principal_id, one.principal, one.regulation, one.role, one.to_day)
        for one in sorted(held, key=attrgetter("delegation"))
        if one.principal_id is not None
    )
    lent = frozenset((one.regulation, one.role) for one in deputy_for) - own
    return Actor(
        person.id,
        person.name,
        person.organisation_id,
        own | lent,
        person.administrator,
        frozenset(kinds or ()),
        person.applicant,
        frozenset(person.rights),
        local,
        lent,
        deputy_for,
        person.must_change_password,
    )


def _may_hold(person: Person) -> bool:
    """Whether roles count for somebody: not for an applicant of no organisation."""
    return not person.applicant or person.organisation_id is not None


def _with_roles(today: ColumnElement[date]) -> Select[*tuple[Any, ...]]:
    held = _held(today)
    return (
        select(Person, Organisation.kinds, *held.c)
        .outerjoin(Organisation, Organisation.id == Person.organisation_id)
        .outerjoin(held, true())
    )


def _held(today: ColumnElement[date]) -> LateralFromClause:
    """The roles of the person of the statement around it: granted ones, then those lent to him with who lends them."""
    granted = select(
        literal(0, BigInteger).label("delegation"),
        Grant.regulation,
        Grant.role,
        Grant.body,
        cast(null(), BigInteger).label("principal_id"),
        cast(null(), Text).label("principal"),
        cast(null(), Date).label("to_day"),
    ).where(Grant.person_id == Person.id, counts_on(today))
    lent = _lent(
        Delegation.id,
        Delegation.regulation,
        Delegation.role,
        cast(null(), Text),
        _LENDER.id,
        _LENDER.name,
        Delegation.to_day,
        today=today,
    ).where(Delegation.to_person_id == Person.id, not_(Person.applicant))
    return union_all(granted.correlate(Person), lent.correlate(Person)).lateral("held")


_LENDER = aliased(Person, name="lender")


def _lent(*columns: Any, today: date | ColumnElement[date]) -> Select[*tuple[Any, ...]]:  # noqa: ANN401 - columns of any type
    """What is lent on a day: while the lender is active, one of the authority's, and holds the role by a grant."""
    granted = (
        select(Grant.id)
        .where(
            Grant.person_id == Delegation.from_person_id,
            Grant.regulation == Delegation.regulation,
            Grant.role == Delegation.role,
            Grant.body.is_(None),
            counts_on(today),
        )
        .exists()
    )
    return (
        select(*columns)
        .select_from(Delegation)
        .join(_LENDER, and_(_LENDER.id == Delegation.from_person_id, _LENDER.active, not_(_LENDER.applicant)))
        .where(
            Delegation.revoked_at.is_(None),
            Delegation.from_day <= today,
            Delegation.to_day >= today,
            granted.correlate(Delegation),
        )
    )


def counts_on(today: date | ColumnElement[date]) -> ColumnElement[bool]:
    """That a grant counts on a day."""
    return and_(Grant.from_day <= today, or_(Grant.to_day.is_(None), Grant.to_day >= today))


# Asked in every request and in every act of a person, so they are put together once.
_TODAY = bindparam("today", type_=Date)
_OF_PERSON = _with_roles(_TODAY).where(Person.id == bindparam("person", type_=BigInteger), Person.active)
_OF_SESSION = (
    _with_roles(_TODAY)
    .add_columns(SignedIn)
    .join(SignedIn, SignedIn.person_id == Person.id)
    .where(SignedIn.token == bindparam("token", type_=LargeBinary), Person.active)
)
_OF_TOKEN = (
    _with_roles(_TODAY)
    .add_columns(Token)
    .join(Token, Token.person_id == Person.id)
    .where(Token.digest == bindparam("token", type_=LargeBinary), Person.active)
)


def failures(tx: Session, account: bytes, address: str, now: datetime) -> tuple[int, int]:
    """How many sign-ins of an account, and how many from an address, have failed lately."""
    of_account, from_address = LoginAttempt.account == account, LoginAttempt.address == address
    counts = select(func.count().filter(of_account), func.count().filter(from_address))
    recent = counts.where(or_(of_account, from_address), LoginAttempt.moment > now - FAILURES_WITHIN)
    by_account, by_address = tx.execute(recent).one()
    return by_account, by_address
