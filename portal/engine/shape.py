"""Which drawings the engine can run: what SpiffWorkflow misruns or drops in silence is refused here."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from lxml import etree

from portal.engine.names import reserved
from portal.engine.xml import BPMN, bpmn, local
from portal.errors import Fault

TASKS = frozenset({"userTask", "serviceTask", "businessRuleTask", "callActivity", "subProcess"})
BY_MANY = frozenset({"userTask", "callActivity", "subProcess"})
"""The activities that may be done by many."""
EVENTS = frozenset({"startEvent", "endEvent", "intermediateCatchEvent", "boundaryEvent"})
GATEWAYS = frozenset({"exclusiveGateway", "parallelGateway", "eventBasedGateway"})
NODES = TASKS | EVENTS | GATEWAYS
DEFINITIONS = frozenset({"messageEventDefinition", "timerEventDefinition", "terminateEventDefinition"})

DECORATION = frozenset(
    {"documentation", "extensionElements", "incoming", "outgoing", "laneSet", "lane", "flowNodeRef"}
    | {"childLaneSet", "textAnnotation", "text", "association", "group", "collaboration", "participant", "messageFlow"}
    | {"category", "categoryValue"}
)
"""BPMN elements that mean nothing to the engine and are left out of what it runs."""

WHITELIST = (
    NODES
    | DEFINITIONS
    | DECORATION
    | {"definitions", "process", "message", "sequenceFlow", "timeDate", "conditionExpression"}
    | {"multiInstanceLoopCharacteristics", "completionCondition"}
)
"""The local names of all BPMN elements that a drawing may hold; everything else is refused."""

MAX_NODES = 300
"""Nodes of one level: SpiffWorkflow's parser recurses along a path, and would end in a RecursionError at some 450."""

_NAME = re.compile(r"[^\W\d][\w.-]*")
_DEADLINE = re.compile(r'\s*=\s*deadline\(\s*"([^"]+)"\s*\)\s*')


def deadline_of(timer: etree._Element) -> str | None:
    """The deadline that a timerEventDefinition names; None when it is not `=deadline("name")`."""
    dates = timer.findall(bpmn("timeDate"))
    found = _DEADLINE.fullmatch(dates[0].text or "") if len(dates) == 1 else None
    return found[1] if found else None


def definitions_of(event: etree._Element) -> list[etree._Element]:
    """The event definitions of an event."""
    return [child for child in event.iterchildren(f"{{{BPMN}}}*") if local(child).endswith("EventDefinition")]


def is_event_subprocess(element: etree._Element) -> bool:
    """Whether this is an event subprocess (a dashed box)."""
    return local(element) == "subProcess" and element.get("triggeredByEvent") == "true"


def interrupts(event: etree._Element) -> bool:
    """Whether a boundary event, or the start of an event subprocess, ends what it stands at."""
    flag = "cancelActivity" if local(event) == "boundaryEvent" else "isInterrupting"
    return event.get(flag, "true") not in ("false", "0")


def nodes_of(container: etree._Element) -> list[etree._Element]:
    """The flow nodes that stand directly in a process or subprocess."""
    return [child for child in container.iterchildren(f"{{{BPMN}}}*") if local(child) in NODES]


def flows_of(container: etree._Element) -> list[etree._Element]:
    """The sequence flows that stand directly in a process or subprocess."""
    return list(container.findall(bpmn("sequenceFlow")))


def condition_of(flow: etree._Element) -> str | None:
    """The text of a flow's condition, None when it has none."""
    condition = flow.find(bpmn("conditionExpression"))
    return None if condition is None else (condition.text or "").strip()


def many_of(node: etree._Element) -> etree._Element | None:
    """The marker (three bars) by which an activity is done by many, None when it has none."""
    return node.find(bpmn("multiInstanceLoopCharacteristics"))


def is_sequential(many: etree._Element) -> bool:
    """Whether they do it one after the other, not all at once."""
    return many.get("isSequential", "false") in ("true", "1")


