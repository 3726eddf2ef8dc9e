"""The tables of organisations, people, what they may act as, and their sessions."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, Id


class Organisation(Base):
    """Who files or is addressed; `kinds` are those of a regulation's `applicant`: enterprise, …"""

    __tablename__ = "organisations"

    id: Mapped[Id]
    uscc: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    district: Mapped[str]
    kinds: Mapped[list[str]]
    electronic_service_since: Mapped[datetime | None]

    @property
    def electronic_service(self) -> bool:
        """Whether it agreed to be served by reading in the portal."""
        return self.electronic_service_since is not None


class Person(Base):
    """A person who can sign in; without organisation, one of the authority's."""

    __tablename__ = "persons"

    id: Mapped[Id]
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    active: Mapped[bool] = mapped_column(default=True)
    administrator: Mapped[bool] = mapped_column(default=False)


class Grant(Base):
    """A role of a regulation that a person may act as, from one day to another, both included."""

    __tablename__ = "grants"
    __table_args__ = (CheckConstraint("to_day >= from_day", name="days_in_order"),)

    id: Mapped[Id]
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"), index=True)
    regulation: Mapped[str]
    role: Mapped[str]
    body: Mapped[str | None]
    from_day: Mapped[date]
    to_day: Mapped[date | None]


class SignedIn(Base):
    """A session; the cookie holds the token, the table only its SHA-256."""

    __tablename__ = "sessions"

    token: Mapped[bytes] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"), index=True)
    created: Mapped[datetime]
    last_seen: Mapped[datetime]
    expires: Mapped[datetime] = mapped_column(index=True)
    revoked: Mapped[datetime | None]


class LoginAttempt(Base):
    """A sign-in that failed; the login as its SHA-256, because people type passwords there."""

    __tablename__ = "login_attempts"
    __table_args__ = (
        Index("ix_login_attempts_account", "account", "moment"),
        Index("ix_login_attempts_address", "address", "moment"),
    )

    id: Mapped[Id]
    account: Mapped[bytes]
    address: Mapped[str]
    moment: Mapped[datetime] = mapped_column(index=True)
