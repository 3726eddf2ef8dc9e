"""The table of what happened: one row per event of a case, written once."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import ForeignKey, Integer, Table
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base
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


AUDIT_ENTRIES = cast(Table, AuditEntry.__table__)
append_only(AUDIT_ENTRIES)
