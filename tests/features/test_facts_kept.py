"""What was in time when it was filed stays in time, whatever is corrected later; letters tell the periods in force."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from portal.cases import correcting
from portal.cases.correcting import Receipt
from portal.documents.models import ServiceProof
from tests.builders.world import Bureau, moment_of

APPLICATION = {"claimed_amount": "1320000", "grounds": "产量数据有误"}


@pytest.fixture
def bureau(tx):
    return Bureau.within(tx)


def posted(bureau, on):
    """A notice served by post on a day, entered on the 30th of September."""
    notice = bureau.notice()
    bureau.at("2026-09-30T10:00:00")
    bureau.receipt(notice, bureau.tao, on=on)
    return notice


def correct(bureau, notice, on):
    """The clerk corrects the day on which the notice was received."""
    letter = notice.letters[-1].id
    query = select(ServiceProof).join(ServiceProof.service).where(ServiceProof.service.has(letter_id=letter))
    proofs = bureau.run.read(lambda tx: tx.scalars(query.order_by(ServiceProof.id)).all())
    [proof] = [proof for proof in proofs if proof.how == "post" and proof.struck is None]
    instead = Receipt("post", moment_of(on))
    bureau.act(lambda tx, at: correcting.correct(bureau.kernel, tx, bureau.tao, proof.id, instead, "录错", at))


def test_an_objection_in_time_stays_so_when_the_day_of_service_is_moved_back(bureau):
    notice = posted(bureau, "2026-09-29T10:00:00")  # until 14 October
    bureau.at("2026-10-13T10:00:00")
    review = bureau.file("allocation-review", bureau.wang, notice, **APPLICATION)
    assert review.facts["in_time"] is True
    assert [entry.details["facts"] for entry in review.entries("facts.kept")] == [
        {"in_time": "在期限内提出，且未放弃异议"}
    ]
    correct(bureau, notice, "2026-09-23T10:00:00")  # until 10 October
    assert notice.deadline("objection").last_day.isoformat() == "2026-10-10"
    assert review.facts["in_time"] is True
    bureau.complete("check", bureau.li, review, result="受理")
    assert review.tasks == ["review"]


def test_a_late_objection_becomes_timely_when_the_day_of_service_was_later(bureau):
    notice = posted(bureau, "2026-09-23T10:00:00")  # until 10 October
    bureau.at("2026-10-12T10:00:00")
    review = bureau.file("allocation-review", bureau.wang, notice, late_reason="洪水断路", **APPLICATION)
    assert review.facts["in_time"] is False
    assert review.entries("facts.kept") == []
    correct(bureau, notice, "2026-09-29T10:00:00")
    # Filing proves service too, on 12 October; the earlier receipt counts.
    assert notice.deadline("objection").last_day.isoformat() == "2026-10-14"
    assert review.facts["in_time"] is True


def test_a_letter_tells_the_periods_of_its_release(bureau):
    [letter] = bureau.notice().letters
    assert letter.data["periods"] == {"objection": "7个工作日", "decision": "10个工作日"}
