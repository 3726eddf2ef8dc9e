"""What lies on a role's desk beside the diagram: laid there, brought up to date, and taken off when it went away."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from portal.cases.live import LiveCase
from portal.cases.models import DeskMatter

SERVICE, OVERDUE = "service", "overdue"
KEPT, RENEWED, SETTLED = "kept", "renewed", "settled"


class Noting(Protocol):
    """The part of an act that a matter needs."""

    tx: Session
    moment: datetime

    def note(self, case: LiveCase, kind: str, at: str | None = None, /, **details: object) -> None:
        """Writes a line into a case's history."""


def raise_matter(act: Noting, case: LiveCase, role: str, kind: str, key: str, details: Mapping[str, Any]) -> DeskMatter:
    """Lays a matter on the desk of a role of the manifest; while one of this kind and key is open, it is brought
    up to date instead, and the history tells so. `details` is JSON and must name what is due as `title`, `old_due`
    and `new_due`."""
    matter = open_matter(act.tx, case.id, kind, key)
    now = {**(matter.details if matter else {}), **details}
    if matter is not None and matter.details == now:
        return matter
    if matter is None:
        matter = DeskMatter(
            case_id=case.id,
            regulation=case.row.regulation,
            role=case.procedure.manifest.role(role),
            kind=kind,
            key=key,
            raised_at=act.moment,
        )
        act.tx.add(matter)
    matter.details = now
    act.tx.flush()
    said = {name: now.get(name) for name in ("title", "old_due", "new_due")}
    act.note(case, "matter.raised", matter=matter.id, about=kind, role=matter.role, **said)
    return matter


def settle_matter(act: Noting, case: LiveCase, kind: str, key: str) -> None:
    """Takes an open matter off the desk because what it was about went away by itself."""
    matter = open_matter(act.tx, case.id, kind, key)
    if matter is not None:
        settle(act, case, matter)


def open_matter(tx: Session, case_id: int, kind: str, key: str) -> DeskMatter | None:
    """The open matter of a case with this kind and key."""
    return tx.scalar(open_of(case_id).where(DeskMatter.kind == kind, DeskMatter.key == key))


def last_kept(tx: Session, case_id: int, kind: str, key: str) -> DeskMatter | None:
    """The matter of a case with this kind and key upon which its outcome was kept last."""
    mine = (DeskMatter.case_id == case_id, DeskMatter.kind == kind, DeskMatter.key == key)
    kept = select(DeskMatter).where(*mine, DeskMatter.decision == KEPT)
    return tx.scalar(kept.order_by(DeskMatter.decided_at.desc(), DeskMatter.id.desc()).limit(1))


def settle(act: Noting, case: LiveCase, matter: DeskMatter) -> None:
    """Takes a matter off the desk."""
    matter.decided_at, matter.decision = act.moment, SETTLED
    act.tx.flush()
    act.note(case, "matter.settled", matter=matter.id, title=matter.details.get("title"))


def settle_services(act: Noting, case: LiveCase) -> None:
    """Takes off the desk what corrected services of a case have raised: another case has taken its place."""
    for matter in act.tx.scalars(open_of(case.id).where(DeskMatter.kind == SERVICE)).all():
        settle(act, case, matter)


def open_of(case_id: int) -> Select[DeskMatter]:
    """The open matters of a case."""
    return select(DeskMatter).where(DeskMatter.case_id == case_id, DeskMatter.decided_at.is_(None))
