"""The pages of officials: one file per page, all on one blueprint."""

from __future__ import annotations

from portal.web.official import (  # noqa: F401 # they add routes
    archive,
    calendar,
    case,
    cases,
    copies,
    correcting,
    delegations,
    desk,
    extending,
    filters,
    inbox,
    items,
    letters,
    notes,
    organisations,
    preview,
    receipts,
    registers,
    sending,
    start,
    task,
)
from portal.web.official.blueprint import blueprint

__all__ = ["blueprint"]
