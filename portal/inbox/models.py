"""The table of saved filters."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, Id


class SavedFilter(Base):
    """A filter of the inbox that an official has given a name; `query` is what its address says after the `?`."""

    __tablename__ = "saved_filters"
    __table_args__ = (UniqueConstraint("person_id", "name"),)

    id: Mapped[Id]
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    name: Mapped[str]
    query: Mapped[str]
    saved_at: Mapped[datetime]
