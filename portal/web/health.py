"""Whether the process lives, and whether all it needs is there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Literal

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import clock, jobs
from portal.db.skew import TOLERANCE, skew
from portal.edge.machine import machine
from portal.errors import PortalError
from portal.web.access import open_to_all

blueprint = Blueprint("health", __name__)

HEARTBEAT_TOLERANCE = timedelta(seconds=60)
State = Literal["ok", "away", "late"]


@blueprint.get("/healthz")
@open_to_all
def healthz() -> ResponseReturnValue:
    """The process answers."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
@open_to_all
def readyz() -> ResponseReturnValue:
    """Database, objects and worker answer, and the clocks agree; 503 while one does not."""
    database = _state(lambda: _asked(_database))
    # Who has waited for a database in vain need not wait for it again.
    away = database == "away"
    parts = {
        "database": database,
        "objects": _state(_objects),
        "worker": "away" if away else _state(lambda: _asked(_worker)),
        "clock": "away" if away else _state(lambda: _asked(_clock)),
    }
    ready = all(state == "ok" for state in parts.values())
    return jsonify(status="ready" if ready else "not ready", **parts), 200 if ready else 503


def _state(ask: Callable[[], State]) -> State:
    try:
        return ask()
    except PortalError:
        return "away"


def _asked(ask: Callable[[Session], State]) -> State:
    with machine().database.transaction() as tx:
        return ask(tx)


def _database(tx: Session) -> State:
    tx.execute(select(1))
    return "ok"


def _objects() -> State:
    machine().store.check()
    return "ok"


def _worker(tx: Session) -> State:
    seen = jobs.last_heartbeat(tx)
    if seen is None:
        return "away"
    return "ok" if clock.now() - seen <= HEARTBEAT_TOLERANCE else "late"


def _clock(tx: Session) -> State:
    return "ok" if skew(tx) <= TOLERANCE else "late"
