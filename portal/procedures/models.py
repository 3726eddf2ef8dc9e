"""The tables of releases (content that was checked and frozen) and of what has renewed a text of law."""

from __future__ import annotations

from datetime import date, datetime
from typing import cast

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, Table
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db import Base, Id
from portal.db.append_only import append_only


class Release(Base):
    """All content of one regulation at one time; a case keeps its release for life."""

    __tablename__ = "releases"

    id: Mapped[Id]
    regulation: Mapped[str] = mapped_column(index=True)
    hash: Mapped[str]
    published_at: Mapped[datetime]
    published_by: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)


class Renewal(Base):
    """An instrument by which a regulation is in force beyond its last day, as it was entered; it stays."""

    __tablename__ = "renewals"
    __table_args__ = (
        CheckConstraint("last_day IS NULL OR last_day >= from_day", name="days"),
        CheckConstraint("NOT assumed OR reason <> ''", name="assumed"),
    )

    id: Mapped[Id]
    regulation: Mapped[str] = mapped_column(index=True)
    number: Mapped[str]
    title: Mapped[str]
    from_day: Mapped[date]
    last_day: Mapped[date | None]
    assumed: Mapped[bool]
    """Nobody has seen the instrument: the office acts as if there were one."""
    source: Mapped[str]
    """Where it can be read; of an assumed one, what the assumption rests on."""
    reason: Mapped[str]
    """Why it is assumed; of one that was seen, what is to be noted, if anything."""
    entered_by_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    """Nobody where content gave it: on the stage of a path, in a demo."""
    entered_at: Mapped[datetime]
    revoked: Mapped[Revocation | None] = relationship(lazy="joined", viewonly=True)


class Revocation(Base):
    """That a renewal does not count, and never did: by whom, when and why."""

    __tablename__ = "renewal_revocations"

    renewal_id: Mapped[int] = mapped_column(ForeignKey("renewals.id"), primary_key=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    at: Mapped[datetime]
    reason: Mapped[str]


append_only(cast(Table, Renewal.__table__))
append_only(cast(Table, Revocation.__table__))
