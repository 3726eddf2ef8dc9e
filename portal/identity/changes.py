"""The history of organisations and their people: who did what to whom, when; only added to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from portal.identity.models import IdentityChange, Person

AT_A_TIME = 50


@dataclass(frozen=True)
class Change:
    """One line of a history; `who` is empty when it followed from something else, `principal` unless `who` stood in
    for somebody."""

    id: int
    at: datetime
    kind: str
    who: str
    by_official: bool
    whom: str
    details: dict[str, Any]
    principal: str = ""


def note(
    tx: Session,
    event: str,
    at: datetime,
    *,
    organisation_id: int | None,
    person_id: int | None = None,
    by_id: int | None = None,
    for_id: int | None = None,
    **details: object,
) -> None:
    """Adds a line; `event` is noun.verb."""
    tx.add(
        IdentityChange(
            kind=event,
            at=at,
            organisation_id=organisation_id,
            person_id=person_id,
            by_id=by_id,
            for_id=for_id,
            details=details,
        )
    )
    tx.flush()


def of_organisation(tx: Session, organisation_id: int, before: int | None = None) -> list[Change]:
    """The history of an organisation, newest first, one more than a page shows when there are more."""
    lines = _lines().where(IdentityChange.organisation_id == organisation_id)
    if before is not None:
        lines = lines.where(IdentityChange.id < before)
    return [Change(*row) for row in tx.execute(lines.limit(AT_A_TIME + 1))]


def of_person(tx: Session, person_id: int, before: int | None = None) -> list[Change]:
    """What happened to a person, newest first, one more than a page shows when there are more."""
    lines = _lines().where(IdentityChange.person_id == person_id)
    if before is not None:
        lines = lines.where(IdentityChange.id < before)
    return [Change(*row) for row in tx.execute(lines.limit(AT_A_TIME + 1))]


def of_registration(tx: Session, number: str, person_id: int) -> list[Change]:
    """The rounds of a registration and what was decided on each, oldest first."""
    lines = _lines().where(
        IdentityChange.person_id == person_id,
        IdentityChange.kind.like("registration.%"),
        IdentityChange.details["number"].astext == number,
    )
    return [Change(*row) for row in reversed(tx.execute(lines).all())]


def _lines() -> Select[int, datetime, str, str, bool, str, dict[str, Any], str]:
    whom, who, principal = aliased(Person), aliased(Person), aliased(Person)
    return (
        select(
            IdentityChange.id,
            IdentityChange.at,
            IdentityChange.kind,
            func.coalesce(who.name, ""),
            who.id.is_not(None) & ~who.applicant,
            func.coalesce(whom.name, ""),
            IdentityChange.details,
            func.coalesce(principal.name, ""),
        )
        .outerjoin(principal, principal.id == IdentityChange.for_id)
        .outerjoin(whom, whom.id == IdentityChange.person_id)
        .outerjoin(who, who.id == IdentityChange.by_id)
        .order_by(IdentityChange.id.desc())
    )
