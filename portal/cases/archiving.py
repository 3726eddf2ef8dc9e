"""The file of a case closed (归档): which letters and materials belong to it, each by its SHA-256, kept how long."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.cases import attachments
from portal.cases.act import Act
from portal.cases.conduct import conduct, did
from portal.cases.errors import StepFailed
from portal.cases.kernel import Action, Kernel
from portal.cases.live import LiveCase
from portal.cases.models import Archive, Attachment
from portal.cases.values import canonical, digest
from portal.clock import TZ
from portal.documents.models import Letter
from portal.engine import Place
from portal.procedures.actions import ActionRule
from portal.storage.quarantine import INFECTED, WAITING

ARCHIVE = "cases.archive"
"""The job that closes the file of a case once the last of its letters is rendered."""
BEGUN, CLOSED = "archive.begun", "archive.closed"
"""The lines of a case's history that tell of it."""
LETTER, MATERIAL = "letter", "material"
_READY = "ready"
# What no file system takes in a name.
_UNFIT = re.compile(r'[\\/:*?"<>|\x00-\x1f]')


@dataclass(frozen=True)
class Piece:
    """A piece of a closed file: its name in it, and where its bytes lie (None: they are not there any more)."""

    name: str
    sha256: str
    key: str | None


def make(act: Act, case: LiveCase, place: Place, inputs: Mapping[str, Any]) -> None:
    """Has the file of a case closed, to be kept for a `retention`: by a job, for letters may still be rendered."""
    before = of_case(act.tx, case.id)
    if before is not None:
        raise StepFailed(reason="本案已经归档。" if before.closed_at else "本案的档案正在编制。")
    retention = str(inputs["retention"] or "").strip()
    if not retention:
        raise StepFailed(reason="归档没有写明保管期限。")
    row = Archive(case_id=case.id, act_id=act.id, begun_at=act.moment, retention=retention)
    act.tx.add(row)
    act.tx.flush()
    act.note(case, BEGUN, place.element, archive=row.id, retention=retention)
    act.family.kernel.queue.defer(act.tx, ARCHIVE, case_id=case.id)


def resume(act: Act, case: LiveCase) -> None:
    """Has the closing go on that waited for a letter."""
    row = of_case(act.tx, case.id)
    if row is not None and row.closed_at is None:
        act.family.kernel.queue.defer(act.tx, ARCHIVE, case_id=case.id)


def of_case(tx: Session, case_id: int) -> Archive | None:
    """The file of a case, closed or being closed; there is one at most."""
    return tx.scalar(select(Archive).where(Archive.case_id == case_id))


def close(kernel: Kernel, tx: Session, moment: datetime, job: str | None, case_id: int) -> None:
    """Closes the file: its list is written, with the digest of each piece and of the list itself.

    While a letter has no file, or a material was not looked at by the scanner, nothing happens: what ends that defers
    the job again. One whose rendering failed is made
    again from its incident, and the file is closed then.
    """
    if job is not None and did(tx, job):
        return

    def verb(act: Act) -> None:
        case, row = act.family.cases.get(case_id), of_case(tx, case_id)
        if row is None or row.closed_at is not None or unfinished(case) or unscanned(case):
            return
        row.listed = listed(case, row)
        row.sha256, row.closed_at = digest(row.listed), act.moment
        act.note(case, CLOSED, archive=row.id, sha256=row.sha256, pieces=len(row.listed["pieces"]))

    conduct(kernel, tx, case_id, moment, "archive", verb, job=job)


def unfinished(case: LiveCase) -> list[Letter]:
    """The letters of a case that have no file yet."""
    return [letter for letter in case.letters_issued if letter.state != _READY]


def unscanned(case: LiveCase) -> list[Attachment]:
    """The materials of a case that wait for the scanner."""
    return [one for one in attachments.of_case(case.tx, case.id) if one.state == WAITING]


def listed(case: LiveCase, archive: Archive) -> dict[str, Any]:
    """What belongs to the file of a case, in the order in which it came; `file`: under which name it is handed out."""
    letters = [
        (one.issued_at, {"kind": LETTER, "id": one.id, "number": one.number, "title": one.title, **_file(one)})
        for one in case.letters_issued
    ]
    materials = [
        (one.uploaded_at, {"kind": MATERIAL, "id": one.id, "title": one.name, **_file(one), **_found(one)})
        for one in attachments.of_case(case.tx, case.id)
    ]
    pieces = [piece for _moment, piece in sorted([*letters, *materials], key=lambda one: one[0])]
    row = case.row
    return {
        "case": row.number, "title": row.title, "filed_at": _moment(row.filed_at), "outcome": row.outcome,
        "ended_at": _moment(row.ended_at), "retention": archive.retention,
        "history": {"lines": row.audit_length, "head": row.audit_head},
        "pieces": [{**piece, "file": _name(number, piece)} for number, piece in enumerate(pieces, 1)],
    }  # fmt: skip


def text_of(archive: Archive) -> bytes:
    """The list as it is handed out: its SHA-256 is that of the file."""
    return canonical(archive.listed)


def pieces_of(tx: Session, archive: Archive) -> Iterator[Piece]:
    """The pieces of a closed file with where they lie; what holds a virus is listed and not handed out."""
    listed: list[Mapping[str, Any]] = archive.listed["pieces"] if archive.listed else []
    letters = select(Letter.id, Letter.object_key).where(Letter.case_id == archive.case_id)
    materials = select(Attachment.id, Attachment.key).where(Attachment.case_id == archive.case_id)
    keys = {
        **{(LETTER, number): key for number, key in tx.execute(letters)},
        **{(MATERIAL, number): key for number, key in tx.execute(materials)},
    }
    for one in listed:
        if "infected" not in one:
            yield Piece(one["file"], one["sha256"], keys.get((one["kind"], one["id"])))


def _name(number: int, piece: Mapping[str, Any]) -> str:
    """003 受理通知书 小〔2026〕1号.docx: in the order of the list, and no name twice."""
    said = f"{piece['title']} {piece['number']}.docx" if piece["kind"] == LETTER else str(piece["title"])
    return f"{number:03d} {_UNFIT.sub('_', said)}"


def _file(row: Letter | Attachment) -> dict[str, Any]:
    return {"sha256": row.sha256, "size": row.size}


def _found(row: Attachment) -> dict[str, Any]:
    return {"infected": row.found} if row.state == INFECTED else {}


def _moment(moment: datetime | None) -> str | None:
    return moment.astimezone(TZ).isoformat() if moment else None


ACTIONS: Mapping[str, Action] = {"archive.make": Action(ActionRule(frozenset({"retention"})), make)}
"""What `portal.cases.actions` adds to its table."""
