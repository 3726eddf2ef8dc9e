"""A natural person registers himself, is looked at by the office, and does the tasks that are assigned to him alone."""

from __future__ import annotations

import hashlib
import re
from io import BytesIO

import pytest
from sqlalchemy import select

from portal import identity
from portal.cases import filing
from portal.cases.models import Attachment, Task
from portal.forms import personal
from portal.identity import registering
from portal.identity.models import Organisation
from portal.procedures import publish
from portal.web import organisations
from tests.builders.assigned import FIRST, one_expert
from tests.builders.pages import PASSWORD, UNIT, plain
from tests.builders.procedures import REGULATION
from tests.web.test_registration import PDF, hidden, summary

NUMBER = "11010519491231002X"  # the example of GB 11643-1999
MASKED = "1101**********002X"
FORM = {
    "name": "秦某",
    "id_number": "1101051949 1231002x",
    "district": "涪陵区",
    "login": "qin",
    "password": PASSWORD,
    "password_again": PASSWORD,
    "agrees": "yes",
}


def card():
    return BytesIO(PDF), "身份证.pdf"


def post(browser, page="/register/person", **changes):
    data = {"proof": card(), "once": hidden(browser, "once", page), **FORM, **changes}
    return browser.post(page, {key: value for key, value in data.items() if value is not None})


def registered(portal):
    """A registration handed in; the browser signed in, and its id."""
    browser = portal.client()
    answer = post(browser)
    assert answer.status_code == 303, plain(answer)
    signed = browser.post("/sign-in", {"login": "qin", "password": PASSWORD})
    assert signed.location == "/registration"
    with portal.database.transaction() as tx:
        return browser, registering.of_person(tx, identity.person_by_login(tx, "qin").id).id


def decide(portal, number, what, reason=""):
    browser, page = portal.client("li"), f"/registrations/{number}"
    data = {key: hidden(browser, key, page) for key in ("round", "stands")}
    return browser.post(page, {"decision": what, "reason": reason, **data})


def party(portal):
    with portal.database.transaction() as tx:
        return tx.scalars(select(Organisation).where(Organisation.name == "秦某")).one()


@pytest.fixture
def qin(portal):
    """A natural person who was approved."""
    browser, number = registered(portal)
    assert decide(portal, number, "approve").status_code == 303
    return browser


def test_he_registers_himself_and_is_told_how_it_stands(portal):
    browser = portal.client()
    assert "自然人注册" in plain(browser.get("/register"))
    page = plain(browser.get("/register/person"))
    assert ("居民身份号码" in page, "统一社会信用代码" in page) == (True, False)
    receipt = plain(browser.get(post(browser).location))
    assert (f"居民身份号码 {MASKED}" in receipt, NUMBER in receipt, "个人编号" in receipt) == (True, False, True)
    browser.post("/sign-in", {"login": "qin", "password": PASSWORD})
    state = plain(browser.get("/registration"))
    assert (f"居民身份号码 {MASKED}" in state, "自然人注册" in state, "单位名称" in state) == (True, True, False)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": " "}, ["请填写姓名。"]),
        ({"id_number": ""}, ["请填写居民身份号码。"]),
        ({"id_number": "110105"}, ["居民身份号码应为 18 位，现有 6 位，请对照身份证核对。"]),
        (
            {"id_number": NUMBER[:-1] + "1"},
            ["居民身份号码的校验位不对，其中有一位写错了，请对照身份证核对这 18 位。"],
        ),
        ({"district": "别处"}, ["请选择所在区县。"]),
        ({"proof": None}, ["请上传身份证明：居民身份证的照片或 PDF，人像面和国徽面在一个文件里。"]),
        ({"login": "li"}, ["用户名已被使用：li"]),
        ({"password_again": "x"}, ["两次输入的密码不一致，请重新输入。"]),
    ],
)
def test_what_is_wrong_is_said_and_everything_typed_stays(portal, changes, said):
    answer = post(portal.client(), **changes)
    assert (answer.status_code, summary(answer)) == (422, said)
    typed = {**FORM, **changes}
    for name in ("name", "id_number", "login"):
        assert f'name="{name}" type="text" value="{typed[name].strip()}"' in answer.text


def test_the_office_sees_the_number_while_it_decides(portal):
    _browser, number = registered(portal)
    li, page = portal.client("li"), f"/registrations/{number}"
    listed = plain(li.get("/registrations"))
    assert ("秦某" in listed, "自然人" in listed, NUMBER in listed) == (True, True, False)
    deciding = plain(li.get(page))
    assert f"居民身份号码 {NUMBER}" in deciding
    assert "该居民身份号码尚未登记。核准后登记该自然人，给出个人编号。" in deciding
    assert decide(portal, number, "approve").status_code == 303
    decided = plain(li.get(page))
    assert (NUMBER in decided, MASKED in decided) == (False, True)
    unit = plain(li.get(f"/organisations/{party(portal).id}"))
    assert (f"个人编号 {party(portal).uscc}" in unit, MASKED in unit, NUMBER in unit) == (True, True, False)
    assert "李强登记了该自然人" in unit


