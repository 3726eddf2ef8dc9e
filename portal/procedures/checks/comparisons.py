"""The paths and the constant texts of a comparison."""

from __future__ import annotations

from collections.abc import Iterator

from portal.feel import syntax
from portal.procedures.checks.values import Path


def paths(node: syntax.Node) -> list[Path]:
    """The path that a node is, if it is one."""
    path: list[str] = []
    while isinstance(node, syntax.Step):
        path.insert(0, node.key)
        node = node.base
    return [(node.name, *path)] if isinstance(node, syntax.Name) else []


def texts(node: syntax.Node) -> Iterator[str]:
    """The texts that a node writes out, one or a list of them."""
    match node:
        case syntax.Literal(str() as text):
            yield text
        case syntax.Against("=" | "!=", operand):
            yield from texts(operand)
        case syntax.Elements(parts) | syntax.Invocation("not", parts):
            for part in parts:
                yield from texts(part)
