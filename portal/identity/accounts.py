"""The accounts of officials, as an administrator looks after them: added, closed, opened again, given a password."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, exists, not_, or_, select
from sqlalchemy.orm import Session

from portal.errors import PortalError
from portal.forms.characters import forbidden, tidy
from portal.identity import changes, passwords, rules, service, sessions, tokens
from portal.identity.access import Forbidden, Permission
from portal.identity.actor import Actor
from portal.identity.entry import NAME_LENGTH, REASON_LENGTH, Missing, TooLong, Unreadable
from portal.identity.models import Person
from portal.identity.rules import LoginTaken

_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that is taken for something else when it is read out
_GROUPS, _GROUP = 4, 4

NAME, LOGIN, REASON = "姓名", "用户名", "事由"


class UnknownOfficial(PortalError):
    """There is no official of this id; applicants are looked after by their organisations."""

    zh = "没有这名工作人员。单位的人员由单位的管理人员管理，不在这里。"
    en = "There is no such official. The people of an organisation are looked after by its managers."


class LoginOfApplicant(PortalError):
    """The login is an applicant's: nobody acts on both sides of a case by one account."""

    zh = "用户名“{login}”是申请人（单位人员）的账号。申请人不能兼任工作人员，请为其另设一个用户名。"
    en = "The login {login} is an applicant's. An applicant cannot be an official too: give another login."


class NotYourself(PortalError):
    """An administrator does to himself what only another may do."""

    zh = "不能对自己的账号进行这项操作，请由另一名管理员办理。"
    en = "You cannot do this to your own account: another administrator can."


class LastAdministrator(PortalError):
    """Without him nobody could look after people any more."""

    zh = "{name}是最后一名在用的管理员，不能停用，也不能取消管理员身份。请先添加另一名管理员。"
    en = "{name} is the last administrator with an open account. Add another one first."


class NobodySignsIn(PortalError):
    """What is done to people is asked for a system account, which has no password and looks after nobody."""

    zh = "{name}是系统账号：没有密码，不能登录，也不能担任管理员。请用令牌。"
    en = "{name} is a system account: it has no password, nobody signs in to it, and it is no administrator."


class AlreadySo(PortalError):
    """Somebody else was faster, or the button was pressed twice."""

    zh = "已经是这样了，没有再次变动。请核对最新情况。"
    en = "It is so already; nothing was changed."


class SamePassword(PortalError):
    """The password that was given to him is known to somebody else."""

    zh = "新密码不能与现在的密码相同。"
    en = "The new password must not be the present one."


@dataclass(frozen=True)
class Added:
    """An official just added, or one with a new password: the only time the password is shown."""

    person: Person
    password: str


def one_time_password() -> str:
    """A password to be told once: 16 characters in groups of four, 79 bits."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def has_administrator(tx: Session) -> bool:
    """Whether anybody can look after people."""
    return bool(tx.scalar(select(exists().where(Person.administrator, Person.active))))


def officials_like(tx: Session, text: str, before: int | None, limit: int) -> list[Person]:
    """The officials whose name or login holds a text, last added first."""
    found = select(Person).where(not_(Person.applicant)).order_by(Person.id.desc()).limit(limit)
    if text:
        login = Person.login.contains(rules.normal_login(text), autoescape=True)
        found = found.where(or_(Person.name.contains(text, autoescape=True), login))
    if before is not None:
        found = found.where(Person.id < before)
    return list(tx.scalars(found))


def official(tx: Session, person_id: int) -> Person:
    """An official as he stands; UnknownOfficial."""
    found = tx.get(Person, person_id, populate_existing=True)
    if found is None or found.applicant:
        raise UnknownOfficial()
    return found


def looked_after(tx: Session, person_id: int) -> Person:
    """An account as it stands that administrators open and close: an official's or a system's; UnknownOfficial."""
    found = tx.get(Person, person_id, populate_existing=True)
    if found is None or (found.applicant and not found.system):
        raise UnknownOfficial()
    return found


def reason_fault(reason: str, what: str = REASON) -> PortalError | None:
    """What is wrong with the reason for an act; `what` it is called on the page."""
    return _text_fault(what, reason, REASON_LENGTH)


def name_fault(name: str, what: str = NAME) -> PortalError | None:
    """What is wrong with a person's name."""
    return _text_fault(what, name, NAME_LENGTH)


def login_fault(tx: Session, login: str, what: str = LOGIN) -> PortalError | None:
    """What is wrong with the login of somebody to be added."""
    if not tidy(login):
        return Missing(what=what)
    try:
        normal = rules.accepted_login(login)
    except rules.InvalidLogin as error:
        return error
    taken = service.person_by_login(tx, normal)
    if taken is None:
        return None
    return LoginOfApplicant(login=normal) if taken.applicant else LoginTaken(login=normal)


