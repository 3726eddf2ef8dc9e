"""Sessions that end when nobody uses them, that people see, and whose tokens change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes what the models say; sessions that are open stay so."""
    op.drop_constraint(op.f("pk_sessions"), "sessions", type_="primary")
    op.add_column("sessions", sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False))
    op.create_primary_key(op.f("pk_sessions"), "sessions", ["id"])
    op.create_unique_constraint(op.f("uq_sessions_token"), "sessions", ["token"])
    op.add_column("sessions", sa.Column("rights", sa.LargeBinary(), nullable=True))
    op.add_column("sessions", sa.Column("agent", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    """Takes it back."""
    op.drop_column("sessions", "agent")
    op.drop_column("sessions", "rights")
    op.drop_constraint(op.f("uq_sessions_token"), "sessions", type_="unique")
    op.drop_constraint(op.f("pk_sessions"), "sessions", type_="primary")
    op.drop_column("sessions", "id")
    op.create_primary_key(op.f("pk_sessions"), "sessions", ["token"])
