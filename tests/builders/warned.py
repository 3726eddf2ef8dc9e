"""A small procedure whose one duty is warned of: filed by a unit, done by an officer within ten working days."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.cases.models import DeskMatter
from portal.notify import PortalMessage
from portal.procedures.content import Content
from tests.builders.diagrams import path
from tests.builders.procedures import Small, content, deadline, end, procedure, start, task, waits
from tests.builders.world import World

WARN = """warn = [ { day = 5, remind = ["officer"] }, { day = 8, remind = ["officer", "leader"] },
         { overdue = 0, remind = ["leader"], raise = "leader" }, { overdue = 2, remind = ["officer"] } ]
"""
DUTY = deadline("decide", "10 working days", kind="duty", met="done(do)")
FILED = "2026-09-18T10:00:00"
"""A Friday: day 5 is 24 September, day 8 the 30th, day 10 is 9 October, the second day after it 12 October."""


def asked(warn: str = WARN) -> Small:
    """Filed, done, and ended."""
    return procedure(start(), task("do"), end(), path("start", "do", "end"), manifest=DUTY + warn)


def left_open(within: str = "7 working days", kind: str = "right", warn: str = "") -> Small:
    """Filed, then waiting for a message, with a period that runs from the filing."""
    parts = (start(), waits("answer", "answered", role="unit"), end(), path("start", "answer", "end"))
    return procedure(*parts, manifest=deadline("limit", within, kind=kind) + warn)


def warned_content(warn: str = WARN) -> Content:
    """The regulation `small` with this one procedure."""
    return content(asked=asked(warn))


def messages(world: World) -> list[tuple[int, str, str]]:
    """Every message so far: to whom, when (month, day, hour, minute), its title."""

    def look(tx: Session) -> list[tuple[int, str, str]]:
        rows = tx.scalars(select(PortalMessage).order_by(PortalMessage.id)).all()
        return [(row.person_id, f"{row.at.astimezone(world.now.tzinfo):%m-%d %H:%M}", row.title) for row in rows]

    return world.run.read(look)


def matters(world: World) -> list[tuple[str, str, str | None]]:
    """Every matter so far: role, kind, decision."""

    def look(tx: Session) -> list[tuple[str, str, str | None]]:
        rows = tx.scalars(select(DeskMatter).order_by(DeskMatter.id)).all()
        return [(row.role, row.kind, row.decision) for row in rows]

    return world.run.read(look)
