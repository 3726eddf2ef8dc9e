"""Which paths an expression compares with which constant texts."""

from __future__ import annotations

from collections.abc import Iterator

from portal.feel import syntax
from portal.procedures.checks.names import Path


def of(node: syntax.Node) -> set[tuple[Path, str]]:
    """The comparisons that a node itself makes, without those of its parts."""
    match node:
        case syntax.Compare("=" | "!=", left, right):
            there = {(path, text) for path in paths(left) for text in _texts(right)}
            return there | {(path, text) for path in paths(right) for text in _texts(left)}
        case syntax.In(operand, tests):
            return {(path, text) for path in paths(operand) for test in tests for text in _texts(test)}
    return set()


def paths(node: syntax.Node) -> list[Path]:
    """The path that a node is, if it is one."""
    path: list[str] = []
    while isinstance(node, syntax.Step):
        path.insert(0, node.key)
        node = node.base
    return [(node.name, *path)] if isinstance(node, syntax.Name) else []


def _texts(node: syntax.Node) -> Iterator[str]:
    match node:
        case syntax.Literal(str() as text):
            yield text
        case syntax.Against("=" | "!=", operand):
            yield from _texts(operand)
        case syntax.Elements(parts) | syntax.Invocation("not", parts):
            for part in parts:
                yield from _texts(part)
