"""Service (送达) of a case's letters: the earliest proof counts, and what follows from it."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from portal.cases import delivery
from portal.cases.errors import NotAgreed, NotYourRole, UnknownCase
from portal.documents.models import ServiceProof
from portal.documents.rules import FileNotReady, ServedBeforeIssue, ServedInFuture, UnknownWayOfService
from tests.builders.world import Bureau, moment_of


@pytest.fixture
def bureau(tx):
    bureau = Bureau.within(tx)
    yield bureau
    assert bureau.breaks() == []


def service(case):
    """How and when the case's last letter was served."""
    [party] = [service for service in case.letters[-1].services if service.kind == "party"]
    return party.how, party.served_at


def last_day(case):
    return case.deadline("objection").last_day.isoformat()


def test_signing_for_a_letter_serves_it_and_the_period_begins(bureau):
    notice = bureau.served_notice()
    assert service(notice) == ("read", moment_of("2026-09-24T10:00:00"))
    assert (notice.status, last_day(notice)) == ("已送达，异议期内", "2026-10-12")
    assert notice.kinds[-3:] == ["letter.served", "deadline.started", "message.received"]


def test_signing_twice_proves_nothing_new(bureau):
    notice = bureau.served_notice()
    bureau.at("2026-09-25T10:00:00")
    before = notice.kinds
    bureau.sign_for(notice, bureau.wang)
    assert (notice.kinds, service(notice)) == (before, ("read", moment_of("2026-09-24T10:00:00")))


def test_only_the_addressee_signs_for_a_letter(bureau):
    notice = bureau.notice()
    for stranger in (bureau.wu, bureau.tao):
        with pytest.raises(UnknownCase):
            bureau.sign_for(notice, stranger)
    assert service(notice) == (None, None)


def test_reading_serves_only_those_who_agreed_to_it(bureau):
    paper = bureau.organisation("91500000MA5U3QK12L", "重庆某纸业有限公司", reads=False)
    reader, notice = bureau.person("孟", of=paper), bureau.notice("91500000MA5U3QK12L")
    with pytest.raises(NotAgreed):
        bureau.sign_for(notice, reader)
    assert (service(notice), notice.status) == ((None, None), "通知书已制发，等待送达")
    bureau.at("2026-09-25T10:00:00")
    bureau.receipt(notice, bureau.tao, on="2026-09-24T10:00:00")
    assert service(notice) == ("post", moment_of("2026-09-24T10:00:00"))


def test_a_receipt_is_of_post_or_personal_delivery(bureau):
    notice = bureau.notice()
    bureau.at("2026-09-25T10:00:00")
    for how in ("read", "filing", "by pigeon"):
        with pytest.raises(UnknownWayOfService):
            bureau.receipt(notice, bureau.tao, on="2026-09-24T10:00:00", how=how)
    assert service(notice) == (None, None)


def test_only_the_role_that_the_manifest_names_enters_receipts(bureau):
    notice = bureau.notice()
    bureau.at("2026-09-25T10:00:00")
    for stranger in (bureau.wang, bureau.zhou):
        with pytest.raises(NotYourRole):
            bureau.receipt(notice, stranger, on="2026-09-24T15:00:00")
    assert service(notice) == (None, None)


def test_a_receipt_that_is_entered_later_starts_the_period_on_the_day_of_receipt(bureau):
    notice = bureau.notice()
    bureau.at("2026-09-28T10:00:00")
    bureau.receipt(notice, bureau.tao, on="2026-09-23T15:00:00")
    assert service(notice) == ("post", moment_of("2026-09-23T15:00:00"))
    deadline = notice.deadline("objection")
    assert deadline.started_at == moment_of("2026-09-23T15:00:00")
    assert (last_day(notice), notice.ripe_at) == ("2026-10-10", moment_of("2026-10-11T00:01:00"))


def test_an_earlier_proof_moves_the_deadline_and_the_timer(bureau):
    notice = bureau.served_notice()
    bureau.at("2026-09-28T10:00:00")
    bureau.receipt(notice, bureau.tao, on="2026-09-22T15:00:00")
    assert service(notice) == ("post", moment_of("2026-09-22T15:00:00"))
    assert (last_day(notice), notice.ripe_at) == ("2026-10-09", moment_of("2026-10-10T00:01:00"))
    assert notice.kinds[-2:] == ["letter.served", "deadline.moved"]
    bureau.pass_to("2026-10-10T00:01:00")
    assert (notice.outcome, notice.row.ended_at) == ("已生效", moment_of("2026-10-10T00:00:00"))


def test_a_later_proof_changes_nothing(bureau):
    notice = bureau.served_notice()
    bureau.at("2026-09-28T10:00:00")
    bureau.receipt(notice, bureau.tao, on="2026-09-27T15:00:00")
    assert service(notice) == ("read", moment_of("2026-09-24T10:00:00"))
    assert (last_day(notice), notice.ripe_at) == ("2026-10-12", moment_of("2026-10-13T00:01:00"))
    assert notice.kinds[-1] == "receipt.entered"


