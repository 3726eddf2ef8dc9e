"""Which objects rows refer to, of uploads, letters and proofs alike, and when those that none refers to may go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CompoundSelect, func, select, text, union_all
from sqlalchemy.orm import Session

from portal.cases.models import Attachment
from portal.db import locks
from portal.documents.models import Letter
from portal.identity.models import Proof

_LOCK = "objects"
_AT_A_TIME = 1000


@dataclass(frozen=True)
class File:
    """The object that a row speaks of."""

    table: str
    row: int
    key: str
    sha256: str
    """Hexadecimal."""
    size: int
    """Bytes."""


def referred(tx: Session) -> Iterator[File]:
    """Every object that a row refers to, read in portions."""
    uploads = select(text("'attachments'"), Attachment.id, Attachment.key, Attachment.sha256, Attachment.size)
    letters = select(text("'letters'"), Letter.id, Letter.object_key, Letter.sha256, Letter.size)
    pdfs = select(text("'letters'"), Letter.id, Letter.pdf_key, Letter.pdf_sha256, Letter.pdf_size)
    proofs = select(text("'registration_proofs'"), Proof.id, Proof.key, Proof.sha256, Proof.size)
    everything: CompoundSelect[*tuple[Any, ...]] = union_all(
        uploads, letters.where(Letter.object_key.is_not(None)), pdfs.where(Letter.pdf_key.is_not(None)), proofs
    )
    for row in tx.execute(everything, execution_options={"yield_per": _AT_A_TIME}):
        yield File(*row)


def keep(tx: Session) -> None:
    """Until the transaction ends, however long it lies idle, no object goes; waits for a sweeper at work."""
    _wait_for_ever(tx)
    tx.execute(select(locks.shared(_LOCK)))


def may_go(tx: Session) -> bool:
    """Whether objects without a row may be removed now, until the transaction ends: nobody keeps them."""
    _wait_for_ever(tx)
    return bool(tx.scalar(select(func.pg_try_advisory_xact_lock(locks.key(_LOCK)))))


def _wait_for_ever(tx: Session) -> None:
    tx.execute(text("SET LOCAL lock_timeout = 0"))
    tx.execute(text("SET LOCAL statement_timeout = 0"))
    tx.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
