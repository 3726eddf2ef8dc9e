"""Sends messages in the act they tell of, lists those of a person, and notes which were read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from portal.notify.models import PortalMessage

Kind = Literal["warning", "letter", "task", "outcome"]
COUNTED = 100
"""Unread messages are counted up to here."""


def send(
    tx: Session,
    people: Iterable[int],
    *,
    case_id: int,
    kind: Kind,
    at: datetime,
    title: str,
    body: str,
    subject_id: int | None = None,
) -> int:
    """Send a message about a case to people, each once; to how many. It is there when the act commits."""
    one = {"case_id": case_id, "kind": kind, "subject_id": subject_id, "at": at, "title": title, "body": body}
    rows = [{"person_id": person_id, **one} for person_id in sorted(set(people))]
    if rows:
        tx.execute(insert(PortalMessage), rows)
    return len(rows)


def of_person(tx: Session, person_id: int, size: int, before: int | None = None) -> list[PortalMessage]:
    """A person's messages, newest first, older than the one with the id `before`."""
    mine = select(PortalMessage).where(PortalMessage.person_id == person_id)
    if before is not None:
        mine = mine.where(PortalMessage.id < before)
    return list(tx.scalars(mine.order_by(PortalMessage.id.desc()).limit(size)))


def one_of(tx: Session, person_id: int, message_id: int) -> PortalMessage | None:
    """A message, if it is this person's."""
    mine = (PortalMessage.id == message_id, PortalMessage.person_id == person_id)
    return tx.scalar(select(PortalMessage).where(*mine))


def unread(tx: Session, person_id: int) -> int:
    """How many messages a person has not read; `COUNTED` stands for as many or more."""
    few = (
        select(PortalMessage.id)
        .where(PortalMessage.person_id == person_id, PortalMessage.read_at.is_(None))
        .limit(COUNTED)
        .subquery()
    )
    return tx.scalar(select(func.count()).select_from(few)) or 0


def mark_read(tx: Session, person_id: int, at: datetime, *, until: int | None = None, only: int | None = None) -> None:
    """Note that a person has read the messages up to the id `until`, or one only; those read before stay as noted."""
    mine = update(PortalMessage).where(PortalMessage.person_id == person_id, PortalMessage.read_at.is_(None))
    if until is not None:
        mine = mine.where(PortalMessage.id <= until)
    if only is not None:
        mine = mine.where(PortalMessage.id == only)
    tx.execute(mine.values(read_at=at))
