"""Proves the letters of a case: what they hold, their files, and how and when each was served."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from portal.audit.rules import Break, Entry
from portal.cases.values import digest
from portal.clock import TZ
from portal.documents import service as documents
from portal.documents.models import Letter, Service, ServiceProof
from portal.documents.rules import earliest

_Way = tuple[str | None, str | None]
"""When a letter was served, and how."""
_UNSERVED: _Way = (None, None)
_STRUCK = ("receipt.corrected", "receipt.struck")


def altered(tx: Session, case_id: int, history: Sequence[Entry]) -> Iterator[Break]:
    """Letters whose data, file or service are not what the entries about them say, and letters that nobody issued."""
    about: dict[object, list[Entry]] = defaultdict(list)
    for entry in history:
        if entry.kind.startswith(("letter.", "receipt.")):
            about[entry.details.get("letter")].append(entry)
    for letter in _letters(tx, case_id):
        told = about.pop(letter.id, [])
        yield from _holds_otherwise(case_id, letter, told)
        yield from _filed_otherwise(case_id, letter, told)
        yield from _served_otherwise(case_id, letter, told)
    for told in about.values():
        number = told[0].details.get("number")
        yield Break(case_id, told[0].seq, f"文书{number}已不在案件中", f"the letter {number} is not there any more")


def _letters(tx: Session, case_id: int) -> Sequence[Letter]:
    proofs = selectinload(Letter.services).selectinload(Service.proofs).selectinload(ServiceProof.struck)
    return tx.scalars(select(Letter).where(Letter.case_id == case_id).order_by(Letter.id).options(proofs)).all()


def _holds_otherwise(case_id: int, letter: Letter, told: Sequence[Entry]) -> Iterator[Break]:
    issued = [entry for entry in told if entry.kind == "letter.issued"]
    if not issued:
        zh, en = f"文书{letter.number}并非案件所记", f"no entry tells of the letter {letter.number}"
        yield Break(case_id, 0, zh, en)
    for entry in issued:
        if entry.details.get("data", digest(letter.data)) != digest(letter.data):
            number = entry.details.get("number")
            zh, en = f"文书{number}的数据被改动", f"the data of letter {number} were changed"
            yield Break(case_id, entry.seq, zh, en)


def _filed_otherwise(case_id: int, letter: Letter, told: Sequence[Entry]) -> Iterator[Break]:
    rendered = [entry for entry in told if entry.kind == "letter.rendered"]
    if letter.sha256 != (rendered[-1].details["sha256"] if rendered else None):
        yield _not_as_told(case_id, rendered, "文书文件")
    converted = [entry for entry in told if entry.kind == "letter.pdf"]
    if letter.pdf_sha256 != (converted[-1].details["sha256"] if converted else None):
        yield _not_as_told(case_id, converted, "文书的 PDF")


def _served_otherwise(case_id: int, letter: Letter, told: Sequence[Entry]) -> Iterator[Break]:
    """The service of a letter on its addressees: the time and the way told last, by the earliest proof that stands."""
    about = [entry for entry in told if entry.kind in ("letter.served", "letter.unserved")]
    ways = [_way(entry.details) for entry in about]
    services = [service for service in letter.services if service.kind == "party"]
    # Of several addressees an entry does not say whose service it tells of: any of them may be the newest.
    known = {*ways[-1:]} or {_UNSERVED} if len(services) == 1 else {_UNSERVED, *ways}
    # A receipt of the same moment changes nothing but the way, and is told of by its own entry alone.
    receipts = {_way(entry.details) for entry in told if entry.kind in ("receipt.entered", "receipt.corrected")}
    known |= {(at, how) for at, how in receipts if at in {moment for moment, _ in known}}
    struck = {(entry.details["before"], entry.details["how_before"]) for entry in told if entry.kind in _STRUCK}
    for service in services:
        at, how = _now(service.served_at), service.how
        counting = earliest(proof for proof in service.proofs if proof.struck is None)
        if counting is not None and counting.how in documents.OWN_ACTS:
            # Where such a receipt is struck out, what the party itself has proved at the same moment counts.
            known |= {(moment, counting.how) for moment, _ in known & struck}
        if at not in {moment for moment, _ in known}:
            yield _not_as_told(case_id, about, "送达时间")
        elif (at, how) not in known:
            yield _not_as_told(case_id, about, "送达方式")
        elif (at, how) != ((_now(counting.received_at), counting.how) if counting else _UNSERVED):
            yield _not_as_told(case_id, about, "送达证明")


def _way(said: Mapping[str, object]) -> _Way:
    return (str(said["at"]), str(said["how"])) if "at" in said else _UNSERVED


def _now(moment: datetime | None) -> str | None:
    return moment.astimezone(TZ).isoformat() if moment else None


_ENGLISH = {
    "文书文件": "the file",
    "文书的 PDF": "the PDF",
    "送达时间": "when it was served",
    "送达方式": "how it was served",
    "送达证明": "its proof",
}


def _not_as_told(case_id: int, told: Sequence[Entry], what: str) -> Break:
    seq = told[-1].seq if told else 0
    return Break(case_id, seq, f"{what}与所记的不符", f"not what entry {seq} tells of a letter: {_ENGLISH[what]}")
