"""Whether a diagram by itself can be run: its elements, ids, extensions and the ways through it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy

from lxml import etree

from portal import engine, feel
from portal.engine.shape import faults_of
from portal.errors import ContentFaults, Fault
from portal.feel import FeelError
from portal.procedures import drawing
from portal.procedures.content import Content
from portal.procedures.drawing import BPMN, EXTENSIONS, PORTAL, Drawing, Element
from portal.procedures.expressions import NAMES
from portal.procedures.functions import FUNCTIONS

_EVENTS = frozenset({"startEvent", "intermediateCatchEvent", "boundaryEvent"})
_NODES = _EVENTS | {
    *("endEvent", "userTask", "serviceTask", "businessRuleTask", "callActivity", "subProcess"),
    *("exclusiveGateway", "parallelGateway", "eventBasedGateway"),
}

# portal: element -> the elements on which it means something.
_PLACES: Mapping[str, frozenset[str]] = {
    "start": frozenset({"startEvent"}),
    "task": frozenset({"userTask"}),
    "message": _EVENTS,
    "action": frozenset({"serviceTask"}),
    "each": frozenset({"multiInstanceLoopCharacteristics"}),
    "decide": frozenset({"businessRuleTask"}),
    "call": frozenset({"callActivity"}),
    "status": frozenset({"userTask", "intermediateCatchEvent", "eventBasedGateway"}),
    "basis": _NODES,
    "assumed": _NODES,
    "outcome": frozenset({"endEvent"}),
}

# What analysts may draw elsewhere and the portal does not run: its name, and what to draw instead.
_TASK = "改用人员任务或服务任务"
_EACH = '写 <portal:each in="=…" as="…"/>'
_NOTICE = "改用服务任务，动作写 cases.message"
_DATA = "删去；数据由表单、文书和表达式读写"
_EVENT = "改用消息或定时事件"
NOT_BUILT: Mapping[str, tuple[str, str]] = {
    "loopCardinality": ("多实例的份数", _EACH),
    "loopDataInputRef": ("多实例的数据引用", _EACH),
    "loopDataOutputRef": ("多实例的数据引用", "删去；各份所填用元素的 id 读取，得到列表"),
    "inputDataItem": ("多实例的数据项", _EACH),
    "outputDataItem": ("多实例的数据项", "删去；各份所填用元素的 id 读取，得到列表"),
    "complexBehaviorDefinition": ("多实例的复杂行为", "删去；用完成条件 completionCondition"),
    "standardLoopCharacteristics": ("任务循环标记", "用排他网关画出回路"),
    "inclusiveGateway": ("包容网关", "改用排他网关或并行网关"),
    "complexGateway": ("复杂网关", "改用排他网关或并行网关"),
    "scriptTask": ("脚本任务", "改用服务任务，动作写在 portal:action"),
    "sendTask": ("发送任务", _NOTICE),
    "receiveTask": ("接收任务", "改用中间消息捕获事件"),
    "manualTask": ("手工任务", _TASK),
    "task": ("未分类的任务", _TASK),
    "transaction": ("事务子流程", "改用普通子流程"),
    "adHocSubProcess": ("即席子流程", "改用普通子流程"),
    "intermediateThrowEvent": ("中间抛出事件", _NOTICE),
    "signalEventDefinition": ("信号事件", _EVENT),
    "signal": ("信号", _EVENT),
    "escalationEventDefinition": ("升级事件", _EVENT),
    "escalation": ("升级", _EVENT),
    "errorEventDefinition": ("错误事件", _EVENT),
    "error": ("错误", _EVENT),
    "conditionalEventDefinition": ("条件事件", _EVENT),
    "linkEventDefinition": ("链接事件", "用顺序流直接相连"),
    "compensateEventDefinition": ("补偿事件", "把撤销的步骤画出来"),
    "cancelEventDefinition": ("取消事件", "改用终止结束事件"),
    "messageFlow": ("消息流", "删去；案件之间的消息用 cases.message"),
    "dataObject": ("数据对象", _DATA),
    "dataObjectReference": ("数据对象", _DATA),
    "dataStore": ("数据存储", _DATA),
    "dataStoreReference": ("数据存储", _DATA),
    "dataInputAssociation": ("数据关联", _DATA),
    "dataOutputAssociation": ("数据关联", _DATA),
    "ioSpecification": ("输入输出说明", _DATA),
    "property": ("属性", _DATA),
    "timeDuration": ("时长", '写成 =deadline("期限名")，天数写在 [deadlines] 里'),
    "timeCycle": ("周期", '写成 =deadline("期限名")，天数写在 [deadlines] 里'),
    "humanPerformer": ("办理人指派", "在 portal:task 中写 role"),
    "potentialOwner": ("办理人指派", "在 portal:task 中写 role"),
}


def of_files(content: Content) -> Iterator[Fault]:
    """The faults of every diagram of the content, used or not."""
    for file, data in sorted(content.files.items()):
        if file.endswith(".bpmn"):
            yield from of_file(file, data)


def of_file(file: str, data: bytes) -> list[Fault]:
    """The faults of one diagram; where an element has one already, the engine's own are left out."""
    try:
        drawn = drawing.read(file, data, file)
    except ContentFaults as error:
        return [fault.at(file) for fault in error.faults]
    found = [*drawn.faults, *(fault.at(file) for fault in _own(drawn))]
    told = {_spot(fault) for fault in found}
    found += [fault.at(file) for fault in faults_of(_as_if_built(drawn.root)) if _spot(fault) not in told]
    return found or [fault.at(file) for fault in _dead_ends(drawn)]


