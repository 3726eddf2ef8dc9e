"""An objection to a notice, from a phone and without an account: a file, the receipt, the clock that stands meanwhile,
the written answer, opened by its code, and the result on the notice."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from portal.cases.models import Case
from tests.browser.files import pdf
from tests.browser.filings import done, shown
from tests.browser.site import Seeded, Site
from tests.browser.windows import DESK, PHONE, Windows, choose, claim, hand_in, text_of, until_there

TITLE = "拼车出行碳普惠方法学"
GROUNDS = "拼车里程以平台申报为准，没有与行驶轨迹核对"
RESULT = "公示期内收到的异议均不成立"
FINDINGS = "经查，平台里程已与行驶轨迹逐日比对，误差不超过百分之二。"


@pytest.fixture(scope="module")
def seeded(demo_with_filings: Seeded) -> Seeded:
    """Here methodologies are shown to everybody."""
    return demo_with_filings


@dataclass(frozen=True)
class Objection:
    """What somebody without an account holds of his case."""

    number: str
    code: str


def test_an_objection_from_a_phone(site: Site, windows: Windows):
    case, notice = shown(site, "gu", TITLE)
    found(windows)
    site.at("2026-09-23T10:00:00")
    objection = objected(windows, notice)
    paused(windows, notice)
    followed(windows, objection)
    site.at("2026-09-24T09:00:00")
    answered(site, windows, objection)
    resumed(windows, notice)
    read(windows, objection)
    site.at("2026-10-13T09:00:00")
    confirmed(site, windows, case)
    concluded(windows, notice)


def found(windows: Windows) -> None:
    """Anybody finds the notice; seven working days run from the next one on."""
    page = windows.open(DESK)
    page.goto("/notices")
    windows.look_at(page, "list")
    page.get_by_role("link", name=f"{TITLE}（V1.0）备案公示").click()
    said = text_of(page)
    assert "公示中 2026年9月21日 至 2026年10月8日（周四）24:00" in said
    assert "共 7 个工作日，不少于 5 个工作日。异议核实期间暂停，恢复后不缩短。" in said
    expect(page.locator(".steps .done .name")).to_have_text(
        [f"{step}（已完成）" for step in ("递交方法学建议", "收件受理", "技术审核", "研究评审方式", "拟定处理意见")]
    )
    expect(page.locator(".steps .now .name")).to_have_text("公示（进行中）")
    expect(page.locator(".steps .next")).to_have_text("签批备案（未开始）接下来可能 · “无碍”之后")
    windows.look_at(page, "notice")


def objected(windows: Windows, notice: int) -> Objection:
    """The form refuses what is not complete, and keeps what was typed and uploaded."""
    page = windows.open(PHONE)
    page.goto(f"/notices/{notice}")
    page.get_by_role("link", name="提出意见或异议").click()
    expect(page.get_by_text("匿名的不能受理")).to_be_visible()
    windows.look_at(page, "form")
    page.get_by_label("异议内容和理由").fill(GROUNDS)
    page.get_by_label("证明材料").set_input_files([pdf("轨迹比对.pdf")])
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="有 4 处需要改正")).to_contain_text("请填写姓名或单位名称")
    windows.look_at(page, "incomplete")
    expect(page.get_by_label("异议内容和理由")).to_have_value(GROUNDS)
    expect(page.get_by_label("轨迹比对.pdf")).to_be_checked()
    page.get_by_label("姓名或单位名称").fill("张三")
    choose(page, "个人")
    page.get_by_label("居民身份号码").fill("330402199001011230")
    page.get_by_label("联系电话").fill("13800000000")
    page.get_by_label("同意凭编号和查询码在本平台领取书面答复").check()
    page.get_by_label("邮寄地址").fill("314000 嘉兴市南湖区中山东路 1 号")
    windows.look_at(page, "filled in")
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_role("heading", name="已收到您的意见")).to_be_visible()
    expect(page.get_by_text("轨迹比对.pdf")).to_be_visible()
    due = "办理机关应当在 2026年10月14日（周三）24:00 前办完“答复异议”（10 个工作日）。"
    assert due in text_of(page)
    expect(page.get_by_text("遗失的，请告知办理机关（嘉兴市生态环境局）：答复按您填写的地址邮寄。")).to_be_visible()
    windows.look_at(page, "receipt")
    return Objection(page.locator(".receipt .number").inner_text(), page.locator(".code").inner_text())


def paused(windows: Windows, notice: int) -> None:
    """The notice says that its days stand still, and nothing of who objects."""
    page = windows.open(DESK)
    page.goto(f"/notices/{notice}")
    said = text_of(page)
    for words in ("收到 1 件 · 其中 1 件正在核实", "2026年9月23日 10:00暂停计时", "暂停计时 已计 1 / 7 个工作日"):
        assert words in said
    assert "张三" not in said
    assert GROUNDS not in said
    windows.look_at(page, "paused")


def tracked(windows: Windows, objection: Objection) -> Page:
    """What the receipt opens, on the phone."""
    page = windows.open(PHONE)
    page.goto("/track")
    page.get_by_label("编号").fill(objection.number)
    page.get_by_label("查询码").fill(objection.code)
    page.get_by_role("button", name="查询", exact=True).click()
    expect(page.get_by_text(objection.number).first).to_be_visible()
    return page


def followed(windows: Windows, objection: Objection) -> None:
    """Where it stands and by when, without a name."""
    page = tracked(windows, objection)
    said = text_of(page)
    assert "承办人正在核实异议" in said
    assert "答复异议：10 个工作日 2026年10月14日（周三）24:00" in said
    assert "张三" not in said
    windows.look_at(page, "followed")


def answered(site: Site, windows: Windows, objection: Objection) -> None:
    """Another official than the one who decides verifies it; the leader signs the answer."""
    page = windows.of("hua")
    claim(page, objection.number)
    said = text_of(page)
    for words in ("公众 张三（实名）", "居民身份号码 3304**********1230", GROUNDS, "轨迹比对.pdf"):
        assert words in said
    windows.look_at(page, "to verify")
    choose(page, "不成立")
    page.get_by_label("核实情况和理由").fill(FINDINGS)
    hand_in(page)
    with site.tools.database.transaction() as tx:
        case = tx.scalars(select(Case.id).where(Case.number == objection.number)).one()
    done(site, case, "endorse", "shi", result="同意")
    site.at("2026-09-28T16:00:00")
    page = windows.of("zhang")
    claim(page, objection.number)
    put = page.locator("section.again")
    expect(put.get_by_role("heading")).to_have_text("此前的意见：核实异议")
    expect(put.locator("dd")).to_have_text(["不成立", FINDINGS])
    windows.look_at(page, "to sign")
    choose(page, "签发")
    hand_in(page)


def resumed(windows: Windows, notice: int) -> None:
    """The days that are left run on: the 23rd to the 28th, which the objection touched, are none."""
    page = windows.open(PHONE)
    page.goto(f"/notices/{notice}")
    said = text_of(page)
    for words in (
        "2026年9月21日 至 2026年10月12日（周一）24:00",
        "收到 1 件 · 均已答复",
        "2026年9月28日 16:00恢复计时，最后一日为 2026年10月12日",
        "剩 6 个工作日 已计 1 / 7 个工作日",
    ):
        assert words in said
    windows.look_at(page, "resumed")


def read(windows: Windows, objection: Objection) -> None:
    """The objector opens the answer, which is addressed to him, with what his receipt says."""
    page = tracked(windows, objection)
    until_there(page, page.get_by_role("button", name="打开并签收"), seconds=60)
    expect(page.get_by_role("heading", name="答复已作出，等您打开并签收")).to_be_visible()
    windows.look_at(page, "answer waits")
    page.get_by_role("button", name="打开并签收").click()
    letter = page.get_by_role("article")
    expect(letter).to_contain_text("张三：")
    expect(letter).to_contain_text(FINDINGS)
    expect(letter).to_contain_text("你（单位）提出的异议不成立")
    windows.look_at(page, "answer")
    page.get_by_role("button", name="返回办理进度").click()
    expect(page.get_by_role("heading", name="已办结：异议不成立")).to_be_visible()
    windows.look_at(page, "over")


def confirmed(site: Site, windows: Windows, case: int) -> None:
    """The period is over; that nothing stands in the way says a person."""
    with site.tools.database.transaction() as tx:
        number = tx.get_one(Case, case).number
    page = windows.of("lv")
    page.goto(f"/cases/{case}")
    until_there(page, page.get_by_text("公示期满，承办人正在确认公示结果"), seconds=60)
    claim(page, number)
    assert "关联案件 1" in text_of(page)
    choose(page, RESULT)
    windows.look_at(page, "to confirm")
    hand_in(page)


def concluded(windows: Windows, notice: int) -> None:
    """What came of it stays on the page, and nobody can object any more."""
    page = windows.open(PHONE)
    page.goto(f"/notices/{notice}")
    said = text_of(page)
    assert "2026年9月21日 至 2026年10月12日，2026年10月13日确认结果" in said
    assert f"2026年10月13日 09:00 确认结果：{RESULT}" in said
    expect(page.get_by_role("link", name="提出意见或异议")).to_have_count(0)
    expect(page.locator(".steps .now")).to_have_text("继续办理（进行中）办结后这里显示结果")
    windows.look_at(page, "concluded")
    page.goto(f"/notices/{notice}/object")
    expect(page.get_by_role("button", name="提交", exact=True)).to_have_count(0)
    windows.look_at(page, "too late")
