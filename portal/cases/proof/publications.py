"""Whether what was shown to everybody is what the history of its case vouches for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.audit.rules import Break, Entry
from portal.cases.models import Publication
from portal.cases.publishing import digest_of

OPENED, CLOSED = "publicity.opened", "publicity.closed"


def altered(tx: Session, case_id: int, history: Sequence[Entry]) -> Iterator[Break]:
    """Publications whose snapshot, hash or result is not the one told, and those that nothing or nobody tells of."""
    opened = {entry.details["publication"]: entry for entry in history if entry.kind == OPENED}
    closed = {entry.details["publication"]: entry for entry in history if entry.kind == CLOSED}
    rows = tx.scalars(select(Publication).where(Publication.case_id == case_id).order_by(Publication.id)).all()
    for row in rows:
        told, ended = opened.pop(row.id, None), closed.get(row.id)
        files = [{key: value for key, value in one.items() if key != "attachment"} for one in row.files]
        if told is None or not told.details["sha256"] == row.sha256 == digest_of(row.snapshot):
            yield _break(case_id, told, "公示的内容与所记的不符", "what was shown to everybody was changed")
        elif files != row.snapshot["files"] or row.title != told.details["title"]:
            yield _break(case_id, told, "公示的材料与所记的不符", "the files that were made public were changed")
        elif (row.result, row.closed_at) != ((ended.details["result"], ended.moment) if ended else (None, None)):
            yield _break(case_id, ended, "公示的结果与所记的不符", "the result of a publicity was changed")
    for entry in opened.values():
        yield _break(case_id, entry, "所记的公示已被删去", "a publicity that is told of is gone")


def _break(case_id: int, entry: Entry | None, zh: str, en: str) -> Break:
    return Break(case_id, entry.seq if entry else 0, zh, en)
