"""Timers and warnings: families whose moment has come are claimed and brought on, each in a transaction of its own."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from portal.cases import incidents, warning
from portal.cases.conduct import claim, fire_ripe
from portal.cases.models import Case
from portal.db.database import DatabaseBusy, DatabaseUnreachable
from portal.db.skew import TOLERANCE, skew
from portal.errors import PortalError
from portal.worker.faults import FAULTS, said
from portal.worker.tools import Tools

LONGEST_SLEEP = timedelta(seconds=1)
REST = timedelta(minutes=10)
"""How long the timers or warnings of a family that broke are left alone."""

WARNINGS_AT_ONCE = 20
"""Families warned before the timers are looked at again: reminders come by thousands at nine in the morning."""

log = logging.getLogger(__name__)


class StillRipe(PortalError):
    """A timer that was to fire is as ripe as before."""

    zh = "期限已到，但流程没有前进。"
    en = "A timer is due, and yet firing it changed nothing."


@dataclass(frozen=True)
class Round:
    """What a look at the clocks says: the legal moment, how far the clock is off, and when to look again."""

    now: datetime
    off: timedelta
    sleep: timedelta


class Timers:
    """Fires what is ripe, again and again, until `stop` is set."""

    def __init__(self, tools: Tools, stop: threading.Event) -> None:
        self._tools, self._stop = tools, stop
        self._said = ""

    def run(self) -> None:
        """Looks at least once a second; an outage is waited out."""
        while not self._stop.is_set():
            sleep = LONGEST_SLEEP
            try:
                sleep = self.round()
            except (DatabaseUnreachable, DatabaseBusy) as error:
                self._say(f"timers wait for the database: {error}")
            self._stop.wait(sleep.total_seconds())

    def round(self) -> timedelta:
        """Fires everything that is ripe now, then warns of some deadlines; how long there is nothing to do then."""
        with self._tools.database.transaction() as tx:
            seen = look(self._tools, tx)
        if seen.off > TOLERANCE:
            self._say(f"the clock differs from the database's by {seen.off.total_seconds():.1f} s: nothing is claimed")
            return LONGEST_SLEEP
        self._say("")
        while not self._stop.is_set() and fire_one(self._tools, seen.now):
            pass
        for _ in range(WARNINGS_AT_ONCE):
            if self._stop.is_set() or not warn_one(self._tools, seen.now):
                return seen.sleep
        return timedelta(0)

    def _say(self, line: str) -> None:
        """Logs what is wrong, once."""
        if line and line != self._said:
            log.warning(line)
        self._said = line


def look(tools: Tools, tx: Session) -> Round:
    """Compares the clocks and finds the next timer."""
    off = skew(tx)
    now = tools.kernel.now(tx)
    following = tx.scalar(select(func.min(Case.ripe_at)).where(Case.ripe_at > now))
    sleep = LONGEST_SLEEP if following is None else min(LONGEST_SLEEP, following - now)
    return Round(now, off, sleep)


def fire_one(tools: Tools, now: datetime) -> bool:
    """Brings on the family that has waited longest; False when there is none.

    A family that breaks keeps its last state: an incident is written, its timers rest a while and are tried again,
    and the others go on.
    """

    def act(tx: Session) -> bool:
        root_id = claim(tx, now)
        if root_id is None:
            return False
        try:
            with tx.begin_nested():
                fire_ripe(tools.kernel, tx, root_id, now)
                _check_moved(tx, root_id, now)
        except FAULTS as error:
            tx.expire_all()
            _set_aside(tx, root_id, now, error)
        return True

    return tools.database.attempt(act)


def warn_one(tools: Tools, now: datetime) -> bool:
    """Warns in the family whose warning has waited longest; False when there is none.

    In a family that breaks nothing is said: an incident is written, its warnings are put off and tried again.
    """

    def act(tx: Session) -> bool:
        root_id = warning.claim(tx, now)
        if root_id is None:
            return False
        try:
            with tx.begin_nested():
                warning.warn(tools.kernel, tx, root_id, now)
        except FAULTS as error:
            tx.expire_all()
            log.error("the warnings of family %s are put off: %s", root_id, error)
            incidents.note_unless_open(tx, f"期限提醒（案件 {root_id}）", said(error), now, root_id)
            warning.put_off(tx, root_id, now, now + REST)
        return True

    return tools.database.attempt(act)


_RIPE = (
    select(Case.id)
    .where(Case.root_id == bindparam("root"), Case.ripe_at <= bindparam("now", type_=Case.ripe_at.type))
    .limit(1)
)


def _check_moved(tx: Session, root_id: int, now: datetime) -> None:
    tx.flush()
    if tx.scalar(_RIPE, {"root": root_id, "now": now}) is not None:
        raise StillRipe


def _set_aside(tx: Session, root_id: int, now: datetime, error: Exception) -> None:
    """Lets the ripe cases of a family rest; an incident is written when they break, not at each further try."""
    ripe = select(Case).where(Case.root_id == root_id, Case.ripe_at <= now)
    for case in tx.scalars(ripe):
        if case.rests_until is None:
            log.error("the timers of case %s rest: %s", case.id, error)
            again = incidents.Again(incidents.TIMERS, {"root_id": root_id})
            incidents.note(tx, "到期自动办理", said(error), now, case.id, again)
        case.rests_until = now + REST
