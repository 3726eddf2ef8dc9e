"""Small drawings as an analyst's editor would save them: parts of BPMN, put together into one file.

A flow's id is `source-target`; a message is named by its name and defined once per file. `diagram("a", ...)`
gives the bytes of the file; ids and names may hold Chinese.
"""

from __future__ import annotations

import re
from itertools import pairwise

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xmlns:portal="https://portal.example/bpmn/1.0" id="drawing" targetNamespace="https://portal.example">'
)


def diagram(*parts: str, process: str = "drawn", before: str = "", after: str = "") -> bytes:
    """A whole file; `before` and `after` stand beside the process (a collaboration, the DI part)."""
    inside = "\n".join(parts)
    names = sorted(set(re.findall(r'messageRef="m_([^"]+)"', inside)))
    messages = "".join(f'<bpmn:message id="m_{name}" name="{name}"/>' for name in names)
    return (
        f'{HEAD}\n{before}{messages}<bpmn:process id="{process}" isExecutable="true">\n{inside}\n'
        f"</bpmn:process>{after}</bpmn:definitions>"
    ).encode()


def element(kind: str, id: str, inside: str = "", **attributes: str) -> str:
    """Any BPMN element."""
    given = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f'<bpmn:{kind} id="{id}"{given}>{inside}</bpmn:{kind}>'


def start(id: str = "start") -> str:
    return element("startEvent", id)


def end(id: str = "end", *, terminate: bool = False) -> str:
    return element("endEvent", id, "<bpmn:terminateEventDefinition/>" if terminate else "")


def user(id: str, *, role: str = "handler") -> str:
    task = f'<bpmn:extensionElements><portal:task role="{role}" form="{id}"/></bpmn:extensionElements>'
    return element("userTask", id, task)


def service(id: str, *, action: str = "documents.issue") -> str:
    told = f'<bpmn:extensionElements><portal:action name="{action}"/></bpmn:extensionElements>'
    return element("serviceTask", id, told)


def call(id: str) -> str:
    named = f'<bpmn:extensionElements><portal:call diagram="{id}"/></bpmn:extensionElements>'
    return element("callActivity", id, named)


def message(name: str) -> str:
    return f'<bpmn:messageEventDefinition messageRef="m_{name}"/>'


def timer(deadline: str) -> str:
    date = f'<bpmn:timeDate xsi:type="bpmn:tFormalExpression">=deadline("{deadline}")</bpmn:timeDate>'
    return f"<bpmn:timerEventDefinition>{date}</bpmn:timerEventDefinition>"


def catch(id: str, waits_for: str) -> str:
    """An intermediate catch event for `message(...)` or `timer(...)`."""
    return element("intermediateCatchEvent", id, waits_for)


def boundary(id: str, on: str, waits_for: str, *, interrupting: bool = True) -> str:
    return element("boundaryEvent", id, waits_for, attachedToRef=on, cancelActivity="true" if interrupting else "false")


def xor(id: str, default: str | None = None) -> str:
    return element("exclusiveGateway", id, **({"default": default} if default else {}))


def parallel(id: str) -> str:
    return element("parallelGateway", id)


def one_of(id: str) -> str:
    """An event-based gateway."""
    return element("eventBasedGateway", id)


def subprocess(id: str, *parts: str) -> str:
    return element("subProcess", id, "".join(parts))


def handler(id: str, *parts: str) -> str:
    """An event subprocess; its start is a `trigger`."""
    return element("subProcess", id, "".join(parts), triggeredByEvent="true")


def trigger(id: str, waits_for: str, *, interrupting: bool = True) -> str:
    return element("startEvent", id, waits_for, isInterrupting="true" if interrupting else "false")


def flow(source: str, target: str, condition: str | None = None, *, id: str | None = None) -> str:
    text = ""
    if condition is not None:
        escaped = condition.replace("&", "&amp;").replace("<", "&lt;")
        text = f"<bpmn:conditionExpression>{escaped}</bpmn:conditionExpression>"
    return element("sequenceFlow", id or f"{source}-{target}", text, sourceRef=source, targetRef=target)


def path(*ids: str) -> str:
    """The flows along a row of elements."""
    return "".join(flow(source, target) for source, target in pairwise(ids))


def each(part: str, items: str = "=list", name: str = "one", *, enough: str = "", sequential: bool = False) -> str:
    """An activity done by many: once for each of `items`, called `name` there; `enough` is the completion condition."""
    told = f'<bpmn:extensionElements><portal:each in="{items}" as="{name}"/></bpmn:extensionElements>'
    if enough:
        told += f"<bpmn:completionCondition>{enough}</bpmn:completionCondition>"
    order = ' isSequential="true"' if sequential else ""
    marker = f"<bpmn:multiInstanceLoopCharacteristics{order}>{told}</bpmn:multiInstanceLoopCharacteristics>"
    before, tag, after = part.rpartition("</bpmn:")
    return before + marker + tag + after


def rules(id: str, tables: str = "eligible") -> str:
    """A business rule task."""
    told = f'<bpmn:extensionElements><portal:decide tables="{tables}"/></bpmn:extensionElements>'
    return element("businessRuleTask", id, told)
