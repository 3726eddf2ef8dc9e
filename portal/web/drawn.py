"""The committees of a case that were drawn by lot, as its officials read them: who, in whose place, and who was not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.cases import drawn
from portal.cases.live import LiveCase
from portal.cases.lots import NUMBER
from portal.registers import Record, drawing
from portal.registers.models import Draw, Replacement

NAMED = 20
"""Of those whom one reason left out so many are named."""


@dataclass(frozen=True)
class Change:
    """Who came in somebody's place (empty: nobody was left), when, and why."""

    by: str
    at: datetime
    reason: str


@dataclass(frozen=True)
class Seat:
    """A seat: who was drawn for it, and what became of it."""

    who: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Excluded:
    """Whom a reason left out: how many, and the first of them."""

    reason: str
    count: int
    named: tuple[str, ...]


@dataclass(frozen=True)
class DrawView:
    """A drawing: from what, when, how many could be drawn, who was, and who was left out."""

    id: int
    register: str
    at: datetime
    pool: int
    sha256: str
    seats: tuple[Seat, ...]
    excluded: tuple[Excluded, ...]

    @property
    def url(self) -> str:
        """Where everybody reads it."""
        return f"/registry/draws/{self.id}"

    @property
    def left_out(self) -> int:
        """How many were left out."""
        return sum(one.count for one in self.excluded)


def drawings(tx: Session, case: LiveCase) -> tuple[DrawView, ...]:
    """Every drawing of a case, the newest first; their number of statements does not grow with the register."""
    return tuple(_view(tx, case, row, drawing.replacements(tx, row)) for row in reversed(drawn.of_case(tx, case)))


def _view(tx: Session, case: LiveCase, row: Draw, changes: Sequence[Replacement]) -> DrawView:
    left_out: dict[str, list[str]] = defaultdict(list)
    for one in row.snapshot["excluded"]:
        left_out[one["reason"]].append(one["number"])
    shown = {number for numbers in left_out.values() for number in numbers[:NAMED]}
    names = _names(tx, case, row, {*row.drawn, *(one.by for one in changes if one.by), *shown})
    came = {one.number: one for one in changes}
    return DrawView(
        id=row.id,
        register=case.published.regulation.registers[row.register].title,
        at=row.moment,
        pool=len(row.snapshot["pool"]),
        sha256=row.sha256,
        seats=tuple(Seat(names[number], _changes(number, came, names)) for number in row.drawn),
        excluded=tuple(
            Excluded(reason, len(numbers), tuple(names[number] for number in numbers[:NAMED]))
            for reason, numbers in sorted(left_out.items())
        ),
    )


def _changes(number: str | None, came: Mapping[str, Replacement], names: Mapping[str, str]) -> tuple[Change, ...]:
    found = []
    while number is not None and number in came:
        one = came[number]
        found.append(Change(names[one.by] if one.by else "", one.moment, one.reason))
        number = one.by
    return tuple(found)


def _names(tx: Session, case: LiveCase, row: Draw, numbers: Collection[str]) -> dict[str, str]:
    """Z-0007 张三: each number with the name that is on the register now."""
    register = case.published.regulation.registers[row.register]
    keys = [register.key_of({NUMBER: number}) for number in numbers]
    here = (Record.regulation == row.regulation, Record.register == row.register, Record.key.in_(keys))
    found = {
        str(one.fields[NUMBER]): str(one.fields.get("name") or "") for one in tx.scalars(select(Record).where(*here))
    }
    return {number: f"{number} {found.get(number, '')}".rstrip() for number in numbers}
