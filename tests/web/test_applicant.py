"""An applicant's whole story by HTTP: a letter signed for, a review filed, corrected, decided; a waiver."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import func, select
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import TestResponse, encode_multipart

from portal import clock, ledger
from portal.cases import delivery
from portal.cases.conduct import claim_ripe
from portal.cases.models import Attachment, Case, Filing
from portal.clock import TZ
from portal.db import moved_clock
from portal.documents import service as documents
from portal.documents.models import Letter
from portal.documents.render import render
from portal.identity import Organisation
from tests.builders.pages import ETS, Browser, Portal, plain
from tests.builders.tasklists import statements

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


class Story:
    """The portal at a chosen moment, with the unit's person and its officials."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.agreed(portal.now)
        self.at("2026-09-22T09:00")
        self.wang = portal.client("wang")

    def agreed(self, since: datetime | None) -> None:
        """The unit agrees to electronic service, or not (None)."""
        with self.portal.database.transaction() as tx:
            tx.get_one(Organisation, self.portal.unit_id).electronic_service_since = since

    def at(self, moment: str) -> None:
        """Moves the clock to a moment of Asia/Shanghai."""
        wanted = datetime.fromisoformat(moment).replace(tzinfo=TZ)
        with self.portal.database.transaction() as tx:
            moved_clock.move(tx, wanted - clock.now(moved_clock.offset(tx)))

    def notice(self) -> tuple[int, int]:
        """A notice signed by the authority, its letter made: the ids of case and letter."""
        case_id, letter_id = self.portal.notice()
        self.render(letter_id)
        return case_id, letter_id

    def render(self, letter_id: int) -> None:
        """Makes a letter's file, as the worker does."""
        machine = self.portal.machine
        with self.portal.database.transaction() as tx:
            letter = documents.letter(tx, letter_id)
            template = machine.kernel.releases.get(tx, letter.release_id).content.files[letter.template]
            now = machine.kernel.now(tx)
        word = render(template, letter.data, f"https://portal.example/verify/{letter.verification_code}")
        machine.store.put(f"letters/{letter_id}", word, len(word), "application/octet-stream")
        file = delivery.StoredFile(f"letters/{letter_id}", hashlib.sha256(word).hexdigest(), len(word))
        with self.portal.database.transaction() as tx:
            delivery.rendered(machine.kernel, tx, letter_id, file, now)

    def served(self) -> tuple[int, int]:
        """The notice, signed for on 24 September: the ids of case and letter."""
        case_id, letter_id = self.notice()
        self.at("2026-09-24T10:00")
        assert self.sign_for(letter_id).status_code == 303
        return case_id, letter_id

    def sign_for(self, letter_id: int, browser: Browser | None = None) -> TestResponse:
        """Presses 打开并签收."""
        return (browser or self.wang).post(f"/my/letters/{letter_id}/sign")

    def draft(self, notice: int) -> str:
        """Begins a review about a notice; the address of the draft."""
        begun = self.wang.get(f"/file/{ETS}/allocation-review?about={notice}")
        assert begun.status_code == 303, plain(begun)
        return begun.location

    def fill(self, draft: str, *files: tuple[str, bytes], go: str = "next", **answers: str) -> TestResponse:
        """Fills in every step and presses a button of each; the last answer, or the first that is no way onward."""
        given = {"claimed_amount": "1300000", "grounds": "产量数据有误", "late_reason": "", **answers}
        for name in ("claimed_amount", "grounds", "late_reason"):
            answer = self.post_step(f"{draft}/{name}", {name: given[name], "_go": "next" if go == "next" else "save"})
            if answer.status_code != 303:
                return answer
        return self.post_step(f"{draft}/evidence", {"_go": go}, *files)

    def post_step(self, step: str, given: Mapping[str, str], *files: tuple[str, bytes]) -> TestResponse:
        """Posts one step."""
        values = [("csrf_token", self.wang.held_token()), *given.items()]
        parts = [FileStorage(io.BytesIO(content), name) for name, content in files]
        # The client's own way leaves a temporary file open.
        boundary, body = encode_multipart(MultiDict([*values, *(("_upload.evidence", part) for part in parts)]))
        return self.wang.raw.post(step, data=body, content_type=f"multipart/form-data; boundary={boundary}")

    def filed(self, notice: int, *files: tuple[str, bytes]) -> int:
        """Files a review; the id of its case."""
        draft = self.draft(notice)
        assert self.fill(draft, *files).status_code == 303
        handed_in = self.wang.post(f"{draft}/check-answers")
        assert handed_in.status_code == 303, plain(handed_in)
        return int(handed_in.location.split("/")[3])

    def act(self, login: str, element: str, case_id: int, **answers: object) -> None:
        """An official completes a task of a case."""
        self.portal.complete(login, self.portal.task(element, case_id), answers)

    def decide(self, review: int, **conclusion: object) -> None:
        """The review is admitted, decided and signed."""
        self.act("li", "check", review, result="受理")
        self.act("he", "review", review, **conclusion)
        self.act("he", "draft", review, findings="查明的事实")
        self.act("chen", "sign", review, result="签发")

    def letters_of(self, case_id: int) -> list[int]:
        """The ids of a case's letters."""
        with self.portal.database.transaction() as tx:
            return list(tx.scalars(select(Letter.id).where(Letter.case_id == case_id).order_by(Letter.id)))

    def timers(self) -> None:
        """Fires what is ripe, as the worker does within two seconds."""
        kernel = self.portal.machine.kernel
        with self.portal.database.transaction() as tx:
            while claim_ripe(kernel, tx, kernel.now(tx)) is not None:
                pass

    def read(self, path: str) -> str:
        """A page as its reader sees it."""
        page = self.wang.get(path, follow_redirects=True)
        assert page.status_code == 200, plain(page)
        return plain(page)

    def count(self, model: Any, *conditions: Any) -> int:
        """How many rows there are."""
        with self.portal.database.transaction() as tx:
            return tx.scalar(select(func.count()).select_from(model).where(*conditions)) or 0


