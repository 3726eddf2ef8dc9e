"""A filing of the content that ships, on the pages of its party and of officials: what each of them is shown."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import timedelta
from uuid import uuid4

import pytest
from lxml import html
from sqlalchemy import select

from portal import identity
from portal.cases import delivery, filing, messages, publicly
from portal.cases.conduct import claim_ripe
from portal.cases.errors import FormRefused
from portal.cases.models import Attachment, Publication
from portal.clock import day_of
from portal.documents.models import Letter
from portal.procedures import Releases, validity
from portal.procedures.content import from_folder
from portal.procedures.validity import Wanted, enter
from tests.builders.pages import LONG_AGO, UNIT, plain
from tests.builders.world import ROOT

SLUG = "jiaxing-tanpuhui"
ROLES = {
    "li": "intake", "sun": "assessor", "zhou": "handler", "he": "supervisor", "chen": "leader", "tao": "clerk",
}  # fmt: skip
TEXTS = {
    "title": "公共自行车骑行碳普惠方法学", "field": "低碳出行", "version": "V1.0", "summary": "骑行替代机动车",
    "baseline": "小汽车和公交", "additionality": "没有直接收益", "calculation": "里程乘以因子之差",
    "monitoring": "平台逐单记录", "promise": True,
    "participants": [{"name": "沈工", "org": "重庆某水泥有限公司", "code": UNIT}],
}  # fmt: skip
SETTLED = {"letter": "申请函", "text": "文本", "explanation": "说明"}


@pytest.fixture(scope="module")
def content():
    return from_folder(ROOT, SLUG)


@pytest.fixture(scope="module")
def releases():
    return Releases()


class Office:
    """The portal with everybody in their offices, and filings of wang's unit."""

    def __init__(self, portal):
        self.portal, self.kernel = portal, portal.machine.kernel
        with portal.database.transaction() as tx:
            for login, role in ROLES.items():
                identity.grant_role(tx, person_id=portal.people[login], regulation=SLUG, role=role, from_day=LONG_AGO)
            regulation = self.kernel.releases.newest(tx, SLUG).regulation
            until = day_of(portal.now) + timedelta(days=900)
            first = regulation.last_day + timedelta(days=1)
            renewed = Wanted(regulation, "续〔2025〕1号", "续期", first, until, True, "未查到", "测试")
            enter(tx, renewed, None, portal.now)

    def file(self, contents=SETTLED, **answers):
        """Files a methodology; `contents` says what each file holds. The id of its case."""
        wang = self.portal.actor("wang")
        with self.portal.database.transaction() as tx:
            files = {name: [str(self._uploaded(tx, wang, text))] for name, text in contents.items()}
            said = {**TEXTS, **files, **answers}
            return filing.file(self.kernel, tx, wang, SLUG, "methodology-filing", said, self.kernel.now(tx)).id

    def _uploaded(self, tx, wang, text):
        row = Attachment(
            uploaded_by_id=wang.person_id, organisation_id=wang.organisation_id, uploaded_at=self.portal.now,
            key=uuid4().hex, name=f"{text}.pdf", kind="pdf", size=len(text),
            sha256=hashlib.sha256(text.encode()).hexdigest(),
        )  # fmt: skip
        tx.add(row)
        tx.flush()
        return row.id

    def do(self, case, element, login, **answers):
        self.portal.complete(login, self.portal.task(element, case), answers)

    def audited(self, **more):
        """A filing that waits for its handler to propose a decision."""
        case = self.file(**more)
        self.do(case, "check", "li", result="受理")
        self.do(case, "audit", "sun", result="符合要求", report="核算方法完整")
        self.do(case, "plan", "zhou", result="不组织专家评审", reason="只更新参数")
        return case

    def pass_to(self, days):
        """Moves the clock and lets timers fire."""
        self.portal.ahead(timedelta(days=days))
        going = True
        while going:
            with self.portal.database.transaction() as tx:
                going = claim_ripe(self.kernel, tx, self.kernel.now(tx)) is not None
        self.portal.work()

    def ready(self, case, name):
        """The letter of a case with its file made; its id."""
        with self.portal.database.transaction() as tx:
            wanted = select(Letter.id).where(Letter.case_id == case, Letter.name == name).order_by(Letter.id.desc())
            letter = tx.scalars(wanted).first()
        self.portal.rendered(letter)
        return letter

    def sign_for(self, letter):
        with self.portal.database.transaction() as tx:
            delivery.sign_for(self.kernel, tx, self.portal.actor("wang"), letter, self.kernel.now(tx))

    def withdraw(self, case):
        said = {"reason": "另行申报", "confirmed": True}
        with self.portal.database.transaction() as tx:
            messages.send(self.kernel, tx, self.portal.actor("wang"), case, "withdraw", said, self.kernel.now(tx))
        self.portal.work()

    def read(self, login, path):
        return plain(self.portal.client(login).get(path))

    def task(self, login, case, element):
        """The page of an official's task."""
        return self.read(login, f"/tasks/{self.portal.task(element, case)}")


