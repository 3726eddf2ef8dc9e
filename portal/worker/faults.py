"""What a case, a letter or their content can break by, and how it is told to the administrators once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.exc import DataError, IntegrityError, InternalError, ProgrammingError
from sqlalchemy.orm import Session

from portal.cases import incidents
from portal.cases.incidents import Again
from portal.cases.models import Incident
from portal.errors import PortalError

# Outages and lost races (OperationalError) are nobody's fault. Anything else is the worker's own: it ends, and is
# started again.
FAULTS: tuple[type[Exception], ...] = (
    PortalError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    DataError,
    IntegrityError,
    InternalError,
    ProgrammingError,
)


def said(error: BaseException) -> str:
    """A fault in the words an administrator reads."""
    return error.text("zh") if isinstance(error, PortalError) else f"{type(error).__name__}: {error}"


def note_once(tx: Session, during: str, what: str, moment: datetime, again: Again | None = None) -> None:
    """Writes an incident unless there is or was one of the same doing, which names its job."""
    if not tx.scalar(select(exists().where(Incident.during == during))):
        incidents.note(tx, during, what, moment, again=again)
