"""Files that wait for a look by the virus scanner."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = ("attachments", "registration_proofs")


def upgrade() -> None:
    """Makes what the models say; what was uploaded before was not looked at."""
    for table in TABLES:
        op.add_column(table, sa.Column("state", sa.Text(), server_default="unscanned", nullable=False))
        op.add_column(table, sa.Column("found", sa.Text(), nullable=True))
        # op.f: the whole name, to which the naming convention adds nothing
        op.create_check_constraint(
            op.f(f"ck_{table}_state"), table, "state IN ('unscanned', 'waiting', 'clean', 'infected')"
        )
        op.create_check_constraint(op.f(f"ck_{table}_found"), table, "(state = 'infected') = (found IS NOT NULL)")
    op.create_index("ix_attachments_waiting", "attachments", ["id"], postgresql_where=sa.text("state = 'waiting'"))


def downgrade() -> None:
    """Takes it back."""
    op.drop_index("ix_attachments_waiting", "attachments")
    for table in TABLES:
        op.drop_constraint(op.f(f"ck_{table}_found"), table)
        op.drop_constraint(op.f(f"ck_{table}_state"), table)
        op.drop_column(table, "found")
        op.drop_column(table, "state")