@pytest.fixture
def office(portal):
    return Office(portal)


def test_the_receipt_names_the_duty_that_runs_and_each_file_with_its_material(office):
    receipt = office.read("wang", f"/my/cases/{office.file()}/receipt")
    assert "前办完“告知是否受理”（5 个工作日）。" in receipt
    assert "作出决定（" not in receipt
    for line in ("备案申请函：申请函.pdf", "方法学文本：文本.pdf", "编制说明：说明.pdf"):
        assert line in receipt


def test_a_file_given_for_several_materials_is_named_with_them(office):
    case = office.file({"letter": "同一", "text": "同一", "explanation": "说明"})
    said = "同一文件重复提交：同一.pdf（备案申请函、方法学文本）"
    assert said in office.task("li", case, "check")
    office.do(case, "check", "li", result="受理")
    office.sign_for(office.ready(case, "acceptance"))
    assert f"不符合 材料齐全 {said}" in office.read("wang", f"/my/cases/{case}")


def test_before_it_is_handed_in_the_applicant_reads_that_one_file_stands_for_several_materials(office):
    wang = office.portal.client("wang")
    draft = wang.get(f"/file/{SLUG}/methodology-filing").location
    same = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
    row = TEXTS["participants"][0]
    typed = {key: value for key, value in TEXTS.items() if isinstance(value, str)} | {
        "promise": "true", **{f"participants.0.{key}": value for key, value in row.items()}
    }  # fmt: skip
    place = wang.get(draft).location
    for _step in range(20):
        if place.endswith("/check-answers"):
            break
        files = {f"_upload.{name}": (io.BytesIO(same), f"{name}.pdf") for name in ("letter", "text")}
        files["_upload.explanation"] = (io.BytesIO(same + b"%other"), "other.pdf")
        page = wang.post(place, {**typed, **files, "_go": "next"}, content_type="multipart/form-data")
        page.request.environ["wsgi.input"].close()
        assert page.status_code == 303, plain(page)
        place = page.location
    said = "“letter.pdf”用作了几项材料：备案申请函、方法学文本。如果选错了，请修改后再提交。"
    assert said in plain(wang.get(place))


def test_that_a_text_was_handed_in_by_others_is_told_without_their_case(office):
    first = office.file()
    number = office.portal.case(first).number
    second = office.file({"letter": "另一函", "text": "文本", "explanation": "另一说明"})
    assert f"同一文本已在其他案件中提交：{number}" in office.task("li", second, "check")
    office.do(second, "check", "li", result="受理")
    office.sign_for(office.ready(second, "acceptance"))
    page = office.read("wang", f"/my/cases/{second}")
    assert "不符合 没有重复申请 同一文本已在其他案件中提交" in page
    assert number not in page


