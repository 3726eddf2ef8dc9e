"""A receipt entered by mistake is corrected: what runs from it moves, what has fired stays until the desk decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import registers
from portal.cases import correcting, desk, proof, renewing
from portal.cases.correcting import Receipt
from portal.cases.errors import (
    AlreadyFiled,
    EnteredIt,
    MatterDecided,
    NothingCorrected,
    NotRenewable,
    NotYourRole,
    ProvedByParty,
    Replaced,
)
from portal.cases.models import DeskMatter, StartItem
from portal.deadlines import service as deadlines
from portal.documents.models import ServiceProof
from portal.documents.rules import FileNotReady, ServedBeforeIssue, ServedInFuture, UnknownWayOfService
from portal.documents.service import AlreadyStruck, ReasonMissing
from portal.identity import Actor
from portal.ledger import Asset
from portal.ledger import service as ledger
from portal.procedures.content import Content
from tests.builders.world import Bureau, Followed, moment_of, shipped
from tests.features.test_races import at_once, no_lock  # noqa: F401 # a fixture

WHY = "回执日期录错"


@dataclass
class Desk:
    """The bureau with the verbs of this story."""

    bureau: Bureau

    def proofs(self, case: Followed) -> list[int]:
        """The proofs of the service of the case's last letter, oldest first."""
        letter = case.letters[-1].id
        query = select(ServiceProof.id).join(ServiceProof.service).where(ServiceProof.service.has(letter_id=letter))
        return self.bureau.run.read(lambda tx: list(tx.scalars(query.order_by(ServiceProof.id))))

    def correct(
        self, case: Followed, on: str | None, how: str = "post", by: Actor | None = None, reason: str = WHY,
        which: int = -1,
    ) -> None:  # fmt: skip
        """The clerk corrects the last proof; without a day it is struck out."""
        bureau, proof_id = self.bureau, self.proofs(case)[which]
        instead = Receipt(how, moment_of(on)) if on else None
        who = by or bureau.tao
        bureau.act(lambda tx, at: correcting.correct(bureau.kernel, tx, who, proof_id, instead, reason, at))

    def posted(self, on: str = "2026-09-23T15:00:00", entered: str = "2026-09-24T10:00:00") -> Followed:
        """A notice served by post, its receipt entered by the clerk: by 23 September the period ends on 10 October."""
        notice = self.bureau.notice()
        self.bureau.at(entered)
        self.bureau.receipt(notice, self.bureau.tao, on=on)
        return notice

    def final(self) -> Followed:
        """Such a notice whose period has run out."""
        notice = self.posted()
        self.bureau.pass_to("2026-10-11T00:01:00")
        assert notice.outcome == "已生效"
        self.bureau.at("2026-10-12T10:00:00")
        return notice

    def matters(self, case: Followed) -> list[DeskMatter]:
        query = select(DeskMatter).where(DeskMatter.case_id == case.id).order_by(DeskMatter.id)
        return self.bureau.run.read(lambda tx: list(tx.scalars(query)))

    def keep(self, matter: DeskMatter, by: Actor, reason: str = "送达更正不影响结果", seen: str | None = None) -> None:
        """Keeps the outcome, upon the version of the matter that was seen, or as it is."""
        bureau = self.bureau
        bureau.act(lambda tx, at: desk.keep(bureau.kernel, tx, by, matter.id, reason, at, seen))

    def renew(self, matter: DeskMatter, by: Actor, reason: str = "异议期没有届满", seen: str | None = None) -> Followed:
        """Has the notice made anew, upon the version of the matter that was seen, or as it is."""
        bureau = self.bureau
        row = bureau.act(lambda tx, at: desk.renew(bureau.kernel, tx, by, matter.id, reason, at, seen))
        return Followed(bureau, row.id)

    def altered(self) -> list[str]:
        return [found.zh for found in self.bureau.run.read(lambda tx: list(proof.altered(tx)))]


