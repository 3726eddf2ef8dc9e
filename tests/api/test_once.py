"""One act for one key, however often and at once it is asked for, and the first answer each time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import func, select

from portal import clock
from portal.cases.models import ActRecord, Attachment, Case
from portal.db import locks
from portal.edge import kept
from portal.edge.models import KeptAnswer
from tests.builders.pages import ETS
from tests.builders.programs import PDF

START = {"procedure": f"{ETS}/allocation", "answers": {}}


def count(portal, table):
    with portal.database.transaction() as tx:
        return tx.scalar(select(func.count()).select_from(table))


def test_the_same_request_with_the_same_key_is_carried_out_once(portal, of):
    zhou = of("zhou")
    first, again = zhou.post("/cases", START, key="k1"), zhou.post("/cases", START, key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.data == first.data
    assert again.headers["Location"] == first.headers["Location"] == f"/api/v1/cases/{first.json['id']}"
    assert (first.headers.get("Idempotent-Replayed"), again.headers["Idempotent-Replayed"]) == (None, "true")
    assert count(portal, Case) == 1


def test_how_the_json_is_written_makes_no_other_request(portal, of):
    zhou = of("zhou")
    first = zhou.post("/cases", START, key="k1")
    text = '{ "answers" : {},  "procedure": "chongqing-ets/allocation" }'
    assert zhou.post("/cases", key="k1", data=text, content_type="application/json").json == first.json


def test_a_key_that_was_used_for_something_else_is_refused(portal, of):
    zhou = of("zhou")
    case = zhou.made("/cases", START, key="k1")
    task = case["tasks"][0]["id"]
    for answer in (
        zhou.post("/cases", {**START, "answers": {"x": 1}}, key="k1"),
        zhou.post(f"/tasks/{task}/claim", key="k1"),
    ):
        assert (answer.status_code, answer.json["type"]) == (422, "urn:portal:problem:key-used-otherwise")
    assert count(portal, Case) == 1


def test_another_person_may_have_the_same_key(portal, of):
    assert of("zhou").made("/cases", START, key="k")["id"] != of("sun").made("/cases", START, key="k")["id"]


def test_another_token_of_the_same_person_gets_the_same_answer(portal, of):
    assert of("zhou").made("/cases", START, key="k") == of("zhou").made("/cases", START, key="k")


def test_without_a_key_each_request_is_one_of_its_own(portal, of):
    assert of("zhou").made("/cases", START)["id"] != of("zhou").made("/cases", START)["id"]


def test_what_was_refused_may_be_asked_again_with_the_same_key(portal, of):
    zhou = of("zhou")
    task = zhou.made("/cases", START)["tasks"][0]["id"]
    assert zhou.post(f"/tasks/{task}/complete", {"answers": {}}, key="k").status_code == 422
    assert zhou.post(f"/tasks/{task}/complete", {"answers": {"year": "1"}}, key="k").status_code == 422
    assert zhou.made(f"/tasks/{task}/claim", key="k")["holder"] == "周敏"


def test_a_file_is_kept_once(portal, of):
    zhou = of("zhou")
    first, again = zhou.upload("表.pdf", PDF, key="k"), zhou.upload("表.pdf", PDF, key="k")
    assert (first.status_code, again.json) == (201, first.json)
    assert len(list(portal.machine.store.keys())) == count(portal, Attachment) == 1
    assert zhou.upload("表.pdf", PDF + b" ", key="k").status_code == 422
    assert zhou.upload("另一份.pdf", PDF, key="k").status_code == 422


@pytest.mark.parametrize("key", ["", " ", "x" * 201, "键"])
def test_what_is_no_key_is_refused(portal, of, key):
    answer = of("zhou").post("/cases", START, headers={"Idempotency-Key": key.encode().decode("latin-1")})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "Idempotency-Key"
    assert count(portal, Case) == 0


def at_once(portal, of, times):
    """So many pairs of the same request with one key, each pair at the same time: the answers by pair."""
    programs, ready = [of("zhou"), of("zhou")], Barrier(2)

    def ask(program, number):
        ready.wait(60)
        return program.post("/cases", START, key=f"pair-{number}")

    with ThreadPoolExecutor(2) as pool:
        return [list(pool.map(ask, programs, [number] * 2)) for number in range(times)]


def doubled(portal, pairs):
    """Whether any pair was carried out twice, or answered with two answers."""
    statuses = {answer.status_code for pair in pairs for answer in pair}
    return statuses != {201} or any(one.data != other.data for one, other in pairs) or count(portal, Case) != len(pairs)


def test_two_at_the_same_time_are_one_act_with_one_answer(portal, of, proof):
    times = proof.size(5, 40, 1000)
    pairs = at_once(portal, of, times)
    assert not doubled(portal, pairs), [(one.status_code, one.text[:300]) for pair in pairs for one in pair]
    assert count(portal, ActRecord) == count(portal, KeptAnswer) == times
    replays = sum("Idempotent-Replayed" in answer.headers for pair in pairs for answer in pair)
    assert replays == times
    proof.says(
        "R2", "API: one key sent twice at the same time is one act, the second gets the first's answer",
        "1,000 pairs, one act each", pairs=times, acts=times, replayed=replays,
    )  # fmt: skip


@pytest.mark.thorough
def test_without_the_lock_two_at_the_same_time_are_noticed(portal, of, proof, monkeypatch):
    """Mutant: nobody waits for who asks with the same key."""
    monkeypatch.setattr(locks, "take", lambda tx, *names: None)
    pairs = at_once(portal, of, 30)
    assert doubled(portal, pairs)
    proof.catches("R2", "the lock on the key of a request removed", pairs=30, noticed=True)


def test_answers_are_forgotten_when_they_are_old(portal, of):
    of("zhou").made("/cases", START, key="k")
    for age, left in ((timedelta(hours=1), 1), (timedelta(0), 0)):
        with portal.database.transaction() as tx:
            kept.sweep(tx, clock.now() - age)
        assert count(portal, KeptAnswer) == left


def test_an_answer_that_could_not_be_kept_takes_its_act_with_it(portal, of, monkeypatch):
    """Both lie in one transaction: what is lost between them is lost together."""

    def dies(*args, **arguments):
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr("portal.api.once.KeptAnswer", dies)
        answer = of("zhou").post("/cases", START, key="k")
    assert (answer.status_code, answer.content_type) == (500, "application/problem+json")
    assert count(portal, Case) == 0
    assert of("zhou").post("/cases", START, key="k").status_code == 201
