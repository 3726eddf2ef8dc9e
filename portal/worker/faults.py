"""What a case, a letter or their content can break by, and how that is told to the administrators."""

from __future__ import annotations

from sqlalchemy.exc import DataError, IntegrityError, InternalError, ProgrammingError

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
