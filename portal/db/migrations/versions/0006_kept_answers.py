"""Answers of the API, kept for whoever asks again with the same key; how often tokens ask; blocks of units."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SERIAL = "(dimensions ->> 'serial')"


def upgrade() -> None:
    """Makes what the models say."""
    op.create_table(
        "kept_answers",
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=False),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_kept_answers_person_id_persons")),
        sa.PrimaryKeyConstraint("person_id", "key", name=op.f("pk_kept_answers")),
    )
    op.create_index(op.f("ix_kept_answers_kept_at"), "kept_answers", ["kept_at"])
    op.create_table(
        "token_rates",
        sa.Column("token_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_token_rates")),
        prefixes=["UNLOGGED"],
    )
    op.create_index(
        "ix_ledger_entries_serial",
        "ledger_entries",
        [sa.text(SERIAL)],
        postgresql_where=sa.text(f"{SERIAL} IS NOT NULL"),
    )


def downgrade() -> None:
    """Takes it back."""
    op.drop_index("ix_ledger_entries_serial", "ledger_entries")
    op.drop_table("token_rates")
    op.drop_table("kept_answers")
