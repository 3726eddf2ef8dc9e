"""A small regulation with public registers: standards that are filed and void, judges of whom little is public.

`file` puts a standard on record with a letter to the unit; `withdraw` takes it back to a state that nobody sees.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from portal import registers
from portal.procedures import Releases
from portal.procedures.content import Content
from tests.builders import procedures
from tests.builders.diagrams import path
from tests.builders.procedures import does, end, letter, procedure, start

REGULATION = procedures.REGULATION
STANDARDS = """
[registers.standards]
title         = "规范清单"
key           = ["number"]
states        = ["草案", "已备案", "废止"]
closed        = ["废止"]
public        = ["number", "title", "areas", "text", "year", "limit"]
public_states = ["已备案", "废止"]
fields.number = "text"
fields.title  = "text"
fields.areas  = "list"
fields.text   = "hash"
fields.year   = "year"
fields.limit  = "number"
fields.owner  = "uscc"
fields.note   = "text"
titles        = { number = "编号", title = "名称", areas = "领域", year = "备案年度", limit = "限值" }
"""
JUDGES = """
[registers.judges]
title         = "评审人员名单"
key           = ["person"]
states        = ["在库", "停用", "出库"]
suspended     = ["停用"]
public        = ["name", "areas"]
public_states = ["在库", "停用"]
fields        = { person = "person", name = "text", areas = "list", employer = "text", since = "date" }
titles        = { name = "姓名", areas = "专业领域", employer = "工作单位" }
"""
PRIVATE = """
[registers.drafts]
title  = "内部登记"
key    = ["number"]
states = ["有效"]
fields = { number = "text" }
"""
_FORM = [
    {"type": "textfield", "key": "unit", "label": "单位", "properties": {"kind": "party"}},
    {"type": "textfield", "key": "number", "label": "编号"},
    {"type": "textfield", "key": "title", "label": "名称"},
    {"type": "textarea", "key": "areas", "label": "领域"},
]
FILE = procedure(
    start("standard"),
    does("issue", "documents.issue", document="notice"),
    does(
        "enter", "register.record", register="standards", document="notice", state="已备案", number="=start.number",
        title="=start.title", areas="=start.areas", text="", year="2026", limit="", owner="=start.unit",
        note="=\"见 \" + start.title", reason="=\"内部理由\"",
    ),
    end(),
    path("start", "issue", "enter", "end"),
    manifest='starts = [ { role = "officer", party = "start.unit" } ]\n' + letter("notice"),
)  # fmt: skip


def content(registers_text: str = STANDARDS + JUDGES + PRIVATE) -> Content:
    """The whole content, with these registers."""
    files = dict(procedures.content(file=FILE).files)
    files[f"bpmn/{REGULATION}/regulation.toml"] += registers_text.encode()
    form = {"type": "default", "id": "standard", "components": _FORM}
    files["forms/_shared/standard.json"] = json.dumps(form, ensure_ascii=False).encode()
    return Content(REGULATION, files)


def enter(
    tx: Session,
    releases: Releases,
    name: str,
    rows: Sequence[Mapping[str, object]],
    moment: datetime,
    state: str | None = None,
) -> list[int]:
    """Puts records on a register as they were before there were cases; their ids, by key."""
    register = releases.newest(tx, REGULATION).regulation.registers[name]
    cause = registers.Cause(moment=moment, reason="原有名册")
    return [one.record_id for one in registers.record(tx, REGULATION, register, rows, state, cause)]  # fmt: skip


def change(
    tx: Session,
    releases: Releases,
    name: str,
    row: Mapping[str, object],
    moment: datetime,
    state: str | None = None,
    **cause: object,
) -> None:
    """Changes a record by a new entry."""
    register = releases.newest(tx, REGULATION).regulation.registers[name]
    said = registers.Cause(moment=moment, reason="内部变更理由", **cause)
    registers.update(tx, REGULATION, register, [row], state, said)  # fmt: skip
