"""How a deadline is explained to an applicant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.calendar import base
from portal.calendar.rules import Calendar
from portal.clock import TZ
from portal.deadlines.pausing import Pause
from portal.deadlines.rules import DeadlineRule, Explained, Period, course, parse_period, parse_until
from portal.deadlines.wording import EVENTS, event_text, why

CALENDAR = Calendar(0, base.year_of)


@dataclass
class Told:
    event: str
    event_day: date
    last_day: date
    period: str
    provisional: bool
    explanation: list[Explained]
    state: str = "running"
    stood: tuple[Pause, ...] = ()
    lengthened: tuple[Period, ...] = ()


def told(length: str, event_day: str, event: str = "filed", holiday="moves") -> Told:
    within = None if "-" in length else parse_period(length)
    until = parse_until(length) if "-" in length else None
    rule = DeadlineRule("decision", "作出决定", "duty", (event,), within, until, holiday=holiday)
    start = date.fromisoformat(event_day)
    computed = course(rule.length, start, CALENDAR, stays=rule.holiday == "stays")
    return Told(event, start, computed.last_day, length, computed.provisional, computed.lines())


@pytest.mark.parametrize(
    ("deadline", "text"),
    [
        (
            told("10 working days", "2026-11-09"),
            "11月9日接到申请，次日起算；跳过11月14日、15日（周末）、11月21日、22日（周末）；"
            "第10个工作日为11月23日，当日24:00届满。",
        ),
        (
            told("7 working days", "2026-09-24", "served(notice)"),
            "9月24日送达文书，次日起算；跳过9月25日至27日（中秋节）、10月1日至7日（国庆节）、10月11日（周末）；"
            "10月10日调休上班，计入；第7个工作日为10月12日，当日24:00届满。",
        ),
        (
            told("30 working days", "2026-11-20"),
            "11月20日接到申请，次日起算；跳过2027年1月1日至3日（元旦）、其间的周末；"
            "第30个工作日为2027年1月4日，当日24:00届满。2027年放假安排尚未公布，该日期为暂定。",
        ),
        (
            told("1 working day", "2026-12-30"),
            "12月30日接到申请，次日起算；第1个工作日为12月31日，当日24:00届满。",
        ),
        (
            told("15 days", "2026-11-09"),
            "11月9日接到申请，次日起算；第15日为11月24日，当日24:00届满。",
        ),
        (
            told("10 days", "2026-09-21"),
            "9月21日接到申请，次日起算；第10日为10月1日，该日为国庆节，顺延至10月8日，当日24:00届满。",
        ),
        (
            told("1 month", "2026-09-05", holiday="stays"),
            "9月5日接到申请，次日起算；满1个月的对应日为10月5日（国庆节假期，不顺延），当日24:00届满。",
        ),
        (
            told("1 month", "2026-01-31"),
            "1月31日接到申请，次日起算；满1个月的当月无对应日，取月末日2月28日，当日24:00届满。",
        ),
        (
            told("04-30", "2026-02-01", "started"),
            "2月1日程序启动；期限为固定日期4月30日，当日24:00届满。",
        ),
        (
            told("10-01", "2026-02-01", "entered(report)"),
            "2月1日进入该环节；期限为固定日期10月1日，该日为国庆节，顺延至10月8日，当日24:00届满。",
        ),
    ],
)
def test_why_a_deadline_ends_on_its_day(deadline, text):
    assert why(deadline) == text


def test_what_was_kept_is_told_after_the_last_day():
    deadline = told("1 working day", "2026-12-30")
    deadline.explanation.append({"day": "2026-12-31", "counted": None, "reason": "原期限已届满，不再变动"})
    assert why(deadline).endswith("当日24:00届满。原期限已届满，不再变动。")


def test_one_that_was_dropped_while_its_clock_stood_is_told_up_to_then():
    deadline = told("7 working days", "2026-11-17", "opened(notice)")
    stopped, ended = (datetime(2026, 11, day, 14, 30, tzinfo=TZ) for day in (20, 22))
    deadline.explanation = [
        *deadline.explanation[:2],
        {"day": "2026-11-20", "counted": None, "reason": "暂停计时（公示异议）"},
    ]
    deadline.state, deadline.stood = "dropped", (Pause("公示异议", stopped, ended),)
    course = "11月17日公示开始，次日起算；11月20日暂停计时（公示异议），不计；已计2个工作日"
    assert why(deadline) == f"{course}；11月20日起暂停计时（公示异议）。"
    deadline.state, deadline.stood = "paused", (Pause("公示异议", stopped),)
    assert why(deadline) == f"{course}；11月20日起暂停计时（公示异议）；恢复计时后，接着计算剩余5个工作日。"


def test_every_event_has_its_words():
    assert {event_text(f"{event}(x)") for event in EVENTS} == set(EVENTS.values())


@given(
    st.dates(date(2024, 1, 1), date(2030, 12, 31)),
    st.sampled_from(["1 working day", "45 working days", "3 days", "60 days", "5 months", "10-03"]),
    st.sampled_from(["moves", "stays"]),
)
def test_every_deadline_can_be_told(event_day, length, holiday):
    deadline = told(length, event_day.isoformat(), holiday=holiday)
    text = why(deadline)
    assert f"{deadline.last_day.month}月{deadline.last_day.day}日" in text
    assert "暂定" in text if deadline.provisional else "暂定" not in text
