"""Faults of a diagram by itself: what is not built, ids, extensions, and the ways through it."""

import pytest

from portal.procedures.checks.shape import NOT_BUILT
from tests.builders.content import FILES, broken
from tests.procedures.expecting import expect_one_when, faults

SIGN = '<bpmn:userTask id="sign" name="签批">'
SIGN_END = '<portal:task role="leader" form="sign"/><portal:basis ref="11.1"/></bpmn:extensionElements></bpmn:userTask>'
END = '<bpmn:endEvent id="done" name="已启动">'
GATEWAY = '<bpmn:exclusiveGateway id="signed" default="returned"/>'
F4 = '<bpmn:sequenceFlow id="f4" sourceRef="start_notice" targetRef="done"></bpmn:sequenceFlow>'
RETURNED = '<bpmn:sequenceFlow id="returned" sourceRef="signed" targetRef="draft"></bpmn:sequenceFlow>'


def inside_sign(part):
    return (SIGN_END, SIGN_END.replace("</bpmn:userTask>", f"{part}</bpmn:userTask>"))


NOT_BUILT_HERE = [
    (*inside_sign("<bpmn:standardLoopCharacteristics/>"), "sign", "不支持任务循环标记"),
    (*inside_sign("<bpmn:potentialOwner/>"), "sign", "不支持办理人指派"),
    (*inside_sign('<bpmn:property id="p"/>'), "sign", "不支持属性"),
    (GATEWAY, '<bpmn:inclusiveGateway id="signed" default="returned"/>', "signed", "不支持包容网关"),
    (GATEWAY, '<bpmn:complexGateway id="signed" default="returned"/>', "signed", "不支持复杂网关"),
    (END, f"{END}<bpmn:signalEventDefinition/>", "done", "不支持信号事件"),
    (END, f"{END}<bpmn:escalationEventDefinition/>", "done", "不支持升级事件"),
    (END, f'{END}<bpmn:errorEventDefinition id="e"/>', "done", "不支持错误事件"),
    (END, f"{END}<bpmn:compensateEventDefinition/>", "done", "不支持补偿事件"),
    (F4, f'{F4}<bpmn:dataObject id="data"/>', "data", "不支持数据对象"),
    (F4, f'{F4}<bpmn:correlationSubscription id="c"/>', "c", "不支持图元 correlationSubscription"),
]


@pytest.mark.parametrize(("old", "new", "element", "what"), NOT_BUILT_HERE)
def test_what_is_not_built_is_refused_by_name(old, new, element, what):
    expect_one_when("grant.bpmn", old, new, element, what)


@pytest.mark.parametrize(
    "kind",
    ["scriptTask", "sendTask", "receiveTask", "manualTask", "task", "intermediateThrowEvent"],
)
def test_kinds_of_step_that_are_not_built_are_refused_by_name(kind):
    between = (
        f'<bpmn:{kind} id="odd"/><bpmn:sequenceFlow id="f5" sourceRef="odd" targetRef="done"/>'
        '<bpmn:sequenceFlow id="f4" sourceRef="start_notice" targetRef="odd"></bpmn:sequenceFlow>'
    )
    expect_one_when("grant.bpmn", F4, between, "odd", f"不支持{NOT_BUILT[kind][0]}")


def test_what_is_drawn_for_readers_only_is_left_alone():
    drawn = (
        '<bpmn:textAnnotation id="note"><bpmn:text>x</bpmn:text></bpmn:textAnnotation>'
        '<bpmn:association id="line" sourceRef="draft" targetRef="note"/>'
        '<bpmn:group id="box" categoryValueRef="kind"/></bpmn:process>'
        '<bpmn:category id="kinds"><bpmn:categoryValue id="kind" value="内部办理"/></bpmn:category>'
    )
    assert faults(broken("grant.bpmn", "</bpmn:process>", drawn)) == []


DOUBLED = [
    ('id="f4"', 'id="f3"', "f3"),
    ('<bpmn:exclusiveGateway id="signed"', '<bpmn:exclusiveGateway id="draft"', "draft"),
]


