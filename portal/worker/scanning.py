"""Has uploaded files looked at by the virus scanner; what it says nothing of goes on waiting."""

from __future__ import annotations

from sqlalchemy.orm import Session

from portal.cases import incidents, verdicts
from portal.storage import ScannerAway, whole
from portal.worker.tools import Tools


def scan(tools: Tools, job: str, table: str, file_id: int) -> None:
    """Has one file looked at, unless that was done; ScannerAway, or what is wrong with the stored file."""
    with tools.database.transaction() as tx:
        file = verdicts.to_scan(tx, table, file_id)
    if file is None:
        return
    if tools.scanner is None:
        raise ScannerAway(reason="SCANNER is not set")
    with whole(tools.store, file.key, file.sha256) as opened:
        found = tools.scanner.look(opened)
    kernel = tools.kernel
    tools.database.attempt(lambda tx: verdicts.conclude(kernel, tx, table, file_id, found, kernel.now(tx)))


def give_up(tools: Tools, tx: Session, job: str, reason: str, table: str, file_id: int) -> None:
    """Tells the administrators, once however many files wait: they are looked at when the incident is tried again."""
    if verdicts.to_scan(tx, table, file_id) is not None:
        again = incidents.Again(incidents.JOB, {"name": verdicts.SCAN_WAITING, "arguments": {}})
        incidents.note_unless_open(tx, verdicts.DURING, reason, tools.kernel.now(tx), again=again)


def scan_waiting(tools: Tools, job: str) -> None:
    """Has every file that waits looked at."""
    tools.database.attempt(lambda tx: verdicts.scan_waiting(tools.kernel, tx))