@pytest.fixture
def office(tx):
    office = Desk(Bureau.within(tx))
    yield office
    assert office.bureau.breaks() == []
    assert office.altered() == []


def served(case: Followed) -> tuple[str | None, object]:
    [party] = [service for service in case.letters[-1].services if service.kind == "party"]
    return party.how, party.served_at


def last_day(case: Followed) -> str:
    return case.deadline("objection").last_day.isoformat()


# Another day or way


def test_a_later_day_moves_the_deadline_and_the_timer(office):
    notice = office.posted()
    office.bureau.at("2026-09-28T10:00:00")
    office.correct(notice, "2026-09-25T09:00:00", how="in person")
    assert served(notice) == ("in person", moment_of("2026-09-25T09:00:00"))
    assert (last_day(notice), notice.ripe_at) == ("2026-10-12", moment_of("2026-10-13T00:01:00"))
    assert notice.kinds[-3:] == ["receipt.corrected", "letter.served", "deadline.moved"]
    assert office.matters(notice) == []
    office.bureau.pass_to("2026-10-12T12:00:00")
    assert (notice.outcome, notice.status) == (None, "已送达，异议期内")
    office.bureau.pass_to("2026-10-13T00:01:00")
    assert notice.outcome == "已生效"


def test_the_history_holds_both_receipts_and_the_reason(office):
    notice = office.posted()
    office.bureau.at("2026-09-28T10:00:00")
    office.correct(notice, "2026-09-25T09:00:00", how="in person")
    [entry] = notice.entries("receipt.corrected")
    assert entry.actor_id == office.bureau.tao.person_id
    said = {key: entry.details[key] for key in ("how_before", "before", "how", "at", "reason")}
    assert said == {
        "how_before": "post",
        "before": "2026-09-23T15:00:00+08:00",
        "how": "in person",
        "at": "2026-09-25T09:00:00+08:00",
        "reason": WHY,
    }


def test_an_earlier_day_moves_the_deadline(office):
    notice = office.posted()
    office.correct(notice, "2026-09-22T11:00:00")
    assert (last_day(notice), notice.ripe_at) == ("2026-10-09", moment_of("2026-10-10T00:01:00"))


def test_an_earlier_day_whose_period_is_over_ends_the_case_in_that_act(office):
    bureau = office.bureau
    bureau.at("2026-08-03T09:00:00")
    notice = bureau.notice()
    bureau.at("2026-08-28T10:00:00")
    bureau.receipt(notice, bureau.tao, on="2026-08-27T10:00:00")
    assert last_day(notice) == "2026-09-07"
    office.correct(notice, "2026-08-04T10:00:00")
    assert notice.kinds[-4:] == ["deadline.moved", "timer.fired", "case.ended", "matter.raised"]
    assert (notice.outcome, notice.row.ended_at, notice.ripe_at) == ("已生效", bureau.now, None)
    [matter] = office.matters(notice)
    told = {key: matter.details[key] for key in ("old_due", "new_due", "outcome", "reason")}
    assert told == {
        "old_due": "2026-09-08T00:00:00+08:00",
        "new_due": "2026-08-14T00:00:00+08:00",
        "outcome": "已生效",
        "reason": WHY,
    }


def test_another_way_on_the_same_moment_moves_nothing(office):
    notice = office.posted()
    office.correct(notice, "2026-09-23T15:00:00", how="in person")
    assert served(notice) == ("in person", moment_of("2026-09-23T15:00:00"))
    assert notice.kinds[-1] == "receipt.corrected"
    assert last_day(notice) == "2026-10-10"


def test_a_receipt_that_does_not_count_is_corrected_without_moving_anything(office):
    notice = office.posted()
    office.bureau.at("2026-09-28T10:00:00")
    office.bureau.receipt(notice, office.bureau.tao, on="2026-09-27T10:00:00")
    office.correct(notice, "2026-09-26T10:00:00")
    assert (served(notice), last_day(notice)) == (("post", moment_of("2026-09-23T15:00:00")), "2026-10-10")
    assert notice.kinds[-1] == "receipt.corrected"


