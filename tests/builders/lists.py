"""The small content with a grant that determines many units at once and starts a notice for each of them."""

from __future__ import annotations

import json

from portal.procedures import Content
from tests.builders.content import changed

MANIFEST = """
title      = "核定"
starts     = [ { role = "handler" } ]
number     = "示核案〔{year}〕{seq}号"
separation = [ ["draft", "sign"] ]
"""
NOTICE = """
title    = "通知"
starts   = { cases = ["grant", "review"], party = "start.unit" }
diagram  = "period"
number   = "示通案〔{year}〕{seq}号"
basis    = { notice = "11.1", objection = "11.2" }
with     = { subject = "配额", record = "record" }
once_per = ["start.unit", "start.year"]

[documents.notice]
title    = "通知书"
template = "notice.docx"
number   = "示通〔{year}〕{seq}号"
copy     = ["registry"]
"""
FORM = {
    "type": "default",
    "id": "draft",
    "components": [
        {
            "type": "number",
            "key": "year",
            "label": "年度",
            "properties": {"kind": "year"},
            "validate": {"required": True},
        },
        {
            "type": "dynamiclist",
            "path": "units",
            "label": "各单位",
            "properties": {"kind": "table", "most": 2000},
            "components": [
                {"type": "textfield", "key": "unit", "label": "单位", "validate": {"required": True}},
                {"type": "number", "key": "amount", "label": "数量", "properties": {"kind": "amount"}},
                {"type": "textfield", "key": "remark", "label": "备注"},
            ],
        },
    ],
}
_GRANT = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
 xmlns:portal="https://portal.example/bpmn/1.0" id="definitions" targetNamespace="https://portal.example">
<bpmn:message id="m_all_ended" name="all_ended"/>
<bpmn:process id="process" name="核定" isExecutable="true">
<bpmn:startEvent id="start" name="开始"/>
<bpmn:userTask id="draft" name="拟定"><bpmn:extensionElements><portal:task role="handler" form="draft"/>
 <portal:basis ref="11.1"/></bpmn:extensionElements></bpmn:userTask>
<bpmn:userTask id="sign" name="签批"><bpmn:extensionElements><portal:task role="leader" form="sign"/>
 <portal:basis ref="11.1"/></bpmn:extensionElements></bpmn:userTask>
<bpmn:exclusiveGateway id="signed" default="returned"/>
<bpmn:serviceTask id="start_notices" name="逐个启动"><bpmn:extensionElements>
<portal:action name="cases.start_each"><portal:input name="procedure" value="notice"/>
 <portal:input name="each" value="=draft.units"/><portal:input name="year" value="=draft.year"/></portal:action>
</bpmn:extensionElements></bpmn:serviceTask>
<bpmn:intermediateCatchEvent id="all_ended" name="等待全部办结">
<bpmn:messageEventDefinition messageRef="m_all_ended"/></bpmn:intermediateCatchEvent>
<bpmn:endEvent id="done" name="全部办结"><bpmn:extensionElements><portal:basis ref="11.1"/>
</bpmn:extensionElements></bpmn:endEvent>
<bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="draft"/>
<bpmn:sequenceFlow id="f2" sourceRef="draft" targetRef="sign"/>
<bpmn:sequenceFlow id="f3" sourceRef="sign" targetRef="signed"/>
<bpmn:sequenceFlow id="agreed" sourceRef="signed" targetRef="start_notices">
<bpmn:conditionExpression>=sign.result = "签发"</bpmn:conditionExpression></bpmn:sequenceFlow>
<bpmn:sequenceFlow id="returned" sourceRef="signed" targetRef="draft"/>
<bpmn:sequenceFlow id="f4" sourceRef="start_notices" targetRef="all_ended"/>
<bpmn:sequenceFlow id="f5" sourceRef="all_ended" targetRef="done"/>
</bpmn:process></bpmn:definitions>
"""


def listed(grant: str = _GRANT, manifest: str = MANIFEST) -> Content:
    """The content without a fault, or with another diagram or manifest of the grant."""
    return changed(
        **{
            "grant.toml": manifest.encode(),
            "grant.bpmn": grant.encode(),
            "notice.toml": NOTICE.encode(),
            "form/draft": json.dumps(FORM, ensure_ascii=False).encode(),
        }
    )


def drawn(old: str, new: str) -> Content:
    """The content with one text of the grant's diagram replaced."""
    assert _GRANT.count(old) == 1, old
    return listed(_GRANT.replace(old, new))
