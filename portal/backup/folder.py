"""Where things lie in a backup: the list of all, a file per table, a file per object; nobody else may read them."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from portal.errors import PortalError

LIST, TABLES, OBJECTS = "manifest.json", "tables", "objects"
_PIECE = 256 * 1024
_FAST = 1
"""How hard rows are compressed: harder costs more time than it saves room."""


class Taken(PortalError):
    """There is something where the backup was to be."""

    zh = "{path} 已存在：请为备份另取一个名称。"
    en = "{path} exists already: give the backup another name."


class Damaged(PortalError):
    """A part of a backup is not what its list says."""

    zh = "备份中的 {part} 与清单不符（缺失、残缺或被改动），未恢复任何内容：请改用另一份备份。"
    en = "{part} in the backup is not what its list says (missing, cut or altered): nothing was restored, take another."


@dataclass(frozen=True)
class Folder:
    """The folder of one backup."""

    path: Path

    @property
    def list(self) -> Path:
        """The list of everything in it, written last."""
        return self.path / LIST

    def table(self, name: str) -> Path:
        """The rows of a table."""
        return self.path / TABLES / f"{_safe(name)}.copy.gz"

    def object(self, key: str) -> Path:
        """An object."""
        return self.path / OBJECTS / _safe(key)

    def write_table(self, name: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Writes the rows of a table, and hands each piece on."""
        with _new(self.table(name)) as file, gzip.GzipFile("", "wb", _FAST, file, mtime=0) as packed:
            for piece in pieces:
                packed.write(piece)
                yield piece

    def rows(self, name: str) -> Iterator[bytes]:
        """The rows of a table as they were written; Damaged."""
        try:
            with gzip.open(self.table(name)) as packed:
                yield from _pieces(packed)
        except (OSError, EOFError, zlib.error) as error:
            raise Damaged(part=f"{TABLES}/{name}") from error

    def write_object(self, key: str, pieces: Iterable[bytes]) -> tuple[str, int]:
        """Writes an object; its SHA-256 (hexadecimal) and size."""
        digest, size = hashlib.sha256(), 0
        with _new(self.object(key)) as file:
            for piece in pieces:
                file.write(piece)
                digest.update(piece)
                size += len(piece)
        return digest.hexdigest(), size

    def found(self, key: str) -> tuple[str, int]:
        """The SHA-256 (hexadecimal) and size of an object; Damaged when it is not there."""
        digest, size = hashlib.sha256(), 0
        with self.opened(key) as file:
            for piece in _pieces(file):
                digest.update(piece)
                size += len(piece)
        return digest.hexdigest(), size

    @contextmanager
    def opened(self, key: str) -> Iterator[BinaryIO]:
        """An object, to be read; Damaged when it is not there."""
        try:
            file = self.object(key).open("rb")
        except OSError as error:
            raise Damaged(part=f"{OBJECTS}/{key}") from error
        with file:
            yield file

    def write_list(self, text: str) -> None:
        """Writes the list, once everything else is on the disk."""
        os.sync()
        with _new(self.list) as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())


@contextmanager
def making(path: Path) -> Iterator[Folder]:
    """A folder under another name, which gets its own when everything is in it; Taken.

    One whose making is killed keeps that name, and has no list.
    """
    path = path.absolute()
    if path.exists():
        raise Taken(path=path)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.part")
    fresh.mkdir(mode=0o700, parents=True)
    with ExitStack() as undoing:
        undoing.callback(shutil.rmtree, fresh, ignore_errors=True)
        yield Folder(fresh)
        fresh.rename(path)
        undoing.pop_all()
    _sync_folder(path.parent)


@contextmanager
def _new(path: Path) -> Iterator[IO[bytes]]:
    for folder in reversed(path.parents):
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        yield file


def _safe(name: str) -> str:
    """A name from a list, which may have been tampered with: nothing outside the folder is read or written."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\0" in name:
        raise Damaged(part=name)
    return name


def _pieces(file: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
