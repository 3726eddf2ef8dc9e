"""The notice and the review on objection, whole, as their shared diagrams draw them."""

from __future__ import annotations

import pytest

from portal.engine import NotWaiting, load
from tests.builders.diagrams import (
    boundary,
    call,
    catch,
    diagram,
    end,
    flow,
    handler,
    message,
    one_of,
    path,
    service,
    start,
    timer,
    trigger,
    user,
    xor,
)
from tests.engine.acting import Acted, Portal, spec_of

NOTICE = diagram(
    *(start(), service("issue"), catch("served", message("served")), xor("again"), one_of("period")),
    *(catch("period_over", timer("objection")), catch("waived", message("waived"))),
    *(catch("review_filed", message("review_filed")), catch("review_concluded", message("review_concluded"))),
    *(xor("result", "result-again"), xor("stands"), end("已生效"), end("已被取代")),
    *(path("start", "issue", "served", "again", "period", "period_over", "stands", "已生效"),),
    *(path("period", "waived", "stands"), path("period", "review_filed", "review_concluded", "result", "again")),
    flow("result", "stands", '=review_concluded.result = "维持"'),
    flow("result", "已被取代", '=review_concluded.result in ("变更", "撤销重作")'),
)

REVIEW = diagram(
    *(start(), service("tell_filed"), xor("m1"), user("check"), xor("admit", "admit-m2"), user("correct")),
    *(boundary("correction_over", "correct", timer("correction")), user("sign_refusal"), service("issue_refusal")),
    *(xor("m2"), user("review"), user("draft"), user("sign"), xor("signed", "signed-issue_decision")),
    *(service("issue_decision"), xor("decided", "decided-m3"), call("follow_up"), xor("m3")),
    *(service("tell_concluded"), xor("how", "how-维持"), end("不予受理"), end("维持"), end("变更")),
    path("start", "tell_filed", "m1", "check", "admit", "m2", "review", "draft", "sign", "signed"),
    *(flow("admit", "correct", "=correct"), flow("admit", "sign_refusal", "=refuse"), path("correct", "m1")),
    *(flow("correction_over", "m1"), path("sign_refusal", "issue_refusal", "不予受理")),
    *(flow("signed", "m2", "=returned"), path("signed", "issue_decision", "decided")),
    *(
        flow("decided", "follow_up", "=changed"),
        path("follow_up", "m3"),
        path("decided", "m3", "tell_concluded", "how"),
    ),
    *(flow("how", "变更", "=changed"), path("how", "维持")),
    handler(
        "withdrawal",
        *(trigger("withdraw", message("withdraw")), service("tell_withdrawn"), end("已撤回")),
        path("withdraw", "tell_withdrawn", "已撤回"),
    ),
)

ADJUST = diagram(start("s"), user("adjust"), end("adjusted"), path("s", "adjust", "adjusted"))


def notice() -> Acted:
    return Acted(spec_of("notice", notice=NOTICE))


def review(**answers: bool) -> Acted:
    spec = spec_of("review", {"review": {"follow_up": "adjust"}}, review=REVIEW, adjust=ADJUST)
    return Acted(spec, Portal(answers))


def test_a_notice_becomes_final_when_its_period_is_over():
    case = notice()
    assert (case.portal.performed(), case.messages(), case.timers()) == (["issue"], ["served?served"], [])
    case.send("served")
    assert case.timers() == ["period_over?objection"]
    assert case.messages() == ["waived?waived", "review_filed?review_filed"]
    assert case.over("period_over").end == "已生效"


def test_a_notice_becomes_final_by_a_waiver():
    assert notice().send("served").send("waived").end == "已生效"


@pytest.mark.parametrize(("upheld", "replaced", "ending"), [(True, False, "已生效"), (False, True, "已被取代")])
def test_a_notice_waits_while_a_review_is_pending(upheld, replaced, ending):
    case = notice().send("served").send("review_filed")
    assert (case.timers(), case.messages()) == ([], ["review_concluded?review_concluded"])
    case.portal.answers['review_concluded.result = "维持"'] = upheld
    case.portal.answers['review_concluded.result in ("变更", "撤销重作")'] = replaced
    assert case.send("review_concluded").end == ending


def test_a_review_not_admitted_lets_the_period_run_on_and_another_may_be_filed():
    case = notice().send("served").send("review_filed").send("review_concluded")
    assert case.timers() == ["period_over:2?objection"]
    case.send("review_filed:2").send("review_concluded:2")
    assert case.over("period_over:3").end == "已生效"


def test_a_review_that_upholds():
    case = review()
    assert (case.portal.performed(), case.tasks(), case.messages()) == (
        ["tell_filed"],
        ["check"],
        ["withdraw?withdraw"],
    )
    case.do("check", "review", "draft", "sign")
    assert (case.end, case.portal.performed()) == ("维持", ["tell_filed", "issue_decision", "tell_concluded"])


def test_a_correction_that_lapses_goes_back_to_the_check():
    case = review(correct=True).do("check")
    assert (case.tasks(), case.timers()) == (["correct"], ["correction_over?correction"])
    case.over("correction_over")
    assert (case.tasks(), case.timers()) == (["check:2"], [])
    case.do("check:2", "correct:2")
    case.portal.answers = {"refuse": True}
    case.do("check:3", "sign_refusal")
    assert case.end == "不予受理"


def test_a_decision_returned_by_the_leader_is_reviewed_again():
    case = review(returned=True).do("check", "review", "draft", "sign")
    assert case.tasks() == ["review:2"]
    case.portal.answers = {"changed": True}
    case.do("review:2", "draft:2", "sign:2")
    assert case.tasks() == ["follow_up:1/adjust"]
    case.do("follow_up:1/adjust")
    assert "-follow_up=adjusted" in case.portal.short()
    assert case.end == "变更"


@pytest.mark.parametrize("done", [[], ["check"], ["check", "review"], ["check", "review", "draft"]])
def test_a_review_can_be_withdrawn_as_long_as_it_is_open(done):
    case = review().do(*done).send("withdraw")
    assert (case.end, case.portal.performed()) == ("已撤回", ["tell_filed", "tell_withdrawn"])


def test_a_review_can_be_withdrawn_while_its_consequence_is_carried_out():
    case = review(changed=True).do("check", "review", "draft", "sign").send("withdraw")
    assert (case.end, case.tasks()) == ("已撤回", [])


def test_a_review_that_is_decided_cannot_be_withdrawn_any_more():
    case = review()
    withdrawal = case.message("withdraw").id
    case.do("check", "review", "draft", "sign")
    with pytest.raises(NotWaiting):
        load(case.spec, case.state, case.portal).signal(withdrawal)


def test_all_flows_of_the_review_can_be_walked():
    walked: set[str] = set()
    upheld = review().do("check", "review", "draft", "sign")
    changed = review(returned=True).do("check", "review", "draft", "sign")
    changed.portal.answers = {"changed": True}
    changed.do("review:2", "draft:2", "sign:2", "follow_up:1/adjust")
    corrected = review(correct=True).do("check", "correct", "check:2").over("correction_over:2")
    corrected.portal.answers = {"refuse": True}
    corrected.do("check:3", "sign_refusal")
    withdrawn = review().send("withdraw")
    for case in (upheld, changed, corrected, withdrawn):
        walked |= {str(entry[1]) for entry in case.portal.told if entry[0] == "took" and entry[2] == ""}
    drawn = {part.split('"')[0] for part in REVIEW.decode().split('<bpmn:sequenceFlow id="')[1:]}
    assert walked == drawn
