"""The model part of a diagram as nodes, flows and lanes: what has to find its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from lxml import etree

from portal.engine.xml import bpmn, local

SUBPROCESSES = {"subProcess", "transaction", "adHocSubProcess"}
_NOTES = {"textAnnotation", "dataObjectReference", "dataStoreReference"}
_TASKS = {"task", "callActivity"}
_DATA_ASSOCIATIONS = ("dataInputAssociation", "dataOutputAssociation")


@dataclass(frozen=True)
class Node:
    """What becomes a shape; `host` is the task whose border a boundary event stands on."""

    id: str
    kind: str
    name: str
    band: int = 0
    host: str | None = None
    apart: bool = False  # an event subprocess: no flow reaches it
    many: bool = False  # three bars in the middle of its lower border say that it is done by many
    inner: Graph | None = None

    @property
    def is_event(self) -> bool:
        """Whether it is a circle."""
        return self.kind.endswith("Event")

    @property
    def is_gateway(self) -> bool:
        """Whether it is a diamond."""
        return self.kind.endswith("Gateway")

    @property
    def is_note(self) -> bool:
        """Whether it stands beside the flow: an annotation or a data object."""
        return self.kind in _NOTES


@dataclass(frozen=True)
class Flow:
    """What becomes a line; a `quiet` one (an association) has no direction in time."""

    id: str
    name: str
    source: str
    target: str
    quiet: bool = False


@dataclass(frozen=True)
class Lane:
    """A lane; only those without lanes inside them are bands of their own."""

    id: str
    name: str
    nodes: frozenset[str]
    lanes: tuple[Lane, ...] = ()

    def bands(self) -> Iterator[Lane]:
        """The innermost lanes, from the top."""
        if not self.lanes:
            yield self
        for lane in self.lanes:
            yield from lane.bands()


@dataclass(frozen=True)
class Graph:
    """One level of a diagram: a process, or the inside of a subprocess."""

    nodes: Mapping[str, Node]
    flows: tuple[Flow, ...]
    lanes: tuple[Lane, ...] = ()

    @cached_property
    def bands(self) -> tuple[Lane, ...]:
        """The innermost lanes, from the top; empty without lanes."""
        return tuple(band for lane in self.lanes for band in lane.bands())

    @cached_property
    def boundary(self) -> Mapping[str, tuple[Node, ...]]:
        """The events on the border of each task that has any."""
        found: dict[str, tuple[Node, ...]] = {}
        for node in self.nodes.values():
            if node.host:
                found[node.host] = (*found.get(node.host, ()), node)
        return found

    @cached_property
    def standing(self) -> tuple[Node, ...]:
        """The nodes that need a place of their own: all but boundary events."""
        return tuple(node for node in self.nodes.values() if not node.host)

    def stand(self, node: str) -> str:
        """The node itself, or the one whose border it stands on."""
        return self.nodes[node].host or node

    def leads_to_note(self, flow: Flow) -> bool:
        """Whether an association is drawn towards its note; it is routed from the note to the subject all the same."""
        return flow.quiet and self.nodes[flow.target].is_note and not self.nodes[flow.source].is_note

    def everywhere(self) -> Iterator[Node]:
        """The nodes of this level and of all inside it."""
        for node in self.nodes.values():
            yield node
            if node.inner:
                yield from node.inner.everywhere()


def read(scope: etree._Element) -> Graph:
    """The graph of a process or subprocess."""
    lanes = tuple(_lane(lane) for found in scope.findall(bpmn("laneSet")) for lane in found.findall(bpmn("lane")))
    nodes = {node.id: node for part in _parts(scope) if (node := _node(part)) is not None}
    nodes = {key: node for key, node in nodes.items() if node.host is None or _carries(nodes, node.host)}
    flows = tuple(flow for flow in _flows(scope) if flow.source in nodes and flow.target in nodes)
    graph = Graph(nodes, flows, lanes)
    bands = _banded(graph)
    return replace(graph, nodes={key: replace(node, band=bands[key]) for key, node in nodes.items()})


def _parts(scope: etree._Element) -> Iterator[etree._Element]:
    return (part for part in scope if isinstance(part.tag, str) and part.tag == bpmn(local(part)) and part.get("id"))


def _carries(nodes: Mapping[str, Node], host: str) -> bool:
    return host in nodes and nodes[host].host is None


def _node(part: etree._Element) -> Node | None:
    key, kind, name = part.get("id"), local(part), part.get("name") or ""
    many = part.find(bpmn("multiInstanceLoopCharacteristics")) is not None
    if kind in SUBPROCESSES:
        return Node(key, kind, name, apart=part.get("triggeredByEvent") == "true", many=many, inner=read(part))
    if kind == "boundaryEvent":
        return Node(key, kind, name, host=part.get("attachedToRef") or "")
    if kind == "textAnnotation":
        return Node(key, kind, part.findtext(bpmn("text")) or "")
    if kind.endswith(("Event", "Gateway", "Task")) or kind in _TASKS or kind in _NOTES:
        return Node(key, kind, name, many=many)
    return None


def _flows(scope: etree._Element) -> Iterator[Flow]:
    for part in _parts(scope):
        if local(part) in ("sequenceFlow", "association"):
            source, target = part.get("sourceRef") or "", part.get("targetRef") or ""
            yield Flow(part.get("id"), part.get("name") or "", source, target, local(part) == "association")
        for kind in _DATA_ASSOCIATIONS:
            for data in part.findall(bpmn(kind)):
                yield from _data_flow(data, part.get("id"))


def _data_flow(data: etree._Element, task: str) -> Iterator[Flow]:
    into = local(data) == "dataInputAssociation"
    other = (data.findtext(bpmn("sourceRef" if into else "targetRef")) or "").strip()
    if data.get("id"):
        source, target = (other, task) if into else (task, other)
        yield Flow(data.get("id"), "", source, target, quiet=True)


def _lane(lane: etree._Element) -> Lane:
    nodes = frozenset((ref.text or "").strip() for ref in lane.findall(bpmn("flowNodeRef")))
    inside = lane.findall(f"{bpmn('childLaneSet')}/{bpmn('lane')}")
    return Lane(lane.get("id"), lane.get("name") or "", nodes, tuple(_lane(child) for child in inside))


def _banded(graph: Graph) -> Mapping[str, int]:
    """The band of each node; one that no lane names stands where its neighbours stand, or at the edge."""
    last = max(len(graph.bands) - 1, 0)
    named = {key: number for number, band in enumerate(graph.bands) for key in band.nodes}
    bands = {key: named[key] for key in graph.nodes if key in named}
    pairs = [(flow.source, flow.target) for flow in graph.flows]
    pairs += [(node.host, node.id) for node in graph.nodes.values() if node.host]
    while found := dict(_spread(pairs, bands)):
        bands |= found
    at_edge = {node.id: last if node.apart else 0 for node in graph.nodes.values()}
    placed = {**at_edge, **bands}
    return {node.id: placed[graph.stand(node.id)] for node in graph.nodes.values()}


def _spread(pairs: Sequence[tuple[str, str]], bands: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    for one, other in pairs:
        if one in bands and other not in bands:
            yield other, bands[one]
        elif other in bands and one not in bands:
            yield one, bands[other]
