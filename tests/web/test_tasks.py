"""Tasks on pages: handing in moves the case, and what was typed is never lost."""

from __future__ import annotations

import hashlib
import io
import re

import pytest
from sqlalchemy import func, select

from portal import identity
from portal.cases import tasks
from portal.cases.models import Attachment, Case, Incident, Task
from portal.engine import EngineFault
from portal.forms import REFRESH
from portal.identity.models import Grant
from tests.builders.pages import ETS, LONG_AGO, UNIT, plain

DRAFT = {"year": "2025", "units.0.unit": UNIT, "units.0.amount": "1,200,000", "grounds": "按产量核定"}


def test_handing_in_moves_the_case_on(portal):
    task = portal.allocation()
    browser = portal.client("zhou")
    answer = browser.post(f"/tasks/{task}", DRAFT)
    assert answer.status_code == 302
    assert answer.location == "/inbox"
    with portal.database.transaction() as tx:
        row = tx.get_one(Task, task)
        case = tx.get_one(Case, row.case_id)
        assert (row.state, row.holder_id) == ("done", portal.people["zhou"])
        following = tx.scalars(select(Task).where(Task.case_id == case.id, Task.state == "open")).one()
        status, step, number = case.status, following.name, case.number
    assert following.element == "sign"
    assert f"“{number} {row.name}”已提交。" in plain(browser.get("/inbox"))
    assert status in plain(browser.get(f"/cases/{row.case_id}"))
    assert step in plain(portal.client("chen").get("/inbox?view=role"))


def test_the_story_of_an_objection_through_pages(portal):
    review = portal.review()
    task = portal.task("check", review)
    portal.client("li").post(f"/tasks/{task}", {"result": "受理"})
    assert portal.case(review).status == "复核审查中，由复核人员办理"
    task = portal.task("review", review)
    reviewer = portal.client("he")
    page = plain(reviewer.get(f"/tasks/{task}"))
    for said in (
        "主张的年度配额 1,300,000 tCO₂e",
        "形式审查 李强",
        "渝府发〔2023〕6号第十一条第二款",
    ):
        assert said in page, said
    assert re.search(r"在期限内提出\S* 是", page)
    answers = {"conclusion": "维持", "reasons": "核定无误"}
    assert reviewer.post(f"/tasks/{task}", answers).status_code == 302
    assert "核定无误" in reviewer.get(f"/tasks/{portal.task('draft', review)}").text


def test_after_handing_in_comes_the_next_claimed_task(portal):
    first, second = portal.allocation(), portal.allocation()
    browser = portal.client("zhou")
    browser.post(f"/tasks/{second}/claim")
    assert browser.post(f"/tasks/{first}", DRAFT).location == f"/tasks/{second}"


def test_wrong_answers_come_back_with_what_is_wrong_and_what_was_typed(portal):
    task = portal.allocation()
    answer = portal.client("zhou").post(f"/tasks/{task}", {**DRAFT, "units.0.amount": "12.5", "units.0.unit": ""})
    assert answer.status_code == 422
    assert 'href="#f-units-0-amount"' in answer.text
    assert 'value="12.5"' in answer.text
    assert "按产量核定" in answer.text
    assert "有 2 处需要改正" in answer.text


def test_a_party_is_chosen_from_the_organisations(portal):
    page = portal.client("zhou").get(f"/tasks/{portal.allocation()}").text
    assert f'<option value="{UNIT}">重庆某水泥有限公司</option>' in page
    assert 'name="units.0.unit"' in page


def test_refreshing_a_form_stores_nothing_and_keeps_what_was_typed(portal):
    review = portal.review()
    task = portal.task("check", review)
    browser = portal.client("li")
    assert 'name="corrections"' not in browser.get(f"/tasks/{task}").text.replace(
        'type="hidden" name="corrections"', ""
    )
    answer = browser.post(f"/tasks/{task}", {"result": "补正", REFRESH: "1"})
    assert answer.status_code == 200
    assert '<textarea id="f-corrections"' in answer.text
    assert "有 " not in answer.text.partition('id="errors"')[2][:40]
    assert portal.task("check", review) == task


