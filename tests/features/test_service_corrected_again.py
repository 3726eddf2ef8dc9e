"""Corrections upon corrections: no period ends in the past, and no case gets a new one, without a second person."""

from __future__ import annotations

import pytest

from portal.cases import correcting, delivery, desk
from portal.cases.correcting import Receipt
from portal.cases.desk import MatterChanged
from portal.cases.errors import EarlierNeedsReason, EnteredIt
from portal.deadlines import service as deadlines
from portal.notify import PortalMessage
from tests.builders.clocks import hearing_content
from tests.builders.world import Bureau, Followed, World, moment_of
from tests.features.test_service_corrected import WHY, Desk, last_day, served
from tests.features.test_service_told import told


@pytest.fixture
def office(tx):
    office = Desk(Bureau.within(tx))
    yield office
    assert office.bureau.breaks() == []
    assert office.altered() == []


def struck(office: Desk) -> Followed:
    """A notice of 3 August whose receipt of the 27th, with a period until 7 September, was struck out on the 28th."""
    bureau = office.bureau
    bureau.at("2026-08-03T09:00:00")
    notice = bureau.notice()
    bureau.at("2026-08-28T10:00:00")
    bureau.receipt(notice, bureau.tao, on="2026-08-27T10:00:00")
    assert last_day(notice) == "2026-09-07"
    office.correct(notice, None)
    return notice


def reopened(office: Desk) -> Followed:
    """A final notice whose period runs again until 16 October, by a correction upon which the leader kept it."""
    notice = office.final()
    office.correct(notice, "2026-10-08T15:00:00")
    office.keep(office.matters(notice)[0], office.bureau.chen)
    assert last_day(notice) == "2026-10-16"
    office.bureau.at("2026-10-13T10:00:00")
    return notice


def open_matters(office: Desk, case: Followed) -> list[dict[str, object]]:
    """Both dates of what lies on the desk, and how each came there."""
    keys = ("old_due", "new_due", "hastened", "served_before", "outcome", "reason")
    return [{key: one.details.get(key) for key in keys} for one in office.matters(case) if one.decision is None]


def periods(case: Followed) -> list[tuple[str, str]]:
    """Every period of objection that the case ever had: state and last day."""
    every = case.world.run.read(lambda tx: deadlines.of_case(tx, case.id))
    return [(one.state, one.last_day.isoformat()) for one in every if one.name == "objection"]


# Struck out, then entered anew


def test_struck_out_and_entered_earlier_a_period_that_ends_at_once_is_for_a_second_person(office):
    notice = struck(office)
    office.bureau.receipt(notice, office.bureau.tao, on="2026-08-04T10:00:00", note="回证补录")
    assert (notice.outcome, last_day(notice)) == ("已生效", "2026-08-13")
    assert notice.kinds[-3:] == ["timer.fired", "case.ended", "matter.raised"]
    assert open_matters(office, notice) == [
        {
            "old_due": "2026-09-08T00:00:00+08:00",
            "new_due": "2026-08-14T00:00:00+08:00",
            "hastened": "2026-09-08T00:00:00+08:00",
            "served_before": "2026-08-27T10:00:00+08:00",
            "outcome": "已生效",
            "reason": "回证补录",
        }
    ]
    [matter] = office.matters(notice)
    with pytest.raises(EnteredIt):
        office.keep(matter, office.bureau.granted(office.bureau.tao, "leader"))
    new = office.renew(matter, office.bureau.chen)
    assert (notice.outcome, new.status) == ("已被取代", "通知书已制发，等待送达")


def test_a_receipt_earlier_than_one_struck_out_needs_a_reason(office):
    notice = struck(office)
    for on in ("2026-08-04T10:00:00", "2026-08-27T09:59:59"):
        with pytest.raises(EarlierNeedsReason):
            office.bureau.receipt(notice, office.bureau.tao, on=on, note=" ")
    assert notice.outcome is None
    office.bureau.receipt(notice, office.bureau.tao, on="2026-08-27T10:00:00", note="")
    assert (last_day(notice), office.matters(notice)) == ("2026-09-07", [])


