"""The drawings by lot that are on record: kept once, read again, and who has come in whose place since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.registers.models import Draw, Record, Replacement
from portal.registers.rules import Register


def counting(tx: Session, regulation: str, register: Register) -> Sequence[Record]:
    """The records of a register that count: in no closed state."""
    here = (Record.regulation == regulation, Record.register == register.name, Record.state.not_in(register.closed))
    return tx.scalars(select(Record).where(*here).order_by(Record.key.collate("C"))).all()


def keep(tx: Session, draw: Draw) -> None:
    """Puts a drawing on record; its id is known then."""
    tx.add(draw)
    tx.flush()


def draw_of(tx: Session, case_id: int, draw_id: int) -> Draw | None:
    """A drawing of a case."""
    return tx.scalar(select(Draw).where(Draw.id == draw_id, Draw.case_id == case_id))


def draw(tx: Session, draw_id: int) -> Draw | None:
    """A drawing by its id."""
    return tx.get(Draw, draw_id)


def replacements(tx: Session, draw: Draw) -> list[Replacement]:
    """Who did not take part, and who came in his place, in the order in which it happened."""
    return list(tx.scalars(select(Replacement).where(Replacement.draw_id == draw.id).order_by(Replacement.id)))


def replaced_before(tx: Session, case_id: int, register: str) -> dict[str, str]:
    """Who was replaced in the drawings of a case so far, by number: why, the last time."""
    wanted = (Draw.case_id == case_id, Draw.register == register)
    rows = select(Replacement).join(Draw, Draw.id == Replacement.draw_id).where(*wanted).order_by(Replacement.id)
    return {one.number: one.reason for one in tx.scalars(rows)}


def seated(tx: Session, draw: Draw, seat: int) -> str | None:
    """The number of who sits in a seat (from 1) now: who was drawn for it, or who came last in his place."""
    number: str | None = draw.drawn[seat - 1] if 0 < seat <= len(draw.drawn) else None
    came = {one.number: one.by for one in replacements(tx, draw)}
    while number is not None and number in came:
        number = came[number]
    return number


def called(tx: Session, draw: Draw) -> set[str]:
    """The numbers that were called already: drawn, or come in somebody's place."""
    return {*draw.drawn, *(one.by for one in replacements(tx, draw) if one.by is not None)}


def replaced(
    tx: Session, draw: Draw, number: str, by: str | None, reason: str, act_id: int, moment: datetime
) -> Replacement:
    """Puts on record that one of those called does not take part, and who comes (None: nobody is left)."""
    row = Replacement(draw_id=draw.id, act_id=act_id, moment=moment, number=number, by=by, reason=reason)
    tx.add(row)
    tx.flush()
    return row
