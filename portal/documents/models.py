"""The tables of letters: number sequences, letters, their service and its proofs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CheckConstraint, ForeignKey, Index, Table, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db import Base, Id
from portal.db.append_only import append_only


class NumberSequence(Base):
    """The last count drawn for a number pattern in a year; its row is locked until the act ends."""

    __tablename__ = "number_sequences"
    __table_args__ = (UniqueConstraint("pattern", "year"),)

    id: Mapped[Id]
    pattern: Mapped[str]
    year: Mapped[int]
    last: Mapped[int]


class Letter(Base):
    """A letter that was issued. Number, moment and data never change; the file comes later, from a job."""

    __tablename__ = "letters"
    __table_args__ = (
        CheckConstraint("state IN ('rendering', 'ready', 'failed')", name="state"),
        CheckConstraint(
            "(state = 'ready') = (object_key IS NOT NULL AND sha256 IS NOT NULL AND size IS NOT NULL"
            " AND rendered_at IS NOT NULL)",
            name="file",
        ),
        CheckConstraint(
            "(pdf_key IS NULL) = (pdf_sha256 IS NULL) AND (pdf_key IS NULL) = (pdf_size IS NULL)"
            " AND (pdf_key IS NULL OR state = 'ready')",
            name="pdf",
        ),
        CheckConstraint("(state = 'failed') = (error IS NOT NULL)", name="error"),
    )

    id: Mapped[Id]
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    act_id: Mapped[int]
    name: Mapped[str]
    title: Mapped[str]
    number: Mapped[str] = mapped_column(unique=True)
    element: Mapped[str]
    scope: Mapped[str]
    visit: Mapped[int]
    issued_at: Mapped[datetime]
    data: Mapped[dict[str, Any]]
    """What the template is filled with, as it was at issue."""
    release_id: Mapped[int]
    """The release the template is from; a newer one after a failed rendering was tried again."""
    template: Mapped[str]
    """The template's path in the release."""
    verification_code: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(default="rendering")
    object_key: Mapped[str | None]
    sha256: Mapped[str | None]
    size: Mapped[int | None]
    rendered_at: Mapped[datetime | None]
    pdf_key: Mapped[str | None]
    """The same letter as PDF, where LibreOffice is there to make it; the Word file is the letter."""
    pdf_sha256: Mapped[str | None]
    pdf_size: Mapped[int | None]
    error: Mapped[str | None]

    services: Mapped[list[Service]] = relationship(back_populates="letter", order_by="Service.id")


class Service(Base):
    """The service (送达) of a letter on one addressee, or the copy (抄送) sent to one.

    `served_at` and `how` repeat the proof that counts, the earliest that is not struck out.
    """

    __tablename__ = "services"
    __table_args__ = (
        CheckConstraint("kind IN ('party', 'copy')", name="kind"),
        CheckConstraint("state IN ('awaiting file', 'open', 'served', 'copy')", name="state"),
        CheckConstraint("(kind = 'copy') = (state = 'copy')", name="copy"),
        CheckConstraint("(state = 'served') = (served_at IS NOT NULL AND how IS NOT NULL)", name="served"),
        UniqueConstraint("letter_id", "kind", "addressee"),
        Index("ix_services_organisation_id_state", "organisation_id", "state"),
    )

    id: Mapped[Id]
    letter_id: Mapped[int] = mapped_column(ForeignKey("letters.id"))
    kind: Mapped[str]
    addressee: Mapped[str]
    """How the manifest names the addressee: `party`, `registry`, `district(party.district)`."""
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    name: Mapped[str]
    state: Mapped[str]
    how: Mapped[str | None]
    served_at: Mapped[datetime | None]

    letter: Mapped[Letter] = relationship(back_populates="services")
    proofs: Mapped[list[ServiceProof]] = relationship(back_populates="service", order_by="ServiceProof.id")


class ServiceProof(Base):
    """One proof that a letter reached its addressee; written once, a mistaken one is struck out."""

    __tablename__ = "service_proofs"
    __table_args__ = (CheckConstraint("how IN ('read', 'post', 'in person', 'filing')", name="how"),)

    id: Mapped[Id]
    service_id: Mapped[int] = mapped_column(ForeignKey("services.id"), index=True)
    how: Mapped[str]
    received_at: Mapped[datetime]
    entered_by: Mapped[int | None]
    """The person; without foreign key, for the proof outlives accounts."""
    entered_for: Mapped[int | None]
    """For whom a deputy entered it."""
    entered_at: Mapped[datetime]
    note: Mapped[str]
    attachment_id: Mapped[int | None]

    service: Mapped[Service] = relationship(back_populates="proofs")
    struck: Mapped[StruckProof | None] = relationship(back_populates="proof")


class StruckProof(Base):
    """That a proof was entered by mistake: who says so, when and why."""

    __tablename__ = "struck_proofs"

    id: Mapped[Id]
    proof_id: Mapped[int] = mapped_column(ForeignKey("service_proofs.id"), unique=True)
    reason: Mapped[str]
    entered_by: Mapped[int]
    entered_for: Mapped[int | None]
    entered_at: Mapped[datetime]

    proof: Mapped[ServiceProof] = relationship(back_populates="struck")


append_only(cast(Table, ServiceProof.__table__))
append_only(cast(Table, StruckProof.__table__))
