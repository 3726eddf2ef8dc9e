"""Filing step by step, and what is kept of corrections and messages: nothing typed is lost on any way through."""

from __future__ import annotations

import re

import pytest
from lxml import html
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal import identity
from portal.cases import notes
from portal.cases.models import Case, Filing, MessageDraft, TaskDraft
from portal.web.applicant import home
from portal.web.applicant.clocks import DeadlineView
from tests.builders.pages import PASSWORD, Browser, Portal, plain
from tests.web.test_applicant import PDF, Story


@pytest.fixture
def story(portal: Portal) -> Story:
    return Story(portal)


@pytest.fixture
def draft(story: Story) -> str:
    """A draft about a notice, nothing typed yet."""
    notice, _letter = story.served()
    return story.draft(notice)


def a_day() -> DeadlineView:
    """A deadline as a page shows it."""
    due, left = "2026年9月30日（周三）24:00", "剩 3 个工作日"
    return DeadlineView("补正材料", "duty", due, left, "g", False, False, False, (), (), "", "3 个工作日", "")


def press(story: Story, step: str, go: str, **given: str) -> TestResponse:
    return story.post_step(step, {"_go": go, **given})


def keep(story: Story, page: str, **given: str) -> TestResponse:
    """Posts what a page posts by itself while somebody is typing."""
    return story.wang.post(page, given, headers={"Accept": "application/json"})


def typed(page: TestResponse, name: str) -> str:
    """What stands in a field."""
    [field] = html.fromstring(page.text).xpath(f'//*[@name="{name}" and not(@type="hidden")]')
    return str(field.get("value") if field.tag == "input" else field.text or "")


def stages(page: TestResponse) -> list[tuple[str, str, bool]]:
    """The list of steps: title, state, and whether it leads there."""
    found = html.fromstring(page.text).xpath('//ol[@class="stages"]/li')
    return [(line[0].text, line.get("class"), line[0].tag == "a") for line in found]


def test_one_thing_on_a_page_and_where_one_is(story: Story, draft: str) -> None:
    assert re.fullmatch(r"/file/\d+", draft)
    assert story.wang.get(draft).location == f"{draft}/claimed_amount"
    page = story.wang.get(f"{draft}/claimed_amount")
    assert "第 1 步，共 4 步 主张的年度配额" in plain(page)
    assert "对通知书 渝环配〔2026〕1号 确定的 2025 年度配额申请复核。" in plain(page)
    assert "2026年10月12日（周一）24:00 前提出" in plain(page)
    assert "上一步" not in plain(page)
    assert 'name="grounds"' not in page.text
    assert stages(page) == [
        ("主张的年度配额", "now", False), ("事实与理由", "todo", False), ("证明材料", "todo", False),
        ("核对并提交", "todo", False),
    ]  # fmt: skip
    assert press(story, f"{draft}/claimed_amount", "next", claimed_amount="1300000").location == f"{draft}/grounds"
    page = story.wang.get(f"{draft}/grounds")
    assert "第 2 步，共 4 步 事实与理由" in plain(page)
    assert stages(page)[:2] == [("主张的年度配额", "done", True), ("事实与理由", "now", False)]
    assert "请在这一天之前提交 2026年10月12日（周一）24:00 剩 7 个工作日" in plain(page)


def test_going_back_loses_nothing_even_what_is_wrong(story: Story, draft: str) -> None:
    press(story, f"{draft}/claimed_amount", "next", claimed_amount="1300000")
    back = press(story, f"{draft}/grounds", "back", grounds="写到一半")
    assert (back.status_code, back.location) == (303, f"{draft}/claimed_amount")
    assert typed(story.wang.get(f"{draft}/grounds"), "grounds") == "写到一半"
    wrong = press(story, f"{draft}/claimed_amount", "next", claimed_amount="一百万")
    assert wrong.status_code == 422
    assert typed(wrong, "claimed_amount") == "一百万"
    # The browser's own way back asks for the page anew.
    assert typed(story.wang.get(f"{draft}/claimed_amount"), "claimed_amount") == "一百万"
    assert typed(story.wang.get(f"{draft}/grounds"), "grounds") == "写到一半"


