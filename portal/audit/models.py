"""The table of what happened, one row per event of a case, written once; and of the checks that it is unchanged."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Table, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, Id
from portal.db.append_only import append_only


class AuditEntry(Base):
    """The `seq`-th event of a case. Acts and persons have no foreign key: the entry outlives them."""

    __tablename__ = "audit_entries"

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    moment: Mapped[datetime]
    act_id: Mapped[int]
    kind: Mapped[str]
    actor_id: Mapped[int | None]
    on_behalf: Mapped[int | None]
    element: Mapped[str | None]
    details: Mapped[dict[str, Any]]
    previous: Mapped[bytes]
    hash: Mapped[bytes]


class AuditCheck(Base):
    """One proof of every history, done as a job: how far it is, and what it found once it has `ended_at`."""

    __tablename__ = "audit_checks"
    __table_args__ = (
        # At most one is under way.
        Index("uq_audit_checks_running", text("(true)"), unique=True, postgresql_where=text("ended_at IS NULL")),
        CheckConstraint("fault IS NULL OR ended_at IS NOT NULL", name="fault"),
    )

    id: Mapped[Id]
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    cases: Mapped[int] = mapped_column(default=0)
    """All there were when it began."""
    checked: Mapped[int] = mapped_column(default=0)
    entries: Mapped[int] = mapped_column(default=0)
    found: Mapped[int] = mapped_column(default=0)
    """How many breaks; `findings` holds the first of them."""
    findings: Mapped[list[Any]] = mapped_column(default=list)
    """Each with case_id, seq, zh and en, as `rules.Break` has them."""
    ended_at: Mapped[datetime | None]
    fault: Mapped[str | None]
    """Why it was not carried to its end."""


AUDIT_ENTRIES = cast(Table, AuditEntry.__table__)
append_only(AUDIT_ENTRIES)
