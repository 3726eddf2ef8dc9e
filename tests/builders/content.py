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
desk    = "leader"
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
    inside = "\n".join(lines)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
        'xmlns:portal="https://portal.example/bpmn/1.0" id="definitions" targetNamespace="https://portal.example">\n'
        f'{defined}\n<bpmn:process id="process" name="{name}" isExecutable="true">\n'
        f"{inside}\n</bpmn:process>\n</bpmn:definitions>\n"
    )


def _said(name: str, /, **attributes: str | None) -> str:
    given = "".join(f' {key.rstrip("_")}="{value}"' for key, value in attributes.items() if value is not None)
    return f"<portal:{name}{given}/>"


def _element(kind: str, key: str, name: str, /, *said: str, inside: str = "", basis: str = "", **more: str) -> str:
    given = "".join(f' {attribute}="{value}"' for attribute, value in more.items())
    extensions = "".join((*said, _said("basis", ref=basis) if basis else ""))
    if extensions:
        inside = f"<bpmn:extensionElements>{extensions}</bpmn:extensionElements>{inside}"
    return f'<bpmn:{kind} id="{key}" name="{name}"{given}>{inside}</bpmn:{kind}>'


def _user(key: str, name: str, role: str, form: str, basis: str = "", **more: str) -> str:
    return _element("userTask", key, name, _said("task", role=role, form=form, **more), basis=basis)


def _service(key: str, name: str, action: str, basis: str = "", /, **inputs: str) -> str:
    given = "".join(_said("input", name=input_, value=value) for input_, value in inputs.items())
    said = f'<portal:action name="{action}">{given}</portal:action>'
    return _element("serviceTask", key, name, said, basis=basis)


def _tell(key: str, told: str, /, **payload: str) -> str:
    return _service(key, "告知", "cases.message", to="about", message=told, **payload)


def _catch(key: str, name: str, message: str, *said: str) -> str:
    return _element("intermediateCatchEvent", key, name, *said, inside=_message(message))


def _end(key: str, name: str, basis: str, *said: str) -> str:
    return _element("endEvent", key, name, *said, basis=basis)


def _xor(key: str, default: str = "") -> str:
    return f'<bpmn:exclusiveGateway id="{key}"' + (f' default="{default}"/>' if default else "/>")


def _flow(key: str, source: str, target: str, condition: str = "") -> str:
    text = f"<bpmn:conditionExpression>{condition}</bpmn:conditionExpression>" if condition else ""
    return f'<bpmn:sequenceFlow id="{key}" sourceRef="{source}" targetRef="{target}">{text}</bpmn:sequenceFlow>'


def _timer(deadline: str) -> str:
    date = f'<bpmn:timeDate>=deadline("{deadline}")</bpmn:timeDate>'
    return f"<bpmn:timerEventDefinition>{date}</bpmn:timerEventDefinition>"


def _message(name: str) -> str:
    return f'<bpmn:messageEventDefinition messageRef="m_{name}"/>'


def _lane(name: str, node: str) -> str:
    return f'<bpmn:lane id="lane_{node}" name="{name}"><bpmn:flowNodeRef>{node}</bpmn:flowNodeRef></bpmn:lane>'


_TEXTS["grant.bpmn"] = _bpmn(
    "核定",
    "",
    '<bpmn:laneSet id="lanes">',
    _lane("承办人", "draft"),
    _lane("局领导", "sign"),
    "</bpmn:laneSet>",
    '<bpmn:startEvent id="start" name="开始"/>',
    _user("draft", "拟定", "handler", "draft", "11.1"),
    _user("sign", "签批", "leader", "sign", "11.1"),
    _xor("signed", "returned"),
    _service(
        "start_notice",
        "启动通知",
        "cases.start",
        procedure="notice",
        unit="=draft.unit",
        year="=draft.year",
        amount="=draft.amount",
    ),
    _end("done", "已启动", "11.1"),
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
    _element("startEvent", "start", "作出通知", _said("start", form="notice"), basis="@notice"),
    _service("issue_notice", "制发", "documents.issue", document="notice"),
    _element("callActivity", "record", "登记", _said("call", diagram="@record")),
    _catch("served", "等待送达", "served", _said("message", document="notice")),
    _element("eventBasedGateway", "period", "异议期", _said("status", text="异议期内")),
    _element("intermediateCatchEvent", "over", "期满", inside=_timer("objection")),
    _catch("review_filed", "收到申请", "review_filed"),
    _catch("review_concluded", "等待结果", "review_concluded"),
    _xor("concluded"),
    _end("final", "已生效", "@objection"),
    _end("replaced", "已被取代", "@objection"),
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
    '<bpmn:startEvent id="start" name="登记"/>',
    _service(
        "post",
        "入账",
        "ledger.post",
        "11.1",
        asset="allowance",
        to="=party.uscc",
        amount="=start.amount",
        year="=start.year",
        kind="免费",
    ),
    _end("posted", "已登记", "11.1"),
    _flow("f1", "start", "post"),
    _flow("f2", "post", "posted"),
)
_TEXTS["review.bpmn"] = _bpmn(
    "复核",
    "withdraw",
    _element("startEvent", "start", "申请", _said("start", form="application")),
    _tell("tell_filed", "review_filed"),
    _user("check", "审查", "examiner", "check", "@check", deadline="decision"),
    _xor("checked"),
    _user("correct", "补正", "party", "application", deadline="correction", revises="start"),
    _element("boundaryEvent", "correction_over", "补正期满", inside=_timer("correction"), attachedToRef="correct"),
    _user("sign", "签批", "leader", "sign", "@decision"),
    _xor("signed"),
    _service("issue", "制发", "documents.issue", document="decision"),
    _xor("decided"),
    _tell("tell_kept", "review_concluded", result="维持"),
    _end("kept", "维持", "@decision"),
    _service("reverse", "冲销", "ledger.reverse", "@decision", case="about"),
    _tell("tell_changed", "review_concluded", result="变更"),
    _end("changed", "变更", "@decision", _said("outcome", replaces="about", as_="已被取代")),
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
    '<bpmn:subProcess id="withdrawal" name="撤回" triggeredByEvent="true">',
    _element(
        "startEvent",
        "withdraw",
        "撤回",
        _said(
            "message",
            role="party",
            form="withdraw",
            while_="=sign.result != &quot;签发&quot;",
            otherwise="已经签发，不能撤回。",
        ),
        inside=_message("withdraw"),
    ),
    _tell("tell_withdrawn", "review_concluded", result="已撤回"),
    _end("withdrawn", "已撤回", "@decision", _said("outcome", again="true")),
    _flow("f11", "withdraw", "tell_withdrawn"),
    _flow("f12", "tell_withdrawn", "withdrawn"),
    "</bpmn:subProcess>",
)


def _field(type_: str, key: str, label: str, **more: object) -> dict[str, object]:
    return {"type": type_, "key": key, "label": label, **more}


def _choice(key: str, label: str, *values: str) -> dict[str, object]:
    options = [{"label": value, "value": value} for value in values]
    return _field("radio", key, label, validate={"required": True}, values=options)


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
        "{{ documents.decision.number }} {{ case.filed_at | day }}",
        "{{ about.start.amount | tonnes }} {{ check.reasons }}",
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