@pytest.fixture
def story(portal: Portal) -> Story:
    """The portal on 22 September 2026."""
    return Story(portal)


def test_who_has_nothing_to_do_is_told_so(story: Story) -> None:
    home = story.read("/home")
    assert "您现在没有必须办理的事" in home
    assert "还没有办件" in home
    assert "还没有账户" in story.read("/account")
    assert "还没有文书" in story.read("/my/letters")


def test_an_official_is_led_to_his_desk(story: Story) -> None:
    assert story.portal.client("zhou").get("/home").location == "/inbox"


def test_before_signing_only_that_there_is_a_letter(story: Story) -> None:
    case_id, letter_id = story.notice()
    home, letter, case = story.read("/home"), story.read(f"/my/letters/{letter_id}"), story.read(f"/my/cases/{case_id}")
    for page in (home, letter, case):
        assert "碳排放配额分配通知书" in page
        assert "渝环配〔2026〕1号" in page
    for page in (letter, case):
        assert "1,200,000" not in page
    assert "有 1 件事需要您办理" in home
    assert "重庆市生态环境局" in letter
    assert "送达的次日起计算，当日不计入；按工作日计算的，只数工作日：提出异议（申请复核）：7 个工作日" in letter
    assert story.wang.get(f"/letters/{letter_id}/file").status_code == 404


def test_a_letter_that_is_still_being_made_cannot_be_signed_for(story: Story) -> None:
    _case, letter_id = story.portal.notice()
    assert "文书文件正在生成" in story.read(f"/my/letters/{letter_id}")
    refused = story.sign_for(letter_id)
    assert refused.status_code == 409
    assert "不能送达" in plain(refused)
    assert story.portal.case(_case).status == "通知书已制发，等待送达"


