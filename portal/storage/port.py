"""What the portal asks of an object store, and what can go wrong with it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

from portal.errors import PortalError


class StoreUnavailable(PortalError):
    """The object store does not answer, or refuses us."""

    zh = "文件存储暂时不可用，请稍后再试。"
    en = "The object store is unavailable: {reason}"


class ObjectMissing(PortalError):
    """There is no object under this key."""

    zh = "文件存储中没有这个文件，可能已经丢失。请告知管理员。"
    en = "The object store has no file {key}; it may be lost. Please tell the administrator."


class ObjectAltered(PortalError):
    """The object is not the one that was kept: its hash is another."""

    zh = "文件的内容与登记时的摘要（SHA-256）不一致，可能已损坏或被改动，不予显示和下载。请告知管理员。"
    en = (
        "The file {key} is not the one that was kept (its SHA-256 differs), so it is neither shown nor sent. "
        "Please tell the administrator."
    )


class ObjectExists(PortalError):
    """There is an object under this key already; it is never overwritten."""

    zh = "文件 {key} 已存在，不能覆盖。"
    en = "The object {key} exists and is not overwritten."


@dataclass(frozen=True)
class Stored:
    """What is known of an object without reading it."""

    key: str
    size: int
    """Bytes."""
    content_type: str
    name: str
    """The file's name as its owner knows it; may be empty."""


@dataclass(frozen=True)
class Kept:
    """A key and since when it is kept, for the sweeper of orphans."""

    key: str
    since: datetime


class ObjectStore(Protocol):
    """Keeps bytes under keys; every call may raise StoreUnavailable."""

    def put(self, key: str, data: bytes | BinaryIO, size: int, content_type: str, name: str = "") -> None:
        """Keep exactly `size` bytes (else ValueError) durably; ObjectExists when the key is taken."""
        ...

    def get(self, key: str) -> bytes:
        """The whole object; ObjectMissing when there is none."""
        ...

    def open(self, key: str) -> AbstractContextManager[Iterator[bytes]]:
        """The object piece by piece, for sending it on; ObjectMissing when there is none."""
        ...

    def stat(self, key: str) -> Stored:
        """What is known of the object; ObjectMissing when there is none."""
        ...

    def delete(self, key: str) -> None:
        """Remove the object; nothing happens when there is none."""
        ...

    def keys(self) -> Iterator[Kept]:
        """All keys with their age."""
        ...

    def check(self) -> None:
        """Do nothing when the store can be used."""
        ...


def new_key() -> str:
    """A key nobody can guess."""
    key = secrets.token_hex(16)
    return f"{key[:2]}/{key}"


def content_of(data: bytes | BinaryIO, size: int) -> bytes:
    """The bytes to be kept; ValueError unless there are exactly `size`."""
    content = data if isinstance(data, bytes) else data.read(size + 1)
    if len(content) != size:
        raise ValueError(f"{size} bytes were announced, {len(content)} or more came")
    return content
