"""A BPMN file in, the same file with a new drawing out."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from portal.engine.xml import bpmn, safe_xml
from portal.errors import ContentFaults, Fault
from portal.layout.drawing import draw
from portal.layout.graph import read
from portal.layout.placing import lay_out


@dataclass(frozen=True)
class Arranged:
    """A file laid out anew, and how many lanes and shapes it has."""

    data: bytes
    lanes: int
    shapes: int


def arrange(data: bytes) -> Arranged:
    """Lays out the diagram of a BPMN file; ContentFaults when it is none. What it models is left alone."""
    safe_xml(data)  # refuses what must not be read at all; below, comments are kept
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    root = etree.fromstring(data, parser)
    processes = root.findall(bpmn("process"))
    if root.tag != bpmn("definitions") or not processes:
        raise ContentFaults([Fault("不是 BPMN 流程图", "请选择用图形编辑器保存的 .bpmn 文件")])
    if len(processes) > 1:
        raise ContentFaults([Fault("图中应当有且只有一个流程", "每个文件只画一个流程")])
    graph = read(processes[0])
    draw(root, processes[0], graph, lay_out(graph))
    written = etree.tostring(root.getroottree(), xml_declaration=True, encoding="UTF-8")
    return Arranged(bytes(written), len(graph.bands), sum(1 for _ in graph.everywhere()))
