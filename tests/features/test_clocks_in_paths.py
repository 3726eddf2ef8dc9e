"""Paths that say when a clock stands, for what, and who gives it more time."""

from __future__ import annotations

from portal.cases.actions import ACTIONS
from portal.cases.kernel import Kernel
from portal.jobs import Collected
from portal.procedures import Releases
from portal.procedures.content import Content
from portal.scenarios.service import act_all
from tests.builders.clocks import clocks_content

PEOPLE = '[people]\n"王" = { org = "某单位", uscc = "91500101MA5YKQ1X0C", district = "万州区" }\n'
PATH = """
title = "补正、延长"
basis = "1"
[[step]]
at   = 2026-03-02T10:00:00
file = "plan"
as   = "unit/王"
bind = "plan"
answers = { text = "方案" }
expect.deadlines.decide = { last_day = 2026-03-16, state = "running", paused_by = [] }
[[step]]
at   = 2026-03-05T15:00:00
task = "review"
as   = "officer/周"
answers = { result = "继续" }
expect.deadlines.decide = { state = "paused", paused_by = ["correct"] }
[[step]]
at   = 2026-03-09T12:00:00
task = "correct"
as   = "unit/王"
answers = { text = "补正" }
expect.deadlines.decide = { last_day = 2026-03-17, state = "running" }
[[step]]
at     = 2026-03-10T09:00:00
extend = "plan"
deadline = "decide"
reason = "案情复杂"
as     = "leader/陈"
expect.deadlines.decide.last_day = 2026-03-24
[[step]]
at     = 2026-03-10T09:30:00
extend = "plan"
deadline = "decide"
reason = "再次"
as     = "leader/陈"
expect = { refused = "state", says = "最多延长 1 次" }
[outcome]
documents = {}
"""


def found(database, path: str) -> list[str]:
    """What turned out otherwise than the path says."""
    whole = clocks_content()
    files = {"bpmn/small/given.toml": PEOPLE, "bpmn/small/plan/paths/one.toml": path}
    kernel = Kernel(Releases(), Collected(), lambda tx: None, ACTIONS)
    added = {name: text.encode() for name, text in files.items()}
    report = act_all(database, kernel, Content(whole.regulation, {**whole.files, **added}))
    return [fault.what for one in report.results for fault in one.faults]


def test_a_path_tells_pauses_and_extends(database):
    assert found(database, PATH) == []


def test_what_is_otherwise_is_found(database):
    other = PATH.replace('paused_by = ["correct"]', 'paused_by = ["cases(objection)"], last_day = 2026-03-16')
    begun = "第2步（2026-03-05 15:00:00）：期限“decide”的 "
    assert found(database, other) == [
        f"{begun}paused_by 应为 cases(objection)，实为 correct",
        f"{begun}last_day 应为 2026-03-16，实为 无",
    ]


def test_a_deadline_that_does_not_run_is_not_extended(database):
    other = PATH.replace('deadline = "decide"\nreason = "案情复杂"', 'deadline = "public"\nreason = "案情复杂"')
    [what, *_rest] = found(database, other)
    assert what == "第4步（2026-03-10 09:00:00）：被拒绝：“公示”依规定不能延长。"
