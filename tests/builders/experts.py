"""A made-up regulation with a register of experts: rules are run, a committee is drawn by lot, and the file is closed.

`main`: a unit files (`text` is its employer as the experts' register names it), two tables judge it, an officer says
how many are to be drawn, three or more experts give an opinion in the call `review` (`继续`: he is replaced by the
next), then a letter is issued, the party is told, and the file is closed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.orm import Session

from portal.forms import personal
from portal.identity import Organisation
from portal.procedures import Releases
from portal.procedures.content import Content
from tests.builders import registry
from tests.builders.decisions import decision, definitions, table
from tests.builders.diagrams import call, diagram, each, element, flow, path, rules, xor
from tests.builders.procedures import REGULATION, Small, does, end, letter, procedure, start, task
from tests.builders.procedures import content as small

REGISTER = """
[registers.experts]
title         = "专家名册"
key           = ["number"]
states        = ["在库", "停用"]
closed        = ["停用"]
public        = ["number", "name"]
fields.number = "text"
fields.name   = "text"
fields.employer = "text"
fields.area   = "text"
titles        = { number = "编号", name = "姓名", employer = "工作单位", area = "领域" }
"""
ARRANGE = [
    {"type": "number", "key": "count", "label": "专家人数", "validate": {"required": True}},
    {"type": "textfield", "key": "text", "label": "说明"},
]
MANIFEST = (
    letter("notice")
    + """
[decisions.eligible]
title  = "申请人资格"
file   = "eligible.dmn"
effect = "hard"
basis  = "1"

[decisions.named]
title  = "写明单位"
file   = "named.dmn"
effect = "soft"
assumed = "通常做法"

