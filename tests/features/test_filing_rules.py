"""Who may file what, about which case, how often, and with which answers and files."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from portal.cases import filing
from portal.cases.attachments import NotYourFile, TooMany, of_case
from portal.cases.errors import AlreadyFiled, FormRefused, MayNotStart, NotAddressed, UnknownCase
from portal.cases.models import Attachment, Case
from portal.procedures.releases import UnknownProcedure
from tests.builders.diagrams import path
from tests.builders.procedures import content, end, procedure, start, task
from tests.builders.world import CEMENT, STEEL, Bureau, World, moment_of

FILED = {"claimed_amount": "1320000", "grounds": "产量数据有误"}


@pytest.fixture
def bureau(tx):
    bureau = Bureau.within(tx)
    yield bureau
    assert bureau.breaks() == []


def offered(bureau, actor):
    """What a person may start now: the procedure, about which case, and until when."""
    found = bureau.run.read(lambda tx: filing.offers(bureau.kernel, tx, actor, bureau.now))
    return [
        (
            each.procedure.slug,
            each.about.id if each.about else None,
            each.until.last_day.isoformat() if each.until else None,
        )
        for each in found
    ]


def test_each_person_is_offered_what_he_may_start(bureau):
    started = ["allocation", "emitter-list", "verification"]
    assert sorted(offered(bureau, bureau.zhou)) == [(procedure, None, None) for procedure in started]
    assert offered(bureau, bureau.chen) == []
    notice = bureau.notice()
    # Until it is signed for there is nothing to object to.
    assert offered(bureau, bureau.wang) == []
    bureau.at("2026-09-24T10:00:00")
    bureau.sign_for(notice, bureau.wang)
    assert offered(bureau, bureau.wang) == [("allocation-review", notice.id, "2026-10-12")]
    assert offered(bureau, bureau.wu) == []
    bureau.object(notice)
    assert offered(bureau, bureau.wang) == []


def test_an_objection_is_offered_however_late(bureau):
    notice = bureau.served_notice()
    bureau.pass_to("2027-03-01T09:00:00")
    assert notice.outcome == "已生效"
    assert offered(bureau, bureau.wang) == [("allocation-review", notice.id, "2026-10-12")]


def test_only_who_may_start_a_procedure_starts_it(bureau):
    for stranger in (bureau.wang, bureau.chen):
        with pytest.raises(MayNotStart, match="配额分配"):
            bureau.file("allocation", stranger)
    with pytest.raises(MayNotStart):
        bureau.file("allocation-notice", bureau.zhou, unit=STEEL, year="2025", amount="1")
    with pytest.raises(UnknownProcedure):
        bureau.file("no-such-procedure", bureau.zhou)
    assert bureau.cases() == []


def test_a_review_is_about_a_notice_and_nothing_else(bureau):
    notice = bureau.served_notice()
    [allocation] = bureau.cases("allocation")
    with pytest.raises(MayNotStart):
        bureau.file("allocation-review", bureau.wang, **FILED)
    with pytest.raises(MayNotStart):
        bureau.file("allocation-review", bureau.wang, allocation, **FILED)
    with pytest.raises(MayNotStart):
        bureau.file("allocation", bureau.zhou, notice)
    with pytest.raises(UnknownCase):
        bureau.file("allocation-review", bureau.wang, type(notice)(bureau, 10**9), **FILED)


def test_only_the_addressee_objects(bureau):
    notice = bureau.served_notice()
    for stranger in (bureau.wu, bureau.zhou):
        with pytest.raises(NotAddressed):
            bureau.file("allocation-review", stranger, notice, **FILED)
    assert notice.outcome is None
    assert notice.status == "已送达，异议期内"


def test_while_a_review_is_open_no_other_is_filed(bureau):
    notice = bureau.served_notice()
    first = bureau.object(notice)
    with pytest.raises(AlreadyFiled) as refusal:
        bureau.object(notice)
    assert refusal.value.text() == f"针对同一通知的申请（{first.number}）正在办理，不能再次提出。"
    assert len(bureau.cases("allocation-review")) == 1


def test_after_a_decision_no_other_is_filed(bureau):
    notice = bureau.served_notice()
    first = bureau.object(notice)
    bureau.complete("check", bureau.li, first, result="受理")
    bureau.decide(first)
    bureau.complete("sign", bureau.chen, first, result="签发")
    with pytest.raises(AlreadyFiled) as refusal:
        bureau.object(notice)
    assert refusal.value.text() == f"针对同一通知的申请（{first.number}）已有结果（维持），不能再次提出。"


def test_after_a_refusal_or_a_withdrawal_another_is_filed(bureau):
    notice = bureau.served_notice()
    first = bureau.object(notice)
    bureau.send("withdraw", first, bureau.wang, confirmed=True)
    second = bureau.object(notice)
    bureau.complete("check", bureau.li, second, result="不予受理", reason="材料不全")
    bureau.complete("sign_refusal", bureau.chen, second, result="签发")
    third = bureau.object(notice)
    assert [case.outcome for case in (first, second, third)] == ["已撤回", "不予受理", None]
    assert (notice.status, third.tasks) == ("复核进行中", ["check"])
    assert [case.number for case in (first, second, third)] == [f"渝环复案〔2026〕{n}号" for n in (1, 2, 3)]


def test_times_one_is_once_for_all_and_any_is_without_end(tx):
    manifest = 'about = {{ procedure = "main", by = "{by}", times = "{times}" }}\n'
    one, any_ = (manifest.format(by=by, times=times) for by, times in (("same party", "one"), ("anyone", "any")))
    main = procedure(start(), task("wait"), end(), path("start", "wait", "end"))
    ends = (start(), end("end", "已撤回", again="true"), path("start", "end"))
    world = World.within(
        tx, content(main=main, once=procedure(*ends, manifest=one), often=procedure(*ends, manifest=any_))
    )
    case = world.file("main", world.wang)
    world.file("once", world.wang, case)
    with pytest.raises(AlreadyFiled):
        world.file("once", world.wang, case)
    for filer in (world.wang, world.wang, world.wu):
        world.file("often", filer, case)
    assert [each.row.party_id for each in world.cases("often")] == [world.cement, world.cement, world.steel]


def test_a_filing_has_number_party_filer_and_the_moment_it_was_received(bureau):
    notice = bureau.served_notice()
    bureau.at("2026-09-25T10:00:20")
    review = bureau.object(notice, received="2026-09-25T10:00:00")
    row = review.row
    assert (row.number, row.party_id, row.filer_id) == ("渝环复案〔2026〕1号", bureau.cement, bureau.wang.person_id)
    assert (row.filed_at, row.root_id, row.about_id) == (moment_of("2026-09-25T10:00:00"), notice.id, notice.id)
    assert (notice.row.root_id, notice.row.filer_id) == (notice.id, None)


def test_the_unit_that_a_notice_is_for_must_be_known(bureau):
    with pytest.raises(FormRefused) as refusal:
        bureau.allocation((CEMENT, 5), ("91110000802100433B", 1_200_000))
    assert set(refusal.value.fields) == {"units.1.unit"}
    [allocation] = bureau.cases("allocation")
    assert allocation.tasks == ["draft"]


def test_a_unit_that_is_not_on_the_list_of_the_year_gets_nothing(bureau):
    bureau.listed(CEMENT, 2025)
    allocation = bureau.file("allocation", bureau.zhou)
    with pytest.raises(FormRefused) as refusal:
        bureau.complete("draft", bureau.zhou, allocation, year="2025", units=[{"unit": STEEL, "amount": "5"}])
    assert {key: fault.zh for key, fault in refusal.value.fields.items()} == {
        "units.0.unit": "第 1 行 统一社会信用代码：不在该年度的重点排放单位名录中，请核对年度；年度无误的，"
        "请先办理《重点排放单位名录》把该单位列入"
    }


def test_a_unit_has_one_notice_a_year_in_force(bureau):
    notice = bureau.served_notice()

    def again(year, unit=CEMENT):
        allocation = bureau.allocation((unit, 5), year=year)
        bureau.complete("sign", bureau.chen, allocation, result="签发")

    def refused():
        with pytest.raises(FormRefused) as refusal:
            again(2025)
        [fault] = refusal.value.fields.values()
        return fault.zh

    assert refused().endswith("该单位该年度已有一件有效的分配通知，不能重复分配")
    assert len(bureau.cases("allocation-notice")) == 1
    again(2025, STEEL)
    again(2024)
    # Determined anew, the new notice takes the place of the old one, and only of that.
    review = bureau.object(notice)
    bureau.complete("check", bureau.li, review, result="受理")
    bureau.decide(review, "撤销重作")
    bureau.complete("sign", bureau.chen, review, result="签发")
    bureau.complete("redetermine", bureau.zhou, review, amount="1300000", grounds="更正")
    bureau.complete("sign_redo", bureau.chen, review, result="签发")
    assert (notice.outcome, len(bureau.cases("allocation-notice"))) == ("已被取代", 4)
    assert refused().endswith("该单位该年度已有一件有效的分配通知，不能重复分配")
    amounts = [amount for _asset, amount in bureau.entries()]
    assert sorted(amounts) == [-1_200_000, 5, 5, 1_200_000, 1_300_000]


# Answers


@pytest.mark.parametrize(
    ("answers", "wrong"),
    [
        ({}, {"claimed_amount", "grounds"}),
        ({"claimed_amount": "", "grounds": " "}, {"claimed_amount", "grounds"}),
        ({**FILED, "claimed_amount": "-5"}, {"claimed_amount"}),
        ({**FILED, "claimed_amount": "1.5"}, {"claimed_amount"}),
        ({**FILED, "grounds": "字" * 4001}, {"grounds"}),
        ({**FILED, "outcome": "维持"}, {"outcome"}),
        ({**FILED, "party_id": "2", "status": "x"}, {"party_id", "status"}),
        ({**FILED, "start.grounds": "x"}, {"start.grounds"}),
    ],
)
def test_answers_that_the_form_does_not_ask_for_or_accept_are_refused(bureau, answers, wrong):
    notice = bureau.served_notice()
    with pytest.raises(FormRefused) as refusal:
        bureau.file("allocation-review", bureau.wang, notice, **answers)
    assert set(refusal.value.fields) == wrong
    assert bureau.cases("allocation-review") == []


# Files


def held_by(bureau, *ids):
    """The cases that files belong to."""
    rows = bureau.run.tx.scalars(
        select(Attachment).where(Attachment.id.in_([int(id) for id in ids])).order_by(Attachment.id)
    )
    return [row.case_id for row in rows]


def test_files_are_bound_to_the_case_that_uses_them(bureau):
    notice = bureau.served_notice()
    files = [bureau.upload(bureau.wang, name) for name in ("台账.pdf", "报告.pdf", "未用.pdf")]
    review = bureau.object(notice, evidence=files[:2])
    assert held_by(bureau, *files) == [review.id, review.id, None]
    assert [row.name for row in bureau.run.read(lambda tx: of_case(tx, review.id))] == ["台账.pdf", "报告.pdf"]
    assert review.said("start")["evidence"] == files[:2]


def test_another_persons_file_is_refused(bureau):
    notice = bureau.served_notice()
    theirs, mine = bureau.upload(bureau.wu, "别人的.pdf"), bureau.upload(bureau.wang, "自己的.pdf")
    for evidence in ([theirs], [mine, theirs], ["999999"], ["9" * 30], ["../1"], ["-1"]):
        with pytest.raises((NotYourFile, FormRefused)):
            bureau.object(notice, evidence=evidence)
    assert held_by(bureau, theirs, mine) == [None, None]
    assert bureau.cases("allocation-review") == []


def test_a_file_belongs_to_one_case_for_good(bureau):
    first, second = bureau.served_notice(), bureau.served_notice()
    file = bureau.upload(bureau.wang, "台账.pdf")
    review = bureau.object(first, evidence=[file])
    with pytest.raises(NotYourFile):
        bureau.object(second, evidence=[file])
    assert held_by(bureau, file) == [review.id]
    assert len(bureau.cases("allocation-review")) == 1


def test_a_correction_may_name_the_files_that_its_case_has(bureau):
    notice = bureau.served_notice()
    old = bureau.upload(bureau.wang, "台账.pdf")
    review = bureau.object(notice, evidence=[old])
    bureau.complete("check", bureau.li, review, result="补正", corrections="补报告")
    colleague = bureau.person("王二", of=bureau.cement)
    new = bureau.upload(colleague, "报告.pdf")
    bureau.complete("correct", colleague, review, **FILED, evidence=[old, new])
    assert held_by(bureau, old, new) == [review.id, review.id]
    assert review.said("start")["evidence"] == [old, new]


def test_more_files_than_the_material_allows_are_refused(bureau):
    notice = bureau.served_notice()
    files = [bureau.upload(bureau.wang, f"{n}.pdf") for n in range(21)]
    with pytest.raises(TooMany):
        bureau.object(notice, evidence=files)
    review = bureau.object(notice, evidence=files[:20])
    assert set(held_by(bureau, *files[:20])) == {review.id}


def test_a_refused_filing_leaves_no_number_behind(bureau):
    notice = bureau.served_notice()
    theirs = bureau.upload(bureau.wu, "别人的.pdf")
    for _ in range(3):
        with pytest.raises(NotYourFile):
            bureau.object(notice, evidence=[theirs])
    assert bureau.object(notice).number == "渝环复案〔2026〕1号"
    assert len(bureau.run.tx.scalars(select(Case.id).where(Case.procedure == "allocation-review")).all()) == 1
