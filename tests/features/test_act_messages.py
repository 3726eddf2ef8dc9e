"""Messages between the cases of a family, and those people send: delivered, kept, dropped, refused."""

from __future__ import annotations

import pytest

from portal.cases.errors import NobodyWaits, TooLate, UnknownCase
from tests.builders.diagrams import flow, path, xor
from tests.builders.procedures import content, does, end, letter, procedure, start, task, waits
from tests.builders.world import Bureau, World

ABOUT_MAIN = 'about = { procedure = "main", by = "same party", times = "any" }\n'


@pytest.fixture
def bureau(tx):
    bureau = Bureau.within(tx)
    yield bureau
    assert bureau.breaks() == []


def reply(*names):
    """A procedure whose cases send the main case these messages, one after the other, and end."""
    tells = [does(f"tell_{name}", "cases.message", to="about", message=name, text="=start.text") for name in names]
    steps = ["start", *(f"tell_{name}" for name in names), "end"]
    return procedure(start(), *tells, end(), path(*steps), manifest=ABOUT_MAIN)


def received(case):
    """The messages a case has received: where, which, and from whom."""
    return [
        (entry.element, entry.details["message"], entry.details.get("from"))
        for entry in case.entries("message.received")
    ]


def world_of(tx, *waiting, message="answer", **replies):
    """A main case that waits at these elements once its task is done, and procedures that answer it."""
    catches = [waits(id, message, form="note") for id in waiting]
    main = procedure(start(), task("prepare"), *catches, end(), path("start", "prepare", *waiting, "end"))
    world = World.within(tx, content(main=main, **replies))
    return world, world.person("周", "officer"), world.file("main", world.wang)


def test_a_message_to_a_case_that_waits_is_delivered_in_the_same_act(tx):
    world, zhou, main = world_of(tx, "answered", reply=reply("answer"))
    world.complete("prepare", zhou)
    sent = world.file("reply", world.wang, main, text="甲")
    assert received(main) == [("answered", "answer", sent.number)]
    assert (main.outcome, sent.outcome, main.said("answered")) == ("办结", "办结", {"text": "甲"})


def test_a_message_to_a_case_that_does_not_wait_yet_is_kept_until_it_does(tx):
    world, zhou, main = world_of(tx, "answered", reply=reply("answer"))
    sent = world.file("reply", world.wang, main, text="甲")
    assert sent.outcome == "办结"
    assert (received(main), main.outcome, main.said("answered")) == ([], None, None)
    world.complete("prepare", zhou)
    assert received(main) == [("answered", "answer", sent.number)]
    assert (main.outcome, main.said("answered")) == ("办结", {"text": "甲"})
    assert world.breaks() == []


def test_kept_messages_are_delivered_first_in_first_out_each_once(tx):
    world, zhou, main = world_of(tx, "first", "second", "third", reply=reply("answer"))
    one = world.file("reply", world.wang, main, text="甲")
    two = world.file("reply", world.wang, main, text="乙")
    world.complete("prepare", zhou)
    assert received(main) == [("first", "answer", one.number), ("second", "answer", two.number)]
    assert [main.said(element) for element in ("first", "second", "third")] == [{"text": "甲"}, {"text": "乙"}, None]
    three = world.file("reply", world.wang, main, text="丙")
    assert received(main)[2:] == [("third", "answer", three.number)]
    assert (main.outcome, main.said("third")) == ("办结", {"text": "丙"})


def test_messages_of_one_act_are_delivered_in_order_when_the_sender_is_at_rest(tx):
    main = procedure(
        start(), waits("first", "one", form="note"), waits("second", "two", form="note"), end(),
        path("start", "first", "second", "end"),
    )  # fmt: skip
    world = World.within(tx, content(main=main, reply=reply("one", "two"), other=reply("two", "one")))
    case = world.file("main", world.wang)
    sent = world.file("reply", world.wang, case, text="甲")
    assert received(case) == [("first", "one", sent.number), ("second", "two", sent.number)]
    # Sent in the other order, the second waits until the first has arrived.
    case = world.file("main", world.wang)
    sent = world.file("other", world.wang, case, text="乙")
    assert received(case) == [("first", "one", sent.number), ("second", "two", sent.number)]
    assert case.outcome == "办结"


