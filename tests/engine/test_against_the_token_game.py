"""Random diagrams, played at random: after every step the engine waits for exactly what the token game waits for."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from portal.engine import Place
from portal.errors import ContentFaults
from tests.engine.acting import Acted, Portal, spec_of
from tests.engine.random_drawings import random_drawings
from tests.engine.token_game import Decide, Game

MAX_STEPS = 30


def by_chance(seed: str) -> Decide:
    """Conditions that hold half the time, the same for both players."""
    return lambda *asked: Random(f"{seed} {asked}").random() < 0.5


class Chance(Portal):
    """A portal in which chance decides."""

    def __init__(self, decide: Decide) -> None:
        super().__init__()
        self.decide = decide

    def condition(self, expression: str, place: Place) -> bool:
        return self.decide(expression, place.scope, place.element, place.visit)


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
        decide = by_chance(f"{seed}.{play}")
        compare(Acted(spec, Chance(decide)), Game(drawings, calls, decide), Random(seed * 7 + play))
    assert spec.fingerprint() == before


def told_in_order(portal: Portal) -> None:
    """Each element is entered once, left at most once, and only after it was entered."""
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
