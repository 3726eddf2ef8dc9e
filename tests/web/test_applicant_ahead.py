"""What may come next in a drawing, and the words of dates."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from flask import Flask

from portal.audit import Entry
from portal.calendar import base
from portal.calendar.rules import Calendar
from portal.cases.live import LiveCase
from portal.cases.models import Task
from portal.clock import TZ, end_of
from portal.procedures import drawing
from portal.web import dates, languages
from portal.web.applicant import clocks, progress
from portal.web.applicant.ahead import Way
from tests.builders import diagrams as drawn

BPMN = Path(__file__).parents[2] / "bpmn"


def way(data: bytes, *walked: str) -> Way:
    """The ways of a drawing."""
    return Way(drawing.read("a", data, "a.bpmn"), frozenset(walked))


def names(found: Way, start: str) -> list[tuple[str, str]]:
    """The main way as ids with the choices that lead there."""
    return [(element.id, choice) for element, choice in found.main(start)]


@pytest.fixture(scope="module")
def review() -> bytes:
    """The drawing of reviews."""
    return (BPMN / "_shared/review-on-objection/process.bpmn").read_bytes()


def test_the_main_way_of_a_review_leads_to_the_decision(review: bytes) -> None:
    assert names(way(review), "check") == [
        ("review", "受理"),
        ("draft", ""),
        ("sign", ""),
        ("issue_decision", "签发"),
    ]


def test_a_correction_comes_back_to_the_check(review: bytes) -> None:
    assert names(way(review, "check"), "correct")[:2] == [("check", ""), ("review", "受理")]


def test_after_the_justification_the_better_way_is_shown(review: bytes) -> None:
    assert names(way(review, "check"), "justify")[0] == ("review", "准予")


def test_an_outcome_is_never_foretold(review: bytes) -> None:
    assert names(way(review, "check", "review", "draft"), "sign") == [("issue_decision", "签发")]


def test_of_a_filing_the_decision_is_left_open() -> None:
    """Whether it is filed, sent back or declined nobody can say; what is called is told as one step."""
    data = (BPMN / "jiaxing-tanpuhui/methodology-filing/process.bpmn").read_bytes()
    assert names(way(data), "audit") == [("plan", ""), ("determine", "不组织")]
    assert names(way(data, "audit", "plan", "determine"), "publicity") == [("sign", "无碍")]


@pytest.mark.parametrize(
    ("outcome", "onward"), [("受理", ["audit", "plan", "determine"]), ("视为撤回", ["archive_lapsed"])]
)
def test_after_what_is_called_its_outcome_says_the_way(outcome: str, onward: list[str]) -> None:
    data = (BPMN / "jiaxing-tanpuhui/methodology-filing/process.bpmn").read_bytes()
    found = Way(drawing.read("a", data, "a.bpmn"), frozenset(), {"intake": outcome})
    assert [element.id for element, _choice in found.main("intake")] == onward


def test_events_of_which_one_decides_are_told_together() -> None:
    data = (BPMN / "_shared/notice-and-objection-period/process.bpmn").read_bytes()
    found = way(data)
    assert {element.id for element in found.together("waived")} == {"period_over", "waived", "review_filed"}
    assert names(found, "served") == [("period", "")]
    assert found.together("served") == []


def test_a_loop_ends() -> None:
    data = drawn.diagram(
        drawn.start(), drawn.user("one"), drawn.user("two"), drawn.path("start", "one", "two"), drawn.flow("two", "one")
    )
    assert names(way(data), "one") == [("two", "")]


@pytest.fixture
def _page() -> object:
    app = Flask("words")
    languages.install(app)
    with app.test_request_context():
        yield


@pytest.mark.usefixtures("_page")
def test_the_words_of_dates() -> None:
    day = date(2026, 10, 12)
    assert dates.due_text(end_of(day)) == "2026年10月12日（周一）24:00"
    assert dates.day_text(day, day) == "10月12日（周一）"
    assert dates.day_text(date(2027, 1, 4), day) == "2027年1月4日（周一）"
    assert dates.to_the_second(datetime(2026, 10, 12, 23, 59, 59, 999, tzinfo=TZ)) == "2026年10月12日 23:59:59"
    assert dates.size(1) == "1 KB"
    assert dates.size(1_234_567) == "1.2 MB"


@pytest.mark.usefixtures("_page")
def test_invitations_that_lapse_together_are_one_line() -> None:
    at = datetime(2026, 3, 17, 16, tzinfo=UTC)
    fired = {"deadline": "reply", "title": "答复评审邀请", "due": at.isoformat()}
    history = [Entry(1, seq, at, seq, "timer.fired", None, None, "invite_over", fired, "", "") for seq in range(1, 7)]
    case = SimpleNamespace(ended=True, procedure=SimpleNamespace(elements=lambda: []))
    done = progress.steps(progress.Standing(cast("LiveCase", case), history, [], []), "")
    assert [(step.name, step.note) for step in done] == [("答复评审邀请", "2026年3月18日 00:00 · 6 人次")]


@pytest.mark.parametrize(("end", "outcome"), [("correct", "视为撤回"), ("revise", "逾期视为撤回"), ("apart", None)])
@pytest.mark.usefixtures("_page")
def test_what_follows_when_a_task_is_not_done_in_time(end: str, outcome: str | None) -> None:
    """The way from the timer on it to the end of the case, if nobody does anything on it any more."""
    files = {
        "correct": ("_shared/intake", "correction"),
        "revise": ("jiaxing-tanpuhui/methodology-filing", "revision"),
        "apart": ("_shared/review-on-objection", "correction"),
    }
    folder, deadline = files[end]
    found = drawing.read("a", (BPMN / folder / "process.bpmn").read_bytes(), "a.bpmn")
    case = SimpleNamespace(procedure=SimpleNamespace(drawing_at=lambda _scope: found))
    element = "correct" if end == "apart" else end
    task = Task(scope="", element=element, deadline=deadline)
    said = f"到期没有办理的：{outcome}。" if outcome else ""
    assert clocks.lapse_of(cast("LiveCase", case), task) == said


@pytest.mark.parametrize(
    ("now", "left", "tone"),
    [
        ("2026-09-24T10:00", "剩 7 个工作日", "g"),
        ("2026-10-01T10:00", "剩 4 个工作日", "g"),
        ("2026-10-09T23:59", "剩 2 个工作日", "a"),
        ("2026-10-11T10:00", "剩 1 个工作日", "a"),
        ("2026-10-12T23:59", "今日 24:00 到期", "a"),
        ("2026-10-13T00:00", "超期 1 个工作日", "r"),
    ],
)
@pytest.mark.usefixtures("_page")
def test_the_words_for_what_is_left(now: str, left: str, tone: str) -> None:
    class Period:
        last_day = date(2026, 10, 12)

    calendar = Calendar(0, base.year_of)
    moment = datetime.fromisoformat(now).replace(tzinfo=TZ)
    assert dates.left_text(Period(), moment, calendar) == left
    assert dates.tone(Period(), moment, calendar) == tone
