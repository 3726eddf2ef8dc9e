"""The tables of organisations, people, what they may act as, and their sessions."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import CheckConstraint, ForeignKey, Index, Table, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, Id
from portal.db.append_only import append_only
from portal.identity.entry import FIRST_RIGHTS, PERSON
from portal.storage import quarantine
from portal.storage.quarantine import Quarantined


class Organisation(Base):
    """Who files or is addressed; `kinds` are those of a regulation's `applicant`: enterprise, …

    One of kind `person` is a natural person: he alone belongs to it, and his own code (个人编号, see
    `portal.forms.personal`) takes the place of the 统一社会信用代码.
    """

    __tablename__ = "organisations"
    __table_args__ = (
        CheckConstraint("(kinds @> '[\"person\"]'::jsonb) = (uscc ~ '^P[0-9]{9}[0-9X]$')", name="code_of_person"),
        CheckConstraint("NOT kinds @> '[\"person\"]'::jsonb OR jsonb_array_length(kinds) = 1", name="person_alone"),
    )

    id: Mapped[Id]
    uscc: Mapped[str] = mapped_column(unique=True)
    """The code by which the party is known everywhere: 统一社会信用代码, of a natural person his 个人编号."""
    name: Mapped[str]
    district: Mapped[str]
    kinds: Mapped[list[str]]
    electronic_service_since: Mapped[datetime | None]

    @property
    def electronic_service(self) -> bool:
        """Whether it agreed to be served by reading in the portal."""
        return self.electronic_service_since is not None

    @property
    def natural(self) -> bool:
        """Whether it is a natural person."""
        return PERSON in self.kinds


def _belongs(row: DefaultExecutionContext) -> bool:
    return row.get_current_parameters().get("organisation_id") is not None  # type: ignore[no-untyped-call] # no types


def _rights(row: DefaultExecutionContext) -> list[str]:
    return list(FIRST_RIGHTS) if _belongs(row) else []


class Person(Base):
    """A person who can sign in: an applicant, or one of the authority's; or a system account, to which nobody signs in.

    An applicant without organisation has registered and waits, or has left; he is never one of the authority's.
    Unless it is said otherwise whoever belongs to an organisation may do everything there. A system account is a
    program's: it has a purpose and an owner instead of a password, acts by tokens alone, and looks after nobody.
    """

    __tablename__ = "persons"
    __table_args__ = (
        CheckConstraint("applicant OR organisation_id IS NULL", name="organisation_of_applicant"),
        CheckConstraint("NOT (applicant AND administrator)", name="one_side"),
        CheckConstraint("(organisation_id IS NULL) = (rights = '[]'::jsonb)", name="rights_in_organisation"),
        CheckConstraint("email_verified_at IS NULL OR email IS NOT NULL", name="verified_email"),
        CheckConstraint("(purpose IS NULL) = (owner IS NULL)", name="owner_of_system"),
        CheckConstraint(
            "purpose IS NULL OR (password_hash = '' AND NOT must_change_password AND NOT administrator"
            " AND NOT rights @> '[\"manage\"]'::jsonb)",
            name="nobody_signs_in",
        ),
    )

    id: Mapped[Id]
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    applicant: Mapped[bool] = mapped_column(default=_belongs)
    rights: Mapped[list[str]] = mapped_column(default=_rights)
    """What he may do for his organisation: manage, file, read; see `entry.RIGHTS`."""
    active: Mapped[bool] = mapped_column(default=True)
    administrator: Mapped[bool] = mapped_column(default=False)
    email: Mapped[str | None]
    email_verified_at: Mapped[datetime | None]
    """When the person typed the code that was mailed there (real time); before that nothing else is mailed."""
    mail_on: Mapped[bool] = mapped_column(default=True)
    """Whether messages of the portal are mailed to the person as well."""
    must_change_password: Mapped[bool] = mapped_column(default=False)
    """His password was given to him: he chooses his own before he does anything else."""
    purpose: Mapped[str | None]
    """What a system account is for; of nobody else."""
    owner: Mapped[str | None]
    """Who answers for a system account: a name, and how to reach him."""

    @property
    def system(self) -> bool:
        """Whether it is a system account."""
        return self.purpose is not None


class Grant(Base):
    """A role of a regulation that a person may act as, from one day to another, both included.

    A grant that was taken back before it counted on any whole day ends the day before it began.
    """

    __tablename__ = "grants"
    __table_args__ = (CheckConstraint("to_day >= from_day - 1", name="days_in_order"),)

    id: Mapped[Id]
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"), index=True)
    regulation: Mapped[str]
    role: Mapped[str]
    body: Mapped[str | None]
    """The region whose body it is in (万州区): such a grant opens that body's copies of letters and nothing else."""
    from_day: Mapped[date]
    to_day: Mapped[date | None]


