"""What the rest of the portal knows of jobs: a name and arguments, handed over inside a transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy.orm import Session


class Queue(Protocol):
    """Takes jobs; a job exists from the caller's commit on, and never without it."""

    def defer(self, tx: Session, name: str, **arguments: object) -> None:
        """Have the named job run after the commit of `tx`; arguments are plain JSON values."""
        ...

    def defer_all(self, tx: Session, name: str, each: Sequence[Mapping[str, object]], priority: int = 0) -> None:
        """Have the named job run once for each of several sets of arguments, handed over at one stroke.

        Of the jobs that wait, those of a higher priority are done first.
        """
        ...


@dataclass(frozen=True)
class Deferred:
    """One job that was deferred."""

    name: str
    arguments: dict[str, object]


@dataclass
class Collected:
    """A queue that only remembers, for trial runs and tests."""

    jobs: list[Deferred] = field(default_factory=list)

    def defer(self, tx: Session, name: str, **arguments: object) -> None:
        """Remember the job."""
        self.jobs.append(Deferred(name, arguments))

    def defer_all(self, tx: Session, name: str, each: Sequence[Mapping[str, object]], priority: int = 0) -> None:
        """Remember the jobs."""
        self.jobs += [Deferred(name, dict(arguments)) for arguments in each]