def add(
    tx: Session, actor: Actor, *, login: str, name: str, administrator: bool, reason: str, moment: datetime
) -> Added:
    """Adds an official with a password that he has to change; InvalidLogin, LoginTaken, LoginOfApplicant, what is
    wrong with name or reason."""
    administrators(tx, actor)
    _check(name_fault(name), login_fault(tx, login), reason_fault(reason))
    password = one_time_password()
    person = service.add_person(tx, login=login, name=tidy(name), password=password, administrator=administrator)
    person.must_change_password = True
    _note(tx, "person.added", moment, person, actor, reason, administrator=administrator)
    return Added(person, password)


def give_password(tx: Session, actor: Actor, person_id: int, reason: str, moment: datetime, now: datetime) -> Added:
    """A new one-time password for another official; his sessions end at once (`now` is real time).

    NotYourself, UnknownOfficial, NobodySignsIn.
    """
    person = _another(tx, actor, person_id)
    _check(_system_fault(person), reason_fault(reason))
    password = one_time_password()
    person.password_hash, person.must_change_password = passwords.hashed(password), True
    sessions.revoke_all(tx, person.id, now)
    _note(tx, "password.given", moment, person, actor, reason)
    return Added(person, password)


def choose_password(
    tx: Session, actor: Actor, password: str, token: str, moment: datetime, now: datetime
) -> str | None:
    """A person chooses his own password; his other sessions than that of `token` end, and that one gets the new token
    that is handed back. WeakPassword, SamePassword."""
    person = tx.get_one(Person, actor.person_id, with_for_update=True, populate_existing=True)
    rules.check_password(password, person.login)
    if passwords.fits(password, person.password_hash):
        raise SamePassword()
    person.password_hash, person.must_change_password = passwords.hashed(password), False
    sessions.end_others(tx, person.id, token, now)
    changes.note(tx, "password.chosen", moment, organisation_id=None, person_id=person.id, by_id=person.id)
    return sessions.renewed(tx, token)


def close(tx: Session, actor: Actor, person_id: int, reason: str, moment: datetime, now: datetime) -> Person:
    """Closes the account of another official, or a system's; its sessions and tokens end at once (`now` is real time).

    NotYourself, LastAdministrator, UnknownOfficial, AlreadySo.
    """
    person = _another(tx, actor, person_id, removing=True)
    _check(reason_fault(reason))
    if not person.active:
        raise AlreadySo()
    person.active = False
    sessions.revoke_all(tx, person.id, now)
    _note(tx, "person.closed", moment, person, actor, reason)
    tokens.revoke_all(tx, person.id, actor, now, moment=moment)
    return person


def reopen(tx: Session, actor: Actor, person_id: int, reason: str, moment: datetime) -> Person:
    """Opens a closed account again, with the roles that still count; UnknownOfficial, AlreadySo."""
    person = _another(tx, actor, person_id)
    _check(reason_fault(reason))
    if person.active:
        raise AlreadySo()
    person.active = True
    _note(tx, "person.reopened", moment, person, actor, reason)
    return person


def make_administrator(
    tx: Session, actor: Actor, person_id: int, administrator: bool, reason: str, moment: datetime
) -> Person:
    """Makes another official an administrator, or no longer one.

    NotYourself, LastAdministrator, UnknownOfficial, NobodySignsIn, AlreadySo.
    """
    person = _another(tx, actor, person_id, removing=not administrator)
    _check(_system_fault(person), reason_fault(reason))
    if person.administrator is administrator:
        raise AlreadySo()
    person.administrator = administrator
    _note(tx, "administrator.made" if administrator else "administrator.ended", moment, person, actor, reason)
    return person


def administrators(tx: Session, actor: Actor) -> list[Person]:
    """The administrators with open accounts, locked so that one after the other acts; Forbidden when the actor is
    none of them any more."""
    wanted = select(Person).where(and_(Person.administrator, Person.active)).order_by(Person.id).with_for_update()
    found = list(tx.scalars(wanted.execution_options(populate_existing=True)))
    if all(person.id != actor.person_id for person in found):
        raise Forbidden(permission=Permission.PERSON_ADD)
    return found


def _another(tx: Session, actor: Actor, person_id: int, *, removing: bool = False) -> Person:
    """Another official than the actor, who is an administrator still. As nobody removes himself, one always remains."""
    known = administrators(tx, actor)
    if person_id == actor.person_id:
        raise LastAdministrator(name=actor.name) if removing and len(known) == 1 else NotYourself()
    return looked_after(tx, person_id)


def _system_fault(person: Person) -> PortalError | None:
    return NobodySignsIn(name=person.name) if person.system else None


def _text_fault(what: str, text: str, most: int) -> PortalError | None:
    said = tidy(text)
    if not said:
        return Missing(what=what)
    if len(said) > most:
        return TooLong(what=what, most=most, count=len(said))
    return Unreadable(what=what) if forbidden(said) else None


def _check(*faults: PortalError | None) -> None:
    """Raises the first fault, if there is any."""
    for fault in filter(None, faults):
        raise fault


def _note(
    tx: Session, event: str, moment: datetime, person: Person, actor: Actor, reason: str, **details: object
) -> None:
    changes.note(
        tx, event, moment, organisation_id=person.organisation_id, person_id=person.id, by_id=actor.person_id,
        for_id=None, reason=tidy(reason), **details,
    )  # fmt: skip
