"""Reads demo.toml: what a demo of a regulation begins with, and what happened in it on the days before today."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from portal.clock import TZ
from portal.identity.entry import PERSON
from portal.procedures.content import Content
from portal.procedures.tables import Table, opened
from portal.scenarios.path import Given, Person, Step
from portal.scenarios.reading import close, read_records, read_renewals, read_steps, with_valid_code

Before = Callable[[int, time], datetime]
"""The moment at a time of the n-th working day before the day on which the demo begins."""
_FIRST = datetime(2000, 1, 1, tzinfo=TZ)
_MOST = 400


@dataclass(frozen=True)
class Account:
    """Somebody who can sign in: an official with his roles, or somebody who acts for a party."""

    login: str
    name: str
    roles: tuple[str, ...]
    party: Person | None
    title: str
    """What is said of him beside his name; empty: what his roles or his party say."""
    table: Table = field(compare=False, repr=False)


@dataclass(frozen=True)
class Demo:
    """What demo.toml holds; a story is told by its steps, in the order of their moments."""

    given: Given = field(default_factory=Given)
    accounts: Mapping[str, Account] = field(default_factory=dict)
    stories: Mapping[str, tuple[Step, ...]] = field(default_factory=dict)


def on_some_day(ago: int, at: time) -> datetime:
    """Moments in the right order, for whoever only wants to know what is written."""
    return datetime.combine((_FIRST + timedelta(days=_MOST - ago)).date(), at, TZ)


def read_demo(content: Content, before: Before = on_some_day) -> Demo:
    """What a demo of a regulation begins with; nothing without demo.toml. ContentFaults with the lines."""
    file = f"bpmn/{content.regulation}/demo.toml"
    if file not in content.files:
        return Demo()
    table = opened(content.files[file], file)
    accounts = {one.login: one for one in _accounts(table.table("people"))}
    parties = {login: account.party for login, account in accounts.items() if account.party is not None}
    given = Given(parties, read_records(table), read_renewals(table))
    stories = {
        name: read_steps(table.table(name), name, lambda step: _moment(step, before))
        for name in table.values
        if name not in ("people", "record", "renewal")
    }
    close(table)
    return Demo(given, accounts, stories)


def _accounts(table: Table) -> Iterator[Account]:
    for login in table.values:
        written = table.table(login)
        name, roles = written.text("name", required=True), written.texts("roles")
        code = written.text("uscc", required=not roles)
        if roles and code:
            written.fault("roles", f"“{login}”不能既是工作人员又是申请人", "留下 roles 或 uscc 之一")
        party = _party(login, written, table) if code else None
        yield Account(login, name, roles, party, written.text("title"), written)


def _party(login: str, written: Table, people: Table) -> Person:
    """The organisation for which somebody acts; without `org` he is a natural person and acts for himself."""
    org, code, district = written.text("org"), written.text("uscc"), written.text("district")
    kinds = written.texts("kinds") or (("enterprise",) if org else (PERSON,))
    return with_valid_code(Person(login, org or written.text("name"), code, district, kinds, people), people)


def _moment(table: Table, before: Before) -> datetime:
    ago, at = table.whole("ago"), table.anything("time")
    if ago is None or not 1 <= ago <= _MOST:
        table.fault("ago", f"没有写明是演示开始前第几个工作日（1 至 {_MOST}）", "ago = 3")
    if not isinstance(at, time):
        table.fault("time", "没有写明是几点", "time = 09:30:00")
    return before(ago or 1, at if isinstance(at, time) else time())
