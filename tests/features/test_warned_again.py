"""A reminder is said again when its day comes again: a period was reopened, or a holiday notice moved its last day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from tests.builders.procedures import content
from tests.builders.warned import left_open, messages
from tests.builders.world import Bureau, Followed, World, moment_of
from tests.features.test_calendar_versions import NOTICE
from tests.features.test_holiday_notices import enter
from tests.features.test_service_corrected import Desk, last_day

LEFT = 'warn = [ { left = 2, remind = ["party"] } ]\n'


@pytest.fixture
def office(tx):
    return Desk(Bureau.within(tx))


def reopened(office: Desk) -> Followed:
    """A notice that became final on 10 October, its period running again until the 20th."""
    notice = office.final()
    office.correct(notice, "2026-10-10T15:00:00")
    assert (notice.outcome, last_day(notice)) == ("已生效", "2026-10-20")
    return notice


def reminded(world: World) -> list[tuple[int, str]]:
    """Whom a reminder of a period that nears its end has reached, and when."""
    return [(person, when) for person, when, title in messages(world) if title.endswith("：期限将满")]


def test_the_party_is_reminded_of_a_reopened_period(office):
    bureau, notice = office.bureau, reopened(office)
    bureau.pass_to("2026-10-25T09:00:00")
    wang = bureau.wang.person_id
    assert reminded(bureau) == [(wang, "10-08 09:00"), (wang, "10-16 09:00")]
    assert [entry.details["people"] for entry in notice.entries("deadline.warned")] == [[wang], [wang]]


@pytest.mark.parametrize("over", ["under way", "decided", "renewed"])
def test_nobody_is_reminded_of_a_reopened_period_that_was_answered_or_replaced(office, over):
    bureau, notice = office.bureau, reopened(office)
    if over == "renewed":
        office.renew(office.matters(notice)[0], bureau.chen)
    else:
        review = bureau.object(notice, late_reason="送达日期已更正")
    if over == "decided":
        bureau.complete("check", bureau.li, review, result="受理")
        bureau.decide(review, "维持")
        bureau.complete("sign", bureau.chen, review, result="签发")
        assert review.outcome == "维持"
    bureau.pass_to("2026-10-20T09:00:00")
    assert reminded(bureau) == [(bureau.wang.person_id, "10-08 09:00")]
    assert len(notice.entries("deadline.warned")) == 1


def test_who_has_waived_his_right_is_not_reminded_of_it_whatever_is_corrected_later(office):
    bureau, notice = office.bureau, office.posted()
    bureau.send("waived", notice, bureau.wang, confirmed=True)
    office.correct(notice, None)
    bureau.receipt(notice, bureau.tao, on="2026-09-24T10:00:00")
    bureau.pass_to("2026-10-12T09:00:00")
    assert (notice.outcome, reminded(bureau), notice.entries("deadline.warned")) == ("已生效", [], [])


def test_who_took_his_objection_back_is_reminded_of_the_reopened_period(office):
    bureau, notice = office.bureau, reopened(office)
    review = bureau.object(notice, late_reason="送达日期已更正")
    bureau.send("withdraw", review, bureau.wang, confirmed=True)
    assert review.outcome == "已撤回"
    bureau.pass_to("2026-10-20T09:00:00")
    assert reminded(bureau)[1:] == [(bureau.wang.person_id, "10-16 09:00")]


def moved(world: World, *off: date) -> None:
    """Enters a notice by which these days are off, too, and none is made up for."""
    days = tuple(sorted({*NOTICE.days_off, *off}))
    enter(world, replace(NOTICE, days_off=days, days_worked=()))


@pytest.fixture
def world(tx):
    """A case filed on 25 January 2027, its period of seven working days ending on 3 February; it is the 2nd."""
    world = World.within(tx, content(one=left_open("7 working days", warn=LEFT)))
    world.admin = world.person("管")
    world.at("2027-01-25T10:00:00")
    world.case = world.file("one", world.wang, text="请办理")
    world.pass_to("2027-02-02T10:00:00")
    assert world.case.deadline("limit").last_day == date(2027, 2, 3)
    assert world.case.deadline("limit").warned == ["left 2"]
    return world


def test_what_was_said_is_said_again_when_a_notice_moves_its_day(world):
    moved(world, date(2027, 1, 27), date(2027, 1, 28), date(2027, 1, 29))
    limit = world.case.deadline("limit")
    assert (limit.last_day, limit.warned) == (date(2027, 2, 15), [])
    assert limit.warn_at == moment_of("2027-02-04T09:00:00")
    world.pass_to("2027-02-25T12:00:00")
    wang = world.wang.person_id
    assert reminded(world) == [(wang, "02-01 09:00"), (wang, "02-04 09:00")]


def test_what_was_said_on_its_day_is_not_said_again_when_a_notice_leaves_that_day(world):
    # Between the 2nd and the 15th nobody works: two working days before the last is still the 1st.
    moved(world, *(date(2027, 2, day) for day in range(3, 13)))
    limit = world.case.deadline("limit")
    assert (limit.last_day, limit.warned, limit.warn_at) == (date(2027, 2, 15), ["left 2"], None)
