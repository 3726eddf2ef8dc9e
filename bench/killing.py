"""Workers that are killed at random moments while they work, and what they took in time and memory."""

from __future__ import annotations

import random
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench import crowd
from portal.db import Database

Start = Callable[[], "subprocess.Popen[bytes]"]
_LONGEST_PAUSE = 0.3


@dataclass
class Report:
    """What happened: seconds until all was started and all made, jobs hit by the kills, memory in MiB."""

    started: float = 0.0
    made: float = 0.0
    over: float = 0.0
    hit: list[int] = field(default_factory=list)
    """Of each kill, the jobs that were being done."""
    between: list[int] = field(default_factory=list)
    """Of each kill, those among them whose act was committed."""
    memory: float = 0.0
    processor: float = 0.0
    """Processor seconds of the workers that ended by themselves, and of what they waited for."""


def work_off(
    database: Database, start: Start, *, workers: int, units: int, kills: int, dice: random.Random, within: float
) -> Report:
    """Has workers do all jobs; all of them are killed `kills` times, and others begin."""
    report, began = Report(), time.monotonic()
    moments = sorted(dice.uniform(0.05, 0.85) for _ in range(kills))
    alive = [start() for _ in range(workers)]
    try:
        while crowd.jobs_left(database):
            assert time.monotonic() - began < within, f"not done within {within} s: {crowd.progress(database)}"
            started, made = crowd.progress(database)
            report.memory = max(report.memory, sum(resident(worker.pid) for worker in alive))
            if started < units:
                report.started = time.monotonic() - began
            if made < units:
                report.made = time.monotonic() - began
            if moments and (started + made) / (2 * units) >= moments[0]:
                moments.pop(0)
                time.sleep(dice.uniform(0, _LONGEST_PAUSE))
                _kill(alive)
                report.hit.append(crowd.running(database))
                report.between.append(crowd.done_but_running(database))
                alive = [start() for _ in range(workers)]
            time.sleep(0.05)
    finally:
        report.over = time.monotonic() - began
        for worker in alive:
            worker.send_signal(signal.SIGTERM)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        for worker in alive:
            worker.wait(10)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        report.processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return report


def _kill(workers: list[subprocess.Popen[bytes]]) -> None:
    for worker in workers:
        worker.send_signal(signal.SIGKILL)
    for worker in workers:
        worker.wait()


def resident(pid: int) -> float:
    """The memory of a process and all that it has started, in MiB; pages shared by several count in part (PSS)."""
    total = 0.0
    try:
        rolled = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += sum(int(line.split()[1]) for line in rolled.splitlines() if line.startswith("Pss:")) / 1024
        for thread in Path(f"/proc/{pid}/task").iterdir():
            total += sum(resident(int(child)) for child in (thread / "children").read_text().split())
    except (OSError, ProcessLookupError):
        pass  # it has just ended
    return total
