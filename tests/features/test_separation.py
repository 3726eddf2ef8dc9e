"""Who may do a step: its role, its party, and nobody who did the step it is kept apart from."""

from __future__ import annotations

import pytest

from portal.cases.errors import NotYourRole, Separated, TaskDone, TaskGone, TaskHeld, UnknownCase
from portal.cases.separation import Doers, Done, conflict
from portal.procedures.manifest import Separation
from tests.builders.world import CEMENT, Bureau


@pytest.fixture
def bureau(tx):
    bureau = Bureau.within(tx)
    yield bureau
    assert bureau.breaks() == []


@pytest.fixture
def review(bureau):
    """A review that was admitted; the handler 周 determined, the leader 陈 signed the notice it is about."""
    review = bureau.object(bureau.served_notice())
    bureau.complete("check", bureau.li, review, result="受理")
    return review


REVIEWED = {"conclusion": "维持", "reasons": "经核对"}


def test_a_step_is_for_its_role_alone(bureau, review):
    for stranger in (bureau.li, bureau.chen, bureau.zhou, bureau.wang):
        with pytest.raises(NotYourRole) as refusal:
            bureau.complete("review", stranger, review, **REVIEWED)
        assert refusal.value.text() == "这一步由复核人员办理，您没有这个岗位。"
    bureau.complete("review", bureau.he, review, **REVIEWED)
    assert review.tasks == ["draft"]


def test_a_step_of_the_party_is_for_its_people_alone(bureau):
    review = bureau.object(bureau.served_notice())
    bureau.complete("check", bureau.li, review, result="补正", corrections="写明数量")
    answers = {"claimed_amount": "1310000", "grounds": "更正"}
    for stranger in (bureau.wu, bureau.li, bureau.chen):
        with pytest.raises(UnknownCase):
            bureau.complete("correct", stranger, review, **answers)
    colleague = bureau.person("王二", of=bureau.cement)
    bureau.complete("correct", colleague, review, **answers)
    assert review.tasks == ["check"]


def test_who_determined_the_allowance_does_not_sign_it(bureau):
    both = bureau.person("周陈", "handler", "leader")
    allocation = bureau.allocation((CEMENT, 1_200_000), by=both)
    with pytest.raises(Separated) as refusal:
        bureau.complete("sign", both, allocation, result="签发")
    said = refusal.value.text()
    assert ("核定年度配额" in said, "签批分配结果" in said) == (True, True)
    assert allocation.tasks == ["sign"]
    bureau.complete("sign", bureau.chen, allocation, result="签发")
    assert (allocation.tasks, len(bureau.cases("allocation-notice"))) == ([], 1)


def test_who_reviewed_or_drafted_does_not_sign(bureau, review):
    reviewer, drafter, third = (bureau.person(name, "reviewer", "leader") for name in "甲乙丙")
    bureau.complete("review", reviewer, review, **REVIEWED)
    bureau.complete("draft", drafter, review, findings="已核对")
    for person in (reviewer, drafter):
        with pytest.raises(Separated):
            bureau.complete("sign", person, review, result="签发")
    bureau.complete("sign", third, review, result="签发")
    assert review.outcome == "维持"


def test_a_rule_of_one_case_binds_both_ways(bureau, review):
    leader = bureau.person("陈何", "leader", "reviewer")
    bureau.decide(review)
    bureau.complete("sign", leader, review, result="退回", opinion="再核")
    with pytest.raises(Separated):
        bureau.complete("review", leader, review, **REVIEWED)
    assert review.tasks == ["review"]


def test_who_determined_the_allowance_does_not_review_it(bureau):
    both = bureau.person("周何", "handler", "reviewer")
    allocation = bureau.allocation((CEMENT, 1_200_000), by=both)
    bureau.complete("sign", bureau.chen, allocation, result="签发")
    [notice] = bureau.cases("allocation-notice")
    review = bureau.object(notice)
    bureau.complete("check", bureau.li, review, result="受理")
    with pytest.raises(Separated) as refusal:
        bureau.complete("review", both, review, **REVIEWED)
    assert "核定年度配额" in refusal.value.text()
    # The same person may review another's.
    other = bureau.object(bureau.notice())
    bureau.complete("check", bureau.li, other, result="受理")
    bureau.complete("review", both, other, **REVIEWED)
    assert (review.tasks, other.tasks) == (["review"], ["draft"])


def test_who_determined_it_anew_does_not_review_the_new_notice(bureau, review):
    """The rule reaches through the new notice, the review that started it, and the notice that was about."""
    both = bureau.person("郑", "handler", "reviewer")
    bureau.decide(review, "撤销重作")
    bureau.complete("sign", bureau.chen, review, result="签发")
    bureau.complete("redetermine", both, review, amount="1300000", grounds="更正")
    bureau.complete("sign_redo", bureau.chen, review, result="签发")
    assert review.outcome == "撤销重作"
    again = bureau.object(bureau.cases("allocation-notice")[-1])
    bureau.complete("check", bureau.li, again, result="受理")
    with pytest.raises(Separated):
        bureau.complete("review", both, again, **REVIEWED)
    bureau.complete("review", bureau.he, again, **REVIEWED)
    assert again.tasks == ["draft"]