[decisions.exclude]
title  = "排除的专家"
file   = "exclude.dmn"
effect = "hard"
basis  = "1"
"""
)
ELIGIBLE = definitions(
    decision(
        "eligible",
        table(
            [("start.text", "string")],
            [("holds", "boolean"), ("reason", "string")],
            [('"外地"', "false", '"不在本市"'), ('not("外地", null)', "true", '""'), ("null", "null", '"没有写单位"')],
        ),
    )
)
NAMED = definitions(
    decision(
        "named",
        table([("start.text", "string")], [("holds", "boolean"), ("reason", "string")], [("null", "false", '"未写"')]),
    )
)
EXCLUDE = definitions(
    decision(
        "exclude",
        table(
            [("candidate.employer", "string"), ("candidate.area", "string"), ("candidate.replaced", "string")],
            [("reason", "string", "", '""')],
            [
                ("start.text", "-", "-", '"与申请人同单位"'),
                ("-", 'not("甲")', "-", '"不属于该领域"'),
                ("-", "-", "not(null)", '"本案中已被替换"'),
            ],
            policy="FIRST",
        ),
    )
)


def judges(tables: str) -> str:
    """The step at which tables are asked."""
    return rules("judge", tables).replace('id="judge"', 'id="judge" name="自动核对"')


def review() -> bytes:
    """The committee, called by `main`."""
    seat = [
        element("startEvent", "asked"),
        xor("again"),
        task("opinion", form="choice"),
        xor("given", "given-said"),
        does("next", "experts.replace", draw="=draw.draw", seat="=seat.seat", reason="专家回避"),
        element("endEvent", "said", name="已出具"),
        path("asked", "again", "opinion", "given"),
        flow("given", "next", '=opinion.result = "继续" and seated(draw.draw, seat.seat) != null'),
        flow("given", "said"),
        flow("next", "again"),
    ]
    seats = each(element("subProcess", "seats", "".join(seat), name="席位"), "=draw.seats", "seat")
    return diagram(
        start(None),
        does("draw", "experts.draw", register="experts", count="=arrange.count", exclude="exclude"),
        seats,
        end("reviewed", "评审结束"),
        path("start", "draw", "seats", "reviewed"),
    )


def main(manifest: str = MANIFEST) -> Small:
    """The procedure."""
    return procedure(
        start(),
        judges("eligible named"),
        task("arrange", form="arrange"),
        call("review"),
        task("conclude"),
        does("issue", "documents.issue", document="notice"),
        does("tell", "notify.send", to="party", text="=conclude.text"),
        does("file", "archive.make", retention="30 年"),
        end("done", "准予备案"),
        path("start", "judge", "arrange", "review", "conclude", "issue", "tell", "file", "done"),
        manifest=manifest,
    )


def rounds() -> Small:
    """As many committees, one after the other, as the officer wishes (`继续`)."""
    return procedure(
        start(),
        xor("again"),
        task("arrange", form="arrange"),
        call("review"),
        task("look", form="choice"),
        xor("looked", "looked-end"),
        end(),
        path("start", "again", "arrange", "review", "look", "looked", "end"),
        flow("looked", "again", '=look.result = "继续"'),
        manifest=MANIFEST[MANIFEST.index("[decisions.exclude]") :],
    )


def corrected() -> Small:
    """A filing judged by a table each time it was corrected."""
    return procedure(
        start(),
        xor("filed"),
        judges("eligible"),
        task("look", form="choice"),
        xor("looked", "looked-end"),
        task("correct", role="party", form="note", revises="start"),
        end(),
        path("start", "filed", "judge", "look", "looked"),
        flow("looked", "correct", '=look.result = "继续"'),
        flow("looked", "end"),
        flow("correct", "filed"),
        manifest=MANIFEST[MANIFEST.index("[decisions.eligible]") : MANIFEST.index("[decisions.named]")],
    )


def regulation(procedure_: Small | None = None) -> Content:
    """The whole content; `officer` does every task but the filing."""
    whole = small(main=procedure_ or main(), corrected=corrected())
    home = f"bpmn/{REGULATION}"
    text = whole.files[f"{home}/regulation.toml"].decode() + REGISTER
    form = {"type": "default", "id": "arrange", "components": ARRANGE}
    added = {
        f"{home}/regulation.toml": text.encode(),
        f"{home}/_shared/review/process.bpmn": review(),
        f"{home}/main/eligible.dmn": ELIGIBLE,
        f"{home}/corrected/eligible.dmn": ELIGIBLE,
        f"{home}/main/named.dmn": NAMED,
        f"{home}/main/exclude.dmn": EXCLUDE,
        f"forms/{REGULATION}/main/arrange.json": json.dumps(form, ensure_ascii=False).encode(),
    }
    return replace(whole, files={**whole.files, **added})


def natural() -> Content:
    """The whole content, whose experts are natural persons with a code, and can be suspended."""
    whole, file = regulation(), f"bpmn/{REGULATION}/regulation.toml"
    text = whole.files[file].decode().replace("fields.number", 'fields.person = "person"\nfields.number')
    text = text.replace('["在库", "停用"]', '["在库", "暂停", "停用"]\nsuspended     = ["暂停"]')
    return replace(whole, files={**whole.files, file: text.encode()})


def register(tx: Session, numbers: Iterable[int]) -> None:
    """Registers experts in the portal, as natural persons: 专家1, …"""
    rows = [{"uscc": personal.code(n), "name": f"专家{n}", "district": "万州区", "kinds": ["person"]} for n in numbers]
    tx.execute(insert(Organisation), rows)


def experts(
    tx: Session,
    releases: Releases,
    numbers: Iterable[int],
    moment: datetime,
    employer: str = "某研究院",
    area: str = "甲",
    *,
    coded: bool = False,
) -> None:
    """Puts experts on the register, as they were before there were cases, perhaps with their codes: Z-0001 专家1, …"""
    rows = [
        {"number": f"Z-{n:04d}", "name": f"专家{n}", "employer": employer, "area": area}
        | ({"person": personal.code(n)} if coded else {})
        for n in numbers
    ]
    registry.enter(tx, releases, "experts", rows, moment)
