"""The way of a case as a plain list: what its diagram shows, for those who would rather read than look.

What was done, with who and when; where the case is; and what the drawing lets follow.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from portal.cases import scopes
from portal.cases.live import LiveCase
from portal.cases.models import Subscription, Task
from portal.deadlines.rules import LIVE
from portal.engine import Place
from portal.procedures.articles import citation
from portal.procedures.drawing import Drawing, Element
from portal.web import dates
from portal.web.history import Happening
from portal.web.people import People
from portal.web.periods import DeadlineView, period_text

Spot = tuple[str, str]
"""Where an element stands: its scope and its id."""
_TOLD = frozenset({"case.filed", "case.started", "message.received", "timer.fired", "letter.issued"})


@dataclass(frozen=True)
class WayStep:
    """One step: `state` is done, now, next (it may follow at once), later, or always (it may come at any time).

    `role` is who does it, empty for the portal itself; `limit` says by when, `late` that it was done after that.
    """

    state: str
    name: str
    role: str = ""
    who: str = ""
    at: datetime | None = None
    limit: str = ""
    late: bool = False
    article: str | None = None
    assumed: str | None = None


@dataclass(frozen=True)
class Around:
    """What the way is told of, read once for the whole page."""

    case: LiveCase
    history: Sequence[Happening]
    tasks: Sequence[Task]
    waiting: Sequence[Subscription]
    deadlines: Sequence[DeadlineView]
    people: People


def way(around: Around) -> list[WayStep]:
    """The steps gone, in their order, those where the case is, and those that may follow."""
    # What may follow for each of many, such as experts, follows once.
    return [*_gone(around), *_here(around), *dict.fromkeys(_ahead(around))]


def _gone(around: Around) -> Iterator[WayStep]:
    case = around.case
    done: dict[str, deque[Task]] = defaultdict(deque)
    for task in sorted(around.tasks, key=lambda task: (task.closed_at or task.opened_at, task.id)):
        if task.state == "done":
            done[task.element].append(task)
    for line in reversed(around.history):
        if line.kind == "task.completed" and line.element and done[line.element]:
            yield _done(around, done[line.element].popleft())
        elif line.kind in _TOLD:
            drawn = drawn_as(case, line.element)
            if drawn is not None and drawn.name:
                yield _step(case, drawn, "done", who=line.who, at=datetime.fromisoformat(line.moment))
    if case.ended:
        yield WayStep("done", case.row.outcome or "", at=case.row.ended_at)


def _who(around: Around, task: Task) -> str:
    """Who holds a task or has done it, with the one for whom he stood in."""
    return around.people.said(task.holder_id, task.for_id)


def _done(around: Around, task: Task) -> WayStep:
    late = task.due is not None and task.closed_at is not None and task.closed_at >= task.due
    limit = dates.due_text(task.due) if task.due else ""
    who = _who(around, task)
    return _of_task(around.case, task, "done", who=who, at=task.closed_at, limit=limit, late=late)


def _here(around: Around) -> Iterator[WayStep]:
    for task in around.tasks:
        if task.state == "open":
            drawn = around.case.element(task.scope, task.element)
            limit = dates.due_text(task.due) if task.due else _limit(around, drawn)
            yield _of_task(around.case, task, "now", who=_who(around, task), limit=limit)
    for waiting in _waited_for(around):
        drawn = around.case.element(waiting.scope, waiting.element)
        if drawn.name:
            yield _step(around.case, drawn, "now", limit=_limit(around, drawn))


def _waited_for(around: Around) -> Iterator[Subscription]:
    """What the case rests at beside its tasks; what may be sent at any time is none of it."""
    for waiting in around.waiting:
        drawn = around.case.element(waiting.scope, waiting.element)
        if drawn.kind == "intermediateCatchEvent":
            yield waiting


def _ahead(around: Around) -> Iterator[WayStep]:
    case = around.case
    if case.ended:
        return
    here = [(task.scope, task.element) for task in around.tasks if task.state == "open"]
    here += [(waiting.scope, waiting.element) for waiting in _waited_for(around)]
    now = set(here)
    for spot, near in _following(case, here):
        if spot not in now:
            drawn = case.element(*spot)
            yield _step(case, drawn, "next" if near else "later", limit=_limit(around, drawn))
    for scope in dict.fromkeys(["", *(scope for scope, _element in here)]):
        for drawn in case.procedure.drawing_at(scope).of_kind("startEvent"):
            if drawn.parent is not None and drawn.name:
                yield _step(case, drawn, "always")


def _following(case: LiveCase, here: Iterable[Spot]) -> Iterator[tuple[Spot, bool]]:
    """The stops that may follow, the nearest first, and whether no other lies between."""
    return ((spot, near) for spot, near in _walk(case, here) if _is_stop(case.element(*spot), inner=bool(spot[0])))


def _walk(case: LiveCase, here: Iterable[Spot]) -> Iterator[tuple[Spot, bool]]:
    """All that may be reached, and whether no stop lies before it."""
    near, later = deque(spot for start in here for spot in _next(case, start)), deque[Spot]()
    seen: set[Spot] = set()
    while near or later:
        is_near = bool(near)
        spot = near.popleft() if near else later.popleft()
        if spot in seen:
            continue
        seen.add(spot)
        yield spot, is_near
        stops = _is_stop(case.element(*spot), inner=bool(spot[0]))
        (near if is_near and not stops else later).extend(_next(case, spot))


def _next(case: LiveCase, spot: Spot) -> list[Spot]:
    """Where the flows lead from an element; into a called diagram, and out of it at its end."""
    scope, key = spot
    drawing = case.procedure.drawing_at(scope)
    drawn = drawing.elements[key]
    inner = scopes.within(Place(scope, key, 1, 1 if drawn.each else 0))
    if drawn.kind == "callActivity":
        return [(inner, case.procedure.drawing_at(inner).start().id)]
    if drawn.kind == "subProcess":
        begun = inner if drawn.each else scope
        return [(begun, one.id) for one in drawing.of_kind("startEvent") if one.parent == key]
    if drawn.kind == "endEvent" and drawn.parent is not None:
        around = scope.rpartition("/")[0] if drawing.elements[drawn.parent].each else scope
        return _flows(drawing, around, drawn.parent)
    if drawn.kind == "endEvent" and scope:
        outer, _slash, call = scope.rpartition("/")
        return _flows(case.procedure.drawing_at(outer), outer, call.split(":")[0])
    return _flows(drawing, scope, key)


def _flows(drawing: Drawing, scope: str, key: str) -> list[Spot]:
    attached = [other.id for other in drawing.elements.values() if other.attached_to == key]
    return [(scope, flow.target) for flow in drawing.out(key)] + [(scope, other) for other in attached]


def _is_stop(drawn: Element, *, inner: bool) -> bool:
    """Whether people would name an element when they tell the way: what waits, a letter, an end."""
    if not drawn.name:
        return False
    if drawn.kind == "endEvent":
        return not inner and drawn.parent is None
    return drawn.issues or drawn.kind in ("userTask", "intermediateCatchEvent", "boundaryEvent")


def _of_task(
    case: LiveCase, task: Task, state: str, *, who: str, limit: str, at: datetime | None = None, late: bool = False
) -> WayStep:
    drawn = case.element(task.scope, task.element)
    return WayStep(
        state,
        task.name,
        role=case.published.regulation.role_title(task.role),
        who=who,
        at=at,
        limit=limit,
        late=late,
        article=article_of(case, drawn),
        assumed=drawn.assumed,
    )


def _step(
    case: LiveCase, drawn: Element, state: str, *, who: str = "", at: datetime | None = None, limit: str = ""
) -> WayStep:
    role = drawn.task.role if drawn.task else drawn.message.role if drawn.message else None
    title = case.published.regulation.role_title(case.procedure.manifest.role(role)) if role else ""
    return WayStep(
        state, drawn.name, role=title, who=who, at=at, limit=limit, article=article_of(case, drawn),
        assumed=drawn.assumed,
    )  # fmt: skip


def _limit(around: Around, drawn: Element) -> str:
    """By when a step that was not done yet is to be done: the day where it runs, else its length."""
    name = drawn.deadline or (drawn.task.deadline if drawn.task else None)
    live = [one for one in around.deadlines if one.name == name and one.state in LIVE]
    if live:
        return live[-1].due_text
    rule = around.case.procedure.manifest.deadlines.get(name or "")
    return _("%(title)s：%(length)s", title=rule.title, length=period_text(str(rule.length))) if rule else ""


def drawn_as(case: LiveCase, element: str | None) -> Element | None:
    """The drawn element of that id, wherever the case's diagrams have it."""
    drawings = case.procedure.drawings.values()
    return next((drawing.elements[element] for drawing in drawings if element and element in drawing.elements), None)


def article_of(case: LiveCase, drawn: Element) -> str | None:
    """The article behind an element, as it is cited."""
    return citation(case.published.regulation, case.procedure.article(drawn))
