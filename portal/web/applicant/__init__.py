"""The pages of applicants: what they have to do and by when, filing, their cases, letters and accounts."""

from __future__ import annotations

from portal.web.applicant import (  # noqa: F401 # they add routes
    account,
    answering,
    assigned,
    cases,
    filing,
    home,
    letters,
    organisation,
    sending,
)
from portal.web.applicant.frame import blueprint

__all__ = ["blueprint"]
