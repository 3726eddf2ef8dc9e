"""The deadlines of a case on the database: start, meet, move, drop."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError

from portal.calendar import base
from portal.calendar.notice import Notice, with_notices
from portal.calendar.rules import Calendar
from portal.clock import TZ, end_of
from portal.deadlines import service as deadlines
from portal.deadlines.models import Deadline
from portal.deadlines.rules import DeadlineRule, left, parse_period, parse_until
from portal.deadlines.wording import why

CASE = 4711
CALENDAR = Calendar(0, base.year_of)

OBJECTION = DeadlineRule(
    "objection", "提出异议", "right", ("served(notice)",), parse_period("7 working days"), basis="11.2"
)
DECISION = DeadlineRule(
    "decision",
    "作出复核决定",
    "duty",
    ("filed",),
    parse_period("10 working days"),
    met=("issued(decision)", "issued(refusal)"),
    basis="11.2",
)
CORRECTION = DeadlineRule(
    "correction",
    "补正材料",
    "right",
    ("entered(correct)",),
    parse_period("3 working days"),
    met=("done(correct)",),
    assumed="文本未规定",
)
REPORT = DeadlineRule("report", "报送报告", "obligation", ("started",), until=parse_until("04-30"))
ASSESSMENT = DeadlineRule("assessment", "评估", "duty", ("filed", "done(correct)"), parse_period("30 working days"))
RULES = (OBJECTION, DECISION, CORRECTION, REPORT, ASSESSMENT)


@pytest.fixture(autouse=True)
def _no_cases(tx):
    """Deadlines are tested without cases: the key to them is dropped until the test's rollback."""
    tx.execute(text("ALTER TABLE deadlines DROP CONSTRAINT fk_deadlines_case_id_cases"))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TZ)


def happens(tx, event: str, moment: str, *rules: DeadlineRule, calendar: Calendar = CALENDAR):
    return deadlines.happened(tx, CASE, rules or RULES, event, at(moment), calendar)


def running(tx) -> dict[str, Deadline]:
    return {row.name: row for row in deadlines.of_case(tx, CASE) if row.state == "running"}


def with_notice(version: int, days_off: tuple[str, ...] = (), days_worked: tuple[str, ...] = ()) -> Calendar:
    """The calendar with a made-up notice for 2027: its statutory days, and these."""
    notice = Notice(
        2027,
        "国办发明电〔2026〕0号",
        "https://www.gov.cn/",
        (*base.statutory(2027), *map(date.fromisoformat, days_off)),
        tuple(map(date.fromisoformat, days_worked)),
    )
    return Calendar(version, with_notices(base.year_of, base.statutory, [notice]))


def test_an_event_starts_the_deadlines_that_run_from_it(tx):
    changes = happens(tx, "filed", "2026-11-09T15:00", DECISION, CORRECTION)
    [row] = deadlines.of_case(tx, CASE)
    assert (row.name, row.title, row.kind, row.basis) == ("decision", "作出复核决定", "duty", "11.2")
    assert (row.event, row.event_day, row.started_at) == ("filed", date(2026, 11, 9), at("2026-11-09T15:00"))
    assert (row.last_day, row.due) == (date(2026, 11, 23), at("2026-11-24T00:00"))
    assert (row.state, row.met_at, row.calendar_version, row.provisional) == ("running", None, 0, False)
    assert row.explanation[0] == {"day": "2026-11-10", "counted": 1, "reason": "第1个工作日"}
    assert row.explanation[-1] == {"day": "2026-11-23", "counted": 10, "reason": "第10个工作日"}
    [change] = changes
    assert change.details == {
        "what": "started",
        "deadline": "decision",
        "title": "作出复核决定",
        "old_due": None,
        "new_due": "2026-11-24T00:00:00+08:00",
        "provisional": False,
        "reason": "接到申请",
        "stands": {
            "kind": "duty",
            "period": "10 working days",
            "event": "filed",
            "event_day": "2026-11-09",
            "met_at": None,
        },
    }
    assert change.deadline_id == row.id


def test_a_stored_deadline_can_be_told_and_lit(tx):
    happens(tx, "filed", "2026-11-09T15:00", DECISION)
    tx.expire_all()
    [row] = deadlines.of_case(tx, CASE)
    assert why(row).startswith("11月9日接到申请，次日起算；跳过")
    assert left(row, at("2026-11-20T09:00"), CALENDAR).text == "剩 1 个工作日"
    assert row.ripe == row.due