@pytest.mark.parametrize(("old", "new", "element"), DOUBLED)
def test_ids_given_twice_are_refused(old, new, element):
    found = faults(broken("grant.bpmn", old, new))
    assert (element, f"id“{element}”重复") in {(fault.element, fault.what) for fault in found}


RENAMED = [
    ("Start", "引擎内部名称"),
    ("op.sign", "引擎内部名称"),
    ("portal_body_1", "引擎内部名称"),
    ("sign-off", "不能在表达式中作名称"),
    ("if", "不能在表达式中作名称"),
    ("2nd", "不能在表达式中作名称"),
    ("about", "表达式中已有的名称"),
    ("facts", "表达式中已有的名称"),
]


@pytest.mark.parametrize(("new", "what"), RENAMED)
def test_ids_that_something_else_uses_or_feel_cannot_read_are_refused(new, what):
    # The gateway, which nothing else names.
    content = broken("grant.bpmn", 'id="signed"', f'id="{new}"')
    text = content.files["bpmn/demo/grant/process.bpmn"].decode()
    text = text.replace('"signed"', f'"{new}"')
    files = {**content.files, "bpmn/demo/grant/process.bpmn": text.encode()}
    found = faults(type(content)("demo", files))
    assert [(f.element, what in f.what) for f in found] == [(new, True)], found


BASIS = "<portal:basis"
EXTENSIONS = [
    ('<portal:task role="leader"', '<portal:task who="leader" role="leader"', "sign", "不认识属性“who”"),
    ('<portal:basis ref="11.1"/></bpmn:extensionElements></bpmn:endEvent>',
     '<portal:basis ref="11.1"/><portal:every/></bpmn:extensionElements></bpmn:endEvent>', "done", "扩展元素“every”"),
    (SIGN_END, SIGN_END.replace(BASIS, '<zeebe:x xmlns:zeebe="urn:z"/>' + BASIS), "sign", "扩展元素“x”"),
    (SIGN_END, SIGN_END.replace(BASIS, '<portal:call diagram="record"/>' + BASIS), "sign",
     "写在了不起作用的地方"),
    (SIGN_END, SIGN_END.replace(BASIS, '<portal:outcome again="true"/>' + BASIS), "sign",
     "写在了不起作用的地方"),
    (SIGN_END, SIGN_END.replace(BASIS, '<portal:assumed reason="a"/><portal:assumed reason="b"/>' + BASIS),
     "sign", "写了两次"),
    (F4, F4.replace("></bpmn", 
     '><bpmn:extensionElements><portal:status text="x"/></bpmn:extensionElements></bpmn'), "f4",
     "写在了不起作用的地方"),
    ('name="procedure" value="notice"/>', 'name="procedure" value="notice"/><portal:input/>',
     "start_notice", "输入写得不对"),
    ('name="year" value="=draft.year"', 'name="year" value="=draft.year"/><portal:input name="year" value="1"',
     "start_notice", "写了两次"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "element", "what"), EXTENSIONS)
def test_extensions_that_are_unknown_or_misplaced_are_refused(old, new, element, what):
    expect_one_when("grant.bpmn", old, new, element, what)


def test_a_message_extension_stands_on_a_message():
    old = '<bpmn:boundaryEvent id="correction_over" name="补正期满" attachedToRef="correct">'
    new = f'{old}<bpmn:extensionElements><portal:message role="party"/></bpmn:extensionElements>'
    expect_one_when("review.bpmn", old, new, "correction_over", "没有消息的事件")


def flow(key, source, target, condition=""):
    text = f"<bpmn:conditionExpression>{condition}</bpmn:conditionExpression>" if condition else ""
    return f'<bpmn:sequenceFlow id="{key}" sourceRef="{source}" targetRef="{target}">{text}</bpmn:sequenceFlow>'


