"""What is another organisation's answers as if it did not exist; what an applicant may not do is not done."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from portal import identity
from portal.cases.models import Attachment, Filing
from portal.documents.models import Letter
from portal.storage import MemoryStore, StoreUnavailable
from tests.builders.pages import ETS, PASSWORD, Browser, Portal, plain
from tests.web.test_applicant import PDF, Story


@pytest.fixture
def story(portal: Portal) -> Story:
    """The portal on 22 September 2026."""
    return Story(portal)


@pytest.fixture
def stranger(story: Story) -> Browser:
    """A person of another enterprise."""
    with story.portal.database.transaction() as tx:
        other = identity.add_organisation(
            tx, uscc="91350100M000100Y43", name="重庆某钢铁集团有限公司", district="长寿区", kinds=["enterprise"]
        )
        identity.add_person(tx, login="wu", name="吴刚", password=PASSWORD, organisation_id=other.id)
    return story.portal.client("wu")


def test_nothing_of_others_is_seen(story: Story, stranger: Browser) -> None:
    notice, letter = story.served()
    draft = story.draft(notice)
    story.fill(draft, ("台账.pdf", PDF), go="save")
    with story.portal.database.transaction() as tx:
        uploaded = tx.scalars(select(Attachment.id)).one()
    assert stranger.get(f"/attachments/{uploaded}").status_code in (403, 404)
    review = story.filed(notice)
    story.act("li", "check", review, result="补正", corrections="缺页")
    task = story.portal.task("correct", review)
    pages = [
        f"{draft}/grounds",
        f"{draft}/check-answers",
        f"/my/cases/{notice}",
        f"/my/cases/{review}",
        f"/my/cases/{review}/receipt",
        f"/my/cases/{review}/messages/withdraw",
        f"/my/tasks/{task}",
        f"/my/letters/{letter}",
        f"/file/{ETS}/allocation-review?about={notice}",
        draft,
    ]
    for page in pages:
        answer = stranger.get(page)
        assert answer.status_code == 404, page
        assert "渝环" not in answer.text.replace(page, "")
    for page in [*pages[:2], *pages[5:7], f"/my/letters/{letter}/sign"]:
        assert stranger.post(page, {"confirmed": "true"}).status_code == 404, page
    for page in ("/home", "/my/cases", "/my/letters", "/account"):
        assert "渝环" not in stranger.get(page).text


def test_what_does_not_exist_answers_alike(story: Story, stranger: Browser) -> None:
    notice, letter = story.served()
    for there, nowhere in [
        (f"/my/cases/{notice}", "/my/cases/999999"),
        (f"/my/letters/{letter}", "/my/letters/999999"),
        (f"/file/{ETS}/allocation-review?about={notice}", f"/file/{ETS}/allocation-review?about=999999"),
    ]:
        first, second = stranger.get(there), stranger.get(nowhere)
        assert (first.status_code, plain(first)) == (second.status_code, plain(second))


def test_an_official_does_not_act_as_a_party(story: Story) -> None:
    notice, letter = story.served()
    li = story.portal.client("li")
    for page in (f"/my/cases/{notice}", f"/my/letters/{letter}", "/account", "/my/letters"):
        assert li.get(page).status_code == 404, page
    assert li.post(f"/my/cases/{notice}/messages/waived", {"confirmed": "true"}).status_code == 404


def test_a_stranger_without_account_is_asked_to_sign_in(story: Story) -> None:
    visitor = story.portal.client()
    for page in ("/home", "/my/cases/1", "/my/letters/1", "/account", f"/file/{ETS}/allocation-review", "/file/1"):
        answer = visitor.get(page)
        assert answer.status_code == 302
        assert answer.location.startswith("/sign-in?next=")


def test_a_draft_is_its_writers_alone(story: Story) -> None:
    notice, _letter = story.served()
    draft = story.draft(notice)
    story.fill(draft, go="save")
    with story.portal.database.transaction() as tx:
        identity.add_person(tx, login="zheng", name="郑洁", password=PASSWORD, organisation_id=story.portal.unit_id)
    colleague = story.portal.client("zheng")
    assert colleague.get(draft).status_code == 404
    assert colleague.get(f"/my/cases/{notice}").status_code == 200
    own = colleague.get(f"/file/{ETS}/allocation-review?about={notice}").location
    assert own != draft
    assert story.count(Filing) == 2


def test_what_applicants_may_not_start_is_refused(story: Story) -> None:
    assert story.wang.get(f"/file/{ETS}/allocation").status_code == 404
    assert story.wang.get(f"/file/{ETS}/nothing").status_code == 404
    assert story.wang.get("/file/nowhere/allocation").status_code == 404


def test_numbers_that_no_id_can_be_name_nothing(story: Story) -> None:
    for page in (f"/my/cases/{10**30}", f"/my/letters/{2**63}", f"/file/{10**30}", f"/my/tasks/{2**64}"):
        assert story.wang.get(page).status_code == 404
    assert story.wang.get(f"/my/cases?before={10**30}").status_code == 200
    assert story.wang.get(f"/file/{ETS}/allocation-review?about={10**30}").status_code in (403, 404)
    assert story.wang.get("/file/a%00b/allocation-review").status_code == 404


def test_a_letter_that_cannot_be_read_is_not_served(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    case_id, letter = story.notice()

    def away(*_args: object) -> bytes:
        raise StoreUnavailable(reason="down")

    monkeypatch.setattr(MemoryStore, "get", away)
    answer = story.sign_for(letter)
    assert answer.status_code == 503
    assert "本次没有签收，期限没有起算。" in plain(answer)
    assert story.portal.case(case_id).status == "通知书已制发，等待送达"
    monkeypatch.undo()
    story.sign_for(letter)
    monkeypatch.setattr(MemoryStore, "get", away)
    page = story.read(f"/my/letters/{letter}")
    assert "文件存储暂时不可用" in page
    assert "门户签收" in page


def test_an_altered_file_is_not_shown(story: Story) -> None:
    case_id, letter = story.portal.notice()
    story.portal.rendered(letter)
    with story.portal.database.transaction() as tx:
        tx.get_one(Letter, letter).sha256 = "1" * 64
    assert story.sign_for(letter).status_code == 503
    assert "文件的内容与登记时的摘要（SHA-256）不一致" in plain(story.sign_for(letter))
    assert story.portal.case(case_id).status == "通知书已制发，等待送达"


def test_typed_text_is_shown_as_text(story: Story) -> None:
    notice, _letter = story.served()
    draft = story.draft(notice)
    story.fill(draft, grounds="<script>alert(1)</script>")
    for page in (f"{draft}/grounds", f"{draft}/check-answers"):
        assert "<script>alert" not in story.wang.get(page).text
    review = int(story.wang.post(f"{draft}/check-answers").location.split("/")[3])
    assert "<script>alert" not in story.wang.get(f"/my/cases/{review}").text


def test_characters_that_cannot_be_stored_are_told_and_nothing_else_is_lost(story: Story) -> None:
    notice, _letter = story.served()
    draft = story.draft(notice)
    answer = story.fill(draft, grounds="前\0后")
    assert answer.status_code == 422
    assert "前" in answer.text


def test_a_receipt_tells_the_outcome_only_when_the_decision_was_opened(story: Story) -> None:
    notice, _letter = story.served()
    review = story.filed(notice)
    story.decide(review, conclusion="变更", amount="1250000", reasons="产量数据部分成立")
    letters = story.letters_of(review)
    for letter in letters:
        story.render(letter)
    before = story.read(f"/my/cases/{review}/receipt")
    assert "文书已制发，等您签收。" in before
    assert "变更" not in before
    for letter in letters:
        story.sign_for(letter)
    after = story.read(f"/my/cases/{review}/receipt")
    assert re.search(r"办理情况 已于 2026年\d+月\d+日 \d\d:\d\d 办结：变更。", after)
    assert "办理机关应当在" not in after
    assert "http://" in after
