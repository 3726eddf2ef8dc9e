"""What the portal's embedded servers have in common: an owner's lock, a secret file, leftover processes."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

PROCESSES = Path("/proc")
LARGEST_LOG = 10 * 1024 * 1024


def lock(file: Path) -> IO[str] | None:
    """The lock of the owning process, or None while another process has it."""
    handle = file.open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return None
    return handle


class Users:
    """Who uses a server that processes share: the last one to leave stops it, and one that is killed has left."""

    def __init__(self, place: Path) -> None:
        self._file, self._door = place / "users", place / "door"
        self._mine: IO[str] | None = None

    def enter(self, seconds: float) -> bool:
        """Takes part, once nobody is stopping the server any more; whether that came in time."""
        self._mine = self._file.open("a")
        return wait_until(lambda: self._holds(fcntl.LOCK_SH), seconds)

    def leave(self, stop: Callable[[], None]) -> None:
        """Takes part no longer; the last one stops the server before anybody else may enter."""
        if self._mine is None:
            return
        # One after the other: of two that leave together one is the last.
        with self._door.open("a") as door, self._mine as mine:
            fcntl.flock(door, fcntl.LOCK_EX)
            try:
                if self._holds(fcntl.LOCK_EX):
                    stop()
            finally:
                # Said aloud, for a forked child may have inherited the handle.
                fcntl.flock(mine, fcntl.LOCK_UN)
                fcntl.flock(door, fcntl.LOCK_UN)
                self._mine = None

    def _holds(self, kind: int) -> bool:
        assert self._mine is not None
        try:
            fcntl.flock(self._mine, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def write_secret(file: Path, secret: str) -> None:
    """Write a file that only we may read."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write(secret)


def log(file: Path) -> IO[bytes]:
    """A log to append to; a large one is put aside first."""
    if file.exists() and file.stat().st_size > LARGEST_LOG:
        file.rename(file.with_suffix(".old"))
    return file.open("ab")


def is_running(pid: int, program: str, mark: str) -> bool:
    """Whether this process is the program, started with (or showing) the mark.

    Command lines may be read even where root may not look further into another user's process.
    """
    if not PROCESSES.exists():
        return send(pid, 0)
    try:
        command = (PROCESSES / str(pid) / "cmdline").read_text(errors="replace")
    except OSError:
        return False
    started = command.partition("\0")[0]
    # A PostgreSQL session shows "postgres: <cluster>: …" in place of its command line.
    return mark in command and (Path(started).name == program or started.startswith(f"{program}:"))


def processes(program: str, mark: str) -> list[int]:
    """All processes of the program with the mark; none where processes cannot be listed."""
    if not PROCESSES.exists():
        return []
    pids = (int(entry.name) for entry in PROCESSES.iterdir() if entry.name.isdigit())
    return [pid for pid in pids if is_running(pid, program, mark)]


def end_all(program: str, mark: str, *signals: int, within: float) -> None:
    """End the program's processes with the mark: signal after signal, each given so many seconds."""
    for number in signals:
        leftovers = processes(program, mark)
        for pid in leftovers:
            send(pid, number)
        if leftovers:
            wait_until(lambda: not processes(program, mark), within)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition, at most so long; whether it came true."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def send(pid: int, number: int) -> bool:
    """Signal a process; whether there was one."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
