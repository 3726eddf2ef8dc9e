"""What everybody sees: what can be filed, by whom, how long it takes; when nothing can be filed, why."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest

from portal.clock import day_of
from portal.edge.machine import EXTENSION
from portal.procedures import publish, validity
from portal.web import dates
from portal.web import validity as law
from portal.web.machine import DemoAccount
from tests.builders import corrections
from tests.builders.pages import PASSWORD, plain


def test_each_matter_says_who_when_how_long_on_what_and_with_what(portal):
    said = plain(portal.client().get("/"))
    assert "重庆市 重庆市碳排放权交易管理办法（试行） 渝府发〔2023〕6号 · 办理机关：重庆市生态环境局" in said
    assert (
        "配额分配异议复核 谁可以提出 收到《碳排放配额分配通知书》的重点排放单位 "
        "什么时候提出 收到通知之日起 7 个工作日内，当日不计 "
        "多久办完 作出复核决定：10 个工作日，自收到申请的次日起算 "
        "依据 渝府发〔2023〕6号第十一条第二款 "
        "需要的材料 证明材料 可以不交；pdf、docx、xlsx、jpg、png，最多 20 个，每个不超过 50 MB "
        "从哪里开始 登录后打开收到的《碳排放配额分配通知书》，从那里提出 登录办理"
    ) in said
    assert "核查结果异议复核 谁可以提出 收到《排放核查结果告知书》的重点排放单位" in said
    assert "配额分配 谁可以提出" not in said


@pytest.mark.parametrize("path", ["/sign-in", "/register", "/register/person", "/track", "/verify", "/join"])
def test_the_first_page_leads_everywhere(portal, path):
    browser = portal.client()
    assert f'href="{path}"' in browser.get("/").text
    assert browser.get(path).status_code == 200


@pytest.mark.parametrize(
    ("change", "why", "answers"),
    [
        (
            lambda today: {"in_force": today + timedelta(days=1)},
            "尚未施行 《重庆市碳排放权交易管理办法（试行）》自 {tomorrow} 起施行，施行以后可以申报。",
            False,
        ),
        # An answer to a notice that is still open can be filed though the text has lapsed.
        (
            lambda today: {"last_day": today - timedelta(days=1), "validity": "34"},
            "已停止受理 《重庆市碳排放权交易管理办法（试行）》的有效期到 {yesterday} 为止"
            "（渝府发〔2023〕6号第三十四条），没有录入续期，已停止受理新的申报；已受理的继续办理。",
            True,
        ),
    ],
    ids=["not yet", "no more"],
)
def test_a_regulation_that_is_not_in_force_says_so(portal, monkeypatch, change, why, answers):
    today = day_of(portal.now)
    published = portal.machine.kernel.releases
    with portal.database.transaction() as tx:
        [one] = published.in_force(tx)
    closed = replace(one, regulation=replace(one.regulation, **change(today)))
    monkeypatch.setattr(type(published), "in_force", lambda self, tx: [closed])
    page = portal.client().get("/")
    yesterday, tomorrow = (dates_text(today + timedelta(days=by)) for by in (-1, 1))
    assert why.format(yesterday=yesterday, tomorrow=tomorrow) in plain(page)
    assert ("登录办理" in plain(page)) is answers


def dates_text(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def test_days_of_force_are_days(portal):
    with portal.database.transaction() as tx:
        [one] = portal.machine.kernel.releases.in_force(tx)
    first = replace(one.regulation, in_force=date(2026, 1, 1), last_day=date(2026, 12, 31))
    texts = validity.chain(first, [])

    def closed(day: date) -> bool:
        return bool(law.closed_text(first, validity.standing(texts, day)))

    with portal.app.test_request_context("/"):
        assert [closed(day) for day in (date(2025, 12, 31), date(2026, 1, 1))] == [True, False]
        assert [closed(day) for day in (date(2026, 12, 31), date(2027, 1, 1))] == [False, True]
        assert dates.plain_day(date(2026, 1, 1)) == "2026年1月1日"


def test_whoever_is_signed_in_is_led_to_his_own_first_page(portal):
    assert portal.client("wang").get("/").location == "/home"


def test_the_door_says_what_to_do_about_a_forgotten_password(portal):
    said = plain(portal.client().get("/sign-in"))
    assert "工作人员：请系统管理员重新设置密码。" in said
    assert "单位人员：请本单位的管理人员重新邀请您" in said


def test_the_door_leads_to_both_kinds_of_registration(portal):
    page = portal.client().get("/sign-in")
    assert "第一次使用 单位注册 · 自然人注册 收到邀请码 凭邀请码加入" in plain(page)
    assert re.findall(r'<dd><a href="([^"]+)">[^<]+</a>(?: · <a href="([^"]+)">)?', page.text) == [
        ("/register", "/register/person"),
        ("/join", ""),
    ]


def test_a_demos_accounts_stand_by_place_and_each_has_a_button(portal):
    people = (
        DemoAccount("li", PASSWORD, "李敏", "受理人员", "重庆市", office=True),
        DemoAccount("root", PASSWORD, "管理员", "系统管理员", "", office=True),
        DemoAccount("wang", PASSWORD, "王强", "重庆某水泥有限公司", "重庆市", office=False),
        DemoAccount("lin", PASSWORD, "林知远", "申请入库的个人", "深圳市", office=False),
    )
    portal.machine = replace(portal.machine, demo_accounts=lambda _releases, _tx: people)
    portal.app.extensions[EXTENSION] = portal.machine
    browser = portal.client()
    page = browser.get("/sign-in")
    assert (
        "演示账号 不用输入密码，点“进入”即可 重庆市 深圳市 整个门户 "
        "重庆市 办理机关 李敏 受理人员 进入 李敏 单位和个人 王强 重庆某水泥有限公司 进入 王强 "
        "深圳市 单位和个人 林知远 申请入库的个人 进入 林知远 "
        "整个门户 系统管理 管理员 系统管理员 进入 管理员"
    ) in plain(page)
    assert re.findall(r'<button class="btn s" name="login" value="(\w+)">', page.text) == ["li", "wang", "lin", "root"]
    pressed = browser.post("/sign-in", {"login": "wang", "password": PASSWORD, "next": ""})
    assert pressed.location == "/home"


def test_the_door_leads_back_to_where_one_was(portal):
    browser = portal.client()
    assert 'href="/sign-in?next=/verify"' in browser.get("/verify").text
    answer = browser.post("/sign-in", {"login": "wang", "password": "correct horse 9", "next": "/verify"})
    assert answer.location == "/verify"


def test_by_when_what_is_done_stands_in_the_order_of_the_procedure(portal):
    """Along the diagram and those that it calls, not as the manifest happens to list it."""
    duty = """
[deadlines.{name}]
title   = "{title}"
kind    = "duty"
after   = "{after}"
within  = "5 working days"
met     = "{met}"
assumed = "试验"

"""
    later = duty.format(name="rechecked", title="复核", after="filed", met="done(recheck)")
    sooner = duty.format(name="told", title="告知", after="started", met="issued(notice)")
    inside = duty.format(name="own", title="内部环节", after="started", met="done(check)")
    listed = corrections.broken("procedure.toml", "[materials.text]", f"{later}{inside}{sooner}[materials.text]")
    with portal.database.transaction() as tx:
        publish(tx, listed, portal.now, "test")
    assert "多久办完 告知：5 个工作日 复核：5 个工作日，自收到申请的次日起算 " in plain(portal.client().get("/"))
