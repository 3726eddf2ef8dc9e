"""Bearer tokens of people and of system accounts."""

from __future__ import annotations

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes what the models say."""


def downgrade() -> None:
    """Takes it back."""
