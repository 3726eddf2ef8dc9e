"""What is known of a PostgreSQL server from outside: what its pid file says and whether that is still so."""

from __future__ import annotations

import hashlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from portal.db import servers

PROGRAM = "postgres"
LEFTOVERS_END_WITHIN = 10.0


@dataclass(frozen=True)
class Postmaster:
    """The running server of a data folder."""

    pid: int
    socket: Path
    status: str


def read(data: Path) -> Postmaster | None:
    """What postmaster.pid says, or None when there is none or it is not complete yet."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    if len(lines) < 8:
        return None
    return Postmaster(int(lines[0]), Path(lines[4]), lines[7].strip())


def living(data: Path) -> Postmaster | None:
    """The server that runs on this data folder now."""
    found = read(data)
    lives = found is not None and servers.is_running(found.pid, PROGRAM, mark(data))
    return found if lives else None


def mark(data: Path) -> str:
    """The cluster's name, which all its processes show; different for each data folder."""
    return f"portal-{hashlib.sha256(os.fsencode(data)).hexdigest()[:16]}"


def clear_leftovers(data: Path) -> None:
    """After a server was killed: end its orphans and remove its pid file, so that a new one may start.

    PostgreSQL itself refuses to start when the pid in the file lives again as another program.
    """
    servers.end_all(PROGRAM, mark(data), signal.SIGQUIT, signal.SIGKILL, within=LEFTOVERS_END_WITHIN)
    if servers.PROCESSES.exists():
        (data / "postmaster.pid").unlink(missing_ok=True)
