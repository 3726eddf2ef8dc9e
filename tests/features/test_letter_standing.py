"""What a letter is worth to whoever holds it: valid, replaced or withdrawn, from the service of what did so."""

from __future__ import annotations

import pytest

from portal.cases.actions import ACTIONS
from portal.cases.standing import LetterStanding, letter_standing
from portal.documents import service as documents
from portal.procedures import Content
from portal.procedures.check import check
from tests.builders.world import Bureau, moment_of, shipped

BUREAU = "重庆市生态环境局"


@pytest.fixture
def bureau(tx):
    bureau = Bureau.within(tx)
    yield bureau
    assert bureau.breaks() == []


def standing(bureau, case, at=0):
    number = case.letters[at].id
    return bureau.run.read(lambda tx: letter_standing(tx, bureau.kernel.releases, documents.letter(tx, number)))


def reviewed(bureau, conclusion, **more):
    notice = bureau.served_notice()
    review = bureau.object(notice)
    bureau.complete("check", bureau.li, review, result="受理")
    bureau.decide(review, conclusion, **more)
    bureau.complete("sign", bureau.chen, review, result="签发")
    return notice, review


def test_a_letter_is_valid_while_nothing_else_was_decided(bureau):
    notice = bureau.served_notice()
    review = bureau.object(notice)
    bureau.complete("check", bureau.li, review, result="受理")
    assert standing(bureau, notice) == LetterStanding(BUREAU, "valid")


def test_a_notice_upheld_stays_valid(bureau):
    notice, review = reviewed(bureau, "维持")
    bureau.sign_for(review, bureau.wang)
    assert standing(bureau, notice) == standing(bureau, review) == LetterStanding(BUREAU, "valid")


def test_a_changed_notice_is_replaced_by_the_adjustment_from_its_service_on(bureau):
    notice, review = reviewed(bureau, "变更", amount="1250000")
    assert standing(bureau, notice) == LetterStanding(BUREAU, "valid")
    bureau.at("2026-09-30T11:00:00")
    bureau.sign_for(review, bureau.wang)
    adjustment = review.letters[-1]
    assert standing(bureau, notice) == LetterStanding(
        BUREAU, "replaced", adjustment.number, moment_of("2026-09-30T11:00:00")
    )
    assert standing(bureau, review, -1) == LetterStanding(BUREAU, "valid")


def test_an_annulled_notice_is_withdrawn_until_the_new_one_is_served(bureau):
    notice, review = reviewed(bureau, "撤销重作")
    assert standing(bureau, notice).state == "valid"
    bureau.at("2026-09-30T11:00:00")
    bureau.sign_for(review, bureau.wang)
    decision = review.letters[0].number
    withdrawn = LetterStanding(BUREAU, "withdrawn", decision, moment_of("2026-09-30T11:00:00"))
    assert standing(bureau, notice) == withdrawn
    [line] = notice.entries("letter.revoked")
    assert (line.details["number"], line.details["of"]) == (notice.letters[0].number, decision)
    bureau.complete("redetermine", bureau.zhou, review, amount="1300000", grounds="按更正后的产量")
    bureau.complete("sign_redo", bureau.chen, review, result="签发")
    assert standing(bureau, notice) == withdrawn
    anew = bureau.cases("allocation-notice")[-1]
    bureau.at("2026-10-09T15:00:00")
    bureau.sign_for(anew, bureau.wang)
    assert standing(bureau, notice) == LetterStanding(
        BUREAU, "replaced", anew.letters[0].number, moment_of("2026-10-09T15:00:00")
    )
    assert standing(bureau, anew).state == "valid"


DIAGRAM = "bpmn/_shared/review-on-objection/process.bpmn"


def faults(old: str, new: str) -> list[str]:
    files = shipped().files
    text = files[DIAGRAM].decode()
    assert old in text
    changed = Content(shipped().regulation, {**files, DIAGRAM: text.replace(old, new).encode()})
    return sorted({fault.what for fault in check(changed, {name: action.rule for name, action in ACTIONS.items()})})


def test_a_letter_to_be_revoked_is_one_of_the_linked_case():
    assert faults("then &quot;notice&quot; else", "then &quot;notize&quot; else") == [
        "输入“revokes”没有写出所关联案件的任何一种文书（用于“allocation-review”、“verification-review”）"
    ]
