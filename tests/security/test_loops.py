"""Endless loops in what an analyst draws and writes: refused when checked, stopped when they slip in."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import engine, feel
from portal.cases.models import Case, Incident
from portal.db import Database
from portal.engine import Runaway, reading, running
from portal.errors import ContentFaults, PortalError
from portal.feel import Scope
from portal.identity import Actor
from portal.storage import MemoryStore
from portal.worker import Tools
from portal.worker.timers import fire_one
from tests.builders import diagrams
from tests.builders import procedures as p
from tests.builders.content import broken
from tests.builders.proving import Proof
from tests.builders.sheets import code
from tests.builders.world import World
from tests.engine.acting import Portal, spec_of
from tests.procedures.expecting import faults
from tests.rules.test_feel_budget import ATTACKS, NAMES

SPINS = (
    diagrams.xor("enter"), diagrams.xor("again", "again-enter"), diagrams.path("enter", "again", "enter"),
    diagrams.flow("again", "end", "=false"), p.end(),
)  # fmt: skip
PERIOD = p.deadline("d", "3 working days")
BOMBS = [
    *ATTACKS,
    "9 ** (9 ** 8)",
    "9 ** (9 ** (9 ** 9))",
    "((((9 ** 99) ** 99) ** 99) ** 99)",
    "for a in 1..9999, b in 1..9999 return a * b",
    "count(for a in 1..9999 return for b in 1..9999 return b)",
    "some a in 1..9999, b in 1..9999 satisfies a + b < 0",
    "sort(for a in 1..9999 return for b in 1..9999 return b)",
    "wide + wide + wide",
    "flatten(for a in 1..9999 return big)",
    "sum(for a in big return sum(for b in big return b))",
]
COMPILED_NOT = ["1" * 5_000, "[" * 1_500, "a" + " in a" * 900]


def world(tx_or_database: Session | Database, **small: p.Small) -> tuple[World, Actor]:
    """A bureau of the small regulation, and somebody of a unit."""
    over = isinstance(tx_or_database, Database)
    made = (World.over if over else World.within)(tx_or_database, p.content(**small))
    return made, made.person("王", of=made.organisation(code(77), "某某公司"))


@pytest.fixture
def slipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Diagrams are not asked whether they come to a stop."""
    monkeypatch.setattr(reading, "endless", lambda documents: [])
    monkeypatch.setattr(reading, "_try", lambda spec: None)
    reading._read.cache_clear()


def test_loops_and_recursion_are_refused_when_checked(proof: Proof) -> None:
    back = '<bpmn:sequenceFlow id="f4" sourceRef="start_notice" targetRef="done">'
    endless = faults(broken("grant.bpmn", back, back.replace('"done"', '"signed"')))
    assert "从此元素走不到任何结束事件" in {fault.what for fault in endless}
    [itself, *_] = faults(broken("period.bpmn", 'diagram="@record"', 'diagram="period"'))
    assert "直接或间接地调用了自己" in itself.what
    proof.says("S3", "loops and recursion in a diagram", "refused when checked", refused=2)


CALLS_ITSELF = diagrams.start(), diagrams.call("again"), diagrams.end(), diagrams.path("start", "again", "end")
SPINNING = diagrams.start(), *SPINS[:-1], diagrams.end(), diagrams.path("start", "enter")


@pytest.mark.parametrize("parts", [CALLS_ITSELF, SPINNING])
def test_the_engine_does_not_read_what_would_never_stop(parts: tuple[str, ...]) -> None:
    with pytest.raises(ContentFaults):
        spec_of("main", {"main": {"again": "main"}}, main=diagrams.diagram(*parts))


@pytest.mark.usefixtures("slipped")
def test_a_loop_that_slipped_in_ends_its_act_alone(tx, proof: Proof) -> None:
    calm = p.procedure(p.start(), p.task("look"), p.end(), diagrams.path("start", "look", "end"))
    spin = p.procedure(p.start(), *SPINS, diagrams.path("start", "enter"))
    bureau, unit = world(tx, calm=calm, spin=spin)
    began = time.perf_counter()
    with pytest.raises(Runaway):
        bureau.file("spin", unit, text="x")
    took = time.perf_counter() - began
    assert tx.scalar(select(func.count()).select_from(Case)) == 0
    case = bureau.file("calm", unit, text="x")
    assert case.tasks == ["look"]
    proof.says("S3", "a loop past the check, by a click", "stopped < 5 s, nothing kept", seconds=round(took, 3))