def test_returned_the_number_need_not_be_typed_again(portal):
    browser, number = registered(portal)
    decide(portal, number, "return", "身份证照片不清楚")
    page = browser.get("/registration")
    assert ("身份证照片不清楚" in plain(page), f"已提交 {MASKED}；不改就留空" in plain(page)) == (True, True)
    assert NUMBER not in page.text
    answer = browser.post("/registration", {**FORM, "id_number": "", "name": "秦某某"})
    assert answer.status_code == 303
    assert f"居民身份号码 {NUMBER}" in plain(portal.client("li").get(f"/registrations/{number}"))


def test_a_second_account_of_the_same_person_is_not_approved(portal, qin):
    second = portal.client()
    assert post(second, login="qin2").status_code == 303
    with portal.database.transaction() as tx:
        number = registering.of_person(tx, identity.person_by_login(tx, "qin2").id).id
    answer = decide(portal, number, "approve")
    code = party(portal).uscc
    assert answer.status_code == 409
    assert f"该居民身份号码已由秦某（{code}）登记并有账号，一人一个账号，不能核准。" in plain(answer)


def test_his_own_page_knows_no_colleagues(portal, qin):
    page = plain(qin.get("/organisation"))
    code = party(portal).uscc
    assert personal.is_valid(code)
    assert (f"个人编号 {code}" in page, MASKED in page, NUMBER in page) == (True, True, False)
    for word in ("本单位", "邀请", "退出单位", "统一社会信用代码"):
        assert word not in page
    assert "秦某的账号开始使用" in page
    assert [text in page for text in ("我的任务", "我的登记")] == [True, True]
    profile = plain(qin.get("/profile"))
    assert (f"个人编号 {code}" in profile, MASKED in profile, "本单位" in profile) == (True, True, False)
    alone = "自然人只由本人办理，不能邀请他人、变更权限或退出。"
    assert alone in plain(qin.post("/organisation/invitations", {"note": "某人"}, follow_redirects=True))
    assert alone in plain(qin.get("/organisation/leave", follow_redirects=True))
    refused = qin.post("/organisation/leave")
    assert (refused.status_code, alone in plain(refused)) == (409, True)
    agreement = plain(qin.get("/organisation/agreement"))
    assert ("起同意电子送达" in agreement, "本单位自" in agreement) == (True, False)


def test_the_words_of_an_organisation_know_their_kinds(portal):
    with portal.app.test_request_context():
        told = [organisations.kind_text(kind) for kind in ("enterprise", "institution", "association", "person")]
        assert told == ["企业", "事业单位", "社会组织", "自然人"]
        assert [kind for kind, _name, _more in organisations.kinds()] == ["enterprise", "institution", "association"]


# Tasks that are assigned to him


@pytest.fixture
def waiting(portal):
    """An expert whose opinion is waited for: his browser, the case's id, and the ids of its two files."""
    now = portal.now
    with portal.database.transaction() as tx:
        publish(tx, one_expert(), now, "test")
        added = identity.add_organisation(tx, uscc=FIRST, name="秦某", district="万州区", kinds=["person"])
        identity.add_person(tx, login="qin", name="秦某", password=PASSWORD, organisation_id=added.id)
        officer = {"person_id": portal.people["zhou"], "regulation": REGULATION, "role": "officer"}
        identity.grant_role(tx, **officer, from_day=now.date())
        files = [_file(tx, portal, name) for name in ("正文.pdf", "附件.pdf")]
    wang, kernel = portal.actor("wang"), portal.machine.kernel
    answers = {"title": "某题目", "contact": "13800000000", "paper": [str(files[0])], "annex": [str(files[1])]}
    with portal.database.transaction() as tx:
        case_id = filing.file(kernel, tx, wang, REGULATION, "paper", answers, kernel.now(tx)).id
    portal.complete("zhou", portal.task("assign", case_id), {"expert": FIRST})
    return portal.client("qin"), case_id, files


def _file(tx, portal, name):
    key = f"file-{name}"
    portal.machine.store.put(key, PDF, len(PDF), "application/pdf")
    row = Attachment(
        uploaded_by_id=portal.people["wang"], organisation_id=portal.unit_id, uploaded_at=portal.now, key=key,
        name=name, kind="pdf", size=len(PDF), sha256=hashlib.sha256(PDF).hexdigest(),
    )  # fmt: skip
    tx.add(row)
    tx.flush()
    return row.id


