"""Reading registers for everybody: only records in a public state, found and ordered only by what is public."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_
from sqlalchemy.orm import Session

from portal.registers.models import Record, RecordEntry
from portal.registers.publication import Publication, publication
from portal.registers.queries import half_width
from portal.registers.rules import Register


@dataclass(frozen=True)
class Wanted:
    """What a list is narrowed to."""

    q: str = ""
    state: str | None = None
    year: int | None = None

    @property
    def used(self) -> bool:
        """Whether anything is left out."""
        return bool(self.q or self.state or self.year)


@dataclass(frozen=True)
class Overview:
    """A register at a glance: how many records are shown by state and by year, the newest year first; `entries` counts
    those of all its records and so grows with each."""

    by_state: Mapping[str, int]
    years: tuple[int, ...]
    entries: int

    @property
    def count(self) -> int:
        """How many records are shown."""
        return sum(self.by_state.values())


def public_year(register: Register) -> str | None:
    """The field of years by which everybody may filter."""
    year = register.field_of("year")
    return year if year in register.public else None


def overview(tx: Session, regulation: str, register: Register) -> Overview:
    """What there is in a register; one statement."""
    rows = tx.execute(
        select(Record.state, Record.year, func.count(), func.sum(Record.entries))
        .where(Record.regulation == regulation, Record.register == register.name)
        .group_by(Record.state, Record.year)
    ).all()
    shown = [(state, year, count) for state, year, count, _entries in rows if state in register.shown_states]
    by_state = {name: sum(count for state, _year, count in shown if state == name) for name in register.shown_states}
    years = {year for _state, year, _count in shown if year is not None} if public_year(register) else set()
    return Overview(
        by_state={state: count for state, count in by_state.items() if count},
        years=tuple(sorted(years, reverse=True)),
        entries=int(sum(entries for *_where, entries in rows)),
    )


def counts(tx: Session, registers: Iterable[tuple[str, Register]]) -> dict[tuple[str, str], int]:
    """How many records each register of a regulation shows; one statement for all."""
    places = {(regulation, register.name): register for regulation, register in registers}
    if not places:
        return {}
    where = tuple_(Record.regulation, Record.register).in_(list(places))
    group = (Record.regulation, Record.register, Record.state)
    found = dict.fromkeys(places, 0)
    for regulation, name, state, count in tx.execute(select(*group, func.count()).where(where).group_by(*group)):
        if state in places[regulation, name].shown_states:
            found[regulation, name] += count
    return found


def page(
    tx: Session, regulation: str, register: Register, wanted: Wanted, *, after: int | None, size: int
) -> list[Record]:
    """Records of a register as everybody reads them, behind the record `after` (if that one is shown).

    The newest year comes first; within it they stand in the order of their keys where these are public, else the
    newest record first.
    """
    where = _shown(regulation, register, wanted)
    last = tx.scalar(select(Record).where(Record.id == after, *_shown(regulation, register))) if after else None
    year, key = func.coalesce(Record.year, 0), Record.key.collate("C")
    by_key = set(register.key) <= set(register.public)
    order: list[ColumnElement[Any]] = [key.asc()] if by_key else [Record.id.desc()]
    if last is not None:
        where.append(_behind(register, last, key > last.key if by_key else Record.id < last.id))
    if public_year(register):
        order.insert(0, year.desc())
    return list(tx.scalars(select(Record).where(*where).order_by(*order).limit(size)))


def _behind(register: Register, last: Record, within: ColumnElement[bool]) -> ColumnElement[bool]:
    """What comes after a record: later years' rows, and of its own year those that come after it `within`."""
    if not public_year(register):
        return within
    year, reached = func.coalesce(Record.year, 0), last.year or 0
    return or_(year < reached, and_(year == reached, within))


def batch(
    tx: Session, regulation: str, register: Register, wanted: Wanted, *, above: int, size: int
) -> list[tuple[Record, Publication]]:
    """The next records, by id, with what everybody may know of each; for whoever takes all of them."""
    where = [*_shown(regulation, register, wanted), Record.id > above]
    rows = list(tx.scalars(select(Record).where(*where).order_by(Record.id).limit(size)))
    return published(tx, register, rows)


def published(tx: Session, register: Register, rows: list[Record]) -> list[tuple[Record, Publication]]:
    """Records with what everybody may know of each, in the same order; those never shown fall out. One statement."""
    entries: dict[int, list[RecordEntry]] = {row.id: [] for row in rows}
    wanted = select(RecordEntry).where(RecordEntry.record_id.in_(entries)).order_by(RecordEntry.number)
    for entry in tx.scalars(wanted) if rows else ():
        entries[entry.record_id].append(entry)
    found = ((row, publication(register, entries[row.id])) for row in rows)
    return [(row, told) for row, told in found if told is not None]


def _shown(regulation: str, register: Register, wanted: Wanted | None = None) -> list[ColumnElement[bool]]:
    """The conditions by which a record is shown; a search looks at public fields only."""
    where: list[ColumnElement[bool]] = [
        Record.regulation == regulation,
        Record.register == register.name,
        Record.state.in_(register.shown_states),
    ]
    if wanted is None:
        return where
    if wanted.q:
        said = {wanted.q, half_width(wanted.q)}
        held = [Record.fields[name].astext for name in register.public]
        where.append(or_(*(text.icontains(words, autoescape=True) for text in held for words in said)))
    if wanted.state is not None:
        where.append(Record.state == wanted.state)
    if wanted.year is not None and public_year(register):
        where.append(Record.year == wanted.year)
    return where