def test_what_is_wrong_is_told_above_and_at_the_field(story: Story, draft: str) -> None:
    page = press(story, f"{draft}/claimed_amount", "next", claimed_amount="")
    assert page.status_code == 422
    assert "<title>有错误：主张的年度配额" in page.text
    assert '<div class="error-summary" role="alert" tabindex="-1" id="errors">' in page.text
    assert '<a href="#f-claimed_amount">请填写主张的年度配额</a>' in page.text
    assert 'id="f-claimed_amount-error">请填写主张的年度配额<' in page.text
    assert "有 1 处需要改正" in plain(page)


def test_a_later_step_may_be_looked_at_but_nothing_is_handed_in_before_the_first_is_done(
    story: Story, draft: str
) -> None:
    assert story.wang.get(f"{draft}/evidence").status_code == 200
    press(story, f"{draft}/grounds", "next", grounds="产量数据有误")
    first = f"{draft}/claimed_amount?check=1&to=check"
    for answer in (
        story.wang.get(f"{draft}/check-answers"),
        story.wang.post(f"{draft}/check-answers"),
    ):
        assert answer.location == first
    page = story.wang.get(first)
    assert "还不能提交：这一步还没有完成。" in plain(page)
    assert "保存，返回核对" in plain(page)
    on = press(story, f"{draft}/claimed_amount?to=check", "next", claimed_amount="1300000")
    assert on.location == f"{draft}/check-answers"
    # What may be left empty is walked through all the same.
    assert story.wang.get(on.location).location == f"{draft}/evidence?check=1&to=check"
    unseen = story.read(f"{draft}/evidence?check=1&to=check")
    assert "还不能提交：请先看过这一步，可以不填的也请按“下一步”。" in unseen
    press(story, f"{draft}/evidence?to=check", "next")
    assert story.wang.get(f"{draft}/check-answers").status_code == 200
    assert story.count(Case, Case.procedure == "allocation-review") == 0


def test_an_answer_is_changed_from_where_it_is_read_back_and_one_is_back_there(story: Story, draft: str) -> None:
    story.fill(draft, ("产量台账.pdf", PDF))
    check = story.wang.get(f"{draft}/check-answers")
    assert "第 4 步，共 4 步 提交前请核对" in plain(check)
    change = f"{draft}/grounds?to=check#f-grounds"
    assert f'href="{change}">修改<span class="visually-hidden"> 事实与理由</span></a>' in check.text
    page = story.wang.get(change)
    [posted] = html.fromstring(page.text).xpath('//form[@id="filing"]/@action')
    assert posted == f"{draft}/grounds?to=check"
    back = press(story, posted, "next", grounds="改过的理由")
    assert back.location == f"{draft}/check-answers"
    page = story.read(back.location)
    assert "改过的理由" in page
    assert "产量台账.pdf（1 KB）" in page


def test_a_step_that_becomes_needed_comes_into_the_list(story: Story, draft: str) -> None:
    assert story.wang.get(f"{draft}/late_reason").location == f"{draft}/claimed_amount"
    story.fill(draft)
    story.at("2026-10-13T00:05")
    story.timers()
    assert story.wang.get(draft).location == f"{draft}/late_reason"
    page = story.wang.get(f"{draft}/late_reason")
    assert "第 3 步，共 5 步 逾期提出的正当理由" in plain(page)
    assert stages(page)[3] == ("证明材料", "done", True)
    answer = press(story, f"{draft}/late_reason", "next", late_reason="山洪断路")
    assert answer.location == f"{draft}/evidence"
    assert story.wang.get(draft).location == f"{draft}/check-answers"


def test_a_step_that_does_not_exist_is_not_found(story: Story, draft: str) -> None:
    assert story.wang.get(f"{draft}/nothing").status_code == 404
    assert press(story, f"{draft}/nothing", "next").status_code == 404


def test_answers_of_other_steps_are_not_written_by_this_one(story: Story, draft: str) -> None:
    press(story, f"{draft}/grounds", "next", grounds="产量数据有误", claimed_amount="7", strange="x")
    with story.portal.database.transaction() as tx:
        assert tx.scalars(select(Filing)).one().answers == {"grounds": ["产量数据有误"]}


def test_what_a_newer_form_no_longer_asks_hinders_nobody(story: Story, draft: str) -> None:
    story.fill(draft)
    with story.portal.database.transaction() as tx:
        row = tx.scalars(select(Filing)).one()
        row.answers = {**row.answers, "asked_once": ["x"]}
    assert story.wang.get(draft).location == f"{draft}/check-answers"
    assert story.wang.post(f"{draft}/check-answers").status_code == 303


