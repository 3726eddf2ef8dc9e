"""What an analyst drew: the elements and flows of one diagram and what their portal: extensions say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lxml import etree

from portal.engine.shape import is_sequential
from portal.engine.xml import safe_xml
from portal.errors import ContentFaults, Fault

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
PORTAL = "https://portal.example/bpmn/1.0"
_TIMER = re.compile(r'=\s*deadline\("([^"]+)"\)')
_SKIPPED = {
    "laneSet", "extensionElements", "incoming", "outgoing", "documentation", "sequenceFlow",
    "multiInstanceLoopCharacteristics",
}  # fmt: skip
_QUIET = {"textAnnotation", "association", "group"}

# portal: element -> its attributes; `portal check` refuses others.
EXTENSIONS: Mapping[str, frozenset[str]] = {
    "start": frozenset({"form"}),
    "task": frozenset({"role", "form", "deadline", "revises", "assignee", "asks"}),
    "message": frozenset({"role", "form", "while", "otherwise", "document"}),
    "action": frozenset({"name"}),
    "input": frozenset({"name", "value"}),
    "call": frozenset({"diagram"}),
    "status": frozenset({"text"}),
    "basis": frozenset({"ref"}),
    "assumed": frozenset({"reason"}),
    "each": frozenset({"in", "as"}),
    "decide": frozenset({"tables"}),
    "outcome": frozenset({"replaces", "as", "again"}),
}


@dataclass(frozen=True)
class Task:
    """What a user task asks: of which role, with which form, showing which deadline."""

    role: str
    form: str
    deadline: str | None = None
    revises: str | None = None  # the element whose values the answers replace
    assignee: str | None = None  # `=…`: the code of the one party whose people do it
    asks: str | None = None  # `=…`: the text by which an office asked for it


@dataclass(frozen=True)
class Message:
    """What a waiting element takes: from whom, with which form, and until when."""

    name: str
    role: str | None = None  # None: sent by the portal or by cases only
    form: str | None = None
    taken_while: str | None = None
    otherwise: str = ""
    document: str | None = None  # for `served`: only the service of this document counts


@dataclass(frozen=True)
class Action:
    """What a service task does, with its inputs as written (`=` marks an expression)."""

    name: str
    inputs: Mapping[str, str]


@dataclass(frozen=True)
class Each:
    """For whom an element is done by many: `items` (`=…`) gives the list, `name` is what an instance calls its entry.

    `completion` (`=…`): once it holds, those that are not done yet need not be. `sequential`: one after the other.
    """

    items: str
    name: str
    completion: str | None = None
    sequential: bool = False


@dataclass(frozen=True)
class Element:
    """One shape of the drawing."""

    id: str
    kind: str
    name: str
    line: int | None
    parent: str | None = None  # the subprocess it stands in
    lane: str | None = None
    event: str | None = None  # message, timer, terminate, or another definition's name
    task: Task | None = None
    message: Message | None = None
    action: Action | None = None
    each: Each | None = None
    decide: tuple[str, ...] = ()  # the decision tables that a business rule task asks
    deadline: str | None = None  # the deadline that a timer names
    call: str | None = None
    form: str | None = None  # a start event's
    status: str | None = None
    basis: str | None = None
    assumed: str | None = None
    replaces: str | None = None  # `about`: the outcome below takes the place of the linked case's
    replaced_as: str | None = None
    again: bool = False  # a filing that ends here was not decided: another may follow
    attached_to: str | None = None
    interrupting: bool = True
    event_subprocess: bool = False
    default: str | None = None

    @property
    def yields(self) -> bool:
        """Whether something can be said here, so that its id names a value; a start without form names none."""
        return bool(self.task or self.form or self.message or self.action or self.decide) or self.kind in {
            "callActivity",
            "subProcess",
        }

    @property
    def waits(self) -> bool:
        """Whether a case can rest here."""
        return self.kind in {"userTask", "intermediateCatchEvent", "eventBasedGateway"}

    @property
    def issues(self) -> bool:
        """Whether a letter is issued here."""
        return self.action is not None and self.action.name == "documents.issue"


@dataclass(frozen=True)
class Flow:
    """One arrow of the drawing."""

    id: str
    name: str
    source: str
    target: str
    condition: str | None
    line: int | None


@dataclass(frozen=True)
class Drawing:
    """One diagram: `name` is the folder or file that holds it."""

    name: str
    title: str
    file: str
    root: etree._Element
    elements: Mapping[str, Element]
    flows: Mapping[str, Flow]
    faults: tuple[Fault, ...] = field(default=())

    def of_kind(self, *kinds: str) -> Iterator[Element]:
        """The elements of some kinds."""
        return (element for element in self.elements.values() if element.kind in kinds)

    def out(self, element: str) -> list[Flow]:
        """The flows that leave an element."""
        return [flow for flow in self.flows.values() if flow.source == element]

    def into(self, element: str) -> list[Flow]:
        """The flows that reach an element."""
        return [flow for flow in self.flows.values() if flow.target == element]

    def held_by(self, many: str | None) -> Mapping[str, Element]:
        """The elements whose nearest multi-instance subprocess is this one (None: that stand in none), by id."""
        return self._held.get(many, {})

    @cached_property
    def _held(self) -> Mapping[str | None, Mapping[str, Element]]:
        held: dict[str | None, dict[str, Element]] = {}
        for element in self.elements.values():
            held.setdefault(self._many_around(element), {})[element.id] = element
        return held

    def _many_around(self, element: Element) -> str | None:
        holder = self.elements.get(element.parent) if element.parent else None
        while holder is not None and holder.each is None:
            holder = self.elements.get(holder.parent) if holder.parent else None
        return holder.id if holder else None

    def start(self) -> Element:
        """The start event of the process itself; ContentFaults when there is not exactly one."""
        starts = [element for element in self.of_kind("startEvent") if element.parent is None]
        if len(starts) != 1:
            raise ContentFaults([Fault("流程应当有且只有一个开始事件", "画一个开始事件", self.name, None, self.file)])
        return starts[0]


def calls(data: bytes) -> list[str]:
    """The diagrams that a file's call activities name, in their order; none of what is not a diagram at all."""
    try:
        root = safe_xml(data)
    except ContentFaults:
        return []
    named = (call.get("diagram") for call in root.iter(f"{{{PORTAL}}}call"))
    return [name for name in named if name]


