"""A new unit by hand: registered, returned, approved, its notice signed for, its first objection filed; its people."""

from __future__ import annotations

import base64
import re

from playwright.sync_api import FilePayload, Page, expect

from portal import registers
from tests.browser.files import pdf, program
from tests.browser.site import ETS, Site
from tests.browser.windows import PHONE, Windows, text_of, until_there

USCC, WRONG = "9144030071526726XG", "9144030071526726XH"
NAME, PERSON, LOGIN, PASSWORD = "重庆某玻璃有限公司", "赵敏", "zhaomin", "a long password"
REASON = "单位名称与营业执照不一致，请按执照填写全称。"
LICENCE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNgYGD4DwABBAEAX+XDSwAAAABJRU5ErkJggg=="
)


def test_registration_to_first_objection(site: Site, windows: Windows):
    site.at("2026-09-21T09:30:00")
    newcomer = windows.open(PHONE)
    number = registered(windows, newcomer)
    waiting(windows, newcomer)
    returned(windows, number)
    mended(windows, newcomer, number)
    approved(windows, number)
    notice_issued(site)
    signed_for(site, windows, newcomer)
    objected(windows, newcomer)
    joined(windows, newcomer)
    left(windows, newcomer)


def fill(page: Page, name: str, uscc: str) -> None:
    page.get_by_label("统一社会信用代码").fill(uscc)
    page.get_by_label("单位名称").fill(name)
    page.get_by_label("所在区县").select_option("涪陵区")
    page.get_by_role("radio", name="企业").check()


def passwords(page: Page) -> None:
    page.get_by_label("密码", exact=True).fill(PASSWORD)
    page.get_by_label("再次输入密码").fill(PASSWORD)


def registered(windows: Windows, page: Page) -> str:
    page.goto("/")
    page.get_by_role("link", name="单位注册").click()
    windows.look_at(page, "empty form")
    fill(page, "某玻璃厂", WRONG)
    page.get_by_label("证明文件").set_input_files(program("营业执照.pdf"))
    page.get_by_label("姓名").fill(PERSON)
    page.get_by_label("用户名").fill(LOGIN)
    passwords(page)
    page.get_by_role("checkbox", name="本单位同意以本门户电子送达文书").check()
    page.get_by_role("button", name="提交注册").click()
    lines = page.get_by_role("alert").filter(has_text="有 2 处需要改正").get_by_role("listitem")
    expect(lines).to_have_text(
        [
            f"统一社会信用代码 {WRONG} 的校验位不对，其中有一位写错了，请对照营业执照核对这 18 位。",
            re.compile("“营业执照.pdf”不是可以接受的文件"),
        ]
    )
    windows.look_at(page, "refused form")
    expect(page.get_by_label("姓名")).to_have_value(PERSON)
    page.get_by_label("统一社会信用代码").fill(USCC.lower())
    page.get_by_label("证明文件").set_input_files(pdf("营业执照.pdf"))
    passwords(page)
    page.get_by_role("button", name="提交注册").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("已收到您的注册申请")
    expect(page.get_by_role("article")).to_contain_text(USCC)
    windows.look_at(page, "receipt")
    [number] = re.findall(r"ZC\d{8}", text_of(page))
    return number


def waiting(windows: Windows, page: Page) -> None:
    page.get_by_role("link", name="登录查看审核状态").click()
    sign_in(page)
    expect(page.get_by_role("heading", name="审核中")).to_be_visible()
    windows.look_at(page, "waiting")
    page.goto("/home")
    expect(page.get_by_role("heading", name="审核中")).to_be_visible()


def sign_in(page: Page, login: str = LOGIN) -> None:
    page.get_by_label("用户名").fill(login)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()


def returned(windows: Windows, number: str) -> None:
    page = windows.of("li")
    page.get_by_role("link", name="注册审核").first.click()
    windows.look_at(page, "desk")
    page.get_by_role("row").filter(has_text=number).get_by_role("link").click()
    expect(page.get_by_role("main")).to_contain_text("本门户没有这个单位。")
    windows.look_at(page, "registration")
    page.get_by_role("radio", name="退回修改").check()
    page.get_by_role("button", name="提交审核").click()
    expect(page.get_by_role("alert").get_by_role("listitem")).to_have_text("请填写退回或不予核准的原因。")
    page.get_by_label("原因").fill(REASON)
    page.get_by_role("button", name="提交审核").click()
    expect(page.get_by_role("status").first).to_have_text("已退回，等待申请人修改后重新提交。")


def mended(windows: Windows, page: Page, number: str) -> None:
    page.goto("/registration")
    expect(page.get_by_role("main")).to_contain_text(f"退回原因：{REASON}")
    expect(page.get_by_role("main")).to_contain_text(number)
    expect(page.get_by_label("统一社会信用代码")).to_have_value(USCC)
    windows.look_at(page, "returned")
    page.get_by_label("单位名称").fill(NAME)
    licence: FilePayload = {"name": "营业执照.png", "mimeType": "image/png", "buffer": LICENCE}
    page.get_by_label("证明文件").set_input_files(licence)
    page.get_by_role("button", name="重新提交").click()
    expect(page.get_by_role("heading", name="审核中")).to_be_visible()


