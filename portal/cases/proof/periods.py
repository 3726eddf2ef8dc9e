"""Proves the deadlines of a case: when each is over, from what it runs, and whether it runs at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from portal.audit.rules import Break, Entry
from portal.clock import day_of
from portal.deadlines import service as deadlines
from portal.deadlines.models import Deadline

_STATES = {
    "started": "running",
    "confirmed": "running",
    "kept": "running",
    "resumed": "running",
    "paused": "paused",
    "met": "met",
    "dropped": "dropped",
}
"""What an entry says of a deadline's state; one that was moved or extended is in the state in which it was."""


_OWN = frozenset({"pauses", "extensions"})
"""What a row says only of a course of its own; other things that older entries do not hold are not asked of them."""


@dataclass
class _Told:
    """What the history tells of the newest deadline of a name in a scope."""

    entry: Entry
    state: str
    services: set[object]
    """The moments of service told since: what such a service had met is met at its corrected moment."""


def altered(tx: Session, case_id: int, history: Sequence[Entry]) -> Iterator[Break]:
    """Deadlines that stand otherwise than the newest entry about them says, that are gone, or that nobody started."""
    told = _told(history)
    rows = {(row.name, row.scope): row for row in deadlines.of_case(tx, case_id)}
    for key, one in told.items():
        row, name = rows.get(key), key[0]
        if row is None or not _is_as_told(row, one):
            title, seq = one.entry.details["title"], one.entry.seq
            yield Break(case_id, seq, f"期限“{title}”与所记的不符", f"not what entry {seq} tells: the deadline {name}")
    for key in sorted(rows.keys() - told.keys()):
        zh, en = f"期限“{rows[key].title}”并非案件所记", f"no entry tells of the deadline {key[0]}"
        yield Break(case_id, 0, zh, en)


def _told(history: Sequence[Entry]) -> dict[tuple[str, str], _Told]:
    told: dict[tuple[str, str], _Told] = {}
    for entry in history:
        if entry.kind == "letter.served":
            for one in told.values():
                one.services.add(entry.details["at"])
        elif entry.kind.startswith("deadline.") and "what" in entry.details:
            stands = entry.details.get("stands")  # older entries hold neither it nor a scope
            scope = str(stands.get("scope", "")) if isinstance(stands, Mapping) else ""
            key = str(entry.details["deadline"]), scope
            before = told.get(key)
            state = _STATES.get(str(entry.details["what"])) or (before.state if before else "running")
            told[key] = _Told(entry, state, set())
    return told


def _is_as_told(row: Deadline, told: _Told) -> bool:
    said = told.entry.details
    due = datetime.fromisoformat(str(said["new_due"] or said["old_due"]))
    ends = row.due == due and row.last_day == day_of(due - timedelta(microseconds=1))
    stands = said.get("stands")  # older entries do not hold it
    return ends and row.state == told.state and (not isinstance(stands, Mapping) or _stands(row, stands, told.services))


def _stands(row: Deadline, said: Mapping[str, object], services: set[object]) -> bool:
    now = {name: value for name, value in row.stands.items() if name in said or name in _OWN}
    if now["met_at"] in services:
        now["met_at"] = None if said["met_at"] is None else str(said["met_at"])
    return now == dict(said)
