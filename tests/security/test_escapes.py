"""Python in what an analyst writes: refused when it is checked, and run by nobody when it slips in."""

from __future__ import annotations

import html
import subprocess
import sys
from collections.abc import Callable
from html import escape
from pathlib import Path

import pytest

from portal import feel
from portal.engine import EngineFault, running
from portal.errors import ContentFaults, PortalError
from portal.feel import FeelError, Scope
from portal.feel.dmn import reading as dmn
from tests.builders import decisions, diagrams
from tests.builders.escapes import FIELDS, payloads
from tests.builders.proving import Proof
from tests.engine.acting import Acted, Portal, simple
from tests.procedures.expecting import faults


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """What is there only when somebody has run the Python."""
    return tmp_path / "ran"


def share(texts: list[str], number: int, count: int) -> list[str]:
    """So many of the texts, others for each number."""
    return [texts[(number * 7 + step * 11) % len(texts)] for step in range(min(count, len(texts)))]


def test_python_in_any_text_is_refused_when_it_is_checked(canary: Path, proof: Proof) -> None:
    texts, tried = payloads(str(canary)), 0
    for number, (field, put) in enumerate(FIELDS.items()):
        for text in share(texts, number, proof.size(1, 8, len(texts))):
            found = faults(put(text))
            assert found, f"{field}: {text}"
            assert all(fault.what and fault.mend for fault in found)
            tried += 1
    assert not canary.exists()
    proof.says("S2", "Python in a text of the content", "refused when checked, 0 run", fields=len(FIELDS), tried=tried)


CELLS: dict[str, Callable[[str], str]] = {
    "literal": lambda text: decisions.decision("d", f"<literalExpression><text>{text}</text></literalExpression>"),
    "cell of an input": lambda text: _table(f"<text>{text}</text>", "<text>1</text>"),
    "cell of an output": lambda text: _table("<text>-</text>", f"<text>{text}</text>"),
    "input": lambda text: _table("<text>-</text>", "<text>1</text>", text),
    "default": lambda text: _table("<text>-</text>", "<text>1</text>", default=text),
    "context": lambda text: decisions.decision(
        "d", "<context><contextEntry><variable name='a'/><literalExpression>"
        f"<text>{text}</text></literalExpression></contextEntry></context>",
    ),
}  # fmt: skip


def _table(entry: str, result: str, asked: str = "1", default: str = "") -> str:
    beside = f"<defaultOutputEntry><text>{default}</text></defaultOutputEntry>" if default else ""
    return decisions.decision(
        "d",
        '<decisionTable hitPolicy="FIRST">'
        f'<input id="i"><inputExpression typeRef="number"><text>{asked}</text></inputExpression></input>'
        f'<output id="o" name="o">{beside}</output>'
        f'<rule id="r"><inputEntry id="a">{entry}</inputEntry><outputEntry id="b">{result}</outputEntry></rule>'
        "</decisionTable>",
    )


def test_python_in_a_decision_is_refused_when_it_is_read(canary: Path, proof: Proof) -> None:
    assert dmn.read(decisions.definitions(_table("<text>-</text>", "<text>1</text>")), "x.dmn")
    texts = payloads(str(canary))
    for cell, put in CELLS.items():
        for text in texts:
            with pytest.raises(ContentFaults) as refusal:
                dmn.read(decisions.definitions(put(escape(text))), "x.dmn")
            assert all(fault.what and fault.mend for fault in refusal.value.faults), f"{cell}: {text}"
    assert not canary.exists()
    proof.says("S2", "Python in a decision table", "refused when read, 0 run", cells=len(CELLS), payloads=len(texts))


def test_the_evaluator_of_texts_runs_no_python(canary: Path, proof: Proof) -> None:
    texts = payloads(str(canary))
    for text in texts:
        with pytest.raises(FeelError):
            feel.compile(text).evaluate(Scope({}))
    assert not canary.exists()
    proof.says("S2", "Python as an expression", "refused, 0 run", payloads=len(texts))


# Past the check: the engine alone, with what a release should never hold.
_END = "</bpmn:extensionElements>"
_NAMES = 'xmlns:spiffworkflow="http://spiffworkflow.org/bpmn/schema/1.0/core"'
_EVENT = "bpmn:{0}EventDefinition"
_CATCH = f'<bpmn:intermediateCatchEvent id="x"><{_EVENT}>{{1}}</{_EVENT}></bpmn:intermediateCatchEvent>'
_MANY = "bpmn:multiInstanceLoopCharacteristics"


def _extended(name: str) -> Callable[[str], str]:
    tag = f"spiffworkflow:{name}"
    return lambda text: diagrams.user("x").replace(_END, f"<{tag} {_NAMES}>{text}</{tag}>{_END}")


def _many(inside: str) -> Callable[[str], str]:
    return lambda text: diagrams.user("x").replace("</bpmn:userTask>", inside.format(text) + "</bpmn:userTask>")


