"""Warnings: what may be written, on which morning each comes, and which of those that were missed are still said."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from portal.calendar import base
from portal.calendar.notice import Notice, with_notices
from portal.calendar.rules import Calendar
from portal.clock import TZ, end_of
from portal.deadlines.rules import DeadlineRule, course, parse_period, parse_until
from portal.deadlines.warn import Warn, following, misfits, moments, parse_warn, said_at
from portal.errors import ContentFaults

CALENDAR = Calendar(0, base.year_of)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TZ)


class Counted:
    """A deadline that began on a day."""

    def __init__(self, period: str, day: str, calendar: Calendar = CALENDAR, holiday: str = "moves") -> None:
        within = None if "-" in period else parse_period(period)
        until = parse_until(period) if "-" in period else None
        rule = DeadlineRule("x", "x", "duty", (), within, until, holiday=holiday)
        found = course(rule.length, date.fromisoformat(day), calendar, stays=rule.holiday == "stays")
        self.last_day, self.due, self.explanation = found.last_day, end_of(found.last_day), found.lines()


def when(warn: Warn, deadline: Counted, calendar: Calendar = CALENDAR) -> str:
    [(moment, _)] = moments([warn], deadline, calendar)
    return f"{moment.astimezone(TZ):%m-%d %H:%M}"


# 2026-09-18 is a Friday; the Sunday after it is worked, 25 to 27 September and 1 to 7 October are off, Saturday 10-10
# is worked: day 10 is 9 October.
@pytest.mark.parametrize(
    ("kind", "days", "expected"),
    [
        ("day", 1, "09-20 09:00"),
        ("day", 5, "09-24 09:00"),
        ("day", 6, "09-28 09:00"),
        ("day", 8, "09-30 09:00"),
        ("day", 9, "10-08 09:00"),
        ("left", 0, "10-09 09:00"),
        ("left", 1, "10-08 09:00"),
        ("left", 2, "09-30 09:00"),
        ("left", 9, "09-20 09:00"),
        ("overdue", 0, "10-10 00:00"),
        ("overdue", 1, "10-10 09:00"),
        ("overdue", 2, "10-12 09:00"),
    ],
)
def test_the_moments_across_holidays_and_make_up_days(kind, days, expected):
    assert when(Warn(kind, days), Counted("10 working days", "2026-09-18")) == expected


@pytest.mark.parametrize(("kind", "days", "expected"), [("day", 5, "01-04 09:00"), ("left", 3, "12-31 09:00")])
def test_the_moments_across_the_turn_of_the_year(kind, days, expected):
    assert when(Warn(kind, days), Counted("7 working days", "2026-12-25")) == expected


def test_a_notice_moves_them():
    notice = Notice(2027, "x", "x", (*base.statutory(2027), date(2027, 1, 4)), (date(2027, 1, 3),))
    calendar = Calendar(1, with_notices(base.year_of, base.statutory, [notice]))
    deadline = Counted("7 working days", "2026-12-25", calendar)
    assert deadline.last_day == date(2027, 1, 6)
    assert when(Warn("day", 5), deadline, calendar) == "01-03 09:00"
    assert when(Warn("left", 1), deadline, calendar) == "01-05 09:00"
    assert when(Warn("overdue", 3), Counted("2 working days", "2026-12-29", calendar), calendar) == "01-06 09:00"


def test_days_and_months_count_every_day_and_a_fixed_date_none():
    days = Counted("15 days", "2026-09-18")
    assert days.last_day == date(2026, 10, 8)
    assert when(Warn("day", 10), days) == "09-28 09:00"
    assert when(Warn("day", 15), days) == "10-03 09:00"
    assert when(Warn("left", 1), days) == "09-30 09:00"
    assert when(Warn("day", 20), Counted("1 month", "2026-11-10")) == "11-30 09:00"
    assert moments([Warn("day", 3)], Counted("04-30", "2026-02-01"), CALENDAR) == []
    assert when(Warn("left", 5), Counted("04-30", "2026-02-01")) == "04-23 09:00"


def test_a_last_day_that_stays_on_a_holiday_counts_back_from_there():
    stays = Counted("1 month", "2026-09-05", holiday="stays")
    assert stays.last_day == date(2026, 10, 5)
    assert when(Warn("left", 1), stays) == "09-30 09:00"
    assert when(Warn("left", 0), stays) == "10-05 09:00"


DAY_5, DAY_8, DAY_9 = Warn("day", 5, ("r",)), Warn("day", 8, ("r",)), Warn("day", 9, ("r",))
LEFT_1, OVER, OVER_2 = Warn("left", 1, ("r",)), Warn("overdue", 0, ("r",), "leader"), Warn("overdue", 2, ("r",))
ALL = (DAY_5, DAY_8, DAY_9, LEFT_1, OVER, OVER_2)


def said(now: str, done: tuple[str, ...] = ()) -> tuple[list[str], list[str], str] | None:
    found = said_at(ALL, done, Counted("10 working days", "2026-09-18"), CALENDAR, at(now))
    return found and ([*map(str, found.warns)], [*map(str, found.over)], f"{found.at:%m-%d %H:%M}")


def test_nothing_is_said_early():
    assert said("2026-09-24T08:59:59.999") is None
    assert said("2026-09-24T09:00") == (["day 5"], ["day 5"], "09-24 09:00")
    assert said("2026-09-29T09:00", ("day 5",)) is None


def test_of_missed_reminders_of_a_kind_only_the_latest_is_said():
    assert said("2026-09-30T10:00") == (["day 8"], ["day 5", "day 8"], "09-30 09:00")
    assert said("2026-10-08T10:00") == (["day 9", "left 1"], ["day 5", "day 8", "day 9", "left 1"], "10-08 09:00")


def test_once_it_is_over_only_that_is_said_however_late():
    everything = ["day 5", "day 8", "day 9", "left 1", "overdue 0"]
    assert said("2026-10-09T23:59") == (["day 9", "left 1"], everything[:4], "10-08 09:00")
    assert said("2026-10-10T00:00") == (["overdue 0"], everything, "10-10 00:00")
    assert said("2027-03-01T00:00") == (["overdue 0", "overdue 2"], [*everything, "overdue 2"], "10-12 09:00")
    assert said("2027-03-01T00:00", (*everything, "overdue 2")) is None


def test_reminders_alone_that_are_too_late_are_over_without_a_word():
    found = said_at([DAY_5], (), Counted("10 working days", "2026-09-18"), CALENDAR, at("2026-11-01T09:00"))
    assert found is not None
    assert (found.warns, found.over) == ((), (DAY_5,))


def test_the_next_is_the_first_that_is_not_done():
    deadline = Counted("10 working days", "2026-09-18")
    assert following(ALL, (), deadline, CALENDAR) == at("2026-09-24T09:00")
    assert following(ALL, ("day 5", "day 8"), deadline, CALENDAR) == at("2026-10-08T09:00")
    assert following(ALL, tuple(map(str, ALL)), deadline, CALENDAR) is None
    assert following((), (), deadline, CALENDAR) is None


def test_what_may_be_written():
    read = parse_warn(
        [{"day": 5, "remind": ["reviewer"]}, {"left": 0, "remind": "reviewer"}, {"overdue": 0, "raise": "leader"}]
    )
    assert read == (Warn("day", 5, ("reviewer",)), Warn("left", 0, ("reviewer",)), Warn("overdue", 0, (), "leader"))
    assert parse_warn([]) == ()


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("5", "warn 应为表的列表"),
        ({"day": 5}, "warn 应为表的列表"),
        ([5], "warn 的第1项应为表"),
        ([{"remind": ["a"]}], "warn 的第1项要写 day、left、overdue 之一，且只写一个"),
        ([{"day": 1, "left": 1, "remind": ["a"]}], "warn 的第1项要写 day、left、overdue 之一，且只写一个"),
        ([{"day": 0, "remind": ["a"]}], "warn 的第1项：day 应为整数"),
        ([{"day": True, "remind": ["a"]}], "warn 的第1项：day 应为整数"),
        ([{"left": -1, "remind": ["a"]}], "warn 的第1项：left 应为整数"),
        ([{"overdue": "0", "remind": ["a"]}], "warn 的第1项：overdue 应为整数"),
        ([{"left": 251, "remind": ["a"]}], "warn 的第1项：left 应为整数"),
        ([{"day": 5}], "warn 的第1项没有写提醒谁"),
        ([{"day": 5, "remind": []}], "warn 的第1项没有写提醒谁"),
        ([{"day": 5, "remind": [5]}], "warn 的第1项：remind 应为岗位的列表"),
        ([{"day": 5, "remind": ["a", "a"]}], "warn 的第1项：remind 中有岗位写了两次"),
        ([{"day": 5, "remind": ["a"], "raise": "b"}], "warn 的第1项：逾期以前不能 raise"),
        ([{"overdue": 0, "raise": ["b"]}], "warn 的第1项：raise 应为一个岗位"),
        ([{"day": 5, "remind": ["a"], "mail": 1}], "warn 的第1项：不认识的键“mail”"),
        ([{"day": 5, "remind": ["a"]}, {"day": 5, "remind": ["b"]}], "warn 中“day = 5”写了两次"),
        (
            [{"overdue": 0, "raise": "a"}, {"overdue": 3, "raise": "b"}],
            "warn 中有两处 raise：一个期限逾期只交到一个岗位的案头",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(written, told):
    with pytest.raises(ContentFaults) as caught:
        parse_warn(written)
    assert [fault.what for fault in caught.value.faults] == [told]
    assert all(fault.mend for fault in caught.value.faults)


def test_every_fault_is_told():
    with pytest.raises(ContentFaults) as caught:
        parse_warn([{"day": 0, "remind": [1], "raise": 2, "x": 3}, {}, 7])
    assert len(caught.value.faults) == 6


@pytest.mark.parametrize(
    ("warn", "kind", "period", "told"),
    [
        (Warn("overdue", 0), "right", "7 working days", "权利期满即止，没有逾期"),
        (Warn("day", 8), "right", "7 working days", "期限没有第 8 日"),
        (Warn("day", 29), "duty", "1 month", "期限没有第 29 日"),
        (Warn("day", 3), "duty", None, "到固定日期为止的期限不逐日计数"),
        (Warn("left", 7), "right", "7 working days", "那时期限还没有开始"),
    ],
)
def test_a_warning_that_can_never_come_is_told(warn, kind, period, told):
    length = parse_period(period) if period else None
    [fault] = misfits([warn], kind, length and length.amount, length and length.unit)
    assert told in fault.what


def test_warnings_at_the_edge_fit():
    assert list(misfits([Warn("day", 7), Warn("left", 6), Warn("left", 0)], "right", 7, "working days")) == []
    assert list(misfits([Warn("day", 28), Warn("overdue", 0)], "duty", 1, "months")) == []
