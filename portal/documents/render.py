"""Renders a letter, or reads a file from outside, in a process that is killed when it takes too much time or memory.

Starting Python and importing what this needs takes many times as long as a letter. So one child is prepared and
forks a process for each letter or file; it never looks at any of them itself, and ends when it has nothing to do.
"""

from __future__ import annotations

import atexit
import json
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import portal
from portal.documents.filters import RenderFailed, ValueMissing, ValueUnfit

SECONDS = 10
MEMORY = 512 * 1024 * 1024
_ROOT = Path(portal.__file__).resolve().parent.parent
# How long the prepared child may take beyond the letter's own time, to fork, to kill and to tell.
_SLACK = 5.0
END = b"\0ended:\0"
STATUS = struct.Struct(f"!{len(END)}si")
"""What the prepared child writes behind a letter's answer: END, and how its process ended, as `subprocess` tells it."""
ORDER = struct.Struct("!d")
"""What it is asked with, beside the letter's connection: the seconds that the letter has."""


class RenderTooLong(RenderFailed):
    """Rendering used up its time."""

    zh = "文书生成超过 {seconds} 秒，已经停止。请检查模板里的循环。"
    en = "Rendering took more than {seconds} seconds and was stopped."


class RenderTooLarge(RenderFailed):
    """Rendering used up its memory."""

    zh = "文书生成占用的内存超过限额，已经停止。请检查模板里的循环和图片。"
    en = "Rendering took more memory than allowed and was stopped."


class TemplateFaulty(RenderFailed):
    """The template is not one that a letter may be made from."""

    zh = "文书模板有误：{summary}"
    en = "The letter's template is faulty: {summary}"


class RenderBroke(RenderFailed):
    """The rendering process ended without a letter."""

    zh = "文书未能生成（{reason}）。"
    en = "The letter could not be rendered ({reason})."


class FileUnreadable(RenderFailed):
    """A file from outside is damaged, or not what its name says."""

    zh = "文件已损坏，或者内容与扩展名不符，不能预览。"
    en = "The file is damaged, or not what its name says, and cannot be shown."


class FileLocked(RenderFailed):
    """A file from outside is encrypted, or of the old format of which nothing can be read."""

    zh = "文件加了密码，或者是旧版 Office 格式，不能预览。"
    en = "The file is protected by a password, or in an old Office format, and cannot be shown."


class FileTooComplex(RenderFailed):
    """A file from outside would take too much time or memory to read."""

    zh = "文件内容过多或过于复杂，不能预览。"
    en = "The file holds too much to be shown."


# What the child may report by name; it raises the same classes.
FAILURES: dict[str, type[RenderFailed]] = {
    failure.__name__: failure
    for failure in (
        RenderTooLong,
        RenderTooLarge,
        TemplateFaulty,
        RenderBroke,
        FileUnreadable,
        FileLocked,
        FileTooComplex,
        ValueMissing,
        ValueUnfit,
    )
}


def render(template: bytes, data: Mapping[str, object], verification_url: str, *, seconds: float = SECONDS) -> bytes:
    """The finished .docx: the same bytes for the same template, data and address; else RenderFailed.

    `data` are those frozen at issue. `{{ qr }}` becomes a code of `verification_url`.
    """
    return work("letter", template, {"data": data, "url": verification_url}, seconds=seconds)


def work(name: str, file: bytes, more: Mapping[str, object] | None = None, *, seconds: float = SECONDS) -> bytes:
    """What the child makes of a file by one of its works (`render_child.WORKS`), in a process that is killed when it
    takes too long or too much memory; else RenderFailed."""
    request = {**(more or {}), "work": name, "seconds": seconds, "memory": MEMORY}
    asked = json.dumps(request).encode() + b"\n" + file
    # The child may just have ended for want of work, or been killed: then another one is prepared.
    answer = _PREPARED.ask(asked, seconds) or _PREPARED.ask(asked, seconds)
    if answer is None:
        raise RenderBroke(reason="no answer")
    return _made(answer[: -STATUS.size], STATUS.unpack(answer[-STATUS.size :])[1], seconds)


def _made(answer: bytes, status: int, seconds: float) -> bytes:
    """What the work's process said: a line of JSON, then what it made."""
    head, _, made = answer.partition(b"\n")
    if status in (-signal.SIGXCPU, -signal.SIGKILL):
        raise RenderTooLong(seconds=seconds)
    try:
        failure = json.loads(head)
    except ValueError as error:
        raise RenderBroke(reason=f"exit {status}") from error
    if failure is None:
        return made
    raise FAILURES[failure["name"]](**failure["facts"])


class _Prepared:
    """The prepared child of this process; started when a letter is to be made and none is alive."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def ask(self, request: bytes, seconds: float) -> bytes | None:
        """The answer to a request with the status behind it; None when the child was gone. RenderTooLong."""
        mine, its = socket.socketpair()
        with mine:
            with its:
                child = self._hand_over(its, seconds)
            mine.settimeout(seconds + _SLACK)
            try:
                mine.sendall(request)
                mine.shutdown(socket.SHUT_WR)
            except TimeoutError as error:
                self._end(child)
                raise RenderTooLong(seconds=seconds) from error
            except OSError:
                pass  # its process ended without reading all; what it said before is read below
            try:
                answer = b"".join(iter(lambda: mine.recv(1 << 16), b""))
            except TimeoutError as error:
                self._end(child)
                raise RenderTooLong(seconds=seconds) from error
            except ConnectionError:
                answer = b""
        # Without its end an answer may be cut off: the prepared child was killed meanwhile.
        if answer[-STATUS.size :].startswith(END):
            return answer
        self._end(child)
        return None

    def _hand_over(self, connection: socket.socket, seconds: float) -> subprocess.Popen[bytes]:
        """Has the prepared child fork for a connection; the child that was asked."""
        order = [ORDER.pack(seconds)], [connection.fileno()]
        with self._lock:
            child, control = self._alive()
            try:
                socket.send_fds(control, *order)
            except OSError:
                self._forget()
                child, control = self._alive()
                socket.send_fds(control, *order)
        return child

    def _alive(self) -> tuple[subprocess.Popen[bytes], socket.socket]:
        if self._control is not None and self._child is not None and self._child.poll() is None:
            return self._child, self._control
        self._forget()
        control, its = socket.socketpair()
        with its:
            child = subprocess.Popen(
                [sys.executable, "-X", "utf8", "-m", "portal.documents.render_child", str(its.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[its.fileno()],
                cwd=_ROOT,
                # Nothing of ours is inherited: no addresses, no passwords.
                env={"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"},
            )
        self._child, self._control = child, control
        return child, control

    def _end(self, child: subprocess.Popen[bytes]) -> None:
        """Ends a child that does not answer any more, unless another has taken its place already."""
        with self._lock:
            if self._child is child:
                self._forget()

    def _forget(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._child is not None:
            self._child.kill()
            self._child.wait()
        self._child = self._control = None

    def close(self) -> None:
        """Lets the child end with this process."""
        with self._lock:
            self._forget()


_PREPARED = _Prepared()
atexit.register(_PREPARED.close)