def _spot(fault: Fault) -> tuple[str | None, int | None]:
    return fault.element, None if fault.element else fault.line


def _own(drawn: Drawing) -> Iterator[Fault]:
    yield from _foreign(drawn)
    for element in drawn.elements.values():
        yield from _id(element)
        yield from _many(drawn, element)
        if element.kind == "eventBasedGateway" and len(drawn.out(element.id)) == 1:
            mend = "只等一件事时去掉网关，直接接捕获事件"
            yield Fault("事件网关只有一条出口", mend, element.id, element.line)
    for extension in drawn.root.iter(f"{{{PORTAL}}}*"):
        yield from _extension(drawn, extension)
    for call in drawn.root.iter(f"{{{BPMN}}}callActivity"):
        if call.get("calledElement") is not None:
            mend = '删去 calledElement；调用哪张图写成 <portal:call diagram="图名"/>'
            yield _at(drawn, call, "调用活动写了 calledElement，它不起作用", mend)
    for condition in drawn.root.iter(f"{{{BPMN}}}conditionExpression"):
        flow = condition.getparent()
        if not (condition.text or "").strip() and flow is not None:
            yield _at(drawn, flow, "顺序流的条件是空的", "写上 =…，或删去条件")


def _at(drawn: Drawing, node: etree._Element, what: str, mend: str) -> Fault:
    """A fault at the drawn element or flow that a node belongs to, else at the nearest node with an id."""
    around = [node, *node.iterancestors()]
    ids = [key for part in around if (key := part.get("id"))]
    drawn_ids = [key for key in ids if key in drawn.elements or key in drawn.flows]
    return Fault(what, mend, next(iter(drawn_ids or ids), None), node.sourceline)


def _foreign(drawn: Drawing) -> Iterator[Fault]:
    for node in drawn.root.iter(f"{{{BPMN}}}*"):
        name = str(etree.QName(node).localname)
        if not _is_foreign(node) or any(_is_foreign(around) for around in node.iterancestors()):
            continue
        title, mend = NOT_BUILT.get(name, (f"图元 {name}", "改用支持的图元：任务、消息与定时事件、网关、子流程、调用"))
        yield _at(drawn, node, f"不支持{title}", mend)


def _as_if_built(root: etree._Element) -> etree._Element:
    """The diagram with what is not built replaced by the nearest that is, so that the ways through it are judged."""
    foreign = [node for node in root.iter(f"{{{BPMN}}}*") if _is_foreign(node)]
    if not foreign:
        return root
    copy = deepcopy(root)
    for node in [node for node in copy.iter(f"{{{BPMN}}}*") if _is_foreign(node)]:
        name = str(etree.QName(node).localname)
        around = node.getparent()
        if name.endswith("Gateway"):
            node.tag = f"{{{BPMN}}}exclusiveGateway"
        elif name.lower().endswith("task") or name == "intermediateThrowEvent":
            node.tag = f"{{{BPMN}}}userTask"
        elif name in ("transaction", "adHocSubProcess"):
            node.tag = f"{{{BPMN}}}subProcess"
        elif around is not None:
            around.remove(node)
    return copy