@pytest.mark.parametrize(
    ("on", "refusal"),
    [
        ("2026-09-28T10:00:01", ServedInFuture),
        ("2026-09-20T08:59:59", ServedBeforeIssue),
        ("2026-09-23T15:00:00", NothingCorrected),
    ],
)
def test_an_impossible_correction_is_refused_and_nothing_is_struck(office, on, refusal):
    notice = office.posted()
    office.bureau.at("2026-09-28T10:00:00")
    with pytest.raises(refusal):
        office.correct(notice, on)
    assert (served(notice), last_day(notice)) == (("post", moment_of("2026-09-23T15:00:00")), "2026-10-10")


def test_a_day_before_the_file_existed_is_refused(office):
    bureau = office.bureau
    bureau.renders = False
    notice = bureau.notice()
    bureau.at("2026-09-22T10:00:00")
    bureau.renders = True
    bureau.act(lambda tx, at: None)
    bureau.at("2026-09-24T10:00:00")
    bureau.receipt(notice, bureau.tao, on="2026-09-23T10:00:00")
    with pytest.raises(FileNotReady):
        office.correct(notice, "2026-09-22T09:00:00")


def test_a_correction_needs_a_reason_a_way_and_the_clerk(office):
    notice = office.posted()
    office.bureau.at("2026-09-28T10:00:00")
    with pytest.raises(ReasonMissing):
        office.correct(notice, "2026-09-25T09:00:00", reason="  ")
    with pytest.raises(UnknownWayOfService):
        office.correct(notice, "2026-09-25T09:00:00", how="read")
    for stranger in (office.bureau.chen, office.bureau.zhou, office.bureau.wang):
        with pytest.raises(NotYourRole):
            office.correct(notice, "2026-09-25T09:00:00", by=stranger)
    office.correct(notice, "2026-09-25T09:00:00")
    with pytest.raises(AlreadyStruck):
        office.correct(notice, "2026-09-24T09:00:00", which=0)


def test_what_the_party_did_itself_is_not_corrected(office):
    bureau = office.bureau
    notice = bureau.served_notice()
    for instead in (None, "2026-09-23T09:00:00"):
        with pytest.raises(ProvedByParty):
            office.correct(notice, instead)
    other = bureau.notice()
    bureau.object(other)
    with pytest.raises(ProvedByParty):
        office.correct(other, None)


# Struck out


def test_struck_out_the_next_earliest_proof_counts(office):
    notice = office.posted()
    office.bureau.at("2026-09-30T10:00:00")
    office.bureau.receipt(notice, office.bureau.tao, on="2026-09-29T15:00:00", how="in person")
    office.correct(notice, None, which=0)
    assert (served(notice), last_day(notice)) == (("in person", moment_of("2026-09-29T15:00:00")), "2026-10-14")
    assert notice.entries("receipt.struck")[0].details["reason"] == WHY
    assert notice.status == "已送达，异议期内"


def test_struck_out_reading_counts_when_it_was_proved_too(office):
    bureau = office.bureau
    notice = bureau.served_notice()
    bureau.at("2026-09-25T10:00:00")
    bureau.receipt(notice, bureau.tao, on="2026-09-22T15:00:00")
    assert last_day(notice) == "2026-10-09"
    office.correct(notice, None)
    assert (served(notice), last_day(notice)) == (("read", moment_of("2026-09-24T10:00:00")), "2026-10-12")


def test_with_no_proof_left_the_letter_is_unserved_and_nothing_becomes_final(office):
    notice = office.posted()
    office.correct(notice, None)
    assert notice.kinds[-3:] == ["receipt.struck", "letter.unserved", "deadline.dropped"]
    assert (served(notice), notice.status, notice.ripe_at) == ((None, None), "通知书已制发，等待送达", None)
    office.bureau.pass_to("2026-12-01T09:00:00")
    assert (notice.outcome, notice.status) == (None, "通知书已制发，等待送达")