def test_of_several_struck_receipts_the_latest_tells_what_is_earlier(office):
    notice = struck(office)
    office.bureau.receipt(notice, office.bureau.tao, on="2026-08-20T10:00:00", note="查件")
    office.correct(notice, None)
    with pytest.raises(EarlierNeedsReason):
        office.bureau.receipt(notice, office.bureau.tao, on="2026-08-21T10:00:00", note="")


def test_of_several_struck_receipts_the_last_period_is_the_one_that_was_shortened(office):
    notice = struck(office)
    office.bureau.receipt(notice, office.bureau.tao, on="2026-08-25T10:00:00", note="查件")
    assert (last_day(notice), office.matters(notice)) == ("2026-09-03", [])
    office.correct(notice, None)
    office.bureau.receipt(notice, office.bureau.tao, on="2026-08-04T10:00:00", note="再查件")
    [matter] = open_matters(office, notice)
    assert (matter["old_due"], matter["served_before"]) == ("2026-09-04T00:00:00+08:00", "2026-08-25T10:00:00+08:00")


@pytest.mark.parametrize(("on", "last"), [("2026-08-04T10:00:00", "2026-08-13"), ("2026-08-27T10:00:00", "2026-09-07")])
def test_also_when_the_old_period_would_be_over_too_by_then(office, on, last):
    notice = struck(office)
    office.bureau.pass_to("2026-09-10T10:00:00")
    assert notice.outcome is None
    office.bureau.receipt(notice, office.bureau.tao, on=on, note="回证补录")
    assert (notice.outcome, last_day(notice)) == ("已生效", last)
    [matter] = open_matters(office, notice)
    assert (matter["old_due"], matter["outcome"]) == ("2026-09-08T00:00:00+08:00", "已生效")


def test_without_a_note_the_desk_reads_why_the_receipt_before_was_struck_out(office):
    notice = struck(office)
    office.bureau.pass_to("2026-09-10T10:00:00")
    office.bureau.receipt(notice, office.bureau.tao, on="2026-08-27T12:00:00", note="")
    assert [matter["reason"] for matter in open_matters(office, notice)] == [WHY]


# A period that runs again after the outcome


def test_a_reopened_period_that_another_receipt_ends_at_once_is_for_the_desk_again(office):
    notice = reopened(office)
    office.bureau.receipt(notice, office.bureau.tao, on="2026-09-22T10:00:00", how="in person", note="补录")
    assert last_day(notice) == "2026-10-09"
    assert open_matters(office, notice) == [
        {
            "old_due": "2026-10-17T00:00:00+08:00",
            "new_due": "2026-10-10T00:00:00+08:00",
            "hastened": "2026-10-17T00:00:00+08:00",
            "served_before": "2026-10-08T15:00:00+08:00",
            "outcome": "已生效",
            "reason": "补录",
        }
    ]
    assert office.bureau.object(notice).facts == {"in_time": False}


@pytest.mark.parametrize("steps", [["2026-09-23T16:00:00"], [None, "2026-09-23T16:00:00"]])
def test_nor_does_the_first_date_end_it_unseen_once_the_desk_has_decided(office, steps):
    notice = reopened(office)
    for on in steps:
        if on is not None and len(steps) > 1:
            office.bureau.receipt(notice, office.bureau.tao, on=on, note="补录")
        else:
            office.correct(notice, on)
    assert last_day(notice) == "2026-10-10"
    [matter] = open_matters(office, notice)
    assert (matter["old_due"], matter["new_due"]) == ("2026-10-17T00:00:00+08:00", "2026-10-11T00:00:00+08:00")


def test_what_the_desk_has_decided_on_is_not_laid_before_it_again(office):
    notice = reopened(office)
    office.bureau.receipt(notice, office.bureau.tao, on="2026-09-22T10:00:00", how="in person", note="补录")
    office.correct(notice, None)
    assert (last_day(notice), open_matters(office, notice)) == ("2026-10-16", [])
    assert [matter.decision for matter in office.matters(notice)] == ["kept", "settled"]


