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


def faults(report: Report) -> dict[str, str | None]:
    """What each path came to, by its name."""
    return {result.file.rpartition("/")[2]: result.fault for result in report.results}


@pytest.fixture(scope="module")
def report(database) -> Report:
    return acted(database, shipped())


@pytest.mark.parametrize("file", PATHS, ids=[re.sub(r".*/(.*)/paths/(.*).toml", r"\1/\2", file) for file in PATHS])
def test_the_path_holds(report, file):
    [result] = [result for result in report.results if result.file == file]
    assert result.fault is None, f"{result.title}\n{result.fault}"


def test_every_flow_and_every_end_is_reached(report):
    assert [f"{fault.file}:{fault.line} {fault.what}" for fault in report.unreached] == []


def test_the_whole_content_may_be_published(report):
    assert len(report.results) == len(PATHS) > 20
    assert (report.clean, report.faults) == (True, [])


# Mutants: what is wrong is found, and named


def test_a_shorter_period_makes_the_paths_fail_that_depend_on_it(database):
    mutant = edited(with_paths(LAST_SECOND, PERIOD_OVER, SIGNED), REVIEW, "10 working days", "9 working days")
    assert faults(acted(database, mutant)) == {
        "signed.toml": None,
        "period-over.toml": None,
        "in-time-last-second.toml": f"第1步（2026-10-12 23:59:59，{LAST_SECOND}）：期限“decision”的 last_day"
        "应为 2026-10-26，实为 2026-10-23",
    }


def test_a_longer_period_shows_in_the_beginning_that_the_paths_share(database):
    notice = "bpmn/_shared/notice-and-objection-period/shared.toml"
    mutant = edited(with_paths(LAST_SECOND, PERIOD_OVER, SIGNED), notice, "7 working days", "9 working days")
    found = faults(acted(database, mutant))
    assert (found["signed.toml"], found["period-over.toml"] is None) == (None, False)
    assert found["in-time-last-second.toml"] == (
        "第1步（2026-09-24 10:00:00，bpmn/chongqing-ets/given.toml）：期限“objection”的 last_day"
        "应为 2026-10-12，实为 2026-10-14"
    )


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('expect.tasks = ["check"]', 'expect.tasks = ["review"]', "第1步：待办的环节应为 review，实为 check"),
        ("in_time = true", "in_time = false", "第1步：事实 in_time应为 False，实为 True"),
        ("形式审查中，由受理人员办理", "审查中", "第2步：状态应为 审查中，实为 形式审查中，由受理人员办理"),
        ('task    = "draft"', 'task    = "sign"', "第5步：渝环复案〔2026〕1号 没有待办的“sign”；待办的有：draft"),
        ('as      = "leader/陈"', 'as      = "leader/何"', "第6步：被拒绝：您已办理本案或原案的“复核审查”"),
        ('review = "维持"', 'review = "变更"', "结局：review 的结果应为 变更，实为 维持"),
        ('["decision"]', '["refusal"]', "结局：review 的文书应为 refusal，实为 decision"),
        (
            'ledger    = "unchanged"',
            'entries = [{ account = "甲", asset = "allowance", amount = 1 }]',
            "结局：台账分录应为",
        ),
    ],
)
def test_a_wrong_expectation_fails_with_the_number_of_its_step(database, old, new, fault):
    [found] = faults(acted(database, edited(with_paths(LAST_SECOND), LAST_SECOND, old, new))).values()
    assert fault in re.sub(r"（2026.*?）：", "：", found or "")


def test_a_refusal_that_does_not_come_is_a_fault(database):
    mutant = edited(with_paths(LAST_SECOND), LAST_SECOND, 'expect.tasks = ["check"]', 'expect.refused = "state"')
    [found] = faults(acted(database, mutant)).values()
    assert found is not None
    assert found.endswith("应被拒绝（state），却办成了")


def unreached(report: Report, file: str) -> list[str]:
    """What no path walked, in one diagram."""
    return [fault.what for fault in report.unreached if fault.file == file]


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
    assert not [what for what in found if "期满未提出异议" in what]


def test_what_a_refused_act_had_deferred_is_not_done(database):
    """A letter issued in an act that is then refused was never issued, so nobody renders it."""
    refused = """
title = "积分不足"
basis = "1"
[[step]]
at   = 2026-09-24T10:00:00
file = "take"
as   = "unit/王"
expect.refused = "rule"
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
    assert faults(acted(database, Content("small", {**small.files, **given}))) == {"refused.toml": None}
