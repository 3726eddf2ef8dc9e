"""Many hand in the same task at the same moment: one of them has done it, all others are told so."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from statistics import quantiles
from time import perf_counter

import pytest
from sqlalchemy import text

from portal import clock, identity
from portal.cases import filing
from tests.builders.procedures import REGULATION
from tests.builders.proving import Proof
from tests.builders.running import NoAnswer, Running, Servers
from tests.faults import filings
from tests.faults.changes import QUICK
from tests.faults.changes import __name__ as CHANGES

PROCESSES, THREADS = 8, 4


def tasks_for(servers: Servers, count: int) -> list[int]:
    """New cases whose one task everybody may do; the ids of those tasks."""
    tools = servers.tools()
    with tools.database.transaction() as tx:
        someone = identity.service.person_by_login(tx, "officer-0")
        assert someone is not None
        actor = identity.actor_of(tx, someone.id, clock.day_of(clock.now()))
        assert actor is not None
    made = []
    for _ in range(count):
        with tools.database.transaction() as tx:
            made.append(filing.file(tools.kernel, tx, actor, REGULATION, "race", {}, clock.now()).id)
    with tools.database.transaction() as tx:
        found = tx.execute(text("SELECT id FROM tasks WHERE case_id = ANY(:made)"), {"made": made})
        ids = list(found.scalars())
    tools.database.close()
    return ids


def raced(running: Running, tasks: list[int], racers: int) -> tuple[Counter[int], list[str], list[float]]:
    """Has all racers hand in each task at once: the answers by status, what is wrong, and the seconds each took."""
    people = [f"racer-{number}" for number in range(racers)]
    browsers = {name: running.browser(name, follows=False) for name in people}
    together, answers, took = threading.Barrier(racers), Counter[int](), list[float]()
    won = dict[int, list[str]]()

    def race(name: str) -> None:
        for task in tasks:
            together.wait(120)
            began = perf_counter()
            try:
                answer = browsers[name].post(f"/tasks/{task}", {"text": name})
                status = answer.status
            except NoAnswer:
                status = 0
            took.append(perf_counter() - began)
            answers[status] += 1
            if status == 302:
                won.setdefault(task, []).append(name)

    with ThreadPoolExecutor(racers) as pool:
        list(pool.map(race, people))
    with running.servers.database.transaction() as tx:
        kept = text(
            "SELECT t.id, v.value->>'text' FROM tasks t JOIN case_values v "
            "ON v.case_id = t.case_id AND v.element = 'do' WHERE t.id = ANY(:tasks) AND t.state = 'done'"
        )
        said = dict(tx.execute(kept, {"tasks": tasks}).all())
    wrong = [
        f"task {task}: {won.get(task)} won, {said.get(task)} is kept"
        for task in tasks
        if won.get(task) != [said.get(task)]
    ]
    return answers, wrong, took


def prepared(servers: Servers, racers: int) -> None:
    """Everybody who races is an officer; made once."""
    for number in range(racers):
        if not servers.number("SELECT count(*) FROM persons WHERE login = :login", login=f"racer-{number}"):
            servers.official(f"racer-{number}", "officer")


def test_of_many_who_hand_in_one_task_one_has_done_it(servers: Servers, proof: Proof) -> None:
    tasks, racers = proof.size(10, 60, 500), proof.size(8, 32, PROCESSES * THREADS)
    prepared(servers, racers)
    ids = tasks_for(servers, tasks)
    with servers.running(*QUICK, worker=False, web_workers=proof.size(2, 4, PROCESSES)) as running:
        answers, wrong, took = raced(running, ids, racers)
    assert wrong == []
    assert answers == {302: tasks, 409: tasks * (racers - 1)}
    assert filings.unsound(servers) == []
    proof.says(
        "R1",
        f"{racers} racers hand in the same {tasks} tasks at once",
        "exactly one wins each, the others get a clean 409; p99 < 200 ms",
        tasks=tasks,
        racers=racers,
        won=answers[302],
        told=answers[409],
        anything_else=0,
        p99_ms=round(quantiles(took, n=100)[98] * 1000),
    )
    proof.aims("p99_ms", at_most=200)


@pytest.mark.thorough
def test_without_the_lock_several_win(spoiled: Servers, proof: Proof) -> None:
    tasks, racers = 20, 8
    prepared(spoiled, racers)
    ids = tasks_for(spoiled, tasks)
    with spoiled.running(f"{CHANGES}:no_lock", worker=False, web_workers=4) as running:
        answers, wrong, _ = raced(running, ids, racers)
    assert wrong != [] or answers != {302: tasks, 409: tasks * (racers - 1)}
    proof.catches("R1", "an act does not lock its family", answers=dict(answers), wrong=len(wrong))
