"""What has happened in a case, by what is kept of it elsewhere than in its deadlines: the engine's own record of its
steps, tasks, what was said, letters, publications. From that follows which deadlines must have started or be met.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from SpiffWorkflow.util.task import TaskState

from portal import audit
from portal.cases.live import LiveCase
from portal.cases.models import CaseValue, Publication, Task
from portal.cases.names import evaluate
from portal.clock import day_of, start_of
from portal.deadlines.models import Deadline
from portal.deadlines.rules import DeadlineRule
from portal.documents.models import Letter
from portal.engine import Place, Position, Waiting
from portal.engine.pruning import prune

STARTS = "deadlines.start"
_LIVE = ("running", "paused")
_CLOCKS = {STARTS: "begun", "deadlines.suspend": "stopped", "deadlines.resume": "restarted"}
"""What the diagram does to clocks, and what of it is called here."""


@dataclass(frozen=True)
class Stepped:
    """What the engine's saved state says of its steps: the places that were entered, and those that were left."""

    entered: frozenset[Place]
    left: frozenset[Place]

    @classmethod
    def of(cls, position: Position) -> Stepped:
        """All that is left of it, unpruned; what ran inside a call or subprocess is forgotten when that is over."""
        run = position._run
        told = [task for task in run.get_tasks() if getattr(task.task_spec, "told", False)]
        begun = [task for task in told if "visit" in task.internal_data]
        left = [task for task in begun if task.state == TaskState.COMPLETED]
        return cls(frozenset(map(run.place, begun)), frozenset(map(run.place, left)))


def pruned(position: Position) -> Waiting:
    """What a case waits for when its engine keeps no more of the way behind it than it needs."""
    run = position._run
    for workflow in (run, *run.subprocesses.values()):
        prune(workflow)
    return position._awaited()


@dataclass(frozen=True)
class Happening:
    """An event in a scope; `key` tells it from others of its name there.

    `at` is when, if that is on record: else at the moment of one of the acts since the last look.
    """

    event: str
    scope: str
    key: str | int
    at: datetime | None = None


@dataclass
class Seen:
    """A happening that was seen, at which look first, and when it may have been."""

    what: Happening
    look: int
    moments: frozenset[datetime]


@dataclass
class Facts:
    """What the tables hold of a case, beside its deadlines."""

    case: LiveCase
    stepped: Stepped
    tasks: Sequence[Task]
    said: Sequence[CaseValue]
    publications: Sequence[Publication]
    moments: Mapping[int, datetime]
    """Of each act."""


def happenings(facts: Facts) -> Iterator[Happening]:
    """Everything that is known to have happened, in no order; some of it twice."""
    row = facts.case.row
    yield Happening("started", "", 0, row.filed_at)
    if row.started_by_id is None:
        yield Happening("filed", "", 0, row.filed_at)
    yield from _stepped(facts)
    for task in facts.tasks:
        if not task.item:
            yield Happening(f"entered({task.element})", task.scope, task.visit, task.opened_at)
            if task.state == "done":
                yield Happening(f"done({task.element})", task.scope, task.visit, task.closed_at)
    for value in facts.said:
        yield from _said(facts, value)
    yield from _letters(facts.case)
    for shown in facts.publications:
        yield Happening(f"opened({shown.name})", "", shown.id, shown.opened_at)
        # One that its case has closed by ending was not closed by the diagram.
        if shown.closed_at is not None and shown.closed_at != row.ended_at:
            yield Happening(f"closed({shown.name})", "", shown.id, shown.closed_at)


def _letters(case: LiveCase) -> Iterator[Happening]:
    for letter in case.letters_issued:
        yield Happening(f"issued({letter.name})", "", letter.id, letter.issued_at)
        newer = [one.act_id for one in case.letters_issued if one.name == letter.name and one.id > letter.id]
        # Served, or served anew, only after another of its name was issued, it does nothing any more.
        if newer and _served_by(case, letter) > min(newer):
            continue
        for service in letter.services:
            if service.kind == "party" and service.state == "served":
                yield Happening(f"served({letter.name})", "", service.id, service.served_at)


def _served_by(case: LiveCase, letter: Letter) -> int:
    """The act by which a letter that had not been served was served, the last time; 0 of one that never was."""
    told = (entry for entry in audit.entries(case.tx, case.id) if entry.kind == "letter.served")
    first = [one.act_id for one in told if one.details["letter"] == letter.id and "before" not in one.details]
    return max(first, default=0)


def _stepped(facts: Facts) -> Iterator[Happening]:
    for place in facts.stepped.entered:
        if not place.item:
            yield Happening(f"entered({place.element})", place.scope, place.visit)
    for place in facts.stepped.left:
        drawn = facts.case.element(place.scope, place.element)
        if not place.item:
            yield Happening(f"done({place.element})", place.scope, place.visit)
        if drawn.action is not None and drawn.action.name in _CLOCKS:
            name, key = _CLOCKS[drawn.action.name], f"{place.element} {place.visit}"
            yield Happening(f"action({place.element})", place.scope, place.visit)
            yield Happening(f"{name}({drawn.action.inputs['deadline']})", place.scope, key)
        if drawn.message is not None:
            key = f"{place.scope} {place.element} {place.visit}"
            yield Happening(f"received({drawn.message.name})", _one_of_many(place.scope), key)


