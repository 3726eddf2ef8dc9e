"""What the processes of one web server have answered: how often with which status, and how long it took.

The counts lie in memory that gunicorn's processes share from before they part, so whichever of them is asked tells of
all. Each writes into a row of its own, whose owner alone changes it: no lock, and nobody killed can leave one locked.
"""

from __future__ import annotations

import mmap
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds (seconds) of the groups in which times are counted; the last group has none."""
LOWEST, HIGHEST = 100, 599
UNCOUNTED = frozenset({"/healthz", "/readyz", "/metrics"})
"""What machines ask every few seconds would drown what people feel."""
_STATUSES = HIGHEST - LOWEST + 1
_GROUPS = len(BOUNDS) + 1
_ROW = _STATUSES + _GROUPS + 1
_BYTES = 8


class Counters:
    """One row per process: counts by status, counts by time, seconds in all. A row outlives its process, and whoever
    comes after goes on counting in it, so the sums never fall while the server runs."""

    def __init__(self, rows: int) -> None:
        self._cells = memoryview(mmap.mmap(-1, rows * _ROW * _BYTES)).cast("d")
        self._rows = rows
        self._threads = threading.Lock()
        self._at = 0

    def take(self, row: int) -> None:
        """From now on this process, and what it forks, counts in this row."""
        self._at = row % self._rows * _ROW
        self._threads = threading.Lock()

    def count(self, status: int, seconds: float) -> None:
        """One request was answered."""
        group = self._at + _STATUSES + bisect_left(BOUNDS, seconds)
        with self._threads:
            self._cells[self._at + min(max(status, LOWEST), HIGHEST) - LOWEST] += 1
            self._cells[group] += 1
            self._cells[self._at + _ROW - 1] += seconds

    def by_status(self) -> dict[int, int]:
        """How many requests were answered with each status that there was."""
        return {LOWEST + at: int(n) for at in range(_STATUSES) if (n := self._sum(at))}

    def up_to(self) -> list[int]:
        """How many took at most as long as each of BOUNDS, and at last how many there were."""
        sums, total = [], 0
        for group in range(_GROUPS):
            total += int(self._sum(_STATUSES + group))
            sums.append(total)
        return sums

    def seconds(self) -> float:
        """How long all of them took together."""
        return self._sum(_ROW - 1)

    def _sum(self, cell: int) -> float:
        return sum(self._cells[row * _ROW + cell] for row in range(self._rows))


def counted(application: WSGIApplication, counters: Counters) -> WSGIApplication:
    """The application, each answer counted; the time is that until the answer begins."""

    def call(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began = time.perf_counter()

        def start(status: str, *rest: object) -> Callable[[bytes], object]:
            counters.count(int(status[:3]), time.perf_counter() - began)
            return start_response(status, *rest)  # type: ignore[arg-type] # handed on as it came

        plain = environ.get("PATH_INFO") in UNCOUNTED
        return application(environ, start_response if plain else start)

    return call
