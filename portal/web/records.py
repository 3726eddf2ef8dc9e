"""Records of registers as pages show them: every field in words, what stands while it is disputed, and each entry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from portal import inbox, registers
from portal.audit.models import AuditEntry
from portal.cases.live import LiveCase
from portal.cases.models import ActRecord, Case, CaseValue
from portal.edge.machine import machine
from portal.inbox import Disputed, Recorded
from portal.procedures.articles import citation
from portal.procedures.regulation import Regulation
from portal.registers import Record, RecordEntry, Register
from portal.registers.rules import KINDS, STATE, Values
from portal.web import dates
from portal.web.languages import listed
from portal.web.people import People


@dataclass(frozen=True)
class StandingView:
    """What stands for a field meanwhile: what it is, how much, and the open case."""

    what: str
    text: str
    title: str
    number: str
    case_id: int


@dataclass(frozen=True)
class FieldView:
    """A field of a record in words."""

    name: str
    title: str
    text: str
    number: bool
    stands: StandingView | None
    unread: bool = False
    """A decision about it was made, but not opened yet."""
    digest: bool = False
    """A SHA-256, too long for a cell of a list."""
    wraps: bool = False
    """Words, which may stand on several lines."""


@dataclass(frozen=True)
class RecordView:
    """A record: what it is called, its key, the other fields, and its state (`counts` unless it is a closed one) with
    the tone of its chip."""

    id: int
    heading: str
    key: str
    fields: tuple[FieldView, ...]
    state: str
    tone: str
    counts: bool
    changed_at: datetime

    @property
    def disputes(self) -> list[FieldView]:
        """The fields for which something else stands meanwhile."""
        return [field for field in self.fields if field.stands is not None]


@dataclass(frozen=True)
class ChangeView:
    """What became of a field: the old value (None: it had none) and the new one."""

    title: str
    old: str | None
    new: str
    digest: bool = False


@dataclass(frozen=True)
class EntryView:
    """One entry: when, why, by whom, in which case, on which document and article, and what it changed."""

    record_id: int
    number: int
    at: datetime
    reason: str
    who: str
    case_id: int | None
    case: str
    document: str | None
    letter_id: int | None
    basis: str | None
    changes: tuple[ChangeView, ...]


@dataclass(frozen=True)
class Shown:
    """A record as far as somebody may see it: as it is now, or as an earlier entry left it."""

    id: int
    case_id: int | None
    state: str
    fields: Values
    changed_at: datetime


def as_it_is(row: Record) -> Shown:
    """A record with everything that was entered."""
    return Shown(row.id, row.case_id, row.state, row.fields, row.changed_at)


def as_of(entry: RecordEntry) -> Shown:
    """The record as an entry left it."""
    return Shown(entry.record_id, entry.case_id, entry.state, entry.fields, entry.moment)


def record_views(tx: Session, register: Register, shown: Iterable[Shown]) -> list[RecordView]:
    """The records in words, each with what stands meanwhile."""
    rows = list(shown)
    recorded = [Recorded(row.id, row.case_id, row.fields) for row in rows]
    disputed = inbox.disputed(tx, machine().kernel.releases, register, recorded)
    return [_record(register, row, disputed.get(row.id, {})) for row in rows]


@dataclass(frozen=True)
class EnteredView:
    """A record in which a case has entered something, as it is now, and where it is."""

    register: str
    record: RecordView
    url: str


def entered_by(tx: Session, case: LiveCase, most: int) -> list[EnteredView]:
    """The first records in which a case has entered something."""
    rows, regulation = registers.of_case(tx, case.id, most), case.published.regulation
    found = []
    for name, register in regulation.registers.items():
        here = [as_it_is(row) for row in rows if row.register == name]
        url = f"/registers/{regulation.slug}/{name}"
        found += [EnteredView(register.title, view, f"{url}/{view.id}") for view in record_views(tx, register, here)]
    return found


def columns(register: Register) -> list[str]:
    """The titles of the fields that stand beside a record's heading, in their order."""
    return [register.title_of(name) for name in _beside(register)]


def tone_of(register: Register, state: str) -> str:
    """The tone in which a state is shown: in force, suspended, no longer."""
    return "n" if state in register.closed else "a" if state in register.suspended else "g"


def _record(register: Register, row: Shown, disputed: Mapping[str, Disputed]) -> RecordView:
    heading = _heading(register)
    return RecordView(
        id=row.id,
        heading=value_text(register, heading, row.fields.get(heading)),
        key=register.key_text(row.fields),
        fields=tuple(_field(register, name, row.fields, disputed.get(name)) for name in _beside(register)),
        state=row.state,
        tone=tone_of(register, row.state),
        counts=row.state not in register.closed,
        changed_at=row.changed_at,
    )


def _heading(register: Register) -> str:
    """The field by which people know a record: its first text, else the first of its key."""
    return register.field_of("text") or register.key[0]


def _beside(register: Register) -> list[str]:
    return [name for name in register.fields if name != _heading(register)]


def _field(register: Register, name: str, fields: Values, disputed: Disputed | None) -> FieldView:
    stands = None
    if disputed is not None:
        text = value_text(register, name, disputed.value)
        stands = StandingView(disputed.what, text, disputed.title, disputed.number, disputed.case_id)
    number = bool(KINDS[register.fields[name]].unit) or register.fields[name] == "number"
    text = value_text(register, name, fields.get(name))
    return FieldView(
        name,
        register.title_of(name),
        text,
        number,
        stands,
        digest=is_digest(register, name) and fields.get(name) is not None,
        wraps=wraps(register, name),
    )