def _said(facts: Facts, value: CaseValue) -> Iterator[Happening]:
    """What somebody said, or an action yielded, tells that its step was taken."""
    drawn, at = facts.case.element(value.scope, value.element), facts.moments[value.act_id]
    if drawn.kind in ("callActivity", "subProcess") and isinstance(value.value, Mapping):
        if not value.item:
            yield Happening(f"done({value.element})", value.scope, value.visit, at)
        inside = Place(value.scope, value.element, value.visit, value.item)
        yield from _reached(facts.case, inside, str(value.value.get("outcome")), at)
    if drawn.message is not None:
        key = f"{value.scope} {value.element} {value.visit}"
        yield Happening(f"received({drawn.message.name})", _one_of_many(value.scope), key, at)
    if drawn.action is not None and drawn.action.name == "instrument.bind":
        on = evaluate(facts.case, drawn.action.inputs["on"].removeprefix("="), value.scope)
        if isinstance(on, date):
            yield Happening("accepted", "", value.act_id, on if isinstance(on, datetime) else start_of(on))


def _reached(case: LiveCase, place: Place, outcome: str, at: datetime) -> Iterator[Happening]:
    """The end event inside a call, by its outcome, where that tells it from the others."""
    if case.element(place.scope, place.element).kind != "callActivity":
        return
    step = f"{place.element}:{place.visit}" + (f".{place.item}" if place.item else "")
    scope = f"{place.scope}/{step}".lstrip("/")
    ends = [one for one in case.procedure.inside(scope).values() if one.kind == "endEvent" and one.name == outcome]
    if len(ends) == 1:
        yield Happening(f"entered({ends[0].id})", scope, 1, at)


def _one_of_many(scope: str) -> str:
    """The innermost instance of many around a scope."""
    segments = scope.split("/")
    while segments and "." not in segments[-1]:
        segments.pop()
    return "/".join(segments)


def touches(one: str, other: str) -> bool:
    """Whether what happens in one scope concerns what is in the other."""
    return not one or not other or f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


