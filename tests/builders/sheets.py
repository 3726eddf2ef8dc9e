"""Workbooks as people fill them in, codes of organisations, and a small procedure that asks for a table."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Sequence

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from portal.forms import uscc
from portal.procedures.content import Content
from tests.builders import procedures as p
from tests.builders.diagrams import path

CODE, AMOUNT, NAME = "统一社会信用代码", "年度配额（tCO₂e）", "单位名称（核对用）"
HEADINGS = (CODE, AMOUNT)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TABLE: dict[str, object] = {
    "type": "dynamiclist",
    "path": "units",
    "label": "各单位年度配额",
    "description": "免费分配",
    "properties": {"kind": "table", "most": 2000, "unique": ["unit"], "sum": ["amount"], "prefill": "=fill.units"},
    "validate": {"required": True},
    "components": [
        {
            "type": "textfield",
            "key": "unit",
            "label": CODE,
            "properties": {
                "kind": "party",
                "refuse": '=starts with(note, "禁") and amount > 5',
                "refusal": "不在名录中",
            },
            "validate": {"required": True},
        },
        {
            "type": "number",
            "key": "amount",
            "label": AMOUNT,
            "properties": {"kind": "amount"},
            "validate": {"required": True, "min": 1},
        },
    ],
}
NOTE = {"type": "textarea", "key": "note", "label": "说明", "validate": {"maxLength": 200}}


def code(number: int) -> str:
    """The code of an organisation, right to its check digit."""
    first = f"91500101MA{number:07d}"
    return first + uscc.check_digit(first)


def form(*components: object, id: str = "list") -> bytes:
    """A form's file."""
    return json.dumps({"type": "default", "id": id, "components": components}, ensure_ascii=False).encode()


def content() -> Content:
    """`listing`, whose task `fill` asks for a table; `listed`, whose start does; `told`, where an applicant fills it
    in when he files, in a task and in a message."""
    flows = path("start", "fill", "look", "end")
    look, end = p.task("look", form="choice"), p.end()
    listing = p.procedure(p.start(None), p.task("fill", form="list"), look, end, flows, by="officer")
    listed = p.procedure(p.start("list"), p.task("fill"), look, end, flows, by="officer")
    told = p.procedure(
        p.start("list"), p.task("fill", role="party", form="list"), p.waits("more", "more", role="party", form="list"),
        p.end(), path("start", "fill", "more", "end"),
    )  # fmt: skip
    whole = p.content(listing=listing, listed=listed, told=told)
    return Content(whole.regulation, {**whole.files, "forms/_shared/list.json": form(TABLE, NOTE)})


def workbook(
    rows: Iterable[Sequence[object]],
    headings: Sequence[str] = HEADINGS,
    more: Callable[[Workbook, Worksheet], object] | None = None,
) -> bytes:
    """A workbook of one sheet; `more` may do something else to it."""
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    for row in (headings, *rows):
        sheet.append(row)
    if more is not None:
        more(book, sheet)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()
