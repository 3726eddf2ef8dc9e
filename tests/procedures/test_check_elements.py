"""Faults of what the elements of a diagram name, and of their conditions."""

import pytest

from tests.builders.content import broken
from tests.procedures.expecting import expect_one_when, faults

TASK = '<portal:task role="leader" form="sign"/>'
CHECK = '<portal:task role="examiner" form="check" deadline="decision"/>'
REVISES = 'deadline="correction" revises="start"'
WHILE = 'while="=sign.result != &quot;签发&quot;"'
MESSAGE = f'<portal:message role="party" form="withdraw" {WHILE} otherwise="已经签发，不能撤回。"/>'
REPLACES = '<portal:outcome replaces="about" as="已被取代"/>'
SIGN_BASIS = f'{TASK}<portal:basis ref="11.1"/>'

TASKS = [
    ("grant.bpmn", TASK, "", "sign", "没有说明由谁办理、用哪份表单"),
    ("grant.bpmn", TASK, '<portal:task role="leader"/>', "sign", "没有说明用哪份表单"),
    ("grant.bpmn", TASK, '<portal:task form="sign"/>', "sign", "没有说明由谁办理"),
    ("grant.bpmn", TASK, '<portal:task role="nobody" form="sign"/>', "sign", "没有岗位“nobody”"),
    ("grant.bpmn", TASK, '<portal:task role="leader" form="gone"/>', "sign", "找不到表单“gone”"),
    ("grant.bpmn", TASK, '<portal:task role="leader" form="sign" deadline="x"/>', "sign", "没有名为“x”的期限"),
    ("grant.bpmn", 'id="sign" name="签批"', 'id="sign"', "sign", "没有名称"),
    ("grant.bpmn", 'name="局领导"', 'name="领导"', "sign", "泳道“领导”与岗位“局领导”"),
    ("grant.bpmn", "<bpmn:flowNodeRef>sign</bpmn:flowNodeRef>", "", "sign", "不在任何泳道中"),
    ("grant.bpmn", TASK, '<portal:task role="party" form="sign"/>', "sign", "泳道“局领导”与岗位“申请人”"),
    ("review.bpmn", REVISES, 'deadline="correction" revises="gone"', "correct", "revises 指的元素“gone”不在"),
    ("review.bpmn", REVISES, 'deadline="correction" revises="check"', "correct", "用的不是表单“application”"),
    ("review.bpmn", CHECK, CHECK.replace("decision", "gone"), "check", "没有名为“gone”的期限"),
]
EVENTS = [
    ("review.bpmn", MESSAGE, MESSAGE.replace('otherwise="已经签发，不能撤回。"', ""), "withdraw", "没有写 otherwise"),
    ("review.bpmn", MESSAGE, MESSAGE.replace('"party"', '"nobody"'), "withdraw", "没有岗位“nobody”"),
    ("review.bpmn", MESSAGE, MESSAGE.replace('role="party" ', ""), "withdraw", "没有写由谁填写"),
    ("review.bpmn", MESSAGE, MESSAGE.replace('"withdraw"', '"gone"'), "withdraw", "找不到表单“gone”"),
    ("review.bpmn", MESSAGE, MESSAGE.replace("<portal:message", '<portal:message document="decision"'), "withdraw",
     "不能写 document"),
    ("review.bpmn", 'id="withdraw" name="撤回"', 'id="withdraw"', "withdraw", "没有名称"),
    ("period.bpmn", '<portal:message document="notice"/>', '<portal:message document="gone"/>', "served",
     "没有名为“gone”的文书"),
    ("period.bpmn", '=deadline("objection")', '=deadline("gone")', "over", "没有名为“gone”的期限"),
]  # fmt: skip
ENDS = [
    ("review.bpmn", 'again="true"', 'again="yes"', "withdrawn", "again 只能是 true"),
    ("review.bpmn", 'id="kept" name="维持"', 'id="kept"', "kept", "结束事件没有名称"),
    ("review.bpmn", 'id="withdrawn" name="已撤回"', 'id="withdrawn" name="变更"', "withdrawn", "有 2 个结束事件"),
    ("review.bpmn", REPLACES, '<portal:outcome replaces="start" as="已被取代"/>', "changed", "portal:outcome 写得不对"),
    ("review.bpmn", REPLACES, '<portal:outcome replaces="about"/>', "changed", "portal:outcome 写得不对"),
    ("review.bpmn", REPLACES, '<portal:outcome as="已被取代"/>', "changed", "portal:outcome 写得不对"),
    ("review.bpmn", REPLACES, '<portal:outcome replaces="about" as="没有"/>', "changed", "没有名为“没有”的结果"),
    ("grant.bpmn", '<portal:basis ref="11.1"/></bpmn:extensionElements></bpmn:endEvent>',
     f'<portal:basis ref="11.1"/>{REPLACES}</bpmn:extensionElements></bpmn:endEvent>', "done", "没有写 about"),
]  # fmt: skip
END_BASIS = '<bpmn:endEvent id="done" name="已启动"><bpmn:extensionElements><portal:basis ref="11.1"/>'
POST_BASIS = '</portal:action><portal:basis ref="11.1"/>'
ARTICLES = [
    ("grant.bpmn", SIGN_BASIS, TASK, "sign", "没有写依据哪一条"),
    ("grant.bpmn", SIGN_BASIS, SIGN_BASIS.replace("11.1", "99"), "sign", "没有条款“99”"),
    ("grant.bpmn", SIGN_BASIS, SIGN_BASIS.replace("11.1", "other:1"), "sign", "没有条款“other:1”"),
    ("grant.bpmn", SIGN_BASIS, SIGN_BASIS.replace("11.1", "@gone"), "sign", "basis 中没有“gone”"),
    ("grant.bpmn", END_BASIS, END_BASIS.replace('<portal:basis ref="11.1"/>', ""), "done", "没有写依据哪一条"),
    ("record.bpmn", POST_BASIS, "</portal:action>", "post", "没有写依据哪一条"),
]