def test_he_finds_his_task_and_what_belongs_to_it_and_nothing_else(portal, waiting):
    browser, case_id, (paper, annex) = waiting
    task = portal.task("opinion", case_id)
    about = f"{portal.case(case_id).title} {portal.case(case_id).number} · 题目 某题目"
    home, listed = plain(browser.get("/home")), plain(browser.get("/my/tasks"))
    assert ("有 1 件事需要您办理" in home, about in home) == (True, True)
    assert f"请办理：环节opinion {about}" in listed
    page = browser.get(f"/my/tasks/{task}")
    text = plain(page)
    assert ("某题目" in text, "正文.pdf" in text) == (True, True)
    for hidden_text in ("13800000000", "附件.pdf", "王磊", UNIT):
        assert hidden_text not in text
    assert browser.get(f"/attachments/{paper}").status_code == 200
    assert browser.get(f"/attachments/{paper}/preview").status_code == 200
    assert browser.get(f"/attachments/{annex}").status_code == 403
    assert browser.get(f"/attachments/{annex}/preview").status_code == 403
    assert browser.get(f"/my/cases/{case_id}").status_code == 404
    assert browser.get(f"/cases/{case_id}").status_code in (403, 404)


def test_he_hands_in_his_opinion_and_sees_it_afterwards(portal, waiting):
    browser, case_id, (paper, _annex) = waiting
    page = f"/my/tasks/{portal.task('opinion', case_id)}"
    assert browser.post(page, {"_go": "next"}).status_code == 422
    answer = browser.post(page, {"result": "继续", "_go": "next"})
    assert (answer.status_code, answer.location) == (303, "/my/tasks")
    after = plain(browser.get(page))
    assert ("已提交" in after, "如何 继续" in after, "正文.pdf" in after) == (True, True, True)
    assert browser.get(f"/attachments/{paper}").status_code == 200
    assert browser.post(page, {"result": "继续", "_go": "next"}).location == page
    otherwise = browser.post(page, {"result": "结束", "_go": "next"})
    said = re.search(r"“环节opinion”已于 \S+ \S+ 由\S+提交，以那次提交的为准；这次填写的内容没有提交", plain(otherwise))
    assert (otherwise.status_code, bool(said), 'value="结束" checked' in otherwise.text) == (409, True, True)
    assert "如何 继续" in plain(browser.get(page))
    listed = plain(browser.get("/my/tasks"))
    assert ("现在没有交给您办理的任务" in listed, "以前的任务" in listed, "已提交" in listed) == (True, True, True)
    assert f"{portal.case(case_id).number} · 题目 某题目" in listed


def test_when_the_case_is_over_he_reads_why_and_no_more(portal, waiting):
    browser, case_id, (paper, _annex) = waiting
    page = f"/my/tasks/{portal.task('opinion', case_id)}"
    wang = portal.client("wang")
    sent = wang.post(f"/my/cases/{case_id}/messages/withdraw", {"_go": "next"})
    assert sent.status_code in (200, 303), plain(sent)
    assert portal.case(case_id).outcome == "撤回"
    gone = plain(browser.get(page))
    assert re.search(r"已取消 案件已于 .* 办结，不再需要您办理。", gone)
    assert ("某题目" in gone, browser.get(f"/attachments/{paper}").status_code) == (False, 403)
    late = browser.post(page, {"result": "继续", "_go": "next"})
    assert (late.status_code, "案件已进入其他环节，这项任务不再需要办理。" in plain(late)) == (409, True)
    assert ("某题目" in plain(late), "正文.pdf" in plain(late)) == (False, False)


def test_nobody_else_opens_his_task(portal, waiting):
    _browser, case_id, _files = waiting
    task = portal.task("opinion", case_id)
    assert portal.client("wang").get(f"/my/tasks/{task}").status_code == 404
    for login in ("zhou", "li"):
        official = portal.client(login)
        assert official.get(f"/tasks/{task}").status_code == 403
        assert official.get(f"/my/tasks/{task}").status_code == 404
    case = plain(portal.client("zhou").get(f"/cases/{case_id}"))
    assert "环节opinion · 专家 · 等秦某办理" in case
    own = plain(portal.client("wang").get(f"/my/cases/{case_id}"))
    assert ("专家" in own, "秦某" in own) == (True, False)


def test_his_message_leads_to_the_task(portal, waiting):
    browser, case_id, _files = waiting
    task = portal.task("opinion", case_id)
    page = browser.get("/messages")
    assert "请办理：环节opinion" in plain(page)
    assert "去办理" in plain(page)
    [message] = set(re.findall(r'action="(/messages/\d+)"', page.text))
    assert browser.post(message).location == f"/my/tasks/{task}"
    browser.post(f"/my/tasks/{task}", {"result": "继续", "_go": "next"})
    assert browser.post(message).location == f"/my/tasks/{task}"  # afterwards too: the case is not his to see
    assert ("去办理" in plain(browser.get("/messages")), "看任务" in plain(browser.get("/messages"))) == (False, True)
    with portal.database.transaction() as tx:
        assert tx.get_one(Task, task).state == "done"
