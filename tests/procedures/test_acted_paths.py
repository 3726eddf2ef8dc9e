"""The shipped content acted out: every path holds, every flow is walked; a changed rule or path shows by name."""

from __future__ import annotations

import re

import pytest

from portal.cases.actions import ACTIONS
from portal.cases.kernel import Kernel
from portal.jobs import Collected
from portal.procedures import Releases
from portal.procedures.content import Content
from portal.scenarios.service import Report, act_all
from tests.builders.diagrams import path
from tests.builders.procedures import content, does, end, letter, procedure, start
from tests.builders.world import shipped

PATHS = [file for slug in shipped().procedures() for file in shipped().paths(slug)]
REVIEW = "bpmn/_shared/review-on-objection/shared.toml"
LAST_SECOND = "bpmn/chongqing-ets/allocation-review/paths/in-time-last-second.toml"
PERIOD_OVER = "bpmn/chongqing-ets/allocation-notice/paths/period-over.toml"
SIGNED = "bpmn/chongqing-ets/allocation/paths/signed.toml"


def acted(database, content: Content) -> Report:
    """What became of the content's paths."""
    kernel = Kernel(Releases(), Collected(), lambda tx: None, ACTIONS)
    return act_all(database, kernel, content)


def with_paths(*keep: str) -> Content:
    """The shipped content with some of its paths alone."""
    files = shipped().files.items()
    return Content("chongqing-ets", {name: data for name, data in files if "/paths/" not in name or name in keep})


def edited(content: Content, file: str, old: str, new: str) -> Content:
    """Content with one text replaced, where it stands exactly once."""
    text = content.files[file].decode()
    assert text.count(old) == 1
    return Content(content.regulation, {**content.files, file: text.replace(old, new).encode()})


def faults(report: Report) -> dict[str, list[str]]:
    """What was found in each path, by its name."""
    return {result.file.rpartition("/")[2]: [fault.what for fault in result.faults] for result in report.results}


@pytest.fixture(scope="module")
def report(database) -> Report:
    return acted(database, shipped())


@pytest.mark.parametrize("file", PATHS, ids=[re.sub(r".*/(.*)/paths/(.*).toml", r"\1/\2", file) for file in PATHS])
def test_the_path_holds(report, file):
    [result] = [result for result in report.results if result.file == file]
    assert not result.faults, "\n".join([result.title, *map(str, result.faults)])


def test_every_flow_and_every_end_is_reached(report):
    assert [f"{fault.file}:{fault.line} {fault.what}" for fault in report.unreached] == []


def test_the_whole_content_may_be_published(report):
    assert len(report.results) == len(PATHS) > 35
    assert (report.clean, report.faults) == (True, [])


# Mutants: what is wrong is found, and named


def test_a_shorter_period_makes_the_paths_fail_that_depend_on_it(database):
    mutant = edited(with_paths(LAST_SECOND, PERIOD_OVER, SIGNED), REVIEW, "10 working days", "9 working days")
    report = acted(database, mutant)
    assert faults(report) == {
        "signed.toml": [],
        "period-over.toml": [],
        "in-time-last-second.toml": [
            "第1步（2026-10-12 23:59:59）：期限“decision”的 last_day 应为 2026-10-26，实为 2026-10-23"
        ],
    }
    [fault] = report.faults
    assert (fault.file, fault.element) == (LAST_SECOND, "expect.deadlines.decision.last_day")
    assert mutant.files[LAST_SECOND].decode().splitlines()[fault.line - 1].startswith("expect.deadlines")
    assert "就把 last_day 改为 2026-10-23" in fault.mend


def test_a_longer_period_shows_in_the_beginning_that_the_paths_share_and_is_told_once(database):
    notice = "bpmn/_shared/notice-and-objection-period/shared.toml"
    mutant = edited(with_paths(LAST_SECOND, PERIOD_OVER, SIGNED), notice, "7 working days", "9 working days")
    report = acted(database, mutant)
    shared = (
        "开头“served notice”第1步（2026-09-24 10:00:00）："
        "notice 的期限“objection”的 last_day 应为 2026-10-12，实为 2026-10-14"
    )
    found = faults(report)
    assert found["in-time-last-second.toml"] == [shared]
    # A path goes on after what turned out otherwise, so that everything to be mended is told at one stroke.
    assert found["period-over.toml"][0] == shared
    assert len(found["period-over.toml"]) > 1
    [told] = [fault for fault in report.faults if fault.file.endswith("given.toml")]
    assert told.what == f"{shared}（2 条路径由此而来）"
    assert mutant.files[told.file].decode().splitlines()[told.line - 1].startswith("expect.deadlines.objection")


