"""A correction item by item in Chromium: a methodology filed on a phone, asked to be corrected at the desk, answered on
the phone, judged old beside new, asked again, accepted."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from portal.cases.models import Case
from tests.browser.files import pdf
from tests.browser.filings import FILING, open_task
from tests.browser.site import FILINGS, Seeded, Site
from tests.browser.windows import DESK, PHONE, Windows, choose, claim, hand_in, text_of, until_there

TITLE = "二手书循环碳普惠方法学"
MONITORING = "由平台逐笔记录，按月汇总"
RULES = (
    "申请人资格 硬性条件 个人，可以申请 嘉碳普惠办〔2023〕3号第七条",
    "材料齐全之日依据的文本有效 硬性条件 有效，依据的是假定的续期文件",
    "材料齐全 提示 材料齐全，没有重复的文件 嘉碳普惠办〔2023〕3号第九条",
    "没有重复申请 提示 同一文本没有在其他案件中提交过",
)
"""What is checked by itself: whether it is hard or soft, what came out, and by which article."""


@pytest.fixture(scope="module")
def seeded(demo_with_filings: Seeded) -> Seeded:
    """Here methodologies are filed."""
    return demo_with_filings


def test_a_correction_item_by_item(site: Site, windows: Windows):
    number = filed(windows)
    case = case_of(site, number)
    site.at("2026-09-22T09:00:00")
    asked(windows, number)
    site.at("2026-09-23T09:00:00")
    told(windows, case)
    first = f"/my/tasks/{open_task(site, case, 'correct')}"
    answered(windows, first)
    site.at("2026-09-24T09:00:00")
    judged(windows, number)
    site.at("2026-09-28T09:00:00")
    asked_again(site, windows, case, first)
    site.at("2026-09-29T09:00:00")
    accepted(windows, number)
    reckoned(windows, case)


def case_of(site: Site, number: str) -> int:
    with site.tools.database.transaction() as tx:
        return tx.scalars(select(Case.id).where(Case.number == number)).one()


def filed(windows: Windows) -> str:
    """A natural person hands in what he proposes, page by page on his phone; the number of his case."""
    page = windows.of("gu", PHONE)
    page.goto(f"/file/{FILINGS}/{FILING}")
    expect(page.get_by_text("第 1 步，共 6 步")).to_be_visible()
    page.get_by_label("方法学名称").fill(TITLE)
    page.get_by_label("领域").select_option("废弃物处理")
    page.get_by_label("版本").fill("V1.0")
    page.get_by_label("内容摘要").fill("适用于二手书循环利用减少造纸的减排量核算。")
    onward(page)
    page.get_by_label("基准线情景").fill("以现有做法的平均排放水平为基准线")
    page.get_by_label("额外性论证").fill("没有直接经济收益")
    page.get_by_label("减排量核算方法").fill("活动量乘以基准线因子与项目因子之差")
    page.get_by_label("监测计划").fill(MONITORING)
    onward(page)
    page.get_by_label("第 1 行 姓名").fill("顾然")
    page.get_by_label("第 1 行 工作单位", exact=True).fill("顾然")
    windows.look_at(page, "people")
    onward(page)
    for label in ("备案申请函", "方法学文本", "编制说明"):
        page.get_by_label(label).set_input_files([pdf(f"{label}.pdf")])
    windows.look_at(page, "materials")
    onward(page)
    page.get_by_label("所提交的材料真实、完整").check()
    onward(page)
    expect(page.get_by_text("第 6 步，共 6 步")).to_be_visible()
    windows.look_at(page, "checked")
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("已收到您的申请")
    assert "办理机关应当在 2026年9月29日（周二）24:00 前办完“告知是否受理”（5 个工作日）。" in text_of(page)
    windows.look_at(page, "receipt")
    return page.locator(".receipt .number").inner_text()


def onward(page: Page) -> None:
    page.get_by_role("button", name="下一步").click()


def asked(windows: Windows, number: str) -> None:
    """At the desk: what was checked before anybody read it, and three items, of a field, a material and a table."""
    page = windows.of("xu", DESK)
    claim(page, number)
    said = text_of(page)
    for rule in RULES:
        assert rule in said
    choose(page, "补正")
    wanted = (("监测计划", "写明监测频次"), ("编制说明", "请补充参数来源一览表"), ("编写人员", "请补全工作单位"))
    for row, (about, ask) in enumerate(wanted, 1):
        page.get_by_label(f"第 {row} 行 针对").select_option(label=about)
        page.get_by_label(f"第 {row} 行 需要补正的内容").fill(ask)
        if row < len(wanted):
            page.get_by_role("button", name="添加一行").click()
            expect(page.get_by_label(f"第 {row + 1} 行 针对")).to_be_visible()
    windows.look_at(page, "asked")
    hand_in(page)


def told(windows: Windows, case: int) -> None:
    """One letter says all of it, numbered, and by when; until it is opened, that the days have not begun."""
    page = windows.of("gu", PHONE)
    page.goto(f"/my/cases/{case}")
    expect(page.locator(".state")).to_contain_text("尚未起算自《补正告知书》送达的次日起算。到期没有办理的：视为撤回。")
    page.goto("/home")
    until_there(page, page.get_by_role("link", name="去签收"), seconds=60)
    assert "请办理：补正材料" in text_of(page)
    page.get_by_role("link", name="去签收").click()
    page.get_by_role("button", name="打开并签收").click()
    letter = page.get_by_role("article")
    for line in ("1．监测计划：写明监测频次", "2．编制说明：请补充参数来源一览表", "3．编写人员：请补全工作单位"):
        expect(letter).to_contain_text(line)
    windows.look_at(page, "letter")


def answered(windows: Windows, place: str) -> None:
    """On the phone: what is open, a draft with a file, and what is left."""
    page = windows.of("gu", PHONE)
    page.goto(place)
    expect(page.get_by_text("共 3 项，还有 3 项没有补正：")).to_be_visible()
    # Twenty working days from the day on which the letter was opened.
    expect(page.get_by_text("2026年10月28日（周三）24:00")).to_be_visible()
    windows.look_at(page, "items")
    first, second, third = (item(page, label) for label in ("监测计划", "编制说明", "编写人员"))
    expect(first.get_by_label("监测计划")).to_have_value(MONITORING)
    first.get_by_label("监测计划").fill("由平台逐笔记录，每月监测一次")
    second.locator("input[type=file]").set_input_files([pdf("编制说明（补正）.pdf")])
    page.get_by_role("button", name="保存草稿").click()
    expect(page.get_by_text("共 3 项，还有 1 项没有补正：")).to_be_visible()
    expect(first.get_by_label("监测计划")).to_have_value("由平台逐笔记录，每月监测一次")
    expect(second.get_by_role("link", name="编制说明（补正）.pdf")).to_be_visible()
    windows.look_at(page, "draft kept")
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("第 3 项：“编写人员”还没有补正。")
    windows.look_at(page, "one left open")
    third.get_by_label("第 1 行 工作单位", exact=True).fill("顾然工作室")
    hand_in(page)
    expect(page.locator(".state").first).to_contain_text("已补正，受理人员正在核对")
    windows.look_at(page, "handed in")


def item(page: Page, label: str) -> Locator:
    """The item that is about something."""
    return page.get_by_role("group", name=label)


def judged(windows: Windows, number: str) -> None:
    """Old beside new; one item is refused, and then the whole cannot be accepted."""
    page = windows.of("xu", DESK)
    claim(page, number)
    expect(item(page, "监测计划")).to_contain_text("原来 由平台逐笔记录，按月汇总 现在 由平台逐笔记录，每月监测一次")
    expect(item(page, "编制说明")).to_contain_text("内容已变（哈希不同）")
    windows.look_at(page, "to judge")
    for label, result in (("监测计划", "接受"), ("编制说明", "仍需补正"), ("编写人员", "接受")):
        choose_in(page, label, result)
    page.get_by_label("还需补正什么").fill("一览表没有注明年份")
    choose(page, "受理")
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("全部事项都接受的，写受理；有仍需补正的，写仍需补正")
    windows.look_at(page, "not all accepted")
    page.get_by_label("仍需补正", exact=True).last.check()
    hand_in(page)


def asked_again(site: Site, windows: Windows, case: int, place: str) -> None:
    """The second round asks what was refused alone; the page of the first, still open elsewhere, is over."""
    wide, phone = windows.of("gu", DESK), windows.of("gu", PHONE)
    wide.goto(f"/my/tasks/{open_task(site, case, 'correct')}")
    expect(wide.get_by_text("共 1 项，还有 1 项没有补正：")).to_be_visible()
    expect(item(wide, "监测计划")).to_have_count(0)
    expect(item(wide, "编制说明")).to_contain_text("一览表没有注明年份")
    windows.look_at(wide, "second round")
    phone.goto(place)
    assert "已经提交，不需要再办理" in text_of(phone)
    wide.locator("input[type=file]").set_input_files([pdf("编制说明（二次）.pdf")])
    hand_in(wide)


def accepted(windows: Windows, number: str) -> None:
    """The rest is accepted on a narrow screen, and with it the whole."""
    desk, page = windows.of("xu"), windows.of("xu", PHONE)
    claim(desk, number)
    page.goto(desk.url)
    windows.look_at(page, "second round judged")
    choose_in(page, "编制说明", "接受")
    choose(page, "受理")
    hand_in(page)


def reckoned(windows: Windows, case: int) -> None:
    """The day of filing is kept; the authority's time runs from the day on which nothing was missing any more."""
    desk = windows.of("xu")
    desk.goto(f"/cases/{case}")
    said = text_of(desk)
    assert "立案 2026年9月21日 09:00" in said
    assert said.count("技术审核：20 个工作日") == 1
    assert "2026年10月30日（周五）24:00" in said
    assert "9月28日收到齐全材料（受理之日），次日起算" in said
    windows.look_at(desk, "file")
    phone = windows.of("gu", PHONE)
    phone.goto(f"/my/cases/{case}")
    for summary in phone.get_by_text("的补正（").all():
        summary.click()
    assert "2026年10月30日（周五）24:00" in text_of(phone)
    windows.look_at(phone, "my case")


def choose_in(page: Page, label: str, result: str) -> None:
    """Judges one item, and waits until the form has been shown anew."""
    item(page, label).get_by_label(result, exact=True).check()
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)
