"""Where content is found: the files of one regulation, from a folder or a release, and the order of lookup."""

from __future__ import annotations

import hashlib
import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from portal.errors import PortalError

ROOTS = ("bpmn", "forms", "documents")
SHARED = "_shared"  # the folder of what all regulations, or all procedures of one, may use
_KEPT = {".toml", ".bpmn", ".dmn", ".json", ".docx"}
_NOTES = {".md"}  # for readers of the folder; the portal never looks at them


@dataclass(frozen=True)
class Content:
    """The files of one regulation with what is shared by all: path -> bytes, paths as in the repository."""

    regulation: str
    files: Mapping[str, bytes]
    strangers: tuple[str, ...] = ()  # what lies beside them and is of no kind that is read

    @property
    def hash(self) -> str:
        """SHA-256 over every path and its bytes."""
        digest = hashlib.sha256()
        for path in sorted(self.files):
            digest.update(path.encode() + b"\0" + hashlib.sha256(self.files[path]).digest())
        return digest.hexdigest()

    def procedures(self) -> list[str]:
        """The slugs of the regulation's procedures."""
        start = f"bpmn/{self.regulation}/"
        parts = (path[len(start) :].split("/") for path in self.files if path.startswith(start))
        return sorted({part[0] for part in parts if len(part) == 2 and part[1] == "procedure.toml"})

    def find(self, root: str, procedure: str, name: str) -> str | None:
        """The path of a form, letter or diagram: the procedure's own, the regulation's, then everybody's."""
        places = (f"{self.regulation}/{procedure}", f"{self.regulation}/_shared", "_shared")
        for place in places:
            path = f"{root}/{place}/{name}"
            if path in self.files:
                return path
        return None

    def find_decisions(self, procedure: str, diagrams: Iterable[str], name: str) -> str | None:
        """The path of a file of decisions: the procedure's own, else one beside a diagram that it uses or calls.

        Beside the regulation's shared diagrams it is looked for before those of everybody.
        """
        named = list(diagrams)
        shared = [f"{owner}/{diagram}" for owner in (f"{self.regulation}/{SHARED}", SHARED) for diagram in named]
        places = (f"bpmn/{place}/{name}" for place in (f"{self.regulation}/{procedure}", *shared))
        return next((path for path in places if path in self.files), None)

    def paths(self, procedure: str) -> list[str]:
        """The acted-out legal cases of a procedure."""
        start = f"bpmn/{self.regulation}/{procedure}/paths/"
        return sorted(path for path in self.files if path.startswith(start) and path.endswith(".toml"))

    def pack(self) -> bytes:
        """The files as one compressed, reproducible piece."""
        plain = {path: b64encode(data).decode() for path, data in sorted(self.files.items())}
        return zlib.compress(json.dumps(plain, ensure_ascii=False).encode(), 9)


class ContentDamaged(PortalError):
    """What is kept of a release is not what `pack` made."""

    zh = "这个版本保存的内容已损坏，请从备份恢复。"
    en = "What is kept of this release is damaged: restore it from a backup."


def unpack(regulation: str, packed: bytes) -> Content:
    """The content that `pack` made; ContentDamaged."""
    try:
        plain = json.loads(zlib.decompress(packed))
        content = Content(regulation, {path: b64decode(text) for path, text in plain.items()})
    except (zlib.error, ValueError, TypeError, AttributeError) as error:
        raise ContentDamaged from error
    if f"bpmn/{regulation}/regulation.toml" not in content.files:
        raise ContentDamaged
    return content


def regulations(folder: Path) -> list[str]:
    """The slugs of the regulations under a content folder."""
    return sorted(path.parent.name for path in (folder / "bpmn").glob("*/regulation.toml"))


def from_folder(folder: Path, regulation: str) -> Content:
    """The content of one regulation as it lies in a folder that holds bpmn/, forms/ and documents/."""
    places = [f"{root}/{owner}" for root in ROOTS for owner in (regulation, SHARED)]
    found = [name for place in places for name in everything(folder, place)]
    kept = {name: (folder / name).read_bytes() for name in found if Path(name).suffix.lower() in _KEPT}
    return Content(regulation, kept, tuple(name for name in found if name not in kept))


def everything(folder: Path, place: str) -> Iterator[str]:
    """Every file below a place in a content folder, as paths in it; but for notes, and what editors leave behind."""
    for path in sorted((folder / place).rglob("*")):
        plain = path.suffix.lower() not in _NOTES and not path.name.startswith(("~", "."))
        if plain and path.is_file():
            yield path.relative_to(folder).as_posix()
