"""What acts need of the rest of the machine, put together once by the application."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.jobs import Queue
from portal.notify import Post
from portal.procedures import Releases
from portal.procedures.actions import ActionRule


@dataclass(frozen=True)
class Action:
    """What a diagram may do: which inputs it takes, and what carries it out (act, case, place, inputs)."""

    rule: ActionRule
    run: Callable[..., Mapping[str, Any] | None]


def _unobserved(procedure: str, drawing: str, flow: str) -> None:
    """Nobody watches which flows a case walks."""


@dataclass(frozen=True)
class Kernel:
    """Releases, the job queue, the clock as a transaction reads it, and the actions diagrams may name.

    `walked` is told every flow a case walks: procedure, drawing, flow. `mails`: whether messages are mailed too.
    """

    releases: Releases
    queue: Queue
    now: Callable[[Session], datetime]
    actions: Mapping[str, Action]
    walked: Callable[[str, str, str], None] = _unobserved
    mails: bool = False

    def post(self, tx: Session) -> Post:
        """By which the messages of a transaction go out."""
        return Post(tx, self.queue if self.mails else None)
