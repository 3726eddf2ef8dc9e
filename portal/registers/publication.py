"""What everybody may know of a record: its public fields in its public states, and what changed in those, when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from portal.registers import rules
from portal.registers.rules import Register, Values


class Entered(Protocol):
    """An entry of a record, as far as it matters here."""

    @property
    def moment(self) -> datetime:
        """When."""

    @property
    def document(self) -> str | None:
        """The number of the document on which it rests."""

    @property
    def letter_id(self) -> int | None:
        """The letter, if that was issued here."""

    @property
    def basis(self) -> str | None:
        """The article."""

    @property
    def state(self) -> str:
        """The state from then on."""

    @property
    def fields(self) -> Mapping[str, str | None]:
        """The stored values from then on."""


@dataclass(frozen=True)
class Change:
    """What an entry changed in public: by which document and article; of the state and each public field old and new.

    `hidden_since` is set where the record was not shown before: from when.
    """

    moment: datetime
    document: str | None
    letter_id: int | None
    basis: str | None
    changed: Mapping[str, list[str | None]]
    hidden_since: datetime | None = None


@dataclass(frozen=True)
class Publication:
    """A record that is shown: its state, its public fields, and every change of them, the oldest first."""

    state: str
    fields: Values
    changes: tuple[Change, ...]

    @property
    def first_shown(self) -> datetime:
        """When it was shown for the first time."""
        return self.changes[0].moment

    @property
    def changed_at(self) -> datetime:
        """When something public changed last."""
        return self.changes[-1].moment


def publication(register: Register, entries: Iterable[Entered]) -> Publication | None:
    """What everybody may know of a record by its entries, the oldest first; None when it is not shown.

    An entry that changes nothing public is not told, and of the time in which the record was hidden no more than that.
    """
    shown: tuple[str, Values] | None = None
    hidden: datetime | None = None
    changes: list[Change] = []
    for entry in entries:
        if entry.state not in register.shown_states:
            hidden = hidden if shown is None or hidden is not None else entry.moment
            continue
        now = entry.state, {name: entry.fields.get(name) for name in register.public}
        changed = rules.changes(shown, now)
        if changed or hidden is not None:
            changes.append(Change(entry.moment, entry.document, entry.letter_id, entry.basis, changed, hidden))
        shown, hidden = now, None
    return Publication(*shown, tuple(changes)) if shown is not None and hidden is None else None


def hidden_since(declared: Sequence[tuple[datetime, Register | None]], entries: Sequence[Entered]) -> datetime | None:
    """Since when a record is shown no more that once was; None when it is shown, or never was.

    `declared` is the register as each release declared it from a moment on (None: not at all), the oldest first: a
    record is hidden by an entry, or by a release that shows less. What was on record before the first release is
    taken as declared by that.
    """
    shown, since = False, None
    first = declared[0][1] if declared else None
    for moment in sorted({*(at for at, _register in declared), *(entry.moment for entry in entries)}):
        register = next((said for at, said in reversed(declared) if at <= moment), first)
        entry = next((one for one in reversed(entries) if one.moment <= moment), None)
        was, shown = shown, bool(register and entry and entry.state in register.shown_states)
        since = None if shown else moment if was else since
    return since
