"""Filing under a text that lapses: what is refused, what goes on, what a case keeps, and renewals entered since."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError

from portal.cases import filing, proof
from portal.cases.accepting import NothingInForce
from portal.cases.errors import IntakeClosed, NotYetInForce
from portal.cases.models import Case
from portal.cases.names import evaluate
from portal.procedures import validity
from portal.procedures.validity import (
    NoReasonToRevoke,
    NothingToRenew,
    RenewalEndsBefore,
    RenewalIncomplete,
    RenewalsChanged,
    RenewedAlready,
    RenewedBeforeItBegan,
    RevokedAlready,
    Wanted,
)
from tests.builders.diagrams import path
from tests.builders.procedures import content, deadline, does, end, lapsing, letter, over, procedure, start, task
from tests.builders.world import World

LAST = "2026-09-30"
CLOSED = (
    "《小办法》（小〔2023〕1号）的有效期到 2026年9月30日 为止（第一条），没有录入续期文件，“main”已停止受理。"
    "已经受理的继续办理；录入续期文件后恢复受理，填写过的草稿仍然保留。"
)
ABOUT = 'about = { procedure = "main", by = "addressee", times = "any", until = "period" }\n'
MAIN = procedure(
    start(), over("wait", "period"), end("end", "已生效"), path("start", "wait", "end"),
    manifest=deadline("period", "7 working days"),
)  # fmt: skip
ANSWER = procedure(start(), task("check"), end(), path("start", "check", "end"), manifest=ABOUT)


def small(*after: str, **procedures):
    return lapsing(content(**procedures), LAST, *after)


@pytest.fixture
def world(tx):
    world = World.within(
        tx, small("after", main=MAIN, answer=ANSWER, after=procedure(start(), end(), path("start", "end")))
    )
    yield world
    assert world.breaks() == []


def regulation(world):
    return world.kernel.releases.newest(world.run.tx, "small").regulation


def wanted(world, **said):
    asked = {
        "number": "小〔2026〕9号",
        "title": "关于延长小办法有效期的通知",
        "from_day": date(2026, 10, 1),
        "last_day": None,
        "assumed": False,
        "source": "网站",
    }
    return Wanted(regulation(world), **{**asked, **said})


def renew(world, **said):
    return world.run.act(lambda tx: validity.enter(tx, wanted(world, **said), world.wang.person_id, world.now))


def revoke(world, row, reason="录错"):
    return world.run.act(lambda tx: validity.revoke(tx, row.id, world.wang.person_id, reason, world.now))


def text_of(case):
    row = case.see(lambda live: live.row)
    return row.instrument["number"] if row.instrument else None


def test_on_the_last_day_a_filing_is_taken_and_a_moment_later_it_is_not(world):
    world.at("2026-09-30T23:59:59")
    assert world.file("main", world.wang).number == "main〔2026〕1号"
    world.at("2026-10-01T00:00:00")
    with pytest.raises(IntakeClosed) as refusal:
        world.file("main", world.wang)
    assert refusal.value.text() == CLOSED
    assert refusal.value.text("en") == (
        "“小办法” (小〔2023〕1号) was in force until 2026-09-30 (article 1) and no renewal was entered: “main” is "
        "closed for intake. What was accepted goes on; intake reopens when a renewal is entered, and drafts are kept."
    )
    assert len(world.cases()) == 1


def test_when_a_renewal_has_lapsed_too_the_refusal_names_it(world):
    renew(world, last_day=date(2026, 10, 31))
    world.at("2026-10-31T23:59:59")
    world.file("main", world.wang)
    world.at("2026-11-01T00:00:00")
    with pytest.raises(IntakeClosed) as refusal:
        world.file("main", world.wang)
    lapsed = CLOSED.replace("2026年9月30日", "2026年10月31日").replace("第一条", "续期文件 小〔2026〕9号")
    assert refusal.value.text() == lapsed
    assert "was in force until 2026-10-31 (renewal 小〔2026〕9号) and no renewal" in refusal.value.text("en")


def test_before_the_first_day_nothing_is_filed(world):
    world.at("2023-02-19T12:00:00")
    with pytest.raises(NotYetInForce) as refusal:
        world.file("main", world.wang)
    assert refusal.value.text() == "《小办法》（小〔2023〕1号）自 2023年2月20日 起施行，施行以前不能提出“main”。"
    # What may be filed after the last day may not be filed before the first.
    with pytest.raises(NotYetInForce):
        world.file("after", world.wang)


def test_what_is_closed_is_still_offered_and_says_why(world):
    world.at("2026-10-08T09:00:00")
    found = filing.offers(world.kernel, world.run.tx, world.wang, world.now)
    assert {one.procedure.slug: one.closed and one.closed.text() for one in found} == {"main": CLOSED, "after": None}


def test_what_may_be_filed_after_the_last_day_is_filed(world):
    world.at("2027-01-04T09:00:00")
    case = world.file("after", world.wang)
    # No text is in force, and none is made up for it.
    assert text_of(case) is None


def test_an_answer_to_an_open_case_is_taken_under_the_text_of_that_case(world):
    world.at("2026-09-30T10:00:00")
    notice = world.file("main", world.wang)
    world.at("2026-10-08T10:00:00")
    answer = world.file("answer", world.wang, notice)
    assert (text_of(notice), text_of(answer)) == ("小〔2023〕1号", "小〔2023〕1号")
    # When the notice is final, its period over, an answer is a new filing like any other.
    world.pass_to("2026-10-30T10:00:00")
    assert notice.outcome == "已生效"
    with pytest.raises(IntakeClosed, match="answer"):
        world.file("answer", world.wang, notice)


def test_an_answer_to_an_open_case_is_taken_though_no_period_runs(tx):
    main = procedure(start(), task("decide"), end(), path("start", "decide", "end"))
    about = 'about = { procedure = "main", by = "addressee", times = "any" }\n'
    answer = procedure(start(), end(), path("start", "end"), manifest=about)
    world = World.within(tx, small(main=main, answer=answer))
    officer = world.person("周", "officer")
    case = world.file("main", world.wang)
    world.at("2026-10-08T10:00:00")
    assert text_of(world.file("answer", world.wang, case)) == "小〔2023〕1号"
    world.complete("decide", officer, case)
    with pytest.raises(IntakeClosed):
        world.file("answer", world.wang, case)


def test_an_answer_to_a_case_that_has_ended_is_taken_while_its_period_runs(tx):
    # A period that the service of a letter meets outlives its case.
    manifest = letter("a") + deadline("period", "7 working days", after="issued(a)", met="served(a)")
    main = procedure(
        start(), does("issue", "documents.issue", document="a"), end(), path("start", "issue", "end"), manifest=manifest
    )
    world = World.within(tx, small(main=main, answer=ANSWER))
    case = world.file("main", world.wang)
    assert (case.outcome, case.deadline("period").state) == ("办结", "running")
    last = case.deadline("period").last_day
    world.at("2026-10-01T00:00:00")
    assert last > date(2026, 9, 30)
    assert world.file("answer", world.wang, case).tasks == ["check"]
    with pytest.raises(IntakeClosed):
        world.file("answer", world.wang, case)


def test_a_case_started_by_a_case_goes_on_under_the_text_of_that_one(tx):
    parent = procedure(
        start(), task("decide"), does("begin", "cases.start", procedure="child", text="=start.text"), end(),
        path("start", "decide", "begin", "end"),
    )  # fmt: skip
    child = procedure(start(), end(), path("start", "end"), manifest='starts = [ { cases = ["parent"] } ]\n')
    world = World.within(tx, small(parent=parent, child=child))
    officer = world.person("周", "officer")
    case = world.file("parent", world.wang)
    world.at("2026-10-08T09:00:00")
    world.complete("decide", officer, case)
    [started] = world.cases("child")
    assert text_of(started) == "小〔2023〕1号"


def test_a_renewal_opens_intake_and_binds_the_cases_accepted_under_it(world):
    before = world.file("main", world.wang)
    world.at("2026-10-08T09:00:00")
    row = renew(world, assumed=True, reason="试点仍在进行", last_day=date(2027, 9, 30))
    case = world.file("main", world.wang)
    assert (text_of(before), text_of(case)) == ("小〔2023〕1号", "小〔2026〕9号")
    assert case.see(lambda live: evaluate(live, "instrument")) == {
        "number": "小〔2026〕9号",
        "title": "关于延长小办法有效期的通知",
        "in_force": date(2026, 10, 1),
        "last_day": date(2027, 9, 30),
        "assumed": True,
    }
    # What was accepted under it keeps it; new filings are refused again.
    revoke(world, row)
    assert text_of(case) == "小〔2026〕9号"
    with pytest.raises(IntakeClosed):
        world.file("main", world.wang)


BIND = {"on": "=case.filed_at"}


def accepting(tx) -> World:
    main = procedure(
        start(), task("check"), does("bind", "instrument.bind", **BIND), end(),
        path("start", "check", "bind", "end"),
    )  # fmt: skip
    return World.within(tx, small(main=main))


def test_nobody_accepts_a_filing_whose_day_no_text_governs_any_more(tx):
    world = accepting(tx)
    officer = world.person("周", "officer")
    world.at("2026-10-08T09:00:00")
    row = renew(world)
    case = world.file("main", world.wang)
    revoke(world, row)
    with pytest.raises(NothingInForce) as refusal:
        world.complete("check", officer, case)
    assert refusal.value.text() == (
        "受理之日（2026年10月8日）《小办法》（小〔2023〕1号）没有有效的文本：有效期已过而没有录入续期，或者续期已经撤回。"
        "不能受理；认为应当受理的，请管理员录入续期文件后再办。"
    )
    assert case.tasks == ["check"]
    # Renewed again it is accepted, under that text.
    renew(world, number="小〔2026〕10号")
    world.complete("check", officer, case)
    assert (case.outcome, text_of(case)) == ("办结", "小〔2026〕10号")
    assert world.breaks() == []


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("in_force_on(date(2023, 2, 19))", False),
        ("in_force_on(date(2023, 2, 20))", True),
        ("in_force_on(date(2026, 9, 30))", True),
        ("in_force_on(date(2026, 10, 1))", False),
        ("in_force_on(date(2026, 10, 8))", True),
        ("in_force_on(case.filed_at)", True),
        ("in_force_on(null)", None),
        ('in_force_on("2026-09-30")', None),
        ("instrument.last_day", date(2026, 9, 30)),
        ("instrument.assumed", False),
    ],
)
def test_expressions_ask_whether_the_text_is_in_force(world, asked, answer):
    renew(world, from_day=date(2026, 10, 8))
    case = world.file("main", world.wang)
    assert case.see(lambda live: evaluate(live, asked)) == answer


def test_a_text_without_a_last_day_is_asked_nothing(tx):
    world = World.within(tx, content(main=MAIN))
    with pytest.raises(NothingToRenew):
        renew(world)
    world.at("2090-01-02T09:00:00")
    assert text_of(world.file("main", world.wang)) == "小〔2023〕1号"


@pytest.mark.parametrize(
    ("said", "refusal", "text"),
    [
        ({"number": ""}, RenewalIncomplete, "请填写文号。"),
        ({"title": ""}, RenewalIncomplete, "请填写名称。"),
        ({"source": ""}, RenewalIncomplete, "请填写来源。"),
        ({"from_day": None}, RenewalIncomplete, "请填写从哪一天起。"),
        ({"assumed": True}, RenewalIncomplete, "请填写为什么这样假定。"),
        (
            {"last_day": date(2026, 9, 30)},
            RenewalEndsBefore,
            "最后一日（2026年9月30日）早于开始的一日（2026年10月1日）。",
        ),
        (
            {"from_day": date(2023, 2, 20)},
            RenewedBeforeItBegan,
            "《小办法》自 2023年2月20日 起施行，续期应当从以后的日子开始。",
        ),
    ],
)
def test_a_faulty_renewal_is_refused(world, said, refusal, text):
    with pytest.raises(refusal) as refused:
        renew(world, **said)
    assert refused.value.text() == text
    assert validity.entered(world.run.tx) == []


def test_a_renewal_is_entered_once_and_only_what_lapses_is_renewed(world):
    renew(world, last_day=date(2027, 9, 30))
    with pytest.raises(RenewedAlready):
        renew(world, number="小〔2026〕10号")
    renew(world, number="小〔2027〕1号", from_day=date(2027, 10, 1))
    with pytest.raises(NothingToRenew) as refusal:
        renew(world, number="小〔2028〕1号", from_day=date(2028, 10, 1))
    assert refusal.value.text() == "《关于延长小办法有效期的通知》（小〔2027〕1号）没有最后一日，不需要续期。"


def test_a_wrong_renewal_is_revoked_once_with_a_reason_and_entered_anew(world):
    row = renew(world)
    for reason in (" ", "由" * 501):
        with pytest.raises(NoReasonToRevoke):
            revoke(world, row, reason)
    revoke(world, row, " 文号有误 ")
    with pytest.raises(RevokedAlready, match="2026-09-21 09:00"):
        revoke(world, row)
    renew(world, number="小〔2026〕10号")
    shown = [(one.number, one.revoked.reason if one.revoked else None) for one in validity.entered(world.run.tx)]
    assert shown == [("小〔2026〕9号", "文号有误"), ("小〔2026〕10号", None)]
    assert validity.in_force(world.run.tx, regulation(world), date(2026, 10, 1)).number == "小〔2026〕10号"


def test_a_renewal_whose_consequences_were_not_seen_is_not_entered(world):
    tx = world.run.tx
    seen = validity.mark(tx, "small")
    row = renew(world, last_day=date(2026, 12, 31))
    with pytest.raises(RenewalsChanged):
        validity.enter(tx, wanted(world, from_day=date(2027, 1, 1)), world.wang.person_id, world.now, seen)
    seen = validity.mark(tx, "small")
    revoke(world, row)
    with pytest.raises(RenewalsChanged):
        validity.enter(tx, wanted(world), world.wang.person_id, world.now, seen)


@pytest.mark.parametrize(
    "change",
    ["UPDATE renewals SET last_day = NULL", "DELETE FROM renewals", "UPDATE renewal_revocations SET reason = 'x'"],
)
def test_what_was_entered_or_revoked_cannot_be_changed(world, change):
    revoke(world, renew(world))
    with pytest.raises(DBAPIError, match="append-only"), world.run.tx.begin_nested():
        world.run.tx.execute(text(change))


def test_another_text_in_a_case_is_found_out(tx):
    world = World.within(tx, small(main=MAIN))
    case = world.file("main", world.wang)
    other = {**case.see(lambda live: live.row.instrument), "number": "别的"}
    for changed in (other, None):
        tx.execute(update(Case).where(Case.id == case.id).values(instrument=changed))
        tx.expire_all()
        assert "案件受理时适用的文本被改动" in [one.zh for one in proof.altered(tx)]