def completion_of(many: etree._Element) -> str | None:
    """The text of the condition under which the others need not, None when there is none."""
    condition = many.find(bpmn("completionCondition"))
    return None if condition is None else (condition.text or "").strip()


def faults_of(root: etree._Element) -> list[Fault]:
    """All that keeps a drawing from being run; empty when the engine can run it."""
    processes = root.findall(bpmn("process"))
    if len(processes) != 1:
        return [Fault(f"文件中有 {len(processes)} 个流程", "一个文件只画一个流程（process）", line=root.sourceline)]
    found = list(_foreign(root)) + list(_ids(root, processes[0]))
    messages = {message.get("id"): message.get("name") for message in root.findall(bpmn("message"))}
    containers = [processes[0], *processes[0].iter(bpmn("subProcess"))]
    for container in containers:
        found += _Container(container, messages).faults()
    return found


def _fault(element: etree._Element, what: str, mend: str) -> Fault:
    return Fault(what, mend, element=element.get("id"), line=element.sourceline)


def _foreign(root: etree._Element) -> Iterator[Fault]:
    for element in root.iter(f"{{{BPMN}}}*"):
        name = local(element)
        if name not in WHITELIST:
            yield _fault(_drawn(element), f"不支持的图元 {name}", "请改用支持的图元，或请管理员查看支持的图元清单")


def _drawn(element: etree._Element) -> etree._Element:
    """The shape in the drawing that an element belongs to."""
    above = element.getparent()
    while above is not None and local(above) not in ("definitions", "process", "subProcess"):
        element, above = above, above.getparent()
    return element


def _ids(root: etree._Element, process: etree._Element) -> Iterator[Fault]:
    named = NODES | {"sequenceFlow"}
    elements = [element for element in process.iter(f"{{{BPMN}}}*") if local(element) in named]
    count = Counter(element.get("id") for element in (*elements, *root.findall(bpmn("message"))))
    for element in elements:
        id = element.get("id")
        if not id:
            yield _fault(element, f"{local(element)} 没有 id", "请给它一个 id")
        elif not _NAME.fullmatch(id):
            yield _fault(
                element, f"id“{id}”不合规则", "id 以字母、汉字或下划线开头，只含字母、汉字、数字、点、横线、下划线"
            )
        elif reserved(id):
            yield _fault(element, f"id“{id}”与引擎内部名称冲突", "请换一个 id")
        elif count[id] > 1:
            yield _fault(element, f"id“{id}”出现了 {count[id]} 次", "每个元素的 id 须不同")


