"""The token game of the BPMN standard in its plainest form: what the engine is compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lxml import etree

from portal import engine

Decide = Callable[[str, str, str, int], bool]
"""Expression, scope, element, visit → whether the condition holds."""

Count = Callable[[str, str, int], int]
"""Scope, element, visit → how many times an element is done that is done by many."""


def local(element: etree._Element) -> str:
    return str(etree.QName(element).localname)


@dataclass
class Scope:
    """The elements' visits in one chain of call activities and instances of many."""

    name: str
    visits: Counter[str] = field(default_factory=Counter)

    def visit(self, element: str) -> int:
        self.visits[element] += 1
        return self.visits[element]


@dataclass(eq=False)
class Token:
    """A token at rest at a node: an open task, a waiting event, a gateway that waits, something with a level inside.

    One that is done by many has a token for each instance under way in `each`, of `items` in all, `left` of them done.
    """

    node: str
    visit: int
    level: Level
    inside: Level | None = None
    edges: dict[str, int] = field(default_factory=dict)
    behind: dict[str, int] = field(default_factory=dict)
    item: int = 0
    items: int | None = None
    left: int = 0
    each: list[Token] = field(default_factory=list)


@dataclass(eq=False)
class Level:
    """One running process, subprocess or handler."""

    container: etree._Element
    diagram: str
    scope: Scope
    owner: Token | None
    tokens: list[Token] = field(default_factory=list)
    handlers: list[Token] = field(default_factory=list)
    armed: set[str] = field(default_factory=set)
    joins: Counter[str] = field(default_factory=Counter)
    end: str | None = None
    interrupted: bool = False
    over: bool = False


