"""Random diagrams without a drawing: what an analyst may draw, and what only an editor would let him."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.builders.diagrams import diagram, each, element

KINDS = (
    "userTask",
    "serviceTask",
    "businessRuleTask",
    "callActivity",
    "exclusiveGateway",
    "parallelGateway",
    "inclusiveGateway",
    "eventBasedGateway",
    "intermediateCatchEvent",
    "endEvent",
)
TASKS = KINDS[:4]
NAMES = ("", "受理", "形式审查", "提请认定正当理由", "制发不予受理告知书并送达申请人及利害关系人", "Review 2")
names = st.sampled_from(NAMES)


@st.composite
def levels(draw, prefix: str = "n", most: int = 7, deep: bool = True) -> tuple[list[str], list[str]]:
    """The parts of one level, and the ids of the nodes among them that a lane may name."""
    nodes, parts = [], []
    for number in range(draw(st.integers(0, most))):
        key = f"{prefix}{number}"
        kind = "startEvent" if number == 0 else draw(st.sampled_from(KINDS))
        nodes.append((key, kind))
        part = element(kind, key, name=draw(names))
        parts.append(each(part) if kind in ("userTask", "callActivity") and draw(st.booleans()) else part)
    if deep and draw(st.booleans()):
        inside, _ = draw(levels(prefix=f"{prefix}_", most=4, deep=False))
        apart = draw(st.booleans())
        part = element("subProcess", f"{prefix}s", "".join(inside), triggeredByEvent=str(apart).lower())
        parts.append(part if apart or draw(st.booleans()) else each(part))
        if not apart:
            nodes.append((f"{prefix}s", "subProcess"))
    sources = [key for key, kind in nodes if kind != "endEvent"]
    for number in range(draw(st.integers(0, 3))):
        hosts = [key for key, kind in nodes if kind in (*TASKS, "subProcess")]
        if hosts:
            key = f"{prefix}b{number}"
            parts.append(element("boundaryEvent", key, name=draw(names), attachedToRef=draw(st.sampled_from(hosts))))
            sources.append(key)
    targets = [key for key, kind in nodes if kind != "startEvent"]
    if sources and targets:
        pairs = st.tuples(st.sampled_from(sources), st.sampled_from(targets))
        for number, (source, target) in enumerate(draw(st.lists(pairs, max_size=most + 4, unique=True))):
            name = draw(names)
            parts.append(element("sequenceFlow", f"{prefix}f{number}", name=name, sourceRef=source, targetRef=target))
    if nodes and draw(st.booleans()):
        parts.append(element("textAnnotation", f"{prefix}t", f"<bpmn:text>{draw(names)}</bpmn:text>"))
        subject = draw(st.sampled_from([key for key, _ in nodes]))
        parts.append(element("association", f"note{prefix}", sourceRef=f"{prefix}t", targetRef=subject))
    return parts, [key for key, _ in nodes]


@st.composite
def diagrams(draw) -> bytes:
    parts, nodes = draw(levels())
    count = draw(st.integers(0, 3))
    if not count:
        return diagram(*parts)
    lanes: list[list[str]] = [[] for _ in range(count + 1)]  # what is in the last is in no lane
    for node in nodes:
        lanes[draw(st.integers(0, count))].append(node)
    inside = [
        element(
            "lane", f"l{n}", "".join(f"<bpmn:flowNodeRef>{node}</bpmn:flowNodeRef>" for node in lane), name=f"岗位{n}"
        )
        for n, lane in enumerate(lanes[:-1])
    ]
    pool = '<bpmn:participant id="pool" name="办理" processRef="drawn"/>'
    return diagram(element("laneSet", "lanes", "".join(inside)), *parts, before=element("collaboration", "all", pool))
