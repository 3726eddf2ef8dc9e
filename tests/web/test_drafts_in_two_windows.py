"""One draft open in two windows: what the one saved the other does not write over without being told."""

from __future__ import annotations

import re

import pytest
from lxml import html
from werkzeug.test import TestResponse

from portal.cases.models import Filing
from tests.builders.pages import Portal, plain
from tests.web.test_applicant import PDF, Story

TOLD = re.compile(r"这份草稿已于 \d\d-\d\d \d\d:\d\d 在另一个窗口改动并保存。")


class Window:
    """One window with step 1 of a draft in it, going by what its page was made of."""

    def __init__(self, story: Story, draft: str) -> None:
        self.story, self.draft = story, draft
        self.load(story.wang.get(draft))

    def load(self, page: TestResponse) -> None:
        """Has a page in it."""
        found = html.fromstring(page.text)
        self.seen = found.xpath('//form[@id="filing"]/input[@name="_seen"]/@value')[0]
        self.over = found.xpath('//button[@name="_over"]/@value')
        self.grounds = found.xpath('//textarea[@name="grounds"]')[0].text or ""

    def press(self, go: str, *files: tuple[str, bytes], **answers: str) -> TestResponse:
        """Presses a button of step 1."""
        return self.story.fill(self.draft, *files, go=go, _seen=self.seen, **answers)


@pytest.fixture
def story(portal: Portal) -> Story:
    return Story(portal)


@pytest.fixture
def draft(story: Story) -> str:
    notice, _letter = story.served()
    return story.draft(notice)


def _saved(story: Story, draft: str) -> dict[str, list[str]]:
    with story.portal.database.transaction() as tx:
        return dict(tx.get_one(Filing, int(draft.rpartition("/")[2])).answers)


@pytest.mark.parametrize("go", ["save", "next"])
def test_the_second_to_save_is_told_and_may_replace_or_look(story: Story, draft: str, go: str) -> None:
    first, second = Window(story, draft), Window(story, draft)
    assert first.press("save", claimed_amount="1200", grounds="甲").status_code == 303
    refused = second.press(go, claimed_amount="1300", grounds="乙")
    assert refused.status_code == 409
    assert TOLD.search(plain(refused))
    assert "您在本页填写的内容没有保存，仍在下面。" in plain(refused)
    assert _saved(story, draft)["grounds"] == ["甲"]
    second.load(refused)
    assert second.grounds == "乙"
    assert 'value="1,300"' in refused.text
    assert f'<a href="{draft}" target="_blank" rel="noopener">在新窗口查看已保存的内容</a>' in refused.text
    # Pressing the same once more changes nothing of that.
    assert second.press(go, claimed_amount="1300", grounds="乙").status_code == 409
    assert second.press("", claimed_amount="1300", grounds="乙", _over=second.over[0]).status_code == 303
    assert (_saved(story, draft)["grounds"], _saved(story, draft)["claimed_amount"]) == (["乙"], ["1300"])
    assert first.press("save", grounds="甲甲").status_code == 409


def test_replacing_replaces_only_what_one_was_told_of(story: Story, draft: str) -> None:
    windows = [Window(story, draft) for _ in range(3)]
    windows[0].press("save", grounds="甲")
    windows[1].load(windows[1].press("save", grounds="乙"))
    windows[2].load(windows[2].press("save", grounds="丙"))
    assert windows[1].press("", grounds="乙", _over=windows[1].over[0]).status_code == 303
    assert windows[2].press("", grounds="丙", _over=windows[2].over[0]).status_code == 409
    assert _saved(story, draft)["grounds"] == ["乙"]


def test_one_window_saves_as_often_as_it_likes(story: Story, draft: str) -> None:
    window = Window(story, draft)
    # A double click posts the same twice from the same page.
    for _ in range(2):
        assert window.press("save", grounds="甲").status_code == 303
    window.load(story.wang.get(draft))
    assert window.press("next", grounds="乙").status_code == 303
    assert _saved(story, draft)["grounds"] == ["乙"]


def test_a_file_added_in_one_window_stays_and_hinders_no_other(story: Story, draft: str) -> None:
    first, second = Window(story, draft), Window(story, draft)
    text = {"claimed_amount": "1300000", "grounds": "甲"}
    first.press("save", ("一.pdf", PDF), **text)
    assert second.press("save", ("二.pdf", PDF + b"2"), **text).status_code == 303
    stale = second.press("save", ("三.pdf", PDF + b"3"), grounds="乙")
    assert stale.status_code == 409
    for name in ("一.pdf", "二.pdf", "三.pdf"):
        assert name in stale.text
    assert len(_saved(story, draft)["evidence"]) == 3
    assert _saved(story, draft)["grounds"] == ["甲"]


def test_a_form_that_shows_itself_anew_keeps_nothing_and_goes_by_the_same_draft(story: Story, draft: str) -> None:
    first, second = Window(story, draft), Window(story, draft)
    first.press("save", grounds="甲")
    data = {"claimed_amount": "1300", "grounds": "乙", "_seen": second.seen, "_refresh": "1"}
    anew = story.wang.post(draft, data, page="/home", headers={"HX-Request": "true"})
    assert (anew.status_code, ">乙</textarea>" in anew.text) == (200, True)
    assert _saved(story, draft)["grounds"] == ["甲"]
    before = second.seen
    second.load(anew)
    assert second.seen == before
    assert second.press("save", grounds="乙").status_code == 409


def test_nothing_is_handed_in_that_was_not_read_back(story: Story, draft: str) -> None:
    window = Window(story, draft)
    assert window.press("next", grounds="甲").status_code == 303
    page = story.wang.get(f"{draft}/check")
    seen = re.search(r'name="_seen" value="([^"]+)"', page.text)
    assert seen
    other = Window(story, draft)
    other.press("save", grounds="乙")
    refused = story.wang.post(f"{draft}/check", {"_seen": seen[1]}, page="/home")
    assert refused.status_code == 409
    assert TOLD.search(plain(refused))
    assert "下面是现在的内容，请核对后再提交。" in plain(refused)
    assert "乙" in plain(refused)
    now = re.search(r'name="_seen" value="([^"]+)"', refused.text)
    assert now
    other.load(story.wang.get(draft))
    other.press("save", claimed_amount="", grounds="丙")
    mended = story.wang.post(f"{draft}/check", {"_seen": now[1]}, page="/home")
    assert (mended.status_code, mended.location) == (303, f"{draft}?check=1")
    assert TOLD.search(plain(story.wang.get(mended.location)))
    other.load(story.wang.get(draft))
    other.press("save", grounds="丁")
    last = re.search(r'name="_seen" value="([^"]+)"', story.wang.get(f"{draft}/check").text)
    assert last
    handed_in = story.wang.post(f"{draft}/check", {"_seen": last[1]}, page="/home")
    assert (handed_in.status_code, "/my/cases/" in handed_in.location) == (303, True)
