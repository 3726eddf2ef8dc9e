"""A holiday notice is typed with faults, mended, previewed and confirmed; the case shows its new day and tells why."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from sqlalchemy import select

from portal.cases import delivery
from portal.documents.models import Letter, Service
from tests.browser.looks import faults
from tests.browser.site import Site
from tests.browser.windows import PHONE, Windows, text_of, until_there

FAULTY = "2027-01-01至2027-01-04、2027-02-05至2027-02-30、春节"
OFF = "2027-01-01至2027-01-04、2027-02-05至2027-02-11、4月3日至5日、5月1日至3日、2027-06-09、2027-09-15、10月1日至5日"
WORKED = "2027-01-09、2027-02-13、2027-02-14"
REASON = "放假安排（国办发明电〔2026〕0号）更新：1月4日放假，不计"


def signed_for_in_december(site: Site) -> tuple[int, str]:
    """A notice of the demo is signed for on 25 December: its period ends, as far as is known, on 6 January."""
    site.at("2026-12-25T10:00:00")
    open_letter = select(Letter).join(Service).where(Service.state == "open", Letter.name == "notice")
    with site.tools.database.transaction() as tx:
        letter = tx.scalars(open_letter.order_by(Letter.id)).first()
        assert letter is not None
        organisation = next(one.organisation_id for one in letter.services if one.kind == "party")
        case_id, letter_id = letter.case_id, letter.id
    login = next(login for login in ("wang", "liu", "guo") if site.actor(login).organisation_id == organisation)
    actor, kernel = site.actor(login), site.tools.kernel
    with site.tools.database.transaction() as tx:
        delivery.sign_for(kernel, tx, actor, letter_id, kernel.now(tx))
    return case_id, login


def fill(page: Page, off: str, worked: str) -> None:
    page.get_by_label("放假的日期", exact=True).fill(off)
    page.get_by_label("调休上班的日期").fill(worked)


def looks_right(windows: Windows, page: Page, step: str) -> None:
    """At both widths, with a picture of each."""
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert faults(page) == []
        windows.shoot(page, step)
    page.set_viewport_size({"width": 1440, "height": 900})


def test_a_notice_is_entered_with_its_effects_before_and_after(site: Site, windows: Windows):
    case_id, login = signed_for_in_december(site)
    official = windows.of("zhou")
    official.goto(f"/cases/{case_id}")
    expect(official.get_by_text("2027年1月6日").first).to_be_visible()
    expect(official.get_by_text("暂定：当年放假通知未发布")).to_be_visible()

    page = windows.of("admin")
    page.get_by_role("link", name="放假安排").first.click()
    expect(page.get_by_role("row").filter(has_text="2027").first).to_contain_text("暂定")
    looks_right(windows, page, "years")

    page.get_by_label("年份").fill("2027")
    page.get_by_label("文号").fill("国办发明电〔2026〕0号")
    page.get_by_label("来源").fill("中国政府网 https://www.gov.cn/")
    fill(page, FAULTY, "2027-01-08")
    page.get_by_role("button", name="核对影响").click()
    wrong = page.get_by_role("alert").filter(has_text="需要改正")
    expect(wrong).to_contain_text("“2027-02-30”不是日历上的日期。")
    expect(wrong).to_contain_text("“春节”读不懂")
    expect(wrong).to_contain_text("2027-01-08 是周五，本来就上班")
    expect(page.get_by_label("放假的日期", exact=True)).to_have_value(FAULTY)
    expect(page.get_by_label("文号")).to_have_value("国办发明电〔2026〕0号")
    looks_right(windows, page, "faults")

    fill(page, OFF, WORKED)
    page.get_by_role("button", name="核对影响").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("2027 年放假安排：核对影响")
    row = page.get_by_role("table", name="将变动的期限").get_by_role("row").nth(1)
    expect(row).to_contain_text("2027年1月6日 → 2027年1月7日")
    expect(row).to_contain_text("暂定 → 确定")
    expect(row).to_contain_text(REASON)
    looks_right(windows, page, "effects")

    page.get_by_role("button", name="返回修改").click()
    expect(page.get_by_label("放假的日期", exact=True)).to_have_value(OFF)
    page.get_by_role("button", name="核对影响").click()
    page.get_by_role("button", name="确认录入，变动 1 件期限").click()
    expect(page.get_by_role("status").filter(has_text="已录入 2027 年放假安排")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="2027").first).to_contain_text("已公布")
    looks_right(windows, page, "entered")

    until_there(official, official.get_by_text("期限调整", exact=False))
    expect(official.get_by_text("2027年1月7日").first).to_be_visible()
    expect(official.get_by_text("暂定：当年放假通知未发布")).to_have_count(0)
    official.get_by_role("tab", name="经过").click()
    assert REASON in text_of(official)
    looks_right(windows, official, "the case tells why")

    applicant = windows.of(login, PHONE)
    applicant.goto(f"/my/cases/{case_id}")
    expect(applicant.get_by_text("2027年1月7日（周四）24:00").first).to_be_visible()


def test_messages_of_an_official_and_of_a_unit(site: Site, windows: Windows):
    """By now the demo's reviews are long overdue, and letters were there to be signed for."""
    leader = windows.of("chen")
    leader.goto("/messages")
    expect(leader.get_by_role("heading", name="消息", exact=True)).to_be_visible()
    overdue = leader.get_by_role("listitem").filter(has_text="已逾期：作出复核决定")
    expect(overdue.first).to_be_visible()
    looks_right(windows, leader, "messages of the leader")
    overdue.first.get_by_role("button").click()
    expect(leader).not_to_have_url(f"{site.address}/messages")

    unit = windows.of("wang", PHONE)
    unit.goto("/messages")
    letter = unit.get_by_role("listitem").filter(has_text="有文书待签收").first
    expect(letter).to_be_visible()
    assert faults(unit) == []
    windows.shoot(unit, "messages of a unit")
    unit.get_by_role("button", name="全部标为已读").click()
    expect(unit.get_by_text("未读")).to_have_count(0)