def test_a_hastened_period_that_runs_again_before_its_timer_leaves_the_desk(office):
    bureau, notice = office.bureau, office.posted()
    bureau.at("2026-09-29T10:00:00")
    review = bureau.object(notice)
    bureau.at("2026-10-10T10:00:00")
    bureau.receipt(notice, bureau.tao, on="2026-09-21T10:00:00", how="in person", note="补录")
    assert [matter["old_due"] for matter in open_matters(office, notice)] == ["2026-10-11T00:00:00+08:00"]
    office.correct(notice, "2026-09-21T11:00:00")
    assert len(open_matters(office, notice)) == 1
    office.correct(notice, None)
    assert (last_day(notice), open_matters(office, notice)) == ("2026-10-10", [])
    assert (notice.outcome, review.facts) == (None, {"in_time": True})


# What the leader has seen


def test_the_desk_decides_on_what_it_has_seen(office):
    bureau, notice = office.bureau, office.final()
    office.correct(notice, "2026-09-28T15:00:00")
    [matter] = office.matters(notice)
    page = desk.version(matter)
    office.correct(notice, "2026-09-29T15:00:00", reason="又录错")
    for decide in (office.keep, office.renew):
        with pytest.raises(MatterChanged):
            decide(matter, bureau.chen, seen=page)
    [matter] = office.matters(notice)
    assert (matter.decision, notice.outcome) == (None, "已生效")
    office.keep(matter, bureau.chen, seen=desk.version(matter))
    assert office.matters(notice)[0].decision == "kept"


def test_a_matter_brought_up_to_date_is_written_down_and_told_again(office):
    notice = office.final()
    for on in ("2026-09-28T15:00:00", "2026-09-29T15:00:00"):
        office.correct(notice, on)
    office.correct(notice, "2026-09-29T16:00:00")
    entries = notice.entries("matter.raised")
    assert [(one.details["old_due"][:10], one.details["new_due"][:10]) for one in entries] == [
        ("2026-10-11", "2026-10-14"),
        ("2026-10-11", "2026-10-15"),
    ]
    assert len({one.details["matter"] for one in entries}) == 1
    first, second = heard(office, notice)
    assert (first[0], "按原送达时间已经届满" in first[1]) == (f"请决定：{notice.number} 的送达已更正", True)
    assert (second[0], "又有变动" in second[1]) == (f"请决定：{notice.number} 的送达已更正", True)


def heard(office: Desk, case: Followed) -> list[tuple[str, str]]:
    """What the leader was told to decide in a case."""
    chen, run = office.bureau.chen.person_id, office.bureau.run
    rows = run.read(lambda tx: tx.query(PortalMessage).filter_by(person_id=chen, case_id=case.id).all())
    return [(row.title, row.body) for row in sorted(rows, key=lambda row: row.id) if row.title.startswith("请决定")]


# Cases that are over


def test_a_waived_notice_gets_no_new_period(office):
    bureau, notice = office.bureau, office.posted()
    bureau.send("waived", notice, bureau.wang, confirmed=True)
    office.correct(notice, None)
    bureau.receipt(notice, bureau.tao, on="2026-09-24T10:00:00")
    assert (notice.outcome, periods(notice)) == ("已生效", [("dropped", "2026-10-10")])
    assert notice.kinds[-2:] == ["receipt.entered", "letter.served"]
    assert office.matters(notice) == []


def test_a_notice_waived_while_its_letter_was_unserved_gets_no_new_period(office):
    bureau, notice = office.bureau, office.posted()
    office.correct(notice, None)
    bureau.send("waived", notice, bureau.wang, confirmed=True)
    bureau.at("2026-09-25T10:00:00")
    bureau.receipt(notice, bureau.tao, on="2026-09-24T10:00:00")
    assert periods(notice) == [("dropped", "2026-10-10")]


def test_a_replaced_notice_gets_no_new_period(office):
    bureau, notice = office.bureau, office.final()
    office.correct(notice, "2026-10-09T15:00:00")
    office.renew(office.matters(notice)[0], bureau.chen)
    before, heard = periods(notice), told(bureau, notice)
    assert [state for state, _ in before] == ["dropped"]
    office.correct(notice, None)
    bureau.receipt(notice, bureau.tao, on="2026-10-10T10:00:00")
    assert (notice.outcome, periods(notice)) == ("已被取代", before)
    assert [title for title, _ in told(bureau, notice)[len(heard) :]] == ["送达记录已作废", "送达时间已更正"]


