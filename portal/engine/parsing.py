"""SpiffWorkflow's parser, subclassed: only our elements, each of which remembers its drawn flows."""

from __future__ import annotations

from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser
from SpiffWorkflow.bpmn.parser.event_parsers import EventBasedGatewayParser
from SpiffWorkflow.bpmn.parser.task_parsers import ConditionalGatewayParser, GatewayParser
from SpiffWorkflow.bpmn.parser.TaskParser import TaskParser
from SpiffWorkflow.bpmn.parser.util import full_tag
from SpiffWorkflow.specs.base import TaskSpec
from SpiffWorkflow.spiff.parser import event_parsers as events
from SpiffWorkflow.spiff.parser.process import SpiffBpmnParser, SpiffProcessParser
from SpiffWorkflow.spiff.parser.task_spec import CallActivityParser, ServiceTaskParser, SpiffTaskParser

from portal.engine import elements
from portal.engine.names import BODY, derived, derived_id, each_name
from portal.engine.shape import completion_of, deadline_of, is_sequential


class _Node:
    """Remembers which drawn flow leads to which following spec, and has its events end by ours; put first."""

    task: Any
    spec: Any
    node: etree._Element
    process_parser: Any

    def connect_outgoing(self, outgoing_task: TaskSpec, sequence_flow_node: etree._Element, is_default: bool) -> None:
        super().connect_outgoing(outgoing_task, sequence_flow_node, is_default)  # type: ignore[misc]  # of the parser it is put before
        flow = sequence_flow_node.get("id", "")
        if not derived(flow):
            self.task.flows[outgoing_task.name] = flow

    def _add_boundary_event(self, children: list[etree._Element]) -> TaskSpec:
        split: TaskSpec = super()._add_boundary_event(children)  # type: ignore[misc]  # of the parser it is put before
        stock = self.spec.task_specs.pop(f"{self.task.name}.BoundaryEventJoin")
        join = elements.EdgeJoin(self.spec, stock.name, split_task=split.name, cancel=True)
        join.inputs = stock.inputs
        return split


class _Event(_Node):
    """Makes definitions that fire only when the port says so."""

    def parse_message_event(self, message_event: etree._Element) -> elements.Message:
        name = self.process_parser.parser.messages[message_event.get("messageRef")]
        return elements.Message(name)

    def parse_timer_event(self, event: etree._Element) -> elements.LegalTimer:
        return elements.LegalTimer(deadline_of(event))


class _Activity(_Node):
    """May be done by many: what was parsed becomes the spec of one of them, under another name."""

    spec_class: Any
    bpmn_attributes: dict[str, object]

    def _add_multiinstance_task(self, loop_characteristics: etree._Element) -> None:
        one = self.spec.task_specs.pop(self.task.name)
        self.task = elements.Many(  # type: ignore[abstract]  # SpiffWorkflow's specs are never serialized
            self.spec,
            one.name,
            kind=self.spec_class.kind,
            sequential=is_sequential(loop_characteristics),
            enough=completion_of(loop_characteristics),
            **self.bpmn_attributes,
        )
        one.name = self.task.task_spec = each_name(one.name)
        one.inputs = [self.task]
        self.spec.task_specs[one.name] = one


class _Task(_Activity, SpiffTaskParser):
    pass


class _ServiceTask(_Node, ServiceTaskParser):
    pass


class _BusinessRule(_Node, TaskParser):
    pass


class _CallActivity(_Activity, CallActivityParser):
    pass


class _Start(_Event, events.SpiffStartEventParser):
    pass


class _End(_Event, events.SpiffEndEventParser):
    pass


class _Catch(_Event, events.SpiffIntermediateCatchEventParser):
    pass


class _Boundary(_Event, events.SpiffBoundaryEventParser):
    def create_task(self) -> TaskSpec:
        if self.node.get("attachedToRef", "").startswith(BODY):
            self.spec_class = elements.HandlerStart
        task: TaskSpec = super().create_task()
        return task


class _Exclusive(_Node, ConditionalGatewayParser):
    pass


class _Parallel(_Node, GatewayParser):
    pass


class _EventGateway(_Node, EventBasedGatewayParser):
    def create_task(self) -> TaskSpec:
        task: TaskSpec = self._create_task(elements.Choice())
        return task


class _SubProcess(_Activity, SpiffTaskParser):
    def create_task(self) -> TaskSpec:
        name = self.process_parser.parser.add_inner(self.node, self.process_parser)
        task: TaskSpec = self.spec_class(
            self.spec, self.bpmn_id, subworkflow_spec=name, decides=self._decides(), **self.bpmn_attributes
        )
        return task

    def _decides(self) -> bool:
        if derived(self.bpmn_id):
            return True
        trigger = self.process_parser.get_node_by_id(derived_id(self.bpmn_id, "in"))
        if trigger is None:
            return False
        edge = self.process_parser.get_node_by_id(trigger.get("sourceRef"))
        return bool(edge.get("cancelActivity") == "true")


class _Process(SpiffProcessParser):
    """A process, or what stands inside a subprocess under a name of its own."""

    key: str | None = None

    @property
    def bpmn_id(self) -> str:
        """The name of its spec: unique among all diagrams, which ids of subprocesses are not."""
        return self.key or str(self.node.get("id"))


class Parser(SpiffBpmnParser):
    """Parses derived diagrams; knows no element but those that the derivation makes."""

    PROCESS_PARSER_CLASS = _Process

    def _get_parser_class(self, tag: str) -> tuple[Any, Any]:
        return _PARSERS.get(tag, (None, None))

    def _find_dependencies(self, process: etree._Element) -> None:
        BpmnParser._find_dependencies(self, process)  # decision tables are the portal's, not SpiffWorkflow's

    def add_inner(self, node: etree._Element, outer: _Process) -> str:
        """Get ready to parse what stands inside a subprocess; returns the name of its spec."""
        name = f"{outer.bpmn_id}/{node.get('id')}"
        inner = _Process(self, node, self.namespaces, self.data_stores, filename=outer.filename)
        inner.key = name
        inner.parent = outer
        self.process_parsers[name] = inner
        return name


_PARSERS = {
    full_tag("startEvent"): (_Start, elements.Start),
    full_tag("endEvent"): (_End, elements.End),
    full_tag("intermediateCatchEvent"): (_Catch, elements.Catch),
    full_tag("boundaryEvent"): (_Boundary, elements.Boundary),
    full_tag("userTask"): (_Task, elements.UserTask),
    full_tag("serviceTask"): (_ServiceTask, elements.ServiceTask),
    full_tag("businessRuleTask"): (_BusinessRule, elements.BusinessRule),
    full_tag("callActivity"): (_CallActivity, elements.CallActivity),
    full_tag("subProcess"): (_SubProcess, elements.SubProcess),
    full_tag("exclusiveGateway"): (_Exclusive, elements.Exclusive),
    full_tag("parallelGateway"): (_Parallel, elements.Parallel),
    full_tag("eventBasedGateway"): (_EventGateway, elements.EventGateway),
}
