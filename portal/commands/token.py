"""`portal token`: bearer tokens of people and system accounts, issued, listed and revoked on the command line."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from portal import app, clock, identity
from portal.commands.servers import database_of, serving
from portal.errors import PortalError
from portal.identity import queries, tokens
from portal.identity.models import Token
from portal.identity.tokens import Scope
from portal.settings import Settings


class NoSuchUser(PortalError):
    """Nobody has this login."""

    zh = "没有用户名为“{login}”的账号。"
    en = "Nobody has the login {login}."


class NothingAsked(PortalError):
    """Neither an account nor a token was named."""

    zh = "请写明为谁新建令牌（portal token 用户名），或用 --list 查看、--revoke 编号 撤销。"
    en = "Say whose token to issue (portal token USER), or --list, or --revoke ID."


class NotADay(PortalError):
    """Text that is no day."""

    zh = "“{text}”不是日期，请写成 2026-10-12 的样子。"
    en = "“{text}” is no day; write it like 2026-10-12."


@dataclass(frozen=True)
class Asked:
    """What was typed: whose token, called what, for what, until when; which one to revoke; whether to list them."""

    login: str | None
    name: str
    scopes: Collection[str]
    until: str | None
    revoke: int | None
    lists: bool


def token_command(settings: Settings, asked: Asked, *, as_json: bool) -> None:
    """Issues a token and prints it, this once; revokes one; or lists those that count, of one account or of all.

    NothingAsked, NoSuchUser, NotADay, and what identity refuses.
    """
    if asked.login is None and asked.revoke is None and not asked.lists:
        raise NothingAsked()
    with serving(settings, objects=False) as served:
        kernel = app.kernel(served)
        with database_of(served) as database, database.transaction() as tx:
            if asked.revoke is not None:
                said = _revoked(tx, asked.revoke, kernel.now(tx))
            elif asked.lists:
                said = _listed(tx, asked.login)
            else:
                said = _issued(tx, asked, kernel.now(tx))
    print(json.dumps(said.facts, ensure_ascii=False) if as_json else said.text)


@dataclass(frozen=True)
class Said:
    """What a command prints: for a machine, and for a person."""

    facts: object
    text: str


def _issued(tx: Session, asked: Asked, moment: datetime) -> Said:
    assert asked.login is not None
    person_id = _person_id(tx, asked.login)
    scopes = asked.scopes or (Scope.READ,)
    made = tokens.issue(tx, person_id, asked.name, scopes, _day(asked.until), None, clock.now(), moment=moment)
    facts = {**_facts(made.token, asked.login), "token": made.secret}
    return Said(facts, f"{made.secret}\nIt is shown here only. {_line(made.token, asked.login)}")


def _revoked(tx: Session, token_id: int, moment: datetime) -> Said:
    token = tokens.revoke(tx, token_id, None, clock.now(), moment=moment)
    return Said({"revoked": token.id}, f"token {token.id} ({token.name}) is revoked and refused from now on")


def _listed(tx: Session, login: str | None) -> Said:
    whose = _person_id(tx, login) if login is not None else None
    live = tokens.in_use(tx, clock.now(), whose)
    logins = queries.logins_of(tx, {token.person_id for token in live})
    named = [(token, logins[token.person_id]) for token in live]
    lines = [_line(token, login) for token, login in named]
    return Said([_facts(*one) for one in named], "\n".join([*lines, f"{len(lines)} in use"]))


def _person_id(tx: Session, login: str) -> int:
    found = identity.person_by_login(tx, login)
    if found is None:
        raise NoSuchUser(login=login)
    return found.id


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise NotADay(text=text) from error


def _facts(token: Token, login: str) -> dict[str, object]:
    return {
        "id": token.id,
        "user": login,
        "name": token.name,
        "scopes": token.scopes,
        "until": token.until_day.isoformat(),
        "last_used": token.last_used_at.isoformat() if token.last_used_at else None,
    }


def _line(token: Token, login: str) -> str:
    used = f"{token.last_used_at.astimezone(clock.TZ):%Y-%m-%d %H:%M}" if token.last_used_at else "never"
    scopes = ", ".join(token.scopes)
    return f"id {token.id}, {login}: {token.name} ({scopes}), until {token.until_day}, last used {used}"
