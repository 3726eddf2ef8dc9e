"""Whether a worker lives, as pages tell it on which something waits for one: asked now and then, not for each page."""

from __future__ import annotations

import time
from dataclasses import dataclass

from flask import current_app, request

from portal import clock, jobs
from portal.db.database import DatabaseBusy, DatabaseUnreachable
from portal.edge.machine import machine
from portal.web.health import HEARTBEAT_TOLERANCE

GOOD_FOR = 30.0
"""Seconds for which a worker that lived is taken to live."""
BAD_FOR = 5.0
"""Seconds after which one that did not is looked for again, so that a notice goes soon after the outage."""
EXTENSION = "portal worker seen"

WAITING = frozenset(
    {
        "official.case_page",
        "official.task_page",
        "official.letter_page",
        "official.items_page",
        "applicant.my_case",
        "applicant.my_letter",
        "applicant.my_letters",
        "admin.overview",
    }
)
"""The pages on which something may wait for a worker: a letter being made, a signature to be carried out."""


@dataclass
class Seen:
    """What was found out last in this process, and until when (monotonic seconds) that is believed."""

    away: bool = False
    until: float = 0.0


def worker_away() -> bool:
    """Whether this page is one on which it matters, and no worker has been heard of for a minute."""
    return request.endpoint in WAITING and _away()


def _away() -> bool:
    seen: Seen = current_app.extensions.setdefault(EXTENSION, Seen())
    if time.monotonic() >= seen.until:
        seen.away = _ask()
        seen.until = time.monotonic() + (BAD_FOR if seen.away else GOOD_FOR)
    return seen.away


def _ask() -> bool:
    """Nobody is told of a worker by a page that lacks the database."""
    try:
        with machine().database.transaction() as tx:
            heard = jobs.last_heartbeat(tx)
    except (DatabaseUnreachable, DatabaseBusy):
        return False
    return heard is None or clock.now() - heard > HEARTBEAT_TOLERANCE
