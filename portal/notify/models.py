"""The messages of the portal to people."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, Id


class PortalMessage(Base):
    """One message to one person about a case; it tells nothing of a letter that was not opened yet."""

    __tablename__ = "portal_messages"
    __table_args__ = (
        CheckConstraint("kind IN ('warning', 'letter', 'task', 'outcome', 'note')", name="kind"),
        Index("ix_portal_messages_person", "person_id", "id"),
        Index("ix_portal_messages_unread", "person_id", postgresql_where=text("read_at IS NULL")),
    )

    id: Mapped[Id]
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    """For whom the person acted when it was sent; none for an official. Whoever has left does not see it any more."""
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    kind: Mapped[str]
    subject_id: Mapped[int | None]
    """The letter or task that it is about."""
    at: Mapped[datetime]
    title: Mapped[str]
    body: Mapped[str]
    read_at: Mapped[datetime | None]
    mailed_at: Mapped[datetime | None]
    """When a mail server took it (real time)."""