def test_who_has_not_agreed_to_electronic_service_gets_it_on_paper(story: Story) -> None:
    story.agreed(None)
    case_id, letter_id = story.notice()
    for page in (f"/my/letters/{letter_id}", "/home"):
        assert "没有同意电子送达" in story.read(page)
    assert "打开并签收</button>" not in story.wang.get(f"/my/letters/{letter_id}").text
    assert "您现在没有必须办理的事" in story.read("/home")
    assert "去签收" not in story.read(f"/my/cases/{case_id}")
    refused = story.sign_for(letter_id)
    assert refused.status_code == 409
    assert "没有同意电子送达" in plain(refused)


def test_signing_serves_the_letter_and_starts_the_period(story: Story) -> None:
    case_id, letter_id = story.served()
    letter = story.wang.get(f"/my/letters/{letter_id}")
    assert "1,200,000" in letter.text
    assert '<p class="letter-authority">' in letter.text
    assert "2026年9月24日 10:00:0" in plain(letter)
    assert story.wang.get(f"/letters/{letter_id}/file").data[:2] == b"PK"
    case = story.read(f"/my/cases/{case_id}")
    assert "已送达，异议期内" in case
    assert "2026年10月12日（周一）24:00" in case
    assert "剩 7 个工作日" in case
    assert "9月24日送达文书，次日起算；跳过9月25日至27日（中秋节）、10月1日至7日（国庆节）" in case
    assert "10月10日（周六） 第 6 日 调休上班（计入）" in case


def test_the_letter_itself_says_by_when_to_object_and_leads_there(story: Story) -> None:
    notice, letter = story.served()
    page = story.wang.get(f"/my/letters/{letter}")
    assert "提出异议（申请复核）：7 个工作日" in plain(page)
    assert "2026年10月12日（周一）24:00" in plain(page)
    assert "9月24日送达文书，次日起算；跳过9月25日至27日（中秋节）" in plain(page)
    button = f'href="/file/{ETS}/allocation-review?about={notice}">提出复核申请</a>'
    assert button in page.text
    assert button in story.wang.get(f"/my/cases/{notice}").text
    story.at("2026-10-13T00:05")
    late = story.wang.get(f"/my/letters/{letter}")
    assert "期限已于 2026年10月12日（周一）24:00 届满。现在提出属于逾期，须说明正当理由" in plain(late)
    assert button in late.text
    story.at("2026-09-24T12:00")
    story.filed(notice)
    assert "提出复核申请" not in story.read(f"/my/letters/{letter}")


def test_signing_twice_changes_nothing(story: Story) -> None:
    _case, letter_id = story.served()
    story.at("2026-09-28T10:00")
    assert story.sign_for(letter_id).status_code == 303
    assert "2026年9月24日 10:00:0" in story.read(f"/my/letters/{letter_id}")


def test_the_days_left_are_told_to_the_last(story: Story) -> None:
    case_id, _letter = story.served()
    story.at("2026-10-09T09:00")
    assert "剩 2 个工作日" in story.read("/home")
    story.at("2026-10-12T23:00")
    home = story.read("/home")
    assert "2026年10月12日（周一）24:00" in home
    assert "今日 24:00 到期" in home
    assert "剩" not in story.read(f"/my/cases/{case_id}").split("办理进度")[0]


def test_what_can_be_filed_names_its_article_and_period(story: Story) -> None:
    story.served()
    home = story.read("/home")
    assert "配额分配异议复核 针对《碳排放配额分配通知书》渝环配〔2026〕1号" in home
    assert "2026年10月12日（周一）24:00 前提出 · 依据 渝府发〔2023〕6号第十一条第二款" in home
    assert "提出异议（申请复核）：7 个工作日" in home


