"""From nothing by hand: the first administrator, officials and their roles, a unit, its allowance, its objection."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from portal.__main__ import main
from portal.clock import day_of, now
from portal.db import Database
from portal.procedures import Releases, publish
from portal.settings import Settings
from portal.storage import MemoryStore
from tests.browser.files import pdf
from tests.browser.site import Site, running
from tests.browser.windows import PHONE, Windows, choose, claim, hand_in, until_there
from tests.builders.databases import copied
from tests.builders.world import shipped

EMPTY = Settings.read({"UPLOAD_MEGABYTES": "1"})
USCC, NAME, DISTRICT = "9144030071526726XG", "重庆某玻璃有限公司", "涪陵区"
OWN = "my own words 7"
YEAR = str(day_of(now()).year)
PEOPLE = (
    ("li", "李敏", "受理人员"),
    ("zhou", "周正", "承办人"),
    ("chen", "陈立", "局领导"),
    ("he", "何平", "复核人员"),
    ("tao", "陶洁", "文书送达人员"),
    ("zhao", "赵刚", "处室负责人"),
    ("sun", "孙悦", "登记人员"),
)
NUMBER = re.compile(r"渝环\S{1,3}〔\d{4}〕\d+号")


@pytest.fixture(scope="module")
def site(browser: Browser, postgres: str, template: str, store: MemoryStore) -> Iterator[Site]:
    """A running portal with content and nobody in it, which is no demo."""
    with copied(postgres, "portal_empty_start", template) as url:
        database = Database(url)
        with database.transaction() as tx:
            publish(tx, shipped(), now(), "portal publish")
        database.close()
        with running(url, store, Releases(), EMPTY) as site:
            yield site


def test_from_nothing_to_the_first_objection(
    site: Site, windows: Windows, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    nobody_yet(windows)
    admin = administrator(site, windows, monkeypatch, capsys)
    passwords = people_added(windows, admin)
    newcomer = registered(windows)
    officials = {login: begun(windows, login, password) for login, password in passwords.items()}
    approved(windows, officials["li"])
    listed(windows, officials["zhou"], officials["chen"])
    allocated(windows, officials["zhou"], officials["chen"])
    signed_for(windows, newcomer)
    objected(windows, newcomer)
    admitted(officials["li"])
    nothing_left(windows, admin)


def nobody_yet(windows: Windows) -> None:
    page = windows.open()
    for path in ("/", "/sign-in"):
        page.goto(path)
        expect(page.get_by_role("heading", name="还没有管理员")).to_be_visible()
        expect(page.locator("pre")).to_have_text(".venv/bin/portal user add admin --name 管理员 --administrator")
        windows.look_at(page, "nobody yet")


def administrator(
    site: Site, windows: Windows, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Page:
    monkeypatch.setenv("DATABASE_URL", site.tools.database.url)
    assert main(["user", "add", "admin", "--name", "管理员", "--administrator", "--one-time"]) == 0
    told = capsys.readouterr().out
    [password] = re.findall(r"one-time password: (\S+)", told)
    assert "next: start the portal, then sign in at" in told or "next: sign in at" in told
    page = windows.open()
    page.goto("/sign-in")
    expect(page.get_by_role("heading", name="还没有管理员")).to_have_count(0)
    sign_in(page, "admin", password)
    expect(page.get_by_role("heading", level=1)).to_have_text("设置自己的密码")
    windows.look_at(page, "own password")
    own_password(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("概况")
    steps = page.get_by_role("region", name="接下来")
    expect(steps.get_by_role("listitem")).to_have_count(6)
    expect(steps.locator("[aria-current=step]")).to_contain_text("添加工作人员")
    windows.look_at(page, "first steps")
    return page


def sign_in(page: Page, login: str, password: str) -> None:
    page.get_by_label("用户名").fill(login)
    page.get_by_label("密码").fill(password)
    page.get_by_role("button", name="登录", exact=True).click()


def own_password(page: Page) -> None:
    page.get_by_label("新密码", exact=True).fill(OWN)
    page.get_by_label("再次输入新密码").fill(OWN)
    page.get_by_role("button", name="设置密码").click()


def people_added(windows: Windows, page: Page) -> dict[str, str]:
    passwords = {}
    page.get_by_role("link", name="添加人员").click()
    for login, name, role in PEOPLE:
        page.get_by_label("姓名").fill(name)
        page.get_by_label("用户名").fill(login)
        page.get_by_label("事由").fill("开通门户")
        if login == "li":
            windows.look_at(page, "adding a person")
        page.get_by_role("button", name="添加", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"已添加{name}")
        passwords[login] = page.locator(".secret code").inner_text()
        if login == "li":
            windows.look_at(page, "password shown once")
        page.get_by_role("link", name="去授予岗位").click()
        page.get_by_role("combobox", name="岗位").select_option(label=role)
        page.get_by_label("事由").fill("处室分工")
        if login == "li":
            windows.look_at(page, "granting a role")
        page.get_by_role("button", name="授予岗位").click()
        expect(page.get_by_role("status").first).to_have_text("已授予岗位。")
        expect(page.get_by_role("row").filter(has_text=role)).to_contain_text("有效")
        page.get_by_role("link", name="人员与角色").first.click()
        page.get_by_role("link", name="添加人员").click()
    page.goto("/admin/people")
    windows.look_at(page, "people")
    page.goto("/admin")
    done = page.get_by_role("region", name="接下来").get_by_role("listitem").filter(has_text="已完成")
    expect(done.filter(has_text="授予岗位")).to_have_count(1)
    expect(done.filter(has_text="开放单位注册")).to_have_count(1)
    windows.look_at(page, "people are there")
    return passwords


def begun(windows: Windows, login: str, password: str) -> Page:
    """Somebody signs in for the first time."""
    page = windows.open()
    page.goto("/sign-in")
    sign_in(page, login, password)
    own_password(page)
    expect(page).to_have_url(re.compile("/inbox"))
    return page


def registered(windows: Windows) -> Page:
    page = windows.open(PHONE)
    page.goto("/register")
    page.get_by_label("统一社会信用代码").fill(USCC)
    page.get_by_label("单位名称").fill(NAME)
    page.get_by_label("所在区县").select_option(DISTRICT)
    page.get_by_role("radio", name="企业").check()
    page.get_by_label("证明文件").set_input_files(pdf("营业执照.pdf"))
    page.get_by_label("姓名").fill("赵敏")
    page.get_by_label("用户名").fill("zhaomin")
    page.get_by_label("密码", exact=True).fill(OWN)
    page.get_by_label("再次输入密码").fill(OWN)
    page.get_by_role("checkbox", name="本单位同意以本门户电子送达文书").check()
    page.get_by_role("button", name="提交注册").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("已收到您的注册申请")
    page.goto("/sign-in")
    sign_in(page, "zhaomin", OWN)
    expect(page.get_by_role("heading", name="审核中")).to_be_visible()
    return page


def approved(windows: Windows, page: Page) -> None:
    page.get_by_role("link", name="注册审核").first.click()
    page.get_by_role("row").filter(has_text=NAME).get_by_role("link").click()
    page.get_by_role("radio", name="核准", exact=False).first.check()
    page.get_by_role("button", name="提交审核").click()
    expect(page.get_by_role("status").first).to_contain_text("已核准")


def started(page: Page, what: str) -> str:
    """Begins a case of a kind; its number."""
    page.get_by_role("link", name="发起事项").first.click()
    page.get_by_role("listitem").filter(has_text=what).get_by_role("button", name="发起").click()
    told = page.get_by_role("status").first.inner_text()
    [number] = NUMBER.findall(told)
    return number


def listed(windows: Windows, zhou: Page, chen: Page) -> None:
    """The unit comes onto the year's list of key emitters, which the leader signs."""
    number = started(zhou, "重点排放单位名录")
    zhou.get_by_label("名录年度").fill(YEAR)
    zhou.get_by_label("依据文件").fill("渝环〔2026〕1号")
    zhou.get_by_label("第 1 行 统一社会信用代码").fill(USCC)
    zhou.get_by_label("第 1 行 单位名称").fill(NAME)
    zhou.get_by_label("第 1 行 行业").fill("玻璃")
    zhou.get_by_label("第 1 行 区县").select_option(DISTRICT)
    for label in zhou.get_by_label(re.compile("第 1 行 (列入|变动|办理)")).all():
        label.select_option(index=1)
    windows.shoot(zhou, "list of emitters")
    hand_in(zhou)
    claim(chen, number)
    windows.shoot(chen, "list to be signed")
    chen.get_by_role("main").get_by_role("radio").first.check()
    hand_in(chen)