def test_the_first_handler_does_not_review_the_new_notice_either(bureau, review):
    bureau.decide(review, "撤销重作")
    bureau.complete("sign", bureau.chen, review, result="签发")
    bureau.complete("redetermine", bureau.person("郑", "handler"), review, amount="1300000", grounds="更正")
    bureau.complete("sign_redo", bureau.chen, review, result="签发")
    again = bureau.object(bureau.cases("allocation-notice")[-1])
    bureau.complete("check", bureau.li, again, result="受理")
    zhou = bureau.granted(bureau.zhou, "reviewer")
    with pytest.raises(Separated):
        bureau.complete("review", zhou, again, **REVIEWED)


def test_a_claim_is_refused_as_the_step_would_be(bureau, review):
    zhou = bureau.granted(bureau.zhou, "reviewer")
    with pytest.raises(Separated):
        bureau.claim("review", zhou, review)
    with pytest.raises(NotYourRole):
        bureau.claim("review", bureau.li, review)
    [check, task] = review.all_tasks
    assert (check.holder_id, task.holder_id) == (bureau.li.person_id, None)


def test_a_claimed_task_is_its_holders_until_it_is_given_back(bureau, review):
    other = bureau.person("何二", "reviewer")
    bureau.claim("review", bureau.he, review)
    with pytest.raises(TaskHeld, match="何 has claimed"):
        bureau.complete("review", other, review, **REVIEWED)
    with pytest.raises(TaskHeld):
        bureau.claim("review", other, review)
    with pytest.raises(TaskHeld):
        bureau.release("review", other, review)
    bureau.release("review", bureau.he, review)
    bureau.complete("review", other, review, **REVIEWED)
    assert review.kinds[-3:] == ["task.claimed", "task.released", "task.completed"]
    assert review.all_tasks[1].holder_id == other.person_id


def test_within_a_party_nobodys_claim_keeps_another_from_acting_in_time(bureau):
    review = bureau.object(bureau.served_notice())
    bureau.complete("check", bureau.li, review, result="补正", corrections="写明数量")
    bureau.claim("correct", bureau.wang, review)
    colleague = bureau.person("王二", of=bureau.cement)
    bureau.complete("correct", colleague, review, claimed_amount="1310000", grounds="更正")
    assert (review.tasks, review.all_tasks[1].holder_id) == (["check"], colleague.person_id)


def test_an_official_does_not_act_in_a_case_of_his_own_organisation(bureau):
    review = bureau.object(bureau.served_notice())
    with pytest.raises(NotYourRole):
        bureau.complete("check", bureau.granted(bureau.wang, "intake"), review, result="受理")
    assert review.tasks == ["check"]


def test_who_signed_the_allowance_does_not_review_it_either(bureau, review):
    with pytest.raises(Separated) as refusal:
        bureau.complete("review", bureau.granted(bureau.chen, "reviewer"), review, **REVIEWED)
    assert "签批分配结果" in refusal.value.text()


def test_a_task_that_is_done_names_who_did_it_and_when(bureau, review):
    task = bureau.task("review", review)
    bureau.at("2026-09-25T14:05:00")
    bureau.complete(task, bureau.he, review, **REVIEWED)
    with pytest.raises(TaskDone) as refusal:
        bureau.complete(task, bureau.person("何二", "reviewer"), review, **REVIEWED)
    assert refusal.value.text() == "这项任务已于 09-25 14:05 由何办结。"


def test_a_task_that_the_case_left_behind_is_gone(bureau, review):
    task = bureau.task("review", review)
    bureau.send("withdraw", review, bureau.wang, confirmed=True)
    with pytest.raises(TaskGone):
        bureau.complete(task, bureau.he, review, **REVIEWED)


# The rule by itself

SIGN_APART = Separation("review", "sign", None)
OTHER_CASE = Separation("review", "draft", "allocation")


def did(procedure, **persons):
    return Doers(procedure, lambda element: set(persons.get(element, ())))


@pytest.mark.parametrize(
    ("rule", "element", "own", "family", "kept_by"),
    [
        (SIGN_APART, "sign", did("review", review=[1]), [], Done("review", "review")),
        (SIGN_APART, "review", did("review", sign=[1]), [], Done("review", "sign")),
        (SIGN_APART, "sign", did("review", review=[2]), [], None),
        (SIGN_APART, "check", did("review", review=[1], sign=[1]), [], None),
        # A rule without a case looks at the case itself, not at its family.
        (SIGN_APART, "sign", did("review"), [did("review", review=[1])], None),
        (
            OTHER_CASE,
            "review",
            did("review"),
            [did("notice"), did("allocation", draft=[1])],
            Done("allocation", "draft"),
        ),
        (OTHER_CASE, "review", did("review"), [did("allocation", draft=[2])], None),
        (OTHER_CASE, "review", did("review", draft=[1]), [], None),
        (OTHER_CASE, "review", did("review"), [did("notice", draft=[1])], None),
        (OTHER_CASE, "draft", did("review"), [did("allocation", review=[1])], None),
    ],
)
def test_which_step_keeps_a_person_from_another(rule, element, own, family, kept_by):
    assert conflict([rule], element, 1, own, family) == kept_by
