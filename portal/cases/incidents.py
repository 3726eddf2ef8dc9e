"""Incidents: steps and jobs that failed, kept for somebody to look at."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from portal.cases.models import Incident


def note(tx: Session, during: str, what: str, moment: datetime, case_id: int | None = None) -> Incident:
    """Writes an incident: during what (in Chinese), what went wrong, and in which case if in one."""
    incident = Incident(case_id=case_id, at=moment, during=during, what=what)
    tx.add(incident)
    tx.flush()
    return incident
