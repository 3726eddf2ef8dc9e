"""Clocks that stand, periods that are extended, scopes: counted against a naive walk from day to day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.calendar import base
from portal.calendar.rules import Calendar, Year
from portal.clock import TZ, end_of, start_of
from portal.deadlines import english, scopes, wording
from portal.deadlines.pausing import Pause, Stood, so_far
from portal.deadlines.rules import (
    Fixed,
    Length,
    Period,
    course,
    explained,
    parse_length,
    parse_until,
    parse_while,
)

CALENDAR = Calendar(0, base.year_of)
FIRST = date(2026, 3, 2)
DAY = timedelta(days=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TZ)


def paused(*spans: tuple[str, str], why: str = "补正") -> list[Pause]:
    return [Pause(why, at(since), at(until)) for since, until in spans]


def last(length: str, kind: str, *spans: tuple[str, str], event: str = "2026-03-02", extensions=(), stays=False) -> str:
    counted = course(
        parse_length(length),
        date.fromisoformat(event),
        CALENDAR,
        stays=stays,
        extensions=extensions,
        aside=Stood(kind, paused(*spans)),
    )
    return counted.last_day.isoformat()


# The rule, by hand. 2026-03-02 is a Monday.


@pytest.mark.parametrize(
    ("kind", "spans", "day"),
    [
        ("duty", [], "2026-03-16"),
        ("right", [], "2026-03-16"),
        # From Thursday afternoon to Monday noon: touched 5, 6, 9 March; wholly covered only the 6th.
        ("right", [("2026-03-05T15:00", "2026-03-09T12:00")], "2026-03-19"),
        ("minimum", [("2026-03-05T15:00", "2026-03-09T12:00")], "2026-03-19"),
        ("duty", [("2026-03-05T15:00", "2026-03-09T12:00")], "2026-03-17"),
        ("obligation", [("2026-03-05T15:00", "2026-03-09T12:00")], "2026-03-17"),
        # Within one day.
        ("duty", [("2026-03-05T10:00", "2026-03-05T15:00")], "2026-03-16"),
        ("right", [("2026-03-05T10:00", "2026-03-05T15:00")], "2026-03-17"),
        # Two that overlap stand as one; two that meet cover the day between them.
        ("duty", [("2026-03-05T15:00", "2026-03-06T12:00"), ("2026-03-06T09:00", "2026-03-09T12:00")], "2026-03-17"),
        ("duty", [("2026-03-05T15:00", "2026-03-06T12:00"), ("2026-03-06T12:00", "2026-03-09T12:00")], "2026-03-17"),
        ("duty", [("2026-03-05T15:00", "2026-03-06T12:00"), ("2026-03-06T13:00", "2026-03-09T12:00")], "2026-03-16"),
        # Begun on the last day: a duty is not over while its clock stands.
        ("duty", [("2026-03-16T15:00", "2026-03-25T09:00")], "2026-03-25"),
        ("duty", [("2026-03-16T15:00", "2026-03-28T09:00")], "2026-03-30"),
        ("right", [("2026-03-16T15:00", "2026-03-25T09:00")], "2026-03-26"),
        # No length is no pause; nor is one before the count or on the day of the event.
        ("right", [("2026-03-05T15:00", "2026-03-05T15:00")], "2026-03-16"),
        ("right", [("2026-03-02T09:00", "2026-03-02T15:00")], "2026-03-16"),
    ],
)
def test_ten_working_days_with_pauses(kind, spans, day):
    assert last("10 working days", kind, *spans) == day


@pytest.mark.parametrize(
    ("length", "kind", "spans", "day"),
    [
        ("15 days", "right", [("2026-03-05T15:00", "2026-03-09T12:00")], "2026-03-23"),  # 22 March is a Sunday
        ("15 days", "duty", [("2026-03-05T15:00", "2026-03-09T12:00")], "2026-03-20"),
        ("1 month", "right", [], "2026-04-02"),
        ("1 month", "right", [("2026-03-05T15:00", "2026-03-06T12:00")], "2026-04-07"),  # 4–6 April: Qingming
        ("03-31", "duty", [("2026-03-05T15:00", "2026-03-09T12:00")], "2026-04-03"),
        ("2026-03-31", "right", [("2026-03-05T15:00", "2026-03-06T12:00")], "2026-04-02"),
        ("2026-03-31", "duty", [("2026-03-31T15:00", "2026-04-02T12:00")], "2026-04-02"),
        ("03-01", "duty", [("2026-03-05T15:00", "2026-03-09T12:00")], "2026-03-02"),  # over before it began
        # The day itself, at whose end the clock stood.
        ("03-02", "duty", [("2026-03-02T15:00", "2026-03-05T12:00")], "2026-03-05"),
        ("03-02", "right", [("2026-03-02T15:00", "2026-03-05T12:00")], "2026-03-06"),
    ],
)
def test_other_lengths_with_pauses(length, kind, spans, day):
    assert last(length, kind, *spans) == day


@pytest.mark.parametrize(
    ("length", "extensions", "day"),
    [
        ("10 working days", [Period(10, "working days")], "2026-03-30"),
        ("10 working days", [Period(5, "working days"), Period(5, "working days")], "2026-03-30"),
        ("10 days", [Period(5, "days")], "2026-03-17"),
        ("10 days", [Period(2, "working days")], "2026-03-16"),
        ("1 month", [Period(1, "months")], "2026-05-06"),  # 2 May is a holiday
        ("03-31", [Period(2, "working days")], "2026-04-02"),
    ],
)
def test_an_extension_is_one_period_with_what_it_extends_where_the_unit_is_the_same(length, extensions, day):
    assert last(length, "duty", extensions=extensions) == day


def test_each_day_says_why_it_counts_or_does_not():
    days = course(
        Period(3, "working days"),
        FIRST,
        CALENDAR,
        aside=Stood("right", paused(("2026-03-05T15:00", "2026-03-06T12:00"))),
    ).explanation
    assert [(str(one.day), one.counted, one.reason) for one in days] == [
        ("2026-03-03", 1, "第1个工作日"),
        ("2026-03-04", 2, "第2个工作日"),
        ("2026-03-05", None, "暂停计时（补正）"),
        ("2026-03-06", None, "暂停计时（补正）"),
        ("2026-03-07", None, "周六"),
        ("2026-03-08", None, "周日"),
        ("2026-03-09", 3, "第3个工作日"),
    ]


def test_the_reasons_of_a_day_are_told_together():
    stood = Stood("right", [Pause("补正", at("2026-03-05T09:00"), at("2026-03-05T10:00")),
                            Pause("专家评审", at("2026-03-05T09:30"), at("2026-03-06T10:00"))])  # fmt: skip
    assert stood.skips(date(2026, 3, 5)) == "暂停计时（补正、专家评审）"
    assert stood.skips(date(2026, 3, 6)) == "暂停计时（专家评审）"
    assert stood.skips(date(2026, 3, 7)) is None


def test_the_days_so_far_end_today_and_are_those_that_stay():
    pauses = [Pause("补正", at("2026-03-05T15:00"))]
    days = so_far(Period(10, "working days"), FIRST, CALENDAR, "right", pauses, (), at("2026-03-06T10:00"))
    assert [(one.day.day, one.counted) for one in days] == [(3, 1), (4, 2), (5, None), (6, None)]
    duty = so_far(Period(10, "working days"), FIRST, CALENDAR, "duty", pauses, (), at("2026-03-06T10:00"))
    assert [(one.day.day, one.counted) for one in duty] == [(3, 1), (4, 2), (5, 3), (6, None)]


# Against a naive oracle


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """A made-up year of days off and weekend days worked."""
    days = st.integers(0, 200).map(lambda n: FIRST + n * DAY)
    off = draw(st.sets(days, max_size=25))
    worked = {day for day in draw(st.sets(days, max_size=10)) if day.weekday() > 4 and day not in off}
    year = Year(True, dict.fromkeys(off, "放假"), frozenset(worked))
    return Calendar(0, lambda number: year if number == FIRST.year else Year(True, {}))


@st.composite
def pauses_of(draw: st.DrawFn) -> list[Pause]:
    hours = st.integers(0, 24 * 60)
    starts = draw(st.lists(st.tuples(hours, st.integers(0, 24 * 12)), max_size=5))
    begin = start_of(FIRST)
    return [
        Pause("补正", begin + timedelta(hours=since), begin + timedelta(hours=since + length))
        for since, length in starts
    ]


def stands(pauses: list[Pause], moment: datetime) -> bool:
    return any(one.since <= moment < one.until for one in pauses if one.until is not None)


def naive(length: Period, calendar: Calendar, kind: str, pauses: list[Pause], stays: bool) -> date:
    """The last day, found by looking at each hour of each day: pauses begin and end on the hour."""
    day, counted, moves = FIRST, 0, length.unit == "working days" or not stays
    while True:
        day += DAY
        hours = [stands(pauses, start_of(day) + timedelta(hours=hour)) for hour in range(24)]
        skipped = any(hours) if kind in ("right", "minimum") else all(hours)
        counts = not skipped and (length.unit == "days" or calendar.is_working(day))
        counted += counts and counted < length.amount
        may_end = not skipped and not hours[-1] and (calendar.is_working(day) if moves else True)
        if counted == length.amount and may_end:
            return day


@settings(max_examples=1000, deadline=None)
@given(
    calendars(),
    st.sampled_from(["right", "minimum", "duty", "obligation"]),
    st.integers(1, 30),
    st.sampled_from(["working days", "days"]),
    st.lists(st.integers(1, 10), max_size=2),
    pauses_of(),
    st.booleans(),
)
def test_counted_like_a_naive_walk_by_the_hour(calendar, kind, amount, unit, more, pauses, stays):
    counted = course(
        Period(amount, unit),
        FIRST,
        calendar,
        stays=stays,
        extensions=[Period(one, unit) for one in more],
        aside=Stood(kind, pauses),
    )
    assert counted.last_day == naive(Period(amount + sum(more), unit), calendar, kind, pauses, stays)
    numbers = [one.counted for one in counted.explanation if one.counted is not None]
    assert numbers == list(range(1, amount + sum(more) + 1))
    days = [one.day for one in counted.explanation]
    assert days == [FIRST + (n + 1) * DAY for n in range(len(days))]
    assert counted.due == end_of(counted.last_day)


LENGTHS: list[Length] = [
    *(Period(10, "working days"), Period(12, "days"), Period(1, "months")),
    *(Fixed(date(2026, 3, 20)), Fixed(FIRST)),
]


@settings(max_examples=150, deadline=None)
@given(calendars(), st.sampled_from(["right", "duty"]), st.sampled_from(LENGTHS), pauses_of(), pauses_of())
def test_a_pause_moves_no_end_to_an_earlier_day(calendar, kind, length, some, more):
    without = course(length, FIRST, calendar, aside=Stood(kind, some)).due
    assert course(length, FIRST, calendar, aside=Stood(kind, some + more)).due >= without


@settings(max_examples=150, deadline=None)
@given(calendars(), st.sampled_from(LENGTHS), pauses_of(), st.integers(0, 24 * 40))
def test_stopping_and_restarting_within_a_day_changes_nothing_for_a_duty(calendar, length, some, hour):
    since = start_of(FIRST) + timedelta(hours=hour)
    # Beside another pause it may cover a day together with it: alone it never does.
    alone = [Pause("补正", since, since + timedelta(minutes=59))]
    assert course(length, FIRST, calendar, aside=Stood("duty", alone)) == course(length, FIRST, calendar)
    at_once = [*some, Pause("补正", since, since)]
    for kind in ("duty", "right"):
        assert course(length, FIRST, calendar, aside=Stood(kind, at_once)) == course(
            length, FIRST, calendar, aside=Stood(kind, some)
        )


@settings(max_examples=150, deadline=None)
@given(calendars(), st.sampled_from(["right", "duty"]), st.sampled_from(LENGTHS), pauses_of())
def test_no_period_ends_while_its_clock_stands(calendar, kind, length, pauses):
    counted = course(length, FIRST, calendar, aside=Stood(kind, pauses))
    assert not stands(pauses, counted.due - timedelta(seconds=1))


# Names


def test_lengths_and_whiles_are_read_as_they_are_written():
    assert parse_length("2026-12-31") == Fixed(date(2026, 12, 31))
    assert str(parse_length("2026-12-31")) == "2026-12-31"
    assert parse_length("04-30") == parse_until("04-30")
    assert (parse_while("correct").kind, parse_while("correct").what) == ("element", "correct")
    assert (parse_while("cases(publicity-objection)").kind, parse_while("cases(@objection)").what) == (
        "cases",
        "@objection",
    )
    assert str(parse_while("cases(publicity-objection)")) == "cases(publicity-objection)"


# Scopes


class Row:
    def __init__(self, name: str, scope: str) -> None:
        self.name, self.scope = name, scope


def test_a_name_means_the_nearest_deadline_around_it_else_the_newest():
    rows = [Row("reply", ""), Row("reply", "review:1/seat:1.1"), Row("reply", "review:1/seat:1.3")]
    assert scopes.meant(rows, "review:1/seat:1.1")["reply"] is rows[1]
    assert scopes.meant(rows, "review:1/seat:1.1/inner:2")["reply"] is rows[1]
    assert scopes.meant(rows, "review:1/seat:1.2")["reply"] is rows[0]
    assert scopes.meant(rows, "")["reply"] is rows[0]
    assert scopes.meant(rows[1:], "publicity:1")["reply"] is rows[2]
    again = [*rows, Row("reply", "review:1/seat:1.1")]
    assert scopes.meant(again, "review:1/seat:1.1")["reply"] is again[3]


@pytest.mark.parametrize(
    ("event", "deadline", "reached"),
    [
        ("", "review:1/seat:1.3", True),
        ("review:1/seat:1.3", "", True),
        ("review:1/seat:1.3", "review:1", True),
        ("review:1/seat:1.3", "review:1/seat:1.2", False),
        ("review:1/seat:1.1", "review:1/seat:1.10", False),
        ("review:2", "review:1", False),
    ],
)
def test_an_event_reaches_the_scopes_around_and_below_it(event, deadline, reached):
    assert scopes.reaches(event, deadline) is reached


def test_a_seat_is_a_scope_whatever_its_visits():
    assert scopes.seat("review:1/seat:4.3") == scopes.seat("review:2/seat:1.3") == "review/seat.3"
    assert scopes.seat("review:1/seat:1.2") != scopes.seat("review:1/seat:1.3")
    assert scopes.manys("review:1/seat:1.3/inner:1") == ["review:1/seat:1."]
    assert scopes.manys("a:1.2/b:3.4") == ["a:1.", "a:1.2/b:3."]
    assert scopes.manys("review:1") == scopes.manys("") == []
    assert scopes.instance("review:1/seat:1.3/inner:1") == "review:1/seat:1.3"
    assert scopes.instance("review:1") == ""


# In words


@dataclass
class Told:
    event: str
    event_day: date
    last_day: date
    period: str
    provisional: bool
    explanation: list
    state: str = "running"
    stood: tuple[Pause, ...] = ()
    lengthened: tuple[Period, ...] = ()


def story(length: str, kind: str, *spans: tuple[str, str], extensions=()) -> Told:
    pauses = paused(*spans)
    counted = course(
        parse_length(length), FIRST, CALENDAR, extensions=extensions, aside=Stood(kind, pauses)
    )  # fmt: skip
    return Told(
        "filed", FIRST, counted.last_day, length, False, counted.lines(), stood=tuple(pauses), lengthened=extensions
    )


STORIES = [
    (
        story("3 working days", "right", ("2026-03-05T15:00", "2026-03-06T12:00")),
        "3月2日接到申请，次日起算；跳过3月7日、8日（周末）；3月5日、6日暂停计时（补正），不计；第3个工作日为3月9日，当日24:00届满。",
        "Application received on 2 Mar, counted from the next day; skipping 7–8 Mar (weekend); the clock stood 5–6 Mar "
        "(补正), which does not count; working day 3 is 9 Mar, over at 24:00 of that day.",
    ),
    (
        story("3 working days", "duty", ("2026-03-05T15:00", "2026-03-10T12:00")),
        "3月2日接到申请，次日起算；3月6日至9日暂停计时（补正），不计；第3个工作日为3月5日，该日24:00仍在暂停计时，"
        "顺延至3月10日，当日24:00届满。",
        "Application received on 2 Mar, counted from the next day; the clock stood 6–9 Mar (补正), which does not "
        "count; working day 3 is 5 Mar, at whose end the clock stood, so it moves on to 10 Mar, over at 24:00 of that "
        "day.",
    ),
    (
        story("03-31", "right", ("2026-03-05T15:00", "2026-03-06T12:00")),
        "3月2日接到申请；3月5日、6日暂停计时（补正），不计；期限为固定日期3月31日，因暂停计时顺延2日至4月2日，当日24:00届满。",
        "Application received on 2 Mar; the clock stood 5–6 Mar (补正), which does not count; the period ends on a "
        "fixed date, 31 Mar, put off by 2 days on which the clock stood, to 2 Apr, over at 24:00 of that day.",
    ),
    (
        story("10 days", "duty", extensions=(Period(2, "working days"),)),
        "3月2日接到申请，次日起算；期限为10日，再加2个工作日；最后一日为3月16日，当日24:00届满。",
        "Application received on 2 Mar, counted from the next day; the period is 10 days and then 2 working days; its "
        "last day is 16 Mar, over at 24:00 of that day.",
    ),
]


@pytest.mark.parametrize(("told", "chinese", "in_english"), STORIES)
def test_the_sentence_tells_what_stood_and_what_was_added(told, chinese, in_english):
    assert wording.why(told) == chinese
    assert english.why(told) == in_english


def test_while_it_stands_the_sentence_tells_what_is_left():
    pauses = (Pause("补正", at("2026-03-05T15:00")),)
    days = so_far(Period(10, "working days"), FIRST, CALENDAR, "right", pauses, (), at("2026-03-05T15:00"))
    told = Told("filed", FIRST, FIRST, "10 working days", False, [explained(one) for one in days], "paused", pauses)
    assert wording.why(told) == (
        "3月2日接到申请，次日起算；3月5日暂停计时（补正），不计；已计2个工作日；3月5日起暂停计时（补正）；"
        "恢复计时后，接着计算剩余8个工作日。"
    )
    assert english.why(told) == (
        "Application received on 2 Mar, counted from the next day; the clock stood 5 Mar (补正), which does not count; "
        "2 working days counted so far; the clock stands since 5 Mar (补正); when it runs again, the remaining 8 "
        "working days are counted."
    )


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ("暂停计时（补正）", "the clock stood (补正)"),
        ("固定期限日2026-03-31顺延1日", "fixed date 31 Mar 2026, put off by 1 day"),
        (
            "2026-03-12经局领导批准延长10个工作日，理由：案情复杂",
            "extended by 10 working days on 12 Mar 2026, decided by 局领导: 案情复杂",
        ),
        ("期限长度由5个工作日改为8个工作日", "its length was changed from 5 working days to 8 working days"),
        ("期限长度由1个月改为2026年4月30日", "its length was changed from 1 month to 30 Apr 2026"),
        ("补正已结束", "“补正” is over"),
        ("补正已结束，仍在暂停", "“补正” is over; the clock still stands"),
        (
            "起算日的日期由2026-04-01更正为2026-03-20",
            "the day of “starting day” was corrected from 1 Apr 2026 to 20 Mar 2026",
        ),
        ("恢复计时后的最后一日", "last day after the clock ran again"),
    ],
)
def test_stored_reasons_are_told_in_english(stored, said):
    assert english.reason(stored) == said
