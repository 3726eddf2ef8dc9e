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
    """One window with a step of a draft in it, going by what its page was made of."""

    def __init__(self, story: Story, draft: str, step: str = "grounds") -> None:
        self.story, self.step = story, f"{draft}/{step}"
        self.load(story.wang.get(self.step))

    def load(self, page: TestResponse) -> None:
        """Has a page in it."""
        found = html.fromstring(page.text)
        self.seen = found.xpath('//form[@id="filing"]/input[@name="_seen"]/@value')[0]
        self.over = found.xpath('//button[@name="_over"]/@value')
        self.grounds = "".join(found.xpath('//textarea[@name="grounds"]/text()'))

    def press(self, go: str, *files: tuple[str, bytes], **answers: str) -> TestResponse:
        """Presses a button of the step."""
        return self.story.post_step(self.step, {"_go": go, "_seen": self.seen, **answers}, *files)

    def keep(self, **answers: str) -> TestResponse:
        """Posts what the page posts by itself while somebody is typing."""
        data = {"_seen": self.seen, **answers}
        return self.story.wang.post(self.step, data, headers={"Accept": "application/json"})


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


@pytest.mark.parametrize("go", ["save", "next", "back"])
def test_the_second_to_save_is_told_and_may_replace_or_look(story: Story, draft: str, go: str) -> None:
    first, second = Window(story, draft), Window(story, draft)
    assert first.press("save", grounds="甲").status_code == 303
    refused = second.press(go, grounds="乙")
    assert refused.status_code == 409
    assert TOLD.search(plain(refused))
    assert "您在本页填写的内容没有保存，仍在下面。" in plain(refused)
    assert _saved(story, draft)["grounds"] == ["甲"]
    second.load(refused)
    assert second.grounds == "乙"
    assert f'<a href="{draft}/grounds" target="_blank" rel="noopener">在新窗口查看已保存的内容</a>' in refused.text
    # Pressing the same once more changes nothing of that.
    assert second.press(go, grounds="乙").status_code == 409
    assert second.press("", grounds="乙", _over=second.over[0]).status_code == 303
    assert _saved(story, draft)["grounds"] == ["乙"]
    assert first.press("save", grounds="甲甲").status_code == 409


def test_windows_on_different_steps_do_not_meet(story: Story, draft: str) -> None:
    first, second = Window(story, draft, "claimed_amount"), Window(story, draft)
    assert first.press("next", claimed_amount="1200").status_code == 303
    assert second.press("next", grounds="乙").status_code == 303
    assert first.press("save", claimed_amount="1200").status_code == 303
    saved = _saved(story, draft)
    assert (saved["claimed_amount"], saved["grounds"]) == (["1200"], ["乙"])


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
    window.load(story.wang.get(window.step))
    assert window.press("next", grounds="乙").status_code == 303
    assert _saved(story, draft)["grounds"] == ["乙"]


def test_a_file_added_in_one_window_stays_and_hinders_no_other(story: Story, draft: str) -> None:
    first, second = Window(story, draft, "evidence"), Window(story, draft, "evidence")
    first.press("save", ("一.pdf", PDF))
    assert second.press("save", ("二.pdf", PDF + b"2")).status_code == 303
    page = story.read(f"{draft}/evidence")
    for name in ("一.pdf", "二.pdf"):
        assert name in page
    assert len(_saved(story, draft)["evidence"]) == 2


def test_a_form_that_shows_itself_anew_keeps_nothing_and_goes_by_the_same_draft(story: Story, draft: str) -> None:
    first, second = Window(story, draft), Window(story, draft)
    first.press("save", grounds="甲")
    data = {"grounds": "乙", "_seen": second.seen, "_refresh": "1"}
    anew = story.wang.post(second.step, data, headers={"HX-Request": "true"})
    assert (anew.status_code, ">乙</textarea>" in anew.text) == (200, True)
    assert _saved(story, draft)["grounds"] == ["甲"]
    before = second.seen
    second.load(anew)
    assert second.seen == before
    assert second.press("save", grounds="乙").status_code == 409


