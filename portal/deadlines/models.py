"""A deadline of a case as it is stored, with its pauses and extensions."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.clock import TZ
from portal.db import Base, Id
from portal.deadlines.pausing import Pause
from portal.deadlines.rules import LIVE, Explained, Period, parse_period, ripe


class Deadline(Base):
    """One deadline: running, paused, met or dropped; that it is over is `due <= moment`, never stored.

    While it is paused, `last_day` and `due` are what they were when its clock stopped, for the history to vouch for:
    nobody may read them as its end, which is not known then. `ends` is what there is to tell.
    """

    __tablename__ = "deadlines"
    __table_args__ = (
        CheckConstraint("state IN ('running', 'paused', 'met', 'dropped')", name="state"),
        CheckConstraint("kind IN ('right', 'obligation', 'duty', 'minimum')", name="kind"),
        CheckConstraint("state <> 'paused' OR own_course", name="paused"),
        CheckConstraint("(state = 'met') = (met_at IS NOT NULL)", name="met_at"),
        CheckConstraint("warn_at IS NULL OR state = 'running'", name="warn_at"),
        Index("ix_deadlines_warn", "warn_at", postgresql_where=text("warn_at IS NOT NULL")),
        Index(
            "uq_deadlines_live",
            "case_id",
            "name",
            "scope",
            unique=True,
            postgresql_where=text("state IN ('running', 'paused')"),
        ),
    )

    id: Mapped[Id]
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    name: Mapped[str]
    title: Mapped[str]
    kind: Mapped[str]
    basis: Mapped[str | None]
    assumed: Mapped[str | None]
    period: Mapped[str]
    """The length, "10 working days", or the fixed date, "04-30" or "2026-12-31", without extensions."""
    scope: Mapped[str] = mapped_column(default="", server_default="")
    """Where in the diagram its event happened: the chain of calls, such as "review:1/seat:1.3"."""
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
    own_course: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """Whether it was ever paused or extended: then its days are its own, and `pauses` and `extensions` tell them."""

    pauses: Mapped[list[DeadlinePause]] = relationship(order_by="DeadlinePause.id", back_populates="deadline")
    extensions: Mapped[list[DeadlineExtension]] = relationship(
        order_by="DeadlineExtension.id", back_populates="deadline"
    )

    @property
    def stands(self) -> dict[str, object]:
        """What its row says beside its end and state, for the history to vouch for."""
        said: dict[str, object] = {
            "kind": self.kind,
            "period": self.period,
            "event": self.event,
            "event_day": self.event_day.isoformat(),
            "met_at": self.met_at.astimezone(TZ).isoformat() if self.met_at else None,
        }
        if self.scope:
            said["scope"] = self.scope
        if self.own_course:
            said["pauses"] = [one.stands for one in self.pauses]
            said["extensions"] = [one.stands for one in self.extensions]
        return said

    @property
    def live(self) -> bool:
        """Whether it is neither met nor dropped."""
        return self.state in LIVE

    @property
    def ends(self) -> datetime | None:
        """24:00 of its last day; None while its clock stands."""
        return None if self.state == "paused" else self.due

    @property
    def last(self) -> date | None:
        """Its last day; None while its clock stands."""
        return None if self.state == "paused" else self.last_day

    @property
    def paused_by(self) -> list[str]:
        """For what its clock stands: elements, `cases(procedure)`, or `suspended`."""
        return sorted(one.what for one in self.open_pauses)

    @property
    def open_pauses(self) -> list[DeadlinePause]:
        """The pauses that go on."""
        return [one for one in self.pauses if one.until is None] if self.own_course else []

    @property
    def stood(self) -> list[Pause]:
        """Its pauses, as they are counted by."""
        return [Pause(one.why, one.since, one.until) for one in self.pauses] if self.own_course else []

    @property
    def lengthened(self) -> list[Period]:
        """By how much it was extended each time."""
        return [parse_period(one.by) for one in self.extensions] if self.own_course else []

    @property
    def ripe(self) -> datetime:
        """The moment from which a timer on it fires."""
        return ripe(self.kind, self.due)


class DeadlinePause(Base):
    """A time in which the clock of a deadline stood, for one reason; `until` is empty while it stands."""

    __tablename__ = "deadline_pauses"
    __table_args__ = (
        CheckConstraint("kind IN ('element', 'cases', 'action')", name="kind"),
        CheckConstraint("until IS NULL OR since < until", name="order"),
        Index("uq_deadline_pauses_open", "deadline_id", "what", unique=True, postgresql_where=text("until IS NULL")),
    )

    id: Mapped[Id]
    deadline_id: Mapped[int] = mapped_column(ForeignKey("deadlines.id"), index=True)
    kind: Mapped[str]
    """An open element, open cases about this one, or an action of the diagram."""
    what: Mapped[str]
    """The element, `cases(procedure)`, or `suspended`."""
    why: Mapped[str]
    """The reason as people read it."""
    since: Mapped[datetime]
    until: Mapped[datetime | None]

    deadline: Mapped[Deadline] = relationship(back_populates="pauses")

    @property
    def stands(self) -> list[str | None]:
        """What the history vouches for."""
        return [
            self.what,
            self.since.astimezone(TZ).isoformat(),
            self.until.astimezone(TZ).isoformat() if self.until else None,
        ]


class DeadlineExtension(Base):
    """More time given to a deadline: how much, why, in which role and by whom; `for_id`: for whom a deputy did it."""

    __tablename__ = "deadline_extensions"

    id: Mapped[Id]
    deadline_id: Mapped[int] = mapped_column(ForeignKey("deadlines.id"), index=True)
    by: Mapped[str]
    """Such as "10 working days"."""
    reason: Mapped[str]
    signer: Mapped[str]
    """The title of the office that decided it."""
    person_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    for_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    at: Mapped[datetime]

    deadline: Mapped[Deadline] = relationship(back_populates="extensions")

    @property
    def stands(self) -> list[str]:
        """What the history vouches for."""
        return [self.by, self.reason, self.signer, self.at.astimezone(TZ).isoformat()]