def test_a_withdrawn_filing_says_so_though_a_letter_waits_to_be_opened(office):
    case = office.file()
    office.do(case, "check", "li", result="受理")
    office.ready(case, "acceptance")
    before = office.read("wang", "/my/cases")
    assert "文书已制发，等您签收" in before
    office.withdraw(case)
    assert office.portal.case(case).outcome == "已撤回"
    listed = office.read("wang", "/my/cases")
    assert "已撤回" in listed
    assert "文书已制发，等您签收" not in listed
    page = office.read("wang", f"/my/cases/{case}")
    assert "已办结：已撤回" in page
    assert "《受理通知书》" in page
    assert "结果和救济途径" not in page
    assert "去签收" in page
    assert "已办结的（1 件）" in office.read("wang", "/home") or "已撤回" in office.read("wang", "/home")


def test_a_decision_that_was_not_opened_keeps_a_filing_open_all_the_same(office):
    case = office.file()
    office.do(case, "check", "li", result="不予受理", reason="不属于方法学")
    office.do(case, "sign_refusal", "he", result="签发")
    office.ready(case, "not_accepted")
    assert office.portal.case(case).ended_at is not None
    page = office.read("wang", f"/my/cases/{case}")
    assert "文书已制发，等您签收" in page
    assert "不予受理" not in office.read("wang", "/my/cases")


def test_the_remedy_is_looked_for_in_a_letter_only_where_one_tells_the_result(office):
    refused = office.file()
    office.do(refused, "check", "li", result="不予受理", reason="不属于方法学")
    office.do(refused, "sign_refusal", "he", result="签发")
    office.sign_for(office.ready(refused, "not_accepted"))
    assert "结果和救济途径见下方文书" in office.read("wang", f"/my/cases/{refused}")
    withdrawn = office.file({"letter": "函2", "text": "文2", "explanation": "说2"})
    office.do(withdrawn, "check", "li", result="受理")
    office.sign_for(office.ready(withdrawn, "acceptance"))
    office.withdraw(withdrawn)
    page = office.read("wang", f"/my/cases/{withdrawn}")
    assert "已办结：已撤回" in page
    assert "结果和救济途径" not in page


def test_who_signs_reads_at_once_what_is_signed_and_what_the_publicity_came_to(office):
    case = office.audited()
    office.do(case, "determine", "zhou", result="同意备案", reasons="核算方法完整，同意备案")
    office.pass_to(30)
    office.do(case, "confirm", "zhou", result="公示期内未收到异议", remark="公示期满")
    for element, login in (("endorse", "he"), ("approve", "chen")):
        page = office.task(login, case, element)
        form = page.index("本环节办理")
        assert "此前的意见：拟定处理意见" in page[:form]
        assert "核算方法完整，同意备案" in page[:form]
        assert "此前的意见：确认公示结果" in page[:form]
        assert "公示期内未收到异议" in page[:form]
        if element == "endorse":
            office.do(case, "endorse", "he", result="同意")
    office.do(case, "approve", "chen", result="退回", opinion="请写明参数来源")
    again = office.task("he", case, "endorse")
    assert "再次办理：上一环节是“局领导签批”" in again
    assert "核算方法完整，同意备案" in again[: again.index("本环节办理")]


def test_who_signs_a_refusal_reads_why_at_once(office):
    case = office.file()
    office.do(case, "check", "li", result="不予受理", reason="不属于方法学")
    page = office.task("he", case, "sign_refusal")
    assert "受理人员的意见： 不予受理 不予受理的理由： 不属于方法学" in page[page.index("本环节办理") :]


def sent_back(office):
    """A filing that its party is to change: its id and the letter that asks for it."""
    case = office.audited()
    office.do(case, "determine", "zhou", result="退回修改", reasons="补充参数来源\n并更新基准线")
    return case, office.ready(case, "revision")


def test_who_revises_reads_what_is_to_be_changed_once_the_letter_is_opened(office):
    case, letter = sent_back(office)
    place = f"/my/tasks/{office.portal.task('revise', case)}"
    before = office.read("wang", place)
    assert "要求写在文书中，请先打开并签收文书。" in before
    assert "补充参数来源" not in before
    office.sign_for(letter)
    assert "请按下列要求修改 补充参数来源 并更新基准线" in office.read("wang", place)