class Delegation(Base):
    """A role that one official lends to another, from one day to another, both included.

    It counts only while the lender (`from_person_id`) is active and holds the role by a grant of his own; what was
    lent cannot be lent on. `revoked_at` ends it at once.
    """

    __tablename__ = "delegations"
    __table_args__ = (
        CheckConstraint("from_person_id <> to_person_id", name="to_another"),
        CheckConstraint("to_day >= from_day", name="days_in_order"),
        CheckConstraint("to_day - from_day <= 365", name="at_most_a_year"),
        CheckConstraint("btrim(reason) <> ''", name="reason"),
        CheckConstraint("(revoked_at IS NULL) = (revoked_by_id IS NULL)", name="revoked"),
        CheckConstraint("(revoked_at IS NULL) = (revoke_reason IS NULL)", name="revoke_reason"),
    )

    id: Mapped[Id]
    from_person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"), index=True)
    to_person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"), index=True)
    regulation: Mapped[str]
    role: Mapped[str]
    from_day: Mapped[date]
    to_day: Mapped[date]
    reason: Mapped[str]
    made_by_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    made_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_by_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    revoke_reason: Mapped[str | None]


class SignedIn(Base):
    """A session; the cookie holds the token, the table only its SHA-256. Moments are real time."""

    __tablename__ = "sessions"

    id: Mapped[Id]
    token: Mapped[bytes] = mapped_column(unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"), index=True)
    created: Mapped[datetime]
    last_seen: Mapped[datetime]
    expires: Mapped[datetime] = mapped_column(index=True)
    revoked: Mapped[datetime | None]
    rights: Mapped[bytes | None]
    """A hash of what the person might do when it was last asked for: another one, and it gets a new token."""
    agent: Mapped[str] = mapped_column(server_default="")
    """What the browser called itself."""


class Token(Base):
    """A bearer token of a person or a system account; the table holds only its SHA-256.

    It counts to the end of `until_day` (a real day, in Chinese time) unless it is revoked. Moments are real time.
    """

    __tablename__ = "tokens"
    __table_args__ = (
        CheckConstraint("jsonb_array_length(scopes) > 0", name="scopes"),
        CheckConstraint("btrim(name) <> ''", name="name"),
        CheckConstraint("revoked_at IS NOT NULL OR revoked_by_id IS NULL", name="revoked"),
    )

    id: Mapped[Id]
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"), index=True)
    name: Mapped[str]
    digest: Mapped[bytes] = mapped_column(unique=True)
    scopes: Mapped[list[str]]
    issued_at: Mapped[datetime]
    issued_by_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    """Nobody when it was issued on the command line."""
    until_day: Mapped[date]
    last_used_at: Mapped[datetime | None]
    """To the minute."""
    revoked_at: Mapped[datetime | None]
    revoked_by_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))


class LoginAttempt(Base):
    """A sign-in that failed; the login as its SHA-256, because people type passwords there."""

    __tablename__ = "login_attempts"
    __table_args__ = (
        Index("ix_login_attempts_account", "account", "moment"),
        Index("ix_login_attempts_address", "address", "moment"),
    )

    id: Mapped[Id]
    account: Mapped[bytes]
    address: Mapped[str]
    moment: Mapped[datetime] = mapped_column(index=True)


class EmailCheck(Base):
    """A code that is mailed to the address a person has given, so that it is proved to be his; the newest counts."""

    __tablename__ = "email_checks"

    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"), primary_key=True)
    asked_at: Mapped[datetime]
    """Real time, as are the others."""
    code: Mapped[bytes | None]
    """SHA-256 over person, address and code; none until the job that mails it has drawn one."""
    drawn_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    """Wrong codes that were typed."""
    fault: Mapped[str | None]
    """Why no code could be mailed, in Chinese."""


