"""Derived diagrams, validated, parsed and tried once before any case runs them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from lxml import etree
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnValidator
from SpiffWorkflow.bpmn.parser.ValidationException import ValidationException
from SpiffWorkflow.exceptions import SpiffWorkflowException
from SpiffWorkflow.spiff.parser.process import SPIFF_XSD

from portal.engine.errors import EngineFault
from portal.engine.names import process_id
from portal.engine.parsing import Parser
from portal.engine.places import Place
from portal.engine.position import load, start
from portal.engine.spec import Spec
from portal.engine.waits import endless
from portal.engine.xml import safe_xml
from portal.errors import ContentFaults, Fault


class _Validators(threading.local):
    """One validator per thread: it keeps an error log."""

    def __init__(self) -> None:
        self.one = BpmnValidator(imports={"spiffworkflow": SPIFF_XSD})


_validators = _Validators()


def read(sources: Mapping[str, bytes], root: str) -> Spec:
    """Read derived diagrams by name, of which `root` is the one to start; raises ContentFaults.

    Also proves that a case can be created, saved and loaded. The same sources give the same Spec. A fault's
    `file` is the name of its diagram, its `element` the drawn id where it is known.
    """
    return _read(tuple(sorted((name, bytes(data)) for name, data in sources.items())), root)


@lru_cache(maxsize=256)
def _read(sources: tuple[tuple[str, bytes], ...], root: str) -> Spec:
    documents = {name: safe_xml(data) for name, data in sources}
    if root not in documents:
        raise ContentFaults([Fault(f"没有名为“{root}”的图", "请检查图的名称")])
    names = {process_id(name): name for name in documents}
    for name, document in documents.items():
        _validate(name, document)
    faults = endless({process_id(name): document for name, document in documents.items()})
    if faults:
        raise ContentFaults(replace(fault, file=names.get(fault.file or "")) for fault in faults)
    spec = _parse(documents, root)
    _try(spec)
    return spec


def _validate(name: str, document: etree._Element) -> None:
    """Against the standard's schema, whose errors have a line of the derived text but no element."""
    try:
        _validators.one.validate(document)
    except ValidationException as error:
        element = _element_at(document, error.line_number)
        fault = Fault(f"不合 BPMN 标准：{error}", "请用图形编辑器检查此元素", element=element, file=name)
        raise ContentFaults([fault]) from error


def _element_at(document: etree._Element, line: object) -> str | None:
    """The id of the element that stands at a line or last before it."""
    found: str | None = None
    for element in document.iter():
        if isinstance(line, int) and element.sourceline is not None and element.sourceline <= line:
            found = element.get("id") or found
    return found


def _parse(documents: Mapping[str, etree._Element], root: str) -> Spec:
    parser = Parser()
    try:
        for name, document in documents.items():
            parser.add_bpmn_xml(document, name)
        top = parser.get_spec(process_id(root))
        inner = parser.get_subprocess_specs(process_id(root))
    except (SpiffWorkflowException, RecursionError) as error:
        element, file = getattr(error, "id", None) or None, getattr(error, "file_name", None) or None
        fault = Fault(f"引擎不能读取此图：{error}", "请检查此元素的写法", element=element, file=file)
        raise ContentFaults([fault]) from error
    return Spec(root, top, inner)


class _Nobody:
    """An environment in which every condition holds and nothing happens."""

    def condition(self, expression: str, place: Place) -> bool:
        return True

    def no_way(self, place: Place) -> None:
        pass

    def items(self, place: Place) -> int:
        return 1

    def perform(self, place: Place) -> None:
        pass

    def entered(self, place: Place, kind: str) -> None:
        pass

    def left(self, place: Place, end: str | None) -> None:
        pass

    def took(self, flow: str, scope: str) -> None:
        pass


def _try(spec: Spec) -> None:
    """Create a case, save it and load it."""
    try:
        tried = start(spec, _Nobody())
        again = load(spec, tried.dump(), _Nobody())
    except EngineFault as error:
        fault = Fault(f"试运行失败：{error.reason}", "请检查此元素前后的画法", element=error.element, file=spec.name)
        raise ContentFaults([fault]) from error
    if (again.waiting(), again.end) != (tried.waiting(), tried.end):
        raise ContentFaults([Fault("存取之后所等待的不同", "请联系管理员", file=spec.name)])