def test_a_review_is_filed_corrected_and_decided(story: Story) -> None:
    notice, _letter = story.served()
    story.at("2026-09-28T15:40")
    draft = story.draft(notice)
    assert story.fill(draft, ("产量台账.pdf", PDF), grounds="产量数据\n有误").location == f"{draft}/check-answers"
    check = story.read(f"{draft}/check-answers")
    for told in (
        "1,300,000 tCO₂e",
        "产量数据 有误",
        "产量台账.pdf（1 KB）",
        "以提交时间为准",
        "2026年10月12日（周一）24:00 前提出",
    ):
        assert told in check
    review = int(story.wang.post(f"{draft}/check-answers").location.split("/")[3])
    receipt = story.read(f"/my/cases/{review}/receipt")
    for told in (
        "渝环复案〔2026〕1号",
        "2026年9月28日 15:40:",
        "在期限内提出，且未放弃异议 是",
        "现在由受理人员办理“形式审查”。",
        "办理机关应当在 2026年10月16日（周五）24:00 前办完“作出复核决定”（10 个工作日）。",
    ):
        assert told in receipt
    _correction(story, review)
    story.at("2026-10-08T09:00")
    story.decide(review, conclusion="变更", amount="1250000", reasons="产量数据部分成立")
    _decided(story, notice, review)


def _correction(story: Story, review: int) -> None:
    story.at("2026-09-29T09:00")
    story.act("li", "check", review, result="补正", corrections="产量台账缺 2025 年 3 月一页")
    home = story.read("/home")
    assert "请办理：补正材料 配额分配异议复核 渝环复案〔2026〕1号 · 主张的年度配额 1,300,000 tCO₂e" in home
    assert "配额分配异议复核 主张的年度配额 1,300,000 tCO₂e 渝环复案〔2026〕1号 · " in home
    assert "2026年10月9日（周五）24:00" in home
    assert "剩 3 个工作日" in home
    case = story.read(f"/my/cases/{review}")
    assert "等待申请人补正材料 现在需要您办理“补正材料”" in case
    assert "“受理”之后 · 复核人员" in case
    task = f"/my/tasks/{story.portal.task('correct', review)}"
    page = story.wang.get(task)
    assert "产量台账缺 2025 年 3 月一页" in plain(page)
    assert 'value="1,300,000"' in page.text
    assert "产量台账.pdf" in plain(page)
    with story.portal.database.transaction() as tx:
        kept = str(tx.scalars(select(Attachment.id)).one())
    answers = {
        "claimed_amount": "1300000",
        "grounds": "产量数据有误，见补页",
        "late_reason": "",
        "_kept.evidence": kept,
    }
    added = {"_upload.evidence": [(io.BytesIO(PDF + b"%"), "补页.pdf")]}
    assert story.wang.post(task, {**answers, **added}).location == f"/my/cases/{review}"
    again = story.wang.post(task, answers, follow_redirects=True)
    assert "“补正材料”已经提交，不需要再办理。" in plain(again)
    case = story.read(f"/my/cases/{review}")
    assert "形式审查中，由受理人员办理" in case
    assert "产量数据有误，见补页" in case
    assert case.count("已接收") == 2


def _decided(story: Story, notice: int, review: int) -> None:
    case = story.read(f"/my/cases/{review}")
    assert "文书已制发，等您签收" in case
    assert "变更" not in case.replace("配额变更通知书", "")
    assert "+50,000" not in story.read("/account")
    sealed = story.read(f"/my/cases/{notice}")
    assert "已被取代" not in sealed
    assert "《配额分配异议复核》的文书等您签收" in sealed
    assert "《配额分配异议复核》（渝环复案〔2026〕1号）的文书签收后，这里显示结果。 查看该办件" in sealed
    assert "文书已制发，等您签收" not in sealed.split("相关办件")[0]
    [first] = story.letters_of(notice)
    assert "取代" not in story.read(f"/my/letters/{first}")
    assert "《配额分配异议复核》的文书等您签收" in story.read("/home")
    withdrawal = story.wang.post(f"/my/cases/{review}/messages/withdraw", {"confirmed": "true"})
    assert withdrawal.status_code == 409
    assert "复核决定已经签发，不能撤回。" in plain(withdrawal)
    assert "复核决定已经签发，不能撤回。" in story.read(f"/my/cases/{review}/messages/withdraw")
    for letter in story.letters_of(review):
        story.render(letter)
    assert "等您打开并签收" in story.read(f"/my/cases/{review}")
    for letter in story.letters_of(review):
        assert story.sign_for(letter).status_code == 303
    case = story.read(f"/my/cases/{review}")
    assert "已办结：变更" in case
    assert "结果和救济途径见下方文书" in case
    assert "《复核决定书》已送达" in case
    replaced = story.wang.get(f"/my/cases/{notice}")
    assert "已由《配额分配异议复核》（渝环复案〔2026〕1号）的结果取代" in plain(replaced)
    assert f'href="/my/cases/{review}">查看取代它的结果</a>' in replaced.text
    for page in ("/home", f"/my/letters/{story.letters_of(notice)[0]}"):
        assert "已由《配额分配异议复核》（渝环复案〔2026〕1号）的结果取代" in story.read(page)
    account = story.read("/account")
    assert "+50,000 tCO₂e" in account
    assert "1,250,000" in account
    assert "渝环复案〔2026〕1号" in account