def test_when_a_colleague_was_faster_the_page_says_who_and_keeps_the_text(portal):
    task = portal.allocation()
    browser = portal.client("zhou")
    browser.get(f"/tasks/{task}")
    portal.complete("sun", task, DRAFT)
    answer = browser.post(f"/tasks/{task}", {**DRAFT, "grounds": "我写了很久的依据"})
    assert answer.status_code == 409
    assert "由孙伟办结" in answer.text
    assert "我写了很久的依据" in answer.text
    assert ">提交</button>" not in answer.text


def test_a_task_that_a_colleague_has_claimed_keeps_the_text_too(portal):
    task = portal.allocation()
    portal.client("sun").post(f"/tasks/{task}/claim")
    answer = portal.client("zhou").post(f"/tasks/{task}", {**DRAFT, "grounds": "我写了很久的依据"})
    assert answer.status_code == 409
    assert "孙伟已领取这项任务。" in answer.text
    assert "我写了很久的依据" in answer.text


def test_an_english_page_says_in_english_who_holds_the_task(portal):
    task = portal.allocation()
    portal.client("sun").post(f"/tasks/{task}/claim")
    browser = portal.client("zhou")
    browser.get("/language/en")
    holds = "孙伟 has claimed this task."
    assert holds in browser.get(f"/tasks/{task}").text
    answer = browser.post(f"/tasks/{task}", DRAFT)
    assert f"{holds} What you entered was not submitted; it is still on this page." in answer.text


def test_the_same_post_twice_is_answered_politely(portal):
    task = portal.allocation()
    browser = portal.client("zhou")
    browser.post(f"/tasks/{task}", DRAFT)
    browser.get("/inbox")
    answer = browser.post(f"/tasks/{task}", DRAFT)
    assert (answer.status_code, answer.location) == (302, "/inbox")
    assert "无需重复提交" in plain(browser.get("/inbox"))


def test_who_drew_up_a_notice_is_told_why_he_may_not_sign_it(portal):
    task = portal.allocation()
    portal.complete("zhou", task, DRAFT)
    with portal.database.transaction() as tx:
        identity.grant_role(tx, person_id=portal.people["zhou"], regulation=ETS, role="leader", from_day=LONG_AGO)
        case_id = tx.get_one(Task, task).case_id
    sign = portal.task("sign", case_id)
    browser = portal.client("zhou")
    answer = browser.get(f"/tasks/{sign}")
    assert "按回避要求不能再办理" in answer.text
    assert ">提交</button>" not in answer.text
    refused = browser.post(f"/tasks/{sign}", {"result": "签发"})
    assert refused.status_code == 403
    assert portal.task("sign", case_id) == sign
    # The list says so instead of offering the task; to another leader it is offered.
    waiting = browser.get("/inbox?view=role")
    assert "签批分配结果 您已办理“核定年度配额”，须回避" in plain(waiting)
    assert (f"/tasks/{sign}" in waiting.text, ">查看<" in waiting.text) == (False, True)
    waiting = portal.client("chen").get("/inbox?view=role")
    assert ("须回避" in waiting.text, f'action="/tasks/{sign}/claim"' in waiting.text) == (False, True)


def test_a_list_knows_who_did_a_step_of_the_case_that_this_one_comes_from(portal):
    review = portal.review()
    check = portal.task("check", review)
    portal.complete("li", check, {"result": "受理"})
    with portal.database.transaction() as tx:
        for login in ("zhou", "sun"):
            identity.grant_role(tx, person_id=portal.people[login], regulation=ETS, role="reviewer", from_day=LONG_AGO)
    listed = {login: plain(portal.client(login).get("/inbox?view=role")) for login in ("zhou", "sun")}
    assert "复核审查 您已办理“核定年度配额”，须回避" in listed["zhou"], listed["zhou"]
    assert "须回避" not in listed["sun"]


def test_a_task_that_is_over_leads_to_its_case(portal):
    task = portal.allocation()
    portal.complete("sun", task, DRAFT)
    answer = portal.client("zhou").get(f"/tasks/{task}")
    assert answer.status_code == 302
    assert answer.location.startswith("/cases/")


def test_starting_an_allocation_takes_one_button_and_opens_its_first_task(portal):
    browser = portal.client("zhou")
    assert 'action="/start/chongqing-ets/allocation"' in browser.get("/start").text
    answer = browser.post("/start/chongqing-ets/allocation")
    assert answer.location.startswith("/tasks/")
    assert "已立案，编号 渝环配分〔" in browser.get(answer.location).text


