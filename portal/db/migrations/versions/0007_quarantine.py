"""Files that wait for a look by the virus scanner."""

from __future__ import annotations

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes what the models say."""


def downgrade() -> None:
    """Takes it back."""
