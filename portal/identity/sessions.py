"""Sessions: opened, kept alive, given a new token when the rights of their person change, listed, and ended."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from portal.clock import day_of
from portal.errors import PortalError
from portal.identity import queries, rules
from portal.identity.actor import Actor
from portal.identity.models import SignedIn
from portal.identity.rules import IDLE, Idle, digest

AGENT_LENGTH = 300
"""Characters that are kept of what a browser calls itself."""


class UnknownSession(PortalError):
    """A session that is not the person's own, or has ended already."""

    zh = "这项登录已经退出。"
    en = "This session has ended already."


@dataclass(frozen=True)
class Found:
    """A session that is alive: who acts in it, and its new token, when it has just got one."""

    actor: Actor
    token: str | None = None


@dataclass(frozen=True)
class Own:
    """One of a person's sessions as he sees it; moments are real time, `here` is the one in which he asks."""

    id: int
    since: datetime
    seen: datetime
    agent: str
    here: bool


def opened(tx: Session, person_id: int, now: datetime, *, today: date | None = None, agent: str = "") -> str:
    """The token of a new session of a person; `agent` is what his browser calls itself."""
    token, actor = _new(), queries.actor_of(tx, person_id, today or day_of(now))
    tx.add(
        SignedIn(
            token=digest(token),
            person_id=person_id,
            created=now,
            last_seen=now,
            expires=rules.session_ends(now),
            rights=rights_of(actor) if actor else None,
            agent=agent[:AGENT_LENGTH].replace("\0", ""),
        )
    )
    tx.flush()
    return token


def found(
    tx: Session,
    token: str,
    now: datetime,
    today: date | None = None,
    *,
    by_itself: bool = False,
    idle: Idle = IDLE,
) -> Found | None:
    """The session of a token, if it is alive at `now` (real time), with the roles of `today` (the legal day).

    A request that a page sends `by_itself` does not keep the session of a person alive who has gone away. Where the
    person has other rights than when the session was last asked for, it gets a new token: whoever has seen the one
    of before does not share in them.
    """
    known = queries.session_of(tx, digest(token), today or day_of(now))
    if known is None:
        return None
    session, actor = known
    limit = idle.of(official=actor.official)
    if session.revoked or not rules.session_alive(session.last_seen, session.expires, now, limit):
        return None
    if by_itself:
        return Found(actor)
    if now - session.last_seen >= min(rules.SESSION_SEEN_EVERY, limit / 10):
        session.last_seen = now
    rights = rights_of(actor)
    return Found(actor, renewed(tx, token, rights) if session.rights != rights else None)


def actor_of_session(
    tx: Session, token: str, now: datetime, today: date | None = None, *, by_itself: bool = False, idle: Idle = IDLE
) -> Actor | None:
    """Who acts in a session, as `found` says."""
    alive = found(tx, token, now, today, by_itself=by_itself, idle=idle)
    return alive.actor if alive else None


def renewed(tx: Session, token: str, rights: bytes | None = None) -> str | None:
    """The new token of a session; None when another request has just given it one. The old one counts no more."""
    new = _new()
    values = {"token": digest(new)} | ({"rights": rights} if rights is not None else {})
    tx.flush()
    which = update(SignedIn).where(SignedIn.token == digest(token)).values(values).returning(SignedIn.id)
    return new if tx.execute(which, execution_options={"synchronize_session": False}).first() else None


def rights_of(actor: Actor) -> bytes:
    """What a person may do, told apart from anything else he might: 32 bytes."""
    lent = sorted((one.person_id, one.regulation, one.role) for one in actor.deputy_for)
    sets = [sorted(one) for one in (actor.roles, actor.lent, actor.local, actor.rights, actor.kinds)]
    facts = (actor.organisation_id, actor.applicant, actor.administrator, actor.must_change_password, sets, lent)
    return hashlib.sha256(repr(facts).encode()).digest()


def holder_of(tx: Session, token: str) -> int | None:
    """Whose session a token opens or has opened, as long as that is remembered."""
    return tx.scalar(select(SignedIn.person_id).where(SignedIn.token == digest(token)))


def of_person(tx: Session, person_id: int, token: str, now: datetime, idle: Idle = IDLE) -> list[Own]:
    """The sessions of a person that are alive, the one of `token` first, then the last seen."""
    actor = queries.actor_of(tx, person_id, day_of(now))
    limit = idle.of(official=actor is not None and actor.official)
    alive = select(SignedIn).where(
        SignedIn.person_id == person_id,
        SignedIn.revoked.is_(None),
        SignedIn.expires > now,
        SignedIn.last_seen >= now - limit,
    )
    here = digest(token)
    own = [Own(one.id, one.created, one.last_seen, one.agent, one.token == here) for one in tx.scalars(alive)]
    return sorted(own, key=lambda one: (one.here, one.seen, one.id), reverse=True)


def sign_out(tx: Session, token: str, now: datetime) -> None:
    """End one session."""
    _revoke(tx, now, SignedIn.token == digest(token))


def end(tx: Session, person_id: int, session_id: int, now: datetime) -> None:
    """End one of a person's own sessions; UnknownSession."""
    if not _revoke(tx, now, SignedIn.person_id == person_id, SignedIn.id == session_id):
        raise UnknownSession()


def end_others(tx: Session, person_id: int, token: str, now: datetime) -> int:
    """End all sessions of a person but that of `token`; how many there were."""
    return _revoke(tx, now, SignedIn.person_id == person_id, SignedIn.token != digest(token))


def revoke_all(tx: Session, person_id: int, now: datetime) -> None:
    """End every session of a person, on every machine."""
    _revoke(tx, now, SignedIn.person_id == person_id)


def sweep(tx: Session, now: datetime) -> None:
    """Forget sessions that are over."""
    tx.execute(delete(SignedIn).where(SignedIn.expires <= now))


def _revoke(tx: Session, now: datetime, *which: ColumnElement[bool]) -> int:
    ended = update(SignedIn).where(*which, SignedIn.revoked.is_(None)).values(revoked=now).returning(SignedIn.id)
    return len(tx.execute(ended).all())


def _new() -> str:
    return secrets.token_urlsafe(32)
