"""Files of decisions, written out: a table is its columns and rows of cells."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

SPACE = "https://www.omg.org/spec/DMN/20230324/MODEL/"
Column = tuple[str, ...]
"""Of an input: expression, type, perhaps values. Of an output: name, type, perhaps values, perhaps default."""


def definitions(*parts: str, space: str = SPACE) -> bytes:
    """A file that holds these parts, one to a line."""
    inside = "\n".join(parts)
    head = f'<definitions xmlns="{space}" id="definitions" name="test" namespace="urn:test">'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}\n{inside}\n</definitions>\n'.encode()


def given(name: str, of: str = "") -> str:
    """Input data."""
    typed = f' typeRef="{of}"' if of else ""
    return f'<inputData id="given_{name}" name="{name}"><variable name="{name}"{typed}/></inputData>'


def needs(*decisions: str, inputs: Sequence[str] = (), knowledge: Sequence[str] = ()) -> str:
    """What a decision requires, by the ids of decisions and knowledge models, and the names of input data."""
    required = [
        *(f'<informationRequirement><requiredDecision href="#{one}"/></informationRequirement>' for one in decisions),
        *(f'<informationRequirement><requiredInput href="#given_{one}"/></informationRequirement>' for one in inputs),
        *(f'<knowledgeRequirement><requiredKnowledge href="#{one}"/></knowledgeRequirement>' for one in knowledge),
    ]
    return "".join(required)


def decision(key: str, logic: str, *, of: str = "", requires: str = "", name: str = "") -> str:
    """A decision; its name is its id unless another is given."""
    typed = f'<variable name="{name or key}" typeRef="{of}"/>' if of else ""
    return f'<decision id="{key}" name="{name or key}">{typed}{requires}{logic}</decision>'


def literal(text: str) -> str:
    """A literal expression."""
    return f"<literalExpression><text>{escape(text, quote=False)}</text></literalExpression>"


def model(key: str, parameters: dict[str, str], logic: str, requires: str = "") -> str:
    """A business knowledge model: its parameters with their types."""
    declared = "".join(f'<formalParameter name="{name}" typeRef="{of}"/>' for name, of in parameters.items())
    inner = f"<encapsulatedLogic>{declared}{logic}</encapsulatedLogic>"
    head = f'<businessKnowledgeModel id="{key}" name="{key}"><variable name="{key}"/>'
    return f"{head}{requires}{inner}</businessKnowledgeModel>"


def table(
    inputs: Sequence[Column],
    outputs: Sequence[Column],
    rules: Sequence[Sequence[str]],
    *,
    policy: str = "UNIQUE",
    aggregation: str = "",
    key: str = "table",
    notes: Sequence[str] = (),
) -> str:
    """A decision table; a rule is its cells, inputs then outputs then annotations. Rule 2's first cell is `r2c1`."""
    asked = "".join(_input(place, column) for place, column in enumerate(inputs, 1))
    answered = "".join(_output(place, column) for place, column in enumerate(outputs, 1))
    noted = "".join(f'<annotation name="{name}"/>' for name in notes)
    rows = "\n".join(_rule(number, rule, len(inputs), len(outputs)) for number, rule in enumerate(rules, 1))
    summed = f' aggregation="{aggregation}"' if aggregation else ""
    head = f'<decisionTable id="{key}" hitPolicy="{policy}"{summed}>'
    return f"{head}\n{asked}\n{answered}\n{noted}\n{rows}\n</decisionTable>"


def _input(place: int, column: Column) -> str:
    text, of, *values = column
    typed = f' typeRef="{of}"' if of else ""
    allowed = f"<inputValues>{_text(values[0])}</inputValues>" if values else ""
    return f'<input id="in{place}"><inputExpression{typed}>{_text(text)}</inputExpression>{allowed}</input>'


def _output(place: int, column: Column) -> str:
    name, of, *more = column
    typed = f' typeRef="{of}"' if of else ""
    values = f"<outputValues>{_text(more[0])}</outputValues>" if more and more[0] else ""
    default = f"<defaultOutputEntry>{_text(more[1])}</defaultOutputEntry>" if len(more) > 1 else ""
    return f'<output id="out{place}" name="{name}"{typed}>{values}{default}</output>'


def _rule(number: int, cells: Sequence[str], inputs: int, outputs: int) -> str:
    kinds = ["inputEntry"] * inputs + ["outputEntry"] * outputs
    written = "".join(
        f'<{kind} id="r{number}c{place}">{_text(cell)}</{kind}>'
        for place, (kind, cell) in enumerate(zip(kinds, cells, strict=False), 1)
    )
    notes = "".join(f"<annotationEntry>{_text(cell)}</annotationEntry>" for cell in cells[inputs + outputs :])
    return f'<rule id="r{number}">{written}{notes}</rule>'


def _text(text: str) -> str:
    return f"<text>{escape(text, quote=False)}</text>"
