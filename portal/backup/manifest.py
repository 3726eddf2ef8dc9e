"""What a backup says of itself: whose it is, of which moment, and every table and object with its hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from portal.errors import PortalError

FORMAT = 1


class NotABackup(PortalError):
    """The folder holds no complete backup."""

    zh = "{path} 不是完整的备份（{reason}）：备份被中断时不会留下清单。未恢复任何内容，请改用另一份备份。"
    en = (
        "{path} is not a complete backup ({reason}): one that was cut short has no list. Nothing was restored; "
        "take another."
    )


class OtherFormat(PortalError):
    """The backup is written in a form that this portal does not read."""

    zh = "备份的格式版本是 {found}，本门户只能读取 {known}：请用生成它的门户版本恢复。"
    en = "The backup has format {found}, this portal reads {known}: restore it with the portal that made it."


@dataclass(frozen=True)
class KeptTable:
    """A table: its columns as they stand in its file, how many rows, and the SHA-256 of their text."""

    name: str
    columns: tuple[str, ...]
    rows: int
    sha256: str


@dataclass(frozen=True)
class KeptObject:
    """An object: its key, bytes and SHA-256, and what the store knows of it besides."""

    key: str
    size: int
    sha256: str
    content_type: str
    name: str


@dataclass(frozen=True)
class Manifest:
    """The list of a backup."""

    portal: str
    """The version that made it."""
    revision: str
    """The state of the schema."""
    moment: datetime
    """Of which moment it is (real time)."""
    tables: tuple[KeptTable, ...]
    sequences: Mapping[str, int | None]
    """What each sequence had handed out last."""
    left_out: tuple[str, ...]
    """Tables whose rows are not in it."""
    objects: tuple[KeptObject, ...]
    missing: tuple[str, ...]
    """Keys of objects that rows refer to and that the store did not have."""

    @property
    def rows(self) -> int:
        """How many rows there are in all."""
        return sum(table.rows for table in self.tables)

    @property
    def bytes(self) -> int:
        """How large the objects are in all."""
        return sum(one.size for one in self.objects)

    def text(self) -> str:
        """As it is written."""
        said = asdict(self) | {"format": FORMAT, "moment": self.moment.isoformat()}
        return json.dumps(said, ensure_ascii=False, indent=1)

    @property
    def sha256(self) -> str:
        """The hash of the list, and so of everything that it lists."""
        return hashlib.sha256(self.text().encode()).hexdigest()


def parsed(text: str) -> Manifest:
    """A list that was written by `Manifest.text`; OtherFormat, and ValueError, KeyError or TypeError for no such."""
    said: dict[str, Any] = json.loads(text)
    if said["format"] != FORMAT:
        raise OtherFormat(found=said["format"], known=FORMAT)
    return Manifest(
        portal=str(said["portal"]),
        revision=str(said["revision"]),
        moment=datetime.fromisoformat(said["moment"]),
        tables=tuple(KeptTable(**{**one, "columns": tuple(one["columns"])}) for one in said["tables"]),
        sequences=said["sequences"],
        left_out=tuple(said["left_out"]),
        objects=tuple(KeptObject(**one) for one in said["objects"]),
        missing=tuple(said["missing"]),
    )
