"""What acts need of the rest of the machine, put together once by the application."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
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


def _unforeseen(numbers: Sequence[str], count: int) -> str:
    """A seed that nobody can foresee, whatever the pool and however many are drawn."""
    return secrets.token_hex(16)


@dataclass(frozen=True)
class Kernel:
    """Releases, the job queue, the clock as a transaction reads it, and the actions diagrams may name.

    `walked` is told every flow a case walks: procedure, drawing, flow. `mails`: whether messages are mailed too.
    `scans`: whether uploaded files wait for a virus scanner.
    `seed` gives the seed by which some of the numbers of a pool are drawn: one nobody can foresee.
    """

    releases: Releases
    queue: Queue
    now: Callable[[Session], datetime]
    actions: Mapping[str, Action]
    walked: Callable[[str, str, str], None] = _unobserved
    mails: bool = False
    scans: bool = False
    seed: Callable[[Sequence[str], int], str] = _unforeseen

    def post(self, tx: Session) -> Post:
        """By which the messages of a transaction go out."""
        return Post(tx, self.queue if self.mails else None)