def test_a_revision_without_a_change_is_asked_about_and_then_shown_as_such(office):
    case, letter = sent_back(office)
    office.sign_for(letter)
    wang, place = office.portal.client("wang"), f"/my/tasks/{office.portal.task('revise', case)}"
    page = wang.get(place)
    typed = fields(page)
    asked = wang.post(place, {**typed, "_go": "next"})
    assert "没有改动。请按要求修改后再提交" in plain(asked)
    assert office.portal.task("revise", case)
    assert wang.post(place, {**fields(asked), "_unchanged": "true"}).status_code == 303
    task = office.task("sun", case, "reaudit")
    assert "提出的要求 补充参数来源 并更新基准线" in task
    assert "申请人重新提交的内容与修改前相同，没有改动。" in task


def test_who_audits_a_revision_sees_what_was_asked_for_and_what_was_changed(office):
    case, letter = sent_back(office)
    office.sign_for(letter)
    wang, place = office.portal.client("wang"), f"/my/tasks/{office.portal.task('revise', case)}"
    assert wang.post(place, {**fields(wang.get(place)), "baseline": "以公交为基准线", "_go": "next"}).status_code == 303
    page = office.task("sun", case, "reaudit")
    assert "提出的要求 补充参数来源 并更新基准线 修改前后 基准线情景 有改动" in page
    assert "前后对照：修改方法学" in page
    assert "补正前后" not in page


def fields(page):
    """What a browser would post of the page's form."""
    found = {}
    for control in html.fromstring(page.text).xpath('//form[@id="answers"]//*[@name][not(self::button)]'):
        kind, value = control.get("type", ""), control.text if control.tag == "textarea" else control.get("value", "")
        if control.tag == "select":
            value = "".join(control.xpath("option[@selected]/@value"))
        if kind not in ("file", "checkbox") or control.get("checked") is not None:
            found[control.get("name")] = value or ""
    return found


def objected(office, case, name):
    """Somebody objects to what a case shows; the id of the objection."""
    said = {
        "name": name, "kind": "个人", "id_number": "330402199001011230", "phone": "13800000000",
        "objection": "里程重复计算", "agrees": True,
    }  # fmt: skip
    with office.portal.database.transaction() as tx:
        notice = tx.scalars(select(Publication.id).where(Publication.case_id == case)).one()
        return publicly.file(office.kernel, tx, notice, said, office.kernel.now(tx), f"{name:a<24}").id


@pytest.fixture
def twice_objected(office):
    """A filing that is shown, with two objections; another handler than the one who proposed looks into them."""
    with office.portal.database.transaction() as tx:
        people = office.portal.people
        identity.grant_role(tx, person_id=people["sun"], regulation=SLUG, role="handler", from_day=LONG_AGO)
    case = office.audited()
    office.do(case, "determine", "zhou", result="同意备案", reasons="符合要求")
    return case, objected(office, case, "方某"), objected(office, case, "袁某")


def answered(office, objection, result, findings):
    office.do(objection, "verify", "sun", result=result, findings=findings)
    office.do(objection, "endorse", "he", result="同意")
    office.do(objection, "approve", "chen", result="签发")


def test_after_an_objection_was_upheld_its_handler_reads_which_and_why(office, twice_objected):
    case, first, second = twice_objected
    assert "公示： 已" not in office.task("sun", first, "verify")
    answered(office, first, "成立", "平台调度车辆的里程确实重复计算")
    number = office.portal.case(first).number
    page = office.task("zhou", case, "determine")
    assert f"成立的异议： {number}" in page
    assert "异议的核实情况： 平台调度车辆的里程确实重复计算" in page
    assert "再次办理：此前的意见" in page
    assert f"{number} 异议成立" in page
    assert office.portal.case(second).number in page.partition("本环节办理")[0]
    other = "公示： 已因其他异议成立而终止，申请正在重新处理；答复书照此写明"
    assert other in office.task("sun", second, "verify")


