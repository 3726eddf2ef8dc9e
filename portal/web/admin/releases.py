"""The releases of each regulation, what is in them, which cases run on them, and what changed from one to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.cases import running
from portal.edge.acting import asked, reading
from portal.edge.machine import machine
from portal.edge.standing import standing
from portal.identity import Permission
from portal.procedures import Published, releases
from portal.procedures.releases import Listed
from portal.web.access import needs, permit
from portal.web.admin.blueprint import blueprint, frame
from portal.web.official.blueprint import count_text
from portal.web.pages import render

SIZE = 10
"""Releases of one regulation on a page."""
RELEASES = "/admin/releases"


@dataclass(frozen=True)
class Row:
    """A release as the list shows it."""

    release: Listed
    in_force: bool
    procedures: tuple[str, ...]
    cases: str


@dataclass(frozen=True)
class Section:
    """The releases of one regulation, newest first; `later` leads to earlier ones."""

    slug: str
    title: str
    rows: tuple[Row, ...]
    later: str | None


@blueprint.get("/releases")
@needs(Permission.SYSTEM_READ)
def releases_page() -> ResponseReturnValue:
    """Every regulation with its last releases."""
    actor = permit()
    before, of = asked("before"), request.args.get("of")
    with reading() as tx:
        # Earlier ones are asked for of one regulation, and the page then shows that one alone.
        slugs = [slug for slug in releases.slugs(tx) if before is None or slug == of]
        found = {slug: releases.history(tx, slug, before, SIZE + 1) for slug in slugs}
        about = _about(tx, [one.id for listed in found.values() for one in listed[:SIZE]])
        return render(
            "admin/releases.html",
            sections=[_section(tx, slug, listed, about) for slug, listed in found.items()],
            earlier=RELEASES if before is not None else None,
            **frame(tx, actor, RELEASES),
        )


@blueprint.get("/releases/<int:release_id>")
@needs(Permission.SYSTEM_READ)
def release_page(release_id: int) -> ResponseReturnValue:
    """One release: its procedures, its files, and what changed since the one before."""
    actor = permit()
    with reading() as tx:
        changed = releases.compared(tx, release_id)
        about = _about(tx, [release_id])
        return render(
            "admin/release.html",
            changed=changed,
            row=_row(tx, changed.release, about),
            title=about.title(changed.release),
            kinds=[
                (_("新增"), "g", changed.added),
                (_("修改"), "a", changed.changed),
                (_("删除"), "r", changed.removed),
            ],
            **frame(tx, actor, RELEASES),
        )


@dataclass(frozen=True)
class _About:
    """Of some releases those that today's portal can open, and how many open cases run on each."""

    opened: Mapping[int, Published]
    cases: Mapping[int, int]

    def procedures(self, release: Listed) -> tuple[str, ...]:
        """The titles of its procedures; nothing for one that cannot be opened."""
        one = self.opened.get(release.id)
        return tuple(procedure.manifest.title for procedure in one.procedures.values()) if one else ()

    def title(self, release: Listed) -> str:
        """What its regulation is called."""
        one = self.opened.get(release.id)
        return one.regulation.title if one else release.regulation


def _about(tx: Session, ids: list[int]) -> _About:
    """In as many statements whatever number of releases."""
    return _About(machine().kernel.releases.each(tx, ids), running.on_releases(tx, ids))


def _section(tx: Session, slug: str, found: list[Listed], about: _About) -> Section:
    rows = tuple(_row(tx, one, about) for one in found[:SIZE])
    later = url_for("admin.releases_page", of=slug, before=rows[-1].release.id) if len(found) > SIZE else None
    readable = (one.release for one in rows if one.release.id in about.opened)
    named = next(readable, rows[0].release if rows else None)
    return Section(slug, about.title(named) if named else slug, rows, later)


def _row(tx: Session, release: Listed, about: _About) -> Row:
    return Row(
        release, release.id in standing(tx).releases, about.procedures(release), count_text(about.cases[release.id])
    )