@pytest.mark.parametrize(
    "path", ["/start/chongqing-ets/allocation-review", "/start/chongqing-ets/nothing", "/start/x/y"]
)
def test_what_an_official_may_not_start_is_refused(portal, path):
    assert portal.client("zhou").post(path).status_code in (403, 404)


def test_a_step_that_fails_changes_nothing_and_is_noted(portal, monkeypatch):
    def broken(*_arguments: object) -> None:
        raise EngineFault("draft", "a broken join")

    task = portal.allocation()
    monkeypatch.setattr(tasks, "complete", broken)
    answer = portal.client("zhou").post(f"/tasks/{task}", DRAFT)
    assert answer.status_code == 500
    assert "案件没有变动，问题已记录并交管理员处理。" in answer.text
    assert "按产量核定" in answer.text
    with portal.database.transaction() as tx:
        incident = tx.scalars(select(Incident)).one()
        assert incident.case_id == tx.get_one(Task, task).case_id
        assert "a broken join" in incident.what
        assert tx.get_one(Task, task).state == "open"


def test_the_unexpected_is_noted_as_well(portal, monkeypatch):
    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError

    task = portal.allocation()
    monkeypatch.setattr(tasks, "complete", broken)
    answer = portal.client("zhou").post(f"/tasks/{task}", DRAFT)
    assert answer.status_code == 500
    assert "问题已记录并交管理员处理" in answer.text
    assert "按产量核定" in answer.text
    with portal.database.transaction() as tx:
        assert tx.scalars(select(Incident)).one().what.startswith("ZeroDivisionError")


def test_an_attachment_is_for_its_uploader_and_the_officials_of_its_case(portal):
    review = portal.review()
    portal.machine.store.put("k", b"%PDF-1.4", 8, "application/pdf")
    with portal.database.transaction() as tx:
        files = [
            Attachment(case_id=case_id, uploaded_by_id=portal.people["wang"], organisation_id=portal.unit_id,
                       uploaded_at=portal.now, key=key, name="台账.pdf", kind="pdf", size=8,
                       sha256=hashlib.sha256(b"%PDF-1.4").hexdigest())
            for key, case_id in (("k", review), ("unused", None))
        ]  # fmt: skip
        tx.add_all(files)
        tx.flush()
        used, unused = (file.id for file in files)
    assert portal.client("li").get(f"/attachments/{used}").data == b"%PDF-1.4"
    assert portal.client("wang").get(f"/attachments/{used}").status_code == 200
    assert portal.client("li").get(f"/attachments/{unused}").status_code == 403
    assert portal.client().get(f"/attachments/{used}").status_code == 302


def test_too_much_at_once_is_refused_with_the_texts_kept(portal, monkeypatch):
    task = portal.allocation()
    browser = portal.client("zhou")
    monkeypatch.setitem(portal.app.config, "MAX_CONTENT_LENGTH", 200_000)
    huge = (io.BytesIO(b"0" * 300_000), "big.pdf")
    data = {**DRAFT, "grounds": "我写了很久的依据", "_upload.evidence": huge}
    answer = browser.post(f"/tasks/{task}", data, content_type="multipart/form-data")
    assert answer.status_code == 413
    assert "我写了很久的依据" in answer.text
    assert "一次提交的内容不能超过" in answer.text


def once_of(page):
    """The random text of the first form in a page that opens a case."""
    return re.search(r'name="_once" value="([^"]+)"', page.text)[1]


def test_the_same_start_posted_again_opens_no_second_case(portal):
    browser, path = portal.client("zhou"), "/start/chongqing-ets/allocation"
    once = once_of(browser.get("/start"))
    first = browser.post(path, {"_once": once})
    second = browser.post(path, {"_once": once})
    assert (second.status_code, second.location) == (302, first.location)
    assert "此前已立案" in plain(browser.get(second.location))
    with portal.database.transaction() as tx:
        assert tx.scalar(select(func.count()).select_from(Case).where(Case.procedure == "allocation")) == 1
    other = browser.post(path, {"_once": once_of(browser.get("/start"))})
    assert other.location != first.location