def test_the_day_of_an_event_is_that_of_shanghai(tx):
    moment = datetime.fromisoformat("2026-11-09T17:00+00:00")
    deadlines.happened(tx, CASE, [DECISION], "filed", moment, CALENDAR)
    assert running(tx)["decision"].event_day == date(2026, 11, 10)


def test_a_right_ripens_a_minute_after_it_is_due(tx):
    happens(tx, "served(notice)", "2026-09-24T10:00")
    row = running(tx)["objection"]
    assert row.last_day == date(2026, 10, 12)
    assert row.ripe - row.due == timedelta(seconds=60)


def test_a_fixed_date(tx):
    happens(tx, "started", "2026-02-01T09:00")
    assert running(tx)["report"].due == end_of(date(2026, 4, 30))
    assert running(tx)["report"].period == "04-30"


@pytest.mark.parametrize("event", ["issued(decision)", "issued(refusal)"])
def test_an_event_meets_a_deadline(tx, event):
    happens(tx, "filed", "2026-11-09T15:00", DECISION)
    [change] = happens(tx, event, "2026-11-20T10:00", DECISION)
    [row] = deadlines.of_case(tx, CASE)
    assert (row.state, row.met_at) == ("met", at("2026-11-20T10:00"))
    assert (change.what, change.old_due, change.new_due) == ("met", row.due, None)


def test_a_deadline_met_late_is_met_and_keeps_when(tx):
    happens(tx, "filed", "2026-11-09T15:00", DECISION)
    happens(tx, "issued(decision)", "2026-11-30T10:00", DECISION)
    [row] = deadlines.of_case(tx, CASE)
    assert row.state == "met"
    assert row.met_at > row.due


def test_other_events_change_nothing(tx):
    assert happens(tx, "issued(notice)", "2026-11-09T15:00") == []
    assert happens(tx, "issued(decision)", "2026-11-09T15:00") == []
    assert deadlines.of_case(tx, CASE) == []


def test_a_repeated_event_starts_anew_and_drops_the_old(tx):
    happens(tx, "entered(correct)", "2026-11-09T15:00")
    changes = happens(tx, "entered(correct)", "2026-11-11T15:00")
    old, new = deadlines.of_case(tx, CASE)
    assert (old.state, new.state) == ("dropped", "running")
    assert new.last_day == date(2026, 11, 16)
    assert [change.what for change in changes] == ["dropped", "started"]
    assert deadlines.latest(tx, CASE) == {"correction": new}


def test_a_met_deadline_starts_anew_and_stays_met(tx):
    happens(tx, "entered(correct)", "2026-11-09T15:00", CORRECTION)
    happens(tx, "done(correct)", "2026-11-10T15:00", CORRECTION)
    happens(tx, "entered(correct)", "2026-11-12T15:00", CORRECTION)
    old, new = deadlines.of_case(tx, CASE)
    assert (old.state, old.met_at, new.state) == ("met", at("2026-11-10T15:00"), "running")


def test_of_several_events_the_latest_counts(tx):
    happens(tx, "filed", "2026-11-09T15:00", ASSESSMENT)
    happens(tx, "done(correct)", "2026-11-12T15:00", ASSESSMENT)
    assert running(tx)["assessment"].event_day == date(2026, 11, 12)
    assert happens(tx, "filed", "2026-11-05T15:00", ASSESSMENT) == []
    assert running(tx)["assessment"].event == "done(correct)"


def test_of_events_of_the_case_and_of_a_call_the_latest_counts_too(tx):
    happens(tx, "filed", "2026-11-09T15:00", ASSESSMENT)
    for day in ("12", "16"):
        deadlines.happened(tx, CASE, [ASSESSMENT], "done(correct)", at(f"2026-11-{day}T15:00"), CALENDAR, "intake:1")
    assert [(row.event_day.day, row.scope, row.state) for row in deadlines.of_case(tx, CASE)] == [
        (9, "", "dropped"), (12, "intake:1", "dropped"), (16, "intake:1", "running"),
    ]  # fmt: skip


def test_one_deadline_of_a_name_runs(tx):
    happens(tx, "filed", "2026-11-09T15:00", DECISION)
    copy = {
        column.key: getattr(running(tx)["decision"], column.key)
        for column in Deadline.__table__.columns
        if column.key != "id"
    }
    with pytest.raises(IntegrityError, match="uq_deadlines_live"), tx.begin_nested():
        tx.execute(insert(Deadline).values(**copy))


