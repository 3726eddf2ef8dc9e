"""What follows from a second receipt: what is refused, who decides, what the unit is told; and reopened periods."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from portal.cases import reckoning, telling
from portal.cases.errors import AlreadyEntered, EarlierNeedsReason, EnteredIt, NotServed
from portal.cases.family import Family
from portal.deadlines.changes import Change
from portal.deadlines.wording import due_text
from portal.notify import PortalMessage, Post
from tests.builders.world import Bureau, Followed, World
from tests.features.test_act_costs import counted
from tests.features.test_calendar_versions import NOTICE
from tests.features.test_holiday_notices import enter, preview
from tests.features.test_service_corrected import Desk, last_day


@pytest.fixture
def office(tx):
    office = Desk(Bureau.within(tx))
    yield office
    assert office.bureau.breaks() == []
    assert office.altered() == []


def told(world: World, case: Followed) -> list[tuple[str, str]]:
    """Title and body of what the unit's people were told of a case, oldest first."""
    mine = (PortalMessage.person_id == world.wang.person_id, PortalMessage.case_id == case.id)
    query = select(PortalMessage.title, PortalMessage.body).where(*mine).order_by(PortalMessage.id)
    return [tuple(row) for row in world.run.read(lambda tx: tx.execute(query).all())]


def overtaken(office: Desk) -> Followed:
    """A notice read late, whose receipt of a much earlier day is entered: its period is over at once."""
    bureau = office.bureau
    bureau.at("2026-08-03T09:00:00")
    notice = bureau.notice()
    bureau.at("2026-08-28T10:00:00")
    bureau.sign_for(notice, bureau.wang)
    bureau.at("2026-08-31T10:00:00")
    bureau.receipt(notice, bureau.tao, on="2026-08-04T10:00:00", note="补录回证")
    return notice


# Refused


def test_the_same_receipt_is_not_entered_twice(office):
    notice = office.posted()
    with pytest.raises(AlreadyEntered):
        office.bureau.receipt(notice, office.bureau.tao, on="2026-09-23T15:00:00")
    assert len(office.proofs(notice)) == 1
    office.bureau.receipt(notice, office.bureau.tao, on="2026-09-23T15:00:00", how="in person")
    office.correct(notice, None, which=0)
    office.bureau.receipt(notice, office.bureau.tao, on="2026-09-23T15:00:00")
    assert len(office.proofs(notice)) == 3


def test_an_earlier_receipt_needs_a_reason(office):
    notice = office.posted()
    with pytest.raises(EarlierNeedsReason):
        office.bureau.receipt(notice, office.bureau.tao, on="2026-09-22T15:00:00", note=" ")
    assert last_day(notice) == "2026-10-10"
    office.bureau.receipt(notice, office.bureau.tao, on="2026-09-24T09:00:00", note="")
    office.bureau.receipt(notice, office.bureau.tao, on="2026-09-22T15:00:00", note="补录回证")
    assert last_day(notice) == "2026-10-09"


def test_an_outcome_without_any_proof_of_service_is_not_kept(office):
    notice = office.final()
    office.correct(notice, None)
    with pytest.raises(NotServed):
        office.keep(office.matters(notice)[0], office.bureau.chen)
    office.bureau.receipt(notice, office.bureau.tao, on="2026-09-28T10:00:00")
    office.keep(office.matters(notice)[0], office.bureau.chen)
    assert office.matters(notice)[0].decision == "kept"


# A period that ends at once


def test_an_earlier_receipt_that_ends_a_period_at_once_is_for_a_second_person(office):
    notice = overtaken(office)
    assert (notice.outcome, notice.row.ended_at) == ("已生效", office.bureau.now)
    [matter] = office.matters(notice)
    details = {key: matter.details[key] for key in ("old_due", "new_due", "outcome", "reason")}
    assert details == {
        "old_due": "2026-09-09T00:00:00+08:00",
        "new_due": "2026-08-14T00:00:00+08:00",
        "outcome": "已生效",
        "reason": "补录回证",
    }
    with pytest.raises(EnteredIt):
        office.keep(matter, office.bureau.granted(office.bureau.tao, "leader"))
    office.keep(matter, office.bureau.chen)


def test_such_a_matter_stays_whatever_is_corrected_to_and_fro(office):
    notice = overtaken(office)
    days = [("2026-08-25T10:00:00", "2026-08-14", "2026-09-04"), ("2026-08-04T11:00:00", "2026-09-09", "2026-08-14")]
    for on, old, new in days:
        office.correct(notice, on)
        [matter] = office.matters(notice)
        assert (matter.decision, matter.details["old_due"][:10], matter.details["new_due"][:10]) == (None, old, new)


def test_a_period_that_only_becomes_shorter_is_nobodys_matter(office):
    notice = office.posted()
    office.bureau.receipt(notice, office.bureau.tao, on="2026-09-22T15:00:00")
    assert (last_day(notice), office.matters(notice)) == ("2026-10-09", [])


# What the unit is told


def test_the_unit_hears_of_a_correction_with_both_days_and_of_a_struck_receipt(office):
    notice = office.posted()
    before = told(office.bureau, notice)
    office.bureau.at("2026-09-28T10:00:00")
    office.correct(notice, "2026-09-25T09:00:00")
    office.correct(notice, None)
    corrected, struck = told(office.bureau, notice)[len(before) :]
    assert corrected[0] == "送达时间已更正"
    assert "由 2026年9月23日 15:00 更正为 2026年9月25日 09:00" in corrected[1]
    assert "由 2026年10月10日（周六）24:00 改为 2026年10月12日（周一）24:00" in corrected[1]
    assert struck[0] == "送达记录已作废"


