"""The main way through a drawing from where a case stands: what may come next, told without promising it."""

from __future__ import annotations

from collections.abc import Generator, Mapping

from portal import feel
from portal.feel import FeelError
from portal.procedures.drawing import Drawing, Element, Flow
from portal.procedures.functions import FUNCTIONS

_CHOICES = {"exclusiveGateway", "inclusiveGateway"}
_RESTS = {"userTask", "intermediateCatchEvent", "eventBasedGateway", "callActivity"}


class Way:
    """The ways ahead in one drawing, for a case that has already done the elements of `walked`; `outcomes` says at
    which end event a called diagram ends, by the id of the call."""

    def __init__(self, drawing: Drawing, walked: frozenset[str], outcomes: Mapping[str, str] | None = None) -> None:
        self._drawing, self._walked = drawing, walked
        self._outcomes = outcomes or {}

    def main(self, start: str) -> Generator[tuple[Element, str], None, Element | None]:
        """The places after `start` that people will notice, each with the name of the choice that leads there, and
        then the end event, if the way leads to one.

        Of several branches it follows the one that is no detour and leads to most outcomes; where none stands
        out the way ends, because what follows is for the authority to decide.
        """
        here, seen, choice = start, {start}, ""
        while (flow := self._onward(here, seen)) is not None and flow.target not in seen:
            if self._drawing.elements[here].kind in _CHOICES and flow.name:
                choice = flow.name
            here = flow.target
            seen.add(here)
            element = self._drawing.elements[here]
            if element.kind == "endEvent":
                return element
            if element.kind in _RESTS or element.issues:
                yield element, choice
                choice = ""
            if element.kind == "eventBasedGateway":
                return None
        return None

    def together(self, waiting: str) -> list[Element]:
        """The events of which the first to happen decides, when an element waits behind an event gateway."""
        for flow in self._drawing.into(waiting):
            if self._drawing.elements[flow.source].kind == "eventBasedGateway":
                return [self._drawing.elements[out.target] for out in self._drawing.out(flow.source)]
        return []

    def _onward(self, here: str, seen: set[str]) -> Flow | None:
        flows = [flow for flow in self._drawing.out(here) if self._is_open(flow)]
        if len(flows) <= 1:
            return flows[0] if flows else None
        past = seen | self._walked
        new = [flow for flow in flows if flow.target not in past]
        straight = [flow for flow in new if not any(self._passes(flow, other, past) for other in new)]
        ranked = sorted(straight, key=lambda flow: len(self._ends(flow.target, past)), reverse=True)
        outcomes = [len(self._ends(flow.target, past)) for flow in ranked]
        if len(ranked) > 1 and outcomes[0] == outcomes[1]:
            return None
        # A drawing has its main way first: where that one leads to more outcomes, the other foretells one of them.
        return ranked[0] if ranked and len(self._ends(new[0].target, past)) <= outcomes[0] else None

    def _is_open(self, flow: Flow) -> bool:
        """Whether the outcomes that are known leave a way open."""
        if flow.condition is None or not any(f"{call}.outcome" in flow.condition for call in self._outcomes):
            return True
        known = feel.Scope({call: {"outcome": outcome} for call, outcome in self._outcomes.items()}, {})
        try:
            return feel.compile(flow.condition.removeprefix("="), FUNCTIONS).evaluate(known) is True
        except FeelError:
            return True  # it asks for something else, too

    def _passes(self, flow: Flow, other: Flow, past: set[str]) -> bool:
        """Whether a branch is a detour to where another leads at once."""
        there, back = self._reach(flow.target, past), self._reach(other.target, past)
        return flow.target != other.target and other.target in there and flow.target not in back

    def _ends(self, start: str, past: set[str]) -> set[str]:
        return {key for key in self._reach(start, past) if self._drawing.elements[key].kind == "endEvent"}

    def _reach(self, start: str, past: set[str]) -> set[str]:
        found, waiting = {start}, [start]
        while waiting:
            for flow in self._drawing.out(waiting.pop()):
                if flow.target not in found and flow.target not in past:
                    found.add(flow.target)
                    waiting.append(flow.target)
        return found