def test_the_end_of_a_case_drops_what_runs_but_for_what_is_kept(tx):
    happens(tx, "filed", "2026-11-09T15:00", DECISION, CORRECTION)
    happens(tx, "issued(decision)", "2026-11-10T15:00", DECISION)
    happens(tx, "entered(correct)", "2026-11-10T15:00", CORRECTION)
    happens(tx, "served(notice)", "2026-11-10T15:00", OBJECTION)
    changes = deadlines.drop_running(tx, CASE, at("2026-11-12T10:00"), lambda row: row.name == "objection")
    states = {name: row.state for name, row in deadlines.latest(tx, CASE).items()}
    assert states == {"decision": "met", "correction": "dropped", "objection": "running"}
    assert [(change.what, change.name) for change in changes] == [("dropped", "correction")]


def test_the_cases_are_kept_apart(tx):
    happens(tx, "filed", "2026-11-09T15:00", DECISION)
    deadlines.happened(tx, CASE + 1, [DECISION], "issued(decision)", at("2026-11-10T09:00"), CALENDAR)
    assert deadlines.drop_running(tx, CASE + 1, at("2026-11-12T10:00")) == []
    assert running(tx)["decision"].case_id == CASE


def test_a_notice_makes_a_provisional_deadline_definite(tx):
    happens(tx, "filed", "2026-12-21T09:00", DECISION)
    row = running(tx)["decision"]
    assert (row.last_day, row.provisional) == (date(2027, 1, 5), True)
    assert "暂定" in why(row)
    [change] = deadlines.recompute(tx, CASE, RULES, with_notice(1), at("2026-12-22T09:00"))
    assert (change.what, change.old_due, change.new_due) == ("confirmed", row.due, row.due)
    assert (row.provisional, row.calendar_version) == (False, 1)
    assert "暂定" not in why(row)


def test_a_notice_moves_the_end_and_the_explanation(tx):
    happens(tx, "filed", "2026-12-21T09:00", DECISION)
    later = with_notice(1, days_off=("2027-01-04",))
    [change] = deadlines.recompute(tx, CASE, RULES, later, at("2026-12-22T09:00"))
    row = running(tx)["decision"]
    assert (change.what, change.old_due) == ("moved", end_of(date(2027, 1, 5)))
    assert change.new_due == row.due == end_of(date(2027, 1, 6))
    assert {"day": "2027-01-04", "counted": None, "reason": "元旦假期"} in row.explanation
    assert deadlines.recompute(tx, CASE, RULES, later, at("2026-12-22T09:00")) == []


def test_a_notice_may_move_the_end_forward(tx):
    happens(tx, "filed", "2026-12-21T09:00", DECISION)
    earlier = with_notice(1, days_worked=("2027-01-02",))
    deadlines.recompute(tx, CASE, RULES, earlier, at("2026-12-22T09:00"))
    assert running(tx)["decision"].last_day == date(2027, 1, 4)


def test_what_is_past_stays_and_says_why(tx):
    happens(tx, "filed", "2026-12-21T09:00", DECISION)
    moment = at("2027-01-06T00:00")
    [change] = deadlines.recompute(tx, CASE, RULES, with_notice(1, days_off=("2027-01-04",)), moment)
    row = running(tx)["decision"]
    assert (change.what, change.old_due, change.new_due) == ("kept", row.due, row.due)
    assert (row.last_day, row.provisional) == (date(2027, 1, 5), False)
    reason = "放假安排更新后应为2027-01-06，但原期限2027-01-05已届满，不再变动"
    assert row.explanation[-1] == {"day": "2027-01-06", "counted": None, "reason": reason}
    assert why(row).endswith(f"第10个工作日为2027年1月5日，当日24:00届满。{reason}。")


def test_what_would_move_into_the_past_stays_and_says_why_once(tx):
    happens(tx, "filed", "2026-12-21T09:00", DECISION)
    earlier = with_notice(1, days_worked=("2027-01-02",))
    moment = at("2027-01-05T00:00")
    [change] = deadlines.recompute(tx, CASE, RULES, earlier, moment)
    row = running(tx)["decision"]
    assert (change.what, row.last_day, row.calendar_version) == ("kept", date(2027, 1, 5), 1)
    assert "但该日已过" in row.explanation[-1]["reason"]
    again = Calendar(2, earlier.year_of)
    assert deadlines.recompute(tx, CASE, RULES, again, moment) == []
    assert (len(row.explanation), row.calendar_version) == (16, 2)


