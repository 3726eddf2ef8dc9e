"""The tables of the registers: what is on record now, and the entries that made it so, which only grow."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CheckConstraint, ForeignKey, Index, Table, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, Id
from portal.db.append_only import append_only


class Record(Base):
    """A record as its newest entry left it."""

    __tablename__ = "records"
    __table_args__ = (
        UniqueConstraint("regulation", "register", "key"),
        # The pages of a register, newest first, all of it or of one state, one year or both.
        Index("ix_records_page", "regulation", "register", "id"),
        Index("ix_records_state", "regulation", "register", "state", "id"),
        Index("ix_records_year", "regulation", "register", "year", "id"),
    )

    id: Mapped[Id]
    regulation: Mapped[str]
    register: Mapped[str]
    key: Mapped[str]
    """The values of its key fields as one text."""
    uscc: Mapped[str | None] = mapped_column(index=True)
    """The unit whose record it is, when the register has such a field."""
    year: Mapped[int | None]
    state: Mapped[str]
    fields: Mapped[dict[str, Any]] = mapped_column(JSONB)
    words: Mapped[str]
    """Its texts in one, for the search."""
    entries: Mapped[int]
    """How many entries it has: the number of the newest."""
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    """The case that made the newest entry."""
    changed_at: Mapped[datetime]


class RecordEntry(Base):
    """One entry: the record as it was from then on, who entered it in which act, on which document and article."""

    __tablename__ = "record_entries"
    __table_args__ = (
        UniqueConstraint("record_id", "number"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("(case_id IS NULL) = (act_id IS NULL)", name="case_and_act"),
    )

    id: Mapped[Id]
    record_id: Mapped[int] = mapped_column(ForeignKey("records.id"))
    number: Mapped[int]
    moment: Mapped[datetime]
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"), index=True)
    """Empty for what was on record before there were cases."""
    act_id: Mapped[int | None] = mapped_column(ForeignKey("acts.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    scope: Mapped[str]
    element: Mapped[str]
    visit: Mapped[int]
    """The step of the case that entered it."""
    document: Mapped[str | None]
    """The number of the document on which it rests (文号)."""
    letter_id: Mapped[int | None] = mapped_column(ForeignKey("letters.id"))
    basis: Mapped[str | None]
    reason: Mapped[str]
    state: Mapped[str]
    fields: Mapped[dict[str, Any]] = mapped_column(JSONB)
    changed: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """Field (and `state`) -> [old, new]."""
    digest: Mapped[str]
    """Chained over the entries of the record."""


append_only(cast(Table, RecordEntry.__table__))
