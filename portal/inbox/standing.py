"""Which figure stands while a case disputes what is on record: the undisputed one of the open case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.cases.live import Cases, LiveCase
from portal.cases.models import Case
from portal.cases.names import evaluate
from portal.procedures import Releases
from portal.registers.rules import Meanwhile, Register, Values, standing


@dataclass(frozen=True)
class Recorded:
    """A record as far as somebody may see it: its stored values and the case of its newest entry."""

    id: int
    case_id: int | None
    fields: Values


@dataclass(frozen=True)
class Disputed:
    """A field in dispute: the value that stands meanwhile, what that value is, and the open case."""

    field: str
    value: str | None
    what: str
    case_id: int
    number: str
    title: str


def disputed(
    tx: Session, releases: Releases, register: Register, records: Iterable[Recorded]
) -> dict[int, dict[str, Disputed]]:
    """What is in dispute, by record and field: one query, and one for each open case that is found."""
    rows = {record.id: record for record in records}
    asked = {meanwhile.procedure for meanwhile in register.meanwhile.values()}
    made_by = {record.case_id for record in rows.values() if record.case_id is not None}
    if not asked or not made_by:
        return {}
    about = select(Case).where(Case.about_id.in_(made_by), Case.procedure.in_(asked), Case.ended_at.is_(None))
    opened = {row.about_id: row for row in tx.scalars(about.order_by(Case.id))}  # of several the newest
    cases, found = Cases(tx, releases), defaultdict[int, dict[str, Disputed]](dict)
    for record in rows.values():
        row = opened.get(record.case_id) if record.case_id is not None else None
        for field, meanwhile in register.meanwhile.items() if row is not None else ():
            if row is not None and row.procedure == meanwhile.procedure:
                found[record.id][field] = _disputed(cases.get(row.id), register, field, meanwhile, record)
    return dict(found)


def decided_unread(
    tx: Session, register: Register, records: Iterable[Recorded], unread: Collection[int]
) -> dict[int, set[str]]:
    """The fields, by record, whose dispute has ended in one of the cases `unread`, the letter of which nobody opened:
    what they say may no longer stand, and what was decided is not told."""
    rows = list(records)
    asked = {meanwhile.procedure for meanwhile in register.meanwhile.values()}
    made_by = {record.case_id for record in rows if record.case_id is not None}
    if not asked or not made_by or not unread:
        return {}
    decided = select(Case.about_id, Case.procedure).where(
        Case.id.in_(unread), Case.about_id.in_(made_by), Case.procedure.in_(asked), Case.ended_at.is_not(None)
    )
    over = {(about_id, procedure) for about_id, procedure in tx.execute(decided)}
    return {
        record.id: {name for name, one in register.meanwhile.items() if (record.case_id, one.procedure) in over}
        for record in rows
    }


def _disputed(case: LiveCase, register: Register, field: str, meanwhile: Meanwhile, record: Recorded) -> Disputed:
    fact = case.procedure.manifest.facts.get(meanwhile.fact)
    said = evaluate(case, fact.expression) if fact else None
    return Disputed(
        field=field,
        value=standing(register, field, record.fields.get(field), said),
        what=fact.title if fact else register.title_of(field),
        case_id=case.id,
        number=case.row.number,
        title=case.row.title,
    )