@pytest.mark.usefixtures("slipped")
def test_a_loop_that_slipped_in_behind_a_timer_is_an_incident_and_others_go_on(
    own_database: Database, proof: Proof
) -> None:
    wait = p.over("wait", "d")
    calm = p.procedure(p.start(), wait, p.end(), diagrams.path("start", "wait", "end"), manifest=PERIOD)
    spin = p.procedure(p.start(), wait, *SPINS, diagrams.path("start", "wait", "enter"), manifest=PERIOD)
    bureau, unit = world(own_database, calm=calm, spin=spin)
    broken_, good = bureau.file("spin", unit, text="x"), bureau.file("calm", unit, text="x")
    tools = Tools(own_database, MemoryStore(), bureau.kernel, "http://portal")
    moment = max(broken_.ripe_at, good.ripe_at)
    began = time.perf_counter()
    while fire_one(tools, moment):
        pass
    took = time.perf_counter() - began
    assert (broken_.outcome, good.outcome) == (None, "办结")
    with own_database.transaction() as tx:
        [incident] = tx.scalars(select(Incident))
        assert (incident.case_id, incident.during) == (broken_.id, "到期自动办理")
    proof.says(
        "S3", "a loop past the check, by a timer", "stopped < 5 s, incident, others go on", seconds=round(took, 3)
    )


def test_expressions_that_explode_are_stopped(proof: Proof) -> None:
    slowest = 0.0
    for text in BOMBS:
        began = time.perf_counter()
        with pytest.raises(PortalError):
            feel.compile(text).evaluate(Scope(NAMES))
        slowest = max(slowest, time.perf_counter() - began)
    for text in COMPILED_NOT:
        with pytest.raises(feel.FeelError):
            feel.compile(text)
    figures = {"bombs": len(BOMBS) + len(COMPILED_NOT), "slowest": round(slowest, 3)}
    proof.says("S3", "expressions that explode", "stopped < 5 s", **figures)


@pytest.mark.parametrize("bomb", ["9 ** (9 ** 9) > 1", "count(for a in 1..9999, b in 1..9999 return a) > 1"])
def test_a_case_whose_condition_explodes_says_so_and_others_go_on(tx, bomb: str) -> None:
    choice = (
        p.start(), diagrams.xor("which", "which-end"), p.task("look"), p.end(), diagrams.path("start", "which", "end"),
        diagrams.flow("which", "look", f"={bomb}"), diagrams.flow("look", "end"),
    )  # fmt: skip
    calm = p.procedure(p.start(), p.task("look"), p.end(), diagrams.path("start", "look", "end"))
    bureau, unit = world(tx, calm=calm, bomb=p.procedure(*choice))
    with pytest.raises(PortalError) as refusal:
        bureau.file("bomb", unit, text="x")
    assert refusal.value.text("zh")
    assert bureau.file("calm", unit, text="x").tasks == ["look"]


def steps_of(spec: engine.Spec) -> int:
    """How much a case that spins tells before it is stopped."""
    position = engine.start(spec, Portal())
    watched = Portal()
    position = engine.load(spec, position.dump(), watched)
    with pytest.raises(Runaway):
        position.complete(position.waiting().tasks[0].id)
    return len(watched.told)


@pytest.mark.usefixtures("slipped")
def test_a_budget_that_does_not_hold_is_noticed(monkeypatch: pytest.MonkeyPatch, proof: Proof) -> None:
    parts = diagrams.start(), diagrams.user("x"), *SPINS[:-1], diagrams.end()
    spec = spec_of("main", main=diagrams.diagram(*parts, diagrams.path("start", "x", "enter")))
    held = steps_of(spec)
    monkeypatch.setattr(running, "STEPS", running.STEPS + 100)
    assert steps_of(spec) > held
    proof.catches("S3", "a budget of a hundred steps more", told=held)
