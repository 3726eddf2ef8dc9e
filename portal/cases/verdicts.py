"""What follows when the scanner has looked at an uploaded file: it is released, or locked away and told of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import notify
from portal.cases import archiving, incidents
from portal.cases.kernel import Kernel
from portal.cases.live import Cases
from portal.cases.models import Attachment, Case, Task
from portal.cases.quarantine import SCAN
from portal.clock import day_of
from portal.identity import PARTY
from portal.identity import queries as identity
from portal.identity.models import Proof
from portal.storage.quarantine import CLEAN, INFECTED, WAITING

SCAN_WAITING = "files.scan_waiting"
"""The job that has every file looked at that still waits, after the scanner was away for good."""
DURING = "检查上传的文件"
TABLES: Mapping[str, type[Attachment] | type[Proof]] = {
    Attachment.__tablename__: Attachment,
    Proof.__tablename__: Proof,
}


@dataclass(frozen=True)
class ToScan:
    """Where a file lies that waits, and the hash (hexadecimal SHA-256) it was kept with."""

    key: str
    sha256: str


def to_scan(tx: Session, table: str, file_id: int) -> ToScan | None:
    """A file that waits; None when it was looked at meanwhile, or is not kept any more."""
    row = _row(tx, table, file_id)
    return ToScan(row.key, row.sha256) if row is not None and row.state == WAITING else None


def _row(tx: Session, table: str, file_id: int, *, lock: bool = False) -> Attachment | Proof | None:
    row = tx.get(TABLES[table], file_id, with_for_update=lock or None)
    assert row is None or isinstance(row, (Attachment, Proof))
    return row


def scan_waiting(kernel: Kernel, tx: Session) -> None:
    """Has all files that wait looked at again."""
    for name in TABLES:
        ids = _waiting(tx, name)
        if ids:
            kernel.queue.defer_all(tx, SCAN, [{"table": name, "file_id": one} for one in ids])


def _waiting(tx: Session, name: str) -> Sequence[int]:
    table = TABLES[name]
    return tx.scalars(select(table.id).where(table.state == WAITING).order_by(table.id)).all()


def conclude(kernel: Kernel, tx: Session, table: str, file_id: int, found: str | None, moment: datetime) -> None:
    """Notes the scanner's verdict; the first one counts. `found` is the scanner's name of a virus."""
    row = _row(tx, table, file_id, lock=True)
    if row is None or row.state != WAITING:
        return
    row.state, row.found = (INFECTED, found) if found is not None else (CLEAN, None)
    tx.flush()
    case_id = row.case_id if isinstance(row, Attachment) else None
    if found is not None:
        what = f"上传的文件（{table} {file_id}）含有病毒（{found}），已经隔离，任何人都不能打开或下载。"
        incidents.note(tx, DURING, what, moment, case_id)
    if case_id is not None:
        _go_on(kernel, tx, case_id)
        if found is not None:
            _tell(kernel, tx, tx.get_one(Attachment, file_id), moment)


def _go_on(kernel: Kernel, tx: Session, case_id: int) -> None:
    """The closing of a case's file may have waited for this one."""
    archive = archiving.of_case(tx, case_id)
    if archive is not None and archive.closed_at is None:
        kernel.queue.defer(tx, archiving.ARCHIVE, case_id=case_id)


def _tell(kernel: Kernel, tx: Session, row: Attachment, moment: datetime) -> None:
    """Tells the uploader, by the file's name, and those before whom the case lies, without it."""
    case = Cases(tx, kernel.releases).open(tx.get_one(Case, row.case_id))
    called, post = f"{case.row.title} {case.row.number}", kernel.post(tx)
    title = "上传的文件含有病毒"
    uploader = {row.uploaded_by_id} if row.uploaded_by_id is not None else set()
    own = (
        f"{called}：您上传的“{row.own_name}”含有病毒（{row.found}），已经隔离，办理机关不能查看。请检查电脑后重新提供。"
    )
    notify.send(post, uploader, case_id=case.id, kind="note", at=moment, title=title, body=own)
    body = f"{called}：一份材料含有病毒（{row.found}），已经隔离，不能打开。请联系上传人重新提供。"
    readers = _readers(tx, case.row, moment) - uploader
    notify.send(post, readers, case_id=case.id, kind="note", at=moment, title=title, body=body)


def _readers(tx: Session, case: Case, moment: datetime) -> set[int]:
    """The officials who hold the open tasks of a case, or may claim them."""
    tasks = list(tx.scalars(select(Task).where(Task.case_id == case.id, Task.state == "open")))
    holders = {task.holder_id for task in tasks if task.holder_id is not None and task.role != PARTY}
    roles = {task.role for task in tasks if task.holder_id is None and task.assignee_id is None} - {PARTY}
    found = identity.people_in_roles(tx, case.regulation, sorted(roles), day_of(moment)) if roles else []
    return holders | {person for _role, person in found}
