"""Figures of a measurement: seconds become median and 95th percentile, several runs one line of the table."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One row of the table: what was measured, what we aim at, what came out, and whether that is reached.

    `detail` says how it was measured, and what each run gave; `pace` how fast the machine was meanwhile.
    """

    row: str
    what: str
    goal: str
    got: str
    reached: bool
    detail: str
    pace: str = ""


def yardstick() -> float:
    """Seconds for five million additions: a machine that others share is at times half as fast."""
    began, total = time.perf_counter(), 0
    for number in range(5_000_000):
        total += number
    return time.perf_counter() - began


def median(seconds: Sequence[float]) -> float:
    """Milliseconds."""
    return statistics.median(seconds) * 1000


def p95(seconds: Sequence[float]) -> float:
    """Milliseconds that 95 of 100 do not exceed."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))] * 1000


def middle(runs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Of several runs, each with median and p95, the middle of each."""
    return statistics.median(run[0] for run in runs), statistics.median(run[1] for run in runs)
