"""Bearer tokens of people and of system accounts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

CHECKS = (
    ("owner_of_system", "(purpose IS NULL) = (owner IS NULL)"),
    (
        "nobody_signs_in",
        "purpose IS NULL OR (password_hash = '' AND NOT must_change_password AND NOT administrator"
        " AND NOT rights @> '[\"manage\"]'::jsonb)",
    ),
)
"""Name and rule of the checks on persons."""


def upgrade() -> None:
    """Makes what the models say."""
    for column in ("purpose", "owner"):
        op.add_column("persons", sa.Column(column, sa.Text(), nullable=True))
    for name, rule in CHECKS:
        op.create_check_constraint(op.f(f"ck_persons_{name}"), "persons", rule)
    op.create_table(
        "tokens",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.JSONB(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_by_id", sa.BigInteger(), nullable=True),
        sa.Column("until_day", sa.Date(), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("btrim(name) <> ''", name=op.f("ck_tokens_name")),
        sa.CheckConstraint("jsonb_array_length(scopes) > 0", name=op.f("ck_tokens_scopes")),
        sa.CheckConstraint("revoked_at IS NOT NULL OR revoked_by_id IS NULL", name=op.f("ck_tokens_revoked")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_tokens_person_id_persons")),
        sa.ForeignKeyConstraint(["issued_by_id"], ["persons.id"], name=op.f("fk_tokens_issued_by_id_persons")),
        sa.ForeignKeyConstraint(["revoked_by_id"], ["persons.id"], name=op.f("fk_tokens_revoked_by_id_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
    )
    op.create_index(op.f("ix_tokens_person_id"), "tokens", ["person_id"], unique=False)


def downgrade() -> None:
    """Takes it back."""
    op.drop_table("tokens")
    for name, _ in CHECKS:
        op.drop_constraint(op.f(f"ck_persons_{name}"), "persons")
    for column in ("owner", "purpose"):
        op.drop_column("persons", column)
