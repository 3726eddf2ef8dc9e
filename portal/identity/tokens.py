"""Bearer tokens: what a program shows instead of signing in, for whom it acts by that and what it may do."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from portal.clock import day_of
from portal.errors import PortalError, Words
from portal.forms.characters import tidy
from portal.identity import changes, queries
from portal.identity.access import Permission, Subject, require
from portal.identity.actor import Actor
from portal.identity.entry import NAME_LENGTH, text_fault
from portal.identity.models import Person, Token
from portal.identity.rules import digest

PREFIX = "pt_"
"""What every token begins with, so that scanners for leaked secrets know one."""
_RANDOM_BYTES = 32
_SHAPE = re.compile(PREFIX + "[0-9a-f]{64}")
LIVE_AT_MOST = 20
"""Tokens of one person that count at the same time."""
LASTS = timedelta(days=90)
"""Unless another last day is asked for."""
LASTS_AT_MOST = timedelta(days=365)
USED_EVERY = timedelta(minutes=1)
"""So that a program in a hurry does not write a row each time."""
_SHOWN = 100

ISSUED, REVOKED = "token.issued", "token.revoked"


class Scope(StrEnum):
    """What a token lets a program do of all that its person may do; none includes another."""

    READ = "read"
    """Cases, tasks, documents, accounts: whatever changes nothing."""
    FILE = "file"
    """Start cases, upload attachments, send messages to cases."""
    WORK = "work"
    """Claim and complete tasks."""


class NoScope(PortalError):
    """A token that could do nothing, or something that there is not."""

    zh = "请至少选择一项权限：{known}。"
    en = "Choose at least one scope: {known}."


class DayOver(PortalError):
    """A token that would be over before it is used; the day is a real one."""

    zh = "最后有效日不能早于今天（{today}）。"
    en = "The last day cannot lie before today ({today})."


class LastsTooLong(PortalError):
    """A token that would outlive those who know of it; the day is a real one."""

    zh = "令牌最长 {days} 天，最后有效日不能晚于 {last}。到期前可以新建一个替换。"
    en = "A token lasts {days} days at most: the last day cannot be after {last}. Issue a new one in its place then."


class NameTaken(PortalError):
    """Two tokens that count could not be told apart."""

    zh = "已有一个在用的令牌叫“{name}”。请换一个名称，或先撤销那一个。"
    en = "A token in use is called “{name}” already. Choose another name, or revoke that one first."


class TooManyTokens(PortalError):
    """The person has as many tokens as one may have."""

    zh = "在用的令牌最多 {most} 个。请先撤销不再使用的。"
    en = "At most {most} tokens may be in use. Revoke those that are not needed any more."


class AccountClosed(PortalError):
    """Tokens of a closed account would be refused."""

    zh = "账号“{login}”已停用，不能新建令牌。请先重新启用。"
    en = "The account {login} is closed: open it again before you issue a token."


class PasswordNotChosen(PortalError):
    """Tokens of somebody who has to choose a password would be refused."""

    zh = "账号“{login}”还没有设置自己的密码，不能新建令牌。请本人先登录设置。"
    en = "The person of {login} has to sign in and choose a password before a token can be issued."


class UnknownToken(PortalError):
    """There is no such token, or it is not this person's to revoke."""

    zh = "找不到所请求的内容，或者您无权查看。"
    en = "This does not exist, or it is not yours to see."


class TokenOver(PortalError):
    """The token was revoked, or its last day is over."""

    zh = "这个令牌已经撤销或者到期，没有再次变动。"
    en = "This token was revoked or is over; nothing was changed."


@dataclass(frozen=True)
class Issued:
    """A token just issued: the only time its secret is known."""

    token: Token
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Bearer:
    """Who acts by a token, what he may do by it, and by which token."""

    actor: Actor
    scopes: frozenset[Scope]
    token_id: int


def is_live(token: Token, now: datetime) -> bool:
    """Whether a token counts at a moment of real time."""
    return token.revoked_at is None and day_of(now) <= token.until_day


