"""The gate of uploaded files: where there is a scanner, nobody opens one before it has been looked at."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.cases.errors import Refused
from portal.cases.kernel import Kernel
from portal.cases.models import Attachment
from portal.errors import PortalError
from portal.identity.models import Proof
from portal.storage.quarantine import INFECTED, WAITING, Quarantined

SCAN = "files.scan"
"""The job that has a file looked at; its arguments are `table` and `file_id`."""


class NotScanned(Refused):
    """The scanner has not said anything of the file yet."""

    zh = "文件正在接受病毒检查，通过以前不能打开、下载或公开。请稍后再试。"
    en = "The file is being checked for viruses; until then it cannot be opened, downloaded or made public. Try later."


class Infected(PortalError):
    """The scanner has found something in the file."""

    zh = "文件含有病毒（{found}），已经隔离，任何人都不能打开或下载。请上传人检查电脑后重新提供。"
    en = "The file holds a virus ({found}) and is locked away: nobody can open or download it. Provide it again."


def require_released(row: Quarantined) -> None:
    """Raises NotScanned or Infected unless the file may be opened."""
    if row.state == INFECTED:
        raise Infected(found=row.found)
    if not row.released:
        raise NotScanned()


def waiting_since(tx: Session) -> datetime | None:
    """When the file arrived that has waited longest for the scanner's word; None where none waits."""
    attached = select(func.min(Attachment.uploaded_at)).where(Attachment.state == WAITING).scalar_subquery()
    proving = select(func.min(Proof.kept_at)).where(Proof.state == WAITING).scalar_subquery()
    return tx.scalar(select(func.least(attached, proving)))


def admit(kernel: Kernel, tx: Session, row: Attachment | Proof) -> None:
    """Has a file that has just arrived wait for the scanner, where there is one."""
    if kernel.scans:
        row.state = WAITING
        tx.flush()
        kernel.queue.defer(tx, SCAN, table=row.__tablename__, file_id=row.id)
