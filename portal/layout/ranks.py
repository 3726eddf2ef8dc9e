"""Which column each node stands in: time runs to the right, flows of a loop are turned back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from portal.layout.graph import Flow, Graph


@dataclass(frozen=True)
class Ranks:
    """The column of each node, and the flows that run back."""

    column: Mapping[str, int]
    back: frozenset[str]


def rank(graph: Graph) -> Ranks:
    """Each node stands as far left as what comes before it allows; what only leads elsewhere, right before it."""
    out = _out(graph)
    back, order = _walk(graph, out)
    column = dict.fromkeys(order, 0)
    reached: set[str] = set()
    for node in order:
        for flow, target in out[node]:
            if flow.id not in back:
                column[target] = max(column[target], column[node] + 1)
                reached.add(target)
    for node in order:
        ahead = [column[target] for flow, target in out[node] if flow.id not in back]
        if node not in reached and ahead:
            column[node] = min(ahead) - 1
    return Ranks(column, back)


def _out(graph: Graph) -> Mapping[str, list[tuple[Flow, str]]]:
    """The flows that leave each standing node with where they lead, those from its border last."""
    out: dict[str, list[tuple[Flow, str]]] = {node.id: [] for node in graph.standing}
    for flow in sorted(graph.flows, key=lambda flow: graph.nodes[flow.source].host is not None):
        if not flow.quiet:
            out[graph.stand(flow.source)].append((flow, graph.stand(flow.target)))
    return out


def _walk(graph: Graph, out: Mapping[str, list[tuple[Flow, str]]]) -> tuple[frozenset[str], list[str]]:
    """The flows back to where the walk came from, and the nodes so that all others lead ahead."""
    starts = sorted(graph.standing, key=lambda node: node.kind != "startEvent")
    back: set[str] = set()
    done: list[str] = []
    seen: set[str] = set()
    for start in starts:
        way: list[tuple[str, Iterator[tuple[Flow, str]]]] = []
        if start.id not in seen:
            way.append((start.id, iter(out[start.id])))
            seen.add(start.id)
        while way:
            here, ahead = way[-1]
            for flow, target in ahead:
                if target not in seen:
                    seen.add(target)
                    way.append((target, iter(out[target])))
                    break
                if any(target == node for node, _ in way):
                    back.add(flow.id)
            else:
                done.append(here)
                way.pop()
    return frozenset(back), done[::-1]
