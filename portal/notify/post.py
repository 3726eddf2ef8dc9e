"""How messages leave an act: into the portal, and by mail to those who wish it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.identity import Person
from portal.jobs import Queue
from portal.notify.models import PortalMessage

SEND = "mail.send"
"""The job that mails one message; its argument is `message_id`."""
SEND_CODE = "mail.code"
"""The job that mails a code to the address that a person has given; its argument is `person_id`."""
_AFTER_OTHERS = -10
"""A mail server that is slow to answer must not keep letters from being made."""


@dataclass(frozen=True)
class Post:
    """The transaction in which messages are sent; `queue` takes the jobs that mail them, where the portal mails."""

    tx: Session
    queue: Queue | None = None

    def mail(self, message_ids: Sequence[int]) -> None:
        """Have messages mailed to whoever of their people has proved an address and has mail switched on."""
        if self.queue is None or not message_ids:
            return
        wanted = (
            select(PortalMessage.id)
            .join(Person, Person.id == PortalMessage.person_id)
            .where(PortalMessage.id.in_(message_ids), Person.email_verified_at.is_not(None), Person.mail_on)
            .order_by(PortalMessage.id)
        )
        ids = self.tx.scalars(wanted).all()
        if ids:
            self.queue.defer_all(self.tx, SEND, [{"message_id": message_id} for message_id in ids], _AFTER_OTHERS)