class Registration(Base):
    """What a person handed in to act for an organisation, and what an official decided; handed in again it is the
    same row in the next `round`, the earlier ones are told by the changes."""

    __tablename__ = "registrations"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'returned', 'approved', 'refused', 'withdrawn')", name="state"),
        CheckConstraint("(kind = 'person') = (identity_number_id IS NOT NULL)", name="number_of_person"),
        Index("ix_registrations_waiting", "handed_in_at", "id", postgresql_where=text("state = 'waiting'")),
    )

    id: Mapped[Id]
    once: Mapped[str] = mapped_column(unique=True)
    """Made with the page that was filled in, so that a second click registers nobody twice."""
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"), index=True)
    round: Mapped[int] = mapped_column(default=1)
    uscc: Mapped[str] = mapped_column(index=True)
    """Of a natural person the code that he gets when he is approved."""
    identity_number_id: Mapped[int | None] = mapped_column(ForeignKey("identity_numbers.id"), index=True)
    name: Mapped[str]
    district: Mapped[str]
    kind: Mapped[str]
    electronic_service: Mapped[bool]
    joins: Mapped[bool]
    """Whether he knew that the organisation has people, and asks to join them by his proof."""
    rights: Mapped[list[str]]
    """Those he asks for."""
    state: Mapped[str] = mapped_column(default="waiting")
    handed_in_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    decided_for_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    """For whom a deputy decided."""
    reason: Mapped[str | None]
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    """That which he was let into."""

    @property
    def natural(self) -> bool:
        """Whether a natural person registers himself."""
        return self.kind == PERSON

    @property
    def number(self) -> str:
        """What people call it by: ZC00000012."""
        return f"ZC{self.id:08d}"


class IdentityNumber(Base):
    """The 居民身份号码 of a natural person, apart from all else that is known of him; see `portal.identity.numbers`."""

    __tablename__ = "identity_numbers"

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(unique=True)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), unique=True)
    """The party that the person is since he was approved."""


class Proof(Quarantined, Base):
    """A licence or letter of authority that lies in the object store; the newest of a registration counts.

    Without registration it was uploaded with a form that had faults, and is forgotten after a day.
    """

    __tablename__ = "registration_proofs"
    __table_args__ = quarantine.checks()

    id: Mapped[Id]
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registrations.id"), index=True)
    key: Mapped[str] = mapped_column(unique=True)
    size: Mapped[int]
    sha256: Mapped[str]
    kept_at: Mapped[datetime] = mapped_column(index=True)


class Invitation(Base):
    """A code by which one person may join an organisation once; the table holds only its SHA-256."""

    __tablename__ = "invitations"
    __table_args__ = (
        CheckConstraint("(used_at IS NULL) = (used_by_id IS NULL)", name="used"),
        CheckConstraint("used_at IS NULL OR revoked_at IS NULL", name="used_or_revoked"),
    )

    id: Mapped[Id]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    code: Mapped[bytes] = mapped_column(unique=True)
    rights: Mapped[list[str]]
    note: Mapped[str]
    """For whom it is meant."""
    made_by_id: Mapped[int] = mapped_column(ForeignKey("persons.id"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    used_by_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    revoked_at: Mapped[datetime | None]


class IdentityChange(Base):
    """What happened to organisations and their people: who did what to whom, when; only added to."""

    __tablename__ = "identity_changes"

    id: Mapped[Id]
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"), index=True)
    """Whom it concerns."""
    by_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    """Who did it; nobody when it followed from something else."""
    for_id: Mapped[int | None] = mapped_column(ForeignKey("persons.id"))
    """For whom a deputy did it."""
    at: Mapped[datetime]
    kind: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)


append_only(cast(Table, IdentityChange.__table__))


class AddressAttempt(Base):
    """Something that is counted so that it is not tried too often; `kind` is one of `entry.ATTEMPTS_ALLOWED`."""

    __tablename__ = "address_attempts"
    __table_args__ = (Index("ix_address_attempts_kind_address_moment", "kind", "address", "moment"),)

    id: Mapped[Id]
    kind: Mapped[str]
    address: Mapped[str]
    """The network address, or whatever else the attempts are counted by."""
    moment: Mapped[datetime] = mapped_column(index=True)