def test_a_new_receipt_starts_the_period_anew(office):
    notice = office.posted()
    office.correct(notice, None)
    office.bureau.at("2026-09-28T10:00:00")
    office.bureau.receipt(notice, office.bureau.tao, on="2026-09-25T10:00:00", how="in person")
    assert (notice.status, last_day(notice)) == ("已送达，异议期内", "2026-10-12")
    every = office.bureau.run.read(lambda tx: deadlines.of_case(tx, notice.id))
    assert [deadline.state for deadline in every] == ["dropped", "running"]
    office.bureau.pass_to("2026-10-13T00:01:00")
    assert notice.outcome == "已生效"
    assert office.matters(notice) == []


def test_the_party_may_read_or_answer_a_letter_whose_receipt_was_struck_out(office):
    bureau = office.bureau
    read, answered = office.posted(), office.posted("2026-09-24T12:00:00", entered="2026-09-24T13:00:00")
    for notice in (read, answered):
        office.correct(notice, None)
    bureau.at("2026-09-28T10:00:00")
    bureau.sign_for(read, bureau.wang)
    assert (served(read)[0], last_day(read)) == ("read", "2026-10-13")
    review = bureau.object(answered)
    assert (served(answered), review.facts) == (("filing", bureau.now), {"in_time": True})
    assert answered.status == "复核进行中"


def test_a_filing_remains_as_proof_when_the_receipt_before_it_is_struck_out(office):
    notice = office.posted()
    office.bureau.at("2026-09-25T10:00:00")
    before = notice.entries("letter.served")
    review = office.bureau.object(notice)
    assert (served(notice), last_day(notice)) == (("post", moment_of("2026-09-23T15:00:00")), "2026-10-10")
    assert notice.entries("letter.served") == before
    assert len(office.proofs(notice)) == 2
    office.correct(notice, None, which=0)
    assert (served(notice), last_day(notice)) == (("filing", moment_of("2026-09-25T10:00:00")), "2026-10-12")
    office.bureau.send("withdraw", review, office.bureau.wang, confirmed=True)
    office.bureau.pass_to("2026-10-13T00:01:00")
    assert notice.outcome == "已生效"


def test_a_party_may_waive_while_its_letter_is_unserved_again(office):
    notice = office.posted()
    office.correct(notice, None)
    office.bureau.send("waived", notice, office.bureau.wang, confirmed=True)
    assert notice.outcome == "已生效"


# After the timer


def test_after_the_timer_has_fired_the_desk_gets_both_dates_and_nothing_is_undone(office):
    notice = office.final()
    office.correct(notice, "2026-09-28T15:00:00")
    assert (notice.outcome, notice.row.ended_at) == ("已生效", moment_of("2026-10-11T00:00:00"))
    assert last_day(notice) == "2026-10-13"
    [matter] = office.matters(notice)
    assert (matter.role, matter.kind, matter.decision) == ("leader", "service", None)
    told = {key: matter.details[key] for key in ("old_due", "new_due", "served_before", "served", "reason", "outcome")}
    assert told == {
        "old_due": "2026-10-11T00:00:00+08:00",
        "new_due": "2026-10-14T00:00:00+08:00",
        "served_before": "2026-09-23T15:00:00+08:00",
        "served": "2026-09-28T15:00:00+08:00",
        "reason": WHY,
        "outcome": "已生效",
    }
    assert notice.kinds[-1] == "matter.raised"