def test_filing_late_is_said_plainly(story: Story) -> None:
    notice, _letter = story.served()
    story.at("2026-10-13T00:05")
    story.timers()
    home = story.read("/home")
    assert "期限已过的（1 项）" in home
    assert "期限已于 2026年10月12日（周一）24:00 届满。现在提出属于逾期，须说明正当理由" in home
    assert "目前没有可以在期限内提出的申请" in home
    draft = story.draft(notice)
    assert "期限已过" in story.read(draft)
    story.fill(draft, late_reason="不可抗力")
    review = int(story.wang.post(f"{draft}/check-answers").location.split("/")[3])
    assert "在期限内提出，且未放弃异议 否" in story.read(f"/my/cases/{review}/receipt")


def test_an_objection_in_time_is_not_asked_for_a_reason(story: Story) -> None:
    notice, _letter = story.served()
    assert "正当理由" not in story.read(story.draft(notice))


def test_a_late_objection_is_not_taken_without_a_reason(story: Story) -> None:
    notice, _letter = story.served()
    draft = story.draft(notice)
    story.at("2026-10-13T00:05")
    story.timers()
    page = story.read(f"{draft}/late_reason")
    assert "逾期提出的正当理由 通知已经生效，须说明不可抗力等正当理由" in page
    assert "第 3 步，共 5 步 逾期提出的正当理由" in page
    assert "（选填）" not in page
    refused = story.fill(draft)
    assert refused.status_code == 422
    assert "请填写逾期提出的正当理由" in plain(refused)
    assert story.fill(draft, late_reason="山洪断路").location == f"{draft}/check-answers"
    assert "逾期提出的正当理由 山洪断路" in story.read(f"{draft}/check-answers")


def test_an_objection_after_a_waiver_is_not_taken_without_a_reason(story: Story) -> None:
    notice, _letter = story.served()
    draft = story.draft(notice)
    assert story.fill(draft).location == f"{draft}/check-answers"
    assert story.wang.post(f"/my/cases/{notice}/messages/waived", {"confirmed": "true"}).status_code == 303
    handed_in = story.wang.post(f"{draft}/check-answers", follow_redirects=True)
    assert "请填写放弃异议后提出的正当理由" in plain(handed_in)
    assert story.fill(draft).status_code == 422
    assert story.count(Case, Case.about_id == notice) == 0
    assert story.fill(draft, late_reason="放弃时没有核对数据").location == f"{draft}/check-answers"
    assert "放弃异议后提出的正当理由 放弃时没有核对数据" in story.read(f"{draft}/check-answers")
    review = int(story.wang.post(f"{draft}/check-answers").location.split("/")[3])
    assert "在期限内提出，且未放弃异议 否" in story.read(f"/my/cases/{review}/receipt")


