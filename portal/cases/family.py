"""The cases of one family under one lock, and the messages between them that are still to be delivered."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Select, and_, bindparam, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, aliased

from portal import engine
from portal.calendar import service as calendars
from portal.calendar.rules import Calendar
from portal.cases.errors import UnknownCase
from portal.cases.kernel import Kernel
from portal.cases.live import Cases, LiveCase
from portal.cases.models import Case
from portal.cases.steps import Acting, Steps
from portal.deadlines import service as deadlines
from portal.deadlines.models import Deadline
from portal.deadlines.rules import GRACE
from portal.deadlines.scopes import meant
from portal.engine import OpenTimer, Position

# The database's errors leave a step as they are, so that a lost race is run again.
_PASSING = (SQLAlchemyError,)


@dataclass(frozen=True)
class Message:
    """One message on its way: to which case, and for `served` of which document."""

    to: int
    name: str
    payload: Mapping[str, Any]
    sender: int | None = None
    document: str | None = None


@dataclass(frozen=True)
class RipeTimer:
    """A timer whose deadline is over."""

    case: LiveCase
    timer: OpenTimer
    deadline: Deadline


class Family:
    """All cases joined by `about`; whoever holds it holds the lock on the root's row."""

    def __init__(self, kernel: Kernel, tx: Session, root_id: int | None) -> None:
        self.kernel, self.tx, self.root_id = kernel, tx, root_id
        self._open: dict[int, LiveCase] = {}
        self.cases = Cases(tx, kernel.releases)
        self.positions: dict[int, Position] = {}
        self.outbox: deque[Message] = deque()
        self.act: Acting | None = None  # the act under way

    @classmethod
    def lock(cls, kernel: Kernel, tx: Session, case_id: int) -> Family:
        """The family of a case, locked by its root's row (FOR NO KEY UPDATE) until the transaction ends."""
        root: int | None = tx.scalar(_LOCK, {"case": case_id})
        if root is None:
            raise UnknownCase()
        # What was read before the lock may be stale.
        tx.expire_all()
        return cls(kernel, tx, root)

    @cached_property
    def calendar(self) -> Calendar:
        """The calendar at its present version."""
        return calendars.current(self.tx)

    def read(self, moment: datetime) -> list[LiveCase]:
        """Reads the cases that have not ended, and those with a deadline that runs by another calendar than the present
        one, oldest first; the latter.

        Ended ones run too whose period was reopened. Nobody else starts a case of the family until the lock is gone.
        """
        known = {"root": self.root_id, "moment": moment, "version": self.calendar.version}
        rows = self.tx.execute(_READ, known).all()
        self._open = {row.Case.id: self.cases.get(row.Case.id) for row in rows if row.Case.ended_at is None}
        return [self.cases.get(row.Case.id) for row in rows if row.stale]

    def open_cases(self) -> list[LiveCase]:
        """The cases that have not ended, oldest first, with any that this transaction has started."""
        begun = {case_id: self.cases.get(case_id) for case_id in self.positions}
        return [case for _id, case in sorted({**self._open, **begun}.items()) if not case.ended]

    def position(self, case: LiveCase) -> Position:
        """Where the engine stands in a case."""
        if case.id not in self.positions:
            steps = self._steps(case)
            position = engine.load(case.procedure.spec, case.row.state, steps, passing=_PASSING)
            self.positions[case.id], case.awaited = position, position.waiting().messages
        return self.positions[case.id]

    def begin(self, case: LiveCase) -> None:
        """Starts the engine in a new case; it runs until it waits."""
        self.positions[case.id] = engine.start(case.procedure.spec, self._steps(case), passing=_PASSING)

    def _steps(self, case: LiveCase) -> Steps:
        return Steps(case, self._acting, self.kernel.walked)

    def _acting(self) -> Acting:
        if self.act is None:
            raise RuntimeError("the engine stepped outside an act")
        return self.act

    def ripest(self, moment: datetime, party_id: int | None) -> RipeTimer | None:
        """The timer to fire first at a moment: what is ripe, and what is due of the acting party's own rights."""
        found: list[RipeTimer] = []
        for case in self.open_cases():
            if case.id not in self.positions and not _may_ripen(case, moment):
                continue
            timers = self.position(case).waiting().timers
            rows = deadlines.of_case(self.tx, case.id) if timers else []
            for timer in timers:
                deadline = meant(rows, timer.place.scope).get(timer.deadline)
                if deadline is None or deadline.state != "running":
                    continue
                own = party_id is not None and case.row.party_id == party_id
                if (deadline.due if own else deadline.ripe) <= moment:
                    found.append(RipeTimer(case, timer, deadline))
        return min(found, key=lambda ripe: (ripe.deadline.due, ripe.case.id), default=None)


def still_running(moment: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Whether a deadline of a case still runs at a moment; of an ended case only a reopened one that is not over."""
    reopened = and_(Deadline.due > Case.ended_at, Deadline.due > moment)
    return and_(Deadline.state == "running", or_(Case.ended_at.is_(None), reopened))


def _lock() -> Select[int]:
    """SQL for the root of a family, locked until the transaction ends; the calendar before it, as everywhere: rows are
    locked above all that is joined."""
    calendar = select(calendars.held().label("held")).cte().prefix_with("MATERIALIZED")
    wanted, top = aliased(Case), aliased(Case)
    joined = select(top.id).select_from(calendar).join(wanted, wanted.id == bindparam("case"))
    return joined.join(top, top.id == wanted.root_id).with_for_update(key_share=True, of=top)


def _read() -> Select[Case, bool]:
    """SQL for the cases that `Family.read` reads, each with whether its deadlines are to be counted anew."""
    moment, stale = bindparam("moment", type_=Deadline.due.type), deadlines.is_stale(bindparam("version"))
    counted = select(Deadline.case_id).where(still_running(moment), stale, Deadline.case_id == Case.id).exists()
    mine = Case.root_id == bindparam("root")
    return select(Case, counted.label("stale")).where(mine, or_(Case.ended_at.is_(None), counted)).order_by(Case.id)


# Put together once: that takes longer than to ask.
_LOCK, _READ = _lock(), _read()


def _may_ripen(case: LiveCase, moment: datetime) -> bool:
    """Whether a case at rest has a timer that can fire by a moment; most have none, and stay unopened."""
    return case.row.ripe_at is not None and case.row.ripe_at - GRACE <= moment