def faults(name: str, scopes: Collection[str], until_day: date | None, now: datetime) -> dict[str, PortalError]:
    """What is wrong with a token as asked for, by field: name, scopes, until."""
    today = day_of(now)
    found = {
        "name": text_fault(Words("令牌名称", "name of the token"), tidy(name), NAME_LENGTH),
        "scopes": _scopes_fault(scopes),
        "until": _until_fault(until_day, today) if until_day is not None else None,
    }
    return {name: fault for name, fault in found.items() if fault is not None}


def issue(
    tx: Session,
    person_id: int,
    name: str,
    scopes: Collection[str],
    until_day: date | None,
    by: Actor | None,
    now: datetime,
    *,
    moment: datetime | None = None,
) -> Issued:
    """Issues a token and hands out its secret, which is kept nowhere.

    A person issues his own; those of a system account are an administrator's to issue; `by` nobody is the command line.
    `until_day` is the last real day on which it counts, without one 90 days from now. `now` is real time, `moment` the
    legal one that the history notes, where they differ.

    UnknownToken for a person that does not exist, Forbidden, AccountClosed, PasswordNotChosen, what is wrong with name,
    scopes or day (see `faults`), NameTaken, TooManyTokens.
    """
    person = _locked(tx, person_id)
    _check_may(tx, Permission.TOKEN_ISSUE, person, by, now)
    if not person.active:
        raise AccountClosed(login=person.login)
    if person.must_change_password:
        raise PasswordNotChosen(login=person.login)
    called, last = tidy(name), until_day or day_of(now) + LASTS
    for fault in faults(called, scopes, last, now).values():
        raise fault
    live = in_use(tx, now, person.id)
    if any(one.name == called for one in live):
        raise NameTaken(name=called)
    if len(live) >= LIVE_AT_MOST:
        raise TooManyTokens(most=LIVE_AT_MOST)
    secret = PREFIX + secrets.token_hex(_RANDOM_BYTES)
    token = Token(
        person_id=person.id,
        name=called,
        digest=digest(secret),
        scopes=_in_order(scopes),
        issued_at=now,
        issued_by_id=by.person_id if by else None,
        until_day=last,
    )
    tx.add(token)
    tx.flush()
    _note(tx, ISSUED, moment or now, person, token, by)
    return Issued(token, secret)


def revoke(
    tx: Session, token_id: int, by: Actor | None, now: datetime, *, moment: datetime | None = None, reason: str = ""
) -> Token:
    """Ends a token at once: a person his own, an administrator anybody's, `by` nobody on the command line.

    UnknownToken, TokenOver.
    """
    found = tx.get(Token, token_id)
    if found is None:
        raise UnknownToken()
    person = _locked(tx, found.person_id)
    _check_may(tx, Permission.TOKEN_REVOKE, person, by, now)
    token = tx.get_one(Token, token_id, populate_existing=True)
    if not is_live(token, now):
        raise TokenOver()
    _end(tx, [token], person, by, now, moment or now, reason)
    return token


def revoke_all(tx: Session, person_id: int, by: Actor | None, now: datetime, *, moment: datetime | None = None) -> int:
    """Ends every token of a person that counts, and says how many they were.

    Closing an account and letting a person go from his organisation do so, for whoever takes somebody away expects that
    nothing of his acts any more; opened again, he issues new ones. A new password does not end them by itself: programs
    are no devices on which somebody is signed in, and would stand still at every change of a password. Whoever changes
    it because it became known says so, and is asked on that page.
    """
    person = _locked(tx, person_id)
    live = in_use(tx, now, person_id)
    _end(tx, live, person, by, now, moment or now)
    return len(live)


def of_person(tx: Session, person_id: int) -> list[Token]:
    """The tokens of a person, the newest first, at most a hundred."""
    mine = select(Token).where(Token.person_id == person_id).order_by(Token.id.desc()).limit(_SHOWN)
    return list(tx.scalars(mine, execution_options={"populate_existing": True}))


def in_use(tx: Session, now: datetime, person_id: int | None = None) -> list[Token]:
    """The tokens that count, of one person or of everybody, the oldest first."""
    live = select(Token).where(Token.revoked_at.is_(None), Token.until_day >= day_of(now)).order_by(Token.id)
    if person_id is not None:
        live = live.where(Token.person_id == person_id)
    return list(tx.scalars(live, execution_options={"populate_existing": True}))


