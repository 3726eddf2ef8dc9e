"""A list of units imported from Excel in Chromium: its faults seen, mended, imported and handed in."""

from __future__ import annotations

import io
import re

import pytest
from openpyxl import load_workbook
from playwright.sync_api import FilePayload, Locator, Page, expect
from sqlalchemy import select

from portal import identity
from portal.cases import filing
from portal.cases.models import Task
from portal.identity import Person
from portal.procedures import publish
from tests.browser.looks import faults
from tests.browser.site import Site
from tests.browser.windows import DESK, PHONE, Windows, hand_in
from tests.builders.pages import LONG_AGO
from tests.builders.procedures import REGULATION
from tests.builders.sheets import AMOUNT, CODE, HEADINGS, NAME, XLSX, code, content, workbook

UNITS = 2000


@pytest.fixture(scope="module", autouse=True)
def listing(site: Site) -> None:
    """A procedure that asks for a table, and the organisations that are named in it."""
    with site.tools.database.transaction() as tx:
        publish(tx, content(), site.tools.kernel.now(tx), "test")
        zhou = tx.scalars(select(Person).where(Person.login == "zhou")).one()
        identity.grant_role(tx, person_id=zhou.id, regulation=REGULATION, role="officer", from_day=LONG_AGO)
        for number in range(UNITS):
            name = f"重庆第{number}水泥厂"
            identity.add_organisation(tx, uscc=code(number), name=name, district="万州区", kinds=["enterprise"])


def begun(site: Site) -> str:
    """The address of a new task that asks for the table."""
    actor, kernel = site.actor("zhou"), site.tools.kernel
    with site.tools.database.transaction() as tx:
        case = filing.file(kernel, tx, actor, REGULATION, "listing", {}, kernel.now(tx))
        return f"/tasks/{tx.scalars(select(Task.id).where(Task.case_id == case.id)).one()}"


def sheet(rows: list[tuple[object, ...]], headings: tuple[str, ...] = HEADINGS) -> FilePayload:
    return {"name": "名单.xlsx", "mimeType": XLSX, "buffer": workbook(rows, headings)}


def read_in(page: Page, file: FilePayload) -> None:
    page.get_by_label("从 Excel 导入").set_input_files([file])
    page.get_by_role("button", name="导入", exact=True).click()


def table(page: Page) -> Locator:
    return page.get_by_role("group", name=re.compile("各单位年度配额"))


def settled(page: Page) -> None:
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)


def test_a_sheet_with_faults_is_seen_mended_imported_and_handed_in(site: Site, windows: Windows):
    page = windows.of("zhou")
    page.goto(begun(site))
    page.get_by_label(f"第 1 行 {CODE}").fill(code(7))
    page.get_by_label("说明").fill("按产量核定")
    rows: list[tuple[object, ...]] = [
        (code(1), 1_200_000, "重庆第1水泥厂"),
        (code(2).lower(), "３５０，０００", "重庆第3水泥厂"),
        (None, None, None),
        (code(1), "=B2", None),
        (code(5000), 1e30, None),
    ]
    read_in(page, sheet(rows, (*HEADINGS, NAME)))
    expect(page.get_by_role("alert")).to_contain_text("“名单.xlsx”没有导入，有 6 处需要改正")
    expect(page.get_by_role("alert")).to_be_focused()
    listed = page.get_by_role("region", name="导入文件中需要改正之处")
    expect(listed.get_by_role("row")).to_have_count(7)
    expect(listed).to_contain_text("登记的名称是“重庆第2水泥厂”，表中写的是“重庆第3水泥厂”")
    expect(listed).to_contain_text("B5 是公式")
    expect(page.get_by_label(f"第 1 行 {CODE}"), "what was on the page stays").to_have_value(code(7))
    expect(page.get_by_label("说明")).to_have_value("按产量核定")
    assert faults(page) == []
    windows.shoot(page, "faults of a sheet")

    mended: list[tuple[object, ...]] = [(code(1), 1_200_000), (code(2), 350_000), (code(3), 90_000)]
    read_in(page, sheet(mended))
    expect(page.get_by_role("status").filter(has_text="读入")).to_contain_text("已从“名单.xlsx”读入 3 行，尚未提交")
    expect(table(page)).to_contain_text("年度配额合计 1,640,000 tCO₂e")
    expect(table(page)).to_contain_text("重庆第3水泥厂")
    windows.shoot(page, "imported")
    hand_in(page)
    page.goto("/cases?q=listing")
    page.get_by_role("main").get_by_role("link", name=re.compile("listing")).first.click()
    expect(page.get_by_text("3 行；年度配额合计 1,640,000 tCO₂e")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="重庆第2水泥厂")).to_contain_text("350,000")
    assert faults(page) == []
    windows.shoot(page, "in the file")


