"""Where derived diagrams would run on without ever waiting: loops without a wait, calls in a circle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from lxml import etree

from portal.engine.names import derived
from portal.engine.shape import flows_of, many_of, nodes_of
from portal.engine.xml import bpmn, local
from portal.errors import Fault

_WAITING = frozenset({"userTask", "intermediateCatchEvent", "eventBasedGateway", "boundaryEvent"})


def endless(documents: Mapping[str, etree._Element]) -> list[Fault]:
    """The faults of diagrams by process id: bad calls, loops without a wait; `file` is the process id."""
    processes = {id: document.find(bpmn("process")) for id, document in documents.items()}
    known = {id: process for id, process in processes.items() if process is not None}
    found = [fault for id in known for fault in _bad_calls(id, known)]
    if found:
        return found
    walks = _Walks(known)
    for id, process in known.items():
        for container in (process, *process.iter(bpmn("subProcess"))):
            found += [
                Fault(
                    "这里的循环中没有任何等待，会无休止地运行",
                    "请在循环中放一个人员任务或等待事件",
                    element=element,
                    file=id,
                )
                for element in walks.of(container).waitless_loops()
            ]
    return found


def _calls(process: etree._Element) -> list[etree._Element]:
    return list(process.iter(bpmn("callActivity")))


def _bad_calls(id: str, known: Mapping[str, etree._Element]) -> Iterator[Fault]:
    for call in _calls(known[id]):
        called = call.get("calledElement", "")
        element = call.get("id")
        if called not in known:
            yield Fault(f"要调用的图“{called}”不存在", "请检查图的名称", element=element, file=id)
        elif id in _called_from(called, known):
            yield Fault("这张图直接或间接地调用了自己", "请改画，不要循环调用", element=element, file=id)


def _called_from(start: str, known: Mapping[str, etree._Element]) -> set[str]:
    seen: set[str] = set()
    todo = [start]
    while todo:
        id = todo.pop()
        if id not in seen and id in known:
            seen.add(id)
            todo += [call.get("calledElement", "") for call in _calls(known[id])]
    return seen


class _Walks:
    """The walks of all containers, each worked out once."""

    def __init__(self, processes: Mapping[str, etree._Element]) -> None:
        self.processes = processes
        self.known: dict[etree._Element, _Walk] = {}

    def of(self, container: etree._Element) -> _Walk:
        """The walk through one process or subprocess."""
        if container not in self.known:
            self.known[container] = _Walk(container, self)
        return self.known[container]


class _Walk:
    """What a token reaches in a process or subprocess without waiting."""

    def __init__(self, container: etree._Element, walks: _Walks) -> None:
        self.walks = walks
        self.nodes = {node.get("id", ""): node for node in nodes_of(container)}
        self.out: dict[str, list[etree._Element]] = {id: [] for id in self.nodes}
        self.into: dict[str, list[etree._Element]] = {id: [] for id in self.nodes}
        for flow in flows_of(container):
            self.out[flow.get("sourceRef", "")].append(flow)
            self.into[flow.get("targetRef", "")].append(flow)

    @cached_property
    def waiting(self) -> set[str]:
        """The nodes at which every token waits."""
        return {id for id, node in self.nodes.items() if self._waits(node)}

    def _waits(self, node: etree._Element) -> bool:
        kind = local(node)
        if many_of(node) is not None:
            return False  # there may be none to wait for
        if kind == "callActivity":
            return not self.walks.of(self.walks.processes[node.get("calledElement", "")]).passes
        if kind == "subProcess":
            return not self.walks.of(node).passes
        return kind in _WAITING

    @cached_property
    def passes(self) -> bool:
        """Whether it can be run from start to end without waiting."""
        start = next(id for id, node in self.nodes.items() if local(node) == "startEvent")
        reached = self.reached_from(start)
        at_once = any(self._splits(id) for id in reached)
        if at_once and reached & self.waiting:
            return False
        return any(local(self.nodes[id]) == "endEvent" for id in reached)

    def reached_from(self, id: str) -> set[str]:
        """The nodes that a token leaving `id` reaches before it waits; joins need all that comes in."""
        reached: set[str] = set()
        walked: set[etree._Element] = set()
        todo = list(self.out[id])
        while todo:
            flow = todo.pop()
            walked.add(flow)
            target = flow.get("targetRef", "")
            joins = local(self.nodes[target]) == "parallelGateway"
            if target in reached or (joins and not walked.issuperset(self.into[target])):
                continue
            reached.add(target)
            if target not in self.waiting:
                todo += self.out[target]
        return reached

    def waitless_loops(self) -> list[str]:
        """The drawn nodes from which a token comes back without having waited."""
        free = (id for id in self.nodes if id not in self.waiting and not derived(id))
        return [id for id in free if id in self.reached_from(id)]

    def _splits(self, id: str) -> bool:
        return local(self.nodes[id]) == "parallelGateway" and len(self.out[id]) > 1
