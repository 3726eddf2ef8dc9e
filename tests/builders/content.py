"""A small regulation whose content is whole: a grant starts a notice, a review is about the notice.

Tests break one thing in it: `broken(file, old, new)`. Paths are short: `notice.toml`, `form/check`, …
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache

from portal.procedures import Content
from tests.builders.letters import plain

REGULATION = "demo"
FILES: Mapping[str, str] = {
    "regulation.toml": "bpmn/demo/regulation.toml",
    "grant.toml": "bpmn/demo/grant/procedure.toml",
    "grant.bpmn": "bpmn/demo/grant/process.bpmn",
    "notice.toml": "bpmn/demo/notice/procedure.toml",
    "period.toml": "bpmn/_shared/period/shared.toml",
    "period.bpmn": "bpmn/_shared/period/process.bpmn",
    "record.bpmn": "bpmn/demo/_shared/record/process.bpmn",
    "review.toml": "bpmn/demo/review/procedure.toml",
    "review.bpmn": "bpmn/demo/review/process.bpmn",
    "form/draft": "forms/demo/grant/draft.json",
    "form/sign": "forms/_shared/sign.json",
    "form/notice": "forms/demo/notice/notice.json",
    "form/application": "forms/demo/review/application.json",
    "form/check": "forms/demo/review/check.json",
    "form/withdraw": "forms/_shared/withdraw.json",
    "letter/notice": "documents/demo/notice/notice.docx",
    "letter/decision": "documents/demo/review/decision.docx",
}

_TEXTS: dict[str, str] = {}
_TEXTS["regulation.toml"] = """
title    = "示范办法"
number   = "示〔2023〕1号"
code     = "DEMO"
in_force = 2023-02-20

[bodies]
bureau   = "示范局"
registry = "登记机构"

[roles]
unit     = { title = "单位", applicant = ["enterprise"] }
handler  = { title = "承办人", body = "bureau" }
leader   = { title = "局领导", body = "bureau" }

[laws]
licensing = "行政许可法"

[articles]
"1"    = { none = "purpose" }
"11.1" = "the bureau determines and notifies"
"11.2" = "review within 7 working days"

[assets.allowance]
title       = "配额"
unit        = "t"
integer     = true
distinguish = ["year", "kind"]
"""
_TEXTS["grant.toml"] = """
title      = "核定"
starts     = [ { role = "handler" } ]
number     = "示核案〔{year}〕{seq}号"
searchable = ["draft.unit", "draft.amount"]
separation = [ ["draft", "sign"] ]
"""
_TEXTS["notice.toml"] = """
title   = "通知"
starts  = { cases = ["grant"], party = "start.unit" }
diagram = "period"
number  = "示通案〔{year}〕{seq}号"
basis   = { notice = "11.1", objection = "11.2" }
with    = { subject = "配额", record = "record" }

[documents.notice]
title    = "通知书"
template = "notice.docx"
number   = "示通〔{year}〕{seq}号"
copy     = ["registry"]
"""
_TEXTS["period.toml"] = """
[with]
subject = "text"
record  = "diagram"

[deadlines.objection]
title  = "提出异议"
kind   = "right"
after  = "served(notice)"
within = "7 working days"

[documents.notice]
serve   = ["party"]
receipt = "handler"
"""
_TEXTS["review.toml"] = """
title      = "复核"
starts     = [ { role = "unit" } ]
about      = { procedure = "notice", by = "addressee", times = "one decided", until = "objection" }
number     = "示复案〔{year}〕{seq}号"
basis      = { decision = "11.2", check = "licensing:12", in_time = "11.2" }
roles      = { examiner = "handler" }
searchable = ["start.claimed"]
separation = [ ["check", "sign"], ["check", "grant:draft"] ]

[facts.in_time]
title = "在期限内提出"
is    = "about.deadlines.objection.due = null or case.filed_at < about.deadlines.objection.due"

[deadlines.decision]
title  = "作出复核决定"
kind   = "duty"
after  = "filed"
within = "10 working days"
met    = ["issued(decision)", "done(sign)"]

[deadlines.correction]
title   = "补正材料"
kind    = "right"
after   = "entered(correct)"
within  = "3 working days"
assumed = "文本未规定"

[documents.decision]
title    = "复核决定书"
template = "decision.docx"
number   = "示复〔{year}〕{seq}号"
serve    = ["party"]

