"""Service by post entered and corrected on the pages, and the leader's two ways after the period had run out."""

from __future__ import annotations

import re
import time
from datetime import datetime

from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from portal import registers
from portal.cases.models import Case
from portal.documents.models import Letter
from tests.browser.looks import faults
from tests.browser.site import CEMENT, ETS, Site
from tests.browser.windows import DESK, PHONE, Windows, text_of, until_there

WHY = "回执日期看错，邮件回执为 9 月 25 日签收"


def issued(site: Site, year: int) -> int:
    """A notice that was issued and whose letter has been made; the id of its case."""
    site.at("2026-09-22T09:00:00")
    _list(site, year)
    draft = site.draft()
    units = [{"unit": CEMENT, "amount": "1200000"}]
    site.complete("zhou", draft, {"year": str(year), "units": units})
    site.complete("chen", site.task("allocation", "sign")[0], {"result": "签发"})
    end = time.monotonic() + 15
    while (case := _made(site, year)) is None:
        assert time.monotonic() < end, "the worker has not made the notice's file"
        time.sleep(0.1)
    return case


def _list(site: Site, year: int) -> None:
    """Has the unit on the year's list of key emitters."""
    with site.tools.database.transaction() as tx:
        emitters = site.tools.kernel.releases.newest(tx, ETS).regulation.registers["emitters"]
        row = {
            "uscc": CEMENT,
            "year": str(year),
            "name": "重庆某水泥有限公司",
            "industry": "水泥",
            "district": "万州区",
        }
        cause = registers.Cause(moment=site.tools.kernel.now(tx), reason="test")
        registers.record(tx, ETS, emitters, [row], None, cause)


def _made(site: Site, year: int) -> int | None:
    made = select(Case.id).join(Letter, Letter.case_id == Case.id).where(Letter.state == "ready")
    of_year = made.where(Case.procedure == "allocation-notice", Case.searchable["start.year"].astext == str(year))
    with site.tools.database.transaction() as tx:
        return tx.scalars(of_year.order_by(Case.id.desc()).limit(1)).first()


def enter(page: Page, case: int, day: str) -> None:
    """The clerk enters the receipt of a case's notice on the pages."""
    page.goto(f"/cases/{case}")
    until_there(page, page.get_by_text("待送达", exact=True))
    page.get_by_role("link", name="登记送达", exact=True).click()
    fill(page, day, "邮寄")
    page.get_by_role("button", name="登记送达").click()
    expect(page.get_by_role("status").filter(has_text="已登记送达")).to_be_visible()


def fill(page: Page, day: str, way: str) -> None:
    at = datetime.fromisoformat(day)
    page.get_by_role("radio", name=re.compile(way)).check()
    page.get_by_label("签收日期").fill(f"{at:%Y-%m-%d}")
    page.get_by_role("textbox", name="签收时间").fill(f"{at:%H:%M}")


def correct(page: Page, case: int, day: str, way: str = "直接送达") -> None:
    """From the case to what would follow."""
    page.goto(f"/cases/{case}")
    page.locator("#service").get_by_role("link", name=re.compile("更正")).click()
    fill(page, day, way)
    page.get_by_label("更正的理由").fill(WHY)
    page.get_by_role("button", name="下一步：核对影响").click()
    expect(page.get_by_role("heading", name="核对更正的影响")).to_be_visible()


def test_a_receipt_is_entered_corrected_and_the_deadline_moves(site: Site, windows: Windows):
    case = issued(site, 2022)
    site.at("2026-09-28T10:00:00")
    page = windows.of("tao")
    enter(page, case, "2026-09-23T15:00")
    expect(page.get_by_text("2026年10月10日", exact=False).first).to_be_visible()
    windows.shoot(page, "entered")
    page.locator("#service").get_by_role("link", name=re.compile("更正")).click()
    windows.shoot(page, "form")
    assert faults(page) == []
    page.get_by_role("button", name="下一步：核对影响").click()
    expect(page.get_by_role("alert")).to_contain_text("请说明更正的理由")
    correct(page, case, "2026-09-25T09:30")
    expect(page.get_by_text("由 2026年10月10日（周六）24:00 改为 2026年10月12日（周一）24:00")).to_be_visible()
    windows.shoot(page, "check")
    assert faults(page) == []
    page.get_by_role("button", name="确认更正").click()
    expect(page.get_by_role("status").filter(has_text="已更正")).to_be_visible()
    expect(page.locator(".deadline .date")).to_contain_text("2026年10月12日")
    service = page.locator("#service")
    expect(service).to_contain_text("直接送达 · 2026年9月25日 09:30")
    expect(service).to_contain_text("以此为准")
    expect(service).to_contain_text(WHY)
    assert faults(page) == []
    windows.shoot(page, "corrected")
    unit = windows.of("wang", PHONE)
    unit.goto(f"/my/cases/{case}")
    expect(unit.get_by_text("2026年10月12日（周一）24:00", exact=True)).to_be_visible()


