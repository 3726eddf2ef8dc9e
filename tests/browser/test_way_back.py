"""The browser's own back: a step that was refused is asked for again, and not posted again."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.site import Site
from tests.browser.windows import PHONE, Windows, until_there


def test_back_to_a_step_that_was_refused_shows_it_with_what_was_typed(site: Site, windows: Windows):
    site.allocation(2026)
    page = windows.of("wang", PHONE)
    until_there(page, page.get_by_role("link", name="去签收"))
    page.get_by_role("link", name="去签收").click()
    page.get_by_role("button", name="打开并签收").click()
    page.get_by_role("link", name="提出复核申请").click()
    amount = page.get_by_label("主张的年度配额")
    amount.fill("一百万")
    page.get_by_role("button", name="下一步").click()
    expect(page.get_by_role("alert")).to_contain_text("有 1 处需要改正")
    page.reload()
    expect(amount, "after a reload").to_have_value("一百万")
    page.get_by_role("button", name="下一步").click()
    expect(page.get_by_role("alert")).to_contain_text("有 1 处需要改正")
    page.goto("/home")
    page.go_back()
    expect(amount, "on the way back").to_have_value("一百万")
    amount.fill("1320000")
    page.get_by_role("button", name="下一步").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("事实与理由")