SLIPPED: dict[str, Callable[[str], str]] = {
    "script task": lambda text: f'<bpmn:scriptTask id="x"><bpmn:script>{text}</bpmn:script></bpmn:scriptTask>',
    "pre-script": _extended("preScript"),
    "post-script": _extended("postScript"),
    "pre-script of a service": lambda text: diagrams.service("x").replace(
        _END, f"<spiffworkflow:preScript {_NAMES}>{text}</spiffworkflow:preScript>{_END}"
    ),
    "operator": _extended("serviceTaskOperator"),
    "instructions": _extended("instructionsForEndUser"),
    "cardinality": _many(f"<{_MANY}><bpmn:loopCardinality>{{}}</bpmn:loopCardinality></{_MANY}>"),
    "completion condition": _many(f"<{_MANY}><bpmn:completionCondition>{{}}</bpmn:completionCondition></{_MANY}>"),
    "list of many": _many(f'<{_MANY}><bpmn:extensionElements><portal:each in="={{}}" as="y"/>{_END}</{_MANY}>'),
    "loop": _many(
        "<bpmn:standardLoopCharacteristics><bpmn:loopCondition>{}</bpmn:loopCondition>"
        "</bpmn:standardLoopCharacteristics>"
    ),
    "timer": lambda text: _CATCH.format("timer", f"<bpmn:timeDate>{text}</bpmn:timeDate>"),
    "duration": lambda text: _CATCH.format("timer", f"<bpmn:timeDuration>{text}</bpmn:timeDuration>"),
    "cycle": lambda text: _CATCH.format("timer", f"<bpmn:timeCycle>{text}</bpmn:timeCycle>"),
    "conditional event": lambda text: _CATCH.format("conditional", f"<bpmn:condition>{text}</bpmn:condition>"),
    "called element": lambda text: f'<bpmn:callActivity id="x" calledElement="{text}"/>',
    "data object": lambda text: f'<bpmn:dataObject id="d" name="{text}"/>{diagrams.user("x")}',
    "condition": lambda text: "",
}


def drawing(field: str, text: str) -> tuple[str, ...]:
    """A diagram with the text in a field, and a way through it."""
    put = SLIPPED[field](text)
    ends = diagrams.start(), diagrams.end(), diagrams.user("after")
    if field == "condition":
        return (
            *ends, diagrams.user("x"), diagrams.xor("which", "which-end"), diagrams.path("start", "x", "which", "end"),
            diagrams.flow("which", "after", html.unescape(text)), diagrams.flow("after", "end"),
        )  # fmt: skip
    return *ends, put, diagrams.path("start", "x", "after", "end")


def act(field: str, text: str) -> str:
    """Has the engine read and act a diagram as far as it goes: what it said, empty when it went to its end."""
    try:
        case = Acted(simple(*drawing(field, text)), Portal())
        while case.waiting.tasks:
            case.do_at(case.waiting.tasks[0].place)
    except PortalError as refusal:
        return refusal.text("zh")
    return ""


def test_python_that_slipped_past_the_check_is_run_by_nobody(canary: Path, proof: Proof) -> None:
    texts, refused, tried = payloads(str(canary)), 0, 0
    for number, field in enumerate(SLIPPED):
        for text in share(texts, number, proof.size(5, 20, len(texts))):
            tried += 1
            refused += bool(act(field, escape(text)))
            assert not canary.exists(), f"{field}: {text}"
    assert 0 < refused <= tried
    proof.says("S2", "Python past the check", "0 run", fields=len(SLIPPED), tried=tried, refused=refused)


def ran(text: str, canary: Path) -> bool:
    """Whether plain Python, elsewhere, would have run it."""
    subprocess.run([sys.executable, "-I", "-c", f"eval({text!r})"], capture_output=True, timeout=20, check=False)
    there = canary.exists() or canary.is_symlink()
    if canary.is_dir() and not canary.is_symlink():
        canary.rmdir()
    else:
        canary.unlink(missing_ok=True)
    return there


@pytest.mark.thorough
def test_each_piece_is_python_that_does_what_it_is_said_to(canary: Path, proof: Proof) -> None:
    dull = [text for text in payloads(str(canary)) if not ran(text, canary)]
    assert dull == []
    proof.catches("S2", "plain Python as evaluator", payloads=len(payloads("")))


def test_an_engine_that_evaluates_python_is_noticed(
    canary: Path, proof: Proof, monkeypatch: pytest.MonkeyPatch
) -> None:
    def evaluate(self: object, task: object, expression: str, external_context: object = None) -> bool:
        return bool(eval(expression))  # the fault that is to be noticed

    monkeypatch.setattr(running.Evaluator, "evaluate", evaluate)
    text = payloads(str(canary))[0]
    act("condition", text)
    assert canary.exists()
    proof.catches("S2", "conditions go to Python", ran=1)


def test_the_engine_itself_refuses_whatever_asks_it(canary: Path) -> None:
    text = payloads(str(canary))[0]
    engine = running.Evaluator()
    for ask in (
        lambda: engine.execute(None, text),
        lambda: engine.validate(text),
        lambda: engine.call_service(None, text=text),
        lambda: engine.environment.evaluate(text, {}),
        lambda: engine.environment.execute(text, {}),
        lambda: engine.environment.call_service({}, text=text),
    ):
        with pytest.raises(EngineFault):
            ask()
    assert not canary.exists()