@pytest.mark.parametrize(("name", "old", "new", "element", "what"), [*TASKS, *EVENTS, *ENDS, *ARTICLES])
def test_what_an_element_names_exists(name, old, new, element, what):
    expect_one_when(name, old, new, element, what)


def test_a_timer_on_a_deadline_that_nothing_starts_is_refused():
    found = faults(broken("review.toml", 'after   = "entered(correct)"\n', ""))
    assert [(f.element, "永远不会发生" in f.what) for f in found] == [("correction_over", True)]


def test_a_deadline_without_article_is_told_once_where_it_is_defined():
    found = faults(broken("review.toml", 'assumed = "文本未规定"\n', ""))
    assert [(f.element, f.what) for f in found] == [("deadlines.correction", "期限“补正材料”没有写依据哪一条")]


def test_an_end_may_say_that_its_article_is_assumed():
    assumed = END_BASIS.replace('<portal:basis ref="11.1"/>', '<portal:assumed reason="惯例"/>')
    assert faults(broken("grant.bpmn", END_BASIS, assumed)) == []


def test_only_the_ends_of_the_procedure_itself_replace_an_outcome():
    old = '<bpmn:endEvent id="posted" name="已登记"><bpmn:extensionElements>'
    found = faults(broken("record.bpmn", old, old + REPLACES))
    assert [(f.element, "没有写 about" in f.what) for f in found] == [("posted", True)]


