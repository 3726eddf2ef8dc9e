"""An object store in memory, for trial runs and tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import BinaryIO

from portal import clock
from portal.storage.port import Kept, ObjectExists, ObjectMissing, Stored, content_of


class MemoryStore:
    """Keeps objects as long as it lives itself."""

    def __init__(self) -> None:
        self._objects: dict[str, tuple[bytes, Stored, datetime]] = {}

    def put(self, key: str, data: bytes | BinaryIO, size: int, content_type: str, name: str = "") -> None:
        """Keep exactly `size` bytes (else ValueError); ObjectExists when the key is taken."""
        content = content_of(data, size)
        stored = Stored(key, size, content_type, name)
        if self._objects.setdefault(key, (content, stored, clock.now().astimezone(UTC)))[1] is not stored:
            raise ObjectExists(key=key)

    def get(self, key: str) -> bytes:
        """The whole object; ObjectMissing when there is none."""
        return self._found(key)[0]

    @contextmanager
    def open(self, key: str) -> Iterator[Iterator[bytes]]:
        """The object as one piece; ObjectMissing when there is none."""
        yield iter([self.get(key)])

    def stat(self, key: str) -> Stored:
        """What is known of the object; ObjectMissing when there is none."""
        return self._found(key)[1]

    def delete(self, key: str) -> None:
        """Remove the object; nothing happens when there is none."""
        self._objects.pop(key, None)

    def keys(self) -> Iterator[Kept]:
        """All keys with their age."""
        for key, (_, _, since) in list(self._objects.items()):
            yield Kept(key, since)

    def check(self) -> None:
        """Memory can always be used."""

    def _found(self, key: str) -> tuple[bytes, Stored, datetime]:
        try:
            return self._objects[key]
        except KeyError as error:
            raise ObjectMissing(key=key) from error