def test_the_unit_hears_of_an_earlier_receipt_and_not_of_one_that_changes_nothing(office):
    notice = office.posted()
    before = told(office.bureau, notice)
    office.bureau.receipt(notice, office.bureau.tao, on="2026-09-24T09:00:00")
    assert told(office.bureau, notice) == before
    office.bureau.receipt(notice, office.bureau.tao, on="2026-09-22T15:00:00")
    [(title, body)] = told(office.bureau, notice)[len(before) :]
    assert (title, "由 2026年10月10日（周六）24:00 改为 2026年10月9日（周五）24:00" in body) == ("送达时间已更正", True)


@pytest.mark.parametrize(("verb", "title"), [("keep", "送达更正后维持原结果"), ("renew", "通知已重新作出")])
def test_the_unit_hears_once_what_the_desk_decided(office, verb, title):
    notice = office.final()
    office.correct(notice, "2026-09-28T15:00:00")
    before = told(office.bureau, notice)
    getattr(office, verb)(office.matters(notice)[0], office.bureau.chen)
    assert [said for said, _body in told(office.bureau, notice)[len(before) :]] == [title]


def test_nothing_of_an_unopened_letter_is_told_by_a_holiday_notice(tx):
    bureau = Bureau.within(tx)
    other = bureau.notice()
    bureau.at("2026-09-24T10:00:00")
    change = Change("moved", 1, "secret", "秘密期限", bureau.now, bureau.now, False, "")
    before = told(bureau, other)
    other.see(lambda case: telling.calendar_moved(Post(tx), case, [change], bureau.now))
    assert told(bureau, other) == before
    bureau.sign_for(other, bureau.wang)
    other.see(lambda case: telling.calendar_moved(Post(tx), case, [change], bureau.now))
    assert told(bureau, other)[-1][0] == "期限因放假安排调整"


def test_the_leaders_message_names_its_matter(office):
    notice = office.final()
    office.correct(notice, "2026-09-28T15:00:00")
    mine = (PortalMessage.person_id == office.bureau.chen.person_id, PortalMessage.case_id == notice.id)
    found = office.bureau.run.read(lambda tx: tx.scalars(select(PortalMessage.subject_id).where(*mine)).all())
    assert found[-1:] == [office.matters(notice)[0].id]


# Reopened by a correction


def reopened(tx) -> tuple[Desk, Followed]:
    """A notice that is final, and whose period runs again over the spring festival of 2027."""
    office = Desk(Bureau.within(tx))
    bureau = office.bureau
    bureau.admin = bureau.person("管")
    bureau.at("2027-01-04T09:00:00")
    notice = bureau.notice()
    bureau.at("2027-01-05T10:00:00")
    bureau.receipt(notice, bureau.tao, on="2027-01-05T09:00:00")
    bureau.pass_to("2027-01-31T10:00:00")
    assert notice.outcome == "已生效"
    bureau.at("2027-02-02T10:00:00")
    office.correct(notice, "2027-02-01T10:00:00")
    return office, notice


def test_a_notice_moves_the_reopened_period_of_an_ended_case_and_the_unit_hears_of_it(tx):
    office, notice = reopened(tx)
    bureau = office.bureau
    day, outcome, heard = last_day(notice), notice.outcome, told(bureau, notice)
    seen = preview(bureau)
    lines = bureau.run.read(lambda tx: list(reckoning.lines(tx, seen.affected["moved"], 0, 100)))
    [line] = [line for line in lines if line.case_id == notice.id]
    assert str(line.old) == day
    enter(bureau)
    assert (last_day(notice), notice.outcome) == (str(line.new), outcome)
    assert notice.deadline("objection").last_day > date.fromisoformat(day)
    [(title, body)] = told(bureau, notice)[len(heard) :]
    assert title == "期限因放假安排调整"
    assert f"由 {due_text(line.old)} 改为 {due_text(line.new)}" in body
    assert bureau.run.read(lambda tx: reckoning.waiting(tx, bureau.now)) == 0
    assert bureau.breaks() == []


def test_what_was_over_when_its_case_ended_is_left_alone(office):
    notice = office.final()
    office.bureau.admin = office.bureau.person("管")
    assert notice.deadline("objection").state == "running"
    assert notice.id not in {
        line.case_id
        for found in preview(office.bureau).affected.values()
        for line in office.bureau.run.read(lambda tx, f=found: list(reckoning.lines(tx, f, 0, 100)))
    }
    before = notice.kinds
    enter(office.bureau, NOTICE)
    assert notice.kinds == before
    assert office.bureau.run.read(lambda tx: reckoning.waiting(tx, office.bureau.now)) == 0


def test_catching_up_reads_the_running_cases_of_a_family_in_one_statement(tx):
    office, notice = reopened(tx)
    bureau = office.bureau
    family = Family(bureau.kernel, tx, notice.row.root_id)
    with counted(tx) as statements:
        found = family.read(bureau.now)
    assert notice.id in {case.id for case in found}
    assert sum("EXISTS" in statement for statement in statements) == 1
