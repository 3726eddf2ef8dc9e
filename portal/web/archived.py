"""The closed file of a case (归档) as its officials read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.cases import archiving
from portal.cases.archiving import LETTER
from portal.cases.live import LiveCase
from portal.web import dates


@dataclass(frozen=True)
class PieceLine:
    """A piece: its name, what it is and how large, and its digest."""

    name: str
    note: str
    sha256: str


@dataclass(frozen=True)
class ArchiveView:
    """How long it is kept; while it is open (`closed_at` is empty) what it waits for."""

    retention: str
    begun_at: datetime
    closed_at: datetime | None
    sha256: str
    pieces: tuple[PieceLine, ...]
    waits: tuple[str, ...]
    json_url: str
    zip_url: str


def archive(tx: Session, case: LiveCase) -> ArchiveView | None:
    """The file of a case, when its diagram has had it closed."""
    row = archiving.of_case(tx, case.id)
    if row is None:
        return None
    pieces = row.listed["pieces"] if row.listed else ()
    waits = archiving.unfinished(case) if row.closed_at is None else ()
    scanned = archiving.unscanned(case) if row.closed_at is None else ()
    return ArchiveView(
        retention=row.retention,
        begun_at=row.begun_at,
        closed_at=row.closed_at,
        sha256=row.sha256 or "",
        pieces=tuple(
            PieceLine(
                piece["file"],
                f"{_('文书') if piece['kind'] == LETTER else _('材料')} · {dates.size(piece['size'])}",
                piece["sha256"],
            )
            for piece in pieces
        ),
        waits=tuple(
            _("%(number)s 生成失败", number=one.number)
            if one.state == "failed"
            else _("%(number)s 正在生成", number=one.number)
            for one in waits
        )
        + tuple(_("%(name)s 正在安全检查", name=one.name) for one in scanned),
        json_url=f"/cases/{case.id}/archive.json",
        zip_url=f"/cases/{case.id}/archive.zip",
    )
