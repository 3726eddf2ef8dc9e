"""The tables of what programs ask: answers kept for whoever asks again, and how often each token has asked."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base


class KeptAnswer(Base):
    """The answer to a write that was asked for with a key; written in the transaction of the act itself.

    `request` is the SHA-256 of what was asked, `body` the text that was answered. `kept_at` is real time.
    """

    __tablename__ = "kept_answers"

    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request: Mapped[bytes]
    status: Mapped[int]
    location: Mapped[str | None]
    body: Mapped[str]
    kept_at: Mapped[datetime] = mapped_column(index=True)


class TokenRate(Base):
    """How often a token has asked since the beginning of its present minute (real time).

    The table is not logged: counting costs no wait for the disk, and after a crash everybody begins anew.
    """

    __tablename__ = "token_rates"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012 (SQLAlchemy reads it from the class)

    token_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    since: Mapped[datetime]
    asked: Mapped[int]