def test_a_message_to_an_ended_case_is_noted_and_dropped(tx):
    world, zhou, main = world_of(tx, "answered", reply=reply("answer"))
    world.complete("prepare", zhou)
    world.file("reply", world.wang, main, text="甲")
    late = world.file("reply", world.wang, main, text="乙")
    assert late.outcome == "办结"
    assert main.kinds[-2:] == ["case.ended", "message.dropped"]
    assert main.history[-1].details == {"message": "answer", "from": late.number}
    assert (len(received(main)), main.said("answered")) == (1, {"text": "甲"})
    assert world.breaks() == []


def test_service_is_waited_for_letter_by_letter(tx):
    main = procedure(
        start(), does("issue_a", "documents.issue", document="a"), does("issue_b", "documents.issue", document="b"),
        waits("b_served", "served", document="b"), waits("a_served", "served", document="a"), end(),
        path("start", "issue_a", "issue_b", "b_served", "a_served", "end"), manifest=letter("a") + letter("b"),
    )  # fmt: skip
    world = World.within(tx, content(main=main))
    case = world.file("main", world.wang)
    world.sign_for(case, world.wang)
    assert [element for element, *_ in received(case)] == ["b_served"]
    assert case.outcome is None


def test_service_proved_before_the_case_waits_for_it_is_not_lost(tx):
    main = procedure(
        start(), does("issue", "documents.issue", document="a"), task("archive"),
        waits("a_served", "served", document="a"), end(),
        path("start", "issue", "archive", "a_served", "end"), manifest=letter("a"),
    )  # fmt: skip
    world = World.within(tx, content(main=main))
    zhou, case = world.person("周", "officer"), world.file("main", world.wang)
    world.sign_for(case, world.wang)
    assert case.tasks == ["archive"]
    world.complete("archive", zhou)
    assert (received(case), case.outcome) == ([("a_served", "served", None)], "办结")


def test_service_that_no_element_waits_for_is_not_kept(tx):
    main = procedure(
        start(), does("issue", "documents.issue", document="a"), task("archive"), end(),
        path("start", "issue", "archive", "end"), manifest=letter("a"),
    )  # fmt: skip
    world = World.within(tx, content(main=main))
    case = world.file("main", world.wang)
    world.sign_for(case, world.wang)
    assert case.kinds == ["case.filed", "letter.issued", "letter.rendered", "letter.served"]
    assert case.tasks == ["archive"]


def test_a_persons_message_that_nobody_waits_for_is_refused(bureau):
    notice = bureau.notice()
    before = notice.kinds
    with pytest.raises(NobodyWaits):
        bureau.send("waived", notice, bureau.wang, confirmed=True)
    with pytest.raises(NobodyWaits):
        bureau.send("no_such_message", notice, bureau.wang)
    # Messages of cases are not for people to send.
    with pytest.raises(NobodyWaits):
        bureau.send("review_concluded", notice, bureau.wang, result="维持")
    assert notice.kinds == before


def test_a_message_is_for_its_own_role_alone(bureau):
    notice = bureau.served_notice()
    for stranger in (bureau.wu, bureau.chen):
        with pytest.raises(UnknownCase):
            bureau.send("waived", notice, stranger, confirmed=True)
    bureau.send("waived", notice, bureau.wang, confirmed=True)
    assert notice.outcome == "已生效"


def test_a_withdrawal_after_signature_is_refused_in_the_diagrams_words(bureau):
    review = bureau.object(bureau.served_notice())
    bureau.complete("check", bureau.li, review, result="受理")
    bureau.decide(review, "撤销重作")
    bureau.complete("sign", bureau.chen, review, result="签发")
    assert review.tasks == ["redetermine"]
    before = review.kinds
    with pytest.raises(TooLate) as refusal:
        bureau.send("withdraw", review, bureau.wang, confirmed=True)
    assert refusal.value.text() == "复核决定已经签发，不能撤回。"
    assert (review.kinds, review.tasks) == (before, ["redetermine"])