def test_a_struck_receipt_leaves_the_letter_unserved_until_another_is_entered(site: Site, windows: Windows):
    case = issued(site, 2016)
    site.at("2026-09-28T10:00:00")
    page = windows.of("tao", PHONE)
    enter(page, case, "2026-09-23T15:00")
    page.locator("#service").get_by_role("link", name=re.compile("更正")).click()
    page.get_by_role("radio", name=re.compile("作废原记录")).check()
    page.get_by_label("更正的理由").fill("回执是另一单位的")
    windows.shoot(page, "strike form")
    assert faults(page) == []
    page.get_by_role("button", name="下一步：核对影响").click()
    expect(page.get_by_text("期限终止")).to_be_visible()
    windows.shoot(page, "strike check")
    page.get_by_role("button", name="确认更正").click()
    expect(page.get_by_role("heading", name="通知书已制发，等待送达")).to_be_visible()
    windows.shoot(page, "unserved")
    assert faults(page) == []
    enter(page, case, "2026-09-25T09:30")
    expect(page.get_by_role("heading", name="已送达，异议期内")).to_be_visible()


def corrected(page: Page) -> Locator:
    """The matters of corrected services on the desk; there are duties overdue too."""
    return page.get_by_role("article").filter(has_text="送达更正")


def late(site: Site, windows: Windows, year: int) -> int:
    """A notice that became final before its receipt was corrected."""
    case = issued(site, year)
    site.at("2026-09-28T10:00:00")
    page = windows.of("tao")
    enter(page, case, "2026-09-23T15:00")
    site.at("2026-10-12T10:00:00")
    page.goto(f"/cases/{case}")
    until_there(page, page.get_by_role("heading", name="已生效"))
    correct(page, case, "2026-09-28T09:00")
    expect(page.get_by_text("更正不会自动改变案件结果")).to_be_visible()
    windows.shoot(page, "check after the period")
    page.get_by_role("button", name="确认更正").click()
    expect(page.get_by_role("status").filter(has_text="已更正")).to_be_visible()
    return case


def test_the_leader_keeps_the_outcome_or_has_the_notice_made_anew(site: Site, windows: Windows):
    kept, renewed = late(site, windows, 2021), late(site, windows, 2020)
    page = windows.of("chen")
    page.goto("/inbox")
    page.get_by_role("link", name=re.compile("督办台")).last.click()
    expect(page.get_by_role("heading", name="督办台", level=1)).to_be_visible()
    matters = corrected(page)
    expect(matters).to_have_count(2)
    assert faults(page) == []
    windows.shoot(page, "desk")
    first = matters.first
    expect(first).to_contain_text("2026年10月10日（周六）24:00")
    expect(first).to_contain_text("2026年10月13日（周二）24:00")
    first.get_by_role("button", name="维持原结果").click()
    expect(page.get_by_text("请写明理由")).to_be_visible()
    corrected(page).first.get_by_label("理由").fill("单位书面确认无异议")
    corrected(page).first.get_by_role("button", name="维持原结果").click()
    expect(page.get_by_role("status").filter(has_text="已维持原结果")).to_be_visible()
    corrected(page).get_by_label("理由").fill("异议期按实际送达没有届满")
    corrected(page).get_by_role("button", name="重新作出通知").click()
    expect(page.get_by_role("status").filter(has_text="已重新作出通知")).to_be_visible()
    expect(corrected(page)).to_have_count(0)
    expect(page.get_by_role("row").filter(has_text="单位书面确认无异议")).to_contain_text("维持原结果")
    windows.shoot(page, "decided")
    assert faults(page) == []
    page.goto(f"/cases/{kept}")
    expect(page.get_by_role("heading", name="已生效")).to_be_visible()
    page.goto(f"/cases/{renewed}")
    expect(page.get_by_role("heading", name="已被取代")).to_be_visible()
    page.get_by_role("tab", name="关联案件").click()
    page.locator("#file-links").get_by_role("link").last.click()
    assert "重庆" in text_of(page)


def test_the_desk_works_on_a_phone_and_without_javascript(site: Site, windows: Windows):
    case = late(site, windows, 2019)
    phone = windows.of("chen", PHONE)
    phone.goto("/desk")
    windows.shoot(phone, "desk")
    assert faults(phone) == []
    page = windows.of("chen", DESK, javascript=False)
    page.goto("/desk")
    corrected(page).get_by_label("理由").fill("单位书面确认无异议")
    corrected(page).get_by_role("button", name="维持原结果").click()
    expect(corrected(page)).to_have_count(0)
    page.goto(f"/cases/{case}")
    expect(page.locator("#matters")).to_contain_text("维持原结果")


def test_the_registry_reads_its_copies(site: Site, windows: Windows):
    issued(site, 2018)
    for width in (DESK, PHONE):
        page = windows.of("sun", width)
        page.goto("/copies")
        until_there(page, page.get_by_role("link", name=re.compile("下载 Word")).first)
        windows.shoot(page, "copies")
        assert faults(page) == []
    page.get_by_role("link", name="碳排放配额分配通知书").first.click()
    expect(page.get_by_text("1,200,000").first).to_be_visible()
    windows.shoot(page, "copy")
    assert faults(page) == []
