"""A small regulation with a register: an officer measures a unit, the unit disputes it, an officer corrects it.

`measure` puts what was measured on record with a letter; `dispute` is about it and may correct it; `cancel` takes
it off; `census` enters rows at once.
"""

from __future__ import annotations

import json

from portal.forms.uscc import ALPHABET, check_digit
from portal.procedures.content import Content
from tests.builders import procedures
from tests.builders.diagrams import path
from tests.builders.procedures import does, end, letter, procedure, start, task

REGULATION = procedures.REGULATION
REGISTER = """
[registers.measures]
title     = "核定数量"
key       = ["uscc", "year"]
states    = ["有效", "作废"]
closed    = ["作废"]
fields    = { uscc = "uscc", year = "year", name = "text", amount = "amount" }
titles    = { name = "单位名称", amount = "核定量" }
meanwhile = { amount = "dispute.undisputed" }
"""
_UNIT = [
    {
        "type": "textfield",
        "key": "unit",
        "label": "单位",
        "properties": {"kind": "party"},
        "validate": {"required": True},
    },
    {"type": "number", "key": "year", "label": "年度", "properties": {"kind": "year"}, "validate": {"required": True}},
]
_AMOUNT = {"type": "number", "key": "amount", "label": "数量", "properties": {"kind": "amount"}}
_CLAIMED = {"type": "number", "key": "claimed", "label": "无异议的数量", "properties": {"kind": "amount"}}
_FORMS = {
    "measure": [*_UNIT, _AMOUNT],
    "unit": _UNIT,
    "claim": [_CLAIMED],
    "decide": [{**_AMOUNT, "label": "更正后的数量"}],
}


MEASURE = procedure(
    start("measure"),
    does("issue", "documents.issue", document="notice"),
    does(
        "enter", "register.record", register="measures", document="notice", uscc="=start.unit", year="=start.year",
        name="=party.name", amount="=start.amount",
    ),
    end(),
    path("start", "issue", "enter", "end"),
    manifest='starts = [ { role = "officer", party = "start.unit" } ]\n' + letter("notice"),
)  # fmt: skip
DISPUTE = procedure(
    start("claim"),
    task("decide", form="decide"),
    does(
        "correct", "register.update", register="measures", uscc="=about.start.unit", year="=about.start.year",
        amount="=decide.amount", reason="异议成立",
    ),
    end(),
    path("start", "decide", "correct", "end"),
    manifest='starts = [ { role = "unit" } ]\n'
    'about = { procedure = "measure", by = "addressee", times = "any" }\n'
    '[facts.undisputed]\ntitle = "争议期间的无争议数量"\nis = "min(about.start.amount, start.claimed)"\n',
)  # fmt: skip
CANCEL = procedure(
    start("unit"),
    does("void", "register.update", register="measures", state="作废", uscc="=start.unit", year="=start.year"),
    end(),
    path("start", "void", "end"),
    by="officer",
)
CENSUS = procedure(
    start("measure"),
    does(
        "enter", "register.record", register="measures", document='="普查〔2026〕1号"', year="=start.year",
        each='=[{uscc: start.unit, name: "甲", amount: start.amount, other: 1}, '
        '{uscc: "91500115MA5YKQ2X1E", name: "乙", amount: start.amount * 2, reason: "补登"}]',
    ),
    does(
        "raise", "register.update", register="measures", year="=start.year",
        each='=[{uscc: start.unit, name: null, amount: start.amount + 1}]',
    ),
    end(),
    path("start", "enter", "raise", "end"),
    by="officer",
)  # fmt: skip


def content() -> Content:
    """The whole content."""
    made = procedures.content(measure=MEASURE, dispute=DISPUTE, cancel=CANCEL, census=CENSUS)
    files = dict(made.files)
    files[f"bpmn/{REGULATION}/regulation.toml"] += REGISTER.encode()
    for name, components in _FORMS.items():
        form = {"type": "default", "id": name, "components": components}
        files[f"forms/_shared/{name}.json"] = json.dumps(form, ensure_ascii=False).encode()
    return Content(REGULATION, files)


def codes(count: int) -> list[str]:
    """So many codes of units."""
    places = [(n // 961 % 31, n // 31 % 31, n % 31) for n in range(count)]
    firsts = [f"91500101MA5Y{''.join(ALPHABET[place] for place in three)}0X" for three in places]
    return [first + check_digit(first) for first in firsts]