def test_an_earlier_proof_whose_period_is_over_ends_the_case_in_that_act(bureau):
    bureau.at("2026-08-03T09:00:00")
    notice = bureau.notice()
    bureau.at("2026-08-28T10:00:00")
    bureau.sign_for(notice, bureau.wang)
    assert last_day(notice) == "2026-09-08"
    bureau.at("2026-08-31T10:00:00")
    bureau.receipt(notice, bureau.tao, on="2026-08-04T10:00:00", how="in person")
    assert last_day(notice) == "2026-08-13"
    assert notice.kinds[-5:] == ["letter.served", "deadline.moved", "timer.fired", "case.ended", "matter.raised"]
    assert (notice.outcome, notice.row.ended_at, notice.ripe_at) == ("已生效", bureau.now, None)
    assert bureau.breaks() == []


def test_a_receipt_entered_after_the_period_ends_the_case_in_that_act(bureau):
    notice = bureau.notice()
    bureau.at("2026-11-02T10:00:00")
    bureau.receipt(notice, bureau.tao, on="2026-09-24T10:00:00", how="in person")
    assert notice.kinds[-5:] == [
        "letter.served",
        "deadline.started",
        "message.received",
        "timer.fired",
        "case.ended",
    ]
    assert (notice.outcome, notice.row.ended_at, notice.ripe_at) == ("已生效", bureau.now, None)


def test_a_receipt_entered_within_the_minute_of_grace_leaves_the_party_its_minute(bureau):
    notice = bureau.notice()
    bureau.at("2026-10-13T00:00:20")
    bureau.receipt(notice, bureau.tao, on="2026-09-24T10:00:00")
    assert (notice.outcome, notice.ripe_at) == (None, moment_of("2026-10-13T00:01:00"))
    review = bureau.object(notice, received="2026-10-12T23:59:59.5")
    assert review.facts == {"in_time": True}


def test_after_a_timer_has_fired_an_earlier_proof_undoes_nothing(bureau):
    notice = bureau.served_notice()
    bureau.pass_to("2026-10-13T00:01:00")
    assert notice.outcome == "已生效"
    bureau.at("2026-10-20T10:00:00")
    bureau.receipt(notice, bureau.tao, on="2026-09-22T15:00:00")
    assert (notice.outcome, notice.row.ended_at) == ("已生效", moment_of("2026-10-13T00:00:00"))
    assert service(notice) == ("post", moment_of("2026-09-22T15:00:00"))
    assert len(notice.entries("timer.fired")) == 1
    assert bureau.breaks() == []


def test_filing_about_a_notice_proves_its_service_first(bureau):
    notice = bureau.notice()
    bureau.at("2026-09-25T10:00:00")
    review = bureau.object(notice)
    assert service(notice) == ("filing", bureau.now)
    assert notice.kinds[-4:] == ["letter.served", "deadline.started", "message.received", "message.received"]
    assert [entry.details["message"] for entry in notice.entries("message.received")] == ["served", "review_filed"]
    assert (notice.status, review.facts) == ("复核进行中", {"in_time": True})


def test_filing_proves_service_even_before_the_letter_has_its_file(bureau):
    bureau.renders = False
    notice = bureau.notice()
    with pytest.raises(FileNotReady):
        bureau.sign_for(notice, bureau.wang)
    bureau.object(notice)
    assert service(notice) == ("filing", bureau.now)
    file = delivery.StoredFile("letters/1", "0" * 64, 100)
    letter = notice.letters[-1]
    bureau.act(lambda tx, at: delivery.rendered(bureau.kernel, tx, letter.id, file, at))
    assert (notice.letters[-1].state, service(notice)) == ("ready", ("filing", bureau.now))


def test_filing_after_the_letter_was_signed_for_proves_nothing_more(bureau):
    notice = bureau.served_notice()
    bureau.at("2026-09-25T10:00:00")
    bureau.object(notice)
    assert service(notice) == ("read", moment_of("2026-09-24T10:00:00"))
    assert bureau.run.tx.scalar(select(func.count()).select_from(ServiceProof)) == 1


def test_filing_by_a_refused_stranger_proves_nothing(bureau):
    notice = bureau.notice()
    with pytest.raises(Exception, match="Only the addressee"):
        bureau.file("allocation-review", bureau.wu, notice, claimed_amount="1", grounds="x")
    assert service(notice) == (None, None)


@pytest.mark.parametrize(
    ("on", "refusal"),
    [
        ("2026-09-28T10:00:01", ServedInFuture),
        ("2026-09-21T08:59:59", ServedBeforeIssue),
    ],
)
def test_an_impossible_receipt_is_refused(bureau, on, refusal):
    notice = bureau.notice()
    bureau.at("2026-09-28T10:00:00")
    with pytest.raises(refusal):
        bureau.receipt(notice, bureau.tao, on=on)
    assert service(notice) == (None, None)


def test_the_service_of_a_decision_after_its_case_ended_is_noted_there(bureau):
    notice = bureau.served_notice()
    review = bureau.object(notice)
    bureau.complete("check", bureau.li, review, result="受理")
    bureau.decide(review)
    bureau.complete("sign", bureau.chen, review, result="签发")
    assert review.kinds[-2:] == ["case.ended", "letter.rendered"]
    bureau.sign_for(review, bureau.wang)
    assert review.kinds[-2:] == ["letter.rendered", "letter.served"]
    assert bureau.breaks() == []
