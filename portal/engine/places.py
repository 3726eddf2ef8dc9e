"""The plain values that cross the port: where something is, what waits, and what the portal answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, order=True)
class Place:
    """One activation of one drawn element.

    `scope` is the chain of what it stands in: "" or "follow_up:1/inner:2", each call activity with its visit. An
    instance of a call activity or subprocess that is done by many is "seat:1.3": its third, at its first visit.
    Other embedded subprocesses do not show in it. `visit` counts the activations of the element in its scope, from 1.
    `item` tells the instances of one that is done by many, from 1; it is 0 for the whole, and for all else.
    """

    scope: str
    element: str
    visit: int
    item: int = 0


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
        """Whether a condition (without its "=") holds.

        Asked of a sequence flow at an exclusive gateway, and, each time when one of many has left, of the many's
        completion condition: true there, and the others need not. `place` is then the whole's.
        """

    def no_way(self, place: Place) -> None:
        """None of the conditions of a gateway without a default holds: the step fails, in words raised here, if any."""

    def items(self, place: Place) -> int:
        """How many times an element is done that is done by many; 0 to 200, asked once, right after `entered`."""

    def perform(self, place: Place) -> None:
        """Carry out a service or business rule task; in the act's transaction, so no mail, no network (H12)."""

    def entered(self, place: Place, kind: str) -> None:
        """An element became active; `kind` is its BPMN name (`userTask`, `callActivity`, …).

        One that is done by many is entered as a whole (`place.item` is 0), then each instance of it.
        """

    def left(self, place: Place, end: str | None) -> None:
        """An element completed; `end`: the end event reached inside a call activity or subprocess.

        Of one that is done by many each instance leaves, then the whole, with no end. What was interrupted, or
        not needed any more, never leaves.
        """

    def took(self, flow: str, scope: str) -> None:
        """A drawn sequence flow was walked."""