def test_a_struck_proof_after_the_timer_is_a_matter_without_new_date(office):
    notice = office.final()
    office.correct(notice, None)
    [matter] = office.matters(notice)
    assert (matter.details["new_due"], matter.details["served"]) == (None, None)
    assert (notice.outcome, served(notice)) == ("已生效", (None, None))
    office.bureau.at("2026-10-13T10:00:00")
    office.bureau.receipt(notice, office.bureau.tao, on="2026-09-28T10:00:00")
    [matter] = office.matters(notice)
    assert matter.details["new_due"] == "2026-10-14T00:00:00+08:00"
    assert matter.details["reason"] == WHY


def test_a_matter_goes_away_when_the_old_date_is_right_after_all(office):
    notice = office.final()
    office.correct(notice, "2026-09-28T15:00:00")
    office.correct(notice, "2026-09-23T16:00:00")
    [matter] = office.matters(notice)
    assert (matter.decision, matter.decided_by_id, last_day(notice)) == ("settled", None, "2026-10-10")
    assert notice.kinds[-1] == "matter.settled"


def test_two_corrections_are_one_matter_with_the_first_and_the_last_date(office):
    notice = office.final()
    office.correct(notice, "2026-09-28T15:00:00")
    office.correct(notice, "2026-09-29T15:00:00", reason="又录错")
    [matter] = office.matters(notice)
    assert matter.details["old_due"] == "2026-10-11T00:00:00+08:00"
    assert matter.details["new_due"] == "2026-10-15T00:00:00+08:00"
    assert matter.details["served_before"] == "2026-09-23T15:00:00+08:00"


def test_an_objection_within_the_corrected_period_is_in_time_although_the_notice_is_final(office):
    notice = office.final()
    office.correct(notice, "2026-09-28T15:00:00")
    review = office.bureau.object(notice)
    assert review.facts == {"in_time": True}
    [matter] = office.matters(notice)
    with pytest.raises(NotRenewable):
        office.renew(matter, office.bureau.chen)
    assert matter.decided_at is None


# The desk


def test_the_outcome_is_kept_with_a_reason(office):
    notice = office.final()
    office.correct(notice, "2026-09-28T15:00:00")
    [matter] = office.matters(notice)
    office.keep(matter, office.bureau.chen)
    [matter] = office.matters(notice)
    assert (matter.decision, matter.reason) == ("kept", "送达更正不影响结果")
    assert (notice.outcome, notice.kinds[-1]) == ("已生效", "matter.kept")
    assert office.bureau.entries() == [("allowance", 1_200_000)]
    with pytest.raises(MatterDecided, match="陈"):
        office.renew(matter, office.bureau.chen)


def test_only_the_desk_decides_and_not_who_entered_the_receipt(office):
    bureau = office.bureau
    both = bureau.granted(bureau.tao, "leader")
    notice = office.final()
    office.correct(notice, "2026-09-28T15:00:00")
    [matter] = office.matters(notice)
    for stranger in (bureau.sun, bureau.zhou, bureau.tao, bureau.wang):
        with pytest.raises(NotYourRole):
            office.keep(matter, stranger)
    with pytest.raises(EnteredIt):
        office.keep(matter, both)
    with pytest.raises(ReasonMissing):
        office.keep(matter, bureau.chen, reason=" ")


def test_a_new_notice_takes_the_place_of_the_old_one(office):
    bureau, notice = office.bureau, office.final()
    once, starter = notice.row.once, notice.row.started_by_id
    office.correct(notice, "2026-09-28T15:00:00")
    [matter] = office.matters(notice)
    new = office.renew(matter, bureau.chen)
    assert (notice.outcome, notice.status) == ("已被取代", "已被取代")
    assert (new.row.procedure, new.row.once, notice.row.once) == ("allocation-notice", once, None)
    assert (new.status, new.said("start")) == ("通知书已制发，等待送达", notice.said("start"))
    assert new.row.started_by_id == starter
    assert notice.entries("case.replaced")[0].details == {
        "was": "已生效",
        "outcome": "已被取代",
        "by": new.number,
    }
    assert notice.entries("matter.renewed")[0].details["by"] == new.number
    assert bureau.entries() == [("allowance", 1_200_000), ("allowance", -1_200_000), ("allowance", 1_200_000)]
    assert new.entries("ledger.reversed")[0].details["of"] == notice.number
    # Whoever has not opened the new letter is told of neither the new posting nor of what it takes back.
    by_the_new = bureau.run.read(lambda tx: ledger.entries_of_case(tx, new.id))
    assert sorted(line.amount for line in by_the_new if line.organisation_id) == [-1_200_000, 1_200_000]
    assert len(new.letters) == 1
    # The new notice goes its own way.
    bureau.at("2026-10-14T10:00:00")
    bureau.sign_for(new, bureau.wang)
    bureau.pass_to("2026-10-24T00:01:00")
    assert new.outcome == "已生效"


