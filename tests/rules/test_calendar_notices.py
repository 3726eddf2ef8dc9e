"""What an official notice changes, and which notices are refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from portal.calendar import base
from portal.calendar.notice import (
    BlankNotice,
    DayOfAnotherYear,
    Notice,
    OffAndWorked,
    StatutoryDayMissing,
    WorkedWeekday,
    YearOutOfRange,
    check,
    name_of,
    with_notices,
)
from portal.calendar.rules import Calendar


def days(year: int, *spans: str) -> tuple[date, ...]:
    """Days of a year from "02-05" and "02-05..02-11"."""
    found = []
    for span in spans:
        first, _, last = span.partition("..")
        day, end = (date.fromisoformat(f"{year}-{text}") for text in (first, last or first))
        while day <= end:
            found.append(day)
            day += timedelta(days=1)
    return tuple(found)


# Made up: the true notice for 2027 is not out.
NOTICE = Notice(
    year=2027,
    number="国办发明电〔2026〕0号",
    source="https://www.gov.cn/",
    days_off=days(
        2027,
        *("01-01..01-03", "02-05..02-11", "04-03..04-05", "05-01..05-05"),
        *("06-09", "09-15", "10-01..10-07"),
    ),
    days_worked=days(2027, "01-31", "02-13", "04-25", "05-08", "09-26", "10-09"),
)


def calendar(*notices: Notice) -> Calendar:
    return Calendar(1, with_notices(base.year_of, base.statutory, notices))


def test_a_notice_makes_its_year_official():
    known = calendar(NOTICE)
    assert known.is_official(2027)
    assert not known.is_official(2028)
    assert known.is_working(date(2027, 1, 31))
    assert not known.is_working(date(2027, 2, 10))
    assert known.count(date(2027, 2, 4), 1).last_day == date(2027, 2, 12)
    assert not known.count(date(2027, 2, 4), 1).provisional
    assert known.count(date(2026, 9, 30), 7).last_day == date(2026, 10, 15)


def test_days_off_are_named_after_their_festival():
    known = calendar(NOTICE)
    names = [known.reason(date(2027, 2, day)) for day in (5, 6, 10, 12, 13, 14)]
    assert names == ["除夕", "春节", "春节假期", "周五", "调休上班（计入）", "周日"]
    assert name_of(date(2027, 8, 8), base.statutory(2027)) == "放假"
    assert name_of(date(2027, 8, 8), {}) == "放假"


def test_of_two_notices_for_a_year_the_later_counts():
    corrected = replace(NOTICE, days_worked=days(2027, "02-14"))
    known = calendar(NOTICE, corrected)
    assert not known.is_working(date(2027, 1, 31))
    assert known.is_working(date(2027, 2, 14))


def test_a_notice_may_settle_the_last_days_of_the_year_before():
    december = replace(
        NOTICE,
        days_off=(date(2026, 12, 31), *NOTICE.days_off),
        days_worked=(date(2026, 12, 27), *NOTICE.days_worked),
    )
    check(december, base.statutory)
    known = calendar(december)
    assert known.reason(date(2026, 12, 31)) == "元旦假期"
    assert known.count(date(2026, 12, 25), 1).last_day == date(2026, 12, 27)
    assert known.reason(date(2026, 10, 1)) == "国庆节"


def test_a_sound_notice_is_accepted():
    check(NOTICE, base.statutory)


@pytest.mark.parametrize(
    ("faulty", "error", "zh"),
    [
        (replace(NOTICE, number=" "), BlankNotice, "请填写通知的文号和来源。"),
        (replace(NOTICE, source=""), BlankNotice, "请填写通知的文号和来源。"),
        (replace(NOTICE, year=10000), YearOutOfRange, "年份 10000 不在 2008 至 2100 年之间。"),
        (
            replace(NOTICE, days_off=(*NOTICE.days_off, date.max)),
            DayOfAnotherYear,
            "9999-12-31 不属于 2027 年的放假安排。",
        ),
        (
            replace(NOTICE, days_off=(*NOTICE.days_off, date(2028, 1, 1))),
            DayOfAnotherYear,
            "2028-01-01 不属于 2027 年的放假安排。",
        ),
        (
            replace(NOTICE, days_worked=(date(2026, 12, 20),)),
            DayOfAnotherYear,
            "2026-12-20 不属于 2027 年的放假安排。",
        ),
        (
            replace(NOTICE, days_worked=(date(2027, 10, 2),)),
            OffAndWorked,
            "2027-10-02 同时列为放假日和上班日。",
        ),
        (
            replace(NOTICE, days_worked=(date(2027, 3, 1),)),
            WorkedWeekday,
            "2027-03-01 是周一，本来就上班；调休上班日只能是周六或周日。",
        ),
        (
            replace(NOTICE, days_off=tuple(day for day in NOTICE.days_off if day != date(2027, 9, 15))),
            StatutoryDayMissing,
            "放假日缺少法定节假日：2027-09-15（中秋节）。",
        ),
        (replace(NOTICE, days_off=()), StatutoryDayMissing, "放假日缺少法定节假日：2027-01-01（元旦）。"),
    ],
)
def test_a_faulty_notice_is_refused_in_chinese(faulty, error, zh):
    with pytest.raises(error) as refused:
        check(faulty, base.statutory)
    assert refused.value.text("zh") == zh
    assert refused.value.text("en")
