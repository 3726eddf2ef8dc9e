"""Publishes content as releases and hands out the procedures that a release holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.errors import PortalError
from portal.procedures import regulation as regulations
from portal.procedures.content import Content, unpack
from portal.procedures.models import Release
from portal.procedures.procedure import Procedure, assemble
from portal.procedures.regulation import Regulation


class UnknownProcedure(PortalError):
    """A procedure that no release in force holds."""

    zh = "没有名为“{procedure}”的办理事项。"
    en = "There is no procedure named “{procedure}”."


@dataclass(frozen=True)
class Published:
    """A release opened: its regulation and procedures, shared by all requests of a process."""

    id: int
    content: Content
    regulation: Regulation
    procedures: Mapping[str, Procedure]

    def procedure(self, slug: str) -> Procedure:
        """One procedure; UnknownProcedure when this release does not hold it."""
        if slug not in self.procedures:
            raise UnknownProcedure(procedure=slug)
        return self.procedures[slug]


def open_content(release_id: int, content: Content) -> Published:
    """Content put together; ContentFaults when it does not hold together."""
    regulation = regulation_in(content)
    procedures = {slug: assemble(content, regulation, slug) for slug in content.procedures()}
    return Published(release_id, content, regulation, procedures)


def regulation_in(content: Content) -> Regulation:
    """The regulation alone; ContentFaults when it does not hold together."""
    file = f"bpmn/{content.regulation}/regulation.toml"
    return regulations.read(content.regulation, content.files[file], file)


class Releases:
    """Opens releases once per process; a release never changes, so the cache never grows stale."""

    def __init__(self) -> None:
        self._opened: dict[int, Published] = {}
        self._lock = Lock()

    def get(self, tx: Session, release_id: int) -> Published:
        """The release with this id."""
        with self._lock:
            if release_id not in self._opened:
                row = tx.get_one(Release, release_id)
                self._opened[release_id] = open_content(row.id, unpack(row.regulation, row.content))
            return self._opened[release_id]

    def put(self, published: Published) -> None:
        """Takes in a release that was opened already, as a trial run's."""
        with self._lock:
            self._opened[published.id] = published

    def newest(self, tx: Session, regulation: str) -> Published:
        """The release in force for new cases of a regulation."""
        found = tx.scalar(select(func.max(Release.id)).where(Release.regulation == regulation))
        if found is None:
            raise UnknownProcedure(procedure=regulation)
        return self.get(tx, found)

    def in_force(self, tx: Session) -> list[Published]:
        """The newest release of every regulation."""
        newest = select(func.max(Release.id)).group_by(Release.regulation)
        return [self.get(tx, release_id) for release_id in tx.scalars(newest)]


def publish(tx: Session, content: Content, moment: datetime, by: str) -> tuple[Release, bool]:
    """Freezes checked content; the same content again gives the release it already is (and False)."""
    newest = tx.scalar(
        select(Release).where(Release.regulation == content.regulation).order_by(Release.id.desc()).limit(1)
    )
    if newest is not None and newest.hash == content.hash:
        return newest, False
    release = Release(
        regulation=content.regulation,
        hash=content.hash,
        published_at=moment,
        published_by=by,
        content=content.pack(),
    )
    tx.add(release)
    tx.flush()
    return release, True