def test_the_row_for_which_the_old_notice_was_started_is_under_way_again(office):
    bureau, notice = office.bureau, office.final()

    def item() -> tuple[str, int | None]:
        row = bureau.run.read(lambda tx: tx.scalars(select(StartItem)).one())
        return row.state, row.case_id

    assert item() == ("ended", notice.id)
    office.correct(notice, "2026-09-28T15:00:00")
    new = office.renew(office.matters(notice)[0], bureau.chen)
    assert item() == ("started", new.id)
    bureau.sign_for(new, bureau.wang)
    bureau.pass_to("2026-10-24T00:01:00")
    assert item() == ("ended", new.id)


def test_what_the_old_notice_put_on_a_register_is_withdrawn_and_recorded_anew(office):
    bureau = office.bureau
    result = bureau.result()
    bureau.at("2026-09-24T10:00:00")
    bureau.receipt(result, bureau.tao, on="2026-09-23T15:00:00")
    bureau.pass_to("2026-10-11T00:01:00")
    assert result.outcome == "已生效"
    bureau.at("2026-10-12T10:00:00")
    office.correct(result, "2026-09-28T15:00:00")
    new = office.renew(office.matters(result)[0], bureau.chen, reason="异议期没有届满")

    def entries(tx: Session) -> list[tuple[str, int | None, str]]:
        [row] = registers.find(tx, "chongqing-ets", "verified_emissions", size=10)
        return [(entry.state, entry.case_id, entry.reason) for entry in registers.entries(tx, [row.id])]

    states = bureau.run.read(entries)
    assert [(state, case) for state, case, _ in states] == [
        (states[0][0], result.id),
        ("撤销", result.id),
        (states[0][0], new.id),
    ]
    assert states[1][2] == "异议期没有届满"
    assert result.outcome == "已被取代"


def test_nothing_is_filed_about_a_notice_that_was_made_anew(office):
    bureau, notice = office.bureau, office.final()
    office.correct(notice, "2026-09-28T15:00:00")
    new = office.renew(office.matters(notice)[0], bureau.chen)
    with pytest.raises(Replaced, match=new.number):
        bureau.object(notice)
    bureau.sign_for(new, bureau.wang)
    review = bureau.object(new)
    assert review.facts == {"in_time": True}


def test_a_notice_is_made_anew_although_the_unit_has_used_its_allowance(office):
    bureau, notice = office.bureau, office.final()
    holder, starter = bureau.cement, notice.row.started_by_id

    def use(tx: Session, at: datetime) -> None:
        [held] = ledger.holdings(tx, holder)
        ledger.post(
            tx, key="used", case_id=starter, act_id=1, moment=at, organisation_id=holder,
            asset=Asset("chongqing-ets", "allowance"), amount=-1_000_000, dimensions=held.dimensions,
            kind="转让", basis="15",
        )  # fmt: skip

    bureau.act(use)
    office.correct(notice, "2026-09-28T15:00:00")
    office.renew(office.matters(notice)[0], bureau.chen)
    assert [held.balance for held in bureau.run.read(lambda tx: ledger.holdings(tx, holder))] == [200_000]


