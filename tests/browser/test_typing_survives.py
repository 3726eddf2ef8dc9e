"""What an applicant types is kept while he types: a reload in the middle of it, a network that is away, signing out."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.site import Site
from tests.browser.windows import PHONE, Windows, until_there

KEPT = re.compile(r"2026年9月\d+日 \d\d:\d\d 已保存。")


@pytest.fixture(scope="module")
def address(site: Site, windows: Windows) -> str:
    """Where the step of a filing is that asks for the grounds."""
    site.allocation(2026)
    page = windows.of("wang", PHONE)
    until_there(page, page.get_by_role("link", name="去签收"))
    page.get_by_role("link", name="去签收").click()
    page.get_by_role("button", name="打开并签收").click()
    page.get_by_role("link", name="提出复核申请").click()
    page.get_by_label("主张的年度配额").fill("1320000")
    page.get_by_role("button", name="下一步").click()
    expect(page.get_by_label("事实与理由")).to_be_visible()
    return page.url


@pytest.fixture
def grounds(windows: Windows, address: str) -> Page:
    """That step."""
    page = windows.of("wang", PHONE)
    page.goto(address)
    return page


def test_a_reload_in_the_middle_of_typing_shows_what_was_typed(grounds: Page) -> None:
    typed = grounds.get_by_label("事实与理由")
    typed.fill("产量数据有误")
    grounds.reload()
    expect(typed).to_have_value("产量数据有误")
    typed.fill("产量数据有误，见台账")
    grounds.get_by_role("button", name="保存草稿").click()
    expect(grounds.get_by_role("status").first).to_contain_text("草稿已保存，可以随时回来继续填写。")
    expect(typed).to_have_value("产量数据有误，见台账")


def test_what_could_not_be_kept_is_kept_later(grounds: Page) -> None:
    said = grounds.locator("#kept")

    def away(route: Route) -> None:
        if route.request.method == "POST":
            route.fulfill(status=200, body="", content_type="text/plain")
        else:
            route.continue_()

    grounds.route("**/grounds", away)
    grounds.get_by_label("事实与理由").fill("断网时写的")
    expect(said).to_have_text("暂时没有保存，请不要关闭本页，稍后会自动再试。")
    grounds.unroute("**/grounds")
    expect(said).to_have_text(KEPT, timeout=20_000)
    grounds.reload()
    expect(grounds.get_by_label("事实与理由")).to_have_value("断网时写的")