def allocated(windows: Windows, zhou: Page, chen: Page) -> None:
    number = started(zhou, "配额分配")
    zhou.get_by_label("配额年度").fill(YEAR)
    zhou.get_by_label("第 1 行 统一社会信用代码").fill(USCC)
    zhou.get_by_label("第 1 行 年度配额（tCO₂e）").fill("90000")
    hand_in(zhou)
    claim(chen, number)
    expect(chen.get_by_role("main")).to_contain_text("90,000 tCO₂e")
    choose(chen, "签发")
    windows.shoot(chen, "signing the first allocation")
    hand_in(chen)


def signed_for(windows: Windows, page: Page) -> None:
    page.goto("/home")
    until_there(page, page.get_by_role("link", name="去签收"), 30)
    page.get_by_role("link", name="去签收").click()
    page.get_by_role("button", name="打开并签收").click()
    expect(page.get_by_role("article")).to_contain_text("90,000吨二氧化碳当量")
    windows.shoot(page, "notice served")
    page.get_by_role("link", name="查看办件").click()


def objected(windows: Windows, page: Page) -> None:
    page.get_by_role("link", name="提出复核申请").first.click()
    page.get_by_label("主张的年度配额").fill("96000")
    on(page)
    page.get_by_label("事实与理由").fill("三号窑产量少计，见产量台账。")
    on(page)
    page.get_by_label("证明材料").set_input_files(pdf("产量台账.pdf"))
    on(page)
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("已收到您的申请")
    windows.shoot(page, "objection received")


def on(page: Page) -> None:
    """To the next step of filing."""
    page.get_by_role("button", name="下一步", exact=True).click()


def admitted(page: Page) -> None:
    page.goto("/inbox?view=role")
    expect(page.get_by_role("row").filter(has_text="形式审查")).to_have_count(1)


def nothing_left(windows: Windows, page: Page) -> None:
    """The overview has no first steps any more, or only that of the holidays, which depends on the year."""
    page.goto("/admin")
    undone = page.locator(".first-steps li:not(.done)")
    assert undone.count() == 0 or undone.all_inner_texts()[0].startswith("录入放假安排")
    for path in (
        "/admin/people",
        "/admin/releases",
        "/admin/releases/1",
        "/admin/incidents",
        "/admin/jobs",
        "/admin/checks",
    ):
        page.goto(path)
        windows.look_at(page, path.removeprefix("/admin/").replace("/", " "))
    page.get_by_role("button", name="开始校验").click()
    expect(page.get_by_role("status").first).to_contain_text("已开始校验")
    until_there(page, page.get_by_text("完整，没有改动"), 30)
    windows.look_at(page, "checked")
    page.goto("/admin")
    expect(page.get_by_role("row").filter(has_text="历史校验")).to_contain_text("记录完整，没有改动。")
