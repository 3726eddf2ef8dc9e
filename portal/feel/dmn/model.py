"""What a file of decisions holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from portal.feel.dmn.types import Type
from portal.feel.expression import Expression

Policy = Literal["UNIQUE", "ANY", "PRIORITY", "FIRST", "RULE ORDER", "OUTPUT ORDER", "COLLECT"]
Aggregation = Literal["SUM", "MIN", "MAX", "COUNT"]

# Those of which one rule decides; of the others every rule that matches has its say, and none may.
SINGLE: frozenset[Policy] = frozenset({"UNIQUE", "ANY", "PRIORITY", "FIRST"})


@dataclass(frozen=True)
class Text:
    """An expression where it is written: the id of the element that holds it, its line in the file."""

    expression: Expression
    element: str | None
    line: int | None


@dataclass(frozen=True)
class Input:
    """A column of a table that is asked: what, of which type, and the values there can be."""

    label: str
    asked: Text
    type: Type
    values: Text | None


@dataclass(frozen=True)
class Output:
    """A column of a table that is answered; `order` are the values that come first, for priority."""

    name: str
    label: str
    type: Type
    values: Text | None
    order: tuple[object, ...]
    default: Text | None


@dataclass(frozen=True)
class Rule:
    """A row of a table; `number` counts from 1, `notes` are its annotations by name."""

    id: str
    number: int
    tests: tuple[Text, ...]
    outputs: tuple[Text, ...]
    notes: Mapping[str, str]
    line: int | None


@dataclass(frozen=True)
class Table:
    """A decision table."""

    id: str | None
    line: int | None
    policy: Policy
    aggregation: Aggregation | None
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    rules: tuple[Rule, ...]

    @property
    def has_default(self) -> bool:
        """Whether something is answered where no rule matches."""
        return any(output.default for output in self.outputs)


Logic: TypeAlias = Table | Text


@dataclass(frozen=True)
class Decision:
    """A decision of the file: what it requires, how it decides, and the type of what it gives."""

    id: str
    name: str
    line: int | None
    type: Type
    logic: Logic
    requires: frozenset[str]
    """The ids of the decisions that come before it."""
    inputs: frozenset[str]
    """The names of the input data that it requires."""


@dataclass(frozen=True)
class Function:
    """A business knowledge model: logic with parameters, called by its name."""

    name: str
    parameters: tuple[tuple[str, Type], ...]
    type: Type
    logic: Logic


@dataclass(frozen=True)
class Given:
    """Input data: a value that is handed in under a name."""

    id: str
    name: str
    line: int | None
    type: Type


def texts(logic: Logic) -> Iterator[Text]:
    """Every expression of a piece of logic."""
    if isinstance(logic, Text):
        yield logic
        return
    for column in logic.inputs:
        yield column.asked
        yield from (column.values,) if column.values else ()
    for answer in logic.outputs:
        yield from (text for text in (answer.values, answer.default) if text)
    for rule in logic.rules:
        yield from (*rule.tests, *rule.outputs)


@dataclass(frozen=True)
class Definitions:
    """All that stands in a file: decisions by id, each after those that it requires."""

    file: str
    decisions: Mapping[str, Decision]
    given: Mapping[str, Given] = field(default_factory=dict)
    """Input data by name."""
    functions: Mapping[str, Function] = field(default_factory=dict)
    """Business knowledge models by name."""
    costs: Mapping[str, int] = field(default_factory=dict)
    """The steps that a call of each function takes."""

    def before(self, wanted: Decision) -> tuple[Decision, ...]:
        """A decision with all that it requires, at any distance, in an order in which they can be made."""
        needed = {wanted.id}
        for decision in reversed(list(self.decisions.values())):
            if decision.id in needed:
                needed |= decision.requires
        return tuple(decision for decision in self.decisions.values() if decision.id in needed)
