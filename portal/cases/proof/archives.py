"""Proves the closed file of a case: its list, and that the pieces are still those that were listed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.audit.rules import Break, Entry
from portal.cases.archiving import BEGUN, CLOSED, LETTER, MATERIAL
from portal.cases.models import Archive, Attachment
from portal.cases.values import digest
from portal.documents.models import Letter


def altered(tx: Session, case_id: int, history: Sequence[Entry]) -> Iterator[Break]:
    """A list that is not the one told of, pieces that are not those listed, and files that nobody tells of."""
    begun = {entry.details["archive"]: entry for entry in history if entry.kind == BEGUN}
    closed = {entry.details["archive"]: entry for entry in history if entry.kind == CLOSED}
    for row in tx.scalars(select(Archive).where(Archive.case_id == case_id).order_by(Archive.id)):
        told, ended = begun.pop(row.id, None), closed.get(row.id)
        if told is None or not (_as_begun(row, told) and _as_closed(row, ended)):
            newest, zh = ended or told, "归档清单与所记的不符"
            en = "the list of the closed file is not the one told of"
            yield Break(case_id, newest.seq if newest else 0, zh, en)
        elif row.listed is not None and ended is not None:
            yield from _other_pieces(tx, row, ended)
    for entry in begun.values():
        yield Break(case_id, entry.seq, "所记的归档已被删去", "a closed file that is told of is gone")


def _as_begun(row: Archive, told: Entry) -> bool:
    return (row.retention, row.begun_at, row.act_id) == (told.details["retention"], told.moment, told.act_id)


def _as_closed(row: Archive, told: Entry | None) -> bool:
    if told is None or row.listed is None:
        return told is None and (row.closed_at, row.sha256, row.listed) == (None, None, None)
    return (row.closed_at, row.sha256, digest(row.listed)) == (told.moment, *[told.details["sha256"]] * 2)


def _other_pieces(tx: Session, row: Archive, told: Entry) -> Iterator[Break]:
    """Pieces that have another digest or size now, or are gone; what came later is none of them."""
    letters = select(Letter.id, Letter.sha256, Letter.size).where(Letter.case_id == row.case_id)
    files = select(Attachment.id, Attachment.sha256, Attachment.size).where(Attachment.case_id == row.case_id)
    now = {(LETTER, number): (sha256, size) for number, sha256, size in tx.execute(letters)}
    now |= {(MATERIAL, number): (sha256, size) for number, sha256, size in tx.execute(files)}
    for piece in row.listed["pieces"] if row.listed else ():
        if now.get((piece["kind"], piece["id"])) != (piece["sha256"], piece["size"]):
            zh, en = f"归档的“{piece['file']}”与清单不符", f"the filed piece “{piece['file']}” is not the one listed"
            yield Break(row.case_id, told.seq, zh, en)
