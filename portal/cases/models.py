"""The tables of a case: itself, its acts, values, open tasks, what it waits for, kept messages and incidents."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.audit.rules import BEFORE_THE_FIRST
from portal.cases import scopes
from portal.db import Base, Id
from portal.db.append_only import append_only
from portal.engine import Place
from portal.storage import quarantine
from portal.storage.quarantine import Quarantined


class Case(Base):
    """One case; `root_id` names the family, whose root's row every act locks."""

    __tablename__ = "cases"
    __table_args__ = (
        Index("ix_cases_ripe", "ripe_at", postgresql_where=text("ripe_at IS NOT NULL")),
        Index("ix_cases_about", "about_id", "procedure"),
        Index("ix_cases_open_release", "release_id", postgresql_where=text("ended_at IS NULL")),
        # Cases started by a step of another are unique by that step, so a repeated job starts nothing twice.
        Index("uq_cases_once", "once", unique=True, postgresql_where=text("once IS NOT NULL")),
        UniqueConstraint(
            "started_by_id",
            "started_by_scope",
            "started_by_element",
            "started_by_visit",
            "started_by_item",
            name="uq_cases_started_by",
        ),
    )

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(unique=True)
    regulation: Mapped[str]
    procedure: Mapped[str]
    title: Mapped[str]
    release_id: Mapped[int] = mapped_column(ForeignKey("releases.id"))
    root_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"), index=True)
    about_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    started_by_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    started_by_scope: Mapped[str | None]
    started_by_element: Mapped[str | None]
    started_by_visit: Mapped[int | None]
    started_by_item: Mapped[int] = mapped_column(default=0)
    """Which row of a list it was started for (`cases.start_each`), from 1; 0 when it was started alone."""
    party_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    filer_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    filed_at: Mapped[datetime]
    query_code: Mapped[str | None]
    """What its party asks by without signing in, beside the number; only a case with a party has one."""
    status: Mapped[str] = mapped_column(default="")
    outcome: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    state: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    ripe_at: Mapped[datetime | None]
    rests_until: Mapped[datetime | None]
    """Its timers failed: the worker leaves them alone until then. `ripe_at` stays what it is."""
    once: Mapped[str | None]
    """What there may be only one case of (`once_per`); empty again when another has taken its place."""
    searchable: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    instrument: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """The text it was accepted under (`validity.Instrument`); without one that of its release."""
    audit_length: Mapped[int] = mapped_column(default=0)
    audit_head: Mapped[str] = mapped_column(default=BEFORE_THE_FIRST)


class CaseText(Base):
    """What a case is found by: what is said of it, and the number of each of its letters (`portal.cases.finding`)."""

    __tablename__ = "case_texts"
    __table_args__ = (
        Index("ix_case_texts_pairs", "pairs", postgresql_using="gin"),
        Index("ix_case_texts_newest", "regulation", "case_id"),
    )

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    letter: Mapped[str] = mapped_column(primary_key=True)
    """The letter whose number it is; empty for the case itself."""
    regulation: Mapped[str]
    text: Mapped[str]
    pairs: Mapped[list[str]] = mapped_column(ARRAY(Text))


class ActRecord(Base):
    """One act on a family: its moment, who did it and, of a deputy, for whom, and the job that ran it if one did."""

    __tablename__ = "acts"

    id: Mapped[Id]
    root_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"), index=True)
    moment: Mapped[datetime]
    kind: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    for_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    # A job that commits its act and dies before it is marked done finds its own id here and does nothing.
    job: Mapped[str | None] = mapped_column(unique=True)


class CaseValue(Base):
    """What a person, message or action said at one place; all are kept, the highest act is the latest."""

    __tablename__ = "case_values"

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    act_id: Mapped[int] = mapped_column(ForeignKey("acts.id"), primary_key=True)
    scope: Mapped[str] = mapped_column(primary_key=True)
    element: Mapped[str] = mapped_column(primary_key=True)
    visit: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[int] = mapped_column(primary_key=True, default=0)
    """Which instance of many it was said at, from 1; 0 for what stands alone."""
    person_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    value: Mapped[Any] = mapped_column(JSONB)