SECOND_START = '<bpmn:startEvent id="second"/>' + flow("f9", "second", "done")
LOST = (
    '<bpmn:serviceTask id="lost"><bpmn:extensionElements><portal:action name="cases.start">'
    '<portal:input name="procedure" value="notice"/><portal:input name="unit" value="=draft.unit"/>'
    '<portal:input name="year" value="=draft.year"/><portal:input name="amount" value="=draft.amount"/>'
    "</portal:action></bpmn:extensionElements></bpmn:serviceTask>" + flow("f9", "lost", "done")
)
TO_FILED = flow("f6", "period", "review_filed")
DUE = '<bpmn:timeDate>=deadline("correction")</bpmn:timeDate>'
START = '<bpmn:startEvent id="start" name="开始"/>'
MESSAGE_START = START.replace("/>", '><bpmn:messageEventDefinition messageRef="m_x"/></bpmn:startEvent>')
WITHDRAW = '<bpmn:messageEventDefinition messageRef="m_withdraw"/>'

ONE_WAY = [
    ("grant.bpmn", F4, F4 + SECOND_START, "process", "2 个开始事件"),
    ("grant.bpmn", F4, F4 + LOST, "lost", "没有顺序流到达"),
    ("grant.bpmn", F4, flow("f4", "start_notice", "done", "=true"), "f4", "条件只能写在排他网关的出口上"),
    ("grant.bpmn", GATEWAY, '<bpmn:exclusiveGateway id="signed"/>', "returned", "没有条件"),
    ("grant.bpmn", RETURNED, flow("returned", "signed", "draft", "=true"), "returned", "默认出口不能再写条件"),
    ("grant.bpmn", RETURNED, RETURNED + flow("f9", "start_notice", "sign"), "start_notice", "2 条出口"),
    ("grant.bpmn", '=sign.result = "签发"', " ", "agreed", "条件是空的"),
    ("review.bpmn", 'attachedToRef="correct"', 'attachedToRef="checked"', "correction_over", "没有附着在任务"),
    ("review.bpmn", 'attachedToRef="correct"', 'attachedToRef="gone"', "correction_over", "没有附着在任务"),
    ("review.bpmn", '<bpmn:startEvent id="withdraw"', '<bpmn:startEvent isInterrupting="false" id="withdraw"',
     "withdraw", "不中断的消息"),
    ("review.bpmn", 'messageRef="m_withdraw"', 'messageRef="m_gone"', "withdraw", "没有定义"),
    ("review.bpmn", DUE, "<bpmn:timeDate>P3D</bpmn:timeDate>", "correction_over", "只写出一个期限的名称"),
    ("review.bpmn", WITHDRAW, "", "withdraw", "没有消息的事件"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "element", "what"), ONE_WAY)
def test_ways_that_cannot_be_walked_are_refused(name, old, new, element, what):
    content = broken(name, old, new)
    found = [fault for fault in faults(content) if fault.file == FILES[name]]
    assert [(fault.element, what in fault.what) for fault in found] == [(element, True)], "\n".join(map(str, found))


SEVERAL = [
    ("grant.bpmn", F4, "", [("start_notice", "没有到达结束事件"), ("done", "没有顺序流到达")]),
    ("grant.bpmn", 'targetRef="done"', 'targetRef="gone"', [("done", "没有顺序流到达"), ("f4", "不在同一层")]),
    ("grant.bpmn", GATEWAY, '<bpmn:exclusiveGateway id="signed" default="f1"/>',
     [("signed", "不是它的出口"), ("returned", "没有条件")]),
    ("grant.bpmn", RETURNED, RETURNED + flow("again", "signed", "draft", "=true"),
     [("again", "同向"), ("returned", "同向")]),
    ("grant.bpmn", START, MESSAGE_START, [("start", "没有定义")]),
    ("review.bpmn", DUE, "<bpmn:timeDuration>P3D</bpmn:timeDuration>",
     [("correction_over", "不支持时长"), ("correction_over", "只写出一个期限的名称")]),
    ("period.bpmn", TO_FILED, TO_FILED.replace("review_filed", "record"),
     [("record", "事件网关之后"), ("review_filed", "没有顺序流到达"),
      *((key, "走不到此元素") for key in ("review_concluded", "concluded", "replaced"))]),
    ("grant.bpmn", START, "", [("process", "0 个开始事件"),
      *((key, "走不到此元素") for key in ("draft", "sign", "signed", "start_notice", "done")), ("f1", "不在同一层")]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "expected"), SEVERAL)
