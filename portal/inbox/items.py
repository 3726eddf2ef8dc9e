"""Reads what became of the rows for which a case started others: counted by state, and page by page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from portal.cases.models import Case, StartItem
from portal.identity.models import Organisation

SIZE = 50


@dataclass(frozen=True)
class ItemCounts:
    """How many rows there are in each state."""

    waiting: int = 0
    started: int = 0
    ended: int = 0
    failed: int = 0
    dropped: int = 0

    @property
    def all(self) -> int:
        """All rows."""
        return self.waiting + self.started + self.ended + self.failed + self.dropped

    @property
    def kept(self) -> int:
        """Those that were not given up."""
        return self.all - self.dropped


@dataclass(frozen=True)
class ItemRow:
    """A row with the unit it is for (its name, or the code when it is not known) and its case."""

    item: StartItem
    unit: str
    case: Case | None


@dataclass(frozen=True)
class ItemCursor:
    """Where a page ended: those that failed come first."""

    failed: bool
    item_id: int

    @classmethod
    def read(cls, written: str | None) -> Self | None:
        """The cursor in an address; None when there is none, or it is none."""
        flag, _, number = (written or "").partition(".")
        if flag not in ("0", "1") or not number.isdecimal() or len(number) > len(str(2**62)):
            return None
        return cls(flag == "0", int(number))

    def __str__(self) -> str:
        return f"{int(not self.failed)}.{self.item_id}"


@dataclass(frozen=True)
class ItemPage:
    """Some rows, those that failed first, and where the list goes on."""

    rows: tuple[ItemRow, ...]
    following: ItemCursor | None


def item_counts(tx: Session, starter_id: int) -> ItemCounts:
    """The rows of a case, counted by state; none of all for a case that has none."""
    query = select(StartItem.state, func.count()).where(StartItem.starter_id == starter_id).group_by(StartItem.state)
    return ItemCounts(**{state: number for state, number in tx.execute(query)})


def items_page(
    tx: Session,
    starter_id: int,
    units: Mapping[str, str],
    *,
    state: str | None = None,
    after: ItemCursor | None = None,
    size: int = SIZE,
) -> ItemPage:
    """One page; `units` says for each procedure under which key a row's values name the unit."""
    query = select(StartItem, Case).outerjoin(Case, Case.id == StartItem.case_id)
    query = query.where(StartItem.starter_id == starter_id)
    if state is not None:
        query = query.where(StartItem.state == state)
    if after is not None:
        behind = and_((StartItem.state == "failed").is_(after.failed), StartItem.id > after.item_id)
        query = query.where(or_(behind, StartItem.state != "failed") if after.failed else behind)
    found = tx.execute(query.order_by(StartItem.state != "failed", StartItem.id).limit(size + 1)).all()
    names = _names(tx, [_code(item, units) for item, _ in found])
    rows = tuple(ItemRow(item, names.get(_code(item, units)) or _code(item, units), case) for item, case in found)
    if len(rows) <= size:
        return ItemPage(rows, None)
    last = rows[size - 1].item
    return ItemPage(rows[:size], ItemCursor(last.state == "failed", last.id))


def _code(item: StartItem, units: Mapping[str, str]) -> str:
    return str(item.values.get(units.get(item.procedure, ""), ""))


def _names(tx: Session, codes: list[str]) -> dict[str, str]:
    found = tx.execute(select(Organisation.uscc, Organisation.name).where(Organisation.uscc.in_(set(codes) - {""})))
    return {code: name for code, name in found}
