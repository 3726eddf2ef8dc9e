"""The drawing of an analyst, built anew as what SpiffWorkflow runs right; nothing else gets through."""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

from portal.engine.names import BODY, OPERATOR, derived_id, process_id
from portal.engine.shape import (
    NODES,
    completion_of,
    condition_of,
    deadline_of,
    definitions_of,
    faults_of,
    flows_of,
    interrupts,
    is_event_subprocess,
    is_sequential,
    many_of,
    nodes_of,
)
from portal.engine.xml import BPMN, bpmn, local
from portal.errors import ContentFaults, Fault

SPIFF = "http://spiffworkflow.org/bpmn/schema/1.0/core"


def derive(root: etree._Element, name: str, calls: Mapping[str, str]) -> bytes:
    """What the engine runs for a drawing; raises ContentFaults with the lines of the drawing.

    The id of the process is made from `name`, as `read` makes it; `calls` gives, for the id of each call
    activity, the name of the diagram that it calls. The drawing is left as it is.
    """
    found = faults_of(root)
    if not found:
        found = _missing_calls(root, calls)
    if found:
        raise ContentFaults(found)
    process = next(root.iterchildren(bpmn("process")))
    made = etree.Element(
        bpmn("definitions"),
        {"targetNamespace": "portal"},
        {"bpmn": BPMN, "spiffworkflow": SPIFF},
    )
    for message in root.findall(bpmn("message")):
        _add(made, "message", id=message.get("id"), name=message.get("name"))
    target = _add(made, "process", id=process_id(name), isExecutable="true")
    _Derivation(calls).fill(process, target, BODY)
    return bytes(etree.tostring(made, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _missing_calls(root: etree._Element, calls: Mapping[str, str]) -> list[Fault]:
    return [
        Fault("调用活动没有指明要调用的图", "请选择要调用的图", element=call.get("id"), line=call.sourceline)
        for call in root.iter(bpmn("callActivity"))
        if not calls.get(call.get("id", ""))
    ]


def _add(parent: etree._Element, tag: str, **attributes: str | None) -> etree._Element:
    given = {key: value for key, value in attributes.items() if value is not None}
    return etree.SubElement(parent, bpmn(tag), given)


def _start_ids(container: etree._Element) -> list[str]:
    return [start.get("id", "") for start in container.iterchildren(bpmn("startEvent"))]


def _flow(parent: etree._Element, id: str, source: str, target: str) -> None:
    _add(parent, "sequenceFlow", id=id, sourceRef=source, targetRef=target)


class _Derivation:
    """Copies element by element; only attributes and children that are named here are carried over."""

    def __init__(self, calls: Mapping[str, str]) -> None:
        self.calls = calls

    def fill(self, drawn: etree._Element, made: etree._Element, body_id: str) -> None:
        """Copy a process or subprocess; its event subprocesses become boundary events of its body.

        SpiffWorkflow 3.2.0 starts an event subprocess without interrupting the rest, and changes the shared
        spec doing so (H3). A boundary event on a subprocess that holds the rest is run right.
        """
        handlers = [node for node in nodes_of(drawn) if is_event_subprocess(node)]
        if not handlers:
            self._copy_all(drawn, made)
            return
        start, end = derived_id(body_id, "start"), derived_id(body_id, "end")
        _add(made, "startEvent", id=start)
        body = _add(made, "subProcess", id=body_id)
        self._copy_all(drawn, body)
        _add(made, "endEvent", id=end)
        _flow(made, derived_id(body_id, "in"), start, body_id)
        _flow(made, derived_id(body_id, "out"), body_id, end)
        for handler in handlers:
            self._handler(handler, made, body_id)

    def _copy_all(self, drawn: etree._Element, made: etree._Element) -> None:
        starts = {}
        if is_event_subprocess(drawn):  # its start event's id is the boundary event's by now
            starts = {id: derived_id(id, "start") for id in _start_ids(drawn)}
        for id in starts.values():
            _add(made, "startEvent", id=id)
        for node in nodes_of(drawn):
            if not is_event_subprocess(node) and node.get("id") not in starts:
                self._node(node, made)
        for flow in flows_of(drawn):
            source = flow.get("sourceRef", "")
            self._copy_flow(flow, made, starts.get(source, source))

    def _handler(self, drawn: etree._Element, made: etree._Element, body_id: str) -> None:
        """One event subprocess: its start event becomes a boundary event, the rest stands behind that."""
        id = drawn.get("id", "")
        start = next(drawn.iterchildren(bpmn("startEvent")))
        start_id = start.get("id", "")
        cancels = "true" if interrupts(start) else "false"
        name = start.get("name")
        edge = _add(made, "boundaryEvent", id=start_id, name=name, attachedToRef=body_id, cancelActivity=cancels)
        self._definitions(start, edge)
        rest = _add(made, "subProcess", id=id, name=drawn.get("name"))
        self.fill(drawn, rest, f"{BODY}.{id}")
        end = derived_id(id, "end")
        _add(made, "endEvent", id=end)
        _flow(made, derived_id(id, "in"), start_id, id)
        _flow(made, derived_id(id, "out"), id, end)

    def _copy_flow(self, flow: etree._Element, made: etree._Element, source: str) -> None:
        copy = _add(
            made,
            "sequenceFlow",
            id=flow.get("id"),
            name=flow.get("name"),
            sourceRef=source,
            targetRef=flow.get("targetRef"),
        )
        condition = condition_of(flow)
        if condition is not None:
            _add(copy, "conditionExpression").text = condition

    def _node(self, node: etree._Element, made: etree._Element) -> None:
        kind, id = local(node), node.get("id", "")
        assert kind in NODES
        copy = _add(made, kind, id=id, name=node.get("name"))
        if kind == "serviceTask":
            # The parser finds elements by id anywhere in the file, so an operator has another id (H16).
            extension = _add(copy, "extensionElements")
            operator = etree.SubElement(extension, f"{{{SPIFF}}}serviceTaskOperator", {"id": OPERATOR + id})
            etree.SubElement(operator, f"{{{SPIFF}}}parameters")
        many = many_of(node)
        if many is not None:
            self._many(many, copy)
        if kind == "callActivity":
            copy.set("calledElement", process_id(self.calls[id]))
        elif kind == "subProcess":
            self.fill(node, copy, f"{BODY}.{id}")
        elif kind == "exclusiveGateway" and node.get("default"):
            copy.set("default", node.get("default", ""))
        elif kind == "boundaryEvent":
            copy.set("attachedToRef", node.get("attachedToRef", ""))
            copy.set("cancelActivity", "true" if interrupts(node) else "false")
        self._definitions(node, copy)

    def _many(self, drawn: etree._Element, made: etree._Element) -> None:
        """How many they are is asked of the portal, so only the order and the completion condition are copied."""
        sequential = "true" if is_sequential(drawn) else "false"
        loop = _add(made, local(drawn), isSequential=sequential)
        completion = completion_of(drawn)
        if completion is not None:
            _add(loop, "completionCondition").text = completion

    def _definitions(self, event: etree._Element, made: etree._Element) -> None:
        for definition in definitions_of(event):
            copy = _add(made, local(definition))
            if local(definition) == "messageEventDefinition":
                copy.set("messageRef", definition.get("messageRef", ""))
            elif local(definition) == "timerEventDefinition":
                _add(copy, "timeDate").text = f'=deadline("{deadline_of(definition)}")'
