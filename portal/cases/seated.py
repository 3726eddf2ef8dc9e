"""Who sits in a seat of a committee that was drawn by lot, as expressions ask it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from portal import registers
from portal.procedures.regulation import Regulation
from portal.registers import drawing
from portal.registers.models import Record
from portal.registers.rules import STATE, Register


class Seated:
    """The function `seated` of one evaluation: who sits in a seat of a committee now."""

    def __init__(self, tx: Session, case_id: int, regulation: Regulation) -> None:
        self._tx, self._case_id, self._regulation = tx, case_id, regulation

    def __call__(self, draw: object, seat: object) -> dict[str, Any] | None:
        """The number, state and fields of his record; None for a seat nobody sits in any more, or none at all."""
        if not isinstance(draw, Decimal) or not isinstance(seat, Decimal):
            return None
        row = drawing.draw_of(self._tx, self._case_id, int(draw))
        number = drawing.seated(self._tx, row, int(seat)) if row is not None else None
        if row is None or number is None:
            return None
        register = self._regulation.registers[row.register]
        record = registers.current(self._tx, self._regulation.slug, register, {"number": number})
        return person(register, record) if record is not None else None


def person(register: Register, record: Record) -> dict[str, Any]:
    """The fields of a record with its state, as FEEL has them."""
    return {**register.typed(record.fields), STATE: record.state}
