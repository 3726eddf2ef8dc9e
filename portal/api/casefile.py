"""A case as a program reads it: the same that its pages tell the same person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from pydantic import Field
from sqlalchemy.orm import Session

from portal import audit
from portal.api.shapes import Moment, Shape
from portal.audit import Entry
from portal.cases import attachments
from portal.cases.links import related, relation
from portal.cases.live import LiveCase
from portal.cases.messages import why_not
from portal.cases.models import Attachment, Case, Subscription, Task
from portal.deadlines import english, wording
from portal.deadlines import service as deadlines
from portal.deadlines.models import Deadline
from portal.documents import service as documents
from portal.documents.models import Letter, Service
from portal.identity import PARTY, Actor
from portal.identity import queries as people
from portal.inbox import party
from portal.inbox.party import Sealed
from portal.procedures.articles import citation

SEALED = "文书已制发，等您签收"
"""Where a case stands whose letter its party has not signed for."""


class CountedDay(Shape):
    """One day of a period: whether it counts, and what day it is."""

    day: date
    n: int | None = Field(description="Its number in the count; null for a day that does not count.")
    reason: str


class Explanation(Shape):
    """Why a deadline ends on its day."""

    zh: str
    en: str
    days: list[CountedDay]


class DeadlineTold(Shape):
    """One deadline of a case."""

    name: str
    title: str
    kind: str = Field(description="right, obligation, duty or minimum")
    due: Moment | None = Field(description="24:00 of the last day; null while its clock stands.")
    state: str = Field(description="running, paused, met or dropped")
    provisional: bool = Field(description="Whether a later holiday notice may still move it.")
    basis: str | None
    explanation: Explanation


class TaskTold(Shape):
    """Where a case waits for somebody."""

    id: int
    name: str
    role: str
    form: str
    due: Moment | None
    holder: str | None = Field(description="Who has claimed it; told to officials alone.")


class ServiceTold(Shape):
    """The service of a letter on one addressee."""

    name: str
    state: str
    how: str | None
    served_at: Moment | None


class DocumentTold(Shape):
    """A letter. To its addressee no more than that there is one, before he has signed for it."""

    id: int
    case: int
    number: str
    title: str
    state: str = Field(description="rendering, ready or failed")
    issued_at: Moment
    sha256: str | None
    pdf: bool = Field(description="Whether it can be had as PDF.")
    services: list[ServiceTold]


class FileTold(Shape):
    """An uploaded file."""

    id: int
    sha256: str
    name: str
    size: int = Field(description="Bytes.")
    state: str = Field(description="unscanned, waiting, clean or infected; only the first and third can be read.")


class EventTold(Shape):
    """One line of a case's history. To its party neither names nor details are told."""

    seq: int
    at: Moment
    kind: str
    element: str | None
    name: str = Field(description="What the diagram calls the place where it happened.")
    by: str | None
    by_for: str | None = Field(description="For whom a deputy did it.")
    details: dict[str, Any]


class LinkTold(Shape):
    """A case that belongs together with this one."""

    relation: str = Field(description="about, started by, answer, started, successor or predecessor")
    id: int
    number: str
    procedure: str
    title: str
    status: str


class MessageTold(Shape):
    """What this user may send to the case now; `refused` says why not any more."""

    name: str
    title: str
    refused: str | None


class CaseLine(Shape):
    """A case in a list."""

    id: int
    number: str
    procedure: str
    title: str
    status: str
    outcome: str | None
    filed_at: Moment
    ended_at: Moment | None


class CaseTold(CaseLine):
    """A case, as far as this user may see it."""

    release: int
    about: int | None
    party: str | None
    deadlines: list[DeadlineTold]
    tasks: list[TaskTold]
    documents: list[DocumentTold]
    attachments: list[FileTold]
    events: list[EventTold]
    links: list[LinkTold]
    messages: list[MessageTold]


def told(tx: Session, case: LiveCase, actor: Actor) -> CaseTold:
    """A case, to an official of its regulation or to somebody of its party."""
    waits, tasks = party.waits(tx, case.id), party.open_tasks(tx, case.id)
    if actor.official:
        return CaseTold(
            **line_of(case.row, None).model_dump(),
            **_both(case),
            deadlines=[deadline_of(case, one) for one in deadlines.of_case(tx, case.id) if one.state != "dropped"],
            tasks=_tasks(tx, case, tasks, holders=True),
            documents=[document_of(one, one.services) for one in documents.letters_with_service(tx, case.id)],
            attachments=[file_of(one) for one in attachments.of_case(tx, case.id)],
            events=_events(tx, case, audit.entries(tx, case.id)),
            links=[_link(str(how), other, None) for how, other in related(tx, case.row)],
            messages=_messages(case, waits, actor),
        )
    assert actor.organisation_id is not None
    seals = party.sealed(tx, actor.organisation_id)
    seal = party.seal_of(seals, case.id)
    hidden = seal is not None and seal.hides
    return CaseTold(
        **line_of(case.row, seal).model_dump(),
        **_both(case),
        deadlines=[deadline_of(case, one) for one in party.deadlines_told(case)],
        tasks=[] if hidden else _tasks(tx, case, tasks, holders=False),
        documents=[own_document(*one) for one in party.letters_in(tx, case.id, actor.organisation_id)],
        attachments=[file_of(one, own=True) for one in party.files_of(tx, case.id, actor.organisation_id)],
        events=_events_for_party(case, seal),
        links=[
            _link(str(relation(case.row, other)), other, party.seal_of(seals, other.id))
            for other in party.linked(tx, case.row)
        ],
        messages=_messages(case, waits, actor),
    )


