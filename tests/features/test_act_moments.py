"""When an act happens: a timer at its due moment, a request when it was received, whatever waits for the lock."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.cases.errors import NobodyWaits, NoWay, RequestTooOld, StandsStill
from portal.cases.models import ActRecord
from tests.builders.diagrams import element, flow, parallel, path
from tests.builders.procedures import content, deadline, does, end, letter, over, procedure, start, task
from tests.builders.world import Bureau, World, moment_of

MICROSECOND = timedelta(microseconds=1)
LAST_SECOND = "2026-10-12T23:59:59.9"
OVER = "2026-10-13T00:00:00"
RIPE = "2026-10-13T00:01:00"


def fired(case):
    """The timers that fired in a case: where, and at which moment."""
    return [(entry.element, entry.moment) for entry in case.entries("timer.fired")]


@pytest.fixture
def bureau(tx):
    bureau = Bureau.within(tx)
    yield bureau
    assert bureau.breaks() == []


def test_a_timer_that_fires_in_a_later_act_carries_its_own_due_moment(bureau):
    notice = bureau.served_notice()
    bureau.at("2026-10-13T09:00:00")
    bureau.receipt(notice, bureau.tao, on="2026-09-28T00:00:00")
    over_at, at_nine = moment_of(OVER), moment_of("2026-10-13T09:00:00")
    assert [(entry.kind, entry.moment) for entry in notice.history[-3:]] == [
        ("timer.fired", over_at),
        ("case.ended", over_at),
        ("receipt.entered", at_nine),
    ]
    assert notice.row.ended_at == over_at
    acts = bureau.run.tx.execute(select(ActRecord.kind, ActRecord.moment).order_by(ActRecord.id)).all()
    # The allocation that waited for the notice hears of its end by a job.
    assert acts[-3:] == [("timer", over_at), ("receipt", at_nine), ("item_ended", at_nine)]
    assert bureau.breaks() == []


def test_a_filing_at_24_00_is_late_the_notice_is_final_first(bureau):
    notice = bureau.served_notice()
    bureau.at(OVER)
    review = bureau.object(notice)
    assert notice.outcome == "已生效"
    assert review.facts == {"in_time": False}
    assert review.tasks == ["check"]
    assert notice.kinds[-3:] == ["timer.fired", "case.ended", "message.dropped"]
    assert notice.history[-1].details == {"message": "review_filed", "from": review.number}
    assert bureau.breaks() == []


def test_a_request_of_the_last_second_is_in_time_however_late_its_turn_comes(bureau):
    notice = bureau.served_notice()
    bureau.at("2026-10-13T00:00:05")
    bureau.receipt(notice, bureau.tao, on="2026-09-28T00:00:00")
    bureau.at("2026-10-13T00:00:30")
    assert bureau.work() == 0
    review = bureau.object(notice, received=LAST_SECOND)
    assert review.row.filed_at == moment_of(LAST_SECOND)
    assert review.facts == {"in_time": True}
    assert (notice.outcome, notice.status, notice.ripe_at) == (None, "复核进行中", None)
    bureau.pass_to("2026-10-13T00:05:00")
    assert notice.outcome is None
    assert fired(notice) == []
    assert bureau.breaks() == []


def test_the_end_of_a_right_is_ripe_a_minute_later(bureau):
    notice = bureau.served_notice()
    assert notice.ripe_at == moment_of(RIPE)
    bureau.at(moment_of(RIPE) - MICROSECOND)
    assert bureau.work() == 0
    bureau.at(RIPE)
    assert bureau.work() == 1
    assert fired(notice) == [("period_over", moment_of(OVER))]
    assert (notice.outcome, notice.ripe_at) == ("已生效", None)
    assert bureau.work() == 0


def test_the_end_of_a_duty_is_ripe_at_once(tx):
    drawing = procedure(
        start(), over("limit_over", "limit"), end(), path("start", "limit_over", "end"),
        manifest=deadline("limit", "3 working days", kind="duty"),
    )  # fmt: skip
    world = World.within(tx, content(duty=drawing))
    case = world.file("duty", world.wang)
    due = moment_of("2026-09-25T00:00:00")
    assert case.ripe_at == due
    world.at(due - MICROSECOND)
    assert world.work() == 0
    world.at(due)
    assert world.work() == 1
    assert fired(case) == [("limit_over", due)]
    assert case.outcome == "办结"


def test_the_party_itself_has_no_minute_of_grace(bureau):
    notice = bureau.served_notice()
    bureau.at(OVER)
    with pytest.raises(NobodyWaits):
        bureau.send("waived", notice, bureau.wang, confirmed=True)
    # The refused act took its timer with it; the worker fires it when it is ripe.
    assert fired(notice) == []
    bureau.send("waived", notice, bureau.wang, received=moment_of(OVER) - MICROSECOND, confirmed=True)
    assert notice.outcome == "已生效"
    assert fired(notice) == []


def test_a_request_that_waited_longer_than_50_seconds_is_refused(bureau):
    notice = bureau.served_notice()
    before = len(notice.history)
    bureau.at("2026-09-25T10:00:50")
    with pytest.raises(RequestTooOld):
        bureau.object(notice, received="2026-09-25T09:59:59.999999")
    assert len(notice.history) == before
    assert bureau.cases("allocation-review") == []
    assert bureau.object(notice, received="2026-09-25T10:00:00").tasks == ["check"]


@pytest.fixture
def two_at_once(tx):
    """A case in which two deadlines run side by side."""
    drawing = procedure(
        start(), parallel("split"), over("long_over", "long"), over("short_over", "short"), parallel("join"), end(),
        path("start", "split", "long_over", "join", "end"), path("split", "short_over", "join"),
        manifest=deadline("long", "5 days") + deadline("short", "3 days"),
    )  # fmt: skip
    world = World.within(tx, content(two=drawing))
    return world, world.file("two", world.wang)


def test_timers_fire_one_by_one_in_the_order_in_which_they_are_due(two_at_once):
    world, case = two_at_once
    world.pass_to("2026-10-20T09:00:00")
    assert fired(case) == [
        ("short_over", moment_of("2026-09-25T00:00:00")),
        # The fifth day is the Mid-Autumn Festival (25 to 27 September).
        ("long_over", moment_of("2026-09-29T00:00:00")),
    ]
    assert case.row.ended_at == moment_of("2026-09-29T00:00:00")


def test_a_timer_that_fires_lets_no_other_fire(two_at_once):
    world, case = two_at_once
    world.pass_to("2026-09-25T00:01:00")
    assert fired(case) == [("short_over", moment_of("2026-09-25T00:00:00"))]
    assert (case.outcome, case.ripe_at) == (None, moment_of("2026-09-29T00:01:00"))


def test_a_timer_reached_after_its_deadline_fires_when_it_is_reached(tx):
    drawing = procedure(
        start(), over("long_over", "long"), over("short_over", "short"), end(),
        path("start", "long_over", "short_over", "end"),
        manifest=deadline("long", "5 days", kind="duty") + deadline("short", "3 days", kind="duty"),
    )  # fmt: skip
    world = World.within(tx, content(late=drawing))
    case = world.file("late", world.wang)
    world.pass_to("2026-10-20T09:00:00")
    reached = moment_of("2026-09-29T00:00:00")
    assert fired(case) == [("long_over", reached), ("short_over", reached)]
    assert case.row.ended_at == reached


def test_a_met_deadline_never_fires(tx):
    drawing = procedure(
        start(), parallel("split"), over("limit_over", "limit"), over("first_over", "first"), parallel("join"),
        end(), flow("start", "split"), path("split", "limit_over", "join", "end"), path("split", "first_over", "join"),
        task("beside"), path("split", "beside", "join"),
        manifest=deadline("limit", "5 days", met="done(first_over)") + deadline("first", "3 days"),
    )  # fmt: skip
    world = World.within(tx, content(met=drawing))
    case = world.file("met", world.wang)
    world.pass_to("2026-11-20T09:00:00")
    assert fired(case) == [("first_over", moment_of("2026-09-25T00:00:00"))]
    assert (case.deadline("limit").state, case.outcome, case.ripe_at) == ("met", None, None)
    assert world.work() == 0


@pytest.mark.parametrize(
    "limit",
    [deadline("limit", "5 days", met="done(check)"), deadline("limit", "5 days", after="received(nothing)")],
    ids=["met", "never began"],
)
def test_a_step_after_which_the_case_would_stand_still_is_refused(tx, limit):
    drawing = procedure(
        start(), task("check"), over("waiting", "limit"), end(), path("start", "check", "waiting", "end"),
        manifest=limit,
    )  # fmt: skip
    world = World.within(tx, content(still=drawing))
    case = world.file("still", world.wang)
    before = case.kinds
    with pytest.raises(StandsStill) as refused:
        world.complete("check", world.person("李", "officer"), case)
    assert refused.value.text() == (
        "这一步没有办成：此后没有任务可办，案件只等“期满waiting”，而其期限已经了结或者从未开始，案件将停滞不前。"
        "案件没有变动，已记录供管理员处理。"
    )
    assert (case.tasks, case.kinds) == (["check"], before)


@pytest.mark.parametrize(("gateway", "told"), [({"name": "如何处理"}, "如何处理"), ({}, "环节check")])
def test_a_step_after_which_no_way_is_open_is_refused_in_the_words_of_the_drawing(tx, gateway, told):
    drawing = procedure(
        start(), task("check", form="choice"), element("exclusiveGateway", "which", **gateway), end("on", "继续办"),
        end("off", "不办"), path("start", "check", "which"), flow("which", "on", '=check.result = "继续"'),
        flow("which", "off", '=check.result = "停"'),
    )  # fmt: skip
    world = World.within(tx, content(still=drawing))
    case = world.file("still", world.wang)
    before = case.kinds
    with pytest.raises(NoWay) as refused:
        world.complete("check", world.person("李", "officer"), case, result="结束")
    assert refused.value.text() == (
        f"这一步没有办成：“{told}”之后没有可走的路，流程图没有写明这种情形怎么办理。案件没有变动，已记录供管理员处理。"
    )
    assert (case.tasks, case.kinds) == (["check"], before)


def test_a_case_may_wait_for_a_period_that_the_service_of_a_letter_will_begin(tx):
    drawing = procedure(
        start(), task("check"), does("tell", "documents.issue", document="told"), over("waiting", "limit"), end(),
        path("start", "check", "tell", "waiting", "end"),
        manifest=deadline("limit", "5 days", after="served(told)") + letter("told"),
    )  # fmt: skip
    world = World.within(tx, content(served=drawing))
    case = world.file("served", world.wang)
    world.complete("check", world.person("李", "officer"), case)
    assert (case.tasks, case.ripe_at, case.outcome) == ([], None, None)