[materials.evidence]
title  = "证明材料"
accept = ["pdf"]
"""


def _bpmn(name: str, messages: str, *lines: str) -> str:
    """A diagram, one element to a line."""
    defined = "".join(f'<bpmn:message id="m_{m}" name="{m}"/>' for m in messages.split())
    inside = "\n".join(line.strip() for text in lines for line in text.strip().splitlines())
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
        'xmlns:portal="https://portal.example/bpmn/1.0" id="definitions" targetNamespace="https://portal.example">\n'
        f'{defined}\n<bpmn:process id="process" name="{name}" isExecutable="true">\n'
        f"{_extended(inside)}\n</bpmn:process>\n</bpmn:definitions>\n"
    )


def _extended(text: str) -> str:
    """`[…]` stands for extension elements, `basis=…` in it for an article."""
    return text.replace("[", "<bpmn:extensionElements>").replace("]", "</bpmn:extensionElements>")


def _flow(key: str, source: str, target: str, condition: str = "") -> str:
    text = f"<bpmn:conditionExpression>{condition}</bpmn:conditionExpression>" if condition else ""
    return f'<bpmn:sequenceFlow id="{key}" sourceRef="{source}" targetRef="{target}">{text}</bpmn:sequenceFlow>'


def _timer(deadline: str) -> str:
    date = f'<bpmn:timeDate>=deadline("{deadline}")</bpmn:timeDate>'
    return f"<bpmn:timerEventDefinition>{date}</bpmn:timerEventDefinition>"


def _message(name: str) -> str:
    return f'<bpmn:messageEventDefinition messageRef="m_{name}"/>'


def _action(name: str, **inputs: str) -> str:
    given = "".join(f'<portal:input name="{key}" value="{value}"/>' for key, value in inputs.items())
    return f'<portal:action name="{name}">{given}</portal:action>'


_TEXTS["grant.bpmn"] = _bpmn(
    "核定",
    "",
    """<bpmn:laneSet id="lanes">
    <bpmn:lane id="lane_handler" name="承办人"><bpmn:flowNodeRef>draft</bpmn:flowNodeRef></bpmn:lane>
    <bpmn:lane id="lane_leader" name="局领导"><bpmn:flowNodeRef>sign</bpmn:flowNodeRef></bpmn:lane>
    </bpmn:laneSet>
    <bpmn:startEvent id="start" name="开始"/>
    <bpmn:userTask id="draft" name="拟定">[<portal:task role="handler" form="draft"/><portal:basis ref="11.1"/>]</bpmn:userTask>
    <bpmn:userTask id="sign" name="签批">[<portal:task role="leader" form="sign"/><portal:basis ref="11.1"/>]</bpmn:userTask>
    <bpmn:exclusiveGateway id="signed" default="returned"/>""",
    '<bpmn:serviceTask id="start_notice" name="启动通知">['
    + _action("cases.start", procedure="notice", unit="=draft.unit", year="=draft.year", amount="=draft.amount")
    + "]</bpmn:serviceTask>",
    """<bpmn:endEvent id="done" name="已启动">[<portal:basis ref="11.1"/>]</bpmn:endEvent>""",
    _flow("f1", "start", "draft"),
    _flow("f2", "draft", "sign"),
    _flow("f3", "sign", "signed"),
    _flow("agreed", "signed", "start_notice", '=sign.result = "签发"'),
    _flow("returned", "signed", "draft"),
    _flow("f4", "start_notice", "done"),
)
_TEXTS["period.bpmn"] = _bpmn(
    "通知与异议期",
    "served review_filed review_concluded",
    """<bpmn:startEvent id="start" name="作出通知">[<portal:start form="notice"/><portal:basis ref="@notice"/>]</bpmn:startEvent>
    <bpmn:serviceTask id="issue_notice" name="制发">["""
    + _action("documents.issue", document="notice")
    + """]</bpmn:serviceTask>
    <bpmn:callActivity id="record" name="登记">[<portal:call diagram="@record"/>]</bpmn:callActivity>
    <bpmn:intermediateCatchEvent id="served" name="等待送达">[<portal:message document="notice"/>]"""
    + _message("served")
    + """</bpmn:intermediateCatchEvent>
    <bpmn:eventBasedGateway id="period" name="异议期">[<portal:status text="异议期内"/>]</bpmn:eventBasedGateway>
    <bpmn:intermediateCatchEvent id="over" name="期满">"""
    + _timer("objection")
    + """</bpmn:intermediateCatchEvent>
    <bpmn:intermediateCatchEvent id="review_filed" name="收到申请">"""
    + _message("review_filed")
    + """</bpmn:intermediateCatchEvent>
    <bpmn:intermediateCatchEvent id="review_concluded" name="等待结果">"""
    + _message("review_concluded")
    + """</bpmn:intermediateCatchEvent>
    <bpmn:exclusiveGateway id="concluded"/>
    <bpmn:endEvent id="final" name="已生效">[<portal:basis ref="@objection"/>]</bpmn:endEvent>
    <bpmn:endEvent id="replaced" name="已被取代">[<portal:basis ref="@objection"/>]</bpmn:endEvent>""",
    _flow("f1", "start", "issue_notice"),
    _flow("f2", "issue_notice", "record"),
    _flow("f3", "record", "served"),
    _flow("f4", "served", "period"),
    _flow("f5", "period", "over"),
    _flow("f6", "period", "review_filed"),
    _flow("f7", "over", "final"),
    _flow("f8", "review_filed", "review_concluded"),
    _flow("f9", "review_concluded", "concluded"),
    _flow("kept", "concluded", "final", '=review_concluded.result in ("维持", "已撤回")'),
    _flow("changed", "concluded", "replaced", '=review_concluded.result = "变更"'),
)
_TEXTS["record.bpmn"] = _bpmn(
    "登记",
    "",
    """<bpmn:startEvent id="start" name="登记"/>
    <bpmn:serviceTask id="post" name="入账">["""
    + _action(
        "ledger.post", asset="allowance", to="=party.uscc", amount="=start.amount", year="=start.year", kind="免费"
    )
    + """<portal:basis ref="11.1"/>]</bpmn:serviceTask>
    <bpmn:endEvent id="posted" name="已登记">[<portal:basis ref="11.1"/>]</bpmn:endEvent>""",
    _flow("f1", "start", "post"),
    _flow("f2", "post", "posted"),
)
_TEXTS["review.bpmn"] = _bpmn(
    "复核",
    "withdraw",
    """<bpmn:startEvent id="start" name="申请">[<portal:start form="application"/>]</bpmn:startEvent>
    <bpmn:serviceTask id="tell_filed" name="告知">["""
    + _action("cases.message", to="about", message="review_filed")
    + """]</bpmn:serviceTask>
    <bpmn:userTask id="check" name="审查">[<portal:task role="examiner" form="check" deadline="decision"/><portal:basis ref="@check"/>]</bpmn:userTask>
    <bpmn:exclusiveGateway id="checked"/>
    <bpmn:userTask id="correct" name="补正">[<portal:task role="party" form="application" deadline="correction" revises="start"/>]</bpmn:userTask>
    <bpmn:boundaryEvent id="correction_over" name="补正期满" attachedToRef="correct">"""
    + _timer("correction")
    + """</bpmn:boundaryEvent>
    <bpmn:userTask id="sign" name="签批">[<portal:task role="leader" form="sign"/><portal:basis ref="@decision"/>]</bpmn:userTask>
    <bpmn:exclusiveGateway id="signed"/>
    <bpmn:serviceTask id="issue" name="制发">["""
    + _action("documents.issue", document="decision")
    + """]</bpmn:serviceTask>
    <bpmn:exclusiveGateway id="decided"/>
    <bpmn:serviceTask id="tell_kept" name="告知维持">["""
    + _action("cases.message", to="about", message="review_concluded", result="维持")
    + """]</bpmn:serviceTask>
    <bpmn:endEvent id="kept" name="维持">[<portal:basis ref="@decision"/>]</bpmn:endEvent>
    <bpmn:serviceTask id="reverse" name="冲销">["""
    + _action("ledger.reverse", case="about")
    + """<portal:basis ref="@decision"/>]</bpmn:serviceTask>
    <bpmn:serviceTask id="tell_changed" name="告知变更">["""
    + _action("cases.message", to="about", message="review_concluded", result="变更")
    + """]</bpmn:serviceTask>
    <bpmn:endEvent id="changed" name="变更">[<portal:outcome replaces="about" as="已被取代"/><portal:basis ref="@decision"/>]</bpmn:endEvent>""",
    _flow("f1", "start", "tell_filed"),
    _flow("f2", "tell_filed", "check"),
    _flow("f3", "check", "checked"),
    _flow("to_correct", "checked", "correct", '=check.result = "补正" and visits(correct) = 0'),
    _flow("to_sign", "checked", "sign", '=check.result in ("维持", "变更") or visits(correct) &gt; 0'),
    _flow("f4", "correct", "check"),
    _flow("f5", "correction_over", "check"),
    _flow("f6", "sign", "signed"),
    _flow("agreed", "signed", "issue", '=sign.result = "签发"'),
    _flow("returned", "signed", "check", '=sign.result = "退回"'),
    _flow("f7", "issue", "decided"),
    _flow("to_kept", "decided", "tell_kept", '=check.result != "变更"'),
    _flow("to_changed", "decided", "reverse", '=check.result = "变更"'),
    _flow("f8", "tell_kept", "kept"),
    _flow("f9", "reverse", "tell_changed"),
    _flow("f10", "tell_changed", "changed"),
    """<bpmn:subProcess id="withdrawal" name="撤回" triggeredByEvent="true">
    <bpmn:startEvent id="withdraw" name="撤回">[<portal:message role="party" form="withdraw" while="=sign.result != &quot;签发&quot;" otherwise="已经签发，不能撤回。"/>]"""
    + _message("withdraw")
    + """</bpmn:startEvent>
    <bpmn:serviceTask id="tell_withdrawn" name="告知撤回">["""
    + _action("cases.message", to="about", message="review_concluded", result="已撤回")
    + """]</bpmn:serviceTask>
    <bpmn:endEvent id="withdrawn" name="已撤回">[<portal:outcome again="true"/><portal:basis ref="@decision"/>]</bpmn:endEvent>""",
    _flow("f11", "withdraw", "tell_withdrawn"),
    _flow("f12", "tell_withdrawn", "withdrawn"),
    "</bpmn:subProcess>",
)


def _field(type_: str, key: str, label: str, **more: object) -> dict[str, object]:
    return {"type": type_, "key": key, "label": label, **more}


def _choice(key: str, label: str, *values: str) -> dict[str, object]:
    return _field("radio", key, label, values=[{"label": value, "value": value} for value in values])


_UNIT = [
    _field("textfield", "unit", "单位", properties={"kind": "party"}, validate={"required": True}),
    _field("number", "year", "年度", properties={"kind": "year"}, validate={"required": True}),
    _field("number", "amount", "数量", properties={"kind": "amount"}, validate={"required": True}),
]
_FORMS: Mapping[str, list[dict[str, object]]] = {
    "draft": _UNIT,
    "notice": _UNIT,
    "sign": [
        _choice("result", "签批意见", "签发", "退回"),
        _field("textarea", "opinion", "意见", conditional={"hide": '=result != "退回"'}),
    ],
    "application": [
        {"type": "text", "text": "对 {{ about.documents.notice.number }} 申请复核。"},
        _field("number", "claimed", "主张的数量", properties={"kind": "amount"}),
        _field("filepicker", "evidence", "证明材料", multiple=True),
    ],
    "check": [
        _choice("result", "结论", "补正", "维持", "变更"),
        _field("textarea", "reasons", "理由", description="申请人主张 {{ start.claimed }}"),
        _field("datetime", "day", "日期", subtype="date"),
    ],
    "withdraw": [_field("textarea", "reason", "原因")],
}
for _name, _components in _FORMS.items():
    _TEXTS[f"form/{_name}"] = json.dumps(
        {"type": "default", "id": _name, "components": _components}, ensure_ascii=False, indent=1
    )

_LETTERS = {
    "letter/notice": (
        "{{ number }} {{ party.name }}：{{ start.year }}年 {{ start.amount | tonnes }}，{{ issued_at | day }}",
        "{% for copy in copies %}{{ copy.name }}{% endfor %} {{ verification.code }} {{ with.subject }}",
    ),
    "letter/decision": (
        "{{ documents.decision.number }} {{ case.filed_at | day }} {{ about.start.amount | tonnes }} {{ check.reasons }}",
    ),
}


@cache
def _bytes() -> Mapping[str, bytes]:
    texts = {FILES[name]: text.lstrip("\n").encode() for name, text in _TEXTS.items()}
    return texts | {FILES[name]: plain(*lines) for name, lines in _LETTERS.items()}


def small() -> Content:
    """The whole content, without a fault."""
    return Content(REGULATION, _bytes())


def broken(name: str, old: str, new: str) -> Content:
    """The content with one text replaced in one file, where it stands exactly once."""
    text = _bytes()[FILES[name]].decode()
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
    return changed(**{name: text.replace(old, new).encode()})


def changed(**files: bytes | None) -> Content:
    """The content with some files replaced, or left out (None)."""
    named = {FILES.get(name, name): data for name, data in files.items()}
    kept = {**_bytes(), **named}
    return Content(REGULATION, {path: data for path, data in kept.items() if data is not None})


def letter(name: str, *lines: str) -> Content:
    """The content with other lines in a letter."""
    return changed(**{f"letter/{name}": plain(*lines)})
