"""Adding people and organisations, granting roles, signing in and out, and who is acting."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.db import locks
from portal.forms import uscc as codes
from portal.identity import passwords, queries, rules, sessions, throttle
from portal.identity.access import PARTY
from portal.identity.actor import Actor
from portal.identity.entry import FIRST_RIGHTS, PERSON, PROOF_FORGOTTEN, normal_rights
from portal.identity.models import Grant, LoginAttempt, Organisation, Person, Proof
from portal.identity.rules import (
    LoginTaken,
    SignInRefused,
    TooManyAttempts,
    UsccTaken,
    digest,
)


def add_organisation(
    tx: Session,
    *,
    uscc: str,
    name: str,
    district: str,
    kinds: Iterable[str],
    electronic_service_since: datetime | None = None,
) -> Organisation:
    """Register an organisation, or a natural person by his own code; InvalidUscc (GB 32100-2015) or UsccTaken."""
    kept = sorted(set(kinds))
    code = rules.accepted_personal(uscc) if PERSON in kept else rules.accepted_uscc(uscc)
    new = insert(Organisation).values(
        uscc=code,
        name=name,
        district=district,
        kinds=kept,
        electronic_service_since=electronic_service_since,
    )
    new = new.on_conflict_do_nothing(index_elements=["uscc"])
    added = tx.scalars(new.returning(Organisation)).one_or_none()
    if added is None:
        raise UsccTaken(uscc=code)
    return added


def add_person(
    tx: Session,
    *,
    login: str,
    name: str,
    password: str,
    organisation_id: int | None = None,
    administrator: bool = False,
    applicant: bool = False,
    rights: Iterable[str] = FIRST_RIGHTS,
) -> Person:
    """Add someone who can sign in; raises InvalidLogin, LoginTaken or WeakPassword.

    Whoever belongs to an organisation is an applicant with `rights` there; an applicant without one waits for it.
    """
    accepted = rules.accepted_login(login)
    rules.check_password(password, accepted)
    new = insert(Person).values(
        login=accepted,
        name=name,
        password_hash=passwords.hashed(password),
        organisation_id=organisation_id,
        applicant=applicant or organisation_id is not None,
        rights=list(normal_rights(rights)) if organisation_id is not None else [],
        administrator=administrator,
    )
    new = new.on_conflict_do_nothing(index_elements=["login"])
    added = tx.scalars(new.returning(Person)).one_or_none()
    if added is None:
        raise LoginTaken(login=accepted)
    return added


def grant_role(
    tx: Session,
    *,
    person_id: int,
    regulation: str,
    role: str,
    from_day: date,
    to_day: date | None = None,
    body: str | None = None,
) -> Grant:
    """Let a person act in a role of a regulation from one day to another, both included.

    With a `body`, the name of a region, he sees the copies that the body of this region gets, and nothing else.
    """
    if role == PARTY:
        raise ValueError("who is a party follows from the case and cannot be granted")
    grant = Grant(person_id=person_id, regulation=regulation, role=role, body=body, from_day=from_day, to_day=to_day)
    tx.add(grant)
    tx.flush()
    return grant


def organisation(tx: Session, organisation_id: int) -> Organisation | None:
    """The organisation of this id."""
    return tx.get(Organisation, organisation_id)


def organisation_by_uscc(tx: Session, uscc: str) -> Organisation | None:
    """The organisation of a code, however it is typed."""
    return queries.organisation_by_uscc(tx, codes.normal(uscc))


def person(tx: Session, person_id: int) -> Person | None:
    """The person of this id."""
    return tx.get(Person, person_id)


def person_by_login(tx: Session, login: str) -> Person | None:
    """The person of a login, however it is typed."""
    normal = rules.normal_login(login)
    return queries.person_by_login(tx, normal) if normal.isprintable() else None


def sign_in(
    tx: Session,
    login: str,
    password: str,
    address: str,
    now: datetime,
    *,
    today: date | None = None,
    agent: str = "",
) -> str | SignInRefused | TooManyAttempts:
    """The token of a new session, or why there is none.

    A refusal is handed back and not raised, so that the failure is kept: the caller commits in any case.
    `now` is real time, `today` the legal day, `agent` what the browser calls itself. Neither the words nor the time
    of an answer tell whether the login exists, and a wrong password is answered at most ten times in 15 minutes for
    an account and for an address.
    """
    account = digest(rules.normal_login(login))
    if _is_locked_out(tx, account, address, now):
        return TooManyAttempts()
    someone = person_by_login(tx, login)
    right = passwords.fits(password, someone.password_hash if someone else None)
    # Guesses that were hashed at the same time are counted one after the other, so none is answered too many.
    _queue_up(tx, account, address)
    if _is_locked_out(tx, account, address, now):
        return TooManyAttempts()
    if someone is None or not right or not _opens_still(tx, someone, password):
        tx.add(LoginAttempt(account=account, address=address, moment=now))
        tx.flush()
        return SignInRefused()
    if passwords.is_outdated(someone.password_hash):
        someone.password_hash = passwords.hashed(password)
    return sessions.opened(tx, someone.id, now, today=today, agent=agent)


def actor_of(tx: Session, person_id: int, today: date) -> Actor | None:
    """An active person with the roles that count on a day."""
    return queries.actor_of(tx, person_id, today)


def sweep(tx: Session, now: datetime) -> None:
    """Forget failures that no longer count, sessions that are over, and proofs that came with no registration."""
    tx.execute(delete(LoginAttempt).where(LoginAttempt.moment <= now - rules.FAILURES_WITHIN))
    sessions.sweep(tx, now)
    tx.execute(delete(Proof).where(Proof.registration_id.is_(None), Proof.kept_at <= now - PROOF_FORGOTTEN))
    throttle.sweep(tx, now)


def _opens_still(tx: Session, person: Person, password: str) -> bool:
    """Whether an account is open, and its password the one that fitted: whoever closes it or gives another password
    meanwhile ends its sessions, and one that he does not see yet must not be opened."""
    compared = person.password_hash
    tx.refresh(person, with_for_update={"key_share": True})
    same = person.password_hash == compared or passwords.fits(password, person.password_hash)
    return person.active and not person.system and same


def _is_locked_out(tx: Session, account: bytes, address: str, now: datetime) -> bool:
    of_account, of_address = queries.failures(tx, account, address, now)
    return of_account >= rules.FAILURES_ALLOWED or of_address >= rules.FAILURES_ALLOWED_FROM


def _queue_up(tx: Session, account: bytes, address: str) -> None:
    locks.take(tx, f"sign-in/{account.hex()}", f"sign-in from/{address}")
