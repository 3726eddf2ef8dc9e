"""Answers of the API, kept for whoever asks again with the same key."""

from __future__ import annotations

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes what the models say."""


def downgrade() -> None:
    """Takes it back."""
