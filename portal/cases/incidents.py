"""Incidents: steps and jobs that failed, kept until an administrator has tried them again or closed them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, exists, func, literal, select
from sqlalchemy.orm import Session

from portal.cases.models import Case, Incident
from portal.clock import TZ
from portal.errors import PortalError
from portal.forms.characters import tidy
from portal.identity import Actor, Person, accounts, queries

LETTER, ROW, TIMERS, JOB = "letter", "row", "timers", "job"
"""What is tried again: the file of a letter, the case of a row, the timers of a family, a job."""

COUNTED = 100
"""How far open incidents are counted: what a page shows as 99+."""


class UnknownIncident(PortalError):
    """There is no such incident."""

    zh = "没有这条异常事项。"
    en = "There is no such incident."


class IncidentClosed(PortalError):
    """Somebody was faster, or the button was pressed twice."""

    zh = "这条异常事项已由{who}于 {when} 处理（{reason}），没有再次处理。"
    en = "{who} has dealt with this incident at {when} ({reason}); nothing was done again."


@dataclass(frozen=True)
class Again:
    """How something that failed is tried again: `how` is LETTER, ROW, TIMERS or JOB, `what` plain JSON values."""

    how: str
    what: Mapping[str, object]


@dataclass(frozen=True)
class Line:
    """An incident with the number of its case and the name of who closed it; empty where there is none."""

    incident: Incident
    number: str
    regulation: str | None
    closed_by: str


def note(
    tx: Session, during: str, what: str, moment: datetime, case_id: int | None = None, again: Again | None = None
) -> Incident:
    """Writes an incident: during what (in Chinese), what went wrong, in which case if in one, and how to try again."""
    told = {"how": again.how, **again.what} if again is not None else None
    incident = Incident(case_id=case_id, at=moment, during=during, what=what, again=told)
    tx.add(incident)
    tx.flush()
    return incident


def note_unless_open(
    tx: Session, during: str, what: str, moment: datetime, case_id: int | None = None, again: Again | None = None
) -> None:
    """Writes an incident unless one of the same doing is open; what comes back after one was closed is noted anew."""
    open_one = select(exists().where(Incident.during == during, Incident.closed_at.is_(None)))
    if not tx.scalar(open_one):
        note(tx, during, what, moment, case_id, again)


def count_open(tx: Session) -> int:
    """How many are open, counted up to COUNTED."""
    some = select(literal(1)).where(Incident.closed_at.is_(None)).limit(COUNTED).subquery()
    return tx.scalar(select(func.count()).select_from(some)) or 0


def listed(tx: Session, is_open: bool, before: int | None, limit: int) -> list[Line]:
    """The incidents that are open, or those that are closed, newest first."""
    found = _lines().where(Incident.closed_at.is_(None) if is_open else Incident.closed_at.is_not(None))
    if before is not None:
        found = found.where(Incident.id < before)
    return [_line(*row) for row in tx.execute(found.order_by(Incident.id.desc()).limit(limit))]


def line(tx: Session, incident_id: int) -> Line:
    """One incident; UnknownIncident."""
    row = tx.execute(_lines().where(Incident.id == incident_id)).one_or_none()
    if row is None:
        raise UnknownIncident()
    return _line(*row)


def _lines() -> Select[Incident, str | None, str | None, str | None]:
    return (
        select(Incident, Case.number, Case.regulation, Person.name)
        .outerjoin(Case, Case.id == Incident.case_id)
        .outerjoin(Person, Person.id == Incident.closed_by_id)
    )


def _line(row: Incident, number: str | None, regulation: str | None, closed_by: str | None) -> Line:
    return Line(row, number or "", regulation, closed_by or "")


def close(tx: Session, actor: Actor, incident_id: int, reason: str, moment: datetime) -> Incident:
    """Closes an open incident with a reason; UnknownIncident, IncidentClosed, what is wrong with the reason."""
    fault = accounts.reason_fault(reason)
    if fault is not None:
        raise fault
    row = taken(tx, incident_id)
    settle(row, actor, tidy(reason), moment)
    return row


def taken(tx: Session, incident_id: int) -> Incident:
    """An open incident under its lock; UnknownIncident, IncidentClosed."""
    row = tx.scalar(select(Incident).where(Incident.id == incident_id).with_for_update())
    if row is None:
        raise UnknownIncident()
    if row.closed_at is not None:
        when = row.closed_at.astimezone(TZ).strftime("%Y-%m-%d %H:%M")
        raise IncidentClosed(who=queries.person_name(tx, row.closed_by_id), when=when, reason=row.reason)
    return row


def settle(row: Incident, actor: Actor, reason: str, moment: datetime) -> None:
    """Notes who has dealt with an incident, and how."""
    row.closed_at, row.closed_by_id, row.reason = moment, actor.person_id, reason
