"""Days as an administrator types them into the form for a holiday notice."""

from __future__ import annotations

from datetime import date

import pytest

from portal.calendar.typed import (
    DayTwice,
    EndsBeforeItBegins,
    NoSuchDay,
    TooManyDays,
    UnreadableDay,
    read_days,
    written,
)


def days(*texts: str) -> tuple[date, ...]:
    return tuple(date.fromisoformat(f"2027-{text}") for text in texts)


@pytest.mark.parametrize(
    "text",
    [
        "2027-02-05至2027-02-07、2027-01-03",
        "2027-01-03，2027-02-05～2027-02-07",
        "２０２７－０１－０３；2027/2/5到2027/2/7。",
        "2027年1月3日\n2027年2月5日至7日",
        "1月3日、2月5日至2月7日",
        "2027.1.3 02-05—02-07",
    ],
)
def test_ways_of_writing_the_same_days(text):
    read = read_days(text, 2027)
    assert (read.days, read.faults) == (days("01-03", "02-05", "02-06", "02-07"), ())


@pytest.mark.parametrize(
    ("text", "fault", "told"),
    [
        ("春节", UnreadableDay, "“春节”读不懂"),
        ("5日", UnreadableDay, "“5日”读不懂"),
        ("2027-02-05至", UnreadableDay, "“2027-02-05至”读不懂"),
        ("2027-02-05至06至07", UnreadableDay, "“2027-02-05至06至07”读不懂"),
        ("2027-02-30", NoSuchDay, "“2027-02-30”不是日历上的日期"),
        ("2027-02-05至2027-13-11", NoSuchDay, "“2027-13-11”不是日历上的日期"),
        ("2027-02-11至2027-02-05", EndsBeforeItBegins, "结束日期早于开始日期"),
        ("2027-02-05至2028-02-11", TooManyDays, "共 372 天"),
        ("0000-00-00", NoSuchDay, "不是日历上的日期"),
        ("2027-02-05至9999-12-31", TooManyDays, "请核对起止日期"),
    ],
)
def test_what_is_wrong_is_told_with_its_text(text, fault, told):
    read = read_days(f"2027-01-01、{text}、2027-01-02", 2027)
    [found] = read.faults
    assert isinstance(found, fault)
    assert told in found.text("zh")
    assert read.days == days("01-01", "01-02")


def test_every_fault_is_told():
    read = read_days("x、2027-02-30、2027-01-01、2027-01-01", 2027)
    assert [type(fault) for fault in read.faults] == [UnreadableDay, NoSuchDay, DayTwice]


def test_a_range_over_the_turn_of_the_year():
    assert read_days("2026-12-31至2027-01-02", 2027).days == (date(2026, 12, 31), *days("01-01", "01-02"))


def test_far_too_many_days_are_told_once():
    text = "、".join(f"2027-{month:02}-01至2027-{month:02}-10" for month in range(1, 13))
    [fault] = read_days(text, 2027).faults
    assert "共 120 天" in fault.text("zh")


def test_days_are_written_as_they_are_typed():
    assert written(days("02-07", "01-03", "02-05", "02-06")) == "2027-01-03、2027-02-05至2027-02-07"
    assert read_days(written(days("02-07", "01-03")), 2027).days == days("01-03", "02-07")