class _Container:
    """One process or subprocess with the flows between its nodes."""

    def __init__(self, container: etree._Element, messages: dict[str | None, str | None]) -> None:
        self.element = container
        self.messages = messages
        self.nodes = {node.get("id", ""): node for node in nodes_of(container)}
        self.flows = flows_of(container)
        self.out: dict[str, list[etree._Element]] = {id: [] for id in self.nodes}
        self.into: dict[str, list[etree._Element]] = {id: [] for id in self.nodes}
        for flow in self.flows:
            self.out.get(flow.get("sourceRef", ""), []).append(flow)
            self.into.get(flow.get("targetRef", ""), []).append(flow)

    def faults(self) -> list[Fault]:
        found = list(self._flows()) + list(self._container())
        for id, node in self.nodes.items():
            found += self._ways(id, node)
            found += self._node(id, node)
        return found + list(self._unreached()) + list(self._endless())

    def _flows(self) -> Iterator[Fault]:
        pairs = Counter((flow.get("sourceRef"), flow.get("targetRef")) for flow in self.flows)
        for flow in self.flows:
            source, target = flow.get("sourceRef"), flow.get("targetRef")
            if source not in self.nodes or target not in self.nodes:
                yield _fault(flow, "顺序流的一端不在同一层中", "顺序流只能连接同一流程或同一子流程中的元素")
                continue
            if source == target:
                yield _fault(flow, "顺序流回到了它出发的元素", "请接到另一个元素；要重做，经过一个网关再回来")
            if pairs[source, target] > 1:
                yield _fault(flow, "两个元素之间有几条同向的顺序流", "请合并成一条，把条件写在一起")
            if condition_of(flow) is not None and local(self.nodes[source]) != "exclusiveGateway":
                yield _fault(flow, "条件只能写在排他网关的出口上", "请在此前加一个排他网关")

    def _container(self) -> Iterator[Fault]:
        starts = [node for node in self.nodes.values() if local(node) == "startEvent"]
        if len(starts) != 1:
            yield _fault(self.element, f"有 {len(starts)} 个开始事件", "流程和每个子流程须正好有一个开始事件")
        if len(self.nodes) > MAX_NODES:
            yield _fault(
                self.element,
                f"同一层有 {len(self.nodes)} 个元素，过多",
                f"最多 {MAX_NODES} 个；请用子流程或调用活动拆开",
            )
        if not any(local(node) == "endEvent" for node in self.nodes.values()):
            yield _fault(self.element, "没有结束事件", "请画上结束事件")

    def _ways(self, id: str, node: etree._Element) -> Iterator[Fault]:
        """How many flows may come in and go out."""
        kind, out, into = local(node), len(self.out[id]), len(self.into[id])
        apart = is_event_subprocess(node)
        if kind == "endEvent" or apart:
            if out:
                yield _fault(node, "此元素之后不能再有顺序流", "请删去这条顺序流")
        elif not out:
            yield _fault(node, "路径到此中断，没有到达结束事件", "请连到下一个元素或结束事件")
        elif out > 1 and kind not in GATEWAYS:
            yield _fault(node, f"有 {out} 条出口", "请在其后加网关：择一用排他网关，同时进行用并行网关")
        if kind in ("startEvent", "boundaryEvent") or apart:
            if into:
                yield _fault(node, "此元素不能有进入的顺序流", "请删去这条顺序流")
        elif not into:
            yield _fault(node, "没有顺序流到达此元素", "请连上，或删去此元素")

    def _node(self, id: str, node: etree._Element) -> Iterator[Fault]:
        kind = local(node)
        yield from self._many(node)
        if kind in EVENTS:
            yield from self._event(node)
        elif kind == "exclusiveGateway":
            yield from self._exclusive(id, node)
        elif kind == "eventBasedGateway":
            yield from self._event_gateway(id, node)

    def _many(self, node: etree._Element) -> Iterator[Fault]:
        many = many_of(node)
        if many is None:
            return
        if local(node) not in BY_MANY or is_event_subprocess(node):
            yield _fault(node, "此元素不能多份办理（多实例标记）", "只有人员任务、调用活动和子流程可以；请去掉标记")
        if completion_of(many) == "":
            yield _fault(node, "多份办理的完成条件是空的", "请写上条件，或删去完成条件")

    def _event(self, node: etree._Element) -> Iterator[Fault]:
        kind, definitions = local(node), definitions_of(node)
        names = [local(definition) for definition in definitions]
        starts_here = kind == "startEvent" and is_event_subprocess(self.element)
        if kind == "startEvent" and not starts_here:
            if names:
                yield _fault(node, "流程的开始事件不能带消息或定时", "由案件或人员启动；请改成普通开始事件")
            return
        if kind == "endEvent":
            if names not in ([], ["terminateEventDefinition"]):
                yield _fault(node, f"不支持的结束事件（{'、'.join(names)}）", "只能用普通结束或终止结束")
            return
        if len(names) != 1 or names[0] not in ("messageEventDefinition", "timerEventDefinition"):
            yield _fault(node, "须正好有一个消息或一个定时", "请在此事件上选消息或定时")
            return
        yield from self._definition(node, definitions[0])
        if kind == "boundaryEvent":
            host = self.nodes.get(node.get("attachedToRef", ""))
            if host is None or local(host) not in TASKS or is_event_subprocess(host):
                yield _fault(node, "边界事件没有附着在任务或子流程上", "请把它拖到任务或子流程的边上")

    def _definition(self, node: etree._Element, definition: etree._Element) -> Iterator[Fault]:
        if local(definition) == "timerEventDefinition":
            if deadline_of(definition) is None:
                yield _fault(node, '定时须写成 =deadline("期限名")', "期限的长短写在清单里，图中只写期限名")
            return
        if not interrupts(node):
            yield _fault(node, "不中断的消息只会生效一次，不支持", "可以多次发生的事项请作为关联案件办理")
        if not self.messages.get(definition.get("messageRef")):
            yield _fault(node, "没有指明消息，或消息没有名称", "请选一个消息并给它名称")

    def _exclusive(self, id: str, node: etree._Element) -> Iterator[Fault]:
        default, out = node.get("default"), self.out[id]
        if default is not None and default not in [flow.get("id") for flow in out]:
            yield _fault(node, f"默认出口“{default}”不是它的出口", "请重新指定默认出口")
        for flow in out:
            if flow.get("id") == default:
                if condition_of(flow) is not None:
                    yield _fault(flow, "默认出口不能再写条件", "请删去条件，或另选默认出口")
            elif len(out) > 1 and not condition_of(flow):
                yield _fault(flow, "排他网关的这条出口没有条件", "请写上条件，或设为默认出口")

    def _event_gateway(self, id: str, node: etree._Element) -> Iterator[Fault]:
        behind = [self.nodes[flow.get("targetRef", "")] for flow in self.out[id] if flow.get("targetRef") in self.nodes]
        timers = 0
        for event in behind:
            if local(event) != "intermediateCatchEvent" or len(self.into[event.get("id", "")]) != 1:
                yield _fault(event, "事件网关之后只能直接接中间捕获事件，且该事件没有其他入口", "请改画")
            timers += any(local(definition) == "timerEventDefinition" for definition in definitions_of(event))
        if timers > 1:
            yield _fault(node, "事件网关之后有几个定时", "最多一个定时")

    def _unreached(self) -> Iterator[Fault]:
        starts = [id for id, node in self.nodes.items() if local(node) == "startEvent"]
        seen = _reached(starts, self._after())
        for id, node in self.nodes.items():
            if id not in seen and self.into[id] and not is_event_subprocess(node):
                yield _fault(node, "从开始事件走不到此元素", "请连上，或删去此元素")

    def _endless(self) -> Iterator[Fault]:
        """Rounds that nothing leads out of, neither a way nor an event."""
        if any(is_event_subprocess(node) for node in self.nodes.values()):
            return
        after = self._after()
        before = {id: [one for one in self.nodes if id in after[one]] for id in self.nodes}
        # A flow that leads nowhere is told as such, not here.
        last = [id for id, out in self.out.items() if not {flow.get("targetRef") for flow in out} & {*self.nodes}]
        leaving = _reached(last, before)
        for id, node in self.nodes.items():
            if id not in leaving:
                yield _fault(node, "从此元素走不到任何结束事件", "请画出离开回路的出口，或删去此元素")

    def _after(self) -> dict[str, list[str]]:
        """What may come directly after each node: where its flows lead, and the events at its edge."""
        after = {id: [flow.get("targetRef", "") for flow in out] for id, out in self.out.items()}
        for id, node in self.nodes.items():
            after.get(node.get("attachedToRef", ""), []).append(id)
        return after


def _reached(begin: Iterable[str], after: Mapping[str, list[str]]) -> set[str]:
    """The nodes that can be reached from some of them, these too."""
    seen: set[str] = set()
    todo = [*begin]
    while todo:
        id = todo.pop()
        if id not in seen:
            seen.add(id)
            todo += after.get(id, ())
    return seen
