"""A procedure whose application is corrected item by item, in a called diagram: content that `portal check` accepts.

`check` asks, `correct` answers, `recheck` judges; what is refused goes round again. `unit` files, `officer` checks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache

from portal.procedures.content import Content
from tests.builders.diagrams import diagram, element, flow, path
from tests.builders.letters import plain
from tests.builders.planes import drawn

SLUG = "itemised"
HOME = f"bpmn/{SLUG}"
UNIT = "91500101MA5YKQ1X0C"


def _field(type_: str, key: str, label: str, *, required: bool = False, **more: object) -> dict[str, object]:
    return {"type": type_, "key": key, "label": label, "validate": {"required": required}, **more}


def _choice(key: str, label: str, *values: str, **more: object) -> dict[str, object]:
    options = [{"label": value, "value": value} for value in values]
    return _field("radio", key, label, required=True, values=options, **more)


def _items(part: str, **properties: str) -> dict[str, object]:
    said = {"kind": "corrections", "of": "start", "part": part, **properties}
    return {"type": "dynamiclist", "path": "items", "label": "补正事项", "properties": said}


APPLICATION = (
    _field("textfield", "name", "方案名称", required=True),
    _choice("kind", "类型", "新编", "修订"),
    _field("textfield", "earlier", "原方案编号", required=True, conditional={"hide": '=kind != "修订"'}),
    {
        "type": "group",
        "path": "contact",
        "label": "联系人",
        "components": [_field("textfield", "person", "姓名", required=True), _field("textfield", "phone", "电话")],
    },
    _field("number", "amount", "预计数量", properties={"refuse": "=amount > 100", "refusal": "数量最多 100"}),
    _field("filepicker", "text", "方案文本", required=True),
    {
        "type": "dynamiclist",
        "path": "partners",
        "label": "参与单位",
        "properties": {"kind": "table"},
        "components": [_field("textfield", "partner", "单位", required=True), _field("number", "share", "份额")],
    },
)
OPEN_ITEMS = '=if recheck.items = null then check.items else recheck.items[result = "仍需补正"]'
FORMS: Mapping[str, tuple[dict[str, object], ...]] = {
    "application": APPLICATION,
    "check": (
        _choice("result", "结论", "受理", "补正"),
        {**_items("ask"), "validate": {"required": True}, "conditional": {"hide": '=result != "补正"'}},
    ),
    "correct": (_items("answer", items=OPEN_ITEMS),),
    "recheck": (_items("judge", items="=correct.items"),),
}
ANSWERS: dict[str, object] = {
    "name": "旧名称",
    "kind": "新编",
    "contact": {"person": "张三"},
    "amount": "50",
    "partners": [{"partner": "甲厂", "share": "1"}],
}


def _said(name: str, **attributes: str) -> str:
    given = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<portal:{name}{given}/>"


def _node(kind: str, id: str, name: str, *said: str, inside: str = "") -> str:
    extensions = f"<bpmn:extensionElements>{''.join(said)}</bpmn:extensionElements>" if said else ""
    return element(kind, id, extensions + inside, name=name)


_BASIS = _said("basis", ref="1")


def _issue(id: str, document: str) -> str:
    told = f'<portal:action name="documents.issue"><portal:input name="document" value="{document}"/></portal:action>'
    return _node("serviceTask", id, "制发告知书", told, _BASIS)


INTAKE = diagram(
    _node("startEvent", "begun", "开始"),
    _node("userTask", "check", "形式审查", _said("task", role="officer", form="check"), _BASIS),
    element("exclusiveGateway", "checked", default="complete"),
    _issue("ask", "notice"),
    _node("userTask", "correct", "补正", _said("task", role="party", form="correct", revises="start"), _BASIS),
    _node("userTask", "recheck", "复核补正", _said("task", role="officer", form="recheck"), _BASIS),
    element("exclusiveGateway", "rechecked", default="again"),
    _issue("ask_again", "again"),
    _node("endEvent", "accepted", "受理", _BASIS),
    path("begun", "check", "checked"),
    flow("checked", "ask", '=check.result = "补正"'),
    flow("checked", "accepted", id="complete"),
    path("ask", "correct", "recheck", "rechecked"),
    flow("rechecked", "accepted", '=every item in recheck.items satisfies item.result = "接受"', id="all"),
    flow("rechecked", "ask_again", id="again"),
    path("ask_again", "correct"),
    process="intake",
)
FILING = diagram(
    _node("startEvent", "start", "申请", _said("start", form="application"), _BASIS),
    _node("callActivity", "intake", "受理审查", _said("call", diagram="intake")),
    _node("endEvent", "filed", "已受理", _BASIS),
    path("start", "intake", "filed"),
    process="filing",
)
PATHS = {
    "complete": """
title = "一次受理"
basis = "1"

[[step]]
at      = 2026-09-21T09:00:00
file    = "filing"
bind    = "filing"
as      = "unit/王"
answers = { name = "名称", kind = "新编", contact = { person = "张三" } }
files   = { text = ["方案.pdf"] }

