"""`portal web` or `portal worker` as an installation runs them, but for what is broken on purpose.

Run as `python tests/faults/altered.py [ahead=SECONDS] [unchecked] [unlocked] worker`.
"""

from __future__ import annotations

import re
import sys
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from sqlalchemy import Engine, event

from portal import clock
from portal.__main__ import main
from portal.web import health
from portal.worker import running, timers

LOCK = re.compile(r"\s+FOR (NO KEY )?UPDATE( OF \w+)?( SKIP LOCKED)?\s*$")


def ahead(seconds: str) -> None:
    """The clock of this machine is wrong by so many seconds."""
    right, wrong = clock.now, timedelta(seconds=float(seconds))
    clock.now = lambda offset=timedelta(0): right(offset + wrong)


def unchecked(_: str) -> None:
    """Nobody compares the clocks."""
    for module in (running, timers, health):
        module.TOLERANCE = timedelta(days=3650)


def unlocked(_: str) -> None:
    """No row is locked when it is read."""
    event.listen(Engine, "before_cursor_execute", _without_lock, retval=True)


def _without_lock(connection, cursor, statement, parameters, context, executemany):
    return LOCK.sub("", statement), parameters


BROKEN = {"ahead": ahead, "unchecked": unchecked, "unlocked": unlocked}


if __name__ == "__main__":
    *broken, command = sys.argv[1:]
    for one in broken:
        name, _, value = one.partition("=")
        BROKEN[name](value)
    sys.exit(main([command]))
