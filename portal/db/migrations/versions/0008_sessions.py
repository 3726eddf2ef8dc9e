"""Sessions that end when nobody uses them."""

from __future__ import annotations

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes what the models say."""


def downgrade() -> None:
    """Takes it back."""
