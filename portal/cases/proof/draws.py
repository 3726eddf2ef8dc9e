"""Proves the drawings by lot of a case: that they are those told of, and that drawing again gives the same people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.audit.rules import Break, Entry
from portal.cases.lots import DRAWN, REPLACED
from portal.registers.lots import order, seal
from portal.registers.models import Draw, Replacement


def altered(tx: Session, case_id: int, history: Sequence[Entry]) -> Iterator[Break]:
    """Drawings and replacements that are not those the history tells of, or that it knows nothing of."""
    drawn = {entry.details["draw"]: entry for entry in history if entry.kind == DRAWN}
    for row in tx.scalars(select(Draw).where(Draw.case_id == case_id).order_by(Draw.id)):
        told = drawn.pop(row.id, None)
        if told is None or not _as_told(row, told):
            zh, en = "抽取记录与所记的不符", "a drawing by lot is not what is told of it"
            yield Break(case_id, told.seq if told else 0, zh, en)
    for entry in drawn.values():
        yield Break(case_id, entry.seq, "所记的抽取记录已被删去", "a drawing by lot that is told of is gone")
    yield from _replaced_otherwise(tx, case_id, history)


def _as_told(row: Draw, told: Entry) -> bool:
    said = told.details
    place = (row.scope, row.element, row.visit, row.register, row.moment, row.act_id)
    same = place == (said["scope"], told.element, said["visit"], said["register"], told.moment, told.act_id)
    again = order(row.seed, row.snapshot["pool"])[: row.count]
    return (
        same
        and (row.seed, row.sha256, row.drawn) == (said["seed"], said["sha256"], said["drawn"])
        and (seal(row.snapshot, row.seed, row.count), again) == (row.sha256, row.drawn)
    )


def _replaced_otherwise(tx: Session, case_id: int, history: Sequence[Entry]) -> Iterator[Break]:
    told = {entry.details["replacement"]: entry for entry in history if entry.kind == REPLACED}
    rows = select(Replacement).join(Draw, Draw.id == Replacement.draw_id).where(Draw.case_id == case_id)
    for row in tx.scalars(rows.order_by(Replacement.id)):
        entry = told.pop(row.id, None)
        now = (row.draw_id, row.number, row.by, row.reason, row.moment, row.act_id)
        if entry is None or now != (*_said(entry), entry.moment, entry.act_id):
            zh, en = "递补记录与所记的不符", "a replacement is not what is told of it"
            yield Break(case_id, entry.seq if entry else 0, zh, en)
    for entry in told.values():
        yield Break(case_id, entry.seq, "所记的递补记录已被删去", "a replacement that is told of is gone")


def _said(entry: Entry) -> tuple[object, ...]:
    return tuple(entry.details[name] for name in ("draw", "number", "by", "reason"))
