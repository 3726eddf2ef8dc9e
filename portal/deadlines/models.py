"""A deadline of a case as it is stored."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.clock import TZ
from portal.db import Base, Id
from portal.deadlines.rules import Explained, ripe


class Deadline(Base):
    """One deadline: running, met or dropped; that it is over is `due <= moment`, never stored."""

    __tablename__ = "deadlines"
    __table_args__ = (
        CheckConstraint("state IN ('running', 'met', 'dropped')", name="state"),
        CheckConstraint("kind IN ('right', 'obligation', 'duty')", name="kind"),
        CheckConstraint("(state = 'met') = (met_at IS NOT NULL)", name="met_at"),
        CheckConstraint("warn_at IS NULL OR state = 'running'", name="warn_at"),
        Index("ix_deadlines_warn", "warn_at", postgresql_where=text("warn_at IS NOT NULL")),
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
    warn_at: Mapped[datetime | None]
    """When its next warning is looked at; empty when none will come any more."""
    warned: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    """The warnings said, or come too late to be said, as in "day 5"."""

    @property
    def stands(self) -> dict[str, str | None]:
        """What its row says beside its end and state, for the history to vouch for."""
        return {
            "kind": self.kind,
            "period": self.period,
            "event": self.event,
            "event_day": self.event_day.isoformat(),
            "met_at": self.met_at.astimezone(TZ).isoformat() if self.met_at else None,
        }

    @property
    def ripe(self) -> datetime:
        """The moment from which a timer on it fires."""
        return ripe(self.kind, self.due)