class CaseItem(Base):
    """What one instance of many is about (an expert's seat, a unit), kept when the many were entered.

    Item 0 is the whole: that it was entered, perhaps for nobody.
    """

    __tablename__ = "case_items"

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    scope: Mapped[str] = mapped_column(primary_key=True)
    element: Mapped[str] = mapped_column(primary_key=True)
    visit: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[int] = mapped_column(primary_key=True)
    act_id: Mapped[int] = mapped_column(ForeignKey("acts.id"))
    value: Mapped[Any] = mapped_column(JSONB)


class Task(Base):
    """A user task of a case, open or done; the projection of where the engine waits for people."""

    __tablename__ = "tasks"
    __table_args__ = (
        UniqueConstraint("case_id", "engine_id"),
        # In the order of the lists, so that a page is read from the index however much is open.
        Index("ix_tasks_open", "regulation", "due", "id", postgresql_where=text("state = 'open'")),
        Index("ix_tasks_open_role", "regulation", "role", "due", "id", postgresql_where=text("state = 'open'")),
        Index("ix_tasks_open_holder", "holder_id", "due", "id", postgresql_where=text("state = 'open'")),
        Index("ix_tasks_open_party", "party_id", "due", "id", postgresql_where=text("state = 'open'")),
        Index("ix_tasks_assignee", "assignee_id", "id", postgresql_where=text("assignee_id IS NOT NULL")),
        Index(
            "ix_tasks_open_procedure", "regulation", "procedure", "due", "id", postgresql_where=text("state = 'open'")
        ),
        Index(
            "ix_tasks_open_step",
            "regulation",
            "procedure",
            "name",
            "due",
            "id",
            postgresql_where=text("state = 'open'"),
        ),
        Index(
            "ix_tasks_open_role_procedure",
            "regulation",
            "role",
            "procedure",
            "due",
            "id",
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_tasks_done_holder", "holder_id", "closed_at", "id", postgresql_where=text("state = 'done'")),
        Index("ix_tasks_case", "case_id"),
    )

    id: Mapped[Id]
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    engine_id: Mapped[str]
    scope: Mapped[str]
    element: Mapped[str]
    visit: Mapped[int]
    item: Mapped[int] = mapped_column(default=0)
    name: Mapped[str]
    regulation: Mapped[str]
    procedure: Mapped[str]
    """Its case's, and below its party: lists are filtered by them without looking at the cases."""
    party_id: Mapped[int | None]
    role: Mapped[str]
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    """The party whose people alone see and do it, such as one expert; none when it is whoever has the role."""
    form: Mapped[str]
    deadline: Mapped[str | None]
    due: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default="open")  # open, done, gone
    holder_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    for_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    """For whom its holder, a deputy, has claimed or done it."""
    held_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    @property
    def place(self) -> Place:
        """Where the engine waits for it."""
        return Place(self.scope, self.element, self.visit, self.item)

    @property
    def inside(self) -> str:
        """The scope from which the expressions of its form see the case."""
        return scopes.seen_from(self.place)


class Subscription(Base):
    """A message that a case waits for; the projection of where the engine waits for messages."""

    __tablename__ = "subscriptions"

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    engine_id: Mapped[str] = mapped_column(primary_key=True)
    scope: Mapped[str]
    element: Mapped[str]
    visit: Mapped[int]
    item: Mapped[int] = mapped_column(default=0)
    message: Mapped[str]
    role: Mapped[str | None]


class KeptMessage(Base):
    """A case's message to a live case that does not wait for it yet; delivered when it waits."""

    __tablename__ = "kept_messages"

    id: Mapped[Id]
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    name: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sender_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    sent_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]