@dataclass
class Chronicle:
    """What was seen to happen in one case, and since when its deadlines are there."""

    seen: dict[tuple[str, str, str | int], Seen] = field(default_factory=dict)
    rows: dict[int, int] = field(default_factory=dict)
    live: frozenset[int] = frozenset()
    """The deadlines that were neither met nor dropped at the look before the last."""
    newest: frozenset[int] = frozenset()
    looks: int = 0
    served: dict[str, set[datetime]] = field(default_factory=lambda: defaultdict(set))
    """By event, when letters were served, as was once on record."""
    newest_served: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """By event, the newest service there ever was of it."""

    def look(self, now: Iterable[Happening], rows: Sequence[Deadline], moments: frozenset[datetime], look: int) -> None:
        """Takes note of what is there now; `moments` are those of the acts since the last look."""
        there: dict[tuple[str, str, str | int], Happening] = {}
        for one in now:
            key = (one.event, one.scope, one.key)
            if one.at is not None or key not in there:
                there[key] = one
        for key in [*self.seen]:
            # A service that was struck out has not happened; what the engine forgets has.
            if key[0].startswith("served(") and key not in there:
                del self.seen[key]
        for key, one in there.items():
            before = self.seen.get(key)
            first = before.look if before else look
            if one.at is not None and not (before and one.event == "accepted"):
                self.seen[key] = Seen(one, first, frozenset({one.at}))
            elif before is None:
                self.seen[key] = Seen(one, first, moments)
            if one.at is not None and one.event.startswith("served("):
                self.served[one.event].add(one.at)
                self.newest_served[one.event] = max(self.newest_served[one.event], int(one.key))
        for row in rows:
            self.rows.setdefault(row.id, look)
        self.live, self.newest = self.newest, frozenset(row.id for row in rows if row.state in _LIVE)
        self.looks = look

    def faults(self, case: LiveCase, rows: Sequence[Deadline]) -> Iterator[str]:
        """Deadlines that should have started, or be met, and those that were so by nothing, or at another moment."""
        by_event: dict[str, list[Seen]] = defaultdict(list)
        for one in self.seen.values():
            by_event[one.what.event].append(one)
        for rule in case.procedure.manifest.deadlines.values():
            mine = [row for row in rows if row.name == rule.name]
            yield from self._met(rule, mine, by_event, has_ended=case.row.ended_at is not None)
            yield from self._stopped(rule.name, mine, by_event)
            if case.row.ended_at is None:
                yield from self._started(rule, mine, by_event, _actions(case, rule))
                yield from _dated(case, rule, mine)

    def _met(
        self, rule: DeadlineRule, rows: Sequence[Deadline], by_event: Mapping[str, Sequence[Seen]], *, has_ended: bool
    ) -> Iterator[str]:
        for row in rows:
            meets = [one for event in rule.met for one in by_event[event] if touches(one.what.scope, row.scope)]
            if row.state in _LIVE or (row.state == "dropped" and row.id in self.live and has_ended):
                first = self.rows[row.id] if row.state in _LIVE else self.looks - 1
                since = [one.what.event for one in meets if one.look > first]
                if since:
                    yield f"{row.name} in {row.scope!r} is {row.state}, though {since[0]} has happened"
            elif row.state == "met":
                known = {moment for one in meets for moment in one.moments} | self._once(rule.met, row, rows)
                if row.met_at not in known:
                    yield f"{row.name} in {row.scope!r} was met at {row.met_at}; {rule.met} at {_told(known)}"

    def _once(self, events: Iterable[str], row: Deadline, rows: Sequence[Deadline]) -> set[datetime]:
        """When letters were served before their receipts were corrected: what a newer deadline followed keeps that."""
        if row is rows[-1]:
            return set()
        return {moment for event in events for moment in self.served[event]}

    def _started(
        self,
        rule: DeadlineRule,
        rows: Sequence[Deadline],
        by_event: Mapping[str, Sequence[Seen]],
        actions: Sequence[str],
    ) -> Iterator[str]:
        for event in (*rule.after, *actions):
            if event.startswith("date("):
                continue
            groups: dict[str, list[Seen]] = defaultdict(list)
            for one in by_event[event]:
                groups[one.what.scope].append(one)
            for scope, happened in groups.items():
                newest = max((one.what.key for one in happened if isinstance(one.what.key, int)), default=0)
                # What ran from an older letter stays as it was, though the service of the newer one was struck out.
                if newest >= self.newest_served[event]:
                    yield from _begun(rule, event, scope, happened, rows)
            for row in rows:
                known = {moment for one in groups[row.scope] for moment in one.moments}
                # What was met since its service was struck out stays met.
                known |= self.served[event] if row.state == "met" else self._once([event], row, rows)
                if row.event == event and row.state in (*_LIVE, "met") and row.started_at not in known:
                    yield f"{row.name} in {row.scope!r} started at {row.started_at}; {event} at {_told(known)}"

    def _stopped(self, name: str, rows: Sequence[Deadline], by_event: Mapping[str, Sequence[Seen]]) -> Iterator[str]:
        """A clock that the diagram has stopped stands until the diagram restarts it, and no longer."""
        for row in rows:
            if row.state not in _LIVE:
                continue
            stopped, restarted = (
                max((one.look for one in by_event[f"{what}({name})"] if touches(one.what.scope, row.scope)), default=0)
                for what in ("stopped", "restarted")
            )
            stands = any(one.until is None and one.what == "suspended" for one in row.pauses)
            if (
                stands != (stopped > restarted)
                and stopped != restarted
                and max(stopped, restarted) >= self.rows[row.id]
            ):
                yield f"{name} in {row.scope!r} is {row.state}, stopped at look {stopped}, restarted at {restarted}"


def _told(moments: Iterable[datetime]) -> list[str]:
    return [str(one) for one in sorted(moments)]


def _actions(case: LiveCase, rule: DeadlineRule) -> list[str]:
    """The events `action(element)` by which the diagram starts a deadline."""
    drawn = {element.id: element.action for _drawing, element in case.procedure.elements() if element.action}
    starting = {key for key, one in drawn.items() if one.name == STARTS and one.inputs["deadline"] == rule.name}
    return [f"action({key})" for key in starting]


def _begun(
    rule: DeadlineRule, event: str, scope: str, happened: Sequence[Seen], rows: Sequence[Deadline]
) -> Iterator[str]:
    """One deadline for each time; of letters that were served for the newest only, however often it was corrected."""
    mine = [row for row in rows if (row.event, row.scope) == (event, scope)]
    later = max((row.started_at for row in rows if row.event != event), default=None)
    counting = [one for one in happened if later is None or max(one.moments) >= later]
    if event.startswith("served("):
        counting = sorted(counting, key=lambda one: int(one.what.key))[-1:]
        mine = [row for row in mine if any(row.started_at in one.moments for one in counting)]
    if len(mine) < len(counting):
        times = [_told(one.moments) for one in counting]
        yield f"{rule.name} in {scope!r} has started {len(mine)} times, but {event} happened at {times}"


def _dated(case: LiveCase, rule: DeadlineRule, rows: Sequence[Deadline]) -> Iterator[str]:
    """A deadline runs from the date that was said."""
    for event in rule.after:
        if not event.startswith("date("):
            continue
        said = evaluate(case, event.removeprefix("date(").removesuffix(")"))
        day = day_of(said) if isinstance(said, datetime) else said
        newest = rows[-1] if rows else None
        if not isinstance(day, date) or (newest is not None and (newest.event, newest.event_day) == (event, day)):
            continue
        # Of several events that start one the latest counts.
        if newest is None or newest.event == event or newest.started_at <= start_of(day):
            yield f"{rule.name} runs from {newest and newest.event_day}, {event} is {day}"