class Game:
    """A case, played."""

    def __init__(
        self,
        drawings: Mapping[str, bytes],
        calls: Mapping[str, Mapping[str, str]],
        decide: Decide,
        count: Count = lambda *_: 2,
    ) -> None:
        self.processes = {
            name: next(e for e in engine.safe_xml(data) if local(e) == "process") for name, data in drawings.items()
        }
        self.calls = calls
        self.decide = decide
        self.count = count
        self.walked: Counter[tuple[str, str]] = Counter()
        self.top = self._open(self.processes["main"], "main", Scope(""), None)
        self._tidy(self.top)

    # --- what waits ---

    def waiting(self) -> tuple[list[tuple[object, ...]], ...]:
        """Tasks, messages, timers: (scope, element, visit, item), sorted."""
        tasks: list[tuple[object, ...]] = []
        events: dict[str, list[tuple[object, ...]]] = {"messageEventDefinition": [], "timerEventDefinition": []}
        for level in self._levels(self.top):
            for token in level.tokens:
                kind = local(self._node(level, token.node))
                if kind == "userTask":
                    done = [token] if token.items is None else token.each
                    tasks += [(level.scope.name, one.node, one.visit, one.item) for one in done]
                waits = {**token.edges, **token.behind}
                if kind == "intermediateCatchEvent":
                    waits[token.node] = token.visit
                for event, visit in waits.items():
                    events[self._waits_for(level, event)].append((level.scope.name, event, visit, 0))
            for start in level.armed:
                upcoming = level.scope.visits[start] + 1
                events[self._waits_for(level, start)].append((level.scope.name, start, upcoming, 0))
        return sorted(tasks), sorted(events["messageEventDefinition"]), sorted(events["timerEventDefinition"])

    @property
    def ended(self) -> bool:
        return self.top.over

    # --- what happens ---

    def act(self, scope: str, element: str, visit: int, item: int = 0) -> None:
        """Complete the task, or let the event happen."""
        for level in list(self._levels(self.top)):
            if level.scope.name != scope:
                continue
            if element in level.armed:
                self._trigger(level, element)
                return self._tidy(self.top)
            for token in list(level.tokens):
                if (token.node, token.visit) == (element, visit):
                    if item:
                        self._one_left(level, token, next(one for one in token.each if one.item == item))
                    else:
                        self._leave(level, token)
                    return self._tidy(self.top)
                if token.behind.get(element) == visit:
                    level.tokens.remove(token)
                    self.walked[f"{token.node}-{element}", scope] += 1
                    self._follow(level, element)
                    return self._tidy(self.top)
                if token.edges.get(element) == visit:
                    del token.edges[element]
                    if self._node(level, element).get("cancelActivity") != "false":
                        level.tokens.remove(token)
                    self._follow(level, element)
                    return self._tidy(self.top)
        raise AssertionError(f"{element} does not wait")

    # --- inside ---

    def _levels(self, level: Level):
        yield level
        for token in (*level.tokens, *level.handlers):
            for one in (token, *token.each):
                if one.inside is not None:
                    yield from self._levels(one.inside)

    def _node(self, level: Level, id: str) -> etree._Element:
        return next(e for e in level.container.iter() if e.get("id") == id)

    def _waits_for(self, level: Level, id: str) -> str:
        return next(local(child) for child in self._node(level, id) if local(child).endswith("EventDefinition"))

    def _flows(self, level: Level) -> list[etree._Element]:
        return [e for e in level.container if local(e) == "sequenceFlow"]

    def _open(self, container: etree._Element, diagram: str, scope: Scope, owner: Token | None) -> Level:
        level = Level(container, diagram, scope, owner)
        if owner is not None:
            owner.inside = level
        for child in container:
            if child.get("triggeredByEvent") == "true":
                level.armed.add(next(e.get("id", "") for e in child if local(e) == "startEvent"))
        start = next(e.get("id", "") for e in container if local(e) == "startEvent")
        if container.get("triggeredByEvent") != "true":
            scope.visit(start)
        self._follow(level, start)
        return level

    def _follow(self, level: Level, source: str) -> None:
        for flow in self._flows(level):
            if flow.get("sourceRef") == source:
                self._arrive(level, flow)

    def _leave(self, level: Level, token: Token) -> None:
        level.tokens.remove(token)
        self._follow(level, token.node)

    def _arrive(self, level: Level, flow: etree._Element) -> None:
        if level.over:
            return
        self.walked[flow.get("id", ""), level.scope.name] += 1
        id = flow.get("targetRef", "")
        node = self._node(level, id)
        kind = local(node)
        if kind == "parallelGateway":
            self._join(level, id, flow)
        elif kind == "exclusiveGateway":
            self._choose(level, node, level.scope.visit(id))
        elif kind == "endEvent":
            level.scope.visit(id)
            level.end = id
            if any(local(child) == "terminateEventDefinition" for child in node):
                self._stop(level)
        elif kind in ("serviceTask", "businessRuleTask"):
            level.scope.visit(id)
            self._follow(level, id)
        else:
            self._rest(level, node, kind)

    def _join(self, level: Level, id: str, flow: etree._Element) -> None:
        level.joins[flow.get("id", "")] += 1
        into = [other.get("id", "") for other in self._flows(level) if other.get("targetRef") == id]
        if all(level.joins[other] for other in into):
            for other in into:
                level.joins[other] -= 1
            self._follow(level, id)

    def _choose(self, level: Level, node: etree._Element, visit: int) -> None:
        id, default = node.get("id", ""), None
        for flow in self._flows(level):
            if flow.get("sourceRef") != id:
                continue
            condition = next((child.text for child in flow if local(child) == "conditionExpression"), None)
            if condition is None:
                default = flow
            elif self.decide(condition.removeprefix("="), level.scope.name, id, visit):
                return self._arrive(level, flow)
        assert default is not None
        self._arrive(level, default)

    def _rest(self, level: Level, node: etree._Element, kind: str) -> None:
        id = node.get("id", "")
        token = Token(id, 0 if kind == "eventBasedGateway" else level.scope.visit(id), level)
        level.tokens.append(token)
        if kind == "eventBasedGateway":
            targets = [flow.get("targetRef", "") for flow in self._flows(level) if flow.get("sourceRef") == id]
            token.behind = {target: level.scope.visit(target) for target in targets}
        for edge in level.container:
            if edge.get("attachedToRef") == id:
                token.edges[edge.get("id", "")] = level.scope.visit(edge.get("id", ""))
        many = self._many(node)
        if many is None:
            return self._enter(level, node, token)
        token.items = self.count(level.scope.name, id, token.visit)
        if token.items == 0:
            return self._leave(level, token)
        for _ in range(1 if many.get("isSequential") == "true" else token.items):
            self._begin(level, token)

    def _enter(self, level: Level, node: etree._Element, token: Token) -> None:
        kind, id = local(node), node.get("id", "")
        item = f".{token.item}" if token.item else ""
        name = f"{level.scope.name}/{id}:{token.visit}{item}".lstrip("/")
        if kind == "subProcess":
            self._open(node, level.diagram, Scope(name) if token.item else level.scope, token)
        elif kind == "callActivity":
            called = self.calls[level.diagram][id]
            self._open(self.processes[called], called, Scope(name), token)

    def _many(self, node: etree._Element) -> etree._Element | None:
        return next((child for child in node if local(child) == "multiInstanceLoopCharacteristics"), None)

    def _begin(self, level: Level, whole: Token) -> None:
        one = Token(whole.node, whole.visit, level, item=whole.left + len(whole.each) + 1)
        whole.each.append(one)
        self._enter(level, self._node(level, whole.node), one)

    def _one_left(self, level: Level, whole: Token, one: Token) -> None:
        whole.each.remove(one)
        whole.left += 1
        many = self._many(self._node(level, whole.node))
        assert many is not None
        enough = next((str(child.text) for child in many if local(child) == "completionCondition"), None)
        if enough is not None and self.decide(enough.removeprefix("="), level.scope.name, whole.node, whole.visit):
            whole.each.clear()
        elif many.get("isSequential") == "true" and whole.left != whole.items:
            self._begin(level, whole)
        if not whole.each:
            self._leave(level, whole)

    def _trigger(self, level: Level, start: str) -> None:
        event = self._node(level, start)
        handler = event.getparent()
        assert handler is not None
        level.scope.visit(start)
        level.armed.remove(start)
        token = Token(handler.get("id", ""), level.scope.visit(handler.get("id", "")), level)
        if event.get("isInterrupting") != "false":
            level.tokens.clear()
            level.handlers.clear()
            level.armed.clear()
            level.joins.clear()
            level.interrupted, level.end = True, None
        level.handlers.append(token)
        self._open(handler, level.diagram, level.scope, token)

    def _stop(self, level: Level) -> None:
        level.tokens.clear()
        level.handlers.clear()
        level.armed.clear()
        level.joins.clear()
        level.over = True

    def _tidy(self, level: Level) -> None:
        """Close what has run out of tokens, from the inside out, until nothing more does."""
        moved = True
        while moved:
            moved = False
            for inner in reversed(list(self._levels(level))):
                moved = self._close(inner) or moved

    def _close(self, level: Level) -> bool:
        for whole in level.tokens:
            for one in whole.each:
                if one.inside is not None and one.inside.over:
                    self._one_left(level, whole, one)
                    return True
        for token in (*level.tokens, *level.handlers):
            if token.inside is not None and token.inside.over:
                if token in level.handlers:
                    level.handlers.remove(token)
                    if level.interrupted:
                        level.end = token.inside.end
                else:
                    self._leave(level, token)
                return True
        if not level.tokens and not level.over:
            level.armed.clear()
            level.over = not level.handlers
            return level.over
        return False