def test_who_looks_into_an_objection_reads_that_the_filing_was_withdrawn(office, twice_objected):
    case, first, _second = twice_objected
    office.withdraw(case)
    said = office.task("sun", first, "verify")
    assert "公示： 备案申请已经办结（已撤回），公示已经终止；答复书照此写明" in said


def test_what_was_filed_under_a_renewal_revoked_since_cannot_be_accepted(office):
    case = office.file()
    assert "依据的文本： 有效，依据的是假定的续期文件" in office.task("li", case, "check")
    with office.portal.database.transaction() as tx:
        [renewal] = validity.entered(tx, SLUG)
        validity.revoke(tx, renewal.id, office.portal.people["zhou"], "文件没有发布", office.kernel.now(tx))
    page = office.portal.client("li").get(f"/tasks/{office.portal.task('check', case)}")
    offered = html.fromstring(page.text).xpath('//input[@name="result"]/@value')
    assert offered == ["不予受理"]
    said = plain(page)
    assert "依据的文本： 材料齐全之日没有有效的文本：有效期已过而没有录入续期，或者续期已经撤回。只能不予受理；" in said
    assert "不符合 材料齐全之日依据的文本有效 硬性条件 现在核对：材料齐全之日没有有效的文本" in said
    with pytest.raises(FormRefused):
        office.do(case, "check", "li", result="受理")


def asked(office, *items):
    """A filing that its party is to correct: its id and the letter that asks for it."""
    case = office.file()
    rows = [{"about": about, "ask": "请补充"} for about in items]
    office.do(case, "check", "li", result="补正", items=rows)
    return case, office.ready(case, "correction")


def test_the_audit_begins_when_complete_material_was_accepted(office):
    case, letter = asked(office, "monitoring")
    office.sign_for(letter)
    begins = "技术审核：20 个工作日 尚未起算 自收到齐全材料（受理）的次日起算。"
    page = office.read("wang", f"/my/cases/{case}")
    assert begins in page
    assert "接着计算剩余" not in page
    assert "恢复计时" not in office.read("zhou", f"/cases/{case}")
    office.do(case, "correct", "wang", items=[{"no": 1, "monitoring": "逐月记录"}])
    assert begins in office.read("wang", f"/my/cases/{case}")
    office.do(case, "recheck", "li", result="受理", items=[{"no": 1, "result": "接受"}])
    office.sign_for(office.ready(case, "acceptance"))
    page = office.read("wang", f"/my/cases/{case}")
    assert begins not in page
    assert "收到齐全材料（受理之日），次日起算" in page


def test_the_first_page_says_from_when_the_authority_counts(office):
    page = plain(office.portal.app.test_client().get("/"))
    assert "技术审核：20 个工作日，自收到齐全材料（受理）的次日起算" in page
    assert "告知是否受理：5 个工作日，自收到申请、办结“补正材料”的次日起算，以最后发生的为准" in page
    assert "技术审核：20 个工作日，自收到申请" not in page


