"""Asks a virus scanner what is in a file: clamd, over TCP or a Unix socket, by its INSTREAM command."""

from __future__ import annotations

import re
import socket
import struct
from typing import IO, Protocol

from portal.errors import PortalError
from portal.settings import ScannerSettings

PIECE = 64 * 1024
WAITS = 60.0
"""Seconds that the scanner may take for a piece, and for its answer."""
_LONGEST_ANSWER = 4096
_LENGTH = struct.Struct("!I")
_FOUND = re.compile(r"^stream: (?P<what>.{1,200}) FOUND$")
_CLEAN = "stream: OK"


class ScannerAway(PortalError):
    """The scanner does not answer, or has not looked at the whole file: nothing is known of it."""

    zh = "病毒扫描服务没有给出结论（{reason}），文件继续隔离。"
    en = "The virus scanner gave no verdict ({reason}); the file stays in quarantine."


class Scanner(Protocol):
    """Looks at files."""

    def look(self, file: IO[bytes]) -> str | None:
        """What was found in an open file, by the scanner's name for it; None: nothing. ScannerAway."""
        ...


class Clamd:
    """A clamd, asked anew for each file."""

    def __init__(self, settings: ScannerSettings) -> None:
        self._settings = settings

    def look(self, file: IO[bytes]) -> str | None:
        """Only the two answers that clamd gives of a file it has read to its end count."""
        try:
            answer = self._asked(file)
        except OSError as error:
            raise ScannerAway(reason=str(error) or type(error).__name__) from error
        found = _FOUND.match(answer)
        if found is not None:
            return found["what"]
        if answer != _CLEAN:
            raise ScannerAway(reason=answer[:200] or "no answer")
        return None

    def _asked(self, file: IO[bytes]) -> str:
        with self._connected() as connection:
            try:
                connection.sendall(b"zINSTREAM\0")
                while piece := file.read(PIECE):
                    connection.sendall(_LENGTH.pack(len(piece)) + piece)
                connection.sendall(_LENGTH.pack(0))
            except ConnectionError:
                pass  # it has closed a file that is too large for it, and says so below
            said = b""
            while b"\0" not in said and len(said) < _LONGEST_ANSWER and (more := connection.recv(_LONGEST_ANSWER)):
                said += more
        # An answer that was cut off is none.
        whole, end, _ = said.partition(b"\0")
        return whole.decode("utf-8", "replace").strip() if end else ""

    def _connected(self) -> socket.socket:
        where = self._settings
        if where.path is None:
            return socket.create_connection((where.host, where.port), WAITS)
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(WAITS)
        try:
            connection.connect(where.path)
        except OSError:
            connection.close()
            raise
        return connection
