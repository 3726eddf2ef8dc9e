"""A made-up regulation in which plans are shown to everybody for seven working days, and anybody may object.

`plan`: filed by a unit, shown, confirmed by an officer; `objection`: filed in public while the plan is shown, answered
by a letter; upheld it closes the publicity during which it was filed, if that is open, and sends the plan back.
"""

from __future__ import annotations

import json

from portal.procedures.content import Content
from tests.builders.diagrams import element, flow
from tests.builders.letters import plain
from tests.builders.procedures import REGULATION, Small, content, does, end, over, procedure, start, task, waits

PLAN_FORM = [
    {"type": "textfield", "key": "title", "label": "方案名称", "validate": {"required": True}},
    {"type": "textarea", "key": "summary", "label": "主要内容"},
    {"type": "textfield", "key": "phone", "label": "联系电话"},
    {"type": "filepicker", "key": "text", "label": "方案文本", "multiple": True},
]
OBJECTION_FORM = [
    {"type": "textfield", "key": "name", "label": "姓名或名称", "validate": {"required": True, "minLength": 2}},
    {
        "type": "radio", "key": "kind", "label": "您是", "validate": {"required": True},
        "values": [{"label": text, "value": text} for text in ("个人", "单位")],
    },
    {
        "type": "textfield", "key": "id_number", "label": "居民身份号码", "properties": {"kind": "identity"},
        "validate": {"required": True}, "conditional": {"hide": '=kind != "个人"'},
    },
    {
        "type": "textfield", "key": "uscc", "label": "统一社会信用代码", "properties": {"kind": "uscc"},
        "validate": {"required": True}, "conditional": {"hide": '=kind != "单位"'},
    },
    {
        "type": "textfield", "key": "phone", "label": "联系电话",
        "validate": {"required": True, "validationType": "phone"},
    },
    {"type": "textfield", "key": "address", "label": "邮寄地址"},
    {"type": "textarea", "key": "objection", "label": "异议", "validate": {"required": True}},
    {"type": "filepicker", "key": "evidence", "label": "证明材料", "multiple": True},
]  # fmt: skip
JUDGED_FORM = [
    {
        "type": "radio", "key": "result", "label": "核实结果", "validate": {"required": True},
        "values": [{"label": text, "value": text} for text in ("成立", "不成立")],
    },
    {"type": "textarea", "key": "reasons", "label": "理由", "validate": {"required": True}},
]  # fmt: skip

PLAN_MANIFEST = """
searchable = ["start.title"]

[publicity.notice]
title      = "{{ start.title }} 公示"
kind       = "方案公示"
deadline   = "shown"
shows      = ["start.title", "start.summary", "party.name"]
materials  = ["text"]
objections = "objection"
assumed    = "文本没有规定，照通常做法"
floor      = { length = "5 working days", assumed = "通常做法" }

[deadlines.shown]
title   = "公示"
kind    = "minimum"
after   = "opened(notice)"
length  = "7 working days"
assumed = "文本没有规定，照通常做法"
pauses  = [ { while = "cases(objection)" } ]

[materials.text]
title  = "方案文本"
accept = ["pdf"]
max    = 3
"""
OBJECTION_MANIFEST = """
starts     = [
  { public = true, name = "start.name", code = ["start.id_number", "start.uscc"], address = "start.address" },
]
about      = { procedure = "plan", by = "anyone", times = "any", during = "notice" }
searchable = ["start.name"]
shares     = ["start.objection"]

[deadlines.answer]
title   = "答复异议"
kind    = "duty"
after   = "filed"
within  = "10 working days"
met     = "issued(answer)"
assumed = "通常做法"

[documents.answer]
title    = "异议核实意见"
template = "answer.docx"
number   = "小异〔{year}〕{seq}号"
serve    = ["filer"]
receipt  = "officer"

[materials.evidence]
title  = "证明材料"
accept = ["pdf", "jpg"]
size   = "5 MB"
max    = 2
"""


def plan(manifest: str = PLAN_MANIFEST, *, again: bool = False) -> Small:
    """The procedure of plans; `again`: what was sent back is revised and shown again."""
    after = [flow("revise", "publish")] if again else [end("returned", "退回"), flow("revise", "returned")]
    return procedure(
        start("plan"),
        does("publish", "publicity.open", publicity="notice"),
        element("eventBasedGateway", "shown", name="公示中"),
        over("over", "shown"),
        waits("upheld", "objection_upheld"),
        task("confirm", form="note"),
        does("unopposed", "publicity.close", publicity="notice", result="公示期满，没有成立的异议"),
        end("agreed", "同意"),
        does("opposed", "publicity.close", publicity="notice", result="=upheld.result"),
        task("revise", role="party", form="plan", revises="start"),
        flow("start", "publish"),
        flow("publish", "shown"),
        flow("shown", "over"),
        flow("shown", "upheld"),
        flow("over", "confirm"),
        flow("confirm", "unopposed"),
        flow("unopposed", "agreed"),
        flow("upheld", "opposed"),
        flow("opposed", "revise"),
        *after,
        manifest=manifest,
    )


def objection(manifest: str = OBJECTION_MANIFEST) -> Small:
    """The procedure of objections."""
    return procedure(
        start("objection"),
        task("judge", form="judged"),
        does("issue", "documents.issue", document="answer"),
        element("exclusiveGateway", "judged", default="judged-rejected"),
        does("tell", "cases.message", to="about", message="objection_upheld", result="异议成立，退回修改"),
        end("accepted", "异议成立"),
        end("rejected", "异议不成立"),
        flow("start", "judge"),
        flow("judge", "issue"),
        flow("issue", "judged"),
        flow("judged", "tell", '=judge.result = "成立" and publication.closed_at = null'),
        flow("judged", "accepted", '=judge.result = "成立" and publication.closed_at != null'),
        flow("judged", "rejected"),
        flow("tell", "accepted"),
        manifest=manifest,
    )


def regulation(
    plan_manifest: str = PLAN_MANIFEST, objection_manifest: str = OBJECTION_MANIFEST, *, again: bool = False
) -> Content:
    """The whole content; its officer is `officer`, its applicants are of the role `unit`."""
    whole = content(plan=plan(plan_manifest, again=again), objection=objection(objection_manifest))
    home = f"forms/{REGULATION}"
    forms = {
        f"{home}/plan/plan.json": ("plan", PLAN_FORM),
        f"{home}/objection/objection.json": ("objection", OBJECTION_FORM),
        f"{home}/objection/judged.json": ("judged", JUDGED_FORM),
    }
    files = {
        path: json.dumps({"type": "default", "id": name, "components": fields}, ensure_ascii=False).encode()
        for path, (name, fields) in forms.items()
    }
    letter = plain("{{ party.name }}（{{ start.id_number }}）：{{ judge.result }}。{{ judge.reasons }}")
    return Content(REGULATION, {**whole.files, **files, f"documents/{REGULATION}/objection/answer.docx": letter})
