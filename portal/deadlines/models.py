"""A deadline of a case as it is stored."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, Id
from portal.deadlines.rules import Explained, ripe


class Deadline(Base):
    """One deadline: running, met or dropped; that it is over is `due <= moment`, never stored."""

    __tablename__ = "deadlines"
    __table_args__ = (
        CheckConstraint("state IN ('running', 'met', 'dropped')", name="state"),
        CheckConstraint("kind IN ('right', 'obligation', 'duty')", name="kind"),
        CheckConstraint("(state = 'met') = (met_at IS NOT NULL)", name="met_at"),
        Index("uq_deadlines_running", "case_id", "name", unique=True, postgresql_where=text("state = 'running'")),
    )

    id: Mapped[Id]
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    name: Mapped[str]
    title: Mapped[str]
    kind: Mapped[str]
    basis: Mapped[str | None]
    assumed: Mapped[str | None]
    period: Mapped[str]
    """The length, "10 working days", or the fixed date, "04-30"."""
    event: Mapped[str]
    event_day: Mapped[date]
    last_day: Mapped[date]
    due: Mapped[datetime]
    """24:00 of the last day: an act is in time before it."""
    provisional: Mapped[bool]
    explanation: Mapped[list[Explained]] = mapped_column(JSONB)
    state: Mapped[str]
    met_at: Mapped[datetime | None]
    calendar_version: Mapped[int]
    started_at: Mapped[datetime]

    @property
    def ripe(self) -> datetime:
        """The moment from which a timer on it fires."""
        return ripe(self.kind, self.due)