[[step]]
at      = 2026-09-22T09:00:00
task    = "check"
as      = "officer/李"
answers = { result = "受理" }

[outcome]
outcomes = { filing = "已受理" }
""",
    "corrected": """
title = "补正两轮"
basis = "1"

[[step]]
at      = 2026-09-21T09:00:00
file    = "filing"
bind    = "filing"
as      = "unit/王"
answers = { name = "名称", kind = "新编", contact = { person = "张三" } }
files   = { text = ["方案.pdf"] }

[[step]]
at      = 2026-09-22T09:00:00
task    = "check"
as      = "officer/李"
answers = { result = "补正", items = [ { about = "name", ask = "写全称" }, { about = "text", ask = "签章" } ] }
expect.tasks = ["correct"]

[[step]]
at      = 2026-09-23T09:00:00
task    = "correct"
as      = "unit/王"
answers = { items = [ { no = 1, name = "某市某方案" }, { no = 2, note = "已签章" } ] }
files   = { text = ["签章.pdf"] }

[[step]]
at      = 2026-09-24T09:00:00
task    = "recheck"
as      = "officer/李"
answers = { items = [ { no = 1, result = "接受" }, { no = 2, result = "仍需补正", why = "缺骑缝章" } ] }
expect.tasks = ["correct"]

[[step]]
at      = 2026-09-25T09:00:00
task    = "correct"
as      = "unit/王"
answers = { items = [ { no = 1, name = "别的" }, { no = 2, note = "已盖" } ] }
expect  = { refused = "form", says = "第 1 项不在这次的补正事项中" }

[[step]]
at      = 2026-09-25T10:00:00
task    = "correct"
as      = "unit/王"
answers = { items = [ { no = 2, note = "已盖" } ] }
files   = { text = ["骑缝.pdf"] }

[[step]]
at      = 2026-09-28T09:00:00
task    = "recheck"
as      = "officer/李"
answers = { items = [ { no = 2, result = "接受" } ] }

[outcome]
outcomes  = { filing = "已受理" }
documents = { filing = ["notice", "again"] }
""",
}


def _letter(name: str, title: str) -> str:
    return f"""
[documents.{name}]
title    = "{title}"
template = "{name}.docx"
number   = "试{name}〔{{year}}〕{{seq}}号"
serve    = ["party"]
receipt  = "officer"
basis    = "1"
"""


_REGULATION = """
title    = "逐项补正办法"
number   = "试府发〔2026〕9号"
code     = "ITEM"
in_force = 2026-01-01

[bodies]
bureau = "某局"

[roles]
unit    = { title = "申请单位", applicant = ["enterprise"] }
officer = { title = "受理人员", body = "bureau" }

[articles]
"1" = "what is missing is asked for once, item by item"
"""
_MANIFEST = (
    """
title  = "方案备案"
starts = [ { role = "unit" } ]
number = "试备〔{year}〕{seq}号"

[materials.text]
title  = "方案文本"
accept = ["pdf", "docx"]
"""
    + _letter("notice", "补正告知书")
    + _letter("again", "再次补正告知书")
)
NOTICE = (
    "{{ number }} {{ party.name }}：",
    "{%p for item in check.items %}",
    "{{ item.no }}．{{ item.label }}：{{ item.ask }}",
    "{%p endfor %}",
)


@cache
def content() -> Content:
    """The whole content."""
    files = {
        f"{HOME}/regulation.toml": _REGULATION.encode(),
        f"{HOME}/given.toml": (
            f'[people]\n"王" = {{ org = "某申请单位", uscc = "{UNIT}", district = "万州区" }}\n'.encode()
        ),
        f"{HOME}/filing/procedure.toml": _MANIFEST.encode(),
        f"{HOME}/filing/process.bpmn": FILING,
        f"{HOME}/_shared/intake/process.bpmn": INTAKE,
        f"documents/{SLUG}/filing/notice.docx": plain(*NOTICE),
        f"documents/{SLUG}/filing/again.docx": plain(
            "{{ number }} {{ party.name }}：",
            "{%p for item in recheck.items %}",
            '{% if item.result == "仍需补正" %}{{ item.no }}．{{ item.label }}：{{ item.why }}{% endif %}',
            "{%p endfor %}",
        ),
    }
    for name, components in FORMS.items():
        form = {"type": "default", "id": name, "components": components}
        files[f"forms/{SLUG}/filing/{name}.json"] = json.dumps(form, ensure_ascii=False).encode()
    files |= {f"{HOME}/filing/paths/{name}.toml": text.encode() for name, text in PATHS.items()}
    return drawn(Content(SLUG, files))


def broken(file: str, old: str, new: str) -> Content:
    """The content with one thing in a file written otherwise."""
    files = dict(content().files)
    [name] = [name for name in files if name.endswith(f"/{file}")]
    text = files[name].decode()
    assert text.count(old) == 1, text
    return Content(SLUG, {**files, name: text.replace(old, new).encode()})


def with_letter(*lines: str) -> Content:
    """The content with another notice."""
    return Content(SLUG, {**content().files, f"documents/{SLUG}/filing/notice.docx": plain(*lines)})
