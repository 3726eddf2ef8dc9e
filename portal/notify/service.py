"""Sends messages in the act they tell of, lists those of a person, and notes which were read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal, cast

from sqlalchemy import ColumnElement, ScalarSelect, Table, bindparam, func, insert, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from portal.identity import Person
from portal.notify.models import PortalMessage
from portal.notify.post import Post

Kind = Literal["warning", "letter", "task", "outcome", "note"]
COUNTED = 100
"""Unread messages are counted up to here."""


def send(
    post: Post,
    people: Iterable[int],
    *,
    case_id: int,
    kind: Kind,
    at: datetime,
    title: str,
    body: str,
    subject_id: int | None = None,
) -> int:
    """Send a message about a case to people, each once, as those of the organisations that they are of now; to how
    many. It is there when the act commits, and is mailed afterwards to those who wish it."""
    wanted = sorted(set(people))
    if wanted:
        one = {"case_id": case_id, "kind": kind, "subject_id": subject_id, "at": at, "title": title, "body": body}
        post.mail(post.tx.scalars(_SEND, {**one, "people": wanted}).all())
    return len(wanted)


def _send() -> ReturningInsert[int]:
    """SQL that writes a message to each of some people."""
    table, names = cast(Table, PortalMessage.__table__), ("case_id", "kind", "subject_id", "at", "title", "body")
    said = [bindparam(name, type_=table.c[name].type) for name in names]
    people = Person.id.in_(bindparam("people", expanding=True))
    rows = select(Person.id, Person.organisation_id, *said).where(people).order_by(Person.id)
    return insert(table).from_select(["person_id", "organisation_id", *names], rows).returning(table.c.id)


_SEND = _send()


def keep_sent(
    post: Post, people: Iterable[int], *, case_id: int, kind: Kind, at: datetime, title: str, body: str
) -> int:
    """Have an unread message of this title about a case say what is so now; those who have none are sent one.

    What has been mailed already is not mailed again.
    """
    wanted = set(people)
    waits = (
        PortalMessage.person_id.in_(wanted),
        _of_present_organisation(),
        PortalMessage.case_id == case_id,
        PortalMessage.title == title,
        PortalMessage.read_at.is_(None),
    )
    told = post.tx.scalars(update(PortalMessage).where(*waits).values(body=body).returning(PortalMessage.person_id))
    return send(post, wanted - set(told), case_id=case_id, kind=kind, at=at, title=title, body=body)


def of_person(tx: Session, person_id: int, size: int, before: int | None = None) -> list[PortalMessage]:
    """A person's messages as one of his present organisation, newest first, older than the one with the id `before`."""
    mine = select(PortalMessage).where(PortalMessage.person_id == person_id, _of_present_organisation())
    if before is not None:
        mine = mine.where(PortalMessage.id < before)
    return list(tx.scalars(mine.order_by(PortalMessage.id.desc()).limit(size)))


def one_of(tx: Session, person_id: int, message_id: int) -> PortalMessage | None:
    """A message, if it is this person's as one of his present organisation."""
    mine = (PortalMessage.id == message_id, PortalMessage.person_id == person_id, _of_present_organisation())
    return tx.scalar(select(PortalMessage).where(*mine))


def unread(tx: Session, person_id: int) -> int:
    """How many messages a person has not read; `COUNTED` stands for as many or more."""
    return tx.scalar(select(count_unread(person_id))) or 0


def count_unread(person_id: int) -> ScalarSelect[int]:
    """SQL that counts the messages a person has not read, up to `COUNTED`."""
    few = (
        select(PortalMessage.id)
        .where(PortalMessage.person_id == person_id, PortalMessage.read_at.is_(None), _of_present_organisation())
        .limit(COUNTED)
        .subquery()
    )
    return select(func.count()).select_from(few).scalar_subquery()


def mark_read(tx: Session, person_id: int, at: datetime, *, until: int | None = None, only: int | None = None) -> None:
    """Note that a person has read the messages up to the id `until`, or one only; those read before stay as noted."""
    mine = update(PortalMessage).where(
        PortalMessage.person_id == person_id, PortalMessage.read_at.is_(None), _of_present_organisation()
    )
    if until is not None:
        mine = mine.where(PortalMessage.id <= until)
    if only is not None:
        mine = mine.where(PortalMessage.id == only)
    tx.execute(mine.values(read_at=at))


def _of_present_organisation() -> ColumnElement[bool]:
    """Whether a message was sent to its person as one of the organisation, or of none, that he is of now."""
    present = select(Person.organisation_id).where(Person.id == PortalMessage.person_id).scalar_subquery()
    return PortalMessage.organisation_id.is_not_distinct_from(present)
