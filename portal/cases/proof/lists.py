"""Proves the lists for whose rows a case starts others: the rows, and what became of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import audit
from portal.audit.rules import Break, Entry
from portal.cases.models import Case, StartItem
from portal.cases.proof.case import taken_over
from portal.cases.values import digest

_Place = tuple[str | None, str | None, int | None, int]
_UNDER_WAY = ("started", "ended")


def altered(tx: Session, case_id: int, history: Sequence[Entry]) -> Iterator[Break]:
    """Lists whose rows are not those for which cases were to be started, or stand otherwise than the cases say."""
    rows = tx.scalars(select(StartItem).where(StartItem.starter_id == case_id).order_by(StartItem.item)).all()
    for entry in history:
        said = entry.details
        if entry.kind == "items.begun" and "rows" in said:
            place = (said["scope"], entry.element, said["visit"])
            values = [row.values for row in rows if (row.scope, row.element, row.visit) == place]
            if digest(values) != said["rows"]:
                zh = f"“{entry.element}”逐行启动案件的名单被改动"
                yield Break(case_id, entry.seq, zh, f"the rows for which “{entry.element}” starts cases were changed")
    for item in sorted({*_given_up_otherwise(rows, history), *_started_otherwise(tx, case_id, rows)}):
        zh = f"名单第{item}行的办理情况与所记的不符"
        yield Break(case_id, 0, zh, f"not what is told of row {item} of the list")


def _given_up_otherwise(rows: Sequence[StartItem], history: Sequence[Entry]) -> Iterator[int]:
    """Rows given up without an entry that says so with this reason, and entries whose row is not given up."""
    dropped: Counter[tuple[object, object, object]] = Counter(
        (row.element, row.item, row.reason) for row in rows if row.state == "dropped"
    )
    told = [entry for entry in history if entry.kind == "item.dropped"]
    said: Counter[tuple[object, object, object]] = Counter(
        (entry.element, entry.details["item"], entry.details["reason"]) for entry in told
    )
    for _element, item, _reason in (dropped - said) + (said - dropped):
        yield int(str(item))


def _started_otherwise(tx: Session, case_id: int, rows: Sequence[StartItem]) -> Iterator[int]:
    """Rows that are under way without their case, have not started though it is there, or ended before it."""
    if not rows:
        return
    begun, ended = _begun(tx, case_id), _ended(tx, case_id)
    for row in rows:
        first = begun.get((row.scope, row.element, row.visit, row.item))
        started = row.state in _UNDER_WAY
        early = row.state == "ended" and row.case_id not in ended
        if started != (first is not None) or early or (started and not _stands_for(tx, row, first)):
            yield row.item


def _begun(tx: Session, case_id: int) -> dict[_Place, int]:
    """The cases that the list has started, by the place of each."""
    place = (Case.started_by_scope, Case.started_by_element, Case.started_by_visit, Case.started_by_item)
    found = tx.execute(select(Case.id, *place).where(Case.started_by_id == case_id, Case.started_by_item > 0))
    return {(scope, element, visit, item): started for started, scope, element, visit, item in found}


def _ended(tx: Session, case_id: int) -> set[int | None]:
    """The cases standing for rows that have ended."""
    over = select(StartItem.case_id).join(Case, Case.id == StartItem.case_id)
    return set(tx.scalars(over.where(StartItem.starter_id == case_id, Case.ended_at.is_not(None))))


def _stands_for(tx: Session, row: StartItem, first: int | None) -> bool:
    """Whether a row's case is the first one started for it, or may have taken that one's place."""
    if row.case_id is None or first is None or row.case_id == first:
        return row.case_id is not None and row.case_id == first
    return taken_over(tx, first, audit.entries(tx, first))
