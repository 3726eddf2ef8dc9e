"""Committees of one case: in parallel branches, in a diagram called twice, in a loop. None counts another's votes."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.engine import Place
from tests.builders.diagrams import (
    call,
    diagram,
    each,
    end,
    flow,
    parallel,
    path,
    rules,
    start,
    subprocess,
    user,
    xor,
)
from tests.engine.acting import Acted, Portal, spec_of

SEATS = {"panel": 5, "vote": 3, "queue": 3, "seat": 3}
ROUNDS = 3
Committee = tuple[str, str, int]
"""Scope, element, visit: one committee in one round."""

REVIEW = diagram(start("s"), each(user("vote"), enough="=majority"), end("e"), path("s", "vote", "e"))
SEAT = subprocess("seat", start("begun"), user("invite"), user("vote"), end("heard"),
                  path("begun", "invite", "vote", "heard"))  # fmt: skip
MAIN = diagram(
    *(start(), rules("decide"), parallel("fork"), parallel("join"), end()),
    *(each(user("panel"), enough="=majority"), each(user("queue"), sequential=True), call("first"), call("second")),
    *(xor("enter"), each(SEAT, enough="=majority"), user("chair"), xor("again", "again-join")),
    path("start", "decide", "fork", "panel", "join", "end"),
    *(path("fork", "queue", "join"), path("fork", "first", "join"), path("fork", "second", "join")),
    path("fork", "enter", "seat", "chair", "again", "join"),
    flow("again", "enter", "=again"),
)
SPEC = spec_of("main", {"main": {"first": "review", "second": "review"}}, main=MAIN, review=REVIEW)


class Ballots(Portal):
    """A portal that keeps each vote by where it was given, and counts those of the committee that is asked about."""

    def __init__(self) -> None:
        super().__init__(items=SEATS)
        self.votes: dict[Committee, dict[int, bool]] = defaultdict(dict)
        self.rounds = 1

    def condition(self, expression: str, place: Place) -> bool:
        super().condition(expression, place)
        if expression == "again":
            return self.rounds < ROUNDS
        assert place.item == 0
        return self.decided((place.scope, place.element, place.visit))

    def decided(self, committee: Committee) -> bool:
        """Whether more than half of its seats said the same."""
        said = list(self.votes[committee].values())
        return max(said.count(True), said.count(False)) * 2 > SEATS[committee[1]]

    def over(self, committee: Committee) -> bool:
        """Whether a committee needs no more votes."""
        votes, seats = len(self.votes[committee]), SEATS[committee[1]]
        return votes == seats or (committee[1] != "queue" and self.decided(committee))


class Model:
    """What must be open, worked out from the votes alone."""

    def __init__(self, ballots: Ballots) -> None:
        self.ballots, self.invited, self.chaired = ballots, set(), 0

    def open(self) -> set[Place]:
        """The tasks that must wait."""
        found = set[Place]()
        for scope, element in (("", "panel"), ("first:1", "vote"), ("second:1", "vote")):
            found |= {Place(scope, element, 1, item) for item in self._waited_for((scope, element, 1))}
        found |= {Place("", "queue", 1, item) for item in self._waited_for(("", "queue", 1))[:1]}
        board = ("", "seat", self.ballots.rounds)
        if self.ballots.over(board):
            return found | ({Place("", "chair", self.ballots.rounds)} if self.chaired < self.ballots.rounds else set())
        for item in self._waited_for(board):
            scope = f"seat:{self.ballots.rounds}.{item}"
            found.add(Place(scope, "vote" if scope in self.invited else "invite", 1))
        return found

    def _waited_for(self, committee: Committee) -> list[int]:
        if self.ballots.over(committee):
            return []
        return [item for item in range(1, SEATS[committee[1]] + 1) if item not in self.ballots.votes[committee]]

    def done(self, place: Place, vote: bool) -> None:
        """Somebody does a task; called before the engine hears of it."""
        if place.element == "invite":
            self.invited.add(place.scope)
        elif place.element == "chair":
            self.chaired = place.visit
        elif place.scope.startswith("seat:"):
            self.ballots.votes["", "seat", self.ballots.rounds][int(place.scope.rpartition(".")[2])] = vote
        else:
            self.ballots.votes[place.scope, place.element, place.visit][place.item] = vote


@settings(max_examples=6, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(0, 1000), st.booleans()), min_size=70, max_size=70))
def test_in_whatever_order_people_vote_each_committee_counts_its_own_votes(choices):
    """Saved and loaded after each vote; what is open follows from each committee's own votes of its own round."""
    ballots = Ballots()
    case, model = Acted(SPEC, ballots), Model(ballots)
    for which, vote in choices:
        assert {task.place for task in case.waiting.tasks} == model.open()
        if case.ended:
            break
        place = sorted(model.open())[which % len(model.open())]
        model.done(place, vote)
        case.do_at(place)
        if place.element == "chair" and ballots.rounds < ROUNDS:
            ballots.rounds += 1
    assert (case.ended, case.end) == (True, "end")
    rounds = [place.visit for _verb, place, *_ in ballots.told if _verb == "items" and place.element == "seat"]
    assert rounds == [1, 2, 3]