@pytest.mark.parametrize(
    ("old", "new", "fault", "key"),
    [
        (
            'expect.tasks = ["check"]',
            'expect.tasks = ["review"]',
            "第1步：待办的环节应为 review，实为 check",
            "expect.tasks",
        ),
        ("in_time = true", "in_time = false", "第1步：事实“in_time”应为 false，实为 true", "expect.facts.in_time"),
        (
            "形式审查中，由受理人员办理",
            "审查中",
            "第2步：状态应为 审查中，实为 形式审查中，由受理人员办理",
            "expect.status",
        ),
        (
            'task    = "draft"',
            'task    = "sign"',
            "第5步：渝环复案〔2026〕1号 没有待办的“sign”；待办的有：draft",
            "task",
        ),
        ('as      = "leader/陈"', 'as      = "leader/何"', "第6步：被拒绝：您已办理本案或原案的“复核审查”", "task"),
        ('review = "维持"', 'review = "变更"', "结局：review 的结果应为 变更，实为 维持", "outcomes.review"),
        ('["decision"]', '["refusal"]', "结局：review 的文书应为 refusal，实为 decision", "documents.review"),
        (
            'ledger    = "unchanged"',
            'entries = [{ account = "王", asset = "allowance", amount = 1 }]',
            "结局：台账分录应为 重庆某水泥有限公司 allowance +1，实为 无",
            "entries",
        ),
        (
            'ledger    = "unchanged"',
            'balances.allowance = { "王" = 1200000, 重庆某钢铁集团有限公司 = 5 }',
            "结局：重庆某钢铁集团有限公司持有的 allowance 应为 5，实为 0",
            "balances.allowance.重庆某钢铁集团有限公司",
        ),
        (
            'ledger    = "unchanged"',
            "totals.allowance = 1200001",
            "结局：全部单位持有的 allowance 应为 1200001，实为 1200000",
            "totals.allowance",
        ),
    ],
)
def test_a_wrong_expectation_is_told_with_its_step_and_line(database, old, new, fault, key):
    # TOML wants quotes around Chinese keys.
    new = new.replace("重庆某钢铁集团有限公司 =", '"重庆某钢铁集团有限公司" =')
    [found] = acted(database, edited(with_paths(LAST_SECOND), LAST_SECOND, old, new)).faults
    assert fault in re.sub(r"（2026.*?）：", "：", found.what)
    assert (found.file, found.element) == (LAST_SECOND, key)
    assert found.line is not None


def test_a_letter_that_is_not_for_the_party_cannot_be_served_by_a_path(database):
    notice = "bpmn/_shared/notice-and-objection-period/shared.toml"
    mutant = edited(with_paths(LAST_SECOND), notice, 'serve   = ["party"]', "serve   = []")
    found = acted(database, mutant).faults[0]
    assert re.fullmatch(r"开头“served notice”第1步（2026-09-24 10:00:00）：文书 渝环\S+号 不送达当事人", found.what)
    assert (found.element, found.mend) == ("serve", "清单中 serve 写上 party，或删去这一步")


REFUSED = ('as      = "intake/李"', 'as = "intake/李"\nexpect.refused = "state"')


def test_a_refusal_that_does_not_come_is_a_fault(database):
    mutant = edited(with_paths(LAST_SECOND), LAST_SECOND, *REFUSED)
    [[found]] = faults(acted(database, mutant)).values()
    assert found.endswith("应被拒绝（state），却办成了")


def test_a_refusal_for_another_reason_is_told_with_the_right_one(database):
    mutant = edited(
        with_paths(LAST_SECOND), LAST_SECOND, 'as      = "leader/陈"', 'as = "leader/何"\nexpect.refused = "form"'
    )
    fault = acted(database, mutant).faults[0]
    assert "应因 form 被拒绝，实为 separation" in fault.what
    assert 'expect.refused = "separation"' in fault.mend


def unreached(report: Report, file: str) -> list[str]:
    """What no path walked, in one diagram."""
    return [fault.what for fault in report.unreached if fault.file == file]


@pytest.mark.thorough
def test_without_its_path_a_flow_is_reported_as_never_walked(database):
    allocation = "bpmn/chongqing-ets/allocation/process.bpmn"
    of_allocation = shipped().paths("allocation")
    assert unreached(acted(database, with_paths(*of_allocation)), allocation) == []
    returning = ("/returned.toml", "/twice.toml")
    fewer = [file for file in of_allocation if not file.endswith(returning)]
    assert unreached(acted(database, with_paths(*fewer)), allocation) == [
        "没有路径走过“是否签发 → 核定年度配额（退回）”"
    ]


def test_without_its_path_an_outcome_is_reported_as_never_reached(database):
    notice = "bpmn/_shared/notice-and-objection-period/process.bpmn"
    found = unreached(acted(database, with_paths(PERIOD_OVER)), notice)
    assert "“配额分配通知”没有路径到达结束事件“已被取代”" in found
    assert "没有路径走过“复核结果 → 已被取代（变更或撤销重作）”" in found
    assert not [what for what in found if "异议期满" in what]


def test_what_a_refused_act_had_deferred_is_not_done(database):
    """A letter issued in an act that is then refused was never issued, so nobody renders it."""
    refused = """
title = "积分不足"
basis = "1"
[[step]]
at   = 2026-09-24T10:00:00
file = "take"
as   = "unit/王"
expect.refused = "state"
[[step]]
at   = 2026-09-24T11:00:00
file = "give"
bind = "give"
as   = "unit/王"
[outcome]
outcomes = { give = "办结" }
"""
    issue = does("issue", "documents.issue", document="paper")
    post = {"asset": "points", "to": "=party.uscc"}
    take = procedure(
        start(None), issue, does("post", "ledger.post", amount="=-5", **post), end(),
        path("start", "issue", "post", "end"), manifest=letter("paper"), paths={"refused": refused},
    )  # fmt: skip
    give = procedure(start(None), does("post", "ledger.post", amount="=5", **post), end(), path("start", "post", "end"))
    small = content(take=take, give=give)
    people = '[people]\n"王" = { org = "某单位", uscc = "91500101MA5YKQ1X0C", district = "万州区" }\n'
    given = {"bpmn/small/given.toml": people.encode()}
    assert faults(acted(database, Content("small", {**small.files, **given}))) == {"refused.toml": []}
