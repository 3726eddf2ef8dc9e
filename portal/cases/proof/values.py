"""Proves what was said in a case, and what its instances of many are about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.audit.rules import Break, Entry
from portal.cases.act import MANY
from portal.cases.models import CaseItem, CaseValue
from portal.cases.values import digest


def altered(tx: Session, case_id: int, history: Sequence[Entry]) -> Iterator[Break]:
    """Answers that are not those of which an entry keeps the digest, or not where it says; lists of many likewise."""
    yield from _said_otherwise(tx, case_id, history)
    yield from _about_others(tx, case_id, history)


def _said_otherwise(tx: Session, case_id: int, history: Sequence[Entry]) -> Iterator[Break]:
    said: dict[int, list[CaseValue]] = defaultdict(list)
    for value in tx.scalars(select(CaseValue).where(CaseValue.case_id == case_id)):
        said[value.act_id].append(value)
    for entry in history:
        vouched = entry.details.get("said")
        if vouched is not None and vouched not in _found(said[entry.act_id], entry):
            zh, en = f"“{entry.element}”处所填的内容被改动", f"what was said at “{entry.element}” was changed"
            yield Break(case_id, entry.seq, zh, en)
        revised = entry.details.get("revised")
        if revised is not None and revised not in {digest(value.value) for value in said[entry.act_id]}:
            zh, en = f"“{entry.element}”处所补正的内容被改动", f"what was corrected at “{entry.element}” was changed"
            yield Break(case_id, entry.seq, zh, en)


def _found(said: Sequence[CaseValue], entry: Entry) -> set[str]:
    """The digests of what was said where an entry tells of it: at an element, and where it knows that at which
    instance of which scope and visit."""
    here = [value for value in said if value.element == entry.element]
    if "scope" in entry.details:
        place = (entry.details["scope"], entry.details["visit"], entry.details.get("item", 0))
        here = [value for value in here if (value.scope, value.visit, value.item) == place]
    # An empty answer (a message without form) leaves no value.
    return {digest(value.value) for value in here} or {digest({})}


def _about_others(tx: Session, case_id: int, history: Sequence[Entry]) -> Iterator[Break]:
    """Instances of many that are about others than those for whom the step was entered."""
    entered = [entry for entry in history if entry.kind == MANY]
    wanted = select(CaseItem).where(CaseItem.case_id == case_id).order_by(CaseItem.item)
    items: dict[tuple[object, ...], list[CaseItem]] = defaultdict(list)
    for row in tx.scalars(wanted):
        items[row.scope, row.element, row.visit, row.act_id].append(row)
    for entry in entered:
        said = entry.details
        rows = items.pop((said["scope"], entry.element, said["visit"], entry.act_id), [])
        abouts = [row.value for row in rows if row.item]
        if [row.item for row in rows] != list(range(len(abouts) + 1)) or digest(abouts) != said["items"]:
            zh = f"“{said['task']}”逐一办理的名单被改动"
            yield Break(case_id, entry.seq, zh, f"the list of those by whom “{said['task']}” is done was changed")
    for _scope, element, _visit, _act in items:
        zh, en = f"“{element}”逐一办理的名单并非案件所记", f"no entry tells of the list by whom “{element}” is done"
        yield Break(case_id, 0, zh, en)
