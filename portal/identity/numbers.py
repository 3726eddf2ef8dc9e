"""居民身份号码, held apart: who may read one in full, and how everybody else reads it.

A number is told in full only to the official who decides on a registration, as long as it waits for him. It is in no
value of a case, no letter, register, export, history or error.
"""

from __future__ import annotations

import secrets
from datetime import date

from sqlalchemy import delete, exists, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.forms import personal, residents
from portal.identity import idnumber
from portal.identity.actor import Actor
from portal.identity.models import IdentityNumber, Organisation, Registration


def keep(tx: Session, text: str, today: date) -> IdentityNumber:
    """The row of a number, whoever typed it before; InvalidIdNumber."""
    number = idnumber.accepted(text, today)
    tx.execute(insert(IdentityNumber).values(number=number).on_conflict_do_nothing(index_elements=["number"]))
    return tx.scalars(select(IdentityNumber).where(IdentityNumber.number == number)).one()


def forget_unused(tx: Session, number_id: int | None) -> None:
    """Forgets a number that was mistyped: one that no registration names and that is nobody's."""
    named = exists().where(Registration.identity_number_id == IdentityNumber.id)
    unused = (IdentityNumber.id == number_id, IdentityNumber.organisation_id.is_(None), ~named)
    tx.execute(delete(IdentityNumber).where(*unused))


def locked(tx: Session, number_id: int) -> IdentityNumber:
    """A number whose person nobody else registers meanwhile."""
    wanted = select(IdentityNumber).where(IdentityNumber.id == number_id).with_for_update()
    return tx.scalars(wanted.execution_options(populate_existing=True)).one()


def party_of(tx: Session, number_id: int) -> Organisation | None:
    """The party that the person of a number is, if he was approved."""
    found = select(Organisation).join(IdentityNumber, IdentityNumber.organisation_id == Organisation.id)
    return tx.scalar(found.where(IdentityNumber.id == number_id).execution_options(populate_existing=True))


def new_code(tx: Session) -> str:
    """A 个人编号 that nobody has and none was promised."""
    while True:
        code = personal.code(secrets.randbelow(10**personal.DIGITS))
        taken = exists().where(Organisation.uscc == code), exists().where(Registration.uscc == code)
        if not tx.scalar(select(or_(*taken))):
            return code


def masked(tx: Session, row: Registration) -> str:
    """The number of a registration as anybody who sees the registration reads it; empty for an organisation's."""
    return residents.masked(_number(tx, row))


def masked_of_party(tx: Session, organisation_id: int) -> str:
    """The number of a natural person as he himself and officials read it; empty for an organisation."""
    found = select(IdentityNumber.number).where(IdentityNumber.organisation_id == organisation_id)
    number = tx.scalar(found)
    return residents.masked(number or "")


def for_decision(tx: Session, actor: Actor, row: Registration) -> str:
    """The number in full for an official who decides on the registration; for anybody else, and once it was decided,
    as `masked`. That he may decide is asked before."""
    deciding = row.state == "waiting" and actor.official and actor.person_id != row.person_id
    return _number(tx, row) if deciding else masked(tx, row)


def _number(tx: Session, row: Registration) -> str:
    found = tx.get(IdentityNumber, row.identity_number_id) if row.identity_number_id is not None else None
    return found.number if found else ""
