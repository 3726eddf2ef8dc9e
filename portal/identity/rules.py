"""What makes a login and a password acceptable, and how long a session and a lock-out last."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.errors import PortalError
from portal.forms import personal
from portal.forms import uscc as codes

# One working day: whoever signs in in the morning signs in again the next.
SESSION_LASTS = timedelta(hours=8)
# So that reading a page does not write a row each time.
SESSION_SEEN_EVERY = timedelta(minutes=1)

FAILURES_ALLOWED = 10
"""Of one account."""
FAILURES_ALLOWED_FROM = 100
"""Of one address, behind which a whole bureau may sit: ten mistakes of one must not keep out the others."""
FAILURES_WITHIN = timedelta(minutes=15)

PASSWORD_LENGTHS = range(10, 129)
LOGIN_LENGTHS = range(2, 65)


class SignInRefused(PortalError):
    """Login, password or state of the account is wrong; which of them is not said."""

    zh = "用户名或密码不正确。"
    en = "The login or the password is not right."


class TooManyAttempts(PortalError):
    """Too many failures for this account or from this address within a quarter of an hour."""

    zh = "登录失败次数过多，请 15 分钟后再试。"
    en = "Too many failed attempts: try again in 15 minutes."


class InvalidLogin(PortalError):
    """A login that could not be typed again or told apart."""

    zh = "用户名须为2至64个字符，不含空格：{login}"
    en = "A login has 2 to 64 characters and no blanks: {login}"


class LoginTaken(PortalError):
    """Somebody has this login already."""

    zh = "用户名已被使用：{login}"
    en = "This login is taken: {login}"


class WeakPassword(PortalError):
    """A password that is too short, too long or the login itself."""

    zh = "密码须为10至128个字符，且不得与用户名相同。"
    en = "A password has 10 to 128 characters and is not the login."


class PasswordsDiffer(PortalError):
    """A new password was typed in two different ways."""

    zh = "两次输入的密码不一致，请重新输入。"
    en = "The two passwords differ; please type them again."


class InvalidUscc(PortalError):
    """Not a unified social credit code (GB 32100-2015)."""

    zh = "统一社会信用代码不正确：{uscc}"
    en = "This is not a valid unified social credit code: {uscc}"


class UsccLength(InvalidUscc):
    """A code that does not have 18 characters."""

    zh = "统一社会信用代码应为 18 位，现有 {count} 位，请对照营业执照核对。"
    en = "A unified social credit code has 18 characters; this one has {count}."


class UsccCharacters(InvalidUscc):
    """A code with characters that no code has."""

    zh = "统一社会信用代码只能含数字和大写字母，不使用 I、O、S、V、Z（字母 O、I 多为数字 0、1 之误）。"
    en = "A unified social credit code holds digits and capital letters except I, O, S, V, Z."


class UsccCheckDigit(InvalidUscc):
    """A code whose last character does not follow from the others: one of them is mistyped."""

    zh = "统一社会信用代码 {uscc} 的校验位不对，其中有一位写错了，请对照营业执照核对这 18 位。"
    en = "The check digit of {uscc} is wrong: one of its characters is mistyped. Compare it with the licence."


class InvalidPersonalCode(InvalidUscc):
    """Not the code of a natural person."""

    zh = "个人编号不正确：{uscc}"
    en = "This is not the code of a natural person: {uscc}"


class UsccTaken(PortalError):
    """The organisation of this code is registered already."""

    zh = "该统一社会信用代码已登记：{uscc}"
    en = "An organisation of this code is registered already: {uscc}"


def normal_login(login: str) -> str:
    """A login as it is compared: without outer blanks, width and case."""
    return unicodedata.normalize("NFKC", login).strip().casefold()


def accepted_login(login: str) -> str:
    """The normal form of a login that may be given out, or InvalidLogin."""
    normal = normal_login(login)
    if len(normal) not in LOGIN_LENGTHS or not normal.isprintable() or " " in normal:
        raise InvalidLogin(login=login)
    return normal


def accepted_uscc(text: str) -> str:
    """A code in its stored form: ASCII, upper case, no blanks; UsccLength, UsccCharacters or UsccCheckDigit."""
    code = codes.normal(text)
    if len(code) != codes.LENGTH:
        raise UsccLength(count=len(code))
    if not set(code) <= set(codes.ALPHABET):
        raise UsccCharacters()
    if not codes.is_valid(code):
        raise UsccCheckDigit(uscc=code)
    return code


def accepted_personal(text: str) -> str:
    """The code of a natural person in its stored form, or InvalidPersonalCode."""
    code = personal.normal(text)
    if not personal.is_valid(code):
        raise InvalidPersonalCode(uscc=text)
    return code


def check_password(password: str, login: str) -> None:
    """Raise WeakPassword unless the password may be used with this login."""
    if len(password) not in PASSWORD_LENGTHS or normal_login(password) == normal_login(login):
        raise WeakPassword()


def digest(text: str) -> bytes:
    """How tokens, and logins that were tried, are stored: nobody who reads the table can use them."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True)
class Idle:
    """After how long without a request a session is over (real time); what is typed meanwhile is a request too."""

    officials: timedelta
    others: timedelta

    def of(self, *, official: bool) -> timedelta:
        """The limit of somebody of the authority, or of anybody else."""
        return self.officials if official else self.others


# GB/T 22239 8.1.4.1 asks for an end to sessions that nobody uses, and sees more by an official's than by another's.
IDLE = Idle(officials=timedelta(minutes=15), others=timedelta(minutes=30))


def session_ends(created: datetime) -> datetime:
    """When a session ends, however busy it is."""
    return created + SESSION_LASTS


def session_alive(last_seen: datetime, expires: datetime, now: datetime, idle: timedelta) -> bool:
    """Whether a session is neither over nor forgotten for longer than `idle`."""
    return now < expires and now - last_seen <= idle