class Incident(Base):
    """A step or job that failed and waits for somebody to look at it."""

    __tablename__ = "incidents"
    __table_args__ = (
        CheckConstraint("(closed_at IS NULL) = (reason IS NULL)", name="closed"),
        CheckConstraint("(closed_at IS NULL) = (closed_by_id IS NULL)", name="closed_by"),
        Index("ix_incidents_open", "id", postgresql_where=text("closed_at IS NULL")),
    )

    id: Mapped[Id]
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"), index=True)
    at: Mapped[datetime]
    during: Mapped[str]
    what: Mapped[str]
    again: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """How it can be tried again (`incidents.Again`); none when the portal does not know."""
    closed_at: Mapped[datetime | None]
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    reason: Mapped[str | None]
    """Why it was closed, or that it was tried again."""


class StartItem(Base):
    """One row of a list for which `cases.start_each` starts a case: what became of it.

    waiting: its job has not run; started; ended: its case, or the one that took its place, has ended;
    failed: `fault` says why, it may be tried again; dropped: given up with a reason.
    """

    __tablename__ = "start_items"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'started', 'ended', 'failed', 'dropped')", name="state"),
        CheckConstraint("(state = 'failed') = (fault IS NOT NULL)", name="fault"),
        UniqueConstraint("starter_id", "scope", "element", "visit", "item"),
        Index("ix_start_items_starter_state", "starter_id", "state"),
    )

    id: Mapped[Id]
    starter_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    scope: Mapped[str]
    element: Mapped[str]
    visit: Mapped[int]
    item: Mapped[int]
    procedure: Mapped[str]
    """What is started."""
    values: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """The start form's answers for this row."""
    state: Mapped[str] = mapped_column(default="waiting")
    fault: Mapped[str | None]
    reason: Mapped[str | None]
    """Why it was dropped."""
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"), unique=True)
    tries: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[datetime]