def approved(windows: Windows, number: str) -> None:
    page = windows.of("li")
    page.goto("/registrations")
    page.get_by_role("row").filter(has_text=number).get_by_role("link").click()
    expect(page.get_by_role("img", name="证明文件：营业执照.png")).to_be_visible()
    page.get_by_role("radio", name="核准", exact=False).first.check()
    windows.look_at(page, "to be approved")
    page.get_by_role("button", name="提交审核").click()
    expect(page.get_by_role("status").first).to_have_text(f"已核准，{NAME}的申请人可以使用门户。")
    page.get_by_role("link", name="单位", exact=True).first.click()
    page.get_by_role("searchbox", name="单位名称或统一社会信用代码").fill("玻璃")
    page.get_by_role("button", name="查找").click()
    windows.look_at(page, "units")
    page.get_by_role("link", name=NAME).click()
    expect(page.get_by_role("main")).to_contain_text("经审核")
    windows.look_at(page, "unit")
    page.goto("/organisations/add")
    windows.look_at(page, "adding a unit")


def notice_issued(site: Site) -> None:
    """Behind the pages: the unit is on the year's list, its allowance determined and signed."""
    kernel = site.tools.kernel
    with site.tools.database.transaction() as tx:
        emitters = kernel.releases.newest(tx, ETS).regulation.registers["emitters"]
        row = {"uscc": USCC, "year": "2026", "name": NAME, "industry": "玻璃", "district": "涪陵区"}
        cause = registers.Cause(moment=kernel.now(tx), reason="test")
        registers.record(tx, ETS, emitters, [row], None, cause)
    units = [{"unit": USCC, "amount": "90000"}]
    site.complete("zhou", site.draft(), {"year": "2026", "units": units})
    site.complete("chen", site.task("allocation", "sign")[0], {"result": "签发"})


def signed_for(site: Site, windows: Windows, page: Page) -> None:
    site.at("2026-09-24T10:00:00")
    page.goto("/home")
    until_there(page, page.get_by_role("link", name="去签收"))
    windows.shoot(page, "home with a letter")
    page.get_by_role("link", name="去签收").click()
    page.get_by_role("button", name="打开并签收").click()
    expect(page.get_by_role("status").first).to_have_text("已签收。今日即为送达日。")
    expect(page.get_by_role("article")).to_contain_text("90,000吨二氧化碳当量")
    page.get_by_role("link", name="查看办件").click()


def objected(windows: Windows, page: Page) -> None:
    page.get_by_role("link", name="提出复核申请").click()
    page.get_by_label("主张的年度配额").fill("96000")
    page.get_by_role("button", name="下一步").click()
    page.get_by_label("事实与理由").fill("三号窑产量少计，见产量台账。")
    page.get_by_role("button", name="下一步").click()
    page.get_by_label("证明材料").set_input_files(pdf("产量台账.pdf"))
    page.get_by_role("button", name="下一步").click()
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("已收到您的申请")
    expect(page.get_by_role("article")).to_contain_text(NAME)
    windows.shoot(page, "objection received")


def joined(windows: Windows, page: Page) -> None:
    """A colleague who may only read is invited, joins by the code, and sees without being offered anything."""
    page.goto("/organisation")
    windows.look_at(page, "people")
    page.get_by_label("邀请对象").fill("财务部张三")
    page.get_by_role("button", name="生成邀请码").click()
    code = page.locator(".code").inner_text()
    windows.look_at(page, "code shown once")
    colleague = windows.open(PHONE)
    colleague.goto("/join")
    windows.look_at(colleague, "joining")
    colleague.get_by_label("邀请码").fill(code.lower())
    colleague.get_by_label("姓名").fill("张三")
    colleague.get_by_label("用户名").fill("zhangsan")
    passwords(colleague)
    colleague.get_by_role("button", name="加入单位").click()
    expect(colleague.get_by_role("status").first).to_contain_text("已加入单位")
    sign_in(colleague, "zhangsan")
    expect(colleague.get_by_role("heading", level=1)).to_have_text("您现在没有必须办理的事")
    expect(colleague.get_by_role("main")).to_contain_text("您在本单位只有查看权限")
    windows.look_at(colleague, "home of a reader")
    page.goto("/organisation")
    page.get_by_text("变更权限 张三").click()
    windows.look_at(page, "rights")
    page.get_by_role("group", name="张三的权限").get_by_label("管理").check()
    page.get_by_role("listitem").filter(has_text="zhangsan").get_by_role("button", name="保存权限").click()
    expect(page.get_by_role("status").first).to_have_text("张三的权限现为：管理。")
    page.get_by_role("link", name="移除 张三").click()
    windows.look_at(page, "removing")


def left(windows: Windows, page: Page) -> None:
    page.goto("/organisation/agreement")
    windows.look_at(page, "electronic service")
    page.goto("/organisation/leave")
    windows.look_at(page, "leaving")
    page.get_by_role("button", name="退出本单位").click()
    expect(page.get_by_role("status").first).to_contain_text("您已退出单位")
    sign_in(page)
    expect(page.get_by_role("heading", name="您不属于任何单位")).to_be_visible()
    windows.look_at(page, "nowhere")