ISSUE = '<portal:action name="documents.issue"><portal:input name="document" value="decision"/></portal:action>'
TELL = '<portal:input name="message" value="review_concluded"/><portal:input name="result" value="变更"/>'
FILED = '<portal:input name="message" value="review_filed"/>'
REVERSE = '<portal:input name="case" value="about"/>'
UNDO = f'<portal:action name="ledger.reverse">{REVERSE}'
CHECK = '<portal:action name="ledger.check"><portal:input name="amount" value="=1"/>'
POST_KIND = '<portal:input name="kind" value="免费"/>'
TO_NOTICE = '<portal:input name="procedure" value="notice"/>'
UNIT = '<portal:input name="unit" value="=draft.unit"/>'
ACTIONS = [
    ("review.bpmn", ISSUE, "", "issue", "没有说明做什么"),
    (
        "review.bpmn",
        ISSUE,
        ISSUE.replace("documents.issue", "documents.isue"),
        "issue",
        "没有名为“documents.isue”的动作",
    ),
    ("review.bpmn", ISSUE, '<portal:action name="documents.issue"/>', "issue", "缺少输入“document”"),
    ("review.bpmn", ISSUE, ISSUE.replace("</", '<portal:input name="x" value="1"/></'), "issue", "不认识输入“x”"),
    ("review.bpmn", ISSUE, ISSUE.replace('"decision"', '"gone"'), "issue", "没有名为“gone”的文书"),
    ("review.bpmn", ISSUE, ISSUE.replace('"decision"', '"=check.result"'), "issue", "应当直接写出"),
    ("review.bpmn", FILED, FILED.replace("review_filed", "gone"), "tell_filed", "没有等待消息“gone”"),
    ("review.bpmn", FILED, FILED.replace("review_filed", "served"), "tell_filed", "“served”由平台发出，不能由案件发出"),
    ("review.bpmn", TELL, TELL.replace("result", "outcome"), "tell_changed", "没有带对方要用的“result”"),
    ("review.bpmn", REVERSE, REVERSE.replace("about", "start"), "reverse", "只能是 about"),
    ("review.bpmn", UNDO, CHECK + REVERSE.replace("about", "start"), "reverse", "只能是 about"),
    ("review.bpmn", UNDO, CHECK + REVERSE.replace("about", "=about"), "reverse", "应当直接写出"),
    ("record.bpmn", POST_KIND, "", "post", "缺少输入“kind”"),
    ("record.bpmn", POST_KIND, POST_KIND + '<portal:input name="colour" value="1"/>', "post", "“colour”不是资产"),
    ("record.bpmn", '"allowance"', '"gone"', "post", "没有名为“gone”的资产"),
    ("record.bpmn", '"=start.amount"', '"100"', "post", "“amount”应当是表达式"),
    ("record.bpmn", '"=start.amount"', '"=start.unit"', "post", "“amount”不是数字"),
    ("record.bpmn", '"=party.uscc"', '"party.uscc"', "post", "“to”应当是表达式"),
    ("record.bpmn", '"=party.uscc"', '"=party.code"', "post", "“party”没有“code”"),
    ("grant.bpmn", TO_NOTICE, TO_NOTICE.replace('"notice"', '"gone"'), "start_notice", "没有名为“gone”的事项"),
    ("grant.bpmn", UNIT, "", "start_notice", "缺少输入“unit”"),
    ("grant.bpmn", UNIT, UNIT + '<portal:input name="colour" value="1"/>', "start_notice", "“colour”不是事项"),
    ("grant.bpmn", UNIT, UNIT.replace("=draft.unit", "=draft."), "start_notice", "输入“unit”：第 1 行"),
]


@pytest.mark.parametrize(("name", "old", "new", "element", "what"), ACTIONS)
def test_service_tasks_do_what_there_is_with_what_exists(name, old, new, element, what):
    expect_one_when(name, old, new, element, what)


def test_a_case_is_started_only_by_those_it_lets_start_it():
    found = faults(broken("notice.toml", 'cases = ["grant"]', 'cases = ["review"]'))
    assert [(f.element, "没有写可由“grant”启动" in f.what) for f in found] == [("start_notice", True)]


def test_a_message_to_about_wants_an_about():
    old = '<bpmn:endEvent id="done"'
    tell = (
        '<bpmn:serviceTask id="tell"><bpmn:extensionElements><portal:action name="cases.message">'
        '<portal:input name="to" value="about"/><portal:input name="message" value="x"/></portal:action>'
        "</bpmn:extensionElements></bpmn:serviceTask>"
    )
    content = broken("grant.bpmn", old, tell + old)
    text = content.files["bpmn/demo/grant/process.bpmn"].decode()
    text = text.replace('sourceRef="start_notice" targetRef="done"', 'sourceRef="start_notice" targetRef="tell"')
    text = text.replace(
        "</bpmn:process>", '<bpmn:sequenceFlow id="f5" sourceRef="tell" targetRef="done"/></bpmn:process>'
    )
    files = {**content.files, "bpmn/demo/grant/process.bpmn": text.encode()}
    found = faults(type(content)("demo", files))
    assert [(f.element, f.what) for f in found] == [("tell", "本事项没有写 about，没有关联的案件")]


