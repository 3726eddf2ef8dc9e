"""The whole story by hand: a notice is drawn up, signed for, objected to, and changed on review."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.files import pdf, program
from tests.browser.site import Site
from tests.browser.windows import PHONE, Windows, choose, claim, hand_in, text_of, until_there

NUMBER = re.compile(r"渝环\S{1,2}〔2026〕\d+号")
UNIT = "91500101MA5DEMA01C"
OPINION = "数量与核查报告不符，请按 1,200,000 重新核定。"
GROUNDS = "2026 年二号线熟料产量少计约 4.8 万吨，见产量台账。"
REASONS = "产量台账与电力台账相互印证，少计的产量属实。"
FINDINGS = "申请人提交的产量台账与电力台账已核对。"
NOT_A_PDF = "“产量台账.pdf”不是可以接受的文件（pdf、docx、xlsx、jpg、png），或内容与扩展名不符。"
WHY_OCTOBER_12 = (
    "9月24日送达文书，次日起算；跳过9月25日至27日（中秋节）、10月1日至7日（国庆节）、10月11日（周末）；"
    "10月10日调休上班，计入；第7个工作日为10月12日，当日24:00届满。"
)


def test_story(site: Site, windows: Windows):
    allocation = drawn_up(windows)
    returned(windows, allocation)
    corrected_and_signed(site, windows, allocation)
    notice = signed_for(site, windows)
    review = objected_to(site, windows, notice)
    material_added(site, windows, review)
    admitted(site, windows, review)
    decided(site, windows, review)
    decision_read(windows, review)
    settled(windows, review)
    over(windows, allocation)


def drawn_up(windows: Windows) -> str:
    page = windows.of("zhou")
    page.get_by_role("link", name="发起事项").click()
    windows.shoot(page, "what may be started")
    page.get_by_role("listitem").filter(has_text="配额分配").get_by_role("button", name="发起").click()
    number = NUMBER.findall(said(page))[0]
    assert said(page) == f"已立案，编号 {number}。"
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{number} · 核定年度配额")
    expect(page.get_by_role("main")).to_contain_text("依据 渝府发〔2023〕6号第十一条第一款")
    determine(page, "1500000")
    page.get_by_label("核定依据").fill("按行业基准线核定")
    windows.shoot(page, "determination")
    hand_in(page)
    assert said(page).startswith(f"“{number} 核定年度配额”已提交。")
    return number


def determine(page: Page, amount: str) -> None:
    page.get_by_label("配额年度").fill("2026")
    page.get_by_label("第 1 行 统一社会信用代码").fill(UNIT)
    page.get_by_label("第 1 行 年度配额（tCO₂e）").fill(amount)


def said(page: Page) -> str:
    """What the portal says has been done."""
    return page.get_by_role("status").first.inner_text()


def returned(windows: Windows, allocation: str) -> None:
    page = windows.of("chen")
    claim(page, allocation)
    expect(page.get_by_role("main")).to_contain_text("1,500,000 tCO₂e")
    opinion = page.get_by_label("退回意见")
    expect(opinion).to_be_hidden()
    choose(page, "退回")
    expect(opinion).to_be_visible()
    refused(page, "请填写退回意见")
    opinion.fill(OPINION)
    windows.shoot(page, "sent back by the leader")
    hand_in(page)


def refused(page: Page, *faults: str) -> None:
    """Hands in what is not complete: the faults are told above the form."""
    page.get_by_role("button", name="提交", exact=True).click()
    summary = page.get_by_role("alert").filter(has_text=f"有 {len(faults)} 处需要改正")
    expect(summary.get_by_role("listitem")).to_have_text(list(faults))


def corrected_and_signed(site: Site, windows: Windows, allocation: str) -> None:
    page = windows.of("zhou")
    claim(page, allocation)
    expect(page.get_by_role("main")).to_contain_text(OPINION)
    windows.shoot(page, "sent back")
    determine(page, "1200000")
    hand_in(page)
    site.at("2026-09-22T09:30:00")
    page = windows.of("chen")
    claim(page, allocation)
    expect(page.get_by_role("main")).to_contain_text("1,200,000 tCO₂e")
    choose(page, "签发")
    windows.shoot(page, "signed by the leader")
    hand_in(page)
    page = windows.of("zhou")
    page.get_by_role("searchbox").fill(allocation)
    page.keyboard.press("Enter")
    row = page.get_by_role("row").filter(has_text=allocation)
    expect(row).to_contain_text("通知已逐个启动，等待全部通知办结")
    windows.shoot(page, "found by its number")
    row.get_by_role("link").first.click()
    until_there(page, page.get_by_text("已办结 0 件，共 1 件"))
    windows.shoot(page, "allocation waits for its notice")


def signed_for(site: Site, windows: Windows) -> str:
    site.at("2026-09-24T10:00:00")
    page = windows.of("wang", PHONE)
    until_there(page, page.get_by_role("heading", name="有文书待签收"))
    expect(page.get_by_role("heading", level=1)).to_have_text("有 1 件事需要您办理")
    assert "1,200,000" not in page.content(), "a notice is known before it is served"
    windows.shoot(page, "home with a letter")
    page.get_by_role("link", name="去签收").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("碳排放配额分配通知书")
    number = NUMBER.findall(text_of(page))[0]
    expect(page.get_by_role("main")).to_contain_text("签收只表示收到，不表示同意文书内容。")
    expect(page.get_by_role("main")).to_contain_text("提出异议（申请复核）：7 个工作日")
    assert "1,200,000" not in page.content()
    assert "核定了你单位" not in page.content()
    windows.shoot(page, "letter before service")
    page.get_by_role("button", name="打开并签收").click()
    assert said(page) == "已签收。今日即为送达日。"
    letter = page.get_by_role("article")
    expect(letter).to_contain_text("2026年度碳排放配额为1,200,000吨二氧化碳当量。")
    expect(letter).to_contain_text("2026年9月22日")
    windows.shoot(page, "letter read")
    page.get_by_role("link", name="查看办件").click()
    until_when_and_why(windows, page)
    return number


def until_when_and_why(windows: Windows, page: Page) -> None:
    expect(page.get_by_role("heading", name="已送达，异议期内")).to_be_visible()
    expect(page.get_by_role("heading", name="提出异议（申请复核）：7 个工作日")).to_be_visible()
    expect(page.get_by_text("2026年10月12日（周一）24:00", exact=True)).to_be_visible()
    expect(page.get_by_text("剩 7 个工作日", exact=True)).to_be_visible()
    reason = page.get_by_text(WHY_OCTOBER_12)
    expect(reason).to_be_hidden()
    page.get_by_text("为什么是这一天？").click()
    expect(reason).to_be_visible()
    expect(page.get_by_text("依据：渝府发〔2023〕6号第十一条第二款")).to_be_visible()
    windows.shoot(page, "until when and why")


def objected_to(site: Site, windows: Windows, notice: str) -> str:
    site.at("2026-09-28T15:40:00")
    page = windows.of("wang", PHONE)
    page.get_by_role("link", name="提出复核申请").click()
    expect(page.get_by_role("main")).to_contain_text(f"对通知书 {notice} 确定的 2026 年度配额申请复核。")
    expect(page.get_by_role("heading", name="2026年10月12日（周一）24:00 前提出")).to_be_visible()
    expect(page.get_by_text("第 1 步，共 4 步")).to_be_visible()
    page.get_by_role("button", name="下一步").click()
    faults = page.get_by_role("alert").filter(has_text="有 1 处需要改正")
    expect(faults.get_by_role("listitem")).to_have_text(["请填写主张的年度配额"])
    expect(faults).to_be_focused()
    windows.shoot(page, "nothing filled in")
    page.get_by_label("主张的年度配额").fill("1320000")
    page.get_by_role("button", name="下一步").click()
    there_and_back(windows, page)
    page.get_by_role("button", name="下一步").click()
    wrong_file(windows, page)
    page.get_by_label("证明材料").set_input_files(pdf("产量台账.pdf"))
    page.get_by_role("button", name="下一步").click()
    checked(windows, page)
    page.get_by_role("button", name="提交", exact=True).click()
    return receipt(windows, page, notice)


def there_and_back(windows: Windows, page: Page) -> None:
    """What is typed stays, whichever way one leaves: by the page's button, by the browser's, or for good."""
    grounds = page.get_by_label("事实与理由")
    grounds.fill("2026 年二号线")
    page.get_by_role("button", name="上一步").click()
    expect(page.get_by_label("主张的年度配额")).to_have_value("1,320,000")
    page.get_by_role("button", name="下一步").click()
    expect(grounds).to_have_value("2026 年二号线")
    grounds.fill(GROUNDS)
    expect(page.locator("#kept")).to_have_text("2026年9月28日 15:40 已保存。")
    page.go_back()
    expect(page.get_by_label("主张的年度配额")).to_have_value("1,320,000")
    page.go_forward()
    expect(grounds).to_have_value(GROUNDS)
    page.goto("/home")
    expect(page.get_by_role("listitem").filter(has_text="配额分配异议复核").filter(has_text="继续填写")).to_be_visible()
    windows.shoot(page, "home with a draft")
    page.get_by_role("link", name="继续填写").click()
    expect(grounds.or_(page.get_by_label("证明材料"))).to_be_visible()
    page.get_by_role("link", name="事实与理由").or_(grounds).first.click()
    expect(grounds).to_have_value(GROUNDS)
    windows.shoot(page, "grounds")


def wrong_file(windows: Windows, page: Page) -> None:
    """A program that calls itself a PDF: the field says so, and everything typed is still there."""
    page.get_by_label("证明材料").set_input_files(program("产量台账.pdf"))
    page.get_by_role("button", name="下一步").click()
    expect(page.get_by_role("alert").get_by_role("link", name=NOT_A_PDF)).to_be_visible()
    field = page.get_by_label("证明材料")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile(re.escape(NOT_A_PDF)))
    windows.shoot(page, "wrong file")


def checked(windows: Windows, page: Page) -> None:
    expect(page.get_by_text("第 4 步，共 4 步")).to_be_visible()
    windows.shoot(page, "check")
    answers = page.locator(".read-back").filter(has=page.get_by_role("link", name="修改"))
    for label, answer in (
        ("主张的年度配额", "1,320,000 tCO₂e"),
        ("事实与理由", GROUNDS),
        ("证明材料", "产量台账.pdf"),
    ):
        expect(answers.filter(has_text=label).filter(has_text=answer)).to_have_count(1)
    page.get_by_role("link", name="修改 主张的年度配额").click()
    page.get_by_label("主张的年度配额").fill("1320000")
    page.get_by_role("button", name="保存，返回核对").click()
    expect(page.get_by_role("heading", name="提交前请核对")).to_be_visible()


def receipt(windows: Windows, page: Page, notice: str) -> str:
    expect(page.get_by_role("heading", level=1)).to_have_text("已收到您的申请")
    windows.shoot(page, "receipt")
    review = NUMBER.findall(text_of(page))[0]
    assert review.startswith("渝环复案")
    words = text_of(page)
    assert re.search(r"收到时间 2026年9月28日 15:40:\d\d ", words)
    assert f"针对 《碳排放配额分配通知书》{notice}" in words
    assert "在期限内提出，且未放弃异议 是" in words
    assert "证明材料：产量台账.pdf" in words
    assert "现在由受理人员办理“形式审查”。" in words
    assert "办理机关应当在 2026年10月16日（周五）24:00 前办完“作出复核决定”（10 个工作日）。" in words
    page.get_by_role("link", name="查看办理进度").click()
    expect(page.get_by_role("heading", name="形式审查中，由受理人员办理")).to_be_visible()
    expect(page.get_by_text("2026年10月16日（周五）24:00", exact=True)).to_be_visible()
    windows.shoot(page, "review is filed")
    return review


def material_added(site: Site, windows: Windows, review: str) -> None:
    site.at("2026-09-29T09:00:00")
    page = windows.of("li")
    claim(page, review)
    choose(page, "补正")
    page.get_by_label("需要补正的事项").fill("请补充 2026 年电力台账。")
    windows.shoot(page, "material asked for")
    hand_in(page)
    page = windows.of("wang", PHONE)
    page.goto("/home")
    expect(page.get_by_role("heading", name="请办理：补正材料")).to_be_visible()
    expect(page.get_by_text("2026年10月9日（周五）24:00", exact=True)).to_be_visible()
    windows.shoot(page, "home with a correction")
    page.get_by_role("link", name="现在办理").click()
    expect(page.get_by_role("main")).to_contain_text("请补充 2026 年电力台账。")
    expect(page.get_by_label("事实与理由")).to_have_value(GROUNDS)
    expect(page.get_by_role("link", name="产量台账.pdf")).to_be_visible()
    page.get_by_label("主张的年度配额").fill("1310000")
    page.get_by_label("证明材料").set_input_files(pdf("电力台账.pdf"))
    windows.shoot(page, "correction")
    page.get_by_role("button", name="提交", exact=True).click()
    assert said(page) == "已提交。"
    for name in ("产量台账.pdf", "电力台账.pdf"):
        expect(page.get_by_role("listitem").filter(has_text=name)).to_contain_text("已接收")
    windows.shoot(page, "correction is sent")


def admitted(site: Site, windows: Windows, review: str) -> None:
    site.at("2026-09-30T09:00:00")
    page = windows.of("li")
    claim(page, review)
    expect(page.get_by_role("main")).to_contain_text("1,310,000 tCO₂e")
    expect(page.get_by_label("补正", exact=True), "a correction is asked for once").to_have_count(0)
    choose(page, "受理")
    windows.shoot(page, "admitted")
    hand_in(page)


def decided(site: Site, windows: Windows, review: str) -> None:
    site.at("2026-10-08T09:00:00")
    page = windows.of("he")
    claim(page, review)
    amount = page.get_by_label("变更后的年度配额")
    expect(amount).to_be_hidden()
    choose(page, "变更")
    expect(amount).to_be_visible()
    amount.fill("1200000")
    page.get_by_label("理由").fill(REASONS)
    refused(page, "与原数量相同：应选“维持”，或改正数量")
    expect(page.get_by_label("理由")).to_have_value(REASONS)
    windows.shoot(page, "review refused")
    amount.fill("1250000")
    hand_in(page)
    claim(page, review)
    page.get_by_label("查明的事实").fill(FINDINGS)
    windows.shoot(page, "decision drafted")
    hand_in(page)
    page = windows.of("chen")
    claim(page, review)
    choose(page, "签发")
    windows.shoot(page, "decision to be signed")
    hand_in(page)


def decision_read(windows: Windows, review: str) -> None:
    page = windows.of("wang", PHONE)
    page.goto("/home")
    letters = page.get_by_role("link", name="去签收")
    until_there(page, letters.nth(1))
    expect(page.get_by_role("heading", level=1)).to_have_text("有 2 件事需要您办理")
    assert "1,250,000" not in page.content(), "a decision is known before it is served"
    windows.shoot(page, "home with two letters")
    for title in ("复核决定书", "配额变更通知书"):
        page.goto("/my/letters")
        page.get_by_role("listitem").filter(has_text=title).filter(has_text="待签收").get_by_role("link").click()
        assert "1,250,000" not in page.content()
        page.get_by_role("button", name="打开并签收").click()
        letter = page.get_by_role("article")
        expect(letter).to_contain_text("变更为1,250,000吨二氧化碳当量")
        expect(letter).to_contain_text(review)
        expect(letter).to_contain_text("2026年10月8日")
        windows.shoot(page, title)
        downloaded(page, title)


def downloaded(page: Page, title: str) -> None:
    with page.expect_download() as waiting:
        page.get_by_role("link", name="下载 Word").click()
    name = waiting.value.suggested_filename
    assert re.fullmatch(rf"{title} 渝环\S+〔2026〕\d+号\.docx", name)
    assert Path(waiting.value.path()).read_bytes().startswith(b"PK")


def settled(windows: Windows, review: str) -> None:
    """The account shows the changed figure, and the notice that it was replaced."""
    page = windows.of("wang", PHONE)
    page.goto("/account")
    windows.shoot(page, "account")
    expect(page.get_by_role("listitem").filter(has_text="2026").filter(has_text="1,250,000")).to_have_count(1)
    entry = page.get_by_role("row").filter(has_text=review)
    expect(entry).to_contain_text("登记配额调整")
    expect(entry).to_contain_text("+50,000 tCO₂e")
    expect(entry).to_contain_text("2026年10月8日 09:00")
    entry.get_by_role("link", name=review).click()
    expect(page.get_by_role("heading", name="已办结：变更")).to_be_visible()
    windows.shoot(page, "review is over")
    page.get_by_role("listitem").filter(has_text="渝环配案").get_by_role("link").click()
    expect(page.get_by_role("heading", name="已由《配额分配异议复核》")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="办结：已被取代")).to_contain_text("2026年10月8日 09:00")
    expect(page.get_by_role("listitem").filter(has_text=review).filter(has_text="变更")).to_have_count(1)
    windows.shoot(page, "notice is replaced")


def over(windows: Windows, allocation: str) -> None:
    """The allocation has ended with the last of its notices."""
    page = windows.of("zhou")
    page.get_by_role("searchbox").fill(allocation)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "q=" in url)
    row = page.get_by_role("row").filter(has_text=allocation)
    until_there(page, row.filter(has_text="2026年10月8日 09:00 办结"))
    row.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="通知全部办结")).to_be_visible()
    windows.shoot(page, "allocation is over")
