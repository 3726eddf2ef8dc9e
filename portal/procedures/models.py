"""The table of releases: content that was checked and frozen."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, Id


class Release(Base):
    """All content of one regulation at one time; a case keeps its release for life."""

    __tablename__ = "releases"

    id: Mapped[Id]
    regulation: Mapped[str] = mapped_column(index=True)
    hash: Mapped[str]
    published_at: Mapped[datetime]
    published_by: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)
