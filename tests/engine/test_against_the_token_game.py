"""Random diagrams, played at random: after every step the engine waits for exactly what the token game waits for."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from portal.engine import Place
from portal.errors import ContentFaults
from tests.engine.acting import Acted, Portal, spec_of
from tests.engine.random_drawings import random_drawings
from tests.engine.token_game import Count, Decide, Game

MAX_STEPS = 30


def by_chance(seed: str) -> Decide:
    """Conditions that hold half the time, each time anew, the same for both players."""
    times: Counter[object] = Counter()

    def decide(*asked: object) -> bool:
        times[asked] += 1
        return Random(f"{seed} {asked} {times[asked]}").random() < 0.5

    return decide


def some(seed: str) -> Count:
    """None to three instances, the same for both players."""
    return lambda *asked: Random(f"{seed} {asked}").choice([0, 1, 2, 2, 3])


class Chance(Portal):
    """A portal in which chance decides."""

    def __init__(self, decide: Decide, count: Count) -> None:
        super().__init__()
        self.decide, self.count = decide, count

    def condition(self, expression: str, place: Place) -> bool:
        assert place.item == 0
        return self.decide(expression, place.scope, place.element, place.visit)

    def items(self, place: Place) -> int:
        super().items(place)
        return self.count(place.scope, place.element, place.visit)


def test_the_generator_draws_what_the_engine_takes():
    """One drawing in two hundred is too large for one level; all others must be read."""
    refused = 0
    for seed in range(20):
        drawings, calls = random_drawings(seed)
        try:
            spec_of("main", calls, **drawings)
        except ContentFaults:
            refused += 1
    assert refused <= 1


@pytest.mark.parametrize("seed", range(16))
def test_the_engine_agrees_with_the_token_game(seed):
    drawings, calls = random_drawings(seed)
    spec = spec_of("main", calls, **drawings)
    before = spec.fingerprint()
    for play in range(2):
        chance = f"{seed}.{play}"
        case = Acted(spec, Chance(by_chance(chance), some(chance)))
        compare(case, Game(drawings, calls, by_chance(chance), some(chance)), Random(seed * 7 + play))
    assert spec.fingerprint() == before


def told_in_order(portal: Portal) -> None:
    """Each place is entered once, left at most once, and only after it was entered; the whole after its instances."""
    entered: set[object] = set()
    left: set[object] = set()
    for verb, place, *_ in portal.told:
        if verb == "entered":
            assert place not in entered
            entered.add(place)
        elif verb in ("left", "perform"):
            assert place in entered
            assert place not in left
            left |= {place} if verb == "left" else set()


def compare(case: Acted, game: Game, random: Random) -> None:
    """Act both until the end, or long enough."""
    for _ in range(MAX_STEPS):
        tasks, messages, timers = game.waiting()
        assert (case.tasks_at(), case.messages_at(), case.timers_at()) == (tasks, messages, timers)
        assert case.ended == game.ended
        assert (
            Counter((str(what), str(more[0])) for verb, what, *more in case.portal.told if verb == "took")
            == game.walked
        )
        told_in_order(case.portal)
        if case.ended:
            assert case.end == game.top.end
            return
        verb, place = random.choice(
            [(case.do_at, at) for at in tasks * 3]
            + [(case.send_at, at) for at in messages]
            + [(case.over_at, at) for at in timers]
        )
        verb(Place(*place))
        game.act(*place)
