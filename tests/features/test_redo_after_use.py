"""A notice is made anew on review, or changed, when the unit has used or passed on some of what it had posted."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from portal.cases.actions import NotHeld
from portal.ledger import Asset
from portal.ledger import service as ledger
from portal.registers import service as registers
from tests.builders.world import CEMENT, Bureau

ALLOWANCE = Asset("chongqing-ets", "allowance")


class Reviewing(Bureau):
    """The bureau with one notice of 1,200,000 that is under review."""

    def begin(self, conclusion, **more):
        """To the review's decision on the leader's desk."""
        notice = self.served_notice()
        review = self.object(notice)
        self.complete("check", self.li, review, result="受理")
        self.decide(review, conclusion, **more)
        return notice, review

    def annulled(self):
        """To where it is to be determined anew."""
        notice, review = self.begin("撤销重作")
        self.complete("sign", self.chen, review, result="签发")
        return notice, review

    def redetermine(self, review, amount):
        self.complete("redetermine", self.zhou, review, amount=str(amount), grounds="按更正后的产量")

    def moved(self, amount):
        """The unit hands over so much in another case, or gets it (a positive amount)."""
        starter = self.cases("allocation")[0].id

        def post(tx: Session, at: object) -> None:
            [held] = ledger.holdings(tx, self.cement)
            ledger.post(
                tx, key=f"moved {self.now} {amount}", case_id=starter, act_id=1, moment=at,
                organisation_id=self.cement, asset=ALLOWANCE, amount=amount, dimensions=held.dimensions,
                kind="转让", basis="15",
            )  # fmt: skip

        self.act(post)

    @property
    def held(self):
        [held] = self.run.read(lambda tx: ledger.holdings(tx, self.cement))
        return held.balance

    @property
    def account(self):
        [held] = self.run.read(lambda tx: ledger.holdings(tx, self.cement))
        return held.account


@pytest.fixture
def bureau(tx):
    bureau = Reviewing.within(tx)
    yield bureau
    assert bureau.breaks() == []
    assert bureau.run.read(ledger.invariants) == []


def test_what_was_used_stays_used(bureau):
    notice, review = bureau.annulled()
    bureau.redetermine(review, 1_300_000)
    bureau.moved(-1000)
    bureau.complete("sign_redo", bureau.chen, review, result="签发")
    assert (review.outcome, notice.outcome) == ("撤销重作", "已被取代")
    assert (bureau.held, bureau.cases("allocation-notice")[-1].outcome) == (1_299_000, None)
    assert sorted(amount for _, amount in bureau.entries()) == [-1_200_000, -1000, 1_200_000, 1_300_000]


def test_all_of_it_was_used_and_the_new_figure_is_just_that(bureau):
    _, review = bureau.annulled()
    bureau.moved(-1_200_000)
    bureau.redetermine(review, 1_200_000)
    bureau.complete("sign_redo", bureau.chen, review, result="签发")
    assert (review.outcome, bureau.held) == ("撤销重作", 0)


def test_a_figure_below_what_was_used_is_refused_where_it_is_determined(bureau):
    notice, review = bureau.annulled()
    bureau.moved(-1000)
    before = review.kinds
    with pytest.raises(NotHeld) as refused:
        bureau.redetermine(review, 900)
    assert refused.value.text("zh") == (
        f"账户{bureau.account}（免费、2025）不够收回，还差100：其余已经使用或者转出。"
        "请改正数量，至少少收回100（重新核定、变更的，即把数量提高100），或者待该单位补足后再办；"
        "已经送签的，签批人可以退回。"
    )
    assert (review.tasks, review.kinds, review.said("redetermine", "redo:1")) == (["redetermine"], before, None)
    bureau.redetermine(review, 1000)
    bureau.complete("sign_redo", bureau.chen, review, result="签发")
    assert (review.outcome, notice.outcome, bureau.held) == ("撤销重作", "已被取代", 0)


def test_what_is_used_before_the_signature_is_refused_there_and_can_be_returned(bureau):
    notice, review = bureau.annulled()
    bureau.redetermine(review, 900)
    bureau.moved(-1000)
    with pytest.raises(NotHeld, match="is 100 short"):
        bureau.complete("sign_redo", bureau.chen, review, result="签发")
    assert (review.outcome, notice.outcome, bureau.held) == (None, None, 1_199_000)
    assert len(bureau.cases("allocation-notice")) == 1
    bureau.complete("sign_redo", bureau.chen, review, result="退回", opinion="已使用 1000 吨")
    bureau.redetermine(review, 1100)
    bureau.complete("sign_redo", bureau.chen, review, result="签发")
    assert (review.outcome, notice.outcome, bureau.held) == ("撤销重作", "已被取代", 100)


def test_once_the_unit_has_made_up_for_it_the_lower_figure_is_signed(bureau):
    _, review = bureau.annulled()
    bureau.redetermine(review, 900)
    bureau.moved(-1000)
    with pytest.raises(NotHeld):
        bureau.complete("sign_redo", bureau.chen, review, result="签发")
    bureau.moved(100)
    bureau.complete("sign_redo", bureau.chen, review, result="签发")
    assert (review.outcome, bureau.held) == ("撤销重作", 0)


def test_a_change_below_what_was_used_is_refused_at_the_signature_and_can_be_returned(bureau):
    notice, review = bureau.begin("变更", amount="900")
    bureau.moved(-1000)
    with pytest.raises(NotHeld, match="is 100 short"):
        bureau.complete("sign", bureau.chen, review, result="签发")
    assert (review.letters, review.tasks) == ([], ["sign"])
    bureau.complete("sign", bureau.chen, review, result="退回", opinion="已使用 1000 吨")
    bureau.decide(review, "变更", amount="1000")
    bureau.complete("sign", bureau.chen, review, result="签发")
    assert (review.outcome, notice.outcome, bureau.held) == ("变更", "已被取代", 0)


def test_a_change_below_what_was_used_is_refused_where_it_is_determined(bureau):
    review = bureau.object(bureau.served_notice())
    bureau.complete("check", bureau.li, review, result="受理")
    bureau.moved(-1000)
    with pytest.raises(NotHeld, match="is 1 short"):
        bureau.complete("review", bureau.he, review, conclusion="变更", amount="999", reasons="经核对")
    assert (review.tasks, review.said("review")) == (["review"], None)
    bureau.complete("review", bureau.he, review, conclusion="变更", amount="1000", reasons="经核对")
    assert review.tasks == ["draft"]


@pytest.mark.parametrize("conclusion", ["维持", "撤销重作"])
def test_where_no_figure_is_determined_nothing_is_looked_at(bureau, conclusion):
    review = bureau.object(bureau.served_notice())
    bureau.complete("check", bureau.li, review, result="受理")
    bureau.moved(-1_200_000)
    bureau.decide(review, conclusion)
    assert review.tasks == ["sign"]


def test_a_record_is_withdrawn_before_the_new_one_is_entered(bureau):
    notice = bureau.result()
    bureau.at("2026-09-24T10:00:00")
    bureau.sign_for(notice, bureau.wang)
    review = bureau.file("verification-review", bureau.wang, notice, claimed_amount="840000", grounds="电量重复")
    bureau.complete("check", bureau.li, review, result="受理")
    bureau.decide(review, "撤销重作")
    bureau.complete("sign", bureau.chen, review, result="签发")
    bureau.redetermine(review, 1)
    bureau.complete("sign_redo", bureau.chen, review, result="签发")
    assert (review.outcome, notice.outcome) == ("撤销重作", "已被取代")
    [record] = [
        row for row in bureau.run.read(lambda tx: registers.of_unit(tx, CEMENT)) if row.register == "verified_emissions"
    ]
    assert (record.state, record.fields["emission"]) == ("核定", "1")
