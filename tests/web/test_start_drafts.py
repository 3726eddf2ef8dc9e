"""暂存 of the form by which officials start a procedure, in a procedure that asks something at its start."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from portal.cases.drafts import NOTHING
from portal.procedures import Releases
from portal.procedures.content import Content, from_folder
from portal.web.keeping import SEEN
from tests.builders.pages import ETS, plain

START = "/start/chongqing-ets/allocation"
DIAGRAM = "bpmn/chongqing-ets/allocation/process.bpmn"
BY_SCRIPT = {"Accept": "application/json"}


@pytest.fixture(scope="module")
def content() -> Content:
    """The content of the regulation, but that an allocation is started with a form."""
    shipped = from_folder(Path(__file__).parents[2], ETS)
    drawn = shipped.files[DIAGRAM].decode()
    asked = re.sub(
        r'(<bpmn:startEvent id="start"[^>]*>\s*<bpmn:extensionElements>)', r'\1<portal:start form="withdraw"/>', drawn
    )
    assert asked != drawn
    return replace(shipped, files={**shipped.files, DIAGRAM: asked.encode()})


@pytest.fixture(scope="module")
def releases() -> Releases:
    """This content's own."""
    return Releases()


def seen_in(page):
    return re.search(f'name="{SEEN}" value="([^"]*)"', page.text)[1]


def test_what_was_typed_is_kept_restored_and_thrown_away(portal):
    browser = portal.client("zhou")
    page = browser.get(START)
    kept = browser.post(f"{START}/draft", {"reason": "按年度方案", SEEN: seen_in(page)})
    assert (kept.status_code, kept.location) == (303, START)
    again = browser.get(START)
    assert ">按年度方案</textarea>" in again.text
    assert re.search(r"已恢复 \d\d-\d\d \d\d:\d\d 暂存的内容。", plain(again))
    assert "按年度方案" not in portal.client("sun").get(START).text
    browser.post(f"{START}/draft/discard")
    assert "按年度方案" not in browser.get(START).text


def test_an_older_window_overwrites_nothing(portal):
    browser = portal.client("zhou")
    first = browser.post(f"{START}/draft", {"reason": "新", SEEN: NOTHING}, headers=BY_SCRIPT)
    assert re.fullmatch(r"已暂存 \d\d:\d\d", first.json["said"])
    older = browser.post(f"{START}/draft", {"reason": "旧", SEEN: NOTHING}, headers=BY_SCRIPT)
    assert (older.status_code, older.json["seen"]) == (409, first.json["seen"])
    page = browser.post(f"{START}/draft", {"reason": "旧", SEEN: NOTHING})
    assert page.status_code == 409
    assert ">旧</textarea>" in page.text
    assert ">新</textarea>" in browser.get(START).text
    assert browser.post(f"{START}/draft", {"reason": "旧", SEEN: seen_in(page)}).status_code == 303
    assert ">旧</textarea>" in browser.get(START).text


def test_starting_leaves_the_form_empty_for_the_next_one(portal):
    browser = portal.client("zhou")
    browser.post(f"{START}/draft", {"reason": "按年度方案", SEEN: NOTHING})
    answer = browser.post(START, {"reason": "按年度方案", "confirmed": "true", "_once": "x" * 22})
    assert answer.location.startswith("/tasks/")
    page = browser.get(START)
    assert "按年度方案" not in page.text
    assert "已恢复" not in plain(page)


def test_who_may_not_start_it_keeps_nothing(portal):
    assert portal.client("chen").post(f"{START}/draft", {"reason": "x"}).status_code == 403