def read(name: str, data: bytes, file: str) -> Drawing:
    """The drawing that a .bpmn file holds; ContentFaults when it is not a diagram at all."""
    try:
        root = safe_xml(data)
    except ContentFaults as error:
        raise ContentFaults(fault.at(file) for fault in error.faults) from error
    processes = root.findall(f"{{{BPMN}}}process")
    if len(processes) != 1:
        raise ContentFaults([Fault("图中应当有且只有一个流程", "每个文件只画一个流程", file=file)])
    reader = _Reader(root, file)
    reader.scope(processes[0], None)
    return Drawing(
        name,
        processes[0].get("name") or name,
        file,
        root,
        reader.elements,
        reader.flows,
        tuple(reader.faults),
    )


class _Reader:
    def __init__(self, root: etree._Element, file: str) -> None:
        self.file = file
        self.elements: dict[str, Element] = {}
        self.flows: dict[str, Flow] = {}
        self.faults: list[Fault] = []
        self.messages = {m.get("id"): m.get("name") or "" for m in root.findall(f"{{{BPMN}}}message")}
        self.lanes = {
            (ref.text or "").strip(): lane.get("name") or ""
            for lane in root.iter(f"{{{BPMN}}}lane")
            for ref in lane.findall(f"{{{BPMN}}}flowNodeRef")
        }

    def scope(self, outer: etree._Element, parent: str | None) -> None:
        for node in outer:
            if not isinstance(node.tag, str) or etree.QName(node).namespace != BPMN:
                continue
            kind = etree.QName(node).localname
            if kind == "sequenceFlow":
                self._flow(node)
            elif kind not in _SKIPPED and not kind.endswith("EventDefinition") and kind not in _QUIET:
                self._element(node, kind, parent)
                if kind == "subProcess":
                    self.scope(node, node.get("id"))

    def _fault(self, node: etree._Element, what: str, mend: str) -> None:
        self.faults.append(Fault(what, mend, node.get("id"), _line(node), self.file))

    def _unique(self, node: etree._Element) -> str:
        key = node.get("id") or ""
        if not key:
            self._fault(node, "元素没有 id", "给它一个 id")
        if key in self.elements or key in self.flows:
            self._fault(node, f"id“{key}”重复", "换一个 id")
        return key

    def _flow(self, node: etree._Element) -> None:
        key = self._unique(node)
        condition = node.find(f"{{{BPMN}}}conditionExpression")
        text = condition.text.strip() if condition is not None and condition.text else None
        self.flows[key] = Flow(
            key,
            node.get("name") or "",
            node.get("sourceRef") or "",
            node.get("targetRef") or "",
            text,
            _line(node),
        )

    def _element(self, node: etree._Element, kind: str, parent: str | None) -> None:
        key = self._unique(node)
        said = self._extensions(node)
        if "each" in said:
            self._fault(node, "“portal:each”写错了地方", "写在多实例标记（multiInstanceLoopCharacteristics）里")
        event, definition = _definition(node)
        message = self._message(node, definition, said) if event == "message" else None
        self.elements[key] = Element(
            id=key,
            kind=kind,
            name=node.get("name") or "",
            line=_line(node),
            parent=parent,
            lane=self.lanes.get(key),
            event=event,
            task=_task(said.get("task")),
            message=message,
            action=_action(said.get("action")),
            each=self._each(node),
            decide=tuple((_attribute(said, "decide", "tables") or "").split()),
            deadline=self._deadline(node, definition) if event == "timer" else None,
            call=_attribute(said, "call", "diagram"),
            form=_attribute(said, "start", "form"),
            status=_attribute(said, "status", "text"),
            basis=_attribute(said, "basis", "ref"),
            assumed=_attribute(said, "assumed", "reason"),
            replaces=_attribute(said, "outcome", "replaces"),
            replaced_as=_attribute(said, "outcome", "as"),
            again=_attribute(said, "outcome", "again") == "true",
            attached_to=node.get("attachedToRef"),
            interrupting=node.get("cancelActivity", node.get("isInterrupting", "true")) == "true",
            event_subprocess=node.get("triggeredByEvent") == "true",
            default=node.get("default"),
        )

    def _extensions(self, node: etree._Element, shape: etree._Element | None = None) -> dict[str, etree._Element]:
        """What a shape says, or a marker of it: faults are the shape's."""
        said: dict[str, etree._Element] = {}
        at = node if shape is None else shape
        for extension in node.findall(f"{{{BPMN}}}extensionElements/*"):
            name = etree.QName(extension).localname
            if etree.QName(extension).namespace != PORTAL or name not in EXTENSIONS or name == "input":
                self._fault(at, f"不认识的扩展元素“{name}”", f"可用：{'、'.join(sorted(EXTENSIONS))}")
                continue
            for part in (extension, *extension):
                self._attributes(at, part)
            if name in said:
                self._fault(at, f"“portal:{name}”写了两次", "只留一个")
            said[name] = extension
        return said

    def _attributes(self, node: etree._Element, part: etree._Element) -> None:
        name = etree.QName(part).localname
        for key in part.attrib:
            if key not in EXTENSIONS.get(name, frozenset()):
                known = "、".join(sorted(EXTENSIONS.get(name, frozenset())))
                self._fault(node, f"“portal:{name}”不认识属性“{key}”", f"可用：{known}")

    def _message(
        self, node: etree._Element, definition: etree._Element | None, said: Mapping[str, etree._Element]
    ) -> Message:
        reference = definition.get("messageRef") if definition is not None else None
        if reference not in self.messages:
            self._fault(node, f"消息“{reference}”没有定义", "选择一个已定义的消息")
        extension = said.get("message")
        said_of_it = dict(extension.attrib) if extension is not None else {}
        return Message(
            self.messages.get(reference, ""),
            _text(said_of_it, "role"),
            _text(said_of_it, "form"),
            _text(said_of_it, "while"),
            _text(said_of_it, "otherwise") or "",
            _text(said_of_it, "document"),
        )

    def _each(self, node: etree._Element) -> Each | None:
        many = node.find(f"{{{BPMN}}}multiInstanceLoopCharacteristics")
        if many is None:
            return None
        said = self._extensions(many, node).get("each")
        if said is None or not said.get("in") or not said.get("as"):
            self._fault(node, "多实例没有说明按哪份名单逐一办理", '写 <portal:each in="=draw.experts" as="expert"/>')
            return None
        until = many.find(f"{{{BPMN}}}completionCondition")
        text = until.text.strip() if until is not None and until.text else None
        return Each(said.get("in", ""), said.get("as", ""), text, is_sequential(many))

    def _deadline(self, node: etree._Element, definition: etree._Element | None) -> str | None:
        texts = [part.text or "" for part in definition] if definition is not None else []
        found = _TIMER.fullmatch(texts[0].strip()) if len(texts) == 1 else None
        if found is None:
            self._fault(node, "定时事件应当只写出一个期限的名称", '写成 =deadline("期限名")，天数写在 [deadlines] 里')
            return None
        return found.group(1)


def _definition(node: etree._Element) -> tuple[str | None, etree._Element | None]:
    for part in node:
        name = etree.QName(part).localname if isinstance(part.tag, str) else ""
        if name.endswith("EventDefinition"):
            return name.removesuffix("EventDefinition"), part
    return None, None


def _text(attributes: Mapping[Any, object], key: str) -> str | None:
    return str(attributes[key]) if key in attributes else None


def _task(node: etree._Element | None) -> Task | None:
    if node is None:
        return None
    said = (node.get(key) for key in ("deadline", "revises", "assignee", "asks"))
    return Task(node.get("role") or "", node.get("form") or "", *said)


def _action(node: etree._Element | None) -> Action | None:
    if node is None:
        return None
    return Action(node.get("name") or "", {part.get("name") or "": part.get("value") or "" for part in node})


def _attribute(said: Mapping[str, etree._Element], name: str, key: str) -> str | None:
    return said[name].get(key) if name in said else None


def _line(node: etree._Element) -> int | None:
    line = node.sourceline
    return line if isinstance(line, int) else None