def test_the_period_of_a_notice_that_its_review_has_replaced_is_not_moved(office):
    bureau, notice = office.bureau, office.final()
    office.correct(notice, "2026-10-09T15:00:00")
    review = bureau.object(notice)
    bureau.complete("check", bureau.li, review, result="受理")
    bureau.decide(review, "变更", amount="1250000")
    bureau.complete("sign", bureau.chen, review, result="签发")
    before = periods(notice)
    office.correct(notice, None, which=1)
    assert (notice.outcome, served(notice)[0], periods(notice)) == ("已被取代", "filing", before)


def test_a_final_notice_whose_receipt_is_struck_out_and_entered_anew_gets_its_period_again(office):
    notice = office.final()
    office.correct(notice, None)
    office.bureau.receipt(notice, office.bureau.tao, on="2026-10-08T10:00:00")
    assert periods(notice) == [("dropped", "2026-10-10"), ("running", "2026-10-16")]


# A newer letter of the same name


@pytest.mark.parametrize("instead", ["2026-09-29T09:00:00", None])
def test_a_correction_for_an_older_letter_leaves_the_period_of_the_newer_alone(tx, instead):
    world = World.within(tx, hearing_content())
    zhou, case = world.person("周", "officer"), world.file("hearing", world.wang)
    world.at("2026-09-30T09:00:00")
    world.receipt(case, zhou, on="2026-09-28T10:00:00")
    world.at("2026-10-11T10:00:00")
    world.send("answer", case, world.wang)
    world.complete("last", zhou, case, result="继续")
    world.at("2026-10-30T17:00:00")
    world.receipt(case, zhou, on="2026-10-30T10:00:00")
    [older] = case.letters[0].services[0].proofs
    other = Receipt("post", moment_of(instead)) if instead else None
    world.act(lambda tx, at: correcting.correct(world.kernel, tx, zhou, older.id, other, WHY, at))
    reply, sent = case.deadline("reply"), case.deadline("send")
    assert (reply.state, reply.event_day.isoformat(), reply.last_day.isoformat()) == (
        "running", "2026-10-30", "2026-11-06",
    )  # fmt: skip
    assert (sent.state, sent.met_at) == ("met", moment_of("2026-10-30T10:00:00"))
    assert world.breaks() == []


def test_nor_when_both_were_handed_over_in_the_same_minute(tx):
    world = World.within(tx, hearing_content())
    zhou, case = world.person("周", "officer"), world.file("hearing", world.wang)
    world.at("2026-09-30T09:00:00")
    world.receipt(case, zhou, on="2026-09-30T09:00:00")
    world.send("answer", case, world.wang)
    world.complete("last", zhou, case, result="继续")
    world.receipt(case, zhou, on="2026-09-30T09:00:00")
    [older] = case.letters[0].services[0].proofs
    world.at("2026-10-09T09:00:00")
    world.act(lambda tx, at: correcting.correct(world.kernel, tx, zhou, older.id, None, WHY, at))
    assert (case.deadline("send").state, case.deadline("reply").state) == ("met", "running")
    assert case.deadline("reply").last_day.isoformat() == "2026-10-13"
    assert world.breaks() == []


def test_an_older_letter_that_is_served_anew_does_not_serve_the_newer_one(tx):
    world = World.within(tx, hearing_content())
    zhou, case = world.person("周", "officer"), world.file("hearing", world.wang)
    world.at("2026-09-30T09:00:00")
    world.receipt(case, zhou, on="2026-09-28T10:00:00")
    world.at("2026-10-11T10:00:00")
    world.send("answer", case, world.wang)
    world.complete("last", zhou, case, result="继续")
    letter = case.letters[0]
    [proof] = letter.services[0].proofs
    world.act(lambda tx, at: correcting.correct(world.kernel, tx, zhou, proof.id, None, WHY, at))
    world.at("2026-10-12T10:00:00")
    world.act(lambda tx, at: delivery.sign_for(world.kernel, tx, world.wang, letter.id, at))
    assert (case.status, case.deadline("send").state) == ("等待sent", "running")
    world.at("2026-10-13T10:00:00")
    world.act(lambda tx, at: delivery.sign_for(world.kernel, tx, world.wang, case.letters[1].id, at))
    assert (case.status, case.deadline("send").state) == ("等待heard", "met")
    assert case.deadline("reply").last_day.isoformat() == "2026-10-20"
    assert world.breaks() == []
