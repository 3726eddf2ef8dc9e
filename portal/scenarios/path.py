"""What a path says: who does what and when, and what is then to be the case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from portal.clock import TZ
from portal.errors import ContentFaults, Fault
from portal.procedures.content import Content
from portal.procedures.tables import Table, parse

VERBS = ("file", "task", "serve", "message", "pass")
REFUSALS = ("separation", "forbidden", "form", "state", "rule")


@dataclass(frozen=True)
class Person:
    """A made-up person and the organisation he belongs to."""

    name: str
    org: str
    uscc: str
    district: str
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """One thing that happens in a path, at one moment."""

    number: int
    file: str
    at: datetime
    verb: str
    what: str
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
    starts: Mapping[str, str] = field(default_factory=dict)
    expect: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Path:
    """One acted-out legal case of a procedure."""

    procedure: str
    file: str
    title: str
    basis: str
    given: str | None
    steps: tuple[Step, ...]
    outcomes: Mapping[str, str]
    documents: Mapping[str, tuple[str, ...]]
    ledger: str | None
    entries: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Beginning:
    """A named beginning that paths share; it may itself begin with another."""

    given: str | None
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Given:
    """What given.toml holds: people and named beginnings."""

    people: Mapping[str, Person] = field(default_factory=dict)
    beginnings: Mapping[str, Beginning] = field(default_factory=dict)


def read_given(content: Content) -> Given:
    """What the paths of a regulation share; ContentFaults with the lines."""
    file = f"bpmn/{content.regulation}/given.toml"
    if file not in content.files:
        return Given()
    data = content.files[file]
    table = Table(parse(data, file), file, data.decode())
    table.not_built("record")
    people = {name: _person(name, entry) for name, entry in table.tables("people")}
    beginnings = {
        name: Beginning(begun.text("given") or None, _steps(begun))
        for name in table.values
        if name not in ("people", "record")
        for begun in [table.table(name)]
    }
    table.close()
    _raise(table.faults)
    return Given(people, beginnings)


def read_path(content: Content, procedure: str, file: str) -> Path:
    """One path; ContentFaults with the lines."""
    data = content.files[file]
    table = Table(parse(data, file), file, data.decode())
    outcome = table.table("outcome")
    outcomes, documents = outcome.table("outcomes"), outcome.table("documents")
    entries = outcome.anything("entries") or []
    path = Path(
        procedure=procedure,
        file=file,
        title=table.text("title", required=True),
        basis=table.text("basis", required=True),
        given=table.text("given") or None,
        steps=_steps(table),
        outcomes={name: outcomes.text(name) for name in outcomes.values},
        documents={name: documents.texts(name) for name in documents.values},
        ledger=outcome.text("ledger") or None,
        entries=tuple(entries),
    )
    if not path.outcomes and not path.documents:
        table.fault("outcome", "路径没有写明结果", "写 [outcome] outcomes = { … }")
    if path.ledger not in (None, "unchanged"):
        outcome.fault("ledger", "ledger 只能是 unchanged", "要写明分录时用 entries = [ … ]")
    table.close()
    _raise(table.faults)
    return path


def _raise(faults: list[Fault]) -> None:
    if faults:
        raise ContentFaults(faults)


def _person(name: str, table: Table) -> Person:
    return Person(
        name,
        table.text("org", required=True),
        table.text("uscc", required=True),
        table.text("district"),
        table.texts("kinds") or ("enterprise",),
    )


def _steps(table: Table) -> tuple[Step, ...]:
    raw = table.anything("step") or []
    return tuple(_step(number, table.sub("step", entry)) for number, entry in enumerate(raw, 1))


def _step(number: int, table: Table) -> Step:
    table.not_built("drawn")
    verbs = [verb for verb in VERBS if verb in table.values]
    if len(verbs) != 1:
        table.fault("step", f"第{number}步应当有且只有一个动作", f"{'、'.join(VERBS)} 之一")
    verb = verbs[0] if verbs else "pass"
    what = "" if verb == "pass" else table.text(verb)
    table.anything("pass")
    role, _, person = table.text("as").partition("/")
    if verb != "pass" and not person:
        table.fault("as", f"第{number}步没有写明由谁办理", 'as = "岗位/姓名"')
    answers, starts, files = table.table("answers"), table.table("starts"), table.table("files")
    for inner in (answers, starts):
        inner.asked.update(inner.values)
    return Step(
        number=number,
        file=table.file,
        at=_moment(table, "at") or datetime.min.replace(tzinfo=TZ),
        verb=verb,
        what=what,
        role=role,
        person=person,
        case=table.text("case") or None,
        about=table.text("about") or None,
        bind=table.text("bind") or None,
        answers=dict(answers.values),
        files={name: files.texts(name) for name in files.values},
        how=table.text("how") or "read",
        on=_moment(table, "on"),
        document=table.text("document") or None,
        starts={name: str(procedure) for name, procedure in starts.values.items()},
        expect=_expectations(table),
    )


def _moment(table: Table, key: str) -> datetime | None:
    value = table.anything(key)
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=TZ)
    if value is not None or key == "at":
        table.fault(key, f"“{key}”应为时刻", f"{key} = 2026-09-24T10:00:00（北京时间）")
    return None


def _expectations(table: Table) -> Mapping[str, Any]:
    expect = table.table("expect")
    known = ("deadlines", "outcomes", "facts", "tasks", "refused", "status", "says")
    for key in known:
        value = expect.anything(key)
        if key == "refused" and value is not None and value not in REFUSALS:
            expect.fault(key, f"“{value}”不是拒绝的种类", "、".join(REFUSALS))
    return {key: expect.values[key] for key in known if key in expect.values}
