"""The demo's clock: periods end on screen when it is moved, and what is late turns red."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.site import Site
from tests.browser.windows import PHONE, Windows, until_there


def move(page: Page, button: str) -> None:
    page.get_by_role("region", name="演示时钟").get_by_role("button", name=button).click()


def said(page: Page) -> Locator:
    return page.get_by_role("status").filter(has_text="演示时钟")


def is_red(words: Locator) -> bool:
    """Whether text is written in red."""
    colour = words.evaluate("element => getComputedStyle(element).color")
    red, green, blue = (int(part) for part in re.findall(r"\d+", colour)[:3])
    return red > 2 * green and red > 2 * blue


def test_what_is_late_is_red_and_says_by_how_much(windows: Windows):
    page = windows.of("he")
    row = page.get_by_role("row").filter(has_text="重庆某钢铁集团有限公司")
    expect(row).to_contain_text("今日到期")
    expect(row).to_contain_text("09-21 24:00 截止")
    assert not is_red(row.get_by_text("今日到期"))
    move(page, "＋1 工作日")
    fell_due = "渝环复案〔2026〕3号 有期限届满，到期应当自动办理的，系统将在 2 秒内办理。"
    expect(said(page)).to_have_text(f"演示时钟已拨到 2026年9月22日（周二）09:00。{fell_due}")
    expect(row).to_contain_text("超期 1 个工作日")
    expect(row).to_contain_text("应于 09-21 24:00 前办结")
    assert is_red(row.get_by_text("超期 1 个工作日"))
    expect(page.get_by_role("listitem").filter(has_text="已超期")).to_contain_text("1")
    windows.shoot(page, "late by a day")
    move(page, "＋5 工作日")
    expect(row).to_contain_text("超期 6 个工作日")
    windows.shoot(page, "late by six days")


def test_the_objection_period_ends_on_screen(site: Site, windows: Windows):
    site.at("2026-09-21T10:00:00")
    page = windows.of("wang", PHONE)
    page.get_by_role("link", name="查看通知").click()
    expect(page.get_by_role("heading", name="已送达，异议期内")).to_be_visible()
    expect(page.get_by_text("2026年9月30日（周三）24:00", exact=True)).to_be_visible()
    number = page.get_by_text("渝环配案〔2026〕").first.inner_text()
    move(page, "＋5 工作日")
    fell_due = "渝环复案〔2026〕3号、渝环核案〔2026〕4号 有期限届满，到期应当自动办理的，系统将在 2 秒内办理。"
    expect(said(page)).to_have_text(f"演示时钟已拨到 2026年9月29日（周二）10:00。{fell_due}")
    expect(page.get_by_text("剩 1 个工作日", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="提出复核申请")).to_be_visible()
    windows.shoot(page, "last but one day")
    move(page, "到下一期限届满")
    fell_due = f"{number} 有期限届满，到期应当自动办理的，系统将在 2 秒内办理。"
    expect(said(page)).to_have_text(f"演示时钟已拨到 2026年10月1日（周四）00:01。{fell_due}")
    until_there(page, page.get_by_role("heading", name="已办结：已生效"), seconds=5)
    over = page.get_by_role("listitem").filter(has_text="异议期满")
    expect(over).to_contain_text(re.compile("2026年10月1日 00:00|2026年9月30日 24:00"))
    windows.shoot(page, "notice in force")
