"""A unit is removed from the year's list after it was determined: no notice begins for it, but one is put right."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from portal.cases import bulk
from portal.cases.models import StartItem
from portal.ledger import service as ledger
from tests.builders.world import CEMENT, STEEL
from tests.features.test_service_corrected import Desk, office  # noqa: F401 # a fixture

NAMES = {CEMENT: "重庆某水泥有限公司", STEEL: "重庆某钢铁集团有限公司"}
REMOVED = "该年度的重点排放单位名录中没有这个单位（可能已经移出）。"


def enter(bureau, unit, action):
    """The emitter list of 2025 lists or removes a unit."""
    emitters = bureau.file("emitter-list", bureau.zhou)
    row = {"uscc": unit, "name": NAMES[unit], "industry": "水泥", "district": "万州区", "action": action}
    bureau.complete("draft", bureau.zhou, emitters, year="2025", document="渝环〔2026〕1号", units=[row])
    bureau.complete("sign", bureau.chen, emitters, result="签发")


def remove(bureau, unit):
    enter(bureau, unit, "移出（不再从事生产经营）")


def allocated(bureau):
    """An allocation to two units that waits for the leader."""
    return bureau.allocation((CEMENT, 1_200_000), (STEEL, 5_400_000))


def verified(bureau):
    """The same of a verification."""
    for unit in (CEMENT, STEEL):
        bureau.listed(unit, 2025)
    case = bureau.file("verification", bureau.zhou)
    bureau.complete("arrange", bureau.zhou, case, year="2025", way="自行组织核查")
    units = [{"unit": CEMENT, "amount": "864000"}, {"unit": STEEL, "amount": "5000000"}]
    bureau.complete("draft", bureau.zhou, case, units=units)
    return case


def rows(bureau, case):
    query = select(StartItem).where(StartItem.starter_id == case.id).order_by(StartItem.id)
    return bureau.run.read(lambda tx: list(tx.scalars(query)))


def states(bureau, case):
    return [(row.state, row.fault) for row in rows(bureau, case)]


@pytest.mark.parametrize("determined", [allocated, verified])
def test_a_unit_removed_before_the_signature_gets_no_notice(office, determined):  # noqa: F811
    bureau = office.bureau
    case = determined(bureau)
    remove(bureau, CEMENT)
    bureau.complete("sign", bureau.chen, case, result="签发")
    assert states(bureau, case) == [("failed", REMOVED), ("started", None)]
    posted = [5_400_000] if determined is allocated else []
    assert [amount for _, amount in bureau.entries()] == posted
    failed = rows(bureau, case)[0].id
    bureau.act(lambda tx, at: bulk.retry(bureau.kernel, tx, bureau.zhou, failed, at))
    assert states(bureau, case) == [("failed", REMOVED), ("started", None)]
    enter(bureau, CEMENT, "列入")
    bureau.act(lambda tx, at: bulk.retry(bureau.kernel, tx, bureau.zhou, failed, at))
    assert states(bureau, case) == [("started", None), ("started", None)]


def test_a_unit_removed_after_the_signature_gets_no_notice_either(office):  # noqa: F811
    bureau = office.bureau
    allocation = allocated(bureau)
    bureau.works = False
    bureau.complete("sign", bureau.chen, allocation, result="签发")
    remove(bureau, STEEL)
    bureau.works = True
    bureau.act(lambda tx, at: None)
    assert states(bureau, allocation) == [("started", None), ("failed", REMOVED)]
    given_up = rows(bureau, allocation)[1].id
    bureau.act(lambda tx, at: bulk.drop(bureau.kernel, tx, bureau.zhou, given_up, "已移出名录", at))
    assert [amount for _, amount in bureau.entries()] == [1_200_000]


@pytest.mark.parametrize("determined", [allocated, verified])
def test_the_notice_of_a_removed_unit_is_determined_anew_on_review(office, determined):  # noqa: F811
    bureau = office.bureau
    case = determined(bureau)
    bureau.complete("sign", bureau.chen, case, result="签发")
    notice = next(one for one in bureau.cases() if one.row.started_by_id == case.id)
    bureau.at("2026-09-24T10:00:00")
    bureau.sign_for(notice, bureau.wang)
    review = bureau.file(
        notice.row.procedure.replace("notice", "review"), bureau.wang, notice, claimed_amount="1", grounds="有误"
    )
    bureau.complete("check", bureau.li, review, result="受理")
    bureau.decide(review, "撤销重作")
    bureau.complete("sign", bureau.chen, review, result="签发")
    remove(bureau, CEMENT)
    bureau.complete("redetermine", bureau.zhou, review, amount="850000", grounds="已核对")
    bureau.complete("sign_redo", bureau.chen, review, result="签发")
    assert (review.outcome, notice.outcome) == ("撤销重作", "已被取代")
    assert bureau.cases(notice.row.procedure)[-1].said("start") == {"unit": CEMENT, "year": "2025", "amount": "850000"}


@pytest.mark.parametrize("procedure", ["allocation-notice", "verification-notice"])
def test_the_notice_of_a_removed_unit_is_made_anew_from_the_desk_more_than_once(office, procedure):  # noqa: F811
    bureau = office.bureau
    notice = bureau.notice() if procedure == "allocation-notice" else bureau.result()
    for entered, on, ended, corrected in (
        ("2026-09-24", "2026-09-23", "2026-10-11", "2026-09-29"),
        ("2026-10-14", "2026-10-13", "2026-10-24", "2026-10-14"),
    ):
        bureau.at(f"{entered}T16:00:00")
        bureau.receipt(notice, bureau.tao, on=f"{on}T15:00:00")
        bureau.pass_to(f"{ended}T09:00:00")
        assert notice.outcome == "已生效"
        office.correct(notice, f"{corrected}T10:00:00")
        if entered == "2026-09-24":
            remove(bureau, CEMENT)
        old, notice = notice, office.renew(office.matters(notice)[0], bureau.chen)
        assert (old.outcome, notice.row.procedure) == ("已被取代", procedure)
    if procedure == "allocation-notice":
        [held] = bureau.run.read(lambda tx: ledger.holdings(tx, bureau.cement))
        assert held.balance == 1_200_000


def test_a_second_notice_is_told_that_there_is_one_and_not_that_the_unit_is_removed(office):  # noqa: F811
    """Two allocations of one unit and year wait for the leader; the second comes too late, listed or not."""
    bureau = office.bureau
    first, second = allocated(bureau), allocated(bureau)
    bureau.complete("sign", bureau.chen, first, result="签发")
    remove(bureau, CEMENT)
    bureau.complete("sign", bureau.chen, second, result="签发")
    assert [(state, "不能重复" in fault) for state, fault in states(bureau, second)] == [("failed", True)] * 2
    assert [amount for _, amount in bureau.entries()] == [1_200_000, 5_400_000]