def how_many(tx: Session, people: Iterable[int], now: datetime) -> dict[int, int]:
    """How many tokens of each of some people count."""
    counts = dict.fromkeys(people, 0)
    live = (
        select(Token.person_id, func.count())
        .where(Token.person_id.in_(counts), Token.revoked_at.is_(None), Token.until_day >= day_of(now))
        .group_by(Token.person_id)
    )
    return counts | {person_id: count for person_id, count in tx.execute(live)}


def token(tx: Session, token_id: int) -> Token:
    """One token; UnknownToken."""
    found = tx.get(Token, token_id)
    if found is None:
        raise UnknownToken()
    return found


def bearer(tx: Session, secret: str, now: datetime, today: date) -> Bearer | None:
    """Who acts by a token that counts at `now` (real time), with the roles of `today` (the legal day).

    Nobody when there is no such token, it was revoked or is over, its account is closed, or its person has to choose a
    password first. The row is looked up by the SHA-256 of the secret, so how long that takes tells nothing about it.
    Notes when the token was used, at most once a minute and without waiting for anybody.
    """
    if _SHAPE.fullmatch(secret) is None:
        return None
    found = queries.token_of(tx, digest(secret), today)
    if found is None:
        return None
    row, actor = found
    if actor.must_change_password or not is_live(row, now):
        return None
    _note_use(tx, row, now)
    return Bearer(actor, frozenset(map(Scope, row.scopes)), row.id)


def _scopes_fault(scopes: Collection[str]) -> PortalError | None:
    if scopes and set(scopes) <= set(Scope):
        return None
    return NoScope(known=", ".join(Scope))


def _until_fault(until_day: date, today: date) -> PortalError | None:
    if until_day < today:
        return DayOver(today=today.isoformat())
    if until_day > today + LASTS_AT_MOST:
        return LastsTooLong(days=LASTS_AT_MOST.days, last=(today + LASTS_AT_MOST).isoformat())
    return None


def _in_order(scopes: Iterable[str]) -> list[str]:
    asked = set(scopes)
    return [scope.value for scope in Scope if scope in asked]


def _locked(tx: Session, person_id: int) -> Person:
    """The person under a lock, so that his tokens are counted and ended one act after the other."""
    wanted = select(Person).where(Person.id == person_id).with_for_update(key_share=True)
    person = tx.scalar(wanted.execution_options(populate_existing=True))
    if person is None:
        raise UnknownToken()
    return person


def _check_may(tx: Session, permission: Permission, person: Person, by: Actor | None, now: datetime) -> None:
    """Raises Forbidden unless the table lets him do it who does it, as he is now."""
    if by is not None:
        actor = queries.actor_of(tx, by.person_id, day_of(now))
        require(actor, permission, Subject(person_id=person.id, system=person.system))


def _end(
    tx: Session, ended: Iterable[Token], person: Person, by: Actor | None, now: datetime, moment: datetime,
    reason: str = "",
) -> None:  # fmt: skip
    for one in ended:
        one.revoked_at, one.revoked_by_id = now, by.person_id if by else None
        _note(tx, REVOKED, moment, person, one, by, **({"reason": tidy(reason)} if reason else {}))


def _note(
    tx: Session, event: str, moment: datetime, person: Person, token: Token, by: Actor | None, **details: object
) -> None:
    changes.note(
        tx, event, moment, organisation_id=person.organisation_id, person_id=person.id,
        by_id=by.person_id if by else None, for_id=None, token=token.id, name=token.name, scopes=token.scopes,
        until_day=token.until_day.isoformat(), **details,
    )  # fmt: skip


def _note_use(tx: Session, token: Token, now: datetime) -> None:
    if token.last_used_at is not None and now - token.last_used_at < USED_EVERY:
        return
    # Another request of the same program may be at it: it notes the same minute.
    free = (
        select(Token.id)
        .where(Token.id == token.id, or_(Token.last_used_at.is_(None), Token.last_used_at <= now - USED_EVERY))
        .with_for_update(skip_locked=True)
    )
    tx.execute(update(Token).where(Token.id.in_(free)).values(last_used_at=now))