def test_an_objection_that_becomes_late_on_its_way_says_what_is_missing(story: Story) -> None:
    """The period is over, but no worker has told the notice yet: only the filing itself finds out."""
    notice, _letter = story.served()
    draft = story.draft(notice)
    assert story.fill(draft).location == f"{draft}/check-answers"
    story.at("2026-10-13T00:00:10")
    refused = story.wang.post(f"{draft}/check-answers")
    assert refused.status_code == 422
    assert "请填写逾期提出的正当理由" in plain(refused)
    assert story.count(Case, Case.about_id == notice) == 0


def test_a_filing_at_the_last_second_is_in_time(story: Story) -> None:
    notice, _letter = story.served()
    draft = story.draft(notice)
    story.fill(draft)
    story.at("2026-10-12T23:59:50")
    review = int(story.wang.post(f"{draft}/check-answers").location.split("/")[3])
    assert "在期限内提出，且未放弃异议 是" in story.read(f"/my/cases/{review}/receipt")
    assert "2026年10月12日 23:59:5" in story.read(f"/my/cases/{review}/receipt")


def test_a_waiver_makes_the_notice_final(story: Story) -> None:
    notice, _letter = story.served()
    page = f"/my/cases/{notice}/messages/waived"
    assert "放弃异议后，通知立即生效" in story.read(page)
    assert "放弃异议" in story.read(f"/my/cases/{notice}")
    refused = story.wang.post(page, {})
    assert refused.status_code == 422
    assert "有 1 处需要改正" in plain(refused)
    assert story.wang.post(page, {"confirmed": "true"}).location == f"/my/cases/{notice}"
    again = story.wang.post(page, {"confirmed": "true"}, follow_redirects=True)
    assert "“放弃异议”先前已经收到，不需要重复提交。" in plain(again)
    case = story.read(f"/my/cases/{notice}")
    assert "已办结：已生效" in case
    assert "通知已经生效，期限不再计算。现在提出须说明正当理由" in case


def test_a_withdrawal_leaves_the_way_open(story: Story) -> None:
    notice, _letter = story.served()
    review = story.filed(notice)
    assert "复核进行中" in story.read(f"/my/cases/{notice}")
    page = f"/my/cases/{review}/messages/withdraw"
    assert story.wang.post(page, {"reason": "", "confirmed": "true"}).status_code == 303
    assert "已办结：已撤回" in story.read(f"/my/cases/{review}")
    assert "先前已经收到，不需要重复提交。" in story.read(page)
    assert "复核决定已经签发" not in story.read(page)
    assert "2026年10月12日（周一）24:00 前提出" in story.read("/home")
    second = story.filed(notice)
    assert second != review


def test_a_notice_in_review_says_how_far_the_review_is_and_by_when(story: Story) -> None:
    notice, _letter = story.served()
    review = story.filed(notice)
    said = story.read(f"/my/cases/{notice}")
    number = story.portal.case(review).number
    assert f"等《配额分配异议复核》（{number}）的结果：形式审查中，由受理人员办理。您现在无需操作。" in said
    assert "作出复核决定：10 个工作日 2026年10月15日（周四）24:00" in said
    assert f'href="/my/cases/{review}">查看该办件' in story.wang.get(f"/my/cases/{notice}").text
    story.act("li", "check", review, result="补正", corrections="请补充台账")
    asked = story.read(f"/my/cases/{notice}")
    assert f"（{number}）的结果：" in asked
    assert "您现在无需操作" not in asked


def test_who_is_late_is_said(story: Story) -> None:
    notice, _letter = story.served()
    review = story.filed(notice)
    late = "办理机关没有在下面的期限内办完，仍在办理。"
    assert late not in story.read(f"/my/cases/{review}")
    story.at("2026-10-19T09:00")
    assert late + "您现在无需操作。" in story.read(f"/my/cases/{review}")
    assert late + "您现在无需操作。" in story.read(f"/my/cases/{notice}")


