"""System accounts: a program's, made by an administrator, with a purpose and an owner; it acts by tokens alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.errors import PortalError, Words
from portal.forms.characters import tidy
from portal.identity import accounts, changes, queries, rules, service
from portal.identity.actor import Actor
from portal.identity.entry import FILE, NAME_LENGTH, NOTE_LENGTH, REASON_LENGTH, ActsAlone, text_fault
from portal.identity.models import Organisation, Person
from portal.identity.rules import LoginTaken

ADDED = "system.added"


class UnknownSystem(PortalError):
    """There is no system account of this id."""

    zh = "没有这个系统账号。"
    en = "There is no such system account."


class UnknownOrganisation(PortalError):
    """No organisation has this code."""

    zh = "没有统一社会信用代码为 {uscc} 的单位。请核对，或先登记该单位。"
    en = "No organisation has the code {uscc}. Check it, or register the organisation first."


class NobodyThere(PortalError):
    """The organisation has no people: nobody could look after its program."""

    zh = "{name}还没有人员，不能为其添加系统账号。请该单位先注册。"
    en = "{name} has no people yet who could look after a system account: it has to register first."


@dataclass(frozen=True)
class Wanted:
    """A system account to be added: of the authority, or of the organisation whose code is given."""

    login: str
    name: str
    purpose: str
    owner: str
    uscc: str = ""


def faults(tx: Session, wanted: Wanted) -> dict[str, PortalError]:
    """What is wrong with a system account as asked for, by field."""
    found = {
        "name": text_fault(Words("名称", "name"), tidy(wanted.name), NAME_LENGTH),
        "login": accounts.login_fault(tx, wanted.login),
        "purpose": text_fault(Words("用途", "purpose"), tidy(wanted.purpose), REASON_LENGTH),
        "owner": text_fault(Words("负责人", "owner"), tidy(wanted.owner), NOTE_LENGTH),
        "uscc": _organisation_fault(tx, wanted.uscc) if wanted.uscc else None,
    }
    return {name: fault for name, fault in found.items() if fault is not None}


def add(tx: Session, actor: Actor, wanted: Wanted, moment: datetime) -> Person:
    """Adds a system account, without password; one of an organisation may file there, one of the authority gets roles.

    Forbidden for whoever is no administrator, what is wrong with what is wanted (see `faults`), LoginTaken.
    """
    accounts.administrators(tx, actor)
    for fault in faults(tx, wanted).values():
        raise fault
    organisation = service.organisation_by_uscc(tx, wanted.uscc) if wanted.uscc else None
    login = rules.accepted_login(wanted.login)
    new = insert(Person).values(
        login=login,
        name=tidy(wanted.name),
        password_hash="",  # nosec B106 # 2026-11-22: nobody signs in
        organisation_id=organisation.id if organisation else None,
        rights=[FILE] if organisation else [],
        purpose=tidy(wanted.purpose),
        owner=tidy(wanted.owner),
    )
    added = tx.scalars(new.on_conflict_do_nothing(index_elements=["login"]).returning(Person)).one_or_none()
    if added is None:
        raise LoginTaken(login=login)
    changes.note(
        tx, ADDED, moment, organisation_id=added.organisation_id, person_id=added.id, by_id=actor.person_id,
        purpose=added.purpose, owner=added.owner,
    )  # fmt: skip
    return added


def newest(tx: Session, before: int | None, limit: int) -> list[tuple[Person, str]]:
    """The system accounts and the names of their organisations (empty: the authority's), last added first."""
    found = (
        select(Person, Organisation.name)
        .outerjoin(Organisation, Organisation.id == Person.organisation_id)
        .where(Person.purpose.is_not(None))
        .order_by(Person.id.desc())
        .limit(limit)
    )
    if before is not None:
        found = found.where(Person.id < before)
    return [(person, name or "") for person, name in tx.execute(found)]


def one(tx: Session, person_id: int) -> Person:
    """A system account as it stands; UnknownSystem."""
    found = tx.get(Person, person_id, populate_existing=True)
    if found is None or not found.system:
        raise UnknownSystem()
    return found


def _organisation_fault(tx: Session, uscc: str) -> PortalError | None:
    organisation = service.organisation_by_uscc(tx, uscc)
    if organisation is None:
        return UnknownOrganisation(uscc=uscc)
    if organisation.natural:
        return ActsAlone()
    return None if queries.people_of(tx, organisation.id) else NobodyThere(name=organisation.name)