@pytest.fixture
def correction(story: Story) -> str:
    """A correction that is asked for; the address of its task."""
    notice, _letter = story.served()
    review = story.filed(notice)
    story.act("li", "check", review, result="补正", corrections="缺一页")
    return f"/my/tasks/{story.portal.task('correct', review)}"


def _seen(page: TestResponse) -> str:
    found = re.search(r'name="_seen" value="([^"]+)"', page.text)
    assert found
    return found[1]


def test_a_correction_is_kept_while_it_is_written(story: Story, correction: str) -> None:
    answers = {"claimed_amount": "1300000", "grounds": "写到一半", "late_reason": ""}
    kept = keep(story, correction, **answers, _seen=_seen(story.wang.get(correction)))
    assert kept.json is not None
    assert kept.json["said"] == "2026年9月24日 10:00 已保存。"
    page = story.wang.get(correction)
    assert typed(page, "grounds") == "写到一半"
    assert _seen(page) == kept.json["seen"]
    assert story.wang.post(correction, {**answers, "_go": "save"}).location == correction
    refused = story.wang.post(correction, {**answers, "claimed_amount": "", "_go": "next"})
    assert refused.status_code == 422
    assert typed(story.wang.get(correction), "claimed_amount") == ""
    done = story.wang.post(correction, {**answers, "_go": "next"})
    assert done.status_code == 303
    assert story.count(TaskDraft) == 0
    late = keep(story, correction, **answers)
    assert (late.status_code, late.json) == (409, {"said": "“补正材料”已经提交，不需要再办理。", "seen": ""})
    assert story.count(TaskDraft) == 0


def test_a_file_of_a_correction_is_kept_with_what_is_wrong(story: Story, correction: str) -> None:
    given = {"claimed_amount": "一百万", "grounds": "见补页", "late_reason": "", "_go": "next"}
    assert story.post_step(correction, given, ("补页.pdf", PDF)).status_code == 422
    page = story.wang.get(correction)
    assert "补页.pdf" in plain(page)
    assert typed(page, "claimed_amount") == "一百万"


def test_a_correction_in_two_windows(story: Story, correction: str) -> None:
    seen = _seen(story.wang.get(correction))
    answers = {"claimed_amount": "1300000", "late_reason": "", "_seen": seen, "_go": "save"}
    assert story.wang.post(correction, {**answers, "grounds": "甲"}).status_code == 303
    other = story.wang.post(correction, {**answers, "grounds": "乙"})
    assert other.status_code == 409
    assert "您在本页填写的内容没有保存，仍在下面。" in plain(other)
    assert typed(other, "grounds") == "乙"
    assert typed(story.wang.get(correction), "grounds") == "甲"
    [over] = html.fromstring(other.text).xpath('//button[@name="_over"]/@value')
    done = story.wang.post(correction, {**answers, "grounds": "乙", "_over": over, "_go": ""})
    assert done.status_code == 303
    assert typed(story.wang.get(correction), "grounds") == "乙"


def test_a_withdrawal_is_kept_while_it_is_written(story: Story) -> None:
    notice, _letter = story.served()
    page = f"/my/cases/{story.filed(notice)}/messages/withdraw"
    kept = keep(story, page, reason="写到一半")
    assert kept.json is not None
    assert typed(story.wang.get(page), "reason") == "写到一半"
    refused = story.wang.post(page, {"reason": "写完了", "_seen": kept.json["seen"]})
    assert refused.status_code == 422
    again = story.wang.get(page)
    assert typed(again, "reason") == "写完了"
    stale = story.wang.post(page, {"reason": "另一个窗口", "_seen": kept.json["seen"]})
    assert stale.status_code == 409
    assert typed(stale, "reason") == "另一个窗口"
    last = {"reason": "写完了", "confirmed": "true", "_seen": _seen(again)}
    assert story.wang.post(page, last).status_code == 303
    assert story.count(MessageDraft) == 0
    second_click = story.wang.post(page, last, follow_redirects=True)
    assert "“撤回”先前已经收到，不需要重复提交。" in plain(second_click)


