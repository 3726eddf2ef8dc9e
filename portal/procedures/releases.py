"""Publishes content as releases and hands out the procedures that a release holds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from sqlalchemy import ARRAY, BigInteger, Function, func, select
from sqlalchemy.orm import Session

from portal.errors import ContentFaults, PortalError
from portal.procedures import regulation as regulations
from portal.procedures.content import Content, ContentDamaged, unpack
from portal.procedures.models import Release
from portal.procedures.procedure import Procedure, assemble
from portal.procedures.regulation import Regulation


class UnknownProcedure(PortalError):
    """A procedure that no release in force holds."""

    zh = "没有名为“{procedure}”的办理事项。"
    en = "There is no procedure named “{procedure}”."


class UnknownRelease(PortalError):
    """There is no release of this number."""

    zh = "没有这个版本。"
    en = "There is no such release."


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
        self._regulations: dict[int, Regulation | None] = {}
        self._lock = Lock()

    def get(self, tx: Session, release_id: int) -> Published:
        """The release with this id."""
        with self._lock:
            if release_id not in self._opened:
                row = tx.get_one(Release, release_id)
                self._opened[release_id] = open_content(row.id, unpack(row.regulation, row.content))
            return self._opened[release_id]

    def each(self, tx: Session, ids: Collection[int]) -> dict[int, Published]:
        """Those of some releases that today's portal can open, by id; read in one statement."""
        with self._lock:
            unread = [one for one in ids if one not in self._opened]
            wanted = select(Release.id, Release.regulation, Release.content).where(Release.id.in_(unread))
            for release_id, regulation, content in tx.execute(wanted) if unread else ():
                with suppress(ContentFaults, ContentDamaged):
                    self._opened[release_id] = open_content(release_id, unpack(regulation, content))
            return {one: self._opened[one] for one in ids if one in self._opened}

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

    def regulations(self, tx: Session, regulation: str) -> list[tuple[datetime, Regulation]]:
        """A regulation as each of its releases has it, with the moment of publishing, the oldest first; without those
        that today's portal cannot open."""
        wanted = select(Release.id, Release.published_at).where(Release.regulation == regulation).order_by(Release.id)
        moments = {release_id: moment for release_id, moment in tx.execute(wanted)}
        with self._lock:
            known = {*self._opened, *self._regulations}
            unread = [one for one in moments if one not in known]
            rows = select(Release.id, Release.content).where(Release.id.in_(unread))
            for release_id, content in tx.execute(rows) if unread else ():
                self._regulations[release_id] = None
                with suppress(ContentFaults, ContentDamaged):
                    self._regulations[release_id] = regulation_in(unpack(regulation, content))
            opened = {release_id: published.regulation for release_id, published in self._opened.items()}
            read = {**self._regulations, **opened}
        return [(moment, found) for one, moment in moments.items() if (found := read[one]) is not None]

    def in_force(self, tx: Session) -> list[Published]:
        """The newest release of every regulation."""
        return [self.get(tx, release_id) for release_id in tx.scalars(_NEWEST)]


_NEWEST = select(func.max(Release.id)).group_by(Release.regulation)


def ids_in_force() -> Function[list[int]]:
    """SQL for the ids of the newest releases, as an array."""
    return func.array(_NEWEST.scalar_subquery(), type_=ARRAY(BigInteger))


@dataclass(frozen=True)
class Listed:
    """A release without its content; `number` counts the releases of its regulation from 1."""

    id: int
    regulation: str
    number: int
    hash: str
    published_at: datetime
    published_by: str


@dataclass(frozen=True)
class Compared:
    """A release beside the one before it: files by path; without one before, all of them are added."""

    release: Listed
    before: Listed | None
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    same: int
    damaged: bool = False
    """What is kept of one of the two cannot be read, so that nothing can be compared."""


def slugs(tx: Session) -> list[str]:
    """The regulations of which there is a release."""
    return list(tx.scalars(select(Release.regulation).distinct().order_by(Release.regulation)))


def history(tx: Session, regulation: str, before: int | None, limit: int) -> list[Listed]:
    """The releases of a regulation, newest first, from before one on."""
    number = func.row_number().over(order_by=Release.id)
    every = (
        select(
            Release.id,
            Release.regulation,
            number.label("number"),
            Release.hash,
            Release.published_at,
            Release.published_by,
        )
        .where(Release.regulation == regulation)
        .subquery()
    )
    found = select(every).order_by(every.c.id.desc()).limit(limit)
    if before is not None:
        found = found.where(every.c.id < before)
    return [Listed(*row) for row in tx.execute(found)]


def compared(tx: Session, release_id: int) -> Compared:
    """What a release brought; UnknownRelease."""
    row = tx.get(Release, release_id)
    if row is None:
        raise UnknownRelease()
    shown = history(tx, row.regulation, release_id + 1, 2)
    before = shown[1] if len(shown) > 1 else None
    try:
        now = unpack(row.regulation, row.content).files
        earlier = tx.get_one(Release, before.id) if before else None
        then: Mapping[str, bytes] = unpack(earlier.regulation, earlier.content).files if earlier else {}
    except ContentDamaged:
        return Compared(shown[0], before, (), (), (), 0, damaged=True)
    both = now.keys() & then.keys()
    changed = sorted(path for path in both if now[path] != then[path])
    return Compared(
        release=shown[0],
        before=before,
        added=tuple(sorted(now.keys() - then.keys())),
        changed=tuple(changed),
        removed=tuple(sorted(then.keys() - now.keys())),
        same=len(both) - len(changed),
    )


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
