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
    """The code of the party whose record it is, when the register has such a field: a unit, or a natural person."""
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


class Draw(Base):
    """One drawing by lot from a register: all that is needed to draw again (`portal.registers.lots`)."""

    __tablename__ = "draws"
    __table_args__ = (UniqueConstraint("case_id", "scope", "element", "visit"),)

    id: Mapped[Id]
    regulation: Mapped[str]
    register: Mapped[str]
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    scope: Mapped[str]
    element: Mapped[str]
    visit: Mapped[int]
    """The step of the case that drew."""
    act_id: Mapped[int] = mapped_column(ForeignKey("acts.id"))
    moment: Mapped[datetime]
    count: Mapped[int]
    seed: Mapped[str]
    snapshot: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """The pool: whose numbers could be drawn, and who was left out and why (`Pool.as_json`)."""
    sha256: Mapped[str]
    """What seals the drawing: of the canonical JSON of snapshot, seed and count (`lots.seal`)."""
    drawn: Mapped[list[str]] = mapped_column(JSONB)
    """The numbers drawn, in their order."""


class Replacement(Base):
    """One of those drawn who does not take part, and who came in his place: the next of the order, or nobody left."""

    __tablename__ = "draw_replacements"
    __table_args__ = (UniqueConstraint("draw_id", "number"),)

    id: Mapped[Id]
    draw_id: Mapped[int] = mapped_column(ForeignKey("draws.id"), index=True)
    act_id: Mapped[int] = mapped_column(ForeignKey("acts.id"))
    moment: Mapped[datetime]
    number: Mapped[str]
    """Who is replaced."""
    by: Mapped[str | None]
    reason: Mapped[str]


append_only(cast(Table, Draw.__table__))
append_only(cast(Table, Replacement.__table__))
