"""What can go wrong in an engine: nobody waits, or a step failed and its position must be thrown away."""

from __future__ import annotations

from portal.errors import PortalError


class NotWaiting(PortalError):
    """The task, message or timer is not open any more (or never was)."""

    zh = "这一步已经不在等待中，可能已被他人办理。"
    en = "Nothing of this id is waiting: {id}"

    def __init__(self, id: str) -> None:
        self.id = id
        super().__init__(id=id)


class EngineFault(PortalError):
    """A step or a saved state failed: roll back, keep the last saved state, open an incident."""

    zh = "流程引擎在“{element}”处出错：{reason}"
    en = "The engine failed at {element}: {reason}"

    def __init__(self, element: str | None, reason: str) -> None:
        self.element = element
        self.reason = reason
        super().__init__(element=element or "—", reason=reason)


class TooDeep(EngineFault):
    """The case has gone round so often that SpiffWorkflow would stop seeing its open tasks."""


class Runaway(EngineFault):
    """One step completed more elements than any honest diagram does: a loop without a waiting state."""


class TooMany(EngineFault):
    """An element is to be done by more than a diagram may ask for, or by what is no number."""


class BadState(EngineFault):
    """Saved bytes that are no state of this engine, of this version, or of this diagram."""


class Stuck(EngineFault):
    """Nothing waits any more, and yet the case has not ended: a join waits for a token that cannot come."""
