"""The processes that `portal run` looks after: one that ends is started again, one that keeps ending is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from portal.commands.parent import GO
from portal.errors import PortalError

STOPS_WITHIN = 6.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
LIVES_WELL = 60.0
"""Seconds after which a part that ends is started again at once."""
MOST_ENDS = 8
"""So many times in a row a part may end without having lived well: with the pauses, some one and a half minutes."""


class KeepsEnding(PortalError):
    """A part of the portal does not stay up."""

    zh = "{name} 连续 {times} 次启动后不久就结束，不再重新启动，门户停止运行；原因见上方日志。"
    en = "{name} ended {times} times soon after its start and is not started again, so the portal stops; see above."


class Part(ABC):
    """A process that is started again when it has ended: later and later when it keeps ending, and not for ever."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._since = time.monotonic()
        self._pause = 0.0
        self._ends = 0
        self._due: float | None = None

    @abstractmethod
    def start(self) -> None:
        """Starts it, without waiting until it can be used."""

    @abstractmethod
    def how_it_ended(self) -> str | None:
        """What is known of its end; None while it runs."""

    def look_after(self) -> None:
        """Starts it again when it has ended; KeepsEnding."""
        now = time.monotonic()
        if self._due is None:
            how = self.how_it_ended()
            if how is None:
                return
            self._due = self._next_start(how, now)
        if now >= self._due:
            self._due, self._since = None, now
            self.start()

    def _next_start(self, how: str, now: float) -> float:
        lived = now - self._since
        if lived > LIVES_WELL:
            self._pause, self._ends = 0.0, 1
        else:
            self._pause, self._ends = min(LONGEST_PAUSE, max(FIRST_PAUSE, self._pause * 2)), self._ends + 1
        if self._ends >= MOST_ENDS:
            raise KeepsEnding(name=self.name, times=self._ends)
        soon = f"in {self._pause:.0f} s" if self._pause else "at once"
        say(f"{self.name} ended ({how}) after {lived:.0f} s; it is started again {soon}")
        return now + self._pause


class Child(Part):
    """The pages or the worker: a command of ours that waits until everything that it needs is there."""

    def __init__(self, name: str, *arguments: str) -> None:
        super().__init__(name)
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        self._released = False

    def start(self) -> None:
        """Starts the process; it ends when the pipe to it is closed, so even when we are killed."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "portal", self.name, *self._arguments, "--child"],
            stdin=subprocess.PIPE,
            # Ctrl-C in the terminal is for us; we end the parts one after the other.
            start_new_session=True,
        )
        if self._released:
            self.release()

    def release(self) -> None:
        """Lets it begin; until then it only loads its programs."""
        self._released = True
        if self._process is not None and self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.write(GO)
                self._process.stdin.flush()

    def how_it_ended(self) -> str | None:
        """Its exit code, or the signal that ended it as a negative number."""
        code = self._process.poll() if self._process is not None else None
        return None if code is None else str(code)

    def stop(self) -> None:
        """Ends the process, at last by force."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None


class EmbeddedServer(Protocol):
    """What PostgreSQL and the object store that we start ourselves have in common."""

    @property
    def log(self) -> Path:
        """The file in which it says what it does."""
        ...

    def is_down(self) -> bool:
        """Whether it has ended."""
        ...

    def start_again(self) -> None:
        """Starts it anew at the same address, without waiting until it answers."""
        ...


class Server(Part):
    """An embedded server, which runs already when we begin to look after it."""

    def __init__(self, name: str, server: EmbeddedServer) -> None:
        super().__init__(name)
        self._server = server

    def start(self) -> None:
        """Starts it anew."""
        self._server.start_again()

    def how_it_ended(self) -> str | None:
        """Where it says why."""
        return f"its log: {self._server.log}" if self._server.is_down() else None


def say(line: str) -> None:
    """Tells whoever watches the terminal."""
    print(f"portal: {line}", flush=True)
