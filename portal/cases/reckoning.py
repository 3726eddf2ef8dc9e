"""A holiday notice and all running deadlines: what it would move, entering it, and moving them.

What a preview tells and what the families' acts do afterwards is judged by the same rule (`deadlines.weighing`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Integer, cast, extract, func, select
from sqlalchemy import case as where
from sqlalchemy.orm import Session

from portal.calendar import service as calendars
from portal.calendar.notice import Notice
from portal.calendar.rules import NEVER, Calendar
from portal.cases.conduct import conduct
from portal.cases.errors import Refused
from portal.cases.family import still_running
from portal.cases.kernel import Kernel
from portal.cases.models import Case
from portal.clock import day_of
from portal.deadlines.models import Deadline
from portal.deadlines.pausing import Stood
from portal.deadlines.rules import Computed, DeadlineRule, course, parse_length
from portal.deadlines.weighing import Fate, Verdict, weigh
from portal.identity import Actor, Organisation

RECOMPUTE = "families.recompute"
"""The job that brings one family to the newest calendar."""
SPREAD = "families.recompute_all"
"""The job that defers one such job for each of the next families, and itself for those after them."""
AT_ONCE = 1000
"""So many families' jobs are deferred in one transaction: the administrator does not wait for a hundred thousand."""
SOME = 1000
"""What waits is counted up to here."""
_DAY = timedelta(days=1)


class CalendarChanged(Refused):
    """Another notice was entered since the preview was made."""

    zh = "在您查看影响期间，又录入了另一份放假安排，请按最新情况重新核对影响。"
    en = "Another notice was entered since: look at the effects again."


@dataclass(frozen=True)
class Alike:
    """Deadlines of one rule, running at a moment, that started and end on the same days: a notice treats them alike."""

    moment: datetime
    release_id: int
    procedure: str
    name: str
    event_day: date
    last_day: date
    due: datetime
    provisional: bool
    period: str
    own: int | None
    """The one deadline that was paused or extended, whose days are its own."""

    @property
    def rows(self) -> list[ColumnElement[bool]]:
        """What their rows have in common."""
        return [
            *_running(self.moment),
            Case.release_id == self.release_id,
            Case.procedure == self.procedure,
            Deadline.name == self.name,
            Deadline.event_day == self.event_day,
            Deadline.last_day == self.last_day,
            Deadline.due == self.due,
            Deadline.provisional == self.provisional,
            Deadline.period == self.period,
            Deadline.id == self.own if self.own is not None else Deadline.own_course.is_(False),
        ]


@dataclass(frozen=True)
class Affected:
    """Deadlines that a notice treats alike, how many there are, and what becomes of them."""

    alike: Alike
    count: int
    verdict: Verdict


@dataclass(frozen=True)
class Line:
    """One deadline in a preview."""

    case_id: int
    number: str
    case: str
    unit: str | None
    title: str
    old: date
    was_provisional: bool
    new: date
    provisional: bool
    why: str


@dataclass(frozen=True)
class ChangedDay:
    """A day that is worked and will be off, or is off and will be worked; what it is before and after."""

    day: date
    works: bool
    before: str
    after: str


@dataclass(frozen=True)
class Preview:
    """What a notice would do: to how many deadlines of how many, and which days it changes.

    `version` is the calendar's in force. `past` are those of the changed days that are over.
    """

    version: int
    running: int
    affected: Mapping[Fate, tuple[Affected, ...]]
    changed: tuple[ChangedDay, ...]
    past: tuple[ChangedDay, ...]

    def count(self, fate: Fate) -> int:
        """How many deadlines have this fate."""
        return sum(one.count for one in self.affected.get(fate, ()))


def preview(kernel: Kernel, tx: Session, notice: Notice, moment: datetime) -> Preview:
    """What a notice would do to the running deadlines, were it entered now; a FaultyNotice.

    What was counted by the same rule from the same day is weighed once, however many cases there are.
    """
    old, new = calendars.current(tx), calendars.preview(tx, notice)
    affected: dict[Fate, list[Affected]] = {"moved": [], "kept": [], "confirmed": []}
    running = 0
    for alike, count in _alikes(tx, moment):
        running += count
        rule = kernel.releases.get(tx, alike.release_id).procedure(alike.procedure).manifest.deadlines.get(alike.name)
        verdict = _weighed(tx, alike, rule, old, new, moment) if rule else None
        if verdict is not None and verdict.fate is not None:
            affected[verdict.fate].append(Affected(alike, count, verdict))
    for found in affected.values():
        found.sort(key=lambda one: (one.verdict.last_day, one.alike.last_day, one.alike.procedure, one.alike.name))
    changed = tuple(_changed(old, new, notice))
    return Preview(
        version=old.version,
        running=running,
        affected={fate: tuple(found) for fate, found in affected.items()},
        changed=changed,
        past=tuple(one for one in changed if one.day < day_of(moment)),
    )


