"""Acting a diagram: an environment that writes all down, a case saved and loaded at every step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from portal import engine
from portal.engine import OpenMessage, OpenTask, OpenTimer, Place, Spec, Waiting
from tests.builders.diagrams import diagram

Answer = bool | None | Callable[[Place], bool | None]


class Portal:
    """Answers conditions from a table (null when it has no answer) and writes down all it is told.

    What is done by many is done by two, unless `items` says how often.
    """

    def __init__(self, answers: Mapping[str, Answer] | None = None, items: Mapping[str, int] | None = None) -> None:
        self.answers: dict[str, Answer] = dict(answers or {})
        self.many: dict[str, int] = dict(items or {})
        self.told: list[tuple[object, ...]] = []
        self.asked: list[tuple[str, Place]] = []

    def condition(self, expression: str, place: Place) -> bool | None:
        self.asked.append((expression, place))
        answer = self.answers.get(expression)
        return answer(place) if callable(answer) else answer

    def no_way(self, place: Place) -> None:
        self.told.append(("no way", place))

    def items(self, place: Place) -> int:
        self.told.append(("items", place))
        return self.many.get(place.element, 2)

    def perform(self, place: Place) -> None:
        self.told.append(("perform", place))

    def entered(self, place: Place, kind: str) -> None:
        self.told.append(("entered", place, kind))

    def left(self, place: Place, end: str | None) -> None:
        self.told.append(("left", place, end))

    def took(self, flow: str, scope: str) -> None:
        self.told.append(("took", flow, scope))

    # --- what tests read ---

    def short(self) -> list[str]:
        """What was told, in brief: `+check`, `-check`, `>start-check`, `!issue`, `?vote`, `#which`; visits, `.item`."""
        return [_short(*entry) for entry in self.told]

    def flows(self) -> list[str]:
        return [str(entry[1]) for entry in self.told if entry[0] == "took"]

    def performed(self) -> list[str]:
        return [_at(entry[1]) for entry in self.told if entry[0] == "perform"]

    def forget(self) -> None:
        self.told.clear()
        self.asked.clear()


def _at(place: object) -> str:
    assert isinstance(place, Place)
    scope = f"{place.scope}/" if place.scope else ""
    item = f".{place.item}" if place.item else ""
    return f"{scope}{place.element}" + (f":{place.visit}" if place.visit > 1 else "") + item


def _short(verb: object, what: object, more: object = None) -> str:
    if verb == "took":
        return f">{more + '/' if more else ''}{what}"
    sign = {"entered": "+", "left": "-", "perform": "!", "items": "?", "no way": "#"}[str(verb)]
    return f"{sign}{_at(what)}" + (f"={more}" if verb == "left" and more else "")


def spec_of(root: str, calls: Mapping[str, Mapping[str, str]] | None = None, /, **drawings: bytes) -> Spec:
    """Derive and read drawings by name; `calls` says, by drawing, which diagram a call activity calls."""
    calls = calls or {}
    derived = {name: engine.derive(engine.safe_xml(data), name, calls.get(name, {})) for name, data in drawings.items()}
    return engine.read(derived, root)


def simple(*parts: str) -> Spec:
    """The spec of one drawing."""
    return spec_of("main", main=diagram(*parts))


class Acted:
    """A case that exists only as saved bytes: each verb loads it, acts, saves it, compares."""

    def __init__(self, spec: Spec, portal: Portal | None = None) -> None:
        self.spec = spec
        self.portal = portal or Portal()
        position = engine.start(spec, self.portal)
        self._keep(position)

    def _keep(self, position: engine.Position) -> None:
        self.state = position.dump()
        told = list(self.portal.told)
        again = engine.load(self.spec, self.state, self.portal)
        assert again.waiting() == position.waiting(), "saving changed what waits"
        assert (again.ended, again.end) == (position.ended, position.end)
        assert self.portal.told == told, "loading told something"
        self.waiting: Waiting = again.waiting()
        self.ended, self.end = again.ended, again.end

    def tasks(self) -> list[str]:
        return [_at(task.place) for task in self.waiting.tasks]

    def messages(self) -> list[str]:
        return [f"{_at(message.place)}?{message.name}" for message in self.waiting.messages]

    def timers(self) -> list[str]:
        return [f"{_at(timer.place)}?{timer.deadline}" for timer in self.waiting.timers]

    def task(self, at: str) -> OpenTask:
        return next(task for task in self.waiting.tasks if _at(task.place) == at)

    def message(self, at: str) -> OpenMessage:
        return next(message for message in self.waiting.messages if _at(message.place) == at)

    def timer(self, at: str) -> OpenTimer:
        return next(timer for timer in self.waiting.timers if _at(timer.place) == at)

    # --- by place, for those who do not read ---

    def tasks_at(self) -> list[tuple[str, str, int, int]]:
        return _places(self.waiting.tasks)

    def messages_at(self) -> list[tuple[str, str, int, int]]:
        return _places(self.waiting.messages)

    def timers_at(self) -> list[tuple[str, str, int, int]]:
        return _places(self.waiting.timers)

    def do_at(self, place: Place) -> None:
        self._act("complete", next(task.id for task in self.waiting.tasks if task.place == place))

    def send_at(self, place: Place) -> None:
        self._act("signal", next(message.id for message in self.waiting.messages if message.place == place))

    def over_at(self, place: Place) -> None:
        self._act("tick", next(timer.id for timer in self.waiting.timers if timer.place == place))

    # --- the verbs, chained ---

    def _act(self, verb: str, id: str) -> None:
        position = engine.load(self.spec, self.state, self.portal)
        getattr(position, verb)(id)
        self._keep(position)

    def do(self, *places: str) -> Acted:
        """Complete user tasks, one after the other."""
        for at in places:
            self._act("complete", self.task(at).id)
        return self

    def send(self, at: str) -> Acted:
        """Let the message reach the element."""
        self._act("signal", self.message(at).id)
        return self

    def over(self, at: str) -> Acted:
        """Let the deadline of the element's timer be over."""
        self._act("tick", self.timer(at).id)
        return self


def _places(waiting: Iterable[OpenTask | OpenMessage | OpenTimer]) -> list[tuple[str, str, int, int]]:
    return sorted((item.place.scope, item.place.element, item.place.visit, item.place.item) for item in waiting)
