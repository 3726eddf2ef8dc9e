"""One form handed in twice at the same moment: one act, and the second gets the first's answer."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.builders.procedures import REGULATION
from tests.builders.proving import Proof
from tests.builders.running import Running, Servers
from tests.faults import filings
from tests.faults.changes import QUICK
from tests.faults.changes import __name__ as CHANGES


def doubled(running: Running, forms: int, pairs: int) -> tuple[list[str], int]:
    """What is wrong when each form is handed in twice at once, by so many people side by side; the cases it made."""
    before = running.servers.number("SELECT count(*) FROM cases WHERE procedure = 'race'")

    def hand_in_twice(person: int) -> list[str]:
        session = running.servers.session(f"officer-{person}")
        windows = [running.browser(follows=False) for _ in range(2)]
        for window in windows:
            window.carry(session)
        wrong = []
        with ThreadPoolExecutor(2) as both:
            for _ in range(forms // pairs):
                form = {"_once": secrets.token_urlsafe(16)}
                posts = [both.submit(window.post, f"/start/{REGULATION}/race", form) for window in windows]
                answers = [(post.result().status, post.result().headers["Location"]) for post in posts]
                if answers[0] != answers[1] or answers[0][0] != 302:
                    wrong.append(f"the answers are {answers}")
        return wrong

    with ThreadPoolExecutor(pairs) as people:
        wrong = [one for found in people.map(hand_in_twice, range(pairs)) for one in found]
    after = running.servers.number("SELECT count(*) FROM cases WHERE procedure = 'race'")
    return wrong, after - before


def test_a_form_handed_in_twice_at_once_is_one_act(servers: Servers, proof: Proof) -> None:
    forms, pairs = proof.size(20, 200, 1000), 4
    with servers.running(*QUICK, worker=False) as running:
        wrong, cases = doubled(running, forms, pairs)
    assert wrong == []
    assert cases == forms
    assert filings.unsound(servers) == []
    proof.says(
        "R2",
        f"{forms} forms, each handed in twice at once with the same key",
        "one act each, the second gets the first's answer",
        forms=forms,
        requests=2 * forms,
        acts=cases,
        other_answers=len(wrong),
    )


@pytest.mark.thorough
def test_a_form_that_is_not_known_again_is_doubled(spoiled: Servers, proof: Proof) -> None:
    with spoiled.running(f"{CHANGES}:no_once", worker=False) as running:
        wrong, cases = doubled(running, 20, 4)
    assert cases > 20
    assert wrong != []
    proof.catches("R2", "a form that is posted again is not looked for", forms=20, acts=cases, other_answers=len(wrong))
