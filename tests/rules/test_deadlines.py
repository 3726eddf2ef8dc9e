"""What a deadline's rule says and when it is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.calendar import base
from portal.calendar.rules import Calendar
from portal.clock import TZ, end_of, start_of
from portal.deadlines.counting import computed as computed_by
from portal.deadlines.models import Deadline
from portal.deadlines.rules import (
    Computed,
    DeadlineRule,
    Period,
    Until,
    left,
    parse_event,
    parse_period,
    parse_until,
    ripe,
)
from portal.errors import ContentFaults

CALENDAR = Calendar(0, base.year_of)


@dataclass
class Ends:
    last_day: date


def d(text: str) -> date:
    return date.fromisoformat(text)


def a_rule(length: str, **more) -> DeadlineRule:
    within = None if "-" in length else parse_period(length)
    until = parse_until(length) if "-" in length else None
    return DeadlineRule("decision", "作出决定", "duty", ("filed",), within, until, **more)


def counted(rule: DeadlineRule, event_day: date) -> Computed:
    """When a deadline of a rule is over that starts on a day, as a case counts it."""
    row = Deadline(kind=rule.kind, period=str(rule.length), event_day=event_day, own_course=False)
    return computed_by(row, rule, CALENDAR)


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("10 working days", Period(10, "working days")),
        ("1 working day", Period(1, "working days")),
        ("15 days", Period(15, "days")),
        ("1 month", Period(1, "months")),
        (" 60 days ", Period(60, "days")),
    ],
)
def test_a_length_is_read_and_written_back(text, period):
    assert parse_period(text) == period
    assert str(period) == text.strip()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10",
        "ten days",
        "10 workdays",
        "-1 days",
        "1.5 days",
        "10工作日",
        "2 years",
        "0 days",
        "121 months",
    ],
)
def test_a_length_that_cannot_be_read_says_how_to_write_it(text):
    with pytest.raises(ContentFaults) as refused:
        parse_period(text)
    [fault] = refused.value.faults
    assert text in fault.what
    assert fault.mend


def test_a_fixed_date_is_read_and_written_back():
    assert parse_until("04-30") == Until(4, 30)
    assert str(Until(4, 30)) == "04-30"
    assert Until(2, 29).of(2027) == d("2027-02-28")
    assert Until(2, 29).of(2028) == d("2028-02-29")


@pytest.mark.parametrize("text", ["4-30", "04-31", "13-01", "00-10", "04-00", "2026-04-30", "start.until", "02-30"])
def test_a_fixed_date_that_is_none_says_how_to_write_it(text):
    with pytest.raises(ContentFaults) as refused:
        parse_until(text)
    assert "04-30" in refused.value.faults[0].mend


def test_events_are_known_by_name():
    for event in ("filed", "started", "served(decision)", "entered(correct)", "done(intake.check)"):
        assert parse_event(event) == event
    for event in ("opened(publicity)", "closed(publicity)", "date(start.on)"):
        assert parse_event(event) == event
    for event in ("fild", "served", "served()", "served(a", "date", "opened()", "action(begin)"):
        with pytest.raises(ContentFaults):
            parse_event(event)


def test_a_rule_has_a_length_or_a_fixed_date_never_both():
    for within, until in [(None, None), (Period(1, "days"), Until(4, 30))]:
        with pytest.raises(ContentFaults, match="within"):
            DeadlineRule("decision", "作出决定", "duty", ("filed",), within, until)


@pytest.mark.parametrize(
    ("length", "event_day", "last_day", "provisional"),
    [
        ("10 working days", "2026-11-09", "2026-11-23", False),
        ("7 working days", "2026-09-24", "2026-10-12", False),
        ("30 working days", "2026-11-20", "2027-01-04", True),
        ("15 days", "2026-11-09", "2026-11-24", False),
        ("1 month", "2026-01-31", "2026-02-28", False),
        ("1 month", "2026-09-05", "2026-10-08", False),
        ("04-30", "2026-02-01", "2026-04-30", False),
        ("04-30", "2026-06-01", "2026-04-30", False),
        ("04-30", "2027-02-01", "2027-04-30", True),
        ("10-01", "2026-02-01", "2026-10-08", False),
    ],
)
def test_when_a_deadline_is_over(length, event_day, last_day, provisional):
    computed = counted(a_rule(length), d(event_day))
    assert (computed.last_day, computed.provisional) == (d(last_day), provisional)
    assert computed.due == datetime.combine(d(last_day) + timedelta(days=1), datetime.min.time(), TZ)
    assert computed.lines()[-1]["day"] == last_day


@pytest.mark.parametrize(
    ("length", "event_day", "last_day"),
    [
        ("1 month", "2026-09-05", "2026-10-05"),
        ("10-01", "2026-02-01", "2026-10-01"),
        ("2 days", "2026-10-01", "2026-10-03"),
    ],
)
def test_a_last_day_may_stay_on_a_holiday(length, event_day, last_day):
    assert counted(a_rule(length, holiday="stays"), d(event_day)).last_day == d(last_day)


def test_only_a_partys_right_ripens_a_minute_late():
    due = end_of(d("2026-11-23"))
    assert ripe("right", due) - due == timedelta(seconds=60)
    assert ripe("duty", due) == due == ripe("obligation", due)


@pytest.mark.parametrize(
    ("last_day", "today", "days", "light", "text"),
    [
        ("2026-11-23", "2026-11-18", 3, "green", "剩 3 个工作日"),
        ("2026-11-23", "2026-11-19", 2, "amber", "剩 2 个工作日"),
        ("2026-11-23", "2026-11-20", 1, "amber", "剩 1 个工作日"),
        ("2026-11-23", "2026-11-22", 1, "amber", "剩 1 个工作日"),
        ("2026-11-23", "2026-11-23", 0, "amber", "今日 24:00 到期"),
        ("2026-11-23", "2026-11-24", -1, "red", "超期 1 个工作日"),
        ("2026-11-23", "2026-11-25", -2, "red", "超期 2 个工作日"),
        ("2026-11-20", "2026-11-21", -1, "red", "超期不足 1 个工作日"),
        ("2026-11-20", "2026-11-23", -1, "red", "超期 1 个工作日"),
        ("2026-10-05", "2026-10-03", 1, "amber", "剩不足 1 个工作日"),
        ("2026-10-12", "2026-09-30", 4, "green", "剩 4 个工作日"),
    ],
)
def test_how_much_is_left(last_day, today, days, light, text):
    found = left(Ends(d(last_day)), start_of(d(today)) + timedelta(hours=9), CALENDAR)
    assert (found.days, found.light, found.text) == (days, light, text)


def test_the_last_second_is_in_time_and_midnight_is_over():
    due = end_of(d("2026-11-23"))
    assert left(Ends(d("2026-11-23")), due - timedelta(seconds=1), CALENDAR).days == 0
    assert left(Ends(d("2026-11-23")), due, CALENDAR).days < 0


@given(st.dates(date(2024, 1, 1), date(2030, 1, 1)), st.integers(-60, 60))
def test_left_is_zero_on_the_last_day_alone(last_day, days):
    found = left(Ends(last_day), start_of(last_day) + timedelta(days=days), CALENDAR)
    assert (found.days > 0, found.days < 0) == (days < 0, days > 0)
    assert (found.light == "red") == (days > 0)
    assert (days == 0) != ("工作日" in found.text)


@given(
    st.dates(date(2024, 1, 1), date(2030, 1, 1)),
    st.sampled_from(["1 day", "9 working days", "2 months", "06-30"]),
)
def test_due_is_the_end_of_the_last_day_and_the_explanation_ends_there(event_day, length):
    computed = counted(a_rule(length), event_day)
    assert computed.due == end_of(computed.last_day)
    assert computed.explanation[-1].day == computed.last_day
    assert CALENDAR.is_working(computed.last_day)
