"""What expressions ask of the validity of a regulation: whether it is in force on a day."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.orm import Session

from portal.clock import day_of
from portal.procedures import validity
from portal.procedures.regulation import Regulation
from portal.procedures.validity import Instrument


class InForceOn:
    """The function `in_force_on` of one evaluation, or of one form; it reads the renewals once."""

    def __init__(self, tx: Session, regulation: Regulation) -> None:
        self._tx, self._regulation = tx, regulation
        self._known: tuple[Instrument, ...] | None = None

    def __call__(self, day: object) -> bool | None:
        """Whether the regulation is in force on a day, or on that of a moment; None for what is neither."""
        if isinstance(day, datetime):
            day = day_of(day)
        if not isinstance(day, date):
            return None
        if self._known is None:
            self._known = validity.instruments(self._tx, self._regulation)
        return validity.on(self._known, day) is not None
