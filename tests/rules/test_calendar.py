"""Counting days over the official list of 2026 and the statutory days of 2027."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.calendar import base
from portal.calendar.rules import Calendar, NotCountable

CALENDAR = Calendar(0, base.year_of)
DAY = timedelta(days=1)

starts = st.dates(date(2024, 1, 1), date(2030, 12, 31))
lengths = st.integers(1, 60)


def d(text: str) -> date:
    return date.fromisoformat(text)


def days(first: str, last: str) -> set[date]:
    return {d(first) + i * DAY for i in range((d(last) - d(first)).days + 1)}


OFF_2026 = (
    days("2026-01-01", "2026-01-03")
    | days("2026-02-15", "2026-02-23")
    | days("2026-04-04", "2026-04-06")
    | days("2026-05-01", "2026-05-05")
    | days("2026-06-19", "2026-06-21")
    | days("2026-09-25", "2026-09-27")
    | days("2026-10-01", "2026-10-07")
)
WORKED_2026 = {d(f"2026-{day}") for day in ("01-04", "02-14", "02-28", "05-09", "09-20", "10-10")}


def test_every_day_of_2026_is_as_the_official_notice_has_it():
    for day in days("2026-01-01", "2026-12-31"):
        expected = day not in OFF_2026 and (day.weekday() < 5 or day in WORKED_2026)
        assert CALENDAR.is_working(day) == expected, day


def test_2027_has_only_weekends_and_statutory_days():
    off = {d(f"2027-{day}") for day in ("01-01", "04-05", "06-09", "09-15")}
    off |= days("2027-02-05", "2027-02-08") | days("2027-05-01", "2027-05-02")
    off |= days("2027-10-01", "2027-10-03")
    for day in days("2027-01-01", "2027-12-31"):
        assert CALENDAR.is_working(day) == (day not in off and day.weekday() < 5), day


def test_a_year_is_official_once_its_notice_is_known():
    assert [year for year in range(2024, 2030) if CALENDAR.is_official(year)] == [2024, 2025, 2026]


@pytest.mark.parametrize(
    ("start", "n", "last", "provisional"),
    [
        ("2026-02-10", 7, "2026-02-26", False),
        ("2026-02-13", 7, "2026-03-02", False),
        ("2026-01-02", 7, "2026-01-12", False),
        ("2026-04-30", 7, "2026-05-13", False),
        ("2026-09-18", 7, "2026-09-29", False),
        ("2026-09-18", 10, "2026-10-09", False),
        ("2026-09-30", 7, "2026-10-15", False),
        ("2026-09-30", 10, "2026-10-20", False),
        ("2026-12-25", 7, "2027-01-06", True),
        ("2026-11-20", 7, "2026-12-01", False),
        ("2026-11-20", 10, "2026-12-04", False),
        ("2026-11-20", 30, "2027-01-04", True),
    ],
)
def test_known_periods_of_working_days(start, n, last, provisional):
    count = CALENDAR.count(d(start), n)
    assert (count.last_day, count.provisional) == (d(last), provisional)


@pytest.mark.parametrize(
    ("start", "n", "last", "provisional"),
    [
        ("2026-09-24", 7, "2026-10-12", False),  # 9-28, 29, 30, 10-8, 9, 10 (Saturday, worked), 12
        ("2026-10-09", 1, "2026-10-10", False),  # the make-up Saturday itself
        ("2026-10-09", 2, "2026-10-12", False),
        ("2026-10-01", 1, "2026-10-08", False),  # an event on a holiday
        ("2026-09-19", 1, "2026-09-20", False),  # a Saturday's next day is a worked Sunday
        ("2026-09-19", 2, "2026-09-21", False),
        ("2026-02-13", 1, "2026-02-14", False),
        ("2026-02-14", 1, "2026-02-24", False),  # an event on a make-up day: nine days off follow
        ("2026-02-27", 2, "2026-03-02", False),
        ("2026-01-01", 1, "2026-01-04", False),
        ("2026-01-01", 2, "2026-01-05", False),
        ("2026-04-03", 1, "2026-04-07", False),
        ("2026-04-30", 1, "2026-05-06", False),
        ("2026-05-08", 2, "2026-05-11", False),
        ("2026-06-18", 1, "2026-06-22", False),
        ("2026-07-31", 20, "2026-08-28", False),  # four plain weeks
        ("2026-12-30", 1, "2026-12-31", False),  # the last official day
        ("2026-12-31", 1, "2027-01-04", True),
        ("2027-02-04", 1, "2027-02-09", True),  # 除夕 and three days, no day in lieu
        ("2027-04-02", 1, "2027-04-06", True),
        ("2025-09-30", 1, "2025-10-09", False),  # 国庆 and 中秋 2025 together, to 10-8
        ("2025-09-27", 1, "2025-09-28", False),
    ],
)
def test_more_periods_of_working_days(start, n, last, provisional):
    count = CALENDAR.count(d(start), n)
    assert (count.last_day, count.provisional) == (d(last), provisional)


@pytest.mark.parametrize(
    ("start", "n", "stays", "last", "provisional"),
    [
        ("2026-09-20", 10, False, "2026-09-30", False),
        ("2026-09-21", 10, False, "2026-10-08", False),
        ("2026-09-21", 10, True, "2026-10-01", False),
        ("2026-10-03", 7, False, "2026-10-10", False),  # a Saturday, but worked
        ("2026-08-01", 1, False, "2026-08-03", False),
        ("2026-12-22", 10, False, "2027-01-04", True),
        ("2026-12-22", 10, True, "2027-01-01", False),  # no notice can move what stays
        ("2026-11-01", 90, False, "2027-02-01", True),  # 2027-01-30 is a Saturday
    ],
)
def test_calendar_days(start, n, stays, last, provisional):
    count = CALENDAR.count_days(d(start), n, stays=stays)
    assert (count.last_day, count.provisional) == (d(last), provisional)


@pytest.mark.parametrize(
    ("start", "n", "stays", "last", "provisional"),
    [
        ("2026-01-31", 1, False, "2026-02-28", False),  # a Saturday, but worked
        ("2026-09-05", 1, True, "2026-10-05", False),
        ("2026-09-05", 1, False, "2026-10-08", False),
        ("2024-01-31", 1, False, "2024-02-29", False),
        ("2025-01-31", 1, False, "2025-02-28", False),
        ("2026-10-31", 4, False, "2027-03-01", True),
        ("2026-11-30", 3, True, "2027-02-28", False),
        ("2026-12-15", 1, False, "2027-01-15", True),
        ("2026-03-31", 12, False, "2027-03-31", True),
        ("2026-01-31", 13, True, "2027-02-28", False),
        ("2026-06-30", 6, False, "2026-12-30", False),
        ("2026-05-31", 1, False, "2026-06-30", False),
    ],
)
def test_months(start, n, stays, last, provisional):
    count = CALENDAR.count_months(d(start), n, stays=stays)
    assert (count.last_day, count.provisional) == (d(last), provisional)


@pytest.mark.parametrize(
    ("day", "stays", "last"),
    [
        ("2026-04-30", False, "2026-04-30"),
        ("2026-10-01", False, "2026-10-08"),
        ("2026-10-01", True, "2026-10-01"),
        ("2027-04-30", False, "2027-04-30"),
    ],
)
def test_a_fixed_date(day, stays, last):
    assert CALENDAR.fixed(d(day), stays=stays).last_day == d(last)


def test_each_day_is_explained():
    count = CALENDAR.count(d("2026-09-30"), 4)
    assert [(str(entry.day)[5:], entry.counted, entry.reason) for entry in count.days] == [
        ("10-01", None, "国庆节"),
        ("10-02", None, "国庆节"),
        ("10-03", None, "国庆节"),
        ("10-04", None, "周日"),
        ("10-05", None, "国庆节假期"),
        ("10-06", None, "国庆节假期"),
        ("10-07", None, "国庆节假期"),
        ("10-08", 1, "第1个工作日"),
        ("10-09", 2, "第2个工作日"),
        ("10-10", 3, "调休上班（计入）"),
        ("10-11", None, "周日"),
        ("10-12", 4, "第4个工作日"),
    ]


def test_a_last_day_that_is_moved_on_is_explained():
    count = CALENDAR.count_days(d("2026-06-18"), 1)
    assert [(entry.day.day, entry.counted, entry.reason) for entry in count.days] == [
        (19, 1, "端午节，最后一日遇休息日顺延"),
        (20, None, "周六"),
        (21, None, "周日"),
        (22, None, "顺延后的最后一日"),
    ]
    kept = CALENDAR.count_days(d("2026-06-18"), 1, stays=True)
    assert [entry.reason for entry in kept.days] == ["第1日（端午节，不顺延）"]


def test_next_working_day_and_how_many_lie_between():
    assert CALENDAR.next_working(d("2026-10-01")) == d("2026-10-08")
    assert CALENDAR.next_working(d("2026-10-10")) == d("2026-10-10")
    assert CALENDAR.working_days(d("2026-09-30"), d("2026-10-12")) == 4
    assert CALENDAR.working_days(d("2026-10-12"), d("2026-10-12")) == 0
    assert CALENDAR.working_days(d("2026-10-12"), d("2026-09-30")) == 0


@pytest.mark.parametrize("year", [1900, 1949, 2100, 2101, 2200, 9000])
def test_years_beyond_the_librarys_reach_have_the_days_that_stand_in_the_law(year):
    assert not CALENDAR.is_official(year)
    assert not CALENDAR.is_working(date(year, 10, 1))
    assert CALENDAR.count(date(year, 4, 28), 10).provisional


@pytest.mark.parametrize("n", [0, -1, 3661])
def test_an_empty_or_endless_period_is_refused(n):
    for count in (CALENDAR.count, CALENDAR.count_days, CALENDAR.count_months):
        with pytest.raises(NotCountable, match="1 to 3660"):
            count(d("2026-01-01"), n)


def test_a_period_that_leaves_the_calendar_is_refused():
    with pytest.raises(NotCountable) as refused:
        CALENDAR.count(date(9999, 12, 31), 1)
    assert "9900" in refused.value.text("zh")


@given(starts, lengths)
def test_as_many_days_are_counted_as_asked_and_the_last_is_a_working_day(start, n):
    count = CALENDAR.count(start, n)
    assert CALENDAR.is_working(count.last_day)
    assert [entry.counted for entry in count.days if entry.counted] == list(range(1, n + 1))
    assert all(CALENDAR.is_working(entry.day) == (entry.counted is not None) for entry in count.days)
    assert CALENDAR.working_days(start, count.last_day) == n


@given(starts, lengths, st.sampled_from(["count", "count_days", "count_months"]), st.booleans())
def test_the_explanation_covers_every_day_from_the_next_to_the_last(start, n, way, stays):
    keywords = {} if way == "count" else {"stays": stays}
    count = getattr(CALENDAR, way)(start, n, **keywords)
    assert count.days[0].day == start + DAY
    assert count.days[-1].day == count.last_day
    assert all(later.day - earlier.day == DAY for earlier, later in pairwise(count.days))
    assert all(entry.reason for entry in count.days)


@given(starts, st.integers(0, 30), lengths, st.sampled_from(["count", "count_days", "count_months"]))
def test_a_later_start_or_a_longer_period_never_ends_earlier(start, later, n, way):
    def last(day: date, n: int) -> date:
        return getattr(CALENDAR, way)(day, n).last_day

    assert last(start, n) <= last(start + later * DAY, n)
    assert last(start, n) <= last(start, n + 1)


@given(starts, lengths, lengths)
def test_working_days_add_up(start, n, m):
    whole = CALENDAR.count(start, n + m)
    assert CALENDAR.count(CALENDAR.count(start, n).last_day, m).last_day == whole.last_day


@given(starts, lengths)
def test_what_does_not_move_is_plain_arithmetic_and_never_provisional(start, n):
    count = CALENDAR.count_days(start, n, stays=True)
    assert (count.last_day, count.provisional) == (start + n * DAY, False)


@given(starts, lengths)
def test_a_period_is_provisional_when_it_touches_a_year_without_a_notice(start, n):
    count = CALENDAR.count(start, n)
    assert count.provisional == (count.last_day.year > 2026)


@given(starts, lengths)
def test_a_moved_last_day_is_the_first_working_day_from_it(start, n):
    moved = CALENDAR.count_days(start, n).last_day
    assert moved == CALENDAR.next_working(start + n * DAY)