def test_rows_are_added_and_removed_without_leaving_the_page(site: Site, windows: Windows):
    page = windows.of("zhou")
    page.goto(begun(site))
    page.get_by_label("说明").fill("逐行填写")
    page.get_by_label(f"第 1 行 {CODE}").fill(code(1))
    page.get_by_label(f"第 1 行 {AMOUNT}").fill("5")
    page.get_by_role("button", name="添加一行").click()
    second = page.get_by_label(f"第 2 行 {CODE}")
    expect(second).to_be_focused()
    second.fill(code(1))
    page.get_by_label(f"第 2 行 {AMOUNT}").fill("7")
    page.keyboard.press("Enter")
    expect(table(page)).to_contain_text("合计 12 tCO₂e")
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text(f"第 2 行 {CODE}：与第 1 行重复，请只留一行")
    windows.shoot(page, "a unit twice")
    page.get_by_role("button", name="删除第 1 行").click()
    settled(page)
    expect(page.get_by_label(f"第 1 行 {AMOUNT}")).to_have_value("7")
    expect(page.get_by_label("说明")).to_have_value("逐行填写")
    hand_in(page)


def test_two_thousand_rows_are_read_corrected_by_a_sheet_and_handed_in(site: Site, windows: Windows):
    page = windows.of("zhou")
    page.goto(begun(site))
    read_in(page, sheet([(code(number), number + 1) for number in range(UNITS)]))
    expect(page.get_by_role("status").filter(has_text="读入")).to_contain_text("读入 2,000 行")
    expect(table(page).get_by_role("row")).to_have_count(UNITS + 1)
    assert faults(page) == []
    windows.shoot(page, "two thousand rows")
    with page.expect_download() as begun_download:
        page.get_by_role("button", name="下载当前表格").click()
    book = load_workbook(io.BytesIO(begun_download.value.path().read_bytes()))
    rows = [tuple(row) for row in book.worksheets[0].iter_rows(min_row=2, values_only=True)]
    assert rows[1999] == (code(1999), 2000, "重庆第1999水泥厂")
    read_in(page, sheet([(*row[:1], 10, row[2]) for row in rows], (*HEADINGS, NAME)))
    expect(table(page)).to_contain_text("合计 20,000 tCO₂e")
    hand_in(page)


@pytest.mark.parametrize(("width", "javascript"), [(DESK, False), (PHONE, True)])
def test_without_javascript_and_on_a_phone(site: Site, windows: Windows, width: int, javascript: bool):
    page = windows.of("zhou", width, javascript=javascript)
    page.goto(begun(site))
    with page.expect_download() as sample:
        page.get_by_role("button", name="下载样表").click()
    assert sample.value.suggested_filename == "各单位年度配额（样表）.xlsx"
    page.get_by_label(f"第 1 行 {CODE}").fill(code(1))
    page.get_by_role("button", name="添加一行").click()
    page.get_by_label(f"第 2 行 {AMOUNT}").fill("三")
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("有 3 处需要改正")
    assert faults(page) == []
    windows.shoot(page, "wrong cells" if javascript else "without javascript")
    read_in(page, sheet([(code(1), 5), (code(2), 6)]))
    expect(page.get_by_label(f"第 2 行 {AMOUNT}")).to_have_value("6")
    windows.shoot(page, "imported")
    hand_in(page)