def test_a_page_that_keeps_itself_goes_by_what_it_kept(story: Story, draft: str) -> None:
    window, other = Window(story, draft), Window(story, draft)
    kept = window.keep(grounds="写到一半")
    assert kept.status_code == 200
    assert kept.json is not None
    assert re.fullmatch(r"2026年9月24日 10:00 已保存。", kept.json["said"])
    assert _saved(story, draft)["grounds"] == ["写到一半"]
    window.seen = kept.json["seen"]
    assert window.press("next", grounds="写完了").status_code == 303
    late = other.keep(grounds="另一个窗口")
    assert late.status_code == 409
    assert late.json is not None
    assert TOLD.fullmatch(late.json["said"])
    assert late.json["seen"] == ""
    assert _saved(story, draft)["grounds"] == ["写完了"]


def test_a_page_left_before_it_was_answered_goes_by_what_it_had_sent(story: Story, draft: str) -> None:
    window = Window(story, draft)
    window.keep(grounds="第一句")  # its answer does not come any more
    assert window.keep(grounds="第一句。第二句。", **{"_under.grounds": "第一句"}).status_code == 200
    assert _saved(story, draft)["grounds"] == ["第一句。第二句。"]
    assert window.keep(grounds="旧的", **{"_under.grounds": "第一句"}).status_code == 409
    assert _saved(story, draft)["grounds"] == ["第一句。第二句。"]


def test_a_script_is_told_that_nothing_can_be_kept_any_more(story: Story, draft: str) -> None:
    window = Window(story, draft)
    with story.portal.database.transaction() as tx:
        tx.delete(tx.get_one(Filing, int(draft.rpartition("/")[2])))
    answer = window.keep(grounds="写到一半")
    assert (answer.status_code, answer.json) == (
        409,
        {"said": "没有保存：找不到所请求的内容，或者您无权查看。所填内容仍在本页，请复制后另行保存。", "seen": ""},
    )


def test_nothing_is_handed_in_that_was_not_read_back(story: Story, draft: str) -> None:
    assert story.fill(draft, grounds="甲").status_code == 303
    check = f"{draft}/check-answers"
    seen = _mark(story.wang.get(check))
    other = Window(story, draft)
    other.press("save", grounds="乙")
    refused = story.wang.post(check, {"_seen": seen})
    assert refused.status_code == 409
    assert TOLD.search(plain(refused))
    assert "下面是现在的内容，请核对后再提交。" in plain(refused)
    assert "乙" in plain(refused)
    other.load(story.wang.get(other.step))
    other.press("save", grounds="")
    mended = story.wang.post(check, {"_seen": _mark(refused)})
    assert (mended.status_code, mended.location) == (303, f"{draft}/grounds?check=1&to=check")
    assert TOLD.search(plain(story.wang.get(mended.location)))
    other.load(story.wang.get(other.step))
    other.press("save", grounds="丁")
    handed_in = story.wang.post(check, {"_seen": _mark(story.wang.get(check))})
    assert (handed_in.status_code, "/my/cases/" in handed_in.location) == (303, True)


def _mark(page: TestResponse) -> str:
    found = re.search(r'name="_seen" value="([^"]+)"', page.text)
    assert found
    return found[1]


def test_what_is_typed_into_what_was_handed_in_meanwhile_is_not_silently_dropped(story: Story, draft: str) -> None:
    window = Window(story, draft)
    story.fill(draft)
    assert story.wang.post(f"{draft}/check-answers").status_code == 303
    said = "这份申请已经提交，本页填写的内容没有计入。"
    kept = window.keep(grounds="还在写")
    assert (kept.status_code, kept.json) == (409, {"said": said, "seen": ""})
    pressed = window.press("next", grounds="还在写")
    assert pressed.location.endswith("/receipt")
    assert said in plain(story.wang.get(pressed.location))
    assert said not in plain(story.wang.get(pressed.location))