def test_the_days_of_a_second_correction_begin_when_its_own_letter_is_opened(office):
    case, letter = asked(office, "monitoring", "baseline")
    office.sign_for(letter)
    task = f"/my/tasks/{office.portal.task('correct', case)}"
    due = office.read("wang", task).partition("补正材料：20 个工作日 ")[2].partition("24:00")[0]
    assert "年" in due
    answers = [{"no": 1, "monitoring": "逐月记录"}, {"no": 2, "note": "没有变化"}]
    office.do(case, "correct", "wang", items=answers)
    judged = [{"no": 1, "result": "接受"}, {"no": 2, "result": "仍需补正", "why": "请写明来源"}]
    office.do(case, "recheck", "li", result="仍需补正", items=judged)
    letter = office.ready(case, "correction")
    task = f"/my/tasks/{office.portal.task('correct', case)}"
    begins = "补正材料：20 个工作日 尚未起算 自《补正告知书》送达的次日起算。到期没有办理的：视为撤回。"
    for place in ("/home", f"/my/cases/{case}", task):
        page = office.read("wang", place)
        assert begins in page, place
        assert due not in page, place
    assert due not in office.read("wang", "/my/cases")
    for login in ("li", "zhou"):
        assert f"补正材料：20 个工作日 {due}" not in office.read(login, f"/cases/{case}")
    office.sign_for(letter)
    for place in ("/home", f"/my/cases/{case}", task):
        page = office.read("wang", place)
        assert f"补正材料：20 个工作日 {due}24:00 剩 20 个工作日 到期没有办理的：视为撤回。" in page, place


def test_a_publicity_that_ran_its_days_is_over_and_nobody_was_late(office):
    case = office.audited()
    office.do(case, "determine", "zhou", result="同意备案", reasons="符合要求")
    shown = office.read("zhou", f"/cases/{case}")
    assert "暂停计时（公示）" in shown
    assert "暂停计时（公示期满）" not in shown
    office.pass_to(30)
    office.do(case, "confirm", "zhou", result="公示期内未收到异议", remark="公示期满")
    for page in (office.read("zhou", f"/cases/{case}"), office.task("he", case, "endorse")):
        assert "期满：公示" in page
        assert "逾期完成：公示" not in page


def test_while_an_objection_is_looked_into_its_applicant_reads_since_when_and_by_when(office, twice_objected):
    case, first, second = twice_objected
    office.sign_for(office.ready(case, "acceptance"))
    page = office.read("wang", f"/my/cases/{case}")
    assert "“公示异议”正在调查处理（2 件，" in page
    assert "前答复，答复以前暂停计时。" in page
    assert "恢复计时后确定" in page
    assert "为什么是这一天" not in page
    assert "公示：恢复计时后确定" in office.read("wang", "/my/cases")
    answered(office, first, "不成立", "没有重复计算")
    assert "“公示异议”正在调查处理（1 件，" in office.read("wang", f"/my/cases/{case}")
    answered(office, second, "不成立", "没有重复计算")
    assert "正在调查处理" not in office.read("wang", f"/my/cases/{case}")


def test_the_card_of_rules_says_which_of_them_bind(office):
    page = office.task("li", office.file(), "check")
    assert "由系统按规则核对：硬性条件有约束力，提示供办理时参考，以办理人的认定为准。" in page


def test_who_wrote_it_without_an_employer_leaves_that_empty_and_a_code_is_checked(office):
    assert office.file(participants=[{"name": "顾某"}])
    with pytest.raises(FormRefused) as refused:
        office.file(participants=[{"name": "沈工", "org": "某公司", "code": "330402"}])
    assert list(refused.value.fields) == ["participants.0.code"]


def test_a_box_that_was_ticked_is_kept_in_words(office):
    case, _letter = sent_back(office)
    page = office.portal.client("wang").get(f"/my/tasks/{office.portal.task('revise', case)}")
    labels = json.loads(html.fromstring(page.text).xpath('//input[@name="_labels"]/@value')[0])
    assert labels["promise=true"] == "是"
    answer = office.portal.client("wang").raw.post("/nothing", data={"promise": "true", "_labels": json.dumps(labels)})
    assert html.fromstring(answer.text).xpath("//main//*[text()='是']")


def test_the_first_page_tells_how_long_what_an_applicant_waits_for_takes(office):
    page = html.fromstring(office.portal.client().get("/").text)
    [matter] = page.xpath('//article[@class="matter"][contains(h4, "碳普惠方法学备案")]')
    lines = matter.xpath('.//dt[text()="多久办完"]/following-sibling::dd[1]/span/text()')
    assert [line.split("：")[0] for line in lines] == ["告知是否受理", "技术审核", "公示", "作出备案决定"]
