"""The pages of officials: one file per page, all on one blueprint."""

from __future__ import annotations

from portal.web.official import case, cases, inbox, letters, receipts, start, task  # noqa: F401 # they add routes
from portal.web.official.blueprint import blueprint

__all__ = ["blueprint"]