def test_a_withdrawal_of_an_ended_case_is_refused_in_the_diagrams_words(bureau):
    review = bureau.object(bureau.served_notice())
    bureau.complete("check", bureau.li, review, result="受理")
    bureau.decide(review)
    bureau.complete("sign", bureau.chen, review, result="签发")
    assert review.outcome == "维持"
    with pytest.raises(TooLate) as refusal:
        bureau.send("withdraw", review, bureau.wang, confirmed=True)
    assert refusal.value.text() == "复核决定已经签发，不能撤回。"


def test_a_withdrawal_before_signature_ends_the_review_and_the_period_goes_on(bureau):
    notice = bureau.served_notice()
    review = bureau.object(notice)
    bureau.send("withdraw", review, bureau.wang, confirmed=True)
    assert (review.outcome, review.tasks) == ("已撤回", [])
    assert {task.state for task in review.all_tasks} == {"gone"}
    assert (notice.status, notice.outcome) == ("已送达，异议期内", None)
    assert notice.said("review_concluded") == {"result": "已撤回"}


def test_a_withdrawal_after_the_period_makes_the_notice_final_in_the_same_act(bureau):
    notice = bureau.served_notice()
    review = bureau.object(notice)
    bureau.pass_to("2026-10-13T09:00:00")
    assert notice.outcome is None
    bureau.send("withdraw", review, bureau.wang, confirmed=True)
    assert (review.outcome, notice.outcome) == ("已撤回", "已生效")
    # It came to wait for the end of the period only now.
    assert notice.row.ended_at == bureau.now
    assert [entry.details["due"] for entry in notice.entries("timer.fired")] == ["2026-10-13T00:00:00+08:00"]


def test_a_loop_takes_each_kept_message_in_turn_and_the_last_is_seen(tx):
    again = procedure(
        start(), task("prepare"), waits("answered", "answer", form="note"), task("more", form="choice"),
        xor("enough", "no"), end(), path("start", "prepare", "answered", "more", "enough"),
        flow("enough", "end", '=more.result = "结束"'),
        flow("enough", "answered", id="no"),
    )  # fmt: skip
    world = World.within(tx, content(main=again, reply=reply("answer")))
    zhou, case = world.person("周", "officer"), world.file("main", world.wang)
    for text in ("甲", "乙"):
        world.file("reply", world.wang, case, text=text)
    world.complete("prepare", zhou)
    assert case.said("answered") == {"text": "甲"}
    world.complete("more", zhou, result="继续")
    assert case.said("answered") == {"text": "乙"}
    assert case.tasks == ["more"]
    world.complete("more", zhou, result="结束")
    assert case.outcome == "办结"


def test_a_message_to_a_case_that_another_message_of_the_act_ended_is_dropped(tx):
    world, zhou, main = world_of(tx, "answered", reply=reply("answer", "more"))
    world.complete("prepare", zhou)
    sent = world.file("reply", world.wang, main, text="甲")
    assert main.kinds[-3:] == ["message.received", "case.ended", "message.dropped"]
    assert main.history[-1].details == {"message": "more", "from": sent.number}


def test_the_service_of_an_earlier_letter_does_not_count_for_its_successor(tx):
    main = procedure(
        start(), does("issue", "documents.issue", document="a"), task("archive", form="choice"), xor("again", "go_on"),
        waits("a_served", "served", document="a"), end(), path("start", "issue", "archive", "again"),
        flow("again", "issue", '=archive.result = "继续"'), flow("again", "a_served", id="go_on"),
        flow("a_served", "end"), manifest=letter("a"),
    )  # fmt: skip
    world = World.within(tx, content(main=main))
    zhou, case = world.person("周", "officer"), world.file("main", world.wang)
    world.sign_for(case, world.wang)
    world.complete("archive", zhou, result="继续")
    world.complete("archive", zhou, result="结束")
    assert (case.outcome, received(case)) == (None, [])
    world.sign_for(case, world.wang)
    assert (case.outcome, received(case)) == ("办结", [("a_served", "served", None)])
