"""Small procedures whose clocks stand, are set in the case and extended: a plan with objections, a committee."""

from __future__ import annotations

import json

from portal.procedures.content import Content
from tests.builders.diagrams import each, flow, path, subprocess, xor
from tests.builders.procedures import Small, content, does, end, letter, over, procedure, start, task, waits

OBJECTION = "objection"
FILED = "2026-03-02T10:00:00"
"""A Monday; March 2026 has no holidays, 4 to 6 April are Qingming."""

MANIFEST = """
[deadlines.decide]
title  = "作出决定"
kind   = "duty"
after  = "filed"
within = "10 working days"
met    = "done(conclude)"
pauses = [ { while = "correct" }, { while = "cases(objection)" } ]
extend = { by = "5 working days", times = 1, role = "leader" }
warn   = [ { day = 8, remind = ["officer"] }, { overdue = 0, raise = "leader" } ]
assumed = "试验"

[deadlines.public]
title  = "公示"
kind   = "minimum"
after  = "done(review)"
length = "5 working days"
set_by = "start.days"
pauses = [ { while = "cases(objection)" } ]
assumed = "试验"

[deadlines.event]
title  = "活动后报告"
kind   = "obligation"
after  = "date(start.held)"
within = "5 days"
assumed = "试验"
"""
_PLAN = [
    {"type": "textfield", "key": "text", "label": "说明"},
    {"type": "number", "key": "days", "label": "公示天数", "decimalDigits": 0},
    {"type": "datetime", "subtype": "date", "key": "held", "label": "活动日期", "dateLabel": "活动日期"},
]


def plan(manifest: str = MANIFEST) -> Small:
    """Reviewed, corrected as often as needed, shown for a period, concluded."""
    return procedure(
        start("plan"),
        task("review", form="choice", deadline="decide"),
        xor("decided", default="again"),
        task("correct", role="party", form="plan", revises="start"),
        over("shown", "public"),
        task("conclude", deadline="decide"),
        end(),
        path("start", "review", "decided"),
        flow("decided", "correct", id="again"),
        flow("correct", "review"),
        flow("decided", "shown", '=review.result = "结束"'),
        path("shown", "conclude", "end"),
        manifest=manifest,
    )


def clocks_content(manifest: str = MANIFEST) -> Content:
    """The regulation `small` with a plan and objections to it."""
    objection = procedure(
        start(),
        task("answer"),
        end(),
        path("start", "answer", "end"),
        manifest='about = { procedure = "plan", by = "addressee", times = "any" }\n',
    )
    return _with_form(content(plan=plan(manifest), objection=objection), "plan", _PLAN)


def seats_content(enough: str = "", *, sequential: bool = False) -> Content:
    """Three experts at once, each invited and answering within a reply period of his own; then the officer."""
    manifest = """
[deadlines.reply]
title  = "答复邀请"
kind   = "right"
after  = "entered(invite)"
within = "3 working days"
met    = "done(invite)"
assumed = "试验"

[deadlines.whole]
title  = "专家评审"
kind   = "duty"
after  = "entered(seat)"
within = "10 working days"
met    = "done(seat)"
assumed = "试验"
"""
    inner = (
        start("").replace('id="start"', 'id="begin"'),
        task("invite", deadline="reply"),
        task("opinion"),
        end("given", "已提交"),
        path("begin", "invite", "opinion", "given"),
    )
    seat = each(subprocess("seat", *inner), "=[1, 2, 3]", "expert", enough=enough, sequential=sequential)
    drawn = procedure(
        start(), seat, task("conclude"), end(), path("start", "seat", "conclude", "end"), manifest=manifest
    )
    return content(panel=drawn)


def timed_content() -> Content:
    """A deadline that the diagram starts, stops, restarts and extends."""
    manifest = """
[deadlines.work]
title  = "办理"
kind   = "duty"
within = "10 working days"
met    = "done(last)"
extend = { by = "1 month", times = 1, role = "leader" }
assumed = "试验"
"""
    steps = [
        task("first"),
        does("begin", "deadlines.start", deadline="work"),
        task("second"),
        does("stop", "deadlines.suspend", deadline="work", reason="=second.text"),
        task("third"),
        does("go", "deadlines.resume", deadline="work"),
        task("fourth"),
        does("more", "deadlines.extend", deadline="work", reason="=fourth.text"),
        task("last"),
    ]
    order = ("start", "first", "begin", "second", "stop", "third", "go", "fourth", "more", "last", "end")
    return content(timed=procedure(start(), *steps, end(), path(*order), manifest=manifest))


def hearing_content() -> Content:
    """A letter that is served, a message without a form, a clock that the diagram starts, stops and restarts; again
    and again."""
    manifest = f"""
[deadlines.reply]
title  = "答复"
kind   = "right"
after  = "served(notice)"
within = "5 working days"
met    = "received(answer)"
assumed = "试验"

[deadlines.send]
title  = "送达"
kind   = "duty"
after  = "issued(notice)"
within = "5 working days"
met    = "served(notice)"
assumed = "试验"

[deadlines.work]
title  = "办理"
kind   = "duty"
within = "10 working days"
met    = "done(last)"
assumed = "试验"

[deadlines.report]
title  = "报告"
kind   = "obligation"
after  = "received(answer)"
within = "3 working days"
met    = "done(last)"
assumed = "试验"

{letter("notice")}"""
    return content(
        hearing=procedure(
            start(),
            xor("round"),
            does("issue", "documents.issue", document="notice"),
            waits("sent", "served", document="notice"),
            does("begin", "deadlines.start", deadline="work"),
            does("stop", "deadlines.suspend", deadline="work", reason="等待答复"),
            waits("heard", "answer", role="party"),
            does("go", "deadlines.resume", deadline="work"),
            task("last", form="choice"),
            xor("decided", default="over"),
            end(),
            path("start", "round", "issue", "sent", "begin", "stop", "heard", "go", "last", "decided"),
            flow("decided", "round", '=last.result = "继续"'),
            flow("decided", "end", id="over"),
            manifest=manifest,
        )
    )


def _with_form(whole: Content, name: str, components: list[dict[str, object]]) -> Content:
    form = {"type": "default", "id": name, "components": components}
    data = json.dumps(form, ensure_ascii=False).encode()
    return Content(whole.regulation, {**whole.files, f"forms/_shared/{name}.json": data})