def _is_foreign(node: etree._Element) -> bool:
    tag = etree.QName(node)
    return tag.namespace == BPMN and tag.localname not in engine.WHITELIST


def _id(element: Element) -> Iterator[Fault]:
    key = element.id
    if not key:
        return
    if engine.reserved(key):
        yield Fault(f"id“{key}”与引擎内部名称冲突", "换一个 id", key, element.line)
    elif not is_plain(key):
        mend = "id 以字母或汉字开头，只用字母、汉字、数字和下划线，且不是 FEEL 的保留字"
        yield Fault(f"id“{key}”不能在表达式中作名称", mend, key, element.line)
    elif key in NAMES:
        yield Fault(f"id“{key}”是表达式中已有的名称", "换一个 id", key, element.line)


def _many(drawn: Drawing, element: Element) -> Iterator[Fault]:
    """What the instances call their entry is a name of its own; what is asked of them says `=`."""
    if element.each is None:
        return
    name = element.each.name
    if not is_plain(name) or name in NAMES or name in drawn.elements:
        mend = "换一个名称：不与图元的 id 和已有的名称（case、party 等）相同，只用字母、汉字、数字和下划线"
        yield Fault(f"portal:each 的 as“{name}”不能作名称", mend, element.id, element.line)
    if not element.each.items.startswith("="):
        mend = f'写成 in="={element.each.items}"'
        yield Fault("portal:each 的 in 应当是表达式，以等号开头", mend, element.id, element.line)


def is_plain(name: str) -> bool:
    """Whether FEEL reads a text as one name."""
    try:
        return feel.compile(name, FUNCTIONS).paths == {(name,)}
    except FeelError:
        return False


def _extension(drawn: Drawing, extension: etree._Element) -> Iterator[Fault]:
    """An extension that stands where it means nothing; unknown ones the reader of drawings has told."""
    name = str(etree.QName(extension).localname)
    around = extension.getparent()
    if name == "input" or name not in EXTENSIONS or around is None:
        return
    if name == "action":
        yield from _inputs(drawn, extension)
    if extension.get("again", "true") != "true":
        yield _at(drawn, extension, "again 只能是 true", '去掉 again，或写 again="true"')
    owner = around.getparent() if etree.QName(around).localname == "extensionElements" else around
    places = _PLACES.get(name, _NODES)
    kind = "" if owner is None else str(etree.QName(owner).localname)
    if name == "each" and kind in _NODES:
        return  # the reader of drawings has told
    if owner is not None and kind not in places:
        yield _at(drawn, owner, f"“portal:{name}”写在了不起作用的地方", f"它只能写在：{'、'.join(sorted(places))}")
    elif owner is not None and name == "message" and owner.find(f"{{{BPMN}}}messageEventDefinition") is None:
        yield _at(drawn, owner, "“portal:message”写在了没有消息的事件上", "给事件选一个消息，或删去 portal:message")


def _inputs(drawn: Drawing, action: etree._Element) -> Iterator[Fault]:
    names = []
    for part in action:
        name = part.get("name")
        if etree.QName(part) != etree.QName(PORTAL, "input") or not name or part.get("value") is None:
            yield _at(drawn, action, "动作的输入写得不对", '写成 <portal:input name="…" value="…"/>')
        elif name in names:
            yield _at(drawn, action, f"动作的输入“{name}”写了两次", "只留一个")
        names.append(name)


def _dead_ends(drawn: Drawing) -> Iterator[Fault]:
    """The first element of each level from which no end event can be reached."""
    levels: dict[str | None, list[Element]] = {}
    for element in drawn.elements.values():
        levels.setdefault(element.parent, []).append(element)
    for elements in levels.values():
        ending = {element.id for element in elements if element.kind == "endEvent" or element.event_subprocess}
        grown = True
        while grown:
            before = len(ending)
            ending |= {element.attached_to for element in elements if element.attached_to and element.id in ending}
            ending |= {element.id for element in elements if any(f.target in ending for f in drawn.out(element.id))}
            grown = len(ending) > before
        lost = next((element for element in elements if element.id not in ending), None)
        if lost is not None:
            yield Fault("从这里走不到任何结束事件", "画出通向结束事件的路径", lost.id, lost.line)