def lines(tx: Session, affected: tuple[Affected, ...], offset: int, size: int) -> Iterator[Line]:
    """Some of the deadlines with one fate, in the order of their new last days."""
    for one in affected:
        if offset >= one.count:
            offset -= one.count
            continue
        rows = (
            select(Deadline.title, Case.id, Case.number, Case.title, Organisation.name)
            .join(Case, Case.id == Deadline.case_id)
            .outerjoin(Organisation, Organisation.id == Case.party_id)
            .where(*one.alike.rows)
        )
        found = tx.execute(rows.order_by(Case.id, Deadline.id).offset(offset).limit(size)).all()
        offset = 0
        size -= len(found)
        for title, case_id, number, case, unit in found:
            yield Line(
                case_id=case_id, number=number, case=case, unit=unit, title=title,
                old=one.alike.last_day, was_provisional=one.alike.provisional,
                new=one.verdict.last_day, provisional=one.verdict.provisional, why=one.verdict.reason,
            )  # fmt: skip
        if size <= 0:
            return


def enter(kernel: Kernel, tx: Session, notice: Notice, actor: Actor, seen: int, moment: datetime) -> int:
    """Enters a notice whose effects on the calendar's version `seen` were looked at; how many families will move.

    It is the next version of the calendar at once: every act counts by it. Jobs bring those families to it that
    nobody touches. Raises CalendarChanged or a FaultyNotice.
    """
    calendars.hold_alone(tx)
    if calendars.current(tx).version != seen:
        raise CalendarChanged
    calendars.enter(tx, notice, actor.person_id, moment)
    families = tx.scalar(select(func.count(Case.root_id.distinct())).where(*_running(moment))) or 0
    if families:
        kernel.queue.defer(tx, SPREAD, after=0)
    return families


def spread(kernel: Kernel, tx: Session, moment: datetime, job: str | None, after: int) -> None:
    """The job that hands out the families: those behind the newest calendar whose root comes after `after`."""
    stale = Deadline.calendar_version != calendars.current(tx).version
    behind = (*_running(moment), stale, Case.root_id > after)
    roots = tx.scalars(select(Case.root_id).where(*behind).distinct().order_by(Case.root_id).limit(AT_ONCE)).all()
    if roots:
        kernel.queue.defer_all(tx, RECOMPUTE, [{"root_id": root_id} for root_id in roots])
    if len(roots) == AT_ONCE:
        kernel.queue.defer(tx, SPREAD, after=roots[-1])


def recompute(kernel: Kernel, tx: Session, moment: datetime, job: str | None, root_id: int) -> None:
    """The job of one family: its deadlines come to the newest calendar, as before any act; a second time nothing."""
    conduct(kernel, tx, root_id, moment, "recompute", lambda act: act.id, job=job)


def provisional_by_year(tx: Session, moment: datetime) -> dict[int, int]:
    """How many deadlines running at a moment may still move, by the year in which they end."""
    year = cast(extract("year", Deadline.last_day), Integer)
    found = select(year, func.count()).where(*_running(moment), Deadline.provisional).group_by(year)
    return {number: count for number, count in tx.execute(found)}


def waiting(tx: Session, moment: datetime) -> int:
    """How many deadlines running at a moment have not come to the newest calendar yet; `SOME` for as many or more."""
    stale = Deadline.calendar_version != calendars.current(tx).version
    behind = select(Deadline.id).where(*_running(moment), stale).limit(SOME).subquery()
    return tx.scalar(select(func.count()).select_from(behind)) or 0


def _running(moment: datetime) -> tuple[ColumnElement[bool], ...]:
    return Case.id == Deadline.case_id, still_running(moment)


_OWN = where((Deadline.own_course, Deadline.id))
_ALIKE = (
    Case.release_id, Case.procedure, Deadline.name, Deadline.event_day, Deadline.last_day, Deadline.due,
    Deadline.provisional, Deadline.period, _OWN,
)  # fmt: skip


def _alikes(tx: Session, moment: datetime) -> Iterator[tuple[Alike, int]]:
    found = select(*_ALIKE, func.count()).where(*_running(moment)).group_by(*_ALIKE)
    for *alike, count in tx.execute(found):
        yield Alike(moment, *alike), count


def _weighed(tx: Session, alike: Alike, rule: DeadlineRule, old: Calendar, new: Calendar, moment: datetime) -> Verdict:
    own = tx.get(Deadline, alike.own) if alike.own is not None else None

    def counted(calendar: Calendar) -> Computed:
        return course(
            parse_length(alike.period),
            alike.event_day,
            calendar,
            stays=rule.holiday == "stays",
            extensions=own.lengthened if own else (),
            aside=Stood(own.kind, own.stood) if own else NEVER,
        )

    return weigh(alike, counted(old).lines(), counted(new), new, moment)


def _changed(old: Calendar, new: Calendar, notice: Notice) -> Iterator[ChangedDay]:
    """The days that a notice changes: of its year, and of the last week before it."""
    day = date(notice.year - 1, 12, 25)
    while day.year <= notice.year:
        if old.is_working(day) != new.is_working(day):
            yield ChangedDay(day, new.is_working(day), old.reason(day), new.reason(day))
        day += _DAY