class DeskMatter(Base):
    """What lies on the desk of a role beside the diagram: a duty overdue, a service corrected after its timer fired."""

    __tablename__ = "desk_matters"
    __table_args__ = (
        CheckConstraint("kind IN ('overdue', 'service')", name="kind"),
        CheckConstraint("(decided_at IS NULL) = (decision IS NULL)", name="decided"),
        Index("ix_desk_matters_open", "regulation", "role", "raised_at", postgresql_where=text("decided_at IS NULL")),
    )

    id: Mapped[Id]
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    regulation: Mapped[str]
    role: Mapped[str]
    kind: Mapped[str]
    key: Mapped[str]
    """What it is about within the case (a deadline's id, a service's id), so that it is raised once."""
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
    raised_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decision: Mapped[str | None]
    """kept, renewed; settled when it went away by itself (the duty was done)."""
    reason: Mapped[str | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    decided_for_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    """For whom a deputy decided."""


class Attachment(Quarantined, Base):
    """An uploaded file; `case_id` is empty until an act uses it."""

    __tablename__ = "attachments"
    # By content: whether a file was handed in before.
    __table_args__ = (
        Index("ix_attachments_sha256", "sha256"),
        Index("ix_attachments_waiting", "id", postgresql_where=text("state = 'waiting'")),
        *quarantine.checks(),
    )

    id: Mapped[Id]
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"), index=True)
    uploaded_by_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    """Who has an account; of a file that the public handed in `bundle` says with which form."""
    bundle: Mapped[str | None] = mapped_column(index=True)
    """The digest of the random text of the public form it came with: whoever has the form may use it."""
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    """For which organisation: its people may open it, whether the uploader still belongs to it or not."""
    uploaded_at: Mapped[datetime]
    key: Mapped[str] = mapped_column(unique=True)
    size: Mapped[int]
    sha256: Mapped[str]

    def name_for(self, person_id: int | None) -> str:
        """Its name as a person reads it: whoever uploaded it knows it already."""
        return self.own_name if person_id is not None and person_id == self.uploaded_by_id else self.name


class Archive(Base):
    """The file of a case as it was closed (归档): what belongs to it, each piece by its digest."""

    __tablename__ = "archives"
    __table_args__ = (
        CheckConstraint(
            "(closed_at IS NULL) = (sha256 IS NULL) AND (closed_at IS NULL) = (listed IS NULL)", name="closed"
        ),
        Index("uq_archives_open", "case_id", unique=True, postgresql_where=text("closed_at IS NULL")),
        Index("ix_archives_case", "case_id"),
    )

    id: Mapped[Id]
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    act_id: Mapped[int] = mapped_column(ForeignKey("acts.id"))
    begun_at: Mapped[datetime]
    retention: Mapped[str]
    """How long it is kept, in words."""
    closed_at: Mapped[datetime | None]
    """Empty while letters are being rendered."""
    listed: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    sha256: Mapped[str | None]
    """Of the list."""


class Publication(Base):
    """What a case shows to everybody (公示): opened and closed by its diagram, and kept for good as proof.

    `snapshot` is what was shown when it was opened, `sha256` that of its canonical JSON (`publishing.canonical`).
    """

    __tablename__ = "publications"
    __table_args__ = (
        CheckConstraint("(closed_at IS NULL) = (result IS NULL)", name="closed"),
        CheckConstraint("NOT paused OR closed_at IS NULL", name="paused"),
        Index("ix_publications_newest", "opened_at", "id"),
        Index("ix_publications_open", "id", postgresql_where=text("closed_at IS NULL")),
        # A case shows one thing at a time under a name.
        Index("uq_publications_open", "case_id", "name", unique=True, postgresql_where=text("closed_at IS NULL")),
    )

    id: Mapped[Id]
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    regulation: Mapped[str]
    procedure: Mapped[str]
    region: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    title: Mapped[str]
    opened_at: Mapped[datetime]
    deadline_id: Mapped[int] = mapped_column(ForeignKey("deadlines.id"))
    """Its period."""
    last_day: Mapped[date]
    due: Mapped[datetime]
    """The end of its period, which the deadline has too; while it is paused what it was. Of one that was closed before,
    the moment of that."""
    paused: Mapped[bool] = mapped_column(default=False)
    closed_at: Mapped[datetime | None]
    result: Mapped[str | None]
    snapshot: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sha256: Mapped[str]
    files: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """What the public may download: attachment (its id), material, title, name, kind, size, sha256."""


class PublicationChange(Base):
    """What became of a publication: its period moved, paused, resumed or extended, it was closed, its case ended."""

    __tablename__ = "publication_changes"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('moved', 'paused', 'resumed', 'extended', 'closed', 'revised', 'concluded')", name="kind"
        ),
    )

    id: Mapped[Id]
    publication_id: Mapped[int] = mapped_column(ForeignKey("publications.id"), index=True)
    act_id: Mapped[int] = mapped_column(ForeignKey("acts.id"))
    at: Mapped[datetime]
    kind: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)


class Filing(Base):
    """A filing being prepared: what was typed and uploaded so far; `case_id` once it is handed in."""

    __tablename__ = "filings"

    id: Mapped[Id]
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"), index=True)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    """In whose name: whoever leaves it leaves his drafts for it."""
    regulation: Mapped[str]
    procedure: Mapped[str]
    about_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    answers: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    saved_at: Mapped[datetime]
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))


class TaskDraft(Base):
    """What one person has put into the form of a task so far; nobody else reads it, and it goes with the task."""

    __tablename__ = "task_drafts"

    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"), primary_key=True)
    answers: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    """As a browser posts them: by field, each a list of texts."""
    saved_at: Mapped[datetime]


class MessageDraft(Base):
    """What one person has put into the form of a message to a case so far, and not sent; nobody else reads it."""

    __tablename__ = "message_drafts"

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    message: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"), primary_key=True)
    answers: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    """As a browser posts them: by field, each a list of texts."""
    saved_at: Mapped[datetime]


class CaseNote(Base):
    """What an official has written beside the procedure: for the officials alone, or `visible` to the party too."""

    __tablename__ = "case_notes"

    id: Mapped[Id]
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    at: Mapped[datetime]
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    for_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    """For whom he stood in (代)."""
    visible: Mapped[bool]
    text: Mapped[str]


for _table in (ActRecord.__table__, CaseValue.__table__, CaseNote.__table__, PublicationChange.__table__):
    append_only(_table)  # type: ignore[arg-type] # Base.__table__ is typed as FromClause
