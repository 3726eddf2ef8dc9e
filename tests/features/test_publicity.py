"""What a case shows to everybody: opened, paused by objections, closed by a person, kept as proof; filing in public."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select, text

from portal.cases import delivery, proof, publicly, publishing
from portal.cases.actions import ACTIONS, close_publicity, open_publicity
from portal.cases.conduct import conduct
from portal.cases.errors import FormRefused, StepFailed, UnknownCase
from portal.cases.kernel import Kernel
from portal.cases.models import Attachment, Case, Publication, PublicationChange
from portal.cases.names import evaluate
from portal.cases.publishing import PublicityOver
from portal.engine import Place
from portal.jobs import Collected
from portal.procedures import Content, Releases
from portal.scenarios.service import act_all
from tests.builders.publicity import regulation
from tests.builders.world import Followed, World

WRITER = {
    "name": "张三", "kind": "个人", "id_number": "330402199001011230", "phone": "13800000000", "objection": "数据重复",
}  # fmt: skip


class Town(World):
    """A unit that files plans, an officer, and the public."""

    def __init__(self, *given, **named):
        super().__init__(*given, **named)
        self.officer = self.person("钱", "officer")

    def plan(self, **answers):
        return self.file("plan", self.wang, title="绿道", summary="沿河", phone="0573-1", **answers)

    def notice(self, plan):
        return self.run.read(lambda tx: publishing.newest(tx, plan.id, "notice"))

    def changes(self, plan):
        wanted = select(PublicationChange).join(Publication).where(Publication.case_id == plan.id)
        rows = self.run.read(lambda tx: list(tx.scalars(wanted.order_by(PublicationChange.id))))
        return [(row.kind, row.details) for row in rows]

    def object(self, plan, once="a" * 24, received=None, **answers):
        shown = self.notice(plan).id
        said = {**WRITER, **answers}
        row = self.act(lambda tx, at: publicly.file(self.kernel, tx, shown, said, at, once), received)
        return Followed(self, row.id)

    def judge(self, objection, result):
        self.complete("judge", self.officer, objection, result=result, reasons="已经核对")


@pytest.fixture
def town(tx):
    town = Town.within(tx, regulation())
    yield town
    assert town.breaks() == []


def test_what_is_shown_is_a_snapshot_with_its_hash(town):
    plan = town.plan()
    notice = town.notice(plan)
    assert notice.snapshot["shown"] == [
        {"label": "方案名称", "text": "绿道"},
        {"label": "主要内容", "text": "沿河"},
        {"label": "申请人", "text": "重庆某水泥有限公司"},
    ]
    assert (notice.title, notice.kind, notice.last_day) == ("绿道 公示", "方案公示", date(2026, 10, 8))
    assert notice.sha256 == publishing.digest_of(notice.snapshot)
    assert publishing.digest_of({**notice.snapshot, "title": "别的"}) != notice.sha256
    [entry] = plan.entries("publicity.opened")
    assert entry.details["sha256"] == notice.sha256


def test_undisturbed_it_ends_when_a_person_confirms_it(town):
    plan = town.plan()
    town.pass_to("2026-10-09T00:02:00")
    assert (plan.tasks, town.notice(plan).closed_at) == (["confirm"], None)
    town.complete("confirm", town.officer, plan, text="无异议")
    notice = town.notice(plan)
    assert (plan.outcome, notice.result) == ("同意", "公示期满，没有成立的异议")
    assert town.changes(plan) == [
        ("closed", {"result": "公示期满，没有成立的异议", "early": False}),
        ("concluded", {"outcome": "同意"}),
    ]


def test_an_objection_is_a_case_without_party_and_filer_that_pauses_the_period(town):
    plan = town.plan()
    town.at("2026-09-24T10:00:00")
    objection = town.object(plan)
    row = objection.row
    assert (row.party_id, row.filer_id, len(row.query_code)) == (None, None, 8)
    assert objection.history[0].actor_id is None
    assert (plan.deadline("shown").state, town.notice(plan).paused) == ("paused", True)
    assert town.changes(plan) == [("paused", {"last_day": None})]
    town.pass_to("2026-09-29T10:00:00")
    town.judge(objection, "不成立")
    # The 22nd and 23rd have counted; from the 30th on five more, with the National Day week between.
    assert (objection.outcome, plan.deadline("shown").state) == ("异议不成立", "running")
    assert town.notice(plan).last_day == plan.deadline("shown").last_day == date(2026, 10, 12)
    assert town.changes(plan)[1] == ("resumed", {"last_day": "2026-10-12"})


def test_two_objections_that_overlap_pause_it_once(town):
    plan = town.plan()
    town.at("2026-09-24T10:00:00")
    first = town.object(plan)
    town.at("2026-09-25T10:00:00")
    second = town.object(plan, once="b" * 24, name="李四")
    town.at("2026-09-28T10:00:00")
    town.judge(first, "不成立")
    assert plan.deadline("shown").state == "paused"
    town.at("2026-09-29T10:00:00")
    town.judge(second, "不成立")
    assert [kind for kind, _ in town.changes(plan)] == ["paused", "resumed"]
    assert town.notice(plan).last_day == date(2026, 10, 12)


def test_expressions_ask_what_has_become_of_the_objections(town):
    plan = town.plan()

    def objections(name="notice"):
        return plan.see(lambda case: evaluate(case, f'objections("{name}")'))

    assert objections() == []
    town.at("2026-09-24T10:00:00")
    first = town.object(plan)
    town.at("2026-09-25T10:00:00")
    town.object(plan, once="b" * 24, name="李四")
    town.at("2026-09-28T10:00:00")
    town.judge(first, "不成立")
    assert (objections(), objections("other")) == (["异议不成立", None], [])


def test_an_objection_upheld_closes_it_and_sends_the_plan_back(town):
    plan = town.plan()
    town.at("2026-09-24T10:00:00")
    objection = town.object(plan)
    town.judge(objection, "成立")
    assert (objection.outcome, plan.tasks) == ("异议成立", ["revise"])
    notice = town.notice(plan)
    assert (notice.result, notice.paused) == ("异议成立，退回修改", False)
    assert ("closed", {"result": "异议成立，退回修改", "early": True}) in town.changes(plan)
    town.complete("revise", town.wang, plan, title="绿道", summary="沿河改线", phone="0573-1")
    assert ("revised", {"labels": ["主要内容"]}) in town.changes(plan)
    assert town.notice(plan).snapshot["shown"][1]["text"] == "沿河"
    assert plan.outcome == "退回"


def revised_and_shown_again(tx):
    """Two objections came on the 24th; the first was upheld on the 25th, and the plan is shown anew on the 28th."""
    town = Town.within(tx, regulation(again=True))
    plan = town.plan()
    town.at("2026-09-24T10:00:00")
    first, second = town.object(plan), town.object(plan, once="b" * 24, name="李四")
    town.at("2026-09-25T10:00:00")
    town.judge(first, "成立")
    town.at("2026-09-28T10:00:00")
    town.complete("revise", town.wang, plan, title="绿道", summary="沿河改线", phone="0573-1")
    return town, plan, second


def objections(plan):
    """What became of those to what is shown, and of those to what was shown before."""
    asked = 'objections("notice")', 'earlier_objections("notice")'
    return tuple(plan.see(lambda case, text=text: evaluate(case, text)) for text in asked)


def test_an_older_objection_neither_pauses_nor_ends_what_is_shown_again(tx):
    town, plan, second = revised_and_shown_again(tx)
    shown = town.notice(plan)
    assert (shown.paused, shown.last_day) == (False, date(2026, 10, 13))
    assert objections(plan) == ([], ["异议成立", None])
    town.at("2026-09-29T10:00:00")
    town.judge(second, "成立")
    assert (second.outcome, plan.deadline("shown").state, town.notice(plan).closed_at) == ("异议成立", "running", None)
    assert objections(plan) == ([], ["异议成立", "异议成立"])
    assert town.breaks() == []


def test_an_older_objection_rejected_moves_no_day_of_what_is_shown_again(tx):
    town, plan, second = revised_and_shown_again(tx)
    town.at("2026-09-29T10:00:00")
    town.judge(second, "不成立")
    assert (plan.deadline("shown").state, town.notice(plan).last_day) == ("running", date(2026, 10, 13))
    assert town.changes(plan)[-1] == ("revised", {"labels": ["主要内容"]})


def test_what_is_shown_again_is_paused_and_ended_by_its_own_objection(tx):
    town, plan, second = revised_and_shown_again(tx)
    town.at("2026-09-29T10:00:00")
    own = town.object(plan, once="c" * 24, name="王五")
    assert objections(plan) == ([None], ["异议成立", None])
    town.judge(second, "成立")
    assert (plan.deadline("shown").state, town.notice(plan).closed_at) == ("paused", None)
    town.judge(own, "成立")
    assert (plan.tasks, town.notice(plan).result) == (["revise"], "异议成立，退回修改")


def test_a_case_knows_the_publicity_during_which_it_was_filed(tx):
    town, plan, second = revised_and_shown_again(tx)
    then, now = town.run.read(lambda tx: list(tx.scalars(select(Publication).order_by(Publication.id))))
    town.at("2026-09-29T10:00:00")
    own = town.object(plan, once="c" * 24, name="王五")

    def publication(case):
        return case.see(lambda seen: evaluate(seen, "publication"))

    told = ("title", "opened_at", "closed_at", "result")
    assert publication(second) == {name: getattr(then, name) for name in told}
    assert publication(own) == {name: getattr(now, name) for name in told}
    assert (then.result, now.result, publication(plan)) == ("异议成立，退回修改", None, None)


def test_closed_before_its_end_it_says_so_of_itself_whatever_was_shown_since(town):
    plan = town.plan()
    town.at("2026-09-24T10:00:00")
    objection = town.object(plan)
    # Answered later than the day on which the period would have ended, had it not stood.
    town.pass_to("2026-10-13T20:06:00")
    town.judge(objection, "成立")
    notice = town.notice(plan)
    assert notice.last_day == date(2026, 10, 13)
    with pytest.raises(PublicityOver) as refusal:
        town.object(plan, once="b" * 24)
    assert refusal.value.text().startswith("“绿道 公示”的期间已于 2026年10月13日 20:06 结束，")
    assert refusal.value.text("en").startswith("The period of “绿道 公示” ended on 2026-10-13 20:06;")
    held = {one.name: getattr(notice, one.name) for one in Publication.__table__.columns if one.name != "id"}
    shown_again = {"closed_at": town.now, "result": "无", "last_day": date(2026, 10, 30)}
    town.run.act(lambda tx: tx.add(Publication(**{**held, **shown_again})))
    with pytest.raises(PublicityOver) as refusal:
        town.run.read(lambda tx: publicly.offer(town.kernel, tx, notice.id, town.now))
    assert "2026年10月13日 20:06" in refusal.value.text()


def test_in_the_last_second_it_still_counts_and_pauses(town):
    plan = town.plan()
    town.at("2026-10-09T00:00:20")
    assert town.object(plan, received="2026-10-08T23:59:59.9").tasks == ["judge"]
    assert (plan.deadline("shown").state, plan.tasks) == ("paused", [])


def test_late_is_refused_in_words(town):
    plan = town.plan()
    town.pass_to("2026-10-09T00:02:00")
    with pytest.raises(PublicityOver) as refusal:
        town.object(plan)
    assert refusal.value.text() == (
        "“绿道 公示”的期间已于 2026年10月8日（周四）24:00 结束，不能再在这里提出异议。"
        "仍有意见的，可以向办理机关书面反映；对作出的决定，可以依法申请行政复议或者提起行政诉讼。"
    )
    assert refusal.value.text("en").startswith("The period of “绿道 公示” ended on 2026-10-08 24:00; objections")


@pytest.mark.parametrize(
    ("answers", "field", "words"),
    [
        ({"name": ""}, "name", "请填写姓名或名称"),
        ({"id_number": "330402199001011231"}, "id_number", "居民身份号码不正确，请对照身份证核对这 18 位"),
        ({"id_number": "330402199002301234"}, "id_number", "居民身份号码不正确，请对照身份证核对这 18 位"),
        ({"id_number": "匿名"}, "id_number", "居民身份号码应为 18 位居民身份号码，现有 2 位"),
        ({"phone": "无"}, "phone", "联系电话的格式不正确，请按要求填写，例如 13800000000"),
        ({"kind": "单位", "id_number": "", "uscc": "91500101MA5YKQ1X0D"}, "uscc",
         "统一社会信用代码的校验位不对，请对照营业执照核对这 18 位"),
    ],
)  # fmt: skip
def test_the_anonymous_is_refused_in_words(town, answers, field, words):
    plan = town.plan()
    with pytest.raises(FormRefused) as refusal:
        town.object(plan, **answers)
    assert {name: error.zh for name, error in refusal.value.fields.items()} == {field: words}
    assert len(town.cases("objection")) == 0


def test_posted_twice_it_is_one_case(town):
    plan = town.plan()
    first, second = town.object(plan), town.object(plan)
    assert first.id == second.id
    assert town.object(plan, once="c" * 24).id != first.id


def test_only_files_that_came_with_the_form_are_taken(town):
    plan = town.plan()

    def keep(tx, bundle):
        row = Attachment(
            bundle=bundle, uploaded_at=town.now, key=f"key {bundle}", name="证.pdf", kind="pdf", size=5, sha256="ab",
        )  # fmt: skip
        tx.add(row)
        tx.flush()
        return row.id

    mine = town.run.act(lambda tx: keep(tx, publicly.bundle_of("a" * 24)))
    others = town.run.act(lambda tx: keep(tx, publicly.bundle_of("b" * 24)))
    with pytest.raises(Exception, match="cannot be used") as refusal:
        town.object(plan, evidence=[str(others)])
    assert refusal.value.text() == "所选文件不存在或不能使用，请重新上传。"
    objection = town.object(plan, evidence=[str(mine)])
    owner = town.run.read(lambda tx: (tx.get(Attachment, mine).case_id, tx.get(Attachment, others).case_id))
    assert owner == (objection.id, None)


def test_the_answer_is_served_on_whoever_filed_by_his_number_and_code(town):
    plan = town.plan()
    objection = town.object(plan)
    town.judge(objection, "不成立")
    [letter] = objection.letters
    [service] = letter.services
    assert (service.name, service.organisation_id, service.addressee, service.state) == ("张三", None, "filer", "open")
    # Of the number of his identity a letter shows only both ends.
    assert letter.data["start"]["id_number"] == "3304**********1230"
    assert letter.data["party"]["name"] == "张三"
    with pytest.raises(UnknownCase):
        town.act(lambda tx, at: delivery.sign_by_code(town.kernel, tx, plan.id, letter.id, at))
    town.act(lambda tx, at: delivery.sign_by_code(town.kernel, tx, objection.id, letter.id, at))
    [service] = objection.letters[0].services
    assert (service.state, service.how, [proof.entered_by for proof in service.proofs]) == ("served", "read", [None])


def test_a_clerk_enters_a_receipt_of_such_a_letter(town):
    plan = town.plan()
    objection = town.object(plan)
    town.judge(objection, "不成立")
    town.at("2026-09-24T10:00:00")
    town.receipt(objection, town.officer, "2026-09-23T10:00:00", how="in person")
    assert objection.letters[0].services[0].how == "in person"


def test_what_the_public_is_shown_is_never_rewritten(town):
    plan = town.plan()
    town.object(plan)

    def rewrite(tx):
        change = tx.scalars(select(PublicationChange)).first()
        change.details = {}
        tx.flush()

    with pytest.raises(Exception, match=r"append-only|may only be added"):
        town.run.act(rewrite)


def test_a_case_that_ends_closes_what_it_shows(town):
    plan = town.plan()
    town.pass_to("2026-10-09T00:02:00")
    town.complete("confirm", town.officer, plan, text="无异议")
    again = town.run.read(lambda tx: tx.scalar(select(Case.ended_at).where(Case.id == plan.id)))
    assert town.notice(plan).closed_at == again


def test_nothing_is_opened_twice_or_closed_before_it_is_opened(town):
    plan = town.plan()

    def twice(act):
        case = act.family.cases.get(plan.id)
        with pytest.raises(StepFailed) as refusal:
            open_publicity(act, case, Place("", "publish", 2), {"publicity": "notice"})
        assert "公示“notice”正在进行，不能再次开始。" in refusal.value.text()
        with pytest.raises(StepFailed) as empty:
            close_publicity(act, case, Place("", "unopposed", 1), {"publicity": "notice", "result": None})
        assert "公示“notice”的结果没有内容。" in empty.value.text()

    town.act(lambda tx, at: conduct(town.kernel, tx, plan.id, at, "test", twice))


def proved(town):
    """What the history of the cases does not vouch for."""
    return [one.zh for one in town.run.read(lambda tx: list(proof.altered(tx)))]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("snapshot = jsonb_set(snapshot, '{title}', '\"别的\"')", "公示的内容与所记的不符"),
        ('files = \'[{"name": "x"}]\'', "公示的材料与所记的不符"),
        ("result = '无人反对', closed_at = opened_at", "公示的结果与所记的不符"),
    ],
)
def test_the_history_vouches_for_what_was_shown(town, change, words):
    town.object(town.plan())
    assert proved(town) == []
    town.run.act(lambda tx: tx.execute(text(f"UPDATE publications SET paused = false, {change}")))
    assert proved(town) == [words]


PATH = """
title = "异议不成立"
basis = "1"
[[step]]
at = 2026-09-21T09:00:00
as = "unit/王"
file = "plan"
bind = "plan"
answers = { title = "绿道" }
[[step]]
at = 2026-09-22T09:00:00
as = "public"
file = "objection"
about = "plan"
bind = "objection"
answers = { name = "张三", kind = "个人", id_number = "330402199001011230", phone = "13800000000", objection = "重复" }
files = { evidence = ["证明.pdf"] }
[[step]]
at = 2026-09-23T09:00:00
as = "officer/钱"
task = "judge"
case = "objection"
answers = { result = "不成立", reasons = "已核对" }
[[step]]
at = 2026-09-24T09:00:00
as = "public"
serve = "objection"
[[step]]
at = 2026-10-20T09:00:00
as = "public"
file = "objection"
about = "plan"
answers = { name = "李四", kind = "个人", id_number = "330402199001011230", phone = "13800000000", objection = "迟了" }
expect.refused = "state"
expect.says = "不能再在这里提出异议"
[[step]]
at = 2026-10-20T10:00:00
as = "officer/钱"
task = "confirm"
case = "plan"
answers = { text = "无" }
[outcome]
outcomes = { plan = "同意", objection = "异议不成立" }
documents = { objection = ["answer"] }
"""
GIVEN = '[people]\n"王" = "某公司 91500101MA5YKQ1X0C 万州区"\n'


def test_a_path_acts_the_public(database):
    whole = regulation()
    files = {"bpmn/small/given.toml": GIVEN.encode(), "bpmn/small/objection/paths/rejected.toml": PATH.encode()}
    kernel = Kernel(Releases(), Collected(), lambda tx: None, ACTIONS)
    report = act_all(database, kernel, Content(whole.regulation, {**whole.files, **files}))
    [result] = report.results
    assert [fault.what for fault in result.faults] == []