def test_one_slip_of_the_pen_may_break_more_than_one_thing(name, old, new, expected):
    found = faults(broken(name, old, new))
    assert [fault.element for fault in found] == [element for element, _ in expected], "\n".join(map(str, found))
    assert all(what in fault.what for fault, (_, what) in zip(found, expected, strict=True)), found


def test_an_event_gateway_with_one_way_is_refused():
    old = '<bpmn:sequenceFlow id="f6" sourceRef="period" targetRef="review_filed"></bpmn:sequenceFlow>'
    found = faults(broken("period.bpmn", old, ""))
    assert ("period", "事件网关只有一条出口") in {(f.element, f.what) for f in found}


def test_two_timers_behind_an_event_gateway_are_refused():
    old = '<bpmn:messageEventDefinition messageRef="m_review_filed"/>'
    timer = (
        '<bpmn:timerEventDefinition><bpmn:timeDate>=deadline("objection")</bpmn:timeDate></bpmn:timerEventDefinition>'
    )
    found = faults(broken("period.bpmn", old, timer))
    assert ("period", "事件网关之后有几个定时") in {(f.element, f.what) for f in found}


def test_a_loop_that_nobody_can_leave_is_refused():
    trap = (
        '<bpmn:sequenceFlow id="f10" sourceRef="tell_changed" targetRef="which"></bpmn:sequenceFlow>'
        '<bpmn:exclusiveGateway id="which" default="f20"/>'
        '<bpmn:sequenceFlow id="f20" sourceRef="which" targetRef="changed"/>'
        '<bpmn:sequenceFlow id="f21" sourceRef="which" targetRef="round">'
        "<bpmn:conditionExpression>=true</bpmn:conditionExpression></bpmn:sequenceFlow>"
        '<bpmn:exclusiveGateway id="round"/><bpmn:sequenceFlow id="f22" sourceRef="round" targetRef="trap"/>'
        '<bpmn:userTask id="trap" name="再来"><bpmn:extensionElements><portal:task role="leader" form="sign"/>'
        '<portal:basis ref="11.1"/></bpmn:extensionElements></bpmn:userTask>'
        '<bpmn:sequenceFlow id="f23" sourceRef="trap" targetRef="round"/>'
    )
    old = '<bpmn:sequenceFlow id="f10" sourceRef="tell_changed" targetRef="changed"></bpmn:sequenceFlow>'
    expect_one_when("review.bpmn", old, trap, "round", "走不到任何结束事件")


def test_a_loop_without_a_waiting_state_is_refused():
    loop = (
        '<bpmn:exclusiveGateway id="round" default="f8"/>'
        + flow("f8", "round", "done")
        + flow("f9", "round", "start_notice", "=true")
    )
    found = faults(broken("grant.bpmn", F4, F4.replace('"done"', '"round"') + loop))
    assert {f.element for f in found} == {"start_notice", "round"}
    assert all("循环" in f.what and f.line for f in found)


def test_a_diagram_that_calls_itself_is_refused():
    old = '<bpmn:serviceTask id="post" name="入账">'
    new = (
        '<bpmn:callActivity id="itself"><bpmn:extensionElements><portal:call diagram="record"/>'
        f"</bpmn:extensionElements></bpmn:callActivity>{old}"
    )
    content = broken("record.bpmn", old, new)
    text = content.files["bpmn/demo/_shared/record/process.bpmn"].decode()
    text = text.replace('sourceRef="start" targetRef="post"', 'sourceRef="start" targetRef="itself"').replace(
        "</bpmn:process>", '<bpmn:sequenceFlow id="f3" sourceRef="itself" targetRef="post"/></bpmn:process>'
    )
    files = {**content.files, "bpmn/demo/_shared/record/process.bpmn": text.encode()}
    found = faults(type(content)("demo", files))
    assert [(f.element, "调用了自己" in f.what) for f in found if f.element == "itself"] == [("itself", True)], found
