"""Entering an official notice makes the next version of the calendar."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from portal.calendar import service as calendars
from portal.calendar.notice import FaultyNotice, Notice
from portal.clock import TZ

NOW = datetime(2026, 11, 21, 9, tzinfo=TZ)


def in_2027(*days: str) -> tuple[date, ...]:
    return tuple(date.fromisoformat(f"2027-{day}") for day in days)


# Made up: the true notice for 2027 is not out.
NOTICE = Notice(
    year=2027,
    number="国办发明电〔2026〕0号",
    source="https://www.gov.cn/",
    days_off=in_2027(
        *("01-01", "01-02", "01-03", "02-05", "02-06", "02-07", "02-08", "02-09", "02-10", "02-11"),
        *("04-03", "04-04", "04-05", "05-01", "05-02", "05-03", "06-09", "09-15"),
        *("10-01", "10-02", "10-03", "10-04", "10-05"),
    ),
    days_worked=in_2027("01-31", "02-13", "02-14"),
)


def test_without_notices_the_calendar_is_the_librarys(tx):
    calendar = calendars.current(tx)
    assert calendar.version == 0
    assert calendar.is_official(2026)
    assert not calendar.is_official(2027)


def test_a_notice_makes_a_new_version_that_is_definite(tx):
    calendar = calendars.enter(tx, NOTICE, by=7, at=NOW)
    [row] = calendars.entered(tx)
    assert calendar.version == row.id > 0
    assert (row.year, row.number, row.entered_by, row.entered_at) == (2027, NOTICE.number, 7, NOW)
    assert calendar.is_official(2027)
    count = calendar.count(date(2027, 2, 4), 1)
    assert (count.last_day, count.provisional) == (date(2027, 2, 12), False)


def test_the_calendar_of_a_version_is_made_once(tx):
    calendars.enter(tx, NOTICE, by=7, at=NOW)
    assert calendars.current(tx) is calendars.current(tx)


def test_a_later_notice_for_the_year_replaces_the_earlier(tx):
    first = calendars.enter(tx, NOTICE, by=7, at=NOW)
    second = calendars.enter(tx, replace(NOTICE, days_worked=in_2027("02-13")), by=7, at=NOW)
    assert second.version > first.version
    assert first.is_working(date(2027, 1, 31))
    assert not second.is_working(date(2027, 1, 31))


def test_a_faulty_notice_leaves_the_calendar_as_it_was(tx):
    with pytest.raises(FaultyNotice):
        calendars.enter(tx, replace(NOTICE, days_worked=in_2027("03-01")), by=7, at=NOW)
    assert calendars.current(tx).version == 0


def test_what_was_entered_cannot_be_changed(tx):
    calendars.enter(tx, NOTICE, by=7, at=NOW)
    with pytest.raises(DBAPIError, match="append-only"), tx.begin_nested():
        tx.execute(text("UPDATE holiday_notices SET number = 'x'"))
