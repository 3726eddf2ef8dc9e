"""What a path says: who does what and when, and what is then to be the case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from portal.forms import parties
from portal.procedures.tables import Table

PUBLIC = "public"
"""Stands in `as` for somebody without an account."""
EACH = "*"
"""In a name such as `notice/*`: every case bound under `notice/…` (that is not named on its own beside it)."""
NOT_BEGUN = "not begun"
"""Stands in `state` for a deadline that has never started in the case."""


@dataclass(frozen=True)
class Person:
    """A made-up person and the organisation he belongs to."""

    name: str
    org: str
    uscc: str
    district: str
    kinds: tuple[str, ...]
    table: Table = field(compare=False, repr=False)


@dataclass(frozen=True)
class Started:
    """The case of a procedure that a step starts: the only one, the one of a unit, or one for each unit."""

    procedure: str
    party: str | None = None
    each: bool = False


@dataclass(frozen=True)
class Step:
    """One thing that happens in a path, at one moment."""

    number: int
    at: datetime
    verb: str
    what: str
    table: Table = field(compare=False, repr=False)
    beginning: str | None = None
    role: str = ""
    person: str = ""
    case: str | None = None
    about: str | None = None
    bind: str | None = None
    answers: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    how: str = "read"
    on: datetime | None = None
    document: str | None = None
    deadline: str | None = None
    party: str | None = None
    reason: str = ""
    drawn: tuple[str, ...] = ()
    """Who comes out of the lot that is drawn in this step: those drawn, then those who would replace them in order."""
    starts: Mapping[str, Started] = field(default_factory=dict)
    expect: Mapping[str, Any] = field(default_factory=dict)

    @property
    def seen(self) -> str | None:
        """The case that its expectations look at; None: the one bound last."""
        return self.what if self.verb in ("serve", "retry", "drop", "correct", "keep", "renew", "extend") else self.case


@dataclass(frozen=True)
class End:
    """What is to be the case when a path is over."""

    table: Table = field(compare=False, repr=False)
    outcomes: Mapping[str, str] = field(default_factory=dict)
    documents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unchanged: bool = False
    entries: tuple[Mapping[str, Any], ...] = ()
    balances: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    totals: Mapping[str, int] = field(default_factory=dict)
    records: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Path:
    """One acted-out legal case of a procedure."""

    procedure: str
    file: str
    title: str
    basis: str
    given: str | None
    steps: tuple[Step, ...]
    end: End
    table: Table = field(compare=False, repr=False)
    renewals: tuple[GivenRenewal, ...] = ()
    """By what the regulation has been renewed in this path, beside what given.toml says for all."""


@dataclass(frozen=True)
class Beginning:
    """A named beginning that paths share; it may itself begin with another."""

    given: str | None
    steps: tuple[Step, ...]
    table: Table = field(compare=False, repr=False)
    renewals: tuple[GivenRenewal, ...] = ()


@dataclass(frozen=True)
class GivenRecords:
    """What is on record in a register before any path begins: the same fields for every row."""

    register: str
    state: str | None
    rows: tuple[Mapping[str, Any], ...]
    table: Table = field(compare=False, repr=False)


@dataclass(frozen=True)
class GivenRenewal:
    """An instrument that has renewed the regulation, as an administrator would have entered it before."""

    number: str
    title: str
    from_day: date | None
    last_day: date | None
    assumed: bool
    source: str
    reason: str
    table: Table = field(compare=False, repr=False)


@dataclass(frozen=True)
class Given:
    """What given.toml holds: people, records, renewals and named beginnings."""

    people: Mapping[str, Person] = field(default_factory=dict)
    records: tuple[GivenRecords, ...] = ()
    renewals: tuple[GivenRenewal, ...] = ()
    beginnings: Mapping[str, Beginning] = field(default_factory=dict)

    def unit(self, name: str) -> str | None:
        """The code of a unit named by its code, its name or one of its people; any valid code stands for itself."""
        if name in self.people:
            return self.people[name].uscc
        by_name = next((person.uscc for person in self.people.values() if person.org == name), None)
        return by_name or (name if parties.is_valid(name) else None)

    def spokesman(self, code: str) -> str:
        """The first person of a unit; its code when nobody is named."""
        return next((person.name for person in self.people.values() if person.uscc == code), code)

    def chain(self, given: str | None) -> list[str]:
        """The beginnings that come before, from the first on; one that leads back to itself or nowhere ends it."""
        found: list[str] = []
        while given is not None and given in self.beginnings and given not in found:
            found.append(given)
            given = self.beginnings[given].given
        return found[::-1]
