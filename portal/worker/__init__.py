"""The worker: does deferred jobs and fires due timers, until it is told to stop."""

from portal.worker.running import run
from portal.worker.tools import Tools

__all__ = ["Tools", "run"]
