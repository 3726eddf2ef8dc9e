"""Whether what is kept about each case agrees: the engine's state, tasks, subscriptions, clocks, publications, values
and history. It looks at the tables by itself, and asks no code that wrote them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn

from sqlalchemy import func, literal, select, union_all
from sqlalchemy.orm import Session, selectinload

from portal import engine, identity
from portal.audit.models import AuditEntry
from portal.calendar import service as calendars
from portal.cases.act import ALL_ENDED
from portal.cases.kernel import Kernel
from portal.cases.live import Cases, LiveCase
from portal.cases.models import ActRecord, Case, CaseItem, CaseValue, Publication, StartItem, Subscription, Task
from portal.cases.names import evaluate
from portal.deadlines import counting
from portal.deadlines.models import Deadline
from portal.deadlines.rules import ENDS
from portal.documents.models import Letter
from portal.engine import Place, Waiting
from portal.jobs import Deferred
from tests.builders.happenings import Chronicle, Facts, Stepped, happenings, pruned
from tests.builders.told import Books, Line, lines, unheard, untold

_LATE = timedelta(seconds=60)
"""How long a timer waits for what came at the last second, where the period simply ends."""


class _Nobody:
    """An environment for looking at a position only: nothing may happen in it."""

    def __getattr__(self, verb: str) -> NoReturn:
        raise AssertionError(f"the engine asked for {verb} while a position was looked at")


@dataclass(frozen=True)
class Kept:
    """What the tables hold of one case."""

    case: LiveCase
    waiting: Waiting
    """What its engine waits for; nothing once it has ended."""
    tasks: Sequence[Task]
    subscriptions: Sequence[Subscription]
    deadlines: Sequence[Deadline]
    publications: Sequence[Publication]
    said: Sequence[CaseValue]
    items: Sequence[CaseItem]
    others: Sequence[Case]
    """Those about it, that it started, or that stand for rows of its lists, which have not ended."""
    rows: Sequence[StartItem]
    last_act: datetime | None
    """The newest act on its family."""
    stepped: Stepped
    pruned: Waiting
    """What it waits for once the engine's record of the way behind it is pruned."""

    @property
    def open_tasks(self) -> list[Task]:
        return [task for task in self.tasks if task.state == "open"]


