"""The inbox as people live in it: keys and their dialog, a saved filter, many claimed at once, what has arrived."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looks import faults
from tests.browser.site import Site
from tests.browser.windows import DESK, PHONE, Windows

MINUTE = 61_000


@pytest.fixture
def page(windows: Windows) -> Page:
    """A handler's window."""
    return windows.of("zhou")


def test_the_dialog_tells_the_keys_and_switches_them_off(page: Page, windows: Windows):
    page.goto("/inbox?view=all")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="快捷键")
    expect(dialog).to_be_visible()
    for said in ("列表中下一件、上一件", "领取所在的一件", "勾选所在的一件，以便一起领取", "搜索案件"):
        expect(dialog).to_contain_text(said)
    windows.shoot(page, "keys")
    page.keyboard.press("j")
    expect(page.locator("a.go:focus")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="全部快捷键").click()
    dialog.get_by_role("button", name="关闭单键").click()
    dialog.get_by_role("button", name="知道了").click()
    page.keyboard.press("?")
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="全部快捷键").click()
    dialog.get_by_role("button", name="启用单键").click()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_escape_leads_from_the_search_back_to_the_row(page: Page):
    page.goto("/inbox?view=all")
    page.keyboard.press("j")
    page.keyboard.press("/")
    page.keyboard.type("水泥")
    page.keyboard.press("Escape")  # the browser clears the field first
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("a.go").first).to_be_focused()


def test_on_the_desk_the_keys_go_from_list_to_list(windows: Windows):
    page = windows.of("chen")
    page.goto("/desk")
    rows = page.locator("table[data-keys] .go")
    assert page.locator("table[data-keys]").count() > 1
    for _row in range(rows.count()):
        page.keyboard.press("j")
    expect(rows.last).to_be_focused()
    page.keyboard.press("k")
    expect(rows.nth(rows.count() - 2)).to_be_focused()


def test_a_filter_is_set_saved_and_opened_again(page: Page, windows: Windows):
    page.goto("/inbox?view=all")
    narrowing = page.get_by_role("search", name="筛选任务")
    narrowing.get_by_label("事项").select_option(label="配额分配")
    narrowing.get_by_label("承办人").select_option(label="尚未领取")
    narrowing.get_by_role("button", name="筛选").click()
    expect(page).to_have_url(re.compile(r"\?view=all&procedure=chongqing-ets\.allocation.*&holder=nobody"))
    on = page.get_by_role("list", name="正在使用的筛选")
    expect(on.get_by_role("link")).to_have_count(2)
    page.locator("summary", has_text="保存当前筛选").click()
    page.get_by_label("名称", exact=True).fill("待签配额")
    windows.shoot(page, "saving a filter")
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="已保存为“待签配额”")).to_be_visible()
    on.get_by_role("link", name="承办人").click()
    expect(on.get_by_role("link")).to_have_count(1)
    page.get_by_role("navigation", name="工作台").get_by_role("link", name=re.compile("待签配额")).click()
    expect(on.get_by_role("link")).to_have_count(2)
    windows.shoot(page, "saved filter")
    assert faults(page) == []
    page.get_by_role("link", name="管理常用视图").click()
    windows.shoot(page, "saved filters")
    assert faults(page) == []


def test_many_are_chosen_by_key_and_claimed_at_once(site: Site, page: Page, windows: Windows):
    for _ in range(3):
        site.file("zhou", "allocation", {})
    page.goto("/inbox?view=role")
    tasks = page.locator("[data-choose]").count()
    assert tasks >= 3
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    button = page.get_by_role("button", name="领取所选")
    expect(button).to_have_text("领取所选（2）")
    page.get_by_label("全选本页").check()
    expect(button).to_have_text(f"领取所选（{tasks}）")
    page.get_by_label("全选本页").uncheck()
    page.keyboard.press("k")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    windows.shoot(page, "chosen")
    assert faults(page) == []
    newest, _case = site.task("allocation", "draft")
    colleague = windows.of("wu")
    colleague.goto("/inbox?view=role")
    chosen = page.locator("[data-choose]:checked")
    first = chosen.first.get_attribute("value")
    colleague.locator(f'form[action="/tasks/{first}/claim"] button').click()
    expect(colleague.get_by_role("button", name="退回岗位")).to_be_visible()
    button.click()
    expect(page.get_by_role("status").filter(has_text="已领取 1 件")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="没有领到")).to_contain_text("已领取这项任务。")
    windows.shoot(page, "claimed")
    assert newest


def test_what_arrives_is_announced_and_never_shown_by_itself(site: Site, windows: Windows):
    page = windows.sign_in("wu")
    page.clock.install()
    page.goto("/inbox?view=role")
    rows = page.locator("tbody tr").count()
    bar = page.locator("[data-arrivals]")
    page.clock.run_for(MINUTE)
    expect(bar).to_be_empty()
    for _ in range(2):
        site.file("zhou", "allocation", {})
    page.clock.run_for(MINUTE)
    expect(bar).to_have_text("有 2 件新到，点此显示")
    assert page.locator("tbody tr").count() == rows
    windows.shoot(page, "arrivals")
    bar.get_by_role("link").click()
    expect(page.locator("tbody tr")).to_have_count(rows + 2)
    page.context.clear_cookies()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(MINUTE)
    page.wait_for_timeout(200)
    page.clock.run_for(3 * MINUTE)
    page.wait_for_timeout(200)
    assert [urlsplit(url).path for url in asked].count("/inbox/new") == 1
    page.context.close()


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_the_pages_are_in_order_at_both_widths(windows: Windows, width: int):
    for login, address, step in (
        ("zhou", "/inbox?view=all", "all"),
        ("zhou", "/inbox?view=role", "role"),
        ("zhou", "/inbox?view=all&light=none&unit=没有的", "none found"),
        ("zhou", "/inbox?view=done", "done"),
        ("zhou", "/inbox/filters?view=all&light=red", "name a filter"),
        ("zhou", "/cases?q=水泥", "search"),
        ("chen", "/desk", "desk"),
    ):
        page = windows.of(login, width)
        page.goto(address)
        windows.shoot(page, step)
        assert faults(page) == [], address
