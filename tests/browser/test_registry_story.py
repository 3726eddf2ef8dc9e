"""What is on record, for everybody: found on a page, read with its history, taken away as a file, at an address that
stays."""

from __future__ import annotations

import csv
import re
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from portal import registers
from tests.browser.looks import faults
from tests.browser.site import FILINGS, Seeded, Site
from tests.browser.windows import DESK, PHONE, Windows

NAME, NUMBER, FILED_ON = "公共自行车骑行碳普惠方法学", "嘉碳普方备〔2026〕1号", "2026年8月4日"
VOID = {
    "number": "嘉碳普方备〔2024〕3号",
    "version": "V0.9",
    "name": "步行出行碳普惠方法学",
    "field": "低碳出行",
    "developer": "顾然",
    "text_hash": "9c41e07a" * 8,
    "filed_on": "2024-05-06",
}
PRIVATE = ("P9000000010", "91330402MA2JX001A4", "12330400MA2JX007WA", "环境工程", "2024-01-02")
"""What is on record of experts, and nobody's business: codes, contracts, conflicts, qualification."""


@pytest.fixture(scope="module")
def seeded(demo_with_filings: Seeded) -> Seeded:
    """Here are methodologies and experts on record."""
    return demo_with_filings


@pytest.fixture(scope="module", autouse=True)
def entered(site: Site) -> None:
    """A methodology that is void, and the leader's signature under the list of experts: one comes, one is suspended."""
    with site.tools.database.transaction() as tx:
        kernel = site.tools.kernel
        methodologies = kernel.releases.newest(tx, FILINGS).regulation.registers["methodologies"]
        cause = registers.Cause(moment=kernel.now(tx), reason="原有名册")
        registers.record(tx, FILINGS, methodologies, [VOID], "已废止", cause)
    site.complete("zhang", site.task("expert-committee", "approve")[0], {"result": "签发"})


def opened(windows: Windows, width: int, register: str) -> Page:
    """A register, from the first page of those that are public."""
    page = windows.open(width)
    page.goto("/registry")
    page.get_by_role("main").get_by_role("link", name=re.compile(register)).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(register)
    return page


def rows(page: Page) -> Locator:
    """What is listed."""
    return page.locator("tbody tr")


def looked_at(windows: Windows, page: Page, step: str) -> None:
    assert faults(page) == []
    windows.shoot(page, step)


def find(page: Page, text: str, state: str = "") -> None:
    """Looks for something in a register."""
    page.get_by_role("searchbox", name="查找公开的内容").fill(text)
    page.get_by_role("combobox", name="状态").select_option(state)
    page.get_by_role("button", name="查找", exact=True).click()


def csv_of(page: Page) -> list[list[str]]:
    """What the register's link for spreadsheets hands out."""
    with page.expect_download() as told:
        page.get_by_role("link", name="CSV", exact=True).click()
    text = Path(told.value.path()).read_text(encoding="utf-8-sig")
    return list(csv.reader(StringIO(text, newline="")))


def json_of(page: Page) -> dict[str, Any]:
    """What the page's link for programs leads to."""
    address = page.get_by_role("link", name="JSON", exact=True).get_attribute("href")
    answer = page.goto(address or "")
    assert answer
    found: dict[str, Any] = answer.json()
    page.go_back()
    return found


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_a_methodology_is_found_and_read_and_its_address_stays(windows: Windows, width: int):
    page = opened(windows, width, "碳普惠方法学备案登记")
    expect(rows(page)).to_have_count(2)
    looked_at(windows, page, "methodologies")
    find(page, "自行车")
    expect(rows(page)).to_have_count(1)
    for text in (NUMBER, "V1.0", NAME, "嘉兴某低碳科技有限公司", FILED_ON, "已备案"):
        expect(rows(page)).to_contain_text(text)
    [head, line] = csv_of(page)
    assert head[:7] == ["备案号", "版本", "方法学名称", "领域", "开发主体", "文本的 SHA-256", "备案日期"]
    assert [*line[:5], *line[6:8]] == [
        NUMBER, "V1.0", NAME, "低碳出行", "嘉兴某低碳科技有限公司", "2026-08-04", "已备案",
    ]  # fmt: skip
    find(page, "没有这一个")
    expect(page.get_by_role("heading", name="没有符合条件的记录")).to_be_visible()
    find(page, "", "已废止")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text(VOID["name"])
    looked_at(windows, page, "void ones")
    [found] = json_of(page)["records"]
    assert (found["fields"], found["state"], found["counts"]) == (VOID, "已废止", False)
    page.get_by_role("link", name=VOID["number"]).click()
    expect(page.get_by_text("这条记录现在的状态是“已废止”，不再有效；登记过的内容和变更保留在这里。")).to_be_visible()
    looked_at(windows, page, "void one")


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_a_record_leads_to_its_letter_and_keeps_its_address(windows: Windows, width: int):
    page = opened(windows, width, "碳普惠方法学备案登记")
    page.get_by_role("link", name=NUMBER).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(NUMBER)
    looked_at(windows, page, "methodology")
    told = json_of(page)
    [change] = told["changes"]
    assert (told["record"]["fields"]["name"], change["document"]) == (NAME, NUMBER)
    address = page.locator(".address").inner_text()
    assert address == told["record"]["url"]
    again = windows.open(width)
    again.goto(urlsplit(address).path)
    expect(again.get_by_role("heading", level=1)).to_have_text(NUMBER)
    changes = again.locator(".open-changes > li")
    expect(changes).to_have_count(1)
    expect(changes).to_contain_text(f"方法学名称 {NAME}")
    expect(changes).to_contain_text(f"备案日期 {FILED_ON}")
    changes.get_by_role("link", name=NUMBER).click()
    expect(again.get_by_role("heading", name="有效")).to_be_visible()
    expect(again.get_by_role("main")).to_contain_text("方法学备案通知书")
    assert again.url.endswith(urlsplit(change["verify"]).path)


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_an_expert_is_found_and_what_is_private_is_nowhere(windows: Windows, width: int):
    page = opened(windows, width, "碳普惠专家委员会专家")
    expect(rows(page)).to_have_count(8)
    looked_at(windows, page, "experts")
    seen = [page.content(), str(csv_of(page)), str(json_of(page))]
    find(page, "海宁")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("朱青")
    find(page, "", "暂停")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("link", name="Z07").click()
    changes = page.locator(".open-changes > li")
    expect(changes).to_have_count(2)
    expect(changes.first).to_contain_text("状态 由在库 → 改为暂停")
    looked_at(windows, page, "expert")
    seen += [page.content(), str(json_of(page))]
    assert [secret for secret in PRIVATE for text in seen if secret in text] == []
