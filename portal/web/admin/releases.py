"""The releases of each regulation, what is in them, which cases run on them, and what changed from one to the next."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.cases import running
from portal.errors import ContentFaults
from portal.identity import Permission
from portal.procedures import releases
from portal.procedures.releases import Listed
from portal.web.access import needs, permit
from portal.web.acting import asked, reading
from portal.web.admin.blueprint import blueprint, frame
from portal.web.machine import machine
from portal.web.official.blueprint import count_text
from portal.web.pages import render
from portal.web.standing import standing

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
        return render(
            "admin/releases.html",
            sections=[_section(tx, slug, before) for slug in slugs],
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
        return render(
            "admin/release.html",
            changed=changed,
            row=_row(tx, changed.release),
            title=_title(tx, changed.release),
            kinds=[
                (_("新增"), "g", changed.added),
                (_("修改"), "a", changed.changed),
                (_("删除"), "r", changed.removed),
            ],
            **frame(tx, actor, RELEASES),
        )


def _section(tx: Session, slug: str, before: int | None) -> Section:
    found = releases.history(tx, slug, before, SIZE + 1)
    rows = tuple(_row(tx, one) for one in found[:SIZE])
    later = url_for("admin.releases_page", of=slug, before=rows[-1].release.id) if len(found) > SIZE else None
    return Section(slug, _title(tx, rows[0].release) if rows else slug, rows, later)


def _row(tx: Session, release: Listed) -> Row:
    return Row(
        release,
        release.id in standing(tx).releases,
        _procedures(tx, release.id),
        count_text(running.on_release(tx, release.id)),
    )


def _procedures(tx: Session, release_id: int) -> tuple[str, ...]:
    """The titles of the procedures of a release; nothing for one that today's portal cannot open any more."""
    try:
        opened = machine().kernel.releases.get(tx, release_id)
    except ContentFaults:
        return ()
    return tuple(procedure.manifest.title for procedure in opened.procedures.values())


def _title(tx: Session, release: Listed) -> str:
    try:
        return machine().kernel.releases.get(tx, release.id).regulation.title
    except ContentFaults:
        return release.regulation