@pytest.mark.parametrize("conclusion", ["变更", "撤销重作"])
def test_a_notice_that_a_review_has_replaced_is_not_made_anew(office, conclusion):
    bureau, notice = office.bureau, office.final()
    office.correct(notice, "2026-09-28T15:00:00")
    review = bureau.object(notice)
    bureau.complete("check", bureau.li, review, result="受理")
    more = {"amount": "1250000"} if conclusion == "变更" else {}
    bureau.decide(review, conclusion, **more)
    bureau.complete("sign", bureau.chen, review, result="签发")
    if conclusion == "撤销重作":
        bureau.complete("redetermine", bureau.zhou, review, amount="1100000", grounds="按更正后的产量")
        bureau.complete("sign_redo", bureau.chen, review, result="签发")
    assert notice.outcome == "已被取代"
    [matter] = office.matters(notice)
    assert (matter.decision, matter.decided_by_id) == ("settled", None)
    with pytest.raises(MatterDecided):
        office.renew(matter, bureau.chen)
    assert notice.see(renewing.obstacle).zh == f"它已被取代（{review.number}：{review.outcome}）。"
    assert conclusion in review.outcome


def test_a_notice_that_a_review_has_upheld_is_not_made_anew(office):
    bureau, notice = office.bureau, office.final()
    office.correct(notice, "2026-09-28T15:00:00")
    review = bureau.object(notice)
    bureau.complete("check", bureau.li, review, result="受理")
    bureau.decide(review)
    bureau.complete("sign", bureau.chen, review, result="签发")
    [matter] = office.matters(notice)
    assert matter.decision is None
    with pytest.raises(NotRenewable) as refused:
        office.renew(matter, bureau.chen)
    assert f"（{review.number}）已有结果（{review.outcome}）" in refused.value.text()
    office.keep(matter, bureau.chen)


def test_after_a_withdrawn_review_a_notice_can_be_made_anew(office):
    bureau, notice = office.bureau, office.final()
    office.correct(notice, "2026-09-28T15:00:00")
    review = bureau.object(notice)
    bureau.send("withdraw", review, bureau.wang, confirmed=True)
    office.renew(office.matters(notice)[0], bureau.chen)
    assert notice.outcome == "已被取代"


def test_a_notice_that_runs_at_an_upgrade_comes_onto_the_desk_of_the_newest_release(tx):
    shared = "bpmn/_shared/notice-and-objection-period/shared.toml"
    before = "".join(
        line for line in shipped().files[shared].decode().splitlines(keepends=True) if not line.startswith("desk")
    )
    older = Content(shipped().regulation, {**shipped().files, shared: before.encode()})
    office = Desk(Bureau.within(tx, older))
    notice = office.final()
    office.correct(notice, "2026-09-28T15:00:00")
    assert office.matters(notice) == []
    office.bureau.publish(shipped())
    office.correct(notice, "2026-09-29T15:00:00")
    [matter] = office.matters(notice)
    assert (matter.role, matter.details["old_due"]) == ("leader", "2026-10-11T00:00:00+08:00")
    office.keep(matter, office.bureau.chen)


def test_a_case_that_has_no_desk_raises_nothing(office):
    bureau = office.bureau
    notice = bureau.served_notice()
    review = bureau.object(notice)
    bureau.complete("check", bureau.li, review, result="受理")
    bureau.decide(review)
    bureau.complete("sign", bureau.chen, review, result="签发")
    bureau.at("2026-09-28T10:00:00")
    bureau.receipt(review, bureau.tao, on="2026-09-25T10:00:00")
    office.correct(review, None)
    assert review.kinds[-2:] == ["receipt.struck", "letter.unserved"]
    assert office.matters(review) == []


# Foreseen


