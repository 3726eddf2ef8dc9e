"""The table of docs/performance.md: what was measured, on which machine, beside what we aim at."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from bench.speed.figures import Figure

BEGINS, ENDS = "<!-- measured: begins -->", "<!-- measured: ends -->"


def machine() -> str:
    """The machine in a few words: cores, their kind, memory, Python."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    kind = cpu[1] if cpu else platform.machine()
    size = f", {int(memory[1]) / 2**20:.0f} GiB" if memory else ""
    return f"{os.cpu_count()} cores ({kind}){size}, Python {platform.python_version()}"


def table(figures: Sequence[Figure], on: date, where: str) -> str:
    """The figures as Markdown; what is not reached says so."""
    lines = [
        f"Measured on {on.isoformat()}: {where}.",
        "",
        "| what | we aim at | measured | how | pace |",
        "|---|---|---|---|---|",
    ]
    for one in figures:
        got = one.got if one.reached else f"**{one.got}** (missed)"
        lines.append(f"| {one.what} | {one.goal} | {got} | {one.detail} | {one.pace} |")
    return "\n".join(lines)


def written(document: str, measured: str) -> str:
    """A document with the table between its two marks in place of the one before; ValueError without marks."""
    before, begins, rest = document.partition(BEGINS)
    _old, ends, after = rest.partition(ENDS)
    if not begins or not ends:
        raise ValueError(f"{BEGINS} and {ENDS} are missing")
    return f"{before}{BEGINS}\n{measured}\n{ENDS}{after}"