@dataclass
class Agreement:
    """Looks at the cases of a world; it remembers what it saw, so that it finds what changed behind an act's back."""

    kernel: Kernel
    computes: bool = True
    """Whether every deadline that runs was counted by the calendar as it is now (no notice was entered)."""

    def __post_init__(self) -> None:
        self._assigned: dict[int, int | None] = {}
        self._entries: dict[int, int] = defaultdict(int)
        self._done: dict[int, list[Place]] = defaultdict(list)
        self._clocks: dict[int, dict[str, dict[str, str]]] = defaultdict(dict)
        self._chronicles: dict[int, Chronicle] = defaultdict(Chronicle)
        self._told: dict[int, Counter[Line]] = defaultdict(Counter)
        self._moments: dict[int, datetime] = {}
        self._looks = 0

    def faults(self, tx: Session, now: datetime, jobs: Sequence[Deferred]) -> list[str]:
        """What does not agree, in words; `jobs` are those that wait to be done.

        Cases that have ended are looked at whole only where their history has grown.
        """
        tx.expire_all()
        cases = Cases(tx, self.kernel.releases)
        every = tx.scalars(select(Case).order_by(Case.id)).all()
        rows = [row for row in every if row.ended_at is None or row.audit_length != self._entries[row.id]]
        self._calendar = calendars.current(tx)
        self._look(tx, [row.id for row in every])
        found = [f"{number} has ended, and {what} of it waits" for what, number in _living_on(tx)]
        for row, kept, is_over in _kept(tx, [cases.open(row) for row in rows], every):
            where = f"{row.number}（{row.procedure}，{row.outcome or row.status}）"
            if is_over != (row.ended_at is not None):
                found.append(f"{where}: the engine says it has {'' if is_over else 'not '}ended")
            found += [f"{where}: {fault}" for fault in self._of(tx, kept, now, jobs)]
        return found

    def _look(self, tx: Session, ids: Sequence[int]) -> None:
        """Reads what is new since the last look: the acts, and what other tables hold."""
        self._looks += 1
        new = select(ActRecord.id, ActRecord.moment).where(ActRecord.id > max(self._moments, default=0))
        acts = {act_id: moment for act_id, moment in tx.execute(new)}
        self._moments |= acts
        self._since, self._books = frozenset(acts.values()), Books.of(tx, ids)

    def _of(self, tx: Session, kept: Kept, now: datetime, jobs: Sequence[Deferred]) -> Iterator[str]:
        yield from self._tasks(tx, kept)
        yield from _subscriptions(kept)
        yield from _timers(kept)
        yield from self._deadlines(kept)
        yield from _publications(kept)
        yield from self._history(tx, kept.case)
        yield from self._said(kept)
        if kept.pruned != kept.waiting:
            yield f"pruned it waits for {kept.pruned}, else for {kept.waiting}"
        facts = Facts(kept.case, kept.stepped, kept.tasks, kept.said, kept.publications, self._moments)
        yield from untold(facts, kept.items, kept.deadlines, self._books, self._told[kept.case.id])
        yield from unheard(facts, self._books, self._told[kept.case.row.about_id or 0])
        chronicle = self._chronicles[kept.case.id]
        chronicle.look(happenings(facts), kept.deadlines, self._since, self._looks)
        yield from chronicle.faults(kept.case, kept.deadlines)
        if kept.case.row.ended_at is None and not _goes_on(kept, jobs):
            yield "nothing is left that could bring it on"

    def _tasks(self, tx: Session, kept: Kept) -> Iterator[str]:
        case, rows, open_rows = kept.case, kept.deadlines, kept.open_tasks
        yield from _differ(
            "tasks",
            [(task.id, task.place) for task in kept.waiting.tasks],
            [(task.engine_id, Place(task.scope, task.element, task.visit, task.item)) for task in open_rows],
        )
        twice = Counter((task.scope, task.element, task.visit, task.item) for task in kept.tasks)
        yield from (f"two tasks at one place: {place}" for place, count in twice.items() if count > 1)
        for task in open_rows:
            drawn = case.element(task.scope, task.element).task
            if drawn is None or (task.role, task.form) != (case.procedure.manifest.role(drawn.role), drawn.form):
                yield f"the task {task.element} is of another role or form than drawn"
                continue
            meant = _meant(rows, drawn.deadline, task.scope) if drawn.deadline else None
            due = meant.due if meant is not None and meant.state == "running" else None
            if task.due != due:
                yield f"the task {task.element} in {task.scope!r} is due {task.due}, its deadline {due}"
            if task.id not in self._assigned:
                self._assigned[task.id] = self._assignee(tx, case, task, drawn.assignee)
            if task.assignee_id != self._assigned[task.id]:
                yield f"the task {task.element}.{task.item} is {task.assignee_id}'s, not {self._assigned[task.id]}'s"

    @staticmethod
    def _assignee(tx: Session, case: LiveCase, task: Task, expression: str | None) -> int | None:
        """Whose a task that is new should be, by what its case says now."""
        if expression is None:
            return None
        inside = f"{task.scope}/{task.element}:{task.visit}.{task.item}".lstrip("/") if task.item else task.scope
        code = evaluate(case, expression.removeprefix("="), inside)
        return tx.scalar(select(identity.Organisation.id).where(identity.Organisation.uscc == code))

    def _deadlines(self, kept: Kept) -> Iterator[str]:
        case, last_act = kept.case, kept.last_act
        live = [row for row in kept.deadlines if row.state in ("running", "paused")]
        twice = Counter((row.name, row.scope) for row in live)
        yield from (f"two live deadlines {name} in {scope!r}" for (name, scope), count in twice.items() if count > 1)
        if case.row.ended_at is not None:
            served = {f"served({name})" for name in case.procedure.manifest.documents}
            for row in live:
                rule = case.procedure.manifest.deadlines[row.name]
                # The service of a letter may still meet it, or a corrected one has opened it again.
                stays = row.due <= case.row.ended_at or row.event in served or served & {*rule.met}
                if row.state == "paused" or not stays:
                    yield f"{row.name} is {row.state} in a case that has ended"
            return
        for row in live:
            rule = case.procedure.manifest.deadlines[row.name]
            held = {one.what for one in row.pauses if one.until is None}
            if bool(held) != (row.state == "paused"):
                yield f"{row.name} is {row.state}, and held by {held}"
            if row.state == "running" and last_act is not None and row.due <= last_act:
                continue  # what is over stays over
            wanted = {str(one) for one in rule.pauses if _holds(kept, one.kind, one.what, row)}
            if held - {"suspended"} != wanted:
                yield f"{row.name} is held by {held}, not by {wanted}"
            if self.computes and row.state == "running":
                counted = counting.computed(row, rule, self._calendar)
                if (counted.due, counted.last_day) != (row.due, row.last_day):
                    yield f"{row.name} is over {row.due}, counted anew {counted.due}"

    def _said(self, kept: Kept) -> Iterator[str]:
        """Each task that was done left one line of the history, and an answer, at its own place."""
        case = kept.case
        done = [_place(task) for task in kept.tasks if task.state == "done"]
        values, items = {_place(one) for one in kept.said}, {_place(one) for one in kept.items}
        yield from _differ("done tasks in the history", self._done[case.id], done)
        for place in done:
            drawn = case.element(place.scope, place.element).task
            asks = case.procedure.forms[drawn.form].fields if drawn else ()
            if place not in values and any(field.kind.required for field in asks):
                yield f"nothing is kept of what was said at {place}"
        for task in kept.tasks:
            each = case.element(task.scope, task.element).each
            if (each is not None) != (task.item > 0) or (task.item and _place(task) not in items):
                yield f"the task {task.element} has item {task.item}, which is none of the case's"

    def _history(self, tx: Session, case: LiveCase) -> Iterator[str]:
        """What the new lines of its history tell of timers: none fires whose deadline does not run, or is not over."""
        seen = self._entries[case.id]
        if case.row.audit_length == seen:
            return
        new = select(AuditEntry).where(AuditEntry.case_id == case.id, AuditEntry.seq > seen).order_by(AuditEntry.seq)
        clocks = self._clocks[case.id]
        for entry in tx.scalars(new):
            details = entry.details
            self._told[case.id].update(lines(entry))
            if entry.kind.startswith("deadline.") and "stands" in details:
                scope = details["stands"].get("scope", "")
                state = {"paused": "paused", "met": "over", "dropped": "over"}.get(details["what"], "runs")
                if details["what"] in ("confirmed", "kept", "extended", "moved") and scope in clocks.get(
                    details["deadline"], {}
                ):
                    state = clocks[details["deadline"]][scope]
                clocks.setdefault(details["deadline"], {})[scope] = state
            elif entry.kind == "timer.fired":
                states = set(clocks.get(details["deadline"], {}).values())
                if "runs" not in states:
                    yield f"the timer on {details['deadline']} fired while it was {states}"
                if datetime.fromisoformat(details["due"]) > entry.moment:
                    yield f"the timer on {details['deadline']} fired before it was due"
            elif entry.kind == "task.completed":
                at = details["scope"], entry.element or "", details["visit"], details.get("item", 0)
                self._done[case.id].append(Place(*at))
        self._entries[case.id] = case.row.audit_length


