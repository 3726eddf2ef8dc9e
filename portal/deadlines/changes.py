"""What happened to a deadline, as plain data for the case's history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

What = Literal["started", "met", "dropped", "moved", "confirmed", "kept", "paused", "resumed", "extended"]


@dataclass(frozen=True)
class Change:
    """One change: of which deadline, its due moment before and after (None: no such), and why, in Chinese.

    `confirmed`: an official notice left the date as it was, no longer provisional. `kept`: a new calendar
    would change it, but what is past, or would move into the past, stays. While a deadline is paused it has no due
    moment.
    """

    what: What
    deadline_id: int
    name: str
    title: str
    old_due: datetime | None
    new_due: datetime | None
    provisional: bool
    reason: str
    stands: Mapping[str, object] = field(default_factory=dict)
    """What the row says after it, beside its end: the history vouches for that, too."""

    @property
    def details(self) -> dict[str, object]:
        """The change as JSON-safe values."""
        return {
            "what": self.what,
            "deadline": self.name,
            "title": self.title,
            "old_due": self.old_due and self.old_due.isoformat(),
            "new_due": self.new_due and self.new_due.isoformat(),
            "provisional": self.provisional,
            "reason": self.reason,
            "stands": self.stands,
        }
