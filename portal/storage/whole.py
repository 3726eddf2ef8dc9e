"""An object read whole, and compared with the hash it was kept with, before anybody gets a byte of it."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from typing import IO

from portal.storage.port import ObjectAltered, ObjectStore

_IN_MEMORY = 1_000_000
"""Bytes of an object that are kept in memory; a larger one lies in a nameless file meanwhile."""


def whole(store: ObjectStore, key: str, sha256: str) -> IO[bytes]:
    """The object as an open file, to be closed; ObjectAltered unless it has this hash (hexadecimal), ObjectMissing."""
    digest = hashlib.sha256()
    with ExitStack() as opening:
        file = opening.enter_context(SpooledTemporaryFile(_IN_MEMORY))
        with store.open(key) as pieces:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
        if digest.hexdigest() != sha256:
            raise ObjectAltered(key=key)
        file.seek(0)
        opening.pop_all()
    return file