def _differ(what: str, engine_has: Iterable[object], tables_have: Iterable[object]) -> Iterator[str]:
    there, kept = Counter(engine_has), Counter(tables_have)
    if there != kept:
        yield f"{what}: the engine alone has {[*(there - kept)]}, the tables alone {[*(kept - there)]}"


def _living_on(tx: Session) -> Iterator[tuple[str, str]]:
    """What must not be left of a case that has ended, with its number."""
    over = Case.ended_at.is_not(None)
    tasks = select(literal("a task"), Case.number).join(Task, Task.case_id == Case.id).where(over, Task.state == "open")
    messages = select(literal("a message"), Case.number).join(Subscription, Subscription.case_id == Case.id).where(over)
    timers = select(literal("a timer"), Case.number).where(over, Case.ripe_at.is_not(None))
    yield from tx.execute(union_all(tasks, messages, timers))


def _kept(tx: Session, cases: Sequence[LiveCase], every: Sequence[Case]) -> Iterator[tuple[Case, Kept, bool]]:
    """What the tables hold of some cases, each table read once; with whether their engines have ended."""
    ids = [case.id for case in cases]

    def of(table: Any) -> dict[int, list[Any]]:
        found = defaultdict(list)
        of_case = table.starter_id if table is StartItem else table.case_id
        query = select(table).where(of_case.in_(ids)).order_by(*table.__table__.primary_key)
        if table is Deadline:
            query = query.options(selectinload(Deadline.pauses), selectinload(Deadline.extensions))
        for row in tx.scalars(query):
            found[row.starter_id if table is StartItem else row.case_id].append(row)
        return found

    tasks, subscriptions, rows, shown = of(Task), of(Subscription), of(Deadline), of(Publication)
    values, items, starts = of(CaseValue), of(CaseItem), of(StartItem)
    newest = select(ActRecord.root_id, func.max(ActRecord.moment)).group_by(ActRecord.root_id)
    last = {root: moment for root, moment in tx.execute(newest)}
    for case in cases:
        position = engine.load(case.procedure.spec, case.row.state, _Nobody())
        stands = {row.case_id for row in starts[case.id] if row.state == "started"}
        yield (
            case.row,
            Kept(
                case,
                Waiting() if case.row.ended_at is not None else position.waiting(),
                tasks[case.id],
                subscriptions[case.id],
                rows[case.id],
                shown[case.id],
                values[case.id],
                items[case.id],
                [
                    one
                    for one in every
                    if one.ended_at is None and (case.id in (one.about_id, one.started_by_id) or one.id in stands)
                ],
                starts[case.id],
                last.get(case.row.root_id),
                Stepped.of(position),
                Waiting() if case.row.ended_at is not None else pruned(position),
            ),
            position.ended,
        )


