"""An applicant without JavaScript, on a phone: he signs for a letter, objects with a file, and withdraws."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.files import pdf
from tests.browser.site import Site
from tests.browser.windows import DESK, PHONE, Windows, claim, until_there


def test_sign_for_object_and_withdraw(site: Site, windows: Windows):
    site.allocation(2026)
    page = windows.of("wang", PHONE, javascript=False)
    assert page.evaluate("document.documentElement.classList.contains('js')") is False
    until_there(page, page.get_by_role("link", name="去签收"))
    page.get_by_role("link", name="去签收").click()
    page.get_by_role("button", name="打开并签收").click()
    expect(page.get_by_role("article")).to_contain_text("1,200,000吨二氧化碳当量")
    windows.shoot(page, "letter read")

    page.get_by_role("link", name="查看办件").click()
    page.get_by_text("为什么是这一天？").click()
    expect(page.get_by_text("第7个工作日为10月8日，当日24:00届满。")).to_be_visible()
    page.get_by_role("link", name="提出复核申请").click()
    page.get_by_label("主张的年度配额").fill("一百万")
    page.get_by_role("button", name="下一步").click()
    expect(page.get_by_role("alert")).to_contain_text("有 1 处需要改正")
    expect(page.get_by_label("主张的年度配额")).to_have_value("一百万")
    windows.shoot(page, "not a number")
    page.get_by_label("主张的年度配额").fill("1320000")
    page.get_by_role("button", name="下一步").click()
    page.get_by_label("事实与理由").fill("产量数据有误")
    page.get_by_role("button", name="上一步").click()
    page.get_by_role("button", name="下一步").click()
    expect(page.get_by_label("事实与理由"), "what was typed is kept on the way back").to_have_value("产量数据有误")
    page.get_by_role("button", name="下一步").click()
    page.get_by_label("证明材料").set_input_files(pdf("产量台账.pdf"))
    page.get_by_role("button", name="保存草稿").click()
    expect(page.get_by_role("link", name="产量台账.pdf"), "a file is kept").to_be_visible()
    page.get_by_role("button", name="下一步").click()
    expect(page.get_by_text("1,320,000 tCO₂e")).to_be_visible()
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("已收到您的申请")
    windows.shoot(page, "receipt")

    page.get_by_role("link", name="查看办理进度").click()
    page.get_by_role("link", name="撤回").click()
    windows.shoot(page, "withdrawal")
    page.get_by_role("button", name="确认撤回").click()
    expect(page.get_by_role("alert")).to_contain_text("有 1 处需要改正")
    page.get_by_label("撤回原因").fill("不再争议")
    page.get_by_label("确认撤回复核申请").check()
    page.get_by_role("button", name="确认撤回").click()
    expect(page.get_by_role("heading", name="已办结：已撤回")).to_be_visible()
    windows.shoot(page, "withdrawn")


def test_a_question_that_depends_on_another_comes_with_a_button(site: Site, windows: Windows):
    page = windows.of("chen", DESK, javascript=False)
    claim(page, "渝环配分〔2026〕8号")
    page.get_by_label("退回", exact=True).check()
    expect(page.get_by_label("退回意见")).to_be_hidden()
    page.get_by_role("button", name="更新表单").click()
    page.get_by_label("退回意见").fill("请补充依据")
    windows.shoot(page, "refreshed by a button")
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("“渝环配分〔2026〕8号 签批分配结果”已提交：退回。")