def test_the_case_tells_what_comes_next_and_how_to_follow_it_without_signing_in(story: Story) -> None:
    notice, _letter = story.served()
    review = story.filed(notice, ("产量台账.pdf", PDF))
    with story.portal.database.transaction() as tx:
        code = tx.get_one(Case, review).query_code
    assert code is not None
    spoken = f"{code[:4]}-{code[4:]}"
    page = story.read(f"/my/cases/{review}")
    assert f"不登录也可查询：编号 + 查询码 {spoken}" in page
    told = "接下来可能是：复核审查、拟制复核决定、签批复核决定；文书送达后您可以在本页阅读、下载。"
    assert told in page
    receipt = story.read(f"/my/cases/{review}/receipt")
    assert spoken in receipt
    assert re.search(r"产量台账.pdf 1 KB · 2026年9月24日 10:00 SHA-256 [0-9a-f ]{64,}", receipt)


def test_a_note_of_the_authority_is_read_on_the_case(story: Story) -> None:
    notice, _letter = story.served()
    review = story.filed(notice)
    kernel = story.portal.machine.kernel
    for text, visible in (("请于周五前来电", True), ("内部意见", False)):
        with story.portal.database.transaction() as tx:
            notes.add(kernel, tx, story.portal.actor("li"), review, text, visible, kernel.now(tx))
    page = story.read(f"/my/cases/{review}")
    assert "办理机关说明 请于周五前来电 2026年9月24日 10:00" in page
    assert "内部意见" not in page
    assert "李强" not in page


def test_letters_are_downloaded_from_their_list_once_they_are_served(story: Story) -> None:
    _case, letter = story.notice()
    assert "下载 Word" not in story.read("/my/letters")
    assert story.sign_for(letter).status_code == 303
    page = story.wang.get("/my/letters")
    assert f'href="/letters/{letter}/file">下载 Word' in page.text
    assert "下载 PDF" not in page.text


def test_the_first_page_says_how_urgent_it_is(story: Story, correction: str) -> None:
    page = story.wang.get("/home")
    assert "<h1>有 1 件事需要您办理</h1>" in page.text
    assert "最早的一件" not in page.text
    assert '<section class="state a"><h2>请办理：补正材料</h2>' in page.text
    story.at("2026-10-08T09:00")
    late = story.wang.get("/home")
    assert "<h1>有 1 件事已过期限，请尽快办理</h1>" in late.text
    assert '<section class="state r"><h2>请办理：补正材料</h2>' in late.text
    assert "超期 1 个工作日" in plain(late)


def test_of_several_things_the_first_page_says_which_is_first(story: Story, correction: str) -> None:
    with story.portal.app.test_request_context():
        todos = [home.TodoView("letter", "通知", "1号", "/"), home.TodoView("task", "补正", "2号", "/", a_day())]
        assert home._soonest(todos[1:]) == ""
        assert home._soonest(todos) == "最早的一件在 2026年9月30日（周三）24:00 前办理（剩 3 个工作日）。"


def test_who_may_only_read_is_told_that_others_have_to_act(story: Story, correction: str) -> None:
    with story.portal.database.transaction() as tx:
        identity.add_person(
            tx, login="reader", name="周敏", password="correct horse 9", organisation_id=story.portal.unit_id, rights=[]
        )
    reader: Browser = story.portal.client("reader")
    page = plain(reader.get("/home"))
    assert "本单位有 1 件事待办，您现在无需操作" in page
    assert "请本单位有“办理”权限的人员办理。" in page
    assert "现在办理" not in page


def test_who_may_only_read_is_told_who_may_object(story: Story) -> None:
    notice, _letter = story.served()
    with story.portal.database.transaction() as tx:
        unit = story.portal.unit_id
        identity.add_person(tx, login="reader", name="周敏", password=PASSWORD, organisation_id=unit, rights=[])
    reader: Browser = story.portal.client("reader")
    told = "由本单位有“办理”权限的人员提出，您只有查看权限。"
    for path in ("/home", f"/my/cases/{notice}"):
        assert told in plain(reader.get(path))
        assert told not in story.read(path)


def test_unread_messages_come_first(story: Story, correction: str) -> None:
    page = story.wang.get("/messages")
    assert "也用邮件通知我" not in page.text
    [first] = html.fromstring(page.text).xpath('//ul[contains(@class, "messages")]/li[1]//form/@action')
    story.wang.post(first)
    lines = html.fromstring(story.wang.get("/messages").text).xpath('//ul[contains(@class, "messages")]/li')
    unread = ["unread" in line.get("class") for line in lines]
    assert unread == sorted(unread, reverse=True)
    assert unread[-1] is False
