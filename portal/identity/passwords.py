"""Passwords as argon2id hashes, and the same work for a login that nobody has."""

from __future__ import annotations

import unicodedata
from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# RFC 9106's second choice: 64 MiB, three passes, four lanes; about 110 ms.
HASHER = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=4)

# Each hash takes a core and 64 MiB: a flood of attempts must not take all of a process.
_TURNS = BoundedSemaphore(2)


def hashed(password: str) -> str:
    """The argon2id hash to keep of a password."""
    with _TURNS:
        return HASHER.hash(_normal(password))


def fits(password: str, password_hash: str | None) -> bool:
    """Whether a password belongs to a hash; without one, or with an empty one, the same work for nothing."""
    with _TURNS:
        try:
            HASHER.verify(password_hash or _nobodys(), _normal(password))
        except (VerificationError, InvalidHashError):
            return False
    return bool(password_hash)


def is_outdated(password_hash: str) -> bool:
    """Whether a hash was made with weaker parameters than today's."""
    return HASHER.check_needs_rehash(password_hash)


def _normal(password: str) -> bytes:
    # The same characters may be typed in several encodings; half a surrogate pair is still a password.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


@cache
def _nobodys() -> str:
    return HASHER.hash(b"nobody")