def test_another_review_of_the_same_notice_is_refused_and_the_draft_kept(story: Story) -> None:
    notice, _letter = story.served()
    draft = story.draft(notice)
    story.fill(draft, grounds="先写的一份")
    with story.portal.database.transaction() as tx:
        row = tx.scalars(select(Filing)).one()
        tx.add(Filing(person_id=row.person_id, organisation_id=row.organisation_id, regulation=ETS,
                      procedure="allocation-review", about_id=notice, answers=row.answers,
                      saved_at=row.saved_at))  # fmt: skip
        tx.flush()
    other = f"/file/{int(draft.split('/')[-1]) + 1}"
    review = story.wang.post(f"{draft}/check-answers")
    refused = story.wang.post(f"{other}/check-answers")
    assert review.status_code == 303
    assert refused.status_code == 409
    assert "针对同一通知的申请（渝环复案〔2026〕1号）正在办理，不能再次提出。" in plain(refused)
    assert "先写的一份" in story.read(other)
    obstacle = story.wang.get(f"/file/{ETS}/allocation-review?about={notice}")
    assert obstacle.status_code == 409
    assert "现在不能提出" in plain(obstacle)


def test_handing_in_twice_makes_one_case(story: Story) -> None:
    notice, _letter = story.served()
    draft = story.draft(notice)
    story.fill(draft)
    receipts = {story.wang.post(f"{draft}/check-answers").location for _ in range(2)}
    assert len(receipts) == 1
    assert story.count(Case, Case.procedure == "allocation-review") == 1
    for back in (draft, f"{draft}/check-answers"):
        assert story.wang.get(back).location in receipts
    assert story.fill(draft, grounds="改一改").location in receipts


def test_two_clicks_at_once_make_one_case(story: Story) -> None:
    notice, _letter = story.served()
    draft = story.draft(notice)
    story.fill(draft)
    tokens = [(browser := story.portal.client("wang"), browser.token("/home")) for _ in range(4)]
    together = threading.Barrier(4)

    def click(browser: Browser, token: str) -> TestResponse:
        together.wait()
        return browser.raw.post(f"{draft}/check-answers", data={"csrf_token": token})

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda pair: click(*pair), tokens))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.location for answer in answers}) == 1
    assert story.count(Case, Case.procedure == "allocation-review") == 1


def test_a_notice_is_signed_for_before_it_is_answered(story: Story) -> None:
    notice, _letter = story.notice()
    refused = story.wang.get(f"/file/{ETS}/allocation-review?about={notice}")
    assert refused.status_code == 409
    assert "《碳排放配额分配通知书》（渝环配〔2026〕1号）尚未签收" in plain(refused)
    assert "1,200,000" not in refused.text


def test_a_date_of_a_year_without_notice_is_provisional(story: Story) -> None:
    notice, letter = story.notice()
    story.at("2026-12-28T10:00")
    story.sign_for(letter)
    case = story.read(f"/my/cases/{notice}")
    assert "暂定" in case
    assert "2027年1月" in case
    assert "放假安排尚未公布" in case


def test_the_statement_adds_up(story: Story) -> None:
    story.served()
    with story.portal.database.transaction() as tx:
        assert ledger.invariants(tx) == []
    account = story.read("/account")
    assert "登记配额" in account
    assert "+1,200,000 tCO₂e" in account
    assert "渝环配案〔2026〕1号" in account


def test_more_cases_and_more_entries_cost_no_more_statements(story: Story) -> None:
    notice, _letter = story.served()
    one_case, one_entry = _cost(story, "/my/cases"), _cost(story, "/account")
    review = story.filed(notice)
    assert _cost(story, "/my/cases") == one_case
    story.decide(review, conclusion="变更", amount="1250000", reasons="产量数据部分成立")
    for letter in story.letters_of(review):
        story.render(letter)
        assert story.sign_for(letter).status_code == 303
    assert "+50,000" in story.read("/account")
    assert _cost(story, "/account") == one_entry


def _cost(story: Story, path: str) -> int:
    """How many statements a page takes that was read before."""
    story.read(path)
    with statements(story.portal) as sent:
        story.read(path)
    return len(sent)