def is_digest(register: Register, name: str) -> bool:
    """Whether a field holds a SHA-256."""
    return register.fields.get(name) == "hash"


def wraps(register: Register, name: str) -> bool:
    """Whether a field holds words, which may stand on several lines."""
    return register.fields[name] in ("text", "list", "region")


def value_text(register: Register, name: str, value: str | None) -> str:
    """A stored value as a reader sees it: 86,400 tCO₂e; 2026年9月21日."""
    kind = register.fields.get(name)
    if value is None or kind is None:
        return value or "—"
    if kind == "date":
        return dates.plain_day(date.fromisoformat(value))
    if kind in ("amount", "number"):
        return f"{Decimal(value):,f} {KINDS[kind].unit}".strip()
    return listed(register.items(name, value))


def entry_views(tx: Session, regulation: Regulation, register: Register, entries: list[RecordEntry]) -> list[EntryView]:
    """Entries in words, in the opposite order: of each record the newest first."""
    led = _led_by(tx, entries)
    principals = _principals(tx, entries)
    doers = [(entry.person_id, principals.get(entry.act_id or 0)) for entry in entries]
    people = People(tx, [*doers, *((one.person_id, one.for_id) for one in led.values())])
    made_by = select(Case.id, Case.number).where(Case.id.in_({entry.case_id for entry in entries if entry.case_id}))
    numbers = {case_id: number for case_id, number in tx.execute(made_by)}
    return [
        EntryView(
            record_id=entry.record_id,
            number=entry.number,
            at=entry.moment,
            reason=entry.reason,
            who=_who(entry, people, principals, led.get(entry.case_id or 0)),
            case_id=entry.case_id,
            case=numbers.get(entry.case_id or 0, ""),
            document=entry.document,
            letter_id=entry.letter_id,
            basis=citation(regulation, entry.basis),
            changes=tuple(change_views(register, entry.changed)),
        )
        for entry in reversed(entries)
    ]


@dataclass(frozen=True)
class _Led:
    """Whose act in which case, for whom if for another, had a case started, and the act that started it."""

    person_id: int
    for_id: int | None
    number: str
    act_id: int


def _principals(tx: Session, entries: Iterable[RecordEntry]) -> dict[int, int]:
    """For whom entries were made, by their acts, where a deputy made them."""
    ids = {entry.act_id for entry in entries if entry.act_id is not None}
    found = select(ActRecord.id, ActRecord.for_id).where(ActRecord.id.in_(ids), ActRecord.for_id.is_not(None))
    return {act_id: for_id for act_id, for_id in tx.execute(found) if for_id is not None} if ids else {}


def _led_by(tx: Session, entries: Iterable[RecordEntry]) -> dict[int, _Led]:
    """By case, for the cases of entries that nobody made himself: who did the step of another case that started it.

    A job starts the cases of a list one by one; the act that did the step which asked for them tells who that was.
    """
    cases = {entry.case_id for entry in entries if entry.person_id is None and entry.case_id is not None}
    if not cases:
        return {}
    starter = aliased(Case)
    asked_for = (
        (CaseValue.case_id == Case.started_by_id)
        & (CaseValue.scope == Case.started_by_scope)
        & (CaseValue.element == Case.started_by_element)
        & (CaseValue.visit == Case.started_by_visit)
    )
    begun = (AuditEntry.case_id == Case.id) & (AuditEntry.kind == "case.started")
    rows = tx.execute(
        select(Case.id, ActRecord.person_id, ActRecord.for_id, starter.number, AuditEntry.act_id)
        .join(starter, starter.id == Case.started_by_id)
        .join(CaseValue, asked_for)
        .join(ActRecord, ActRecord.id == CaseValue.act_id)
        .join(AuditEntry, begun)
        .where(Case.id.in_(cases))
        .order_by(CaseValue.act_id)
    )
    return {
        case_id: _Led(person_id, for_id, number, act_id)
        for case_id, person_id, for_id, number, act_id in rows
        if person_id is not None
    }


def _who(entry: RecordEntry, people: People, principals: Mapping[int, int], led: _Led | None) -> str:
    """Who made an entry; of one that was made as its case was started, who had that done."""
    if entry.person_id is not None:
        return people.said(entry.person_id, principals.get(entry.act_id or 0))
    if led is None or led.act_id != entry.act_id:
        return ""
    name = people.said(led.person_id, led.for_id)
    return _("据%(name)s在 %(number)s 的办理登记", name=name, number=led.number)


def change_views(register: Register, changed: Mapping[str, list[str | None]]) -> Iterable[ChangeView]:
    """The state first, then the fields in their order; a field that the register no longer has under its name."""
    order = [STATE, *register.fields]
    for name in sorted(changed, key=lambda name: (order.index(name) if name in order else len(order), name)):
        old, new = changed[name]
        title = _("状态") if name == STATE else register.title_of(name) if name in register.fields else name
        was = None if old is None else value_text(register, name, old)
        yield ChangeView(title, was, value_text(register, name, new), is_digest(register, name))