def line_of(row: Case, seal: Sealed | None) -> CaseLine:
    """A case in a list; `seal` keeps from its party how it stands."""
    hidden = seal is not None and seal.hides
    return CaseLine(
        id=row.id,
        number=row.number,
        procedure=f"{row.regulation}/{row.procedure}",
        title=row.title,
        status=SEALED if hidden else row.status,
        outcome=None if hidden else row.outcome,
        filed_at=row.filed_at,
        ended_at=None if hidden else row.ended_at,
    )


def deadline_of(case: LiveCase, row: Deadline) -> DeadlineTold:
    """A deadline with the reason for its day."""
    counted = [
        CountedDay(day=date.fromisoformat(one["day"]), n=one["counted"], reason=one["reason"])
        for one in row.explanation
    ]
    return DeadlineTold(
        name=row.name,
        title=row.title,
        kind=row.kind,
        due=row.ends,
        state=row.state,
        provisional=row.provisional,
        basis=citation(case.published.regulation, row.basis),
        explanation=Explanation(zh=wording.why(row), en=english.why(row), days=counted),
    )


def document_of(letter: Letter, services: Iterable[Service], *, known: bool = True) -> DocumentTold:
    """A letter with some of its services; `known`: whether the reader may know its content."""
    return DocumentTold(
        id=letter.id,
        case=letter.case_id,
        number=letter.number,
        title=letter.title,
        state=letter.state,
        issued_at=letter.issued_at,
        sha256=letter.sha256 if known else None,
        pdf=known and letter.pdf_key is not None,
        services=[
            ServiceTold(name=one.name, state=one.state, how=one.how, served_at=one.served_at) for one in services
        ],
    )


def own_document(letter: Letter, service: Service) -> DocumentTold:
    """A letter as its addressee reads of it: what is in it only once it was served."""
    return document_of(letter, [service], known=service.state == "served")


def file_of(row: Attachment, *, own: bool = False) -> FileTold:
    """An uploaded file; its uploader's side knows it by the name that it gave."""
    return FileTold(
        id=row.id, sha256=row.sha256, name=row.own_name if own else row.name, size=row.size, state=row.state
    )


def task_of(case: LiveCase, row: Task, due: datetime | None, holder: str | None) -> TaskTold:
    """A task of a case."""
    role = case.published.regulation.role_title(row.role)
    return TaskTold(id=row.id, name=row.name, role=role, form=row.form, due=due, holder=holder)


def _both(case: LiveCase) -> dict[str, Any]:
    return {
        "release": case.row.release_id,
        "about": case.row.about_id,
        "party": case.party.name if case.party else None,
    }


def _tasks(tx: Session, case: LiveCase, rows: Sequence[Task], *, holders: bool) -> list[TaskTold]:
    names = people.person_names(tx, (row.holder_id for row in rows if row.holder_id is not None)) if holders else {}
    return [task_of(case, row, row.due, names.get(row.holder_id or 0)) for row in rows]


def _events(tx: Session, case: LiveCase, entries: Sequence[Entry]) -> list[EventTold]:
    ids = {one for entry in entries for one in (entry.actor_id, entry.on_behalf) if one is not None}
    names = people.person_names(tx, ids)
    return [
        _event(case, entry, names.get(entry.actor_id or 0), names.get(entry.on_behalf or 0), dict(entry.details))
        for entry in entries
    ]


def _events_for_party(case: LiveCase, seal: Sealed | None) -> list[EventTold]:
    return [_event(case, entry, None, None, {}) for entry in party.told(case, seal)]


def _event(case: LiveCase, entry: Entry, by: str | None, by_for: str | None, details: dict[str, Any]) -> EventTold:
    return EventTold(
        seq=entry.seq,
        at=entry.moment,
        kind=entry.kind,
        element=entry.element,
        name=case.procedure.name_of(entry.element) if entry.element else "",
        by=by,
        by_for=by_for,
        details=details,
    )


def _link(how: str, other: Case, seal: Sealed | None) -> LinkTold:
    told = line_of(other, seal)
    return LinkTold(
        relation=how, id=told.id, number=told.number, procedure=told.procedure, title=told.title, status=told.status
    )


def _messages(case: LiveCase, waits: Iterable[Subscription], actor: Actor) -> list[MessageTold]:
    """Of the messages that the case waits for those that this person may send."""
    return [
        MessageTold(
            name=wait.message,
            title=case.element(wait.scope, wait.element).name,
            refused=why_not(case, wait) or None,
        )
        for wait in waits
        if wait.role and (actor.may_file if wait.role == PARTY else actor.has(case.row.regulation, wait.role))
    ]
