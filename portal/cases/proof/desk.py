"""Proves what lies, or lay, on a desk because of a case: for whom, and how it was decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.audit.rules import Break, Entry
from portal.cases.matters import RENEWED, SETTLED
from portal.cases.models import Case, DeskMatter

_DATES = ("old_due", "new_due")


def altered(tx: Session, case_id: int, history: Sequence[Entry]) -> Iterator[Break]:
    """Matters that stand otherwise than the entries about them say, that are gone, or that nobody raised."""
    rows = {row.id: row for row in tx.scalars(select(DeskMatter).where(DeskMatter.case_id == case_id))}
    raised: dict[object, Entry] = {}
    newest: dict[object, Entry] = {}
    for entry in history:
        if entry.kind.startswith("matter."):
            newest[entry.details["matter"]] = entry
            if entry.kind == "matter.raised":
                raised[entry.details["matter"]] = entry
    for matter_id, entry in newest.items():
        row = rows.pop(matter_id, None) if isinstance(matter_id, int) else None
        if row is None or not (_is_raised(row, raised.get(matter_id)) and _is_decided(tx, row, entry)):
            zh = f"督办事项“{entry.details['title']}”与所记的不符"
            yield Break(case_id, entry.seq, zh, f"not what entry {entry.seq} tells: a matter on a desk")
    for row in rows.values():
        zh, en = f"督办事项“{row.details.get('title')}”并非案件所记", f"no entry tells of the matter {row.id} on a desk"
        yield Break(case_id, 0, zh, en)


def _is_raised(row: DeskMatter, entry: Entry | None) -> bool:
    if entry is None:
        return False
    said: Mapping[str, object] = entry.details
    dates = all(row.details.get(name) == said[name] for name in _DATES if name in said)
    return dates and (row.kind, row.role) == (said["about"], said["role"])


def _is_decided(tx: Session, row: DeskMatter, entry: Entry) -> bool:
    decision = entry.kind.removeprefix("matter.")
    now = (row.decision, row.decided_at, row.reason, row.decided_by_id, row.decided_for_id)
    if decision == "raised":
        return now == (None, None, None, None, None)
    if decision == SETTLED:
        return now == (SETTLED, entry.moment, None, None, None)
    new = row.details.get("renewed") if decision == RENEWED else None
    number = tx.scalar(select(Case.number).where(Case.id == new)) if new is not None else None
    said = (decision, entry.moment, entry.details["reason"], entry.actor_id, entry.on_behalf)
    return (*now, number) == (*said, entry.details.get("by"))
