"""What people change about themselves: the address mail goes to, whether they wish it, and their password."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from portal.errors import PortalError
from portal.forms.characters import narrow
from portal.identity import accounts, passwords, throttle
from portal.identity.actor import Actor
from portal.identity.entry import ASK_CODE, OLD_PASSWORD
from portal.identity.models import EmailCheck, Person
from portal.identity.rules import TooManyAttempts, digest

CODE_MINUTES = 30
CODE_TRIES = 5
_DIGITS = 6
_LONGEST = 254  # RFC 5321, 4.5.3.1.3
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")


class InvalidEmail(PortalError):
    """Not an address that mail can be sent to."""

    zh = "邮箱地址不正确，写法如 name@example.cn：{email}"
    en = "This is not an address for mail, such as name@example.cn: {email}"


class TooManyCodes(TooManyAttempts):
    """Codes were asked for too often."""

    zh = "一小时内请求验证码的次数过多，请一小时后再试。"
    en = "Too many codes were asked for within an hour: try again in an hour."


class WrongCode(PortalError):
    """Not the code that was mailed."""

    zh = "验证码不正确，还可以输入 {left} 次。请核对最近一封邮件中的 6 位数字。"
    en = "This is not the code; you may try {left} more times. Look at the six digits in the newest mail."


class CodeOver(PortalError):
    """No code is good any more: too old, typed wrongly too often, or never mailed."""

    zh = "验证码已失效，请重新发送。"
    en = "The code is not good any more: have a new one sent."


class WrongOldPassword(PortalError):
    """The present password was not typed right."""

    zh = "原密码不正确，密码没有改变。"
    en = "The present password is not right; nothing was changed."


class TooManyPasswords(TooManyAttempts):
    """The present password was typed wrongly too often."""

    zh = "原密码输错次数过多，请 15 分钟后再试。"
    en = "The present password was wrong too often: try again in 15 minutes."


@dataclass(frozen=True)
class Drawn:
    """A code for an address, and when it was drawn."""

    name: str
    address: str
    code: str
    at: datetime


def accepted_email(text: str) -> str:
    """An address as it is kept, full-width characters narrowed; InvalidEmail."""
    address = narrow(text)
    if len(address) > _LONGEST or _ADDRESS.fullmatch(address) is None:
        raise InvalidEmail(email=text)
    return address


def give_email(tx: Session, person_id: int, email: str, now: datetime) -> None:
    """Note an address, in its accepted form, that a code is to be mailed to; nothing else is until it is proved.

    `now` is real time. Raises TooManyCodes.
    """
    person = _locked(tx, person_id)
    if throttle.too_many(tx, ASK_CODE, str(person_id), now):
        raise TooManyCodes
    throttle.note(tx, ASK_CODE, str(person_id), now)
    person.email, person.email_verified_at = email, None
    tx.execute(delete(EmailCheck).where(EmailCheck.person_id == person_id))
    tx.add(EmailCheck(person_id=person_id, asked_at=now))
    tx.flush()


def forget_email(tx: Session, person_id: int) -> None:
    """Take a person's address off the record."""
    person = _locked(tx, person_id)
    person.email = person.email_verified_at = None
    tx.execute(delete(EmailCheck).where(EmailCheck.person_id == person_id))
    tx.flush()


def draw_code(tx: Session, person_id: int, now: datetime) -> Drawn | None:
    """A new code for the address that a person has given, in place of an earlier one; None when nothing waits for one.

    The table holds only its digest.
    """
    person = _locked(tx, person_id)
    check = tx.get(EmailCheck, person_id)
    if check is None or person.email is None or not person.active:
        return None
    code = f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}"
    check.code, check.drawn_at, check.tries = _code_digest(person_id, person.email, code), now, 0
    check.fault = None
    tx.flush()
    return Drawn(person.name, person.email, code, now)


def prove_email(tx: Session, person_id: int, typed: str, now: datetime) -> WrongCode | CodeOver | None:
    """Take an address as proved when the code is the one that was mailed there, else say why not.

    A refusal is handed back and not raised, so that the try is counted: the caller commits in any case.
    """
    person = _locked(tx, person_id)
    check = tx.get(EmailCheck, person_id, populate_existing=True)
    if check is None or check.code is None or check.drawn_at is None or person.email is None:
        return CodeOver()
    if check.tries >= CODE_TRIES or now - check.drawn_at > timedelta(minutes=CODE_MINUTES):
        return CodeOver()
    digits = "".join(sign for sign in narrow(typed) if not sign.isspace())
    if not secrets.compare_digest(_code_digest(person_id, person.email, digits), check.code):
        check.tries += 1
        tx.flush()
        return WrongCode(left=CODE_TRIES - check.tries) if check.tries < CODE_TRIES else CodeOver()
    person.email_verified_at = now
    tx.delete(check)
    tx.flush()
    return None


def not_mailed(tx: Session, person_id: int, fault: str) -> None:
    """Note why no code could be mailed to a person, in Chinese."""
    tx.execute(update(EmailCheck).where(EmailCheck.person_id == person_id).values(fault=fault, code=None))


def check_of(tx: Session, person_id: int) -> EmailCheck | None:
    """The code that is on its way to a person's address, or was mailed there."""
    return tx.get(EmailCheck, person_id, populate_existing=True)


def switch_mail(tx: Session, person_id: int, *, on: bool) -> None:
    """Have messages mailed to a person from now on, or not."""
    _locked(tx, person_id).mail_on = on
    tx.flush()


def change_password(
    tx: Session, actor: Actor, old: str, new: str, token: str, moment: datetime, now: datetime
) -> str | WrongOldPassword | TooManyPasswords | None:
    """Change the password of whoever knows the old one, and end all his sessions but the one of `token`, which gets
    the new token that is handed back.

    A wrong old one is handed back and not raised, so that the failure is kept; raises WeakPassword and SamePassword.
    """
    person, by = _locked(tx, actor.person_id), str(actor.person_id)
    if throttle.too_many(tx, OLD_PASSWORD, by, now):
        return TooManyPasswords()
    if not passwords.fits(old, person.password_hash):
        throttle.note(tx, OLD_PASSWORD, by, now)
        return WrongOldPassword()
    return accounts.choose_password(tx, actor, new, token, moment, now)


def _locked(tx: Session, person_id: int) -> Person:
    mine = select(Person).where(Person.id == person_id).with_for_update(key_share=True)
    return tx.scalars(mine.execution_options(populate_existing=True)).one()


def _code_digest(person_id: int, email: str, code: str) -> bytes:
    return digest(f"email {person_id} {email} {code}")