def test_what_a_correction_would_do_is_foreseen_and_not_done(office):
    bureau, notice = office.bureau, office.posted()
    bureau.at("2026-09-28T10:00:00")
    [proof_id] = office.proofs(notice)
    look = partial(correcting.foreseen, bureau.kernel)
    instead = Receipt("post", moment_of("2026-09-25T09:00:00"))
    before = notice.kinds
    [seen] = bureau.act(lambda tx, at: look(tx, bureau.tao, proof_id, instead, WHY, at))
    assert seen.number == notice.number
    assert [entry.kind for entry in seen.entries] == ["receipt.corrected", "letter.served", "deadline.moved"]
    moved = seen.entries[-1].details
    assert (moved["old_due"], moved["new_due"]) == ("2026-10-11T00:00:00+08:00", "2026-10-13T00:00:00+08:00")
    assert (notice.kinds, last_day(notice)) == (before, "2026-10-10")
    assert len(office.proofs(notice)) == 1


# Races


def decisions(database, rounds: int) -> list[str]:
    """What went wrong when two leaders have each notice made anew at once."""
    office = Desk(Bureau.over(database))
    bureau = office.bureau
    second = bureau.person("郭", "leader")

    def race() -> list[str]:
        bureau.at("2026-09-21T09:00:00")
        notice = office.final()
        office.correct(notice, "2026-09-28T15:00:00")
        [matter] = office.matters(notice)
        results = at_once(partial(office.renew, matter, bureau.chen), partial(office.renew, matter, second))
        kinds = sorted(type(result).__name__ for result in results)
        right = (kinds, notice.outcome) == (["Followed", "MatterDecided"], "已被取代")
        return [] if right else [f"{results}, the notice is {notice.outcome}"]

    wrong = [what for _ in range(rounds) for what in race()]
    return [*wrong, *map(str, bureau.breaks())]


def test_of_two_leaders_at_once_one_decides_and_the_other_is_told(own_database):
    assert decisions(own_database, 3) == []


@pytest.mark.thorough
@pytest.mark.usefixtures("no_lock")
def test_without_the_lock_two_leaders_at_once_are_found_out(own_database):
    assert decisions(own_database, 4) != []


def test_keeping_and_renewing_at_once_are_one_decision(own_database):
    office = Desk(Bureau.over(own_database))
    bureau = office.bureau
    second = bureau.person("郭", "leader")
    notice = office.final()
    office.correct(notice, "2026-09-28T15:00:00")
    [matter] = office.matters(notice)
    results = at_once(partial(office.keep, matter, bureau.chen), partial(office.renew, matter, second))
    assert sum(isinstance(result, MatterDecided) for result in results) == 1, results
    [matter] = office.matters(notice)
    assert (notice.outcome == "已被取代") is (matter.decision == "renewed")
    count = len(bureau.cases("allocation-notice"))
    assert count == (2 if matter.decision == "renewed" else 1)


def test_an_objection_and_a_new_notice_at_once_exclude_each_other(own_database):
    office = Desk(Bureau.over(own_database))
    bureau = office.bureau
    for _round in range(4):
        bureau.at("2026-09-21T09:00:00")
        notice = office.final()
        office.correct(notice, "2026-09-28T15:00:00")
        [matter] = office.matters(notice)
        filed, renewed = at_once(partial(bureau.object, notice), partial(office.renew, matter, bureau.chen))
        if isinstance(filed, Followed):
            assert isinstance(renewed, NotRenewable), renewed
        else:
            assert isinstance(filed, (Replaced, AlreadyFiled)), filed
            assert isinstance(renewed, Followed)


def test_two_corrections_of_one_receipt_at_once_are_one(own_database):
    office = Desk(Bureau.over(own_database))
    notice = office.posted()
    office.bureau.at("2026-09-28T10:00:00")
    results = at_once(
        partial(office.correct, notice, "2026-09-25T09:00:00", which=0), partial(office.correct, notice, None, which=0)
    )
    assert sum(isinstance(result, AlreadyStruck) for result in results) == 1, results
    assert sum(result is None for result in results) == 1, results
