"""The official holiday notices entered in the portal; each entry is a version of the calendar and stays."""

from __future__ import annotations

from datetime import date, datetime
from typing import cast

from sqlalchemy import ARRAY, Date, Table
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, Id
from portal.db.append_only import append_only


class HolidayNotice(Base):
    """A notice as entered; of several for one year the last counts. `entered_by` is a person's id."""

    __tablename__ = "holiday_notices"

    id: Mapped[Id]
    year: Mapped[int]
    number: Mapped[str]
    source: Mapped[str]
    days_off: Mapped[list[date]] = mapped_column(ARRAY(Date))
    days_worked: Mapped[list[date]] = mapped_column(ARRAY(Date))
    entered_by: Mapped[int]
    entered_at: Mapped[datetime]


append_only(cast(Table, HolidayNotice.__table__))
