"""What an official may send to a case beside its tasks, such as that an objection was withdrawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from portal.cases.live import LiveCase
from portal.cases.models import Subscription
from portal.identity import PARTY, Actor


@dataclass(frozen=True)
class ActLink:
    """One thing to send: what the diagram calls it, and its page."""

    text: str
    url: str


def acts_of(case: LiveCase, waits: Iterable[Subscription], actor: Actor) -> list[ActLink]:
    """Of the messages that a case waits for those that a person's roles let him send."""
    return [
        ActLink(case.element(wait.scope, wait.element).name, f"/cases/{case.id}/messages/{wait.message}")
        for wait in waits
        if wait.role and wait.role != PARTY and actor.has(case.row.regulation, wait.role)
    ]
