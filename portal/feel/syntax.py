"""The parts an expression consists of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: number, text, boolean, null, or a date, time or duration read from a constant text."""

    value: object


@dataclass(frozen=True, slots=True)
class Name:
    """A name, of the scope or bound further out."""

    name: str


@dataclass(frozen=True, slots=True)
class Step:
    """`base.key`."""

    base: Node
    key: str


@dataclass(frozen=True, slots=True)
class Filter:
    """`base[test]`: by position or by condition."""

    base: Node
    test: Node


@dataclass(frozen=True, slots=True)
class Negate:
    """`-operand`."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Chain:
    """Operators of one rank, worked off from the left: `first (sign operand)…`."""

    first: Node
    rest: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """`left sign right`."""

    sign: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Between:
    """`operand between low and high`."""

    operand: Node
    low: Node
    high: Node


@dataclass(frozen=True, slots=True)
class Against:
    """`< operand`, in a test."""

    sign: str
    operand: Node


@dataclass(frozen=True, slots=True)
class In:
    """`operand in (tests)`."""

    operand: Node
    tests: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Both:
    """`a and b and …`."""

    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """`a or b or …`."""

    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Conditional:
    """`if test then yes else no`."""

    test: Node
    yes: Node
    no: Node


@dataclass(frozen=True, slots=True)
class Binding:
    """`name in source`, or `name in source..until`."""

    name: str
    source: Node
    until: Node | None


@dataclass(frozen=True, slots=True)
class Loop:
    """`for bindings return result`."""

    bindings: tuple[Binding, ...]
    result: Node


@dataclass(frozen=True, slots=True)
class Quantified:
    """`some` or `every bindings satisfies test`."""

    every: bool
    bindings: tuple[Binding, ...]
    test: Node


@dataclass(frozen=True, slots=True)
class Interval:
    """`[low..high)`."""

    low: Node
    high: Node
    low_included: bool
    high_included: bool


@dataclass(frozen=True, slots=True)
class Elements:
    """`[a, b]`."""

    elements: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Entries:
    """`{a: 1}`."""

    entries: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Invocation:
    """`function(arguments)`; `at` is where it stands in the text, from 0."""

    function: str
    arguments: tuple[Node, ...]
    by_name: bool
    at: int


Node: TypeAlias = (
    Literal
    | Name
    | Step
    | Filter
    | Negate
    | Chain
    | Compare
    | Between
    | Against
    | In
    | Both
    | Either
    | Conditional
    | Loop
    | Quantified
    | Interval
    | Elements
    | Entries
    | Invocation
)


def parts(node: Node) -> tuple[Node, ...]:  # noqa: C901 - one case for each kind of node
    """The nodes directly below one."""
    match node:
        case Literal() | Name():
            return ()
        case Step(base, _):
            return (base,)
        case Filter(base, test):
            return base, test
        case Negate(operand) | Against(_, operand):
            return (operand,)
        case Chain(first, rest):
            return first, *(operand for _, operand in rest)
        case Compare(_, left, right):
            return left, right
        case Between(operand, low, high):
            return operand, low, high
        case In(operand, tests):
            return operand, *tests
        case Both(operands) | Either(operands) | Elements(operands) | Invocation(_, operands):
            return operands
        case Conditional(test, yes, no):
            return test, yes, no
        case Loop(bindings, result) | Quantified(_, bindings, result):
            return *(part for binding in bindings for part in _sources(binding)), result
        case Interval(low, high):
            return low, high
        case Entries(entries):
            return tuple(value for _, value in entries)


def _sources(binding: Binding) -> tuple[Node, ...]:
    return (binding.source,) if binding.until is None else (binding.source, binding.until)


# The name of the value that unary tests are about.
QUESTION = "?"


def below(node: Node) -> Iterator[Node]:
    """A node and every one below it, found without recursion."""
    waiting = [node]
    while waiting:
        here = waiting.pop()
        yield here
        waiting += parts(here)


def names(node: Node) -> frozenset[str]:
    """The names that stand anywhere in a node."""
    return frozenset(part.name for part in below(node) if isinstance(part, Name))


def depth(node: Node) -> int:
    """How many levels of nodes there are, found without recursion."""
    deepest, open_nodes = 0, [(node, 1)]
    while open_nodes:
        current, level = open_nodes.pop()
        deepest = max(deepest, level)
        open_nodes += [(part, level + 1) for part in parts(current)]
    return deepest