RETURNED = '=sign.result = "退回"'
REPLACED = '=review_concluded.result = "变更"'
AGREED = '=sign.result = "签发"'
CONDITIONS = [
    ("grant.bpmn", AGREED, 'sign.result = "签发"', "agreed", "应当以等号开头"),
    ("grant.bpmn", AGREED, "=sign.result = ", "agreed", "列有误"),
    ("grant.bpmn", AGREED, '=signed.result = "签发"', "agreed", "“signed”处没有可读的内容"),
    ("grant.bpmn", AGREED, '=sgn.result = "签发"', "agreed", "不认识的名称“sgn”"),
    ("grant.bpmn", AGREED, '=sign.resul = "签发"', "agreed", "没有“resul”这一项"),
    ("grant.bpmn", AGREED, '=sign.result.x = "签发"', "agreed", "“sign.result”是文字，没有“x”"),
    ("grant.bpmn", AGREED, '=sign.result = "签发了"', "agreed", "“sign.result”不会是“签发了”"),
    ("grant.bpmn", AGREED, '="签发了" != sign.result', "agreed", "不会是“签发了”"),
    ("grant.bpmn", AGREED, '=sign.result in ("签发", "签")', "agreed", "不会是“签”"),
    ("grant.bpmn", AGREED, '=sign.result in ["签"]', "agreed", "不会是“签”"),
    ("grant.bpmn", AGREED, "=draft.amount", "agreed", "结果不是“是”或“否”"),
    ("grant.bpmn", AGREED, "=draft.amount + 1", "agreed", "结果不是“是”或“否”"),
    ("grant.bpmn", AGREED, "=visits(start) = 0", "agreed", "visits 只数人员任务"),
    ("grant.bpmn", AGREED, "=visits(gone) = 0", "agreed", "“gone”不是图中的元素"),
    ("grant.bpmn", AGREED, "=visit(draft) = 0", "agreed", "有误"),
    ("grant.bpmn", AGREED, "=about.start.amount = 1", "agreed", "没有写 about"),
    ("grant.bpmn", AGREED, "=start.amount = 1", "agreed", "“start”处没有可读的内容"),
    ("grant.bpmn", AGREED, "=deadlines.gone.due = null", "agreed", "没有名为“gone”的期限"),
    ("grant.bpmn", AGREED, "=documents.gone.number = null", "agreed", "没有名为“gone”的文书"),
    ("grant.bpmn", AGREED, "=facts.gone", "agreed", "没有名为“gone”的事实"),
    ("grant.bpmn", AGREED, "=with.gone = null", "agreed", "没有名为“gone”的参数"),
    ("grant.bpmn", AGREED, "=case.gone = null", "agreed", "“case”没有“gone”"),
    ("grant.bpmn", AGREED, "=start_notice.nr = null", "agreed", "“start_notice”没有“nr”"),
    ("grant.bpmn", AGREED, '=case.outcome = "没有"', "agreed", "“case.outcome”不会是“没有”"),
    ("review.bpmn", RETURNED, '=about.start.amont = 1', "returned", "没有“amont”这一项"),
    ("review.bpmn", RETURNED, '=about.gone = 1', "returned", "关联事项“notice”中：不认识的名称“gone”"),
    ("review.bpmn", RETURNED, '=deadlines.decision.state = "over"', "returned", "不会是“over”"),
    ("review.bpmn", RETURNED, "=check.day.hour = 1", "returned", "“check.day”是日期，没有“hour”"),
    ("review.bpmn", RETURNED, '=withdrawal.outcome = "撤了"', "returned", "不会是“撤了”"),
    ("review.bpmn", WHILE, 'while="=sgn.result = 1"', "withdraw", "消息的 while"),
    ("period.bpmn", REPLACED, '=review_concluded.result = "改变"', "changed", "不会是“改变”"),
    ("period.bpmn", REPLACED, '=review_concluded.reslt = "变更"', "changed", "没有带“reslt”"),
    ("period.bpmn", REPLACED, '=record.outcome = "没登"', "changed", "不会是“没登”"),
    ("period.bpmn", REPLACED, "=posted.x = 1", "changed", "不认识的名称“posted”"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "element", "what"), CONDITIONS)
def test_expressions_speak_of_what_is_there(name, old, new, element, what):
    expect_one_when(name, old, new.replace("<", "&lt;"), element, what)


SOUND = [
    ("grant.bpmn", AGREED, "=case.filed_at.year = 2026"),
    ("grant.bpmn", AGREED, "=draft.amount &gt; 100 and visits(draft) &lt; 3"),
    ("review.bpmn", RETURNED, '=about.review_concluded.result = "变更"'),
    ("review.bpmn", RETURNED, "=facts.in_time"),
    ("review.bpmn", RETURNED, "=check.day.month = 1 and documents.decision.served_at = null"),
    ("review.bpmn", RETURNED, '=about.record.outcome = "已登记" and about.with.subject = "配额"'),
    (
        "period.bpmn",
        '=review_concluded.result = "变更"',
        '=record.outcome = "已登记" and deadlines.objection.state = "met"',
    ),
]


@pytest.mark.parametrize(("name", "old", "new"), SOUND)
def test_sound_expressions_are_left_alone(name, old, new):
    assert faults(broken(name, old, new)) == []


def test_a_called_diagram_sees_its_callers_elements():
    # record.bpmn asks for `start.amount`, which is the notice's; its own start has no form.
    found = faults(broken("record.bpmn", "=start.amount", "=start.amont"))
    assert [f.element for f in found] == ["post"]
    assert found[0].what.endswith("（用于“notice”）")