def test_one_persons_random_text_is_not_anothers(portal):
    path = "/start/chongqing-ets/allocation"
    zhou, sun = portal.client("zhou"), portal.client("sun")
    once = once_of(zhou.get("/start"))
    first = zhou.post(path, {"_once": once})
    assert sun.post(path, {"_once": once}).location != first.location


def test_a_second_post_with_other_content_is_told_that_it_was_not_taken(portal):
    task = portal.allocation()
    browser = portal.client("zhou")
    browser.post(f"/tasks/{task}", DRAFT)
    browser.get("/inbox")
    answer = browser.post(f"/tasks/{task}", {**DRAFT, "year": "2024"})
    assert (answer.status_code, answer.location) == (302, "/inbox")
    said = plain(browser.get("/inbox"))
    assert "；这次填写的内容没有保存。" in said
    assert "无需重复提交" not in said


def test_the_form_of_a_task_i_did_in_another_window_keeps_what_is_typed_in_it(portal):
    task = portal.allocation()
    browser = portal.client("zhou")
    browser.post(f"/tasks/{task}", DRAFT)
    changed = browser.post(f"/tasks/{task}", {**DRAFT, "grounds": "另一个窗口", "_refresh": "1"})
    assert changed.status_code == 200
    assert 'id="form-draft"' in changed.text
    assert "另一个窗口" in changed.text
    assert "核定年度配额 环节已结束" in plain(changed)


def test_the_head_says_who_may_do_it_when_i_may_not(portal):
    task_id = portal.allocation()
    with portal.database.transaction() as tx:
        case_id = tx.get_one(Task, task_id).case_id
    page = plain(portal.client("zhou").get(f"/tasks/{task_id}"))
    assert "办理人 承办人 （待领取）" in page
    assert "您不能办理" not in page
    portal.client("zhou").post(f"/tasks/{task_id}/claim")
    assert "办理人" not in plain(portal.client("zhou").get(f"/tasks/{task_id}"))
    page = plain(portal.client("sun").get(f"/tasks/{task_id}"))
    assert re.search(r"核定年度配额 您不能办理 .*办理人 周敏 （承办人，\d\d-\d\d \d\d:\d\d 领取）", page)
    assert "周敏已领取这项任务。要由您办理，须由对方先“退回岗位”。" in page
    portal.complete("zhou", task_id, {"year": "2025", "units": [{"unit": UNIT, "amount": "1200000"}]})
    with portal.database.transaction() as tx:
        tx.add(Grant(person_id=portal.people["zhou"], regulation=ETS, role="leader", from_day=LONG_AGO))
    page = plain(portal.client("zhou").get(f"/tasks/{portal.task('sign', case_id)}"))
    assert "签批分配结果 您不能办理" in page
    assert "按回避要求不能再办理“签批分配结果”。这一环节由局领导中的其他人办理。" in page


def test_the_row_of_a_returned_task_says_why_in_short(portal):
    task_id = portal.allocation()
    drawn = {"year": "2025", "units": [{"unit": UNIT, "amount": "1200000"}], "grounds": "按基准法"}
    portal.complete("zhou", task_id, drawn)
    with portal.database.transaction() as tx:
        case_id = tx.get_one(Task, task_id).case_id
    why = "请补充二号线检修的产量依据，\n并说明与上一年度相差较大的原因，再报签批"
    portal.complete("chen", portal.task("sign", case_id), {"result": "退回", "opinion": why})
    said = "退回意见：“请补充二号线检修的产量依据， 并说明与上…”"
    assert said in plain(portal.client("zhou").get("/inbox?view=role"))
    again = portal.task("draft", case_id)
    told = "再次办理：上一环节是“签批分配结果”"
    page = portal.client("zhou").get(f"/tasks/{again}")
    assert re.search(told + r" \S+ · \d\d-\d\d \d\d:\d\d 签批意见 退回 退回意见 请补充二号线检修", plain(page))
    portal.complete("zhou", again, drawn)
    assert told[:4] not in plain(portal.client("chen").get(f"/tasks/{portal.task('sign', case_id)}"))
    page = plain(portal.client("chen").get("/inbox?view=role"))
    assert "签批分配结果" in page
    assert "按基准法" not in page
    assert "退回意见" not in page
