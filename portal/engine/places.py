"""The plain values that cross the port: where something is, what waits, and what the portal answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, order=True)
class Place:
    """One activation of one drawn element.

    `scope` is the chain of call activities, each with its visit: "" or "follow_up:1/inner:2"; embedded
    subprocesses do not show in it. `visit` counts the activations of the element in its scope, from 1.
    """

    scope: str
    element: str
    visit: int


@dataclass(frozen=True)
class OpenTask:
    """A user task that waits for a person."""

    id: str
    place: Place


@dataclass(frozen=True)
class OpenMessage:
    """An element that waits for the message `name`."""

    id: str
    place: Place
    name: str


@dataclass(frozen=True)
class OpenTimer:
    """An element that waits for the deadline of that name to be over."""

    id: str
    place: Place
    deadline: str


@dataclass(frozen=True)
class Waiting:
    """All that a case waits for, in the order of its diagram's paths."""

    tasks: tuple[OpenTask, ...] = ()
    messages: tuple[OpenMessage, ...] = ()
    timers: tuple[OpenTimer, ...] = ()


class Environment(Protocol):
    """What a step asks of the portal and tells it. An engine is never entered from inside these."""

    def condition(self, expression: str, place: Place) -> bool | None:
        """Whether a sequence flow's condition (without its "=") holds at an exclusive gateway."""

    def perform(self, place: Place) -> None:
        """Carry out a service task; inside the act's transaction, so no mail, no network (H12)."""

    def entered(self, place: Place, kind: str) -> None:
        """An element became active; `kind` is its BPMN name (`userTask`, `callActivity`, …)."""

    def left(self, place: Place, end: str | None) -> None:
        """An element completed; `end`: the end event reached inside a call activity or subprocess."""

    def took(self, flow: str, scope: str) -> None:
        """A drawn sequence flow was walked."""