def _subscriptions(kept: Kept) -> Iterator[str]:
    case = kept.case

    def role(place: Place) -> str | None:
        drawn = case.element(place.scope, place.element).message
        return case.procedure.manifest.role(drawn.role) if drawn and drawn.role else None

    yield from _differ(
        "subscriptions",
        [(one.id, one.name, one.place, role(one.place)) for one in kept.waiting.messages],
        [(row.engine_id, row.message, _place(row), row.role) for row in kept.subscriptions],
    )


def _timers(kept: Kept) -> Iterator[str]:
    row = kept.case.row
    meant = [_meant(kept.deadlines, timer.deadline, timer.place.scope) for timer in kept.waiting.timers]
    ripe = [one.due + (_LATE if one.kind in ENDS else timedelta()) for one in meant if one and one.state == "running"]
    if row.ripe_at != min(ripe, default=None):
        yield f"ripe at {row.ripe_at}, its timers at {sorted(ripe)}"
    if row.rests_until is not None:
        yield "its timers failed"


def _meant(rows: Sequence[Deadline], name: str, scope: str) -> Deadline | None:
    """Of the deadlines of a name the one of the nearest scope around, the newest of those; else the newest of all."""
    named = [row for row in rows if row.name == name]
    around = [row for row in named if f"{scope}/".startswith(f"{row.scope}/") or not row.scope]
    return max(around, key=lambda row: (len(row.scope), row.id)) if around else (named[-1] if named else None)


def _holds(kept: Kept, kind: str, what: str, row: Deadline) -> bool:
    """Whether something is under way for which the clock of a deadline stands."""
    case, waiting, scope = kept.case, kept.waiting, row.scope
    if kind == "cases":
        # The period of what is shown stands only for what was filed while it was shown, not for what came before.
        since = max((shown.opened_at for shown in kept.publications if shown.deadline_id == row.id), default=None)
        about = [one for one in kept.others if one.about_id == case.id and one.procedure == what]
        return any(since is None or one.filed_at >= since for one in about)
    for one in (*waiting.tasks, *waiting.messages, *waiting.timers):
        drawn = case.element(one.place.scope, one.place.element)
        if drawn.kind == "startEvent":
            continue
        segments = one.place.scope.split("/") if one.place.scope else []
        spots = [("/".join(segments[:depth]), segment.split(":")[0]) for depth, segment in enumerate(segments)]
        inner = drawn.attached_to or drawn.id
        while inner is not None:
            spots.append((one.place.scope, inner))
            inner = case.element(one.place.scope, inner).parent
        for where, element in spots:
            near = f"{where}/".startswith(f"{scope}/") or f"{scope}/".startswith(f"{where}/") or not where or not scope
            if element == what and near:
                return True
    return False


def _publications(kept: Kept) -> Iterator[str]:
    periods = {row.id: row for row in kept.deadlines}
    for shown in kept.publications:
        period = periods[shown.deadline_id]
        if shown.closed_at is not None:
            continue
        if kept.case.row.ended_at is not None:
            yield f"“{shown.title}” is still shown though the case has ended"
        now = (period.last_day, period.due, period.state == "paused")
        if (shown.last_day, shown.due, shown.paused) != now:
            yield f"“{shown.title}” says {shown.last_day}, {shown.paused}; its period {now}"


def _place(row: Any) -> Place:
    return Place(row.scope, row.element, row.visit, row.item)


def _goes_on(kept: Kept, jobs: Sequence[Deferred]) -> bool:
    """Whether a task is open, a timer runs or stands, a message can still come, or a job is under way."""
    case = kept.case
    if kept.open_tasks:
        return True
    letters: Mapping[str, Letter] = {letter.name: letter for letter in case.letters_issued}
    unserved = {
        f"served({name})"
        for name, letter in letters.items()
        if not any(one.state == "served" for one in letter.services if one.kind == "party")
    }
    for timer in kept.waiting.timers:
        row = _meant(kept.deadlines, timer.deadline, timer.place.scope)
        # One that was struck out is entered again by whoever serves the letter.
        if row is not None and (row.state in ("running", "paused") or row.event in unserved):
            return True
    rows = {row.id for row in kept.rows if row.state in ("waiting", "failed")}
    for message in kept.waiting.messages:
        drawn = case.element(message.place.scope, message.place.element)
        if drawn.kind == "startEvent" or drawn.message is None:
            continue  # it may be withdrawn at any time: that is no way on
        asked = drawn.message
        is_unserved = asked.document is not None and f"served({asked.document})" in unserved
        if asked.role or is_unserved or kept.others or (message.name == ALL_ENDED and rows):
            return True
    started = {case.id, *(row.case_id for row in kept.rows)}
    return any(job.arguments.get("case_id") in started or job.arguments.get("item_id") in rows for job in jobs)
