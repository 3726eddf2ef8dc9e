"""What a manifest says of a publicity (公示): what is shown to everybody, for how long at the least, how to object."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from portal.deadlines.rules import Period, parse_period
from portal.errors import ContentFaults
from portal.procedures.tables import Table

LARGEST_BUNDLE = 5_000_000
"""Bytes of all files that come with one filing in public."""
_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)

LABELS = {
    "party.name": "申请人",
    "party.uscc": "统一社会信用代码",
    "party.district": "所在区县",
    "case.number": "案件编号",
    "case.title": "事项",
    "case.filed_at": "申请时间",
}
"""What stands before a path that no form's field, fact or letter names."""


@dataclass(frozen=True)
class Showing:
    """One line of what is shown: a path of the case, and what stands before it where the manifest says so."""

    path: str
    label: str = ""


@dataclass(frozen=True)
class Floor:
    """How long a period must be at the least, and by which article, or why."""

    length: Period
    basis: str | None
    assumed: str | None


@dataclass(frozen=True)
class Publicity:
    """What is shown to the public in a case, during which period; `title` may hold `{{ expression }}`."""

    name: str
    title: str
    kind: str
    deadline: str
    shows: tuple[Showing, ...]
    materials: tuple[str, ...]
    objections: str | None
    basis: str | None
    assumed: str | None
    floor: Floor | None

    @property
    def pieces(self) -> Iterator[tuple[str, bool]]:
        """The title in its parts, each with whether it is an expression."""
        for place, piece in enumerate(_PLACEHOLDER.split(self.title)):
            if piece:
                yield (piece.strip(), True) if place % 2 else (piece, False)


def publicity(name: str, table: Table, basis: str | None, objections: str | None) -> Publicity:
    """A publicity as its table says it; what is wrong is noted there."""
    title = table.text("title", required=True)
    if "{{" in _PLACEHOLDER.sub("", title) or "}}" in _PLACEHOLDER.sub("", title):
        table.fault("title", "title 里的花括号不成对", "占位写成 {{ 表达式 }}")
    return Publicity(
        name=name,
        title=title,
        kind=table.text("kind", required=True),
        deadline=table.text("deadline", required=True),
        shows=tuple(_shows(table)),
        materials=table.texts("materials"),
        objections=objections,
        basis=basis,
        assumed=table.text("assumed") or None,
        floor=_floor(table),
    )


def _shows(table: Table) -> Iterator[Showing]:
    raw = table.anything("shows")
    mend = 'shows = ["start.title", { path = "audit.opinion", label = "审核意见" }]'
    if raw is not None and not isinstance(raw, list):
        table.fault("shows", "shows 应为列表", mend)
        return
    for entry in raw or []:
        if isinstance(entry, str):
            yield Showing(entry)
        elif isinstance(entry, dict):
            inner = table.sub("shows", entry)
            yield Showing(inner.text("path", required=True), inner.text("label", required=True))
        else:
            table.fault("shows", "shows 的每一项应为路径，或写明 path 和 label", mend)


def _floor(table: Table) -> Floor | None:
    """`floor = "5 working days"`, or a table that says its article or why."""
    raw = table.anything("floor")
    if raw is None:
        return None
    if isinstance(raw, str):
        length = _period(table, "floor", raw)
        return Floor(length, None, None) if length else None
    if not isinstance(raw, dict):
        mend = 'floor = { length = "5 working days", assumed = "…" }'
        table.fault("floor", "floor 应为长度，或写明 length 和依据的表", mend)
        return None
    inner = table.sub("floor", raw)
    length = _period(inner, "length", inner.text("length", required=True))
    basis, assumed = inner.text("basis") or None, inner.text("assumed") or None
    if basis and assumed:
        inner.fault("assumed", "floor 既写了 basis 又写了 assumed", "留下一个")
    return Floor(length, basis, assumed) if length else None


def _period(table: Table, key: str, text: str) -> Period | None:
    if not text:
        return None
    try:
        return parse_period(text)
    except ContentFaults as error:
        for fault in error.faults:
            table.fault(key, fault.what, fault.mend)
        return None
