"""Proves what was said in a case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.audit.rules import Break, Entry
from portal.cases.models import CaseValue
from portal.cases.values import digest


def altered(tx: Session, case_id: int, history: Sequence[Entry]) -> Iterator[Break]:
    """Answers that are not those of which an entry keeps the digest."""
    said: dict[tuple[int, str], set[str]] = defaultdict(set)
    for value in tx.scalars(select(CaseValue).where(CaseValue.case_id == case_id)):
        said[value.act_id, value.element].add(digest(value.value))
    for entry in history:
        vouched = entry.details.get("said")
        # An empty answer (a message without form) leaves no value.
        found = said.get((entry.act_id, entry.element or ""), {digest({})})
        if vouched is not None and vouched not in found:
            zh, en = f"“{entry.element}”处所填的内容被改动", f"what was said at “{entry.element}” was changed"
            yield Break(case_id, entry.seq, zh, en)
