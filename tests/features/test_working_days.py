"""`working days(from, n)` in expressions: by the calendar with every notice entered so far."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal import feel
from portal.calendar import service as calendars
from portal.calendar.notice import Notice
from portal.cases.names import functions_of, scope_before
from portal.cases.workdays import WorkingDays
from portal.clock import TZ
from portal.feel import FeelError, Scope
from portal.procedures.functions import FUNCTIONS
from portal.procedures.releases import regulation_in
from tests.builders.content import small

NOW = datetime(2026, 11, 21, 9, tzinfo=TZ)


@pytest.fixture
def value(tx):
    regulation = regulation_in(small())

    def evaluated(text: str, **names: object) -> object:
        functions = scope_before(tx, regulation).functions
        return feel.compile(text, FUNCTIONS).evaluate(Scope(names, functions))

    return evaluated


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ('working days(date("2026-09-30"), 1)', date(2026, 10, 8)),  # after the National Day's holidays
        ('working days(date("2026-09-30"), 3)', date(2026, 10, 10)),  # a Saturday worked in exchange
        ('working days(date("2026-10-08"), -1)', date(2026, 9, 30)),
        ('working days(date("2026-10-03"), 0)', date(2026, 10, 3)),
        ('working days(date("2026-11-20"), 1)', date(2026, 11, 23)),
        ('working days(date and time("2026-11-20T23:59:59"), 1)', date(2026, 11, 23)),
        ("working days(at, 1)", date(2026, 11, 23)),  # 16:00 UTC is the next day here
        ("working days(day, 2 + 3)", date(2026, 11, 27)),
        ("working  days(day, 1) = day", False),
        ('working days("2026-11-20", 1)', None),
        ("working days(null, 1)", None),
        ("working days(day, 1.5)", None),
        ("working days(day, null)", None),
        ("working days(day, 3661)", None),
        ("working days(day, -3661)", None),
        ('working days(date("0001-01-05"), -30)', None),
        ('working days(date("9999-12-31"), 1)', None),
    ],
)
def test_the_day_so_many_working_days_away(value, text, day):
    assert value(text, day=date(2026, 11, 20), at=datetime(2026, 11, 20, 16, tzinfo=UTC)) == day


def test_a_notice_entered_counts_at_once(tx):
    asked = 'working days(date("2027-09-14"), 1)'
    regulation = regulation_in(small())

    def found() -> object:
        return feel.compile(asked, FUNCTIONS).evaluate(Scope({}, functions_of(tx, regulation)))

    assert found() == date(2027, 9, 16)  # the Mid-Autumn Festival stands in the law
    days = [date(2027, 1, 1), date(2027, 2, 5), date(2027, 2, 6), date(2027, 2, 7), date(2027, 2, 8), date(2027, 4, 5)]
    days += [date(2027, 5, 1), date(2027, 5, 2), date(2027, 6, 9), date(2027, 9, 15), date(2027, 9, 16)]
    days += [date(2027, 10, 1), date(2027, 10, 2), date(2027, 10, 3)]
    calendars.enter(tx, Notice(2027, "国办发明电〔2026〕0号", "https://www.gov.cn/", tuple(days), ()), 1, NOW)
    assert found() == date(2027, 9, 17)


def test_its_arguments_are_counted_when_it_is_read():
    with pytest.raises(FeelError, match="working days"):
        feel.compile("working days(day)", FUNCTIONS)
    assert feel.compile("working days(day, 1)", FUNCTIONS).paths == {("day",)}


@settings(max_examples=60)
@given(st.dates(date(2024, 1, 1), date(2030, 12, 31)), st.integers(1, 60))
def test_there_and_back_again(start, n):
    calendar = calendars._calendar(0, ())
    days = WorkingDays(None)
    days.__dict__["_calendar"] = calendar
    later = days(start, feel.compile(str(n)).evaluate(Scope({})))
    assert calendar.working_days(start, later) == n
    assert calendar.is_working(later)
    back = days(later, feel.compile(str(-n)).evaluate(Scope({})))
    assert back <= start
    assert calendar.working_days(back, later) == n
