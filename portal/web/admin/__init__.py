"""The pages of administrators: one file per page, all on one blueprint. None of them shows what a case contains."""

from __future__ import annotations

from portal.web.admin import (  # noqa: F401 # they add routes
    checks,
    delegations,
    incidents,
    jobs,
    overview,
    people,
    person,
    regulations,
    releases,
    systems,
)
from portal.web.admin.blueprint import blueprint

__all__ = ["blueprint"]
