"""Whoever filed a case without an account, under his real name: such a case has neither a filer nor a party."""

from __future__ import annotations

from collections.abc import Mapping

from portal.cases.live import LiveCase
from portal.cases.models import Case

FILER = "filer"
"""How manifests name him as the addressee of a letter; of a case that was filed with an account it is its party."""


def is_public(row: Case) -> bool:
    """Whether a case was filed without an account: it has a query code, and nobody to whom it belongs."""
    return row.query_code is not None and row.party_id is None and row.filer_id is None


def name_of(case: LiveCase) -> str | None:
    """The real name of whoever filed a case in public; None of any other case."""
    rule = case.procedure.manifest.in_public
    return _said(case, rule.name) if rule is not None and is_public(case.row) else None


def address_of(case: LiveCase) -> str | None:
    """Where letters may be posted to him; empty where he gave no address, None where none is asked for."""
    rule = case.procedure.manifest.in_public
    return _said(case, rule.address) if rule is not None and rule.address and is_public(case.row) else None


def _said(case: LiveCase, path: str) -> str:
    element, _dot, field = path.partition(".")
    said = case.values.latest("", element)
    value: object = said.value if said is not None else None
    for part in field.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else ""