def test_only_running_deadlines_are_recomputed(tx):
    happens(tx, "filed", "2026-12-21T09:00", DECISION)
    happens(tx, "issued(decision)", "2026-12-22T09:00", DECISION)
    later = with_notice(1, days_off=("2027-01-04",))
    assert deadlines.recompute(tx, CASE, RULES, later, at("2026-12-23T09:00")) == []
    assert deadlines.latest(tx, CASE)["decision"].calendar_version == 0


def test_a_deadline_whose_rule_is_gone_is_left_alone(tx):
    happens(tx, "filed", "2026-12-21T09:00", DECISION)
    later = with_notice(1, days_off=("2027-01-04",))
    assert deadlines.recompute(tx, CASE, [CORRECTION], later, at("2026-12-22T09:00")) == []
    assert running(tx)["decision"].last_day == date(2027, 1, 5)


def test_a_provisional_deadline_learns_of_a_notice_without_a_new_version(tx):
    happens(tx, "filed", "2026-12-21T09:00", DECISION)
    newer_library = Calendar(0, with_notice(0).year_of)
    [change] = deadlines.recompute(tx, CASE, RULES, newer_library, at("2026-12-22T09:00"))
    assert change.what == "confirmed"


def test_a_corrected_service_date_moves_the_end(tx):
    happens(tx, "served(notice)", "2026-11-09T10:00", OBJECTION)
    before, now = at("2026-11-09T10:00"), at("2026-11-12T10:00")
    [change] = deadlines.move_start(tx, CASE, RULES, "served(notice)", before, now, CALENDAR)
    row = running(tx)["objection"]
    assert (change.what, change.old_due, change.new_due) == (
        "moved",
        end_of(date(2026, 11, 18)),
        end_of(date(2026, 11, 23)),
    )
    assert (row.event_day, row.due) == (date(2026, 11, 12), change.new_due)
    assert change.reason == "送达文书的日期由2026-11-09更正为2026-11-12"
    assert why(row).startswith("11月12日送达文书")


def test_a_correction_within_the_day_changes_no_deadline(tx):
    happens(tx, "served(notice)", "2026-11-09T10:00", OBJECTION)
    before, now = at("2026-11-09T10:00"), at("2026-11-09T12:00")
    assert deadlines.move_start(tx, CASE, RULES, "served(notice)", before, now, CALENDAR) == []


def test_what_runs_from_a_newer_service_is_neither_moved_nor_taken_back_with_an_older_one(tx):
    sent = DeadlineRule("sent", "送达", "duty", ("issued(notice)",), parse_period("5 days"), met=("served(notice)",))
    rules = (*RULES, sent)
    happens(tx, "served(notice)", "2026-11-02T10:00", OBJECTION)
    happens(tx, "issued(notice)", "2026-11-06T10:00", sent)
    happens(tx, "served(notice)", "2026-11-09T10:00", OBJECTION, sent)
    older = at("2026-11-02T10:00")
    assert deadlines.move_start(tx, CASE, rules, "served(notice)", older, at("2026-10-28T10:00"), CALENDAR) == []
    assert deadlines.take_back(tx, CASE, rules, "served(notice)", older, at("2026-11-10T10:00")) == []
    newest = deadlines.latest(tx, CASE)
    assert running(tx)["objection"].event_day == date(2026, 11, 9)
    assert newest["sent"].met_at == at("2026-11-09T10:00")


def test_a_correction_moves_met_deadlines_but_not_dropped_or_others(tx):
    answered = DeadlineRule(
        "answer", "答复", "duty", ("served(notice)",), parse_period("5 days"), met=("received(answer)",)
    )
    happens(tx, "served(notice)", "2026-11-09T10:00", OBJECTION, answered)
    happens(tx, "received(answer)", "2026-11-10T10:00", answered)
    happens(tx, "filed", "2026-11-10T10:00", DECISION)
    deadlines.drop_running(tx, CASE, at("2026-11-12T10:00"), lambda row: row.name == "decision")
    before, now = at("2026-11-09T10:00"), at("2026-11-02T10:00")
    changes = deadlines.move_start(tx, CASE, (*RULES, answered), "served(notice)", before, now, CALENDAR)
    assert [(change.name, change.new_due) for change in changes] == [("answer", end_of(date(2026, 11, 9)))]
