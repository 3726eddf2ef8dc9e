"""Tokens as pages show them and ask for them: one's own, and those that an administrator looks after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import pgettext
from sqlalchemy.orm import Session

from portal import clock
from portal.clock import day_of
from portal.errors import PortalError
from portal.identity import Actor, tokens
from portal.identity.models import Token
from portal.identity.tokens import Scope
from portal.web import dates
from portal.web.languages import listed, said

_SHOWN, _OVER = 20, 20


class NotADay(PortalError):
    """Text that is no day."""

    zh = "“{text}”不是日期，请写成 2026-10-12 的样子。"
    en = "“{text}” is no day; write it like 2026-10-12."


@dataclass(frozen=True)
class TokenView:
    """A token as a page shows it; `live` while it can be revoked."""

    id: int
    name: str
    scopes: str
    issued: str
    used: str
    until: str
    state: str
    tone: str
    live: bool


@dataclass(frozen=True)
class Typed:
    """A token as asked for."""

    name: str = ""
    scopes: tuple[str, ...] = (Scope.READ,)
    until: str = ""

    @classmethod
    def read(cls) -> Typed:
        """What this request posts."""
        form = request.form
        return cls(form.get("name", "").strip(), tuple(form.getlist("scopes")), form.get("until", "").strip())

    @property
    def until_day(self) -> date | None:
        """The last day asked for; None for none, or what is no day."""
        return dates.typed_day(self.until)

    def faults(self) -> dict[str, PortalError]:
        """What is wrong with it, by field."""
        found = tokens.faults(self.name, self.scopes, self.until_day, clock.now())
        if self.until and self.until_day is None:
            found["until"] = NotADay(text=self.until[:_SHOWN])
        return found

    def issue(self, tx: Session, person_id: int, by: Actor, moment: datetime) -> tokens.Issued:
        """Issues it; see `tokens.issue`."""
        return tokens.issue(tx, person_id, self.name, self.scopes, self.until_day, by, clock.now(), moment=moment)


def scope_texts() -> Mapping[str, tuple[str, str]]:
    """What each scope is called, and what it opens."""
    return {
        Scope.READ: (_("查看"), _("案件、任务、文书和账户")),
        Scope.FILE: (_("申请"), _("发起事项，上传附件，提交撤回、放弃等")),
        Scope.WORK: (pgettext("token", "办理任务"), _("领取和完成任务")),
    }


def views(tx: Session, person_id: int) -> list[TokenView]:
    """The tokens of a person: those in use, then the last that are over, the newest at the front."""
    now = clock.now()
    live = reversed(tokens.in_use(tx, now, person_id))
    over = [one for one in tokens.of_person(tx, person_id) if not tokens.is_live(one, now)]
    return [view(one, now) for one in [*live, *over[:_OVER]]]


def live(tx: Session, person_id: int) -> int:
    """How many tokens of a person count."""
    return tokens.how_many(tx, [person_id], clock.now())[person_id]


def view(token: Token, now: datetime) -> TokenView:
    """One token in words."""
    state, tone = _state(token, now)
    words = scope_texts()
    return TokenView(
        token.id,
        token.name,
        listed(words[scope][0] for scope in token.scopes),
        dates.plain_day(day_of(token.issued_at)),
        dates.exact(token.last_used_at) if token.last_used_at else _("还没有使用过"),
        dates.plain_day(token.until_day),
        state,
        tone,
        tokens.is_live(token, now),
    )


def _state(token: Token, now: datetime) -> tuple[str, str]:
    if token.revoked_at is not None:
        return pgettext("token", "已撤销"), "n"
    return (_("在用"), "g") if tokens.is_live(token, now) else (_("已到期"), "n")


def asking(typed: Typed | None, faults: Mapping[str, PortalError]) -> dict[str, Any]:
    """What a page that asks for a token shows of it."""
    today = day_of(clock.now())
    return {
        "typed": typed or Typed(until=(today + tokens.LASTS).isoformat()),
        "errors": {field: said(fault) for field, fault in faults.items()},
        "scopes": [(value, name, note) for value, (name, note) in scope_texts().items()],
        "longest": dates.plain_day(today + tokens.LASTS_AT_MOST),
    }


def end_if_asked(tx: Session, actor: Actor, moment: datetime) -> None:
    """Ends the tokens of whoever has changed his password, when he ticked that."""
    if request.form.get("end_tokens") == "yes":
        tokens.revoke_all(tx, actor.person_id, actor, clock.now(), moment=moment)
