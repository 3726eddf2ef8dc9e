"""Proves that what was said and what letters hold is what the chained history vouches for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import audit
from portal.audit.rules import Break
from portal.cases.models import Case, CaseValue
from portal.cases.values import digest
from portal.documents import service as documents


def altered(tx: Session) -> Iterator[Break]:
    """Every value and every letter's data whose digest is not the one that its case's history holds."""
    for case_id in tx.scalars(select(Case.id).order_by(Case.id)):
        yield from _altered_in(tx, case_id)


def _altered_in(tx: Session, case_id: int) -> Iterator[Break]:
    said: dict[tuple[int, str], set[str]] = defaultdict(set)
    for value in tx.scalars(select(CaseValue).where(CaseValue.case_id == case_id)):
        said[value.act_id, value.element].add(digest(value.value))
    letters = {letter.id: digest(letter.data) for letter in documents.letters_of(tx, case_id)}
    for entry in audit.entries(tx, case_id):
        vouched = entry.details.get("said")
        # An empty answer (a message without form) leaves no value.
        found = said.get((entry.act_id, entry.element or ""), {digest({})})
        if vouched is not None and vouched not in found:
            zh, en = f"“{entry.element}”处所填的内容被改动", f"what was said at “{entry.element}” was changed"
            yield Break(case_id, entry.seq, zh, en)
        letter = entry.details.get("letter")
        if "data" in entry.details and isinstance(letter, int) and letters.get(letter) != entry.details["data"]:
            number = entry.details.get("number")
            zh, en = f"文书{number}的数据被改动", f"the data of letter {number} were changed"
            yield Break(case_id, entry.seq, zh, en)
